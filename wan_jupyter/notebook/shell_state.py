"""What the magics of one shell share: the provider in use, the sessions that were opened, the presenter. Floor 6."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from ..config import settings as environment
from ..errors import CredentialsError, JobError, SettingsError, WanError
from ..i18n.messages import current_language, language_of, tr
from ..security import key_detection
from ..security.api_key import Key
from ..session.orphans import Orphan, orphans
from . import display

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..jobs.job import Job
    from ..request.options import VideoRequest
    from ..session.session import Session
    from .display.presenter import Presenter


class UserConfig(Protocol):
    """What the user may set with `%config WanMagics.…`."""

    outputs: str
    language: str

    def values_set(self) -> Mapping[str, Any]:
        """Return what was set of the settings, by their names."""


class ShellState:
    """State of one shell's magics; loading the extension makes it, so nothing here is read or opened before its use."""

    def __init__(self, ip: Any, config: UserConfig) -> None:
        self.ip = ip
        notebook = str(ip.user_ns.get("__vsc_ipynb_file__", ""))
        self.fixed = environment.read_settings(notebook=notebook, files=False)  # loading never fails for a file
        self.named: str | None = None
        self.opened: dict[tuple[str | None, str, str], Session] = {}
        self.logins: Mapping[str, Key] = {}
        self._config = config
        self._noticed: set[str] = set()
        self._cost_announced = False
        self._language = self._configured_language()
        display.set_notebook_folder(ip, self.fixed.notebook)

    @property
    def presenter(self) -> Presenter:
        """What draws in this shell."""
        return display.presenter_of(self.ip)

    def speak(self, *_: object) -> None:
        """Put the user's language in force for the cell that begins: for sentences and errors."""
        language = language_of(self._config.language, self._language)
        current_language.set(language)
        display.set_language(self.ip, language)

    def _configured_language(self) -> str:
        try:
            return environment.read_settings(fixed=self.fixed).language
        except SettingsError:  # loading never fails for a file
            return self.fixed.language

    def session(self, name: str | None = None) -> Session:
        """Return the session of a name, or of a provider's, opened on the first use and kept."""
        from ..session.session import Session

        name = name or self.named
        key = (name, self._config.outputs, repr(self._config.values_set()))
        if key not in self.opened:
            outputs = Path(self._config.outputs) if self._config.outputs else None
            self.opened[key] = Session(name, outputs=outputs, settings=self.read())
        return self.opened[key]

    def read(self) -> Settings:
        """Read the settings anew: a key may have been set since (%env DASHSCOPE_API_KEY=…)."""
        found = replace(environment.read_settings(fixed=self.fixed, config=self.configured()), logins=self.logins)
        self.presenter.embedding.default = found.embed
        self._language = found.language
        self.speak()
        for key, values in found.notices:
            if (sentence := tr(key, **values)) not in self._noticed:
                self._noticed.add(sentence)
                self.presenter.show_text(sentence)
        return found

    def configured(self) -> Mapping[str, Any]:
        """Return what was set with `%config WanMagics.…` of what a settings file may say."""
        return self._config.values_set()

    def log_in(self, name: str, key: Key | None) -> None:
        """Use a key for a provider or session in this kernel; None: forget it. Jobs under way keep theirs."""
        others = {other: kept for other, kept in self.logins.items() if other != name}
        self.logins = {**others, name: key} if key else others
        for asked, session in list(self.opened.items()):
            if asked[0] is None or name in (session.name, session.provider.name):
                self.opened.pop(asked)._resources.release()

    def refuse_keys(self, line: str, cell: str = "") -> None:
        """Stop where a key was typed into a cell; it is also taken out of what IPython remembers.

        Raises:
            CredentialsError: there is a key in it.
        """
        if self._holds_key(f"%{line}\n{cell}"):
            self.forget_keys()

    def forget_keys(self) -> NoReturn:
        """Take every input that holds a key out of what IPython remembers, and refuse the cell that used one.

        Raises:
            CredentialsError: always.
        """
        self._refuse(self._holds_key)

    def refuse_key(self, word: str) -> None:
        """Stop where a word that is no name, in a name's place, may be a key; what has it as a word is forgotten.

        Raises:
            CredentialsError: it may be one.
        """
        if key_detection.may_be_key(word):
            self._refuse(lambda text: key_detection.has_word(text, word) or self._holds_key(text))

    def _refuse(self, unwanted: Callable[[str], bool]) -> NoReturn:
        from .history_redaction import forget_inputs

        raise CredentialsError("key.typed" if forget_inputs(self.ip, unwanted) else "key.typed_remembered")

    def known_keys(self) -> tuple[Key, ...]:
        """Return the keys of the environment as it is now, of `%wan login`, and of the sessions that are open."""
        found = environment.read_settings(fixed=self.fixed, files=False).keys
        opened = [key for session in self.opened.values() for key in session._known_keys]
        return (*found.values(), *self.logins.values(), *opened)

    def _holds_key(self, text: str) -> bool:
        """Tell whether a cell's text holds a key, or gives one by name on a magic's line."""
        lines = [line for line in text.splitlines() if line.lstrip().startswith("%")]
        return key_detection.holds_key(text, self.known_keys()) or any(map(key_detection.names_key, lines))

    def announce_cost(self, job: Job, session: Session, request: VideoRequest) -> None:
        """Say once what a cell costs: when the first job of this kernel goes to a service that is not the emulator."""
        if self._cost_announced or job.info.emulated or job.origin != "new":
            return None
        self._cost_announced = True
        price = session.price(request)
        if price is None:
            return self.presenter.say("cost.unknown", model=job.info.model, provider=job.provider)
        return self.presenter.say("cost.about", price=price, provider=job.provider, seen=price.seen)

    def session_of(self, job: Job) -> Session:
        """Return the session that a job started with; its provider's, where that is known no more."""
        try:
            return self.session(job.info.session)
        except SettingsError:
            return self.session(job.provider)

    def job(self, beginning: str) -> Job:
        """Return a job by the beginning of its id ("" is the newest), followed in this kernel if it is under way."""
        session = self.session()
        job = session.job(beginning) if beginning else self._newest(session)
        lost = job.done and session._registry.has_lost_video(job.id)  # the job's own session downloads it again
        return self.session_of(job)._registry.follow(job.id) if not job.snapshot.settled or lost else job

    def orphans(self) -> list[Orphan]:
        """Return the unfinished jobs that nobody carries out."""
        return orphans(self.fixed.home)

    def resume(self) -> tuple[list[Job], list[tuple[str, WanError]]]:
        """Go on with all unfinished jobs that no living process carries out.

        Returns:
            The jobs, and of those that cannot be gone on with here the ids, each with the reason.
        """
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
        try:
            return self.session(left.session)
        except SettingsError:
            return self.session(left.provider)

    def only_live(self) -> Job | None:
        """Return the only job under way in this kernel, None if there is none.

        Raises:
            JobError: there are several.
        """
        live = self.session().live_jobs()
        if len(live) > 1:
            raise JobError("job.which", candidates=", ".join(job.id for job in live))
        return live[0] if live else None

    @staticmethod
    def _newest(session: Session) -> Job:
        """Return the newest job: of this kernel, else of the journal."""
        from ..jobs import background
        from ..jobs.job import last

        kept = session.history(1)
        return last() if background.current().jobs or not kept else kept[0]
