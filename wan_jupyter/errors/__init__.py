"""What can go wrong, as one family. Floor 0: knows `messages` and the table of `advice`.

    WanError
    ├── InputError               what was typed or passed cannot be sent; nothing was sent
    │   ├── OptionError          an option or its value
    │   ├── PromptError          the prompt or a {{ template }} in it
    │   ├── ImageError           a picture
    │   ├── ModelError           what the chosen model cannot do
    │   └── BudgetError          it costs more than may be spent, or nobody knows what it costs
    ├── SettingsError            provider, session or settings
    │   └── CredentialsError     no key, or a key where none may be
    ├── ServiceError             the service answered with an error: code, message, request id
    ├── ConnectionProblem        the service could not be reached, or its answer was lost
    ├── JobError                 a job ended without a video, or cannot be found
    │   ├── JobFailed            the service failed it
    │   ├── JobCanceled          it was canceled
    │   ├── JobExpired           the service has forgotten it
    │   └── JobUncertain         it may or may not have been created
    ├── WaitTimeout              the wait ended; the job goes on
    └── OutputError              a file could not be written, read or decoded

Every error has a message and a hint that names the next thing to type, both from `messages`
(`<key>.text`, `<key>.hint`); one that carries a service's words says between them what happened, in ours. IPython
shows these two or three lines and no traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..i18n.messages import ENGLISH, Phrase, has_message, tr, translated
from ..security.sanitize import clean, one_line
from .kinds import ADVICE, NO

# Codes of ours, in lower case; a service's codes are never all lower case with these words.
UNREACHED = "unreached"
LOST_ANSWER = "lost_answer"
NOT_CREATED = "not_created"
CANCELED = "canceled"
OURS = frozenset({UNREACHED, LOST_ANSWER, NOT_CREATED, CANCELED})


@dataclass(frozen=True, slots=True)
class Problem:
    """What the service said went wrong, in the form that the journal keeps.

    Attributes:
        code: the service's code, or one of ours in lower case (`not_created`, `deadline`).
        message: the service's own words, or a phrase of ours.
        request_id: the service's id for the exchange, "" if it gave none.
        http: the HTTP status, 0 when the problem came in a task's answer.
        advice: what kind of trouble it is: a word of the table in `advice`, a key under `happened` and `advice` in
            `messages`.
        again: whether sending the same thing again may help.
        wait: seconds the service asked us to wait (`Retry-After`), None if it did not.
        created_nothing: whether the answer to a create proves, whatever its status, that nothing was created.
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
    """Anything that this package raises on purpose."""

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def message(self, language: str = "") -> str:
        """Return what happened, in one sentence."""
        return clean(tr(f"{self.key}.text", language, **self.values))

    def phrase(self) -> Phrase:
        """Return what happened as a part of another sentence."""
        return Phrase(f"{self.key}.text", self.values)

    def hint(self, language: str = "") -> str:
        """Return the next thing to type, or "" where there is none."""
        key = f"{self.key}.hint"
        return clean(tr(key, language, **self.values)) if has_message(key, language) else ""

    def parts(self, language: str = "") -> list[str]:
        """Return what there is to say, a line each: three at most."""
        return [line for line in (self.message(language), self.hint(language)) if line]

    def lines(self, language: str = "") -> list[str]:
        """Return the error as the few lines a notebook shows."""
        first, *rest = self.parts(language)
        return [f"{type(self).__name__}: {first}", *rest]

    def __str__(self) -> str:
        return "\n".join(self.parts(ENGLISH))  # one language for logs and for those who compare texts

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.key, self.values)

    def _render_traceback_(self) -> list[str]:
        """Answer IPython's wish for a traceback with our lines instead (IPython 7 and later)."""
        return self.lines()


def _rebuild(kind: type[WanError], key: str, values: dict[str, object]) -> WanError:
    return kind(key, **values)


class InputError(WanError):
    """What was typed or passed cannot be sent; nothing was sent."""


class OptionError(InputError):
    """An option, or the value of one."""


class PromptError(InputError):
    """The prompt, or a {{ template }} in it."""


class ImageError(InputError):
    """A picture that cannot be used."""


class ModelError(InputError):
    """Something the chosen model cannot do."""


class BudgetError(InputError):
    """Something that costs more than may be spent, or whose price nobody knows."""


class SettingsError(WanError):
    """A provider, session or setting."""


class CredentialsError(SettingsError):
    """No key was found, or there is one where none may be."""


class WaitTimeout(WanError):
    """The wait ended; the job keeps running.

    Attributes:
        job: the `Job` that was waited for; None in an unpickled error.
    """

    job: Any = None


class OutputError(WanError):
    """A file could not be written, read or decoded."""


class JobError(WanError):
    """A job ended without a video, or cannot be found."""


class ProblemError(WanError):
    """An error that carries the service's own words in `problem`."""

    # Kinds of trouble that this error's own message tells already.
    told: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, key: str, /, *, problem: Problem, **values: object) -> None:
        super().__init__(key, **values)
        self.problem = problem

    @property
    def code(self) -> str:
        """The service's code."""
        return self.problem.code

    @property
    def request_id(self) -> str:
        """The service's id for the exchange."""
        return self.problem.request_id

    @property
    def billed(self) -> str:
        """Whether it was billed: "no", "maybe" (the service's console tells) or "yes"."""
        return ADVICE[self.problem.advice].billed

    def happened(self, language: str = "") -> str:
        """Return what the service's code means, in plain words."""
        return tr(f"happened.{self.problem.advice}", language)

    def message(self, language: str = "") -> str:
        """Return what happened in our words, then code, message and request id in the service's."""
        return clean(tr(f"{self.key}.text", language, **self.values, said=said(self.problem, language))).strip()

    def hint(self, language: str = "") -> str:
        """Return what to do about this code, and that nothing was billed where that is known."""
        todo = tr(f"advice.{self.problem.advice}", language, **self.values)
        return f"{todo} {tr('billed.no', language)}" if self.billed == NO else todo

    def parts(self, language: str = "") -> list[str]:
        """Return message, what happened in plain words, and hint, a line each."""
        first, *rest = super().parts(language)
        return [first, *([] if self.problem.advice in self.told else [self.happened(language)]), *rest]

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_problem, (type(self), self.key, self.problem, self.values)


def _rebuild_problem(kind: type[ProblemError], key: str, problem: Problem, values: dict[str, object]) -> ProblemError:
    return kind(key, problem=problem, **values)


class ServiceError(ProblemError):
    """The service answered a request with an error."""


class ConnectionProblem(ProblemError):
    """The service could not be reached (`sent` is False), or its answer was lost (`sent` is True)."""

    told = frozenset({"connection"})

    @property
    def sent(self) -> bool:
        """Whether the request may have reached the service."""
        return self.problem.code != UNREACHED


class JobFailed(ProblemError, JobError):
    """The service failed the job, or the job was never created; failed jobs are not billed by DashScope."""

    @property
    def billed(self) -> str:
        """Whether it was billed: never, if the create was refused (a failed task's problem has no HTTP status)."""
        created_nothing = self.problem.http or self.problem.code in (UNREACHED, NOT_CREATED)
        return NO if created_nothing else super().billed


class JobCanceled(ProblemError, JobError):
    """The job was canceled before it cost anything."""

    told = frozenset({"canceled"})


class JobExpired(ProblemError, JobError):
    """The service has forgotten the job (DashScope: after 24 h)."""


class JobUncertain(ProblemError, JobError):
    """The answer to the submit was lost: the service may or may not have created the job."""

    told = frozenset({"uncertain"})


def said(problem: Problem, language: str = "") -> str:
    """Return the service's own words, made harmless: `Code: message (request id …)`, as far as it gave them."""
    code = "" if problem.code in OURS else problem.code
    words = ": ".join(one_line(translated(part, language)) for part in (code, problem.message) if part)
    return tr("said.with_id", language, words=words, id=one_line(problem.request_id)) if problem.request_id else words
