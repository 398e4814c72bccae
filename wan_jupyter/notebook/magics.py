"""The magics: `%%wan` and `%wan`. Floor 6: a door that reads what was typed, calls one public function and returns.

What lasts between two cells lives on the `Desk`; what `%wan` can do is the table in `commands`.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from traitlets import Bool, Enum, Float, Int, Unicode

from ..config.setting_names import CONFIG, names_in
from ..errors import CredentialsError, OptionError, WanError
from ..i18n.messages import ENGLISH, LANGUAGES, current_language, tr
from ..request.command_line import ParsedCell, help_text, read_line
from ..request.options import VideoRequest
from . import commands
from .display.frontend import EMBED_FILE, EMBED_TOTAL, MB, is_heard
from .shell_state import ShellState

NAME = "wan"
SETTINGS = names_in(CONFIG)
SHOWN = 5  # ids of unfinished jobs that the greeting names


@magics_class
class WanMagics(Magics):
    """Videos from notebook cells."""

    # What each is for is said by `config.<name>` of the messages, when somebody asks (`%config WanMagics`).
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
        self.before = deepcopy(shell.config.get("WanMagics"))  # the user's profile, to which unloading goes back
        super().__init__(shell, parent=shell)
        self.state = ShellState(shell, self)
        self.observe(self.state.speak, "language")  # a form's next click comes without a cell before it

    @classmethod
    def class_get_trait_help(cls, trait: Any, inst: Any = None, helptext: str | None = None) -> str:
        """Return what `%config WanMagics` shows of one setting, in the language in force."""
        own = trait.name in cls.class_own_traits(config=True)
        text: str = super().class_get_trait_help(trait, inst, tr(f"config.{trait.name}") if own else helptext)
        return text

    def values_set(self) -> dict[str, Any]:
        """Return what was set of the settings, by their names."""
        return {name: value for name in SETTINGS if (value := getattr(self, name)) not in ("", None)}

    def greet(self) -> None:
        """Say in one line that jobs were left unfinished, or go on with them if the user wants that.

        Where no cell runs yet, since a profile has loaded the extension, the first cell says it.
        """
        if not is_heard(self.shell):
            self.shell.events.register("pre_run_cell", self.greet_late)
            return
        try:
            left = self.state.orphans()
        except WanError:  # loading never fails for a journal; the first cell will say what is wrong with it
            return
        if left and self.auto_resume:
            commands.run(self.state, "resume")
        elif left:
            self.state.presenter.say("resume.left", count=len(left), ids=", ".join(row.id for row in left[:SHOWN]))

    def greet_late(self, _: Any) -> None:
        """Greet in the first cell, and never again."""
        self.shell.events.unregister("pre_run_cell", self.greet_late)
        self.greet()

    @no_var_expand
    @cell_magic(NAME)
    def wan_cell(self, line: str, cell: str) -> None:
        """Make a video from the picture named in the line and the prompt in the body; %%wan --help says more."""
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
        """Ask about jobs, wait for them, choose a provider; %wan help lists the commands."""
        self.state.refuse_keys(line)
        return commands.run(self.state, line)

    def _request(self, typed: ParsedCell, cell: str) -> VideoRequest:
        """Return the request of a cell: templates filled from the notebook's variables.

        Raises:
            CredentialsError: a variable brought an API key in; what IPython remembers of it is forgotten.
        """
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
    """Register the magics, and let a `%%wan` cell be without a body."""
    made = WanMagics(ip)
    ip.register_magics(made)
    ip.events.register("pre_run_cell", made.state.speak)
    made.state.speak()
    # So marked, it is not asked whether what is typed so far is whole: a terminal would run the first line as it is,
    # and the prompt could never be typed.
    add_empty_body.has_side_effects = True  # type: ignore[attr-defined]
    ip.input_transformers_cleanup.append(add_empty_body)
    return made


def unregister(ip: Any) -> None:
    """Take the magics back."""
    for kind in ("line", "cell"):
        ip.magics_manager.magics[kind].pop(NAME, None)
    ours = ip.magics_manager.registry.pop(WanMagics.__name__, None)
    ip.config.pop(WanMagics.__name__, None)  # there %config keeps what was set
    if ours is not None and ours.before is not None:
        ip.config[WanMagics.__name__] = ours.before
    for session in ours.state.opened.values() if ours else ():
        session._resources.release()
    if ours is not None:
        ip.events.unregister("pre_run_cell", ours.state.speak)
        with suppress(ValueError):  # it has greeted
            ip.events.unregister("pre_run_cell", ours.greet_late)
        current_language.set(ENGLISH)
    ip.configurables[:] = [one for one in ip.configurables if one is not ours]
    if add_empty_body in ip.input_transformers_cleanup:
        ip.input_transformers_cleanup.remove(add_empty_body)


def add_empty_body(lines: list[str]) -> list[str]:
    """Give a `%%wan` cell without a body an empty one, which IPython would refuse before any magic is called."""
    text = [line for line in lines if line.strip()]
    alone = len(text) == 1 and text[0].split(maxsplit=1)[0] == f"%%{NAME}"
    return [text[0].rstrip("\r\n") + "\n", "\n"] if alone else lines
