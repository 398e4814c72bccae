"""The form: widgets in, a draft out; the draft's outlook and jobs shown below. One a display."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ...billing.money import Price
from ...errors import OptionError, WanError
from ...i18n.messages import language_scope, tr, translated
from ...jobs.background import current, logger
from ...rendering import Bundle
from ...rendering import composer as html
from ...security.sanitize import one_line
from ...session.session import Composer
from ...storage.notebook_inputs import keep_beside
from ...workflows.composer_draft import Draft, Outlook, as_now, cell_of, outlook, request_of
from ...workflows.composer_options import Offer, fitted
from ..display.presenter import Presenter
from ..display.surfaces.base import WIDGET_VIEW, close
from .debounce import Debounce
from .frame_picker import FramePicker, saved
from .job_list import JobList, relative
from .option_controls import FILL, LABEL, OptionControls
from .translations import Translations


class Form:
    """What a composer looks like in a notebook."""

    def __init__(self, composer: Composer, presenter: Presenter, names: Mapping[str, object]) -> None:
        self._composer, self._presenter, self._names = composer, presenter, names
        self._session, self._words = composer.session, Translations(presenter.language)
        self._quiet = False
        self.draft = Draft()
        self._offer: Offer | None = None
        self._problem: WanError | None = None  # of what was typed and became no part of the draft
        self._watch = Debounce(current(), self._look, self._show, self._fail)
        self._build()
        self._choose()

    def display(self) -> None:
        """Show the form as the output of the cell that runs."""
        from IPython.display import display

        words = self._words("compose.reader")
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        first: Bundle = {WIDGET_VIEW: view, "text/html": html.notes([words]), "text/plain": words}
        display(first, raw=True)

    def speak(self, language: str) -> None:
        """Say all that the form says in another language; what a click had brought is gone."""
        self._words.speak(language)
        self._head.value = self._title()
        self._controls.speak()
        for panel in self._panels:
            panel.speak()
        self._guard(self._choose)

    def cell(self) -> str:
        """Return the text of the cell that asks for the same; what was uploaded is saved for it.

        Raises:
            OptionError: a cell's line has no way to write it.
            OutputError: an upload cannot be saved.
        """
        return self._cell()[0]

    def close(self) -> None:
        """Take the form away; its jobs go on."""
        self._controls.close()
        close(self.box)

    # ---- making the widgets -----------------------------------------------------------------------------------

    def _build(self) -> None:
        import ipywidgets as w

        words = self._words
        self._head = w.HTML(self._title())
        self._panels = [FramePicker(role, self._names, self._choose, self._guard, words) for role in ("first", "last")]
        self._prompt = w.Textarea(rows=3, style=dict(LABEL))
        words.put(self._prompt, "placeholder", "compose.prompt_hint")
        words.put(self._prompt, "description", "compose.prompt")
        self._prompt.observe(lambda _: self._guard(self._type), names="value")
        self._prompt.add_class("wan-wide")
        self._model = w.Dropdown(layout=dict(FILL), style=dict(LABEL))
        words.put(self._model, "description", "compose.model")
        self._model.observe(lambda _: self._guard(self._choose), names="index")
        self._model.add_class("wan-model")
        self._controls = OptionControls(lambda: self._guard(self._choose), words)
        self._said = w.HTML()
        self._notes = w.HTML()
        self._cell_area = w.HTML()
        self._shelf = JobList(self._presenter)
        frames = w.HBox([panel.box for panel in self._panels])
        frames.add_class("wan-frames")
        parts = [self._head, frames, self._tools(w), self._prompt, self._model, self._controls.box, self._said]
        self.box = w.VBox([*parts, self._buttons(w), self._notes, self._cell_area, self._shelf.box])
        self.box.add_class("wan-composer")

    def _title(self) -> str:
        provider = self._session.provider
        return html.head(f"{provider.name} · {translated(provider.title, self._words.language)}", self._words.language)

    def _tools(self, w: Any) -> Any:
        made = [self._button(w, "swap", self._swap), self._button(w, "refresh", self._refresh)]
        return _row(w.HBox(made))

    def _buttons(self, w: Any) -> Any:
        self._generate = self._button(w, "generate", self._send)
        self._generate.button_style, self._generate.disabled = "primary", True
        self._new = w.Checkbox(indent=False, layout={"width": "auto"})
        self._words.put(self._new, "description", "compose.new")
        self._words.put(self._new, "tooltip", "compose.new_hint")
        self._new.observe(lambda _: self._guard(self._choose), names="value")
        return _row(w.HBox([self._generate, self._button(w, "to_cell", self._show_cell), self._new]))

    def _button(self, w: Any, name: str, act: Callable[[], None]) -> Any:
        made = w.Button()
        self._words.put(made, "description", f"compose.{name}")
        self._words.put(made, "tooltip", f"compose.{name}_hint")
        made.on_click(lambda _: self._guard(act))
        made.add_class(f"wan-{name.replace('_', '-')}")
        return made

    def _guard(self, act: Callable[[], None]) -> None:
        """Do what a widget asks for; what goes wrong is said in the form, since nobody sees a callback's error."""
        try:
            with language_scope(self._words.language):
                act()
        except WanError as problem:
            self._notes.value = html.outlook("", problem.lines(self._words.language), ())
        except Exception as error:
            logger.exception("the form failed")
            self._notes.value = html.outlook("", [self._trouble(error)], ())

    def _trouble(self, error: Exception) -> str:
        return self._words("compose.trouble", error=one_line(f"{type(error).__name__}: {error}", 200))

    # ---- what people do; the kernel's thread --------------------------------------------------------------------

    def _type(self) -> None:
        """Take the prompt in; nothing that there is to choose depends on it."""
        self.draft = replace(self.draft, prompt=self._prompt.value)
        self._changed([])

    def _choose(self) -> None:
        """Take everything in, and let what there is to choose follow the pictures and the model."""
        if self._quiet:
            return
        asked, problem = self._controls.asked()
        model = self._chosen_model()
        first, last = (panel.frame for panel in self._panels)
        asked = {**({"model": model} if model else {}), **asked}
        draft = Draft(prompt=self._prompt.value, first=first, last=last, asked=asked, new=self._new.value)
        self.draft, there, lost = fitted(draft, self._session, self._words.language)
        self._problem = next((panel.problem for panel in self._panels if panel.problem), problem)
        if there != self._offer:
            self._fill(there)
        self._changed(lost)

    def _chosen_model(self) -> str | None:
        at = self._model.index
        return self._offer.models[at][1] if self._offer and at is not None else None

    def _fill(self, there: Offer) -> None:
        """Show another offer; what the widgets then hold is the draft."""
        self._quiet = True
        try:
            self._offer = there
            labels = [label for label, _ in there.models]
            ids = [name for _, name in there.models]
            chosen = self.draft.asked.get("model")
            if tuple(self._model.options) != tuple(labels):
                self._model.options = labels
            self._model.index = ids.index(chosen) if chosen in ids else (0 if ids else None)
            self._controls.show(there, self.draft.asked)
        finally:
            self._quiet = False

    def _changed(self, lost: list[str]) -> None:
        self._notes.value = html.notes(lost)
        self._cell_area.value = ""  # it says something else now
        self._watch.changed()

    def _swap(self) -> None:
        first, last = self._panels
        one, other = first.frame, last.frame
        first.put(other)
        last.put(one)
        self._choose()

    def _refresh(self) -> None:
        for panel in self._panels:
            panel.refresh()

    def _send(self) -> None:
        """Make the video; the card shows the rest."""
        if self._problem is not None:
            raise self._problem
        draft = as_now(self.draft, self._names)
        request = request_of(draft, self._names, self._session._known_keys)
        job = self._session._submit(request, new=draft.new, cell=self._told_cell(draft))
        self._shelf.add(job)
        self._new.value = False  # each further take is asked for
        self._notes.value = html.notes([self._words(f"compose.origin.{job.origin}", id=job.id)])

    def _told_cell(self, draft: Draft) -> str:
        """Return the cell that the video is said to be made by, "" where there is none that would find its pictures."""
        if any(frame.upload for frame in draft.frames.values()):
            return ""
        try:
            return cell_of(replace(draft, new=False), self._names, self._named())
        except OptionError:
            return ""

    def _show_cell(self) -> None:
        text, kept = self._cell()
        self._notes.value = ""
        self._cell_area.value = html.cell(text, kept, self._words.language)

    def _cell(self) -> tuple[str, list[str]]:
        if self._problem is not None:
            raise self._problem
        kept = [self._keep(panel) for panel in self._panels if panel.frame and panel.frame.upload]
        return cell_of(self.draft, self._names, self._named()), kept

    def _keep(self, panel: FramePicker) -> str:
        """Save an uploaded picture beside the notebook, and go on with the file."""
        frame = panel.frame
        assert frame is not None  # noqa: S101 - for mypy
        path = keep_beside(self._presenter.page.folder, frame.word, frame.upload, frame.image.mime)
        word = relative(path)
        panel.put(saved(frame, word))
        self._choose()
        return self._words("compose.cell_saved", name=frame.word, path=word)

    def _named(self) -> str:
        return self._session.name if self._composer.named else ""

    # ---- what becomes of it; the loop and its workers -----------------------------------------------------------

    def _look(self) -> Outlook | None:
        if self._problem is not None:
            return Outlook(self._problem)
        draft = self.draft
        with language_scope(self._words.language):
            return None if draft.empty else outlook(draft, self._session, dict(self._names))

    def _show(self, seen: Outlook | None) -> None:
        words = self._words
        if seen is None:
            self._said.value = html.outlook(words("compose.begin"), (), ())
        elif seen.problem is not None:
            lines = (seen.problem.message(words.language), seen.problem.hint(words.language))
            self._said.value = html.outlook("", [line for line in lines if line], ())
        else:
            remarks = [words(key, **values) for key, values in seen.remarks]
            self._said.value = html.outlook(_price(seen.price, seen.model, words.language), (), remarks)
        self._generate.disabled = seen is None or seen.problem is not None

    def _fail(self, error: Exception) -> None:
        self._generate.disabled = True
        self._said.value = html.outlook("", [self._trouble(error)], ())


def _price(price: Price | None, model: str, language: str) -> str:
    if price is None:
        return tr("price.unknown", language, model=model)
    if not price.amount:
        return tr("price.free", language)
    return tr("price.about", language, price=price, seen=price.seen)


def _row(box: Any) -> Any:
    box.add_class("wan-row")
    return box
