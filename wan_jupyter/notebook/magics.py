"""The magics `%%wan` and `%wan`: parse what was typed, call one public function, return.

State that outlives a cell is in `ShellState`; the commands of `%wan` are the table in `commands`. Made by `%load_ext`,
so that imports which only a cell needs are inside the methods.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from traitlets import Bool, Enum, Float, Int, Unicode

from ..config.setting_names import CONFIG, names_in
from ..i18n.messages import ENGLISH, LANGUAGES, current_language, tr
from .display.frontend import EMBED_FILE, EMBED_TOTAL, MB, is_heard
from .shell_state import ShellState

if TYPE_CHECKING:
    from ..request.command_line import ParsedCell
    from ..request.options import VideoRequest
    from ..session.orphans import Orphan

NAME = "wan"
SETTINGS = names_in(CONFIG)
MAX_IDS = 5  # ids of unfinished jobs in the greeting


@magics_class
class WanMagics(Magics):
    """Videos from notebook cells."""

    # `%config WanMagics` explains each with the message `config.<name>`.
    outputs = Unicode("").tag(config=True)
    provider = Unicode("").tag(config=True)
    model = Unicode("").tag(config=True)
    duration = Int(None, allow_none=True).tag(config=True)
    resolution = Enum(("", "480P", "720P", "1080P"), "").tag(config=True)
    negative_prompt = Unicode("").tag(config=True)
    embed = Enum(("", "auto", "always", "never"), "").tag(config=True)
    embed_limit_mb = Float(EMBED_FILE / MB).tag(config=True)
    embed_total_mb = Float(EMBED_TOTAL / MB).tag(config=True)
    language = Enum(("", *LANGUAGES), "").tag(config=True)
    wait = Enum(("auto", "always", "never"), "auto").tag(config=True)
    progress = Enum(("auto", "widget", "text", "terminal", "none"), "auto").tag(config=True)
    notify = Enum(("none", "bell", "sound"), "none").tag(config=True)
    auto_resume = Bool(False).tag(config=True)

    def __init__(self, shell: Any) -> None:
        self.before = deepcopy(shell.config.get("WanMagics"))  # the user's profile, restored when unloading
        super().__init__(shell, parent=shell)
        self.state = ShellState(shell, self)
        self.observe(self.state.speak, "language")  # no cell runs before the next click in a form

    @classmethod
    def class_get_trait_help(cls, trait: Any, inst: Any = None, helptext: str | None = None) -> str:
        """Return the help of one setting for `%config WanMagics`, in the language in force."""
        own = trait.name in cls.class_own_traits(config=True)
        text: str = super().class_get_trait_help(trait, inst, tr(f"config.{trait.name}") if own else helptext)
        return text

    def values_set(self) -> dict[str, Any]:
        """Return the settings that are set, by name."""
        return {name: value for name in SETTINGS if (value := getattr(self, name)) not in ("", None)}

    def greet(self) -> None:
        """Say in one line that jobs were left unfinished, or resume them if the user wants that.

        If a profile loads the extension, no cell runs yet; then the first cell greets.
        """
        if not is_heard(self.shell):
            self.shell.events.register("pre_run_cell", self.greet_late)
            return
        left = self._unfinished_jobs()
        if left and self.auto_resume:
            from . import commands

            commands.run(self.state, "resume")
        elif left:
            ids = ", ".join(orphan.id for orphan in left[:MAX_IDS])
            self.state.presenter.say("resume.left", count=len(left), ids=ids)

    def _unfinished_jobs(self) -> list[Orphan]:
        from ..errors import WanError

        try:
            return self.state.orphans()
        except WanError:  # a broken journal must not stop loading; the first cell reports it
            return []

    def greet_late(self, _: Any) -> None:
        """Greet in the first cell, and never again."""
        self.shell.events.unregister("pre_run_cell", self.greet_late)
        self.greet()

    @no_var_expand
    @cell_magic(NAME)
    def wan_cell(self, line: str, cell: str) -> None:
        """Make a video from the picture named in the line and the prompt in the body; see %%wan --help."""
        from ..errors import OptionError
        from ..request.command_line import help_text, read_line

        self.state.refuse_keys(line, cell)
        typed = read_line(line, self.shell.user_ns)
        how, show = typed.cell, self.state.presenter
        if how.help:
            return show.show_text(help_text())
        request = self._request(typed, cell)
        if how.session and how.provider:
            raise OptionError("option.two_services", session=how.session, provider=how.provider)
        session = self.state.session(how.session or how.provider)
        if how.dry_run:
            return show.show_dry_run(session.dry_run(request))
        typed_cell = f"%%wan {line}\n{cell}".rstrip()
        job = session._submit(request, new=how.new, cell=typed_cell, budget=how.budget, yes=how.yes)
        if how.out:
            self.shell.user_ns[how.out] = job
        self.state.announce_cost(job, session, request)
        show.show(job, wait=how.wait, timeout=how.timeout, embed=how.embed or "", quiet=how.quiet)
        return None

    @no_var_expand
    @line_magic(NAME)
    def wan_line(self, line: str) -> Any:
        """Show jobs, wait for them, choose a provider; %wan help lists the commands."""
        from . import commands

        self.state.refuse_keys(line)
        return commands.run(self.state, line)

    def _request(self, typed: ParsedCell, cell: str) -> VideoRequest:
        """Return the request of a cell: templates filled from the notebook's variables.

        Raises:
            CredentialsError: a variable brought an API key in; it is removed from IPython's history.
        """
        from ..errors import CredentialsError
        from ..request.build import build_request
        from ..request.templates import fill, normal

        names, options = self.shell.user_ns, dict(typed.asked)
        if "negative_prompt" in options and "negative_prompt" not in typed.looked_up:
            options["negative_prompt"] = fill(options["negative_prompt"], names)
        pairs = zip(typed.images, typed.image_labels, strict=False)
        labels = [label if value is not label else "" for value, label in pairs]
        try:
            return build_request(
                normal(cell),
                images=typed.images,
                labels=labels,
                options=options,
                filled_prompt=fill(cell, names),
                keys=self.state.known_keys(),
            )
        except CredentialsError:
            self.state.forget_keys()


def register(ip: Any) -> WanMagics:
    """Register the magics, and allow `%%wan` cells without a body."""
    made = WanMagics(ip)
    ip.register_magics(made)
    ip.events.register("pre_run_cell", made.state.speak)
    made.state.speak()
    # The mark excludes it from the check whether a cell is complete: otherwise a terminal would run the first line
    # alone, and the prompt could never be typed.
    add_empty_body.has_side_effects = True  # type: ignore[attr-defined]
    ip.input_transformers_cleanup.append(add_empty_body)
    return made


def unregister(ip: Any) -> None:
    """Unregister the magics."""
    for kind in ("line", "cell"):
        ip.magics_manager.magics[kind].pop(NAME, None)
    ours = ip.magics_manager.registry.pop(WanMagics.__name__, None)
    ip.config.pop(WanMagics.__name__, None)  # %config stores its values there
    if ours is not None and ours.before is not None:
        ip.config[WanMagics.__name__] = ours.before
    for session in ours.state.opened.values() if ours else ():
        session._resources.release()
    if ours is not None:
        ip.events.unregister("pre_run_cell", ours.state.speak)
        with suppress(ValueError):  # it has greeted already
            ip.events.unregister("pre_run_cell", ours.greet_late)
        current_language.set(ENGLISH)
    ip.configurables[:] = [other for other in ip.configurables if other is not ours]
    if add_empty_body in ip.input_transformers_cleanup:
        ip.input_transformers_cleanup.remove(add_empty_body)


def add_empty_body(lines: list[str]) -> list[str]:
    """Give a `%%wan` cell without a body an empty one; IPython would refuse it before calling the magic."""
    text = [line for line in lines if line.strip()]
    alone = len(text) == 1 and text[0].split(maxsplit=1)[0] == f"%%{NAME}"
    return [text[0].rstrip("\r\n") + "\n", "\n"] if alone else lines
