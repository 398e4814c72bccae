"""What a session works with: its provider and key, its client, and what its process has once for all sessions."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Any

from ..catalog import plan as catalog
from ..catalog.plan import Provider
from ..config.provider_selection import ProviderSelection
from ..config.settings import OUTPUTS, Settings
from ..jobs import background
from ..jobs.background import Clock, Engine, RealClock
from ..security.api_key import Key
from ..security.log_redaction import Scrubber
from ..storage.home import HomeLayout
from ..storage.input_spool import Spool
from ..storage.journal.journal import Journal
from ..storage.process_lock import Owner
from ..transport.client import Client


class SessionResources:
    """One provider, one key, one outputs folder; journal, lock and emulator are shared through the process's engine.

    Attributes:
        name: the session's name, by default its provider's.
        key: the API key, None where the provider needs none.
        outputs: the folder for videos, absolute.
    """

    def __init__(self, chosen: ProviderSelection, outputs: str | Path | None, clock: Clock | None) -> None:
        self.settings: Settings = chosen.settings
        self.clock: Clock = clock or RealClock()
        self.name: str = chosen.name
        self.provider: Provider = chosen.provider
        self.key: Key | None = chosen.key
        default = self.settings.outputs or self.settings.notebook / OUTPUTS
        self.outputs = Path(outputs).expanduser().absolute() if outputs else default
        self._opened: tuple[Engine, Client] | None = None

    @property
    def journal(self) -> Journal:
        """The journal in this `WAN_HOME`."""
        home = self.settings.home
        shared: Journal = background.current().share(("journal", home), lambda: Journal(home))
        return shared

    @cached_property
    def account(self) -> str:
        """A name for the key's account that does not reveal the key; "" without a key."""
        return self.key.tag(self.journal.salt()) if self.key else ""

    @property
    def known_keys(self) -> tuple[Key, ...]:
        """The keys that no request may hold: this session's, those of the environment, and those of `%wan login`."""
        own = (self.key,) if self.key and self.provider.key != "built-in" else ()
        return (*own, *self.settings.keys.values(), *self.settings.logins.values())

    @property
    def owner(self) -> Owner:
        """This process, as the journal knows it."""
        home = self.settings.home
        shared: Owner = background.current().share(("owner", home), lambda: Owner(home))
        return shared

    @property
    def spool(self) -> Spool:
        """Where images are kept until their jobs end."""
        return Spool(HomeLayout(self.settings.home).inputs)

    @property
    def client(self) -> Client:
        """This process's client. After a fork a new one is made: the parent's connections must not be used."""
        engine = background.current()
        if self._opened is None or self._opened[0] is not engine:
            scrubber = engine.share(("scrubber", ""), lambda: Scrubber(engine.is_here))
            scrubber.know(self.key if self.provider.key != "built-in" else None)
            self._opened = engine, Client(self.provider.origin, self.key, self._emulator())
        return self._opened[1]

    def release(self) -> None:
        """Close the connections, unless a job of this session is under way and needs them."""
        engine = background.current()
        busy = any(not job.done and job.info.session == self.name for job in engine.jobs.values())
        if self._opened is not None and self._opened[0] is engine and not busy:
            engine.start(self._opened[1].close)

    @property
    def in_process(self) -> bool:
        """Whether the service is the emulator in this process; it may also run at an address of its own."""
        return self.provider.base_url == catalog.provider(catalog.EMULATOR).base_url

    def unneeded_emulator_files(self, task_ids: Collection[str]) -> list[Path] | None:
        """List the emulator's files that none of these tasks needs; None while another process serves them."""
        from ..emulator.cleanup import spare

        now = self.settings.emulator.get("now", self.clock.time)
        return spare(HomeLayout(self.settings.home).emulator, task_ids, now())

    def count_processes(self) -> int:
        """Count the living processes with jobs of this account at this address, this one included."""
        now, mine = self.clock.time(), self.owner
        owners = self.journal.owners_of(self.account, self.provider.base_url)
        return len({mine.name, *(name for name, beat in owners if mine.is_alive(name, beat, now))})

    def _emulator(self) -> Any:
        """Return the emulator in this process, None for other services; imported only if it is used."""
        if not self.in_process:
            return None
        from ..emulator import create_app

        folder, options = HomeLayout(self.settings.home).emulator, self.settings.emulator
        return background.current().share(("emulator", folder), lambda: create_app(folder, **options))
