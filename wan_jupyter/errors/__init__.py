"""What can go wrong, as one family: `except WanError` catches everything that this package raises on purpose.

    WanError
    ├── InputError               the input cannot be sent as it is; nothing was sent
    │   ├── OptionError          an option or its value
    │   ├── PromptError          the prompt or a {{ template }} in it
    │   ├── ImageError           a picture
    │   ├── ModelError           something the chosen model does not support
    │   └── BudgetError          the price exceeds the budget, or is unknown
    ├── SettingsError            provider, session or settings
    │   └── CredentialsError     no key, or a key where none is allowed
    ├── ServiceError             the service answered with an error: code, message, request id
    ├── ConnectionProblem        the service could not be reached, or its answer was lost
    ├── JobError                 a job ended without a video, or cannot be found
    │   ├── JobFailed            the job failed at the service, or was refused
    │   ├── JobCanceled          the job was canceled
    │   ├── JobExpired           the service no longer knows the job
    │   └── JobUncertain         the service may or may not have created the job
    ├── WaitTimeout              the wait ended; the job keeps running
    └── OutputError              a file could not be written, read or decoded

Every error has a message and a hint that names the next thing to type; both come from `i18n.messages` (`<key>.text`,
`<key>.hint`). An error that carries a service's words also explains them in ours. `str(error)` is English; a notebook
shows the language in force, as two or three lines without a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..i18n.messages import ENGLISH, Phrase, has_message, tr, translated
from ..security.sanitize import clean, one_line
from .kinds import ADVICE, NO

# Our own codes; no known service uses these words.
UNREACHED = "unreached"
LOST_ANSWER = "lost_answer"
NOT_CREATED = "not_created"
CANCELED = "canceled"
OURS = frozenset({UNREACHED, LOST_ANSWER, NOT_CREATED, CANCELED})


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong at the service, in the form that the journal stores.

    Attributes:
        code: the service's code, or one of ours in lower case (`not_created`, `deadline`).
        message: the service's own words, or a phrase of ours.
        request_id: the service's id for the exchange, "" if it gave none.
        http: the HTTP status, 0 if the problem was reported in a task's answer.
        advice: the kind of trouble, a key of `kinds.ADVICE`; its messages are `happened.<advice>` and
            `advice.<advice>`.
        again: whether sending the same request again may help.
        wait: seconds that the service asked to wait (`Retry-After`), None if it did not.
        created_nothing: whether this answer to a create proves, whatever its status, that no task was created.
    """

    code: str = ""
    message: str = ""
    request_id: str = ""
    http: int = 0
    advice: str = "unknown"
    again: bool = False
    wait: float | None = None
    created_nothing: bool = False


class WanError(Exception):
    """Base of every error that this package raises on purpose.

    Attributes:
        key: the message's key, for example "option.unknown"; stable enough to test for.
        values: what the message is filled with, by name.
    """

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def message(self, language: str = "") -> str:
        """Return what happened, in one sentence; `language` "" is the one in force."""
        return clean(tr(f"{self.key}.text", language, **self.values))

    def phrase(self) -> Phrase:
        """Return what happened as a phrase to be put into another sentence."""
        return Phrase(f"{self.key}.text", self.values)

    def hint(self, language: str = "") -> str:
        """Return the next thing to type, or "" if there is none."""
        key = f"{self.key}.hint"
        return clean(tr(key, language, **self.values)) if has_message(key, language) else ""

    def parts(self, language: str = "") -> list[str]:
        """Return message and hint, one line each."""
        return [line for line in (self.message(language), self.hint(language)) if line]

    def lines(self, language: str = "") -> list[str]:
        """Return the error as the few lines a notebook shows."""
        first, *rest = self.parts(language)
        return [f"{type(self).__name__}: {first}", *rest]

    def __str__(self) -> str:
        return "\n".join(self.parts(ENGLISH))  # always English: for logs, searches and tests

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._summary()}>"

    def _summary(self) -> str:
        """Return the English message in one line, or its key if this release has no such message."""
        try:
            return one_line(self.parts(ENGLISH)[0])
        except (KeyError, IndexError, ValueError, AttributeError):  # a repr must not fail
            return self.key

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.key, self.values)

    def _render_traceback_(self) -> list[str]:
        """Return our lines where IPython (7 and later) would show a traceback."""
        return self.lines()


def _rebuild(kind: type[WanError], key: str, values: dict[str, object]) -> WanError:
    return kind(key, **values)


class InputError(WanError):
    """Raised before anything is sent or paid: the input cannot be sent as it is."""


class OptionError(InputError):
    """Raised for an unknown option, a bad value, or options that exclude each other."""


class PromptError(InputError):
    """Raised for an empty prompt, or a {{ template }} in it that cannot be filled."""


class ImageError(InputError):
    """Raised for a picture that cannot be read, or that the model does not accept and that cannot be converted."""


class ModelError(InputError):
    """Raised for an unknown model, or a request that the chosen model does not support."""


class BudgetError(InputError):
    """Raised when a request's price exceeds the budget, or is unknown while a budget is set."""


class SettingsError(WanError):
    """Raised for an unknown provider or session, and for settings that cannot be read or used."""


class CredentialsError(SettingsError):
    """Raised when no key is found, or when a key appears where none is allowed, for example in a cell."""


class WaitTimeout(WanError):
    """Raised by `Job.result(timeout)` when the time is over; the job keeps running.

    Attributes:
        job: the `Job` that was waited for; None in an unpickled error.
    """

    job: Any = None


class OutputError(WanError):
    """Raised when a video, sidecar or picture cannot be written, read or decoded."""


class JobError(WanError):
    """Raised when a job ended without a video, is unknown, or cannot be continued here."""


class ProblemError(WanError):
    """Base of errors that carry the service's own words.

    Attributes:
        problem: what the service reported.
    """

    # Kinds of trouble that this error's own message already explains.
    explained: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, key: str, /, *, problem: Problem, **values: object) -> None:
        super().__init__(key, **values)
        self.problem = problem

    @property
    def code(self) -> str:
        """The service's code, or one of ours in lower case."""
        return self.problem.code

    @property
    def request_id(self) -> str:
        """The service's id for the exchange, "" if it gave none."""
        return self.problem.request_id

    @property
    def billed(self) -> str:
        """Whether the job was billed: "no", "maybe" (see the service's console) or "yes"."""
        return ADVICE[self.problem.advice].billed

    def happened(self, language: str = "") -> str:
        """Return what the service's code means."""
        return tr(f"happened.{self.problem.advice}", language)

    def message(self, language: str = "") -> str:
        """Return what happened in our words, then the service's code, message and request id."""
        return clean(
            tr(f"{self.key}.text", language, **self.values, said=service_words(self.problem, language))
        ).strip()

    def hint(self, language: str = "") -> str:
        """Return what to do about this code; if nothing was billed for certain, the hint says so."""
        todo = tr(f"advice.{self.problem.advice}", language, **self.values)
        return f"{todo} {tr('billed.no', language)}" if self.billed == NO else todo

    def parts(self, language: str = "") -> list[str]:
        """Return what happened and what the service's code means, the service's words, and the hint, a line each."""
        sentence = clean(tr(f"{self.key}.text", language, **self.values, said="")).strip()
        meaning = "" if self.problem.advice in self.explained else self.happened(language)
        first = " ".join(part for part in (sentence, meaning) if part)
        words = service_words(self.problem, language).strip()
        return [line for line in (first, words, self.hint(language)) if line]

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_problem, (type(self), self.key, self.problem, self.values)


def _rebuild_problem(kind: type[ProblemError], key: str, problem: Problem, values: dict[str, object]) -> ProblemError:
    return kind(key, problem=problem, **values)


class ServiceError(ProblemError):
    """Raised when the service answered a request with an error."""


class ConnectionProblem(ProblemError):
    """Raised when the service could not be reached (`sent` is False), or its answer was lost (`sent` is True)."""

    explained = frozenset({"connection"})

    @property
    def sent(self) -> bool:
        """Whether the request may have reached the service."""
        return self.problem.code != UNREACHED


class JobFailed(ProblemError, JobError):
    """Raised when the job failed at the service, or its create request was refused.

    Alibaba Cloud Model Studio bills successful jobs only (image-to-video API reference, read 2026-11-21,
    https://www.alibabacloud.com/help/en/model-studio/image-to-video-general-api-reference).
    """

    @property
    def billed(self) -> str:
        """Whether the job was billed: "no" if its create was refused (only such problems have an HTTP status)."""
        created_nothing = self.problem.http or self.problem.code in (UNREACHED, NOT_CREATED)
        return NO if created_nothing else super().billed


class JobCanceled(ProblemError, JobError):
    """Raised when the job was canceled before it cost anything."""

    explained = frozenset({"canceled"})


class JobExpired(ProblemError, JobError):
    """Raised when the service no longer knows the job.

    Alibaba Cloud Model Studio keeps tasks for 24 h (managing asynchronous tasks, read 2026-11-21,
    https://www.alibabacloud.com/help/en/model-studio/manage-asynchronous-tasks).
    """


class JobUncertain(ProblemError, JobError):
    """Raised when the answer to the create request was lost: the service may or may not have created the job."""

    explained = frozenset({"uncertain"})


def service_words(problem: Problem, language: str = "") -> str:
    """Return the service's own words, sanitized: `Code: message (request id …)`, as far as it gave them."""
    code = "" if problem.code in OURS else problem.code
    words = ": ".join(one_line(translated(part, language)) for part in (code, problem.message) if part)
    return tr("said.with_id", language, words=words, id=one_line(problem.request_id)) if problem.request_id else words
