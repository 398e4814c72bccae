"""The form: its widgets fill a draft; the draft's price or problem and its jobs are shown below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ...billing.pricing import Price
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
from .widget_texts import Translations


class Form:
    """The composer in a notebook."""

    def __init__(self, composer: Composer, presenter: Presenter, names: Mapping[str, object]) -> None:
        self._composer, self._presenter, self._names = composer, presenter, names
        self._session, self._translations = composer.session, Translations(presenter.language)
        self._quiet = False
        self.draft = Draft()
        self._offer: Offer | None = None
        self._problem: WanError | None = None  # of a value that is not part of the draft
        self._checks = Debounce(current(), self._check, self._show, self._fail)
        self._build()
        self._choose()

    def display(self) -> None:
        """Show the form as the output of the cell that runs."""
        from IPython.display import display

        text = self._translations("compose.reader")
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        first: Bundle = {WIDGET_VIEW: view, "text/html": html.notes([text]), "text/plain": text}
        display(first, raw=True)

    def set_language(self, language: str) -> None:
        """Show the form in another language; the results of earlier clicks are removed."""
        self._translations.set_language(language)
        self._head.value = self._title()
        self._controls.set_language()
        for picker in self._pickers:
            picker.set_language()
        self._guard(self._choose)

    def cell(self) -> str:
        """Return the text of the cell that makes the same request; uploads are saved to files for it.

        Raises:
            OptionError: a value cannot be written on a %%wan line.
            OutputError: an upload cannot be saved.
        """
        return self._cell()[0]

    def close(self) -> None:
        """Close the form's widgets; its jobs keep running."""
        self._controls.close()
        close(self.box)

    # ---- making the widgets -----------------------------------------------------------------------------------

    def _build(self) -> None:
        import ipywidgets as w

        translations = self._translations
        self._head = w.HTML(self._title())
        self._pickers = [
            FramePicker(role, self._names, self._choose, self._guard, translations) for role in ("first", "last")
        ]
        self._prompt = w.Textarea(rows=3, style=dict(LABEL))
        translations.bind(self._prompt, "placeholder", "compose.prompt_hint")
        translations.bind(self._prompt, "description", "compose.prompt")
        self._prompt.observe(lambda _: self._guard(self._take_prompt), names="value")
        self._prompt.add_class("wan-wide")
        self._model = w.Dropdown(layout=dict(FILL), style=dict(LABEL))
        translations.bind(self._model, "description", "compose.model")
        self._model.observe(lambda _: self._guard(self._choose), names="index")
        self._model.add_class("wan-model")
        self._controls = OptionControls(lambda: self._guard(self._choose), translations)
        self._status = w.HTML()
        self._notes = w.HTML()
        self._cell_area = w.HTML()
        self._jobs = JobList(self._presenter)
        frames = w.HBox([picker.box for picker in self._pickers])
        frames.add_class("wan-frames")
        parts = [self._head, frames, self._tools(w), self._prompt, self._model, self._controls.box, self._status]
        self.box = w.VBox([*parts, self._buttons(w), self._notes, self._cell_area, self._jobs.box])
        self.box.add_class("wan-composer")

    def _title(self) -> str:
        provider = self._session.provider
        return html.form_head(
            f"{provider.name} · {translated(provider.title, self._translations.language)}", self._translations.language
        )

    def _tools(self, w: Any) -> Any:
        buttons = [self._button(w, "swap", self._swap), self._button(w, "refresh", self._refresh)]
        return _row(w.HBox(buttons))

    def _buttons(self, w: Any) -> Any:
        self._generate = self._button(w, "generate", self._send)
        self._generate.button_style, self._generate.disabled = "primary", True
        self._new = w.Checkbox(indent=False, layout={"width": "auto"})
        self._translations.bind(self._new, "description", "compose.new")
        self._translations.bind(self._new, "tooltip", "compose.new_hint")
        self._new.observe(lambda _: self._guard(self._choose), names="value")
        return _row(w.HBox([self._generate, self._button(w, "to_cell", self._show_cell), self._new]))

    def _button(self, w: Any, name: str, act: Callable[[], None]) -> Any:
        button = w.Button()
        self._translations.bind(button, "description", f"compose.{name}")
        self._translations.bind(button, "tooltip", f"compose.{name}_hint")
        button.on_click(lambda _: self._guard(act))
        button.add_class(f"wan-{name.replace('_', '-')}")
        return button

    def _guard(self, act: Callable[[], None]) -> None:
        """Run a callback and show its error in the form: the error of a widget's callback is not displayed anywhere."""
        try:
            with language_scope(self._translations.language):
                act()
        except WanError as problem:
            self._notes.value = html.draft_status("", problem.lines(self._translations.language), ())
        except Exception as error:
            logger.exception("the form failed")
            self._notes.value = html.draft_status("", [self._unexpected(error)], ())

    def _unexpected(self, error: Exception) -> str:
        return self._translations("compose.trouble", error=one_line(f"{type(error).__name__}: {error}", 200))

    # ---- callbacks; the kernel's main thread --------------------------------------------------------------------

    def _take_prompt(self) -> None:
        """Put the prompt into the draft; no control depends on it."""
        self.draft = replace(self.draft, prompt=self._prompt.value)
        self._changed([])

    def _choose(self) -> None:
        """Put all values into the draft, and let the controls follow the pictures and the model."""
        if self._quiet:
            return
        asked, problem = self._controls.asked()
        model = self._chosen_model()
        first, last = (picker.frame for picker in self._pickers)
        asked = {**({"model": model} if model else {}), **asked}
        draft = Draft(prompt=self._prompt.value, first=first, last=last, asked=asked, new=self._new.value)
        self.draft, offer, dropped = fitted(draft, self._session, self._translations.language)
        self._problem = next((picker.problem for picker in self._pickers if picker.problem), problem)
        if offer != self._offer:
            self._fill(offer)
        self._changed(dropped)

    def _chosen_model(self) -> str | None:
        at = self._model.index
        return self._offer.models[at][1] if self._offer and at is not None else None

    def _fill(self, offer: Offer) -> None:
        """Show another offer with the values of the draft."""
        self._quiet = True
        try:
            self._offer = offer
            labels = [label for label, _ in offer.models]
            ids = [name for _, name in offer.models]
            chosen = self.draft.asked.get("model")
            if tuple(self._model.options) != tuple(labels):
                self._model.options = labels
            self._model.index = ids.index(chosen) if chosen in ids else (0 if ids else None)
            self._controls.show(offer, self.draft.asked)
        finally:
            self._quiet = False

    def _changed(self, dropped: list[str]) -> None:
        self._notes.value = html.notes(dropped)
        self._cell_area.value = ""  # it no longer matches the draft
        self._checks.changed()

    def _swap(self) -> None:
        first, last = self._pickers
        one, other = first.frame, last.frame
        first.put(other)
        last.put(one)
        self._choose()

    def _refresh(self) -> None:
        for picker in self._pickers:
            picker.refresh()

    def _send(self) -> None:
        """Submit the draft and show its card."""
        if self._problem is not None:
            raise self._problem
        draft = as_now(self.draft, self._names)
        request = request_of(draft, self._names, self._session._known_keys)
        job = self._session._submit(request, new=draft.new, cell=self._cell_of_video(draft))
        self._jobs.add(job)
        self._new.value = False  # each new version must be asked for
        self._notes.value = html.notes([self._translations(f"compose.origin.{job.origin}", id=job.id)])

    def _cell_of_video(self, draft: Draft) -> str:
        """Return the cell to show with the video; "" if no cell would find its pictures."""
        if any(frame.upload for frame in draft.frames.values()):
            return ""
        try:
            return cell_of(replace(draft, new=False), self._names, self._named())
        except OptionError:
            return ""

    def _show_cell(self) -> None:
        text, kept = self._cell()
        self._notes.value = ""
        self._cell_area.value = html.cell_text(text, kept, self._translations.language)

    def _cell(self) -> tuple[str, list[str]]:
        if self._problem is not None:
            raise self._problem
        kept = [self._keep(picker) for picker in self._pickers if picker.frame and picker.frame.upload]
        return cell_of(self.draft, self._names, self._named(), self._session._known_keys), kept

    def _keep(self, picker: FramePicker) -> str:
        """Save an uploaded picture next to the notebook, and use that file from now on."""
        frame = picker.frame
        assert frame is not None  # noqa: S101 - for mypy
        path = keep_beside(self._presenter.page.folder, frame.word, frame.upload, frame.image.mime)
        word = relative(path)
        picker.put(saved(frame, word))
        self._choose()
        return self._translations("compose.cell_saved", name=frame.word, path=word)

    def _named(self) -> str:
        return self._session.name if self._composer.named else ""

    # ---- checking the draft; the loop and its workers -----------------------------------------------------------

    def _check(self) -> Outlook | None:
        if self._problem is not None:
            return Outlook(self._problem)
        draft = self.draft
        with language_scope(self._translations.language):
            return None if draft.empty else outlook(draft, self._session, dict(self._names))

    def _show(self, found: Outlook | None) -> None:
        translations = self._translations
        if found is None:
            self._status.value = html.draft_status(translations("compose.begin"), (), ())
        elif found.problem is not None:
            lines = (found.problem.message(translations.language), found.problem.hint(translations.language))
            self._status.value = html.draft_status("", [line for line in lines if line], ())
        else:
            remarks = [translations(key, **values) for key, values in found.remarks]
            self._status.value = html.draft_status(_price(found.price, found.model, translations.language), (), remarks)
        self._generate.disabled = found is None or found.problem is not None

    def _fail(self, error: Exception) -> None:
        self._generate.disabled = True
        self._status.value = html.draft_status("", [self._unexpected(error)], ())


def _price(price: Price | None, model: str, language: str) -> str:
    if price is None:
        return tr("price.unknown", language, model=model)
    if not price.amount:
        return tr("price.free", language)
    return tr("price.about", language, price=price, seen=price.seen)


def _row(box: Any) -> Any:
    box.add_class("wan-row")
    return box
