"""The magics: `%%wan` and `%wan`. Floor 6: a door that reads what was typed, calls one public function and returns.

State lives on the `WanMagics` instance: which provider is in use, and the sessions that were opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import signature
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from traitlets import Unicode

from . import settings as environment
from . import ui
from .errors import JobError, OptionError, PromptError, SettingsError, WanError
from .messages import say
from .options import Typed, help_text, read_line, split
from .request import VideoRequest, nearest, shorten

if TYPE_CHECKING:
    from .job import Job
    from .session import Session
    from .ui.present import Presenter

NAME = "wan"


@magics_class
class WanMagics(Magics):
    """Videos from notebook cells."""

    outputs = Unicode("", help="The folder for videos; empty: wan_outputs beside the notebook.").tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell, parent=shell)
        notebook = str(shell.user_ns.get("__vsc_ipynb_file__", ""))
        self._settings = environment.read(notebook=notebook)
        ui.settle(shell, self._settings.notebook)
        self._provider: str | None = None
        self._sessions: dict[tuple[str | None, str], Session] = {}

    # ---- %%wan ------------------------------------------------------------------------------------------------

    @no_var_expand
    @cell_magic(NAME)
    def wan_cell(self, line: str, cell: str) -> None:
        """Make a video from the picture named in the line and the prompt in the body; %%wan --help says more."""
        typed = read_line(line, self.shell.user_ns)
        how = typed.cell
        if how.help:
            return self._show.show_text(help_text())
        request = self._request(typed, cell)
        session = self._session(how.provider)
        if how.dry_run:
            return self._show.show_dry_run(session.dry_run(request))
        job = session.order(request, new=how.new, cell=f"%%wan {line}\n{cell}".rstrip())
        if how.out:
            self.shell.user_ns[how.out] = job
        self._show.show(job, wait=how.wait, timeout=how.timeout, embed=how.embed or "auto", quiet=how.quiet)
        return None

    def _request(self, typed: Typed, cell: str) -> VideoRequest:
        from .image import take
        from .prompt import fill, normal

        filled = normal(fill(cell, self.shell.user_ns))
        named = zip(("first", "last"), typed.images, typed.image_labels, strict=False)
        frames: dict[str, Any] = {
            role: take(value, label=label if value is not label else "") for role, value, label in named
        }
        if not frames and not filled:
            raise PromptError("prompt.empty")
        asked = dict(typed.asked)
        if "negative_prompt" in asked:
            asked["negative_prompt"] = fill(asked["negative_prompt"], self.shell.user_ns)
        return VideoRequest(prompt=normal(cell), filled_prompt=filled, **frames, **asked)

    # ---- %wan -------------------------------------------------------------------------------------------------

    @no_var_expand
    @line_magic(NAME)
    def wan_line(self, line: str) -> Any:
        """Ask about jobs, wait for them, choose a provider; %wan help lists the commands."""
        words = split(line)
        name, *rest = words or ["where"]
        try:
            command = COMMANDS[ALIASES.get(name, name)]
        except KeyError:
            suggestion = nearest(name, COMMANDS)
            raise OptionError("command.unknown", name=name, suggestion=suggestion) from None
        try:
            signature(command).bind(self, *rest)
        except TypeError:
            raise OptionError("command.too_many", name=name, value=shorten(rest[-1])) from None
        return command(self, *rest)

    def where(self) -> None:
        """Say what is in use: provider, key's source, outputs, jobs under way."""
        session = self._session()
        live = [job.id for job in session.live_jobs()]
        facts = {
            "provider": f"{session.provider.name} ({session.provider.title})",
            "address": say("where.in_kernel") if session.in_process else session.provider.origin,
            "key": session.key.source if session.key else say("where.no_key"),
            "outputs": session.outputs,
            "jobs": ", ".join(live) or say("where.no_jobs"),
        }
        width = max(len(say(f"where.{name}")) for name in facts)
        self._show.show_text("\n".join(f"{say(f'where.{name}'):<{width}}  {value}" for name, value in facts.items()))

    def use(self, name: str = "") -> None:
        """Choose the provider for this notebook's cells."""
        if not name:
            raise SettingsError("provider.which", names=", ".join(_provider_names()))
        session = self._session(name)
        self._provider = name
        self._show.say("where.now", provider=name, title=session.provider.title)

    def jobs(self) -> None:
        """List the newest jobs."""
        self._show.show_jobs(self._session().history())

    def models(self, name: str = "") -> None:
        """List the models that are known, or show one with all that is known of it."""
        from .ui.models import details, head, overview

        self._show.show_rows(details(name), []) if name else self._show.show_rows(overview(), head())

    def show(self, beginning: str = "") -> Job:
        """Show a job's output again, and return the job."""
        job = self._job(beginning)
        self._show.show(job, wait=False)
        return job

    def wait(self, *beginnings: str) -> None:
        """Wait for jobs, or for all that are under way."""
        session = self._session()
        jobs = [self._job(one) for one in beginnings] or session.live_jobs() or session.resume()
        if not jobs:
            self._show.say("wait.nothing")
        problems: list[WanError] = []
        for job in jobs:
            try:
                if not self._show.show(job, wait=True):
                    break  # the user stopped the wait, for all of them
            except WanError as problem:
                problems.append(problem)
        if problems:
            raise problems[0]

    def cancel(self, beginning: str = "") -> None:
        """Ask for a job to be stopped; without an id, the only one under way."""
        job = self._job(beginning) if beginning else self._only_live()
        if job is None:
            return self._show.say("wait.nothing")
        if not job.status.live:
            return self._show.say("cancel.ended", id=job.id, state=say(f"state.{job.status.lower()}"))
        job.cancel()
        return self._show.say("cancel.asked", id=job.id)

    def help(self) -> None:
        """List the commands."""
        rows = "\n".join(f"  %wan {name:<8} {say(f'command.{name}')}" for name in COMMANDS if name != "where")
        self._show.show_text(f"{say('command.title')}\n\n  %wan          {say('command.where')}\n{rows}")

    # ---- inside -----------------------------------------------------------------------------------------------

    @property
    def _show(self) -> Presenter:
        return ui.presenter(self.shell)

    def _session(self, provider: str | None = None) -> Session:
        """Return the session for a provider, opened on the first use and kept."""
        from .session import Session

        name = provider or self._provider
        key = (name, self.outputs)
        if key not in self._sessions:
            outputs = Path(self.outputs) if self.outputs else None
            # Read anew: a key may have been set since (%env DASHSCOPE_API_KEY=…). Home and folder stay as they were.
            found = replace(environment.read(), home=self._settings.home, notebook=self._settings.notebook)
            self._sessions[key] = Session(name, outputs=outputs, settings=found)
        return self._sessions[key]

    def _job(self, beginning: str) -> Job:
        """Return a job by the beginning of its id ("" is the newest), followed in this kernel if it is under way."""
        session = self._session()
        job = session.job(beginning) if beginning else self._newest(session)
        return self._session(job.provider).follow(job.id) if job.status.live else job

    @staticmethod
    def _newest(session: Session) -> Job:
        """Return the newest job: of this kernel, else of the journal."""
        from . import engine, last

        kept = session.history(1)
        return last() if engine.current().jobs or not kept else kept[0]

    def _only_live(self) -> Job | None:
        """Return the only job under way in this kernel, None if there is none.

        Raises:
            JobError: there are several.
        """
        live = self._session().live_jobs()
        if len(live) > 1:
            raise JobError("job.which", candidates=", ".join(job.id for job in live))
        return live[0] if live else None


ALIASES: Mapping[str, str] = MappingProxyType({"--help": "help", "-h": "help"})
COMMANDS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "where": WanMagics.where,
        "use": WanMagics.use,
        "jobs": WanMagics.jobs,
        "show": WanMagics.show,
        "wait": WanMagics.wait,
        "cancel": WanMagics.cancel,
        "models": WanMagics.models,
        "help": WanMagics.help,
    }
)


def register(ip: Any) -> None:
    """Register the magics, and let a `%%wan` cell be without a body."""
    ip.register_magics(WanMagics(ip))
    # So marked, it is not asked whether what is typed so far is whole: a terminal would run the first line as it is,
    # and the prompt could never be typed.
    give_body.has_side_effects = True  # type: ignore[attr-defined]
    ip.input_transformers_cleanup.append(give_body)


def unregister(ip: Any) -> None:
    """Take the magics back."""
    for kind in ("line", "cell"):
        ip.magics_manager.magics[kind].pop(NAME, None)
    ours = ip.magics_manager.registry.pop(WanMagics.__name__, None)
    ip.configurables[:] = [one for one in ip.configurables if one is not ours]
    if give_body in ip.input_transformers_cleanup:
        ip.input_transformers_cleanup.remove(give_body)


def give_body(lines: list[str]) -> list[str]:
    """Give a `%%wan` cell without a body an empty one, which IPython would refuse before any magic is called."""
    text = [line for line in lines if line.strip()]
    alone = len(text) == 1 and text[0].split(maxsplit=1)[0] == f"%%{NAME}"
    return [text[0].rstrip("\r\n") + "\n", "\n"] if alone else lines


def _provider_names() -> list[str]:
    from . import catalog

    return list(catalog.providers())
