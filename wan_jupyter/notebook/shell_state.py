"""The state that the magics of one shell share: the provider in use, the open sessions, keys, the language.

Made by `%load_ext`, so that imports which only a cell needs are inside the methods.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from ..config.folders import find_folders
from ..i18n.messages import current_language, language_of, tr
from . import display

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..errors import WanError
    from ..jobs.job import Job
    from ..request.options import VideoRequest
    from ..security.api_key import Key
    from ..session.orphans import Orphan
    from ..session.session import Session
    from .display.presenter import Presenter


class UserConfig(Protocol):
    """The settings that `%config WanMagics.…` offers."""

    outputs: str
    language: str

    def values_set(self) -> Mapping[str, Any]:
        """Return the settings that are set, by name."""


class ShellState:
    """State of one shell's magics; reads and opens nothing before it is needed.

    Attributes:
        ip: the IPython shell.
        folders: home and notebook folder, fixed when the extension is loaded.
        named: the provider or session chosen with `%wan use`.
        opened: the open sessions, by name and the settings they were opened with.
        logins: keys typed at `%wan login`, by provider or session.
    """

    def __init__(self, ip: Any, config: UserConfig) -> None:
        self.ip = ip
        notebook = str(ip.user_ns.get("__vsc_ipynb_file__", ""))
        self.folders = find_folders(os.environ, notebook)
        self.named: str | None = None
        self.opened: dict[tuple[str | None, str, str], Session] = {}
        self.logins: Mapping[str, Key] = {}
        self._config = config
        self._noticed: set[str] = set()
        self._cost_announced = False
        self._language = ""  # of environment and files; not read yet
        display.set_notebook_folder(ip, self.folders.notebook)

    @property
    def presenter(self) -> Presenter:
        """The presenter of this shell."""
        return display.presenter_of(self.ip)

    def speak(self, *_: object) -> None:
        """Put the user's language in force for the cell that begins; it is found when a sentence is needed."""
        current_language.set(self.language)
        if hasattr(self.ip, display.PRESENTER_ATTRIBUTE):
            display.set_language(self.ip, self.language())

    def language(self) -> str:
        """Return the language to speak: of `%config`, the environment, the settings files or the system."""
        if not self._language and not self._config.language:
            self._language = self._settings(files=False).language  # for errors in the files themselves
            self._language = self._configured_language()
        return language_of(self._config.language, self._language)

    def _configured_language(self) -> str:
        from ..errors import SettingsError

        try:
            return self._settings().language
        except SettingsError:  # the first cell will report what is wrong with the file
            return self._language

    def _settings(self, *, files: bool = True) -> Settings:
        from ..config.settings import read_settings

        return read_settings(fixed=self.folders, files=files)

    def session(self, name: str | None = None) -> Session:
        """Return the session of a name or provider; it is opened on first use and kept."""
        from ..session.session import Session

        name = name or self.named
        key = (name, self._config.outputs, repr(self._config.values_set()))
        if key not in self.opened:
            outputs = Path(self._config.outputs) if self._config.outputs else None
            self.opened[key] = Session(name, outputs=outputs, settings=self.read())
        return self.opened[key]

    def read(self) -> Settings:
        """Read the settings again: a key may have been set since (%env DASHSCOPE_API_KEY=…)."""
        from dataclasses import replace

        from ..config.settings import read_settings

        found = replace(read_settings(fixed=self.folders, config=self.configured()), logins=self.logins)
        self.presenter.embedding.default = found.embed
        self._language = found.language
        self.speak()
        for key, values in found.notices:
            if (sentence := tr(key, **values)) not in self._noticed:
                self._noticed.add(sentence)
                self.presenter.show_text(sentence)
        return found

    def configured(self) -> Mapping[str, Any]:
        """Return the settings that `%config WanMagics.…` set, by name."""
        return self._config.values_set()

    def log_in(self, name: str, key: Key | None) -> None:
        """Use a key for a provider or session in this kernel, or forget it (None); unfinished jobs keep theirs."""
        others = {other: kept for other, kept in self.logins.items() if other != name}
        self.logins = {**others, name: key} if key else others
        for asked, session in list(self.opened.items()):
            if asked[0] is None or name in (session.name, session.provider.name):
                self.opened.pop(asked)._resources.release()

    def refuse_keys(self, line: str, cell: str = "") -> None:
        """Refuse a cell that holds a key, and remove the key from IPython's history.

        Raises:
            CredentialsError: the cell holds a key.
        """
        if self._holds_key(f"%{line}\n{cell}"):
            self.forget_keys()

    def forget_keys(self) -> NoReturn:
        """Remove every input that holds a key from IPython's history, and refuse the cell that used one.

        Raises:
            CredentialsError: always.
        """
        self._refuse(self._holds_key)

    def refuse_key(self, word: str) -> None:
        """Refuse a word in place of a name that may be a key, and remove the inputs that contain it from the history.

        Raises:
            CredentialsError: the word may be a key.
        """
        from ..security import key_detection

        if key_detection.may_be_key(word):
            self._refuse(lambda text: key_detection.has_word(text, word) or self._holds_key(text))

    def _refuse(self, unwanted: Callable[[str], bool]) -> NoReturn:
        from ..errors import CredentialsError
        from .history_redaction import forget_inputs

        raise CredentialsError("key.typed" if forget_inputs(self.ip, unwanted) else "key.typed_remembered")

    def known_keys(self) -> tuple[Key, ...]:
        """Return the keys of the current environment, of `%wan login`, and of the open sessions."""
        found = self._settings(files=False).keys
        opened = [key for session in self.opened.values() for key in session._known_keys]
        return (*found.values(), *self.logins.values(), *opened)

    def _holds_key(self, text: str) -> bool:
        """Return whether a cell's text holds a key, or names one on a magic's line (`api_key=…`)."""
        from ..security import key_detection

        lines = [line for line in text.splitlines() if line.lstrip().startswith("%")]
        return key_detection.holds_key(text, self.known_keys()) or any(map(key_detection.names_key, lines))

    def announce_cost(self, job: Job, session: Session, request: VideoRequest) -> None:
        """Say what a cell costs, once: for the first job of this kernel that is not on the emulator."""
        if self._cost_announced or job.info.emulated or job.origin != "new":
            return None
        self._cost_announced = True
        price = session.price(request)
        if price is None:
            return self.presenter.say("cost.unknown", model=job.info.model, provider=job.provider)
        return self.presenter.say("cost.about", price=price, provider=job.provider, seen=price.seen)

    def session_of(self, job: Job) -> Session:
        """Return the session of a job, or its provider's if that session no longer exists."""
        from ..errors import SettingsError

        try:
            return self.session(job.info.session)
        except SettingsError:
            return self.session(job.provider)

    def job(self, beginning: str) -> Job:
        """Return a job by the beginning of its id ("" for the newest); an unfinished one is followed in this kernel."""
        session = self.session()
        job = session.job(beginning) if beginning else self._newest(session)
        file_lost = job.done and session._registry.has_lost_video(job.id)  # its own session downloads it again
        return self.session_of(job)._registry.follow(job.id) if not job.snapshot.settled or file_lost else job

    def orphans(self) -> list[Orphan]:
        """Return the unfinished jobs that no process follows; a home without a journal has none."""
        from ..session.orphans import orphans

        return orphans(self.folders.home)

    def resume(self) -> tuple[list[Job], list[tuple[str, WanError]]]:
        """Resume all unfinished jobs that no living process follows.

        Returns:
            The jobs, and the ids of jobs that cannot be resumed here, each with the reason.
        """
        from ..errors import WanError

        found: list[Job] = []
        problems: list[tuple[str, WanError]] = []
        for left in self.orphans():
            try:
                job = self._session_of(left)._registry.follow(left.id)
            except WanError as problem:
                problems.append((left.id, problem))
                continue
            if job.done and job.error is not None and not job.snapshot.settled:
                problems.append((left.id, job.error))
            else:
                found.append(job)
        return found, problems

    def _session_of(self, left: Orphan) -> Session:
        from ..errors import SettingsError

        try:
            return self.session(left.session)
        except SettingsError:
            return self.session(left.provider)

    def only_live(self) -> Job | None:
        """Return the only unfinished job of this kernel, None if it has none.

        Raises:
            JobError: there are several.
        """
        from ..errors import JobError

        live = self.session().live_jobs()
        if len(live) > 1:
            raise JobError("job.which", candidates=", ".join(job.id for job in live))
        return live[0] if live else None

    @staticmethod
    def _newest(session: Session) -> Job:
        """Return the newest job of this kernel, else of the journal."""
        from ..jobs import background
        from ..jobs.job import last

        kept = session.history(1)
        return last() if background.current().jobs or not kept else kept[0]
