"""Errors: a sentence, the next thing to type, the service's own words, and no traceback of ours."""

from __future__ import annotations

import copy
import pickle

import pytest

from wan_jupyter import errors
from wan_jupyter.errors import ConnectionProblem, JobFailed, JobUncertain, OptionError, Problem, WanError, service_words

REFUSED = Problem("Throttling", "Slow down.", "request-7", 429, "busy", True, 3.0)
FAMILY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WanError)]


def test_an_error_is_what_happened_and_what_to_type() -> None:
    """In this order, a line each."""
    error = OptionError("option.bad_seconds", flag="--duration", value="five")
    assert str(error).splitlines() == ["--duration needs a whole number of seconds, not five.", "Type --duration 5."]
    assert error.lines()[0].startswith("OptionError: ")


def test_a_notebook_shows_the_lines_and_no_traceback() -> None:
    """IPython asks `_render_traceback_`."""
    error = OptionError("option.bad_seconds", flag="--duration", value="five")
    assert error._render_traceback_() == error.lines()
    assert len(error.lines()) == 2


def test_an_error_without_a_hint_is_one_line() -> None:
    """No empty line is shown."""
    error = errors.OutputError("video.no_picture", why="it is text")
    assert (len(error.lines()), error.hint()) == (1, "")


def test_a_service_error_shows_the_services_own_words() -> None:
    """Code, message, request id; the hint is that of the code."""
    error = JobFailed("job.failed", problem=REFUSED, id="abcde")
    assert "Throttling: Slow down. (request id request-7)" in error.message()
    assert (error.code, error.request_id) == ("Throttling", "request-7")
    assert error.hint() == f"{errors.tr('advice.busy')} Nothing was billed."


def test_a_service_error_is_told_in_at_most_three_lines() -> None:
    """What happened, in our words; the service's own; what to do. What the first line says is not said again."""
    error = JobFailed("job.failed", problem=REFUSED, id="abcde")
    said = "Job abcde failed. Too many requests at once; the service rejected this one."
    assert [said, "Throttling: Slow down. (request id request-7)", error.hint()] == str(error).splitlines()
    lost = JobUncertain("job.uncertain", problem=Problem(errors.LOST_ANSWER, advice="uncertain"), id="abcde")
    assert [lost.message(), lost.hint()] == str(lost).splitlines()


@pytest.mark.parametrize(
    ("error", "billed"),
    [
        (JobFailed("job.failed", problem=Problem("Throttling", advice="busy"), id="a"), "no"),
        (JobFailed("job.failed", problem=Problem("Surprise"), id="a"), "maybe"),
        (JobFailed("job.failed", problem=Problem("Surprise", http=418), id="a"), "no"),
        (JobFailed("job.failed", problem=Problem(errors.UNREACHED, advice="connection"), id="a"), "no"),
        (ConnectionProblem("service.unreached", problem=Problem(errors.UNREACHED, advice="connection")), "maybe"),
        (ConnectionProblem("service.lost", problem=Problem(errors.LOST_ANSWER, advice="storage")), "yes"),
        (JobUncertain("job.uncertain", problem=Problem(advice="uncertain"), id="a"), "maybe"),
        (errors.JobExpired("job.expired", problem=Problem(advice="expired"), id="a"), "maybe"),
        (errors.JobCanceled("job.canceled", problem=Problem(advice="canceled"), id="a"), "no"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{type(value).__name__}-{value.problem.advice}",
)
def test_an_error_knows_whether_it_was_billed(error: errors.ProblemError, billed: str) -> None:
    """What is free says so; of a create that was refused it is certain, whatever the code."""
    assert error.billed == billed
    assert error.hint().endswith("Nothing was billed.") == (billed == "no")


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Problem(), ""),
        (Problem("Code"), "Code"),
        (Problem("", "words"), "words"),
        (Problem("Code", "words"), "Code: words"),
        (Problem("Code", "", "7"), "Code (request id 7)"),
    ],
)
def test_a_service_that_says_little_is_quoted_as_far_as_it_goes(problem: Problem, words: str) -> None:
    """Any of the three may be missing."""
    assert service_words(problem) == words


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_every_error_can_be_copied_and_pickled(kind: type[WanError]) -> None:
    """It crosses threads and processes as itself."""
    extra = {"problem": REFUSED} if issubclass(kind, errors.ProblemError) else {}
    error = kind("job.failed", id="abcde", said="", **extra) if not extra else kind("job.failed", id="abcde", **extra)
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin), twin.values) == (kind, str(error), error.values)


def test_only_an_unreached_service_was_sent_nothing() -> None:
    """Everything else may have arrived."""
    assert not ConnectionProblem("service.unreached", problem=Problem(errors.UNREACHED)).sent
    assert ConnectionProblem("service.lost", problem=Problem(errors.LOST_ANSWER)).sent


def test_a_job_without_a_video_is_one_family() -> None:
    """`except JobError` catches whatever a job ended as."""
    kinds = (JobFailed, JobUncertain, errors.JobCanceled, errors.JobExpired)
    assert all(issubclass(kind, errors.JobError) and issubclass(kind, errors.ProblemError) for kind in kinds)


def test_what_cannot_be_sent_is_one_family() -> None:
    """`except InputError`: nothing was sent."""
    kinds = (OptionError, errors.PromptError, errors.ImageError, errors.ModelError)
    assert all(issubclass(kind, errors.InputError) for kind in kinds)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """Every error is drawn."""
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in FAMILY if kind.__name__ not in (drawn + "ProblemError")] == []


def test_braces_in_the_services_words_are_harmless() -> None:
    """Nobody's text is read as a template."""
    problem = Problem("Code", "{id} {0} {", "7")
    assert "{id} {0} {" in str(JobFailed("job.failed", problem=problem, id="abcde"))


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_the_repr_of_an_error_is_its_name_and_its_first_line(kind: type[WanError]) -> None:
    """As it appears in a list of errors or a debugger: one line of English, without key and values."""
    extra = {"problem": REFUSED} if issubclass(kind, errors.ProblemError) else {"said": ""}
    error = kind("job.failed", id="abcde", **extra)
    assert repr(error) == f"<{kind.__name__}: {str(error).splitlines()[0].strip()}>"
    assert [repr(error)] == repr([error])[1:-1].splitlines()


def test_the_repr_of_an_error_names_the_wrong_option() -> None:
    """A user's mistake reads as in the cell."""
    error = OptionError("option.bad_seconds", flag="--duration", value="five")
    assert repr(error) == f"<OptionError: {error.message()}>"
    assert "--duration" in repr(error)


def test_the_repr_of_an_error_is_as_harmless_as_its_text() -> None:
    """No signature of a link, no terminal code, no second line."""
    words = "see https://storage.test/v.mp4?Signature=very-secret \x1b[31mred\x1b[0m\nand more"
    error = JobFailed("job.failed", problem=Problem("Code", words, "7", 400), id="abcde")
    assert "https://storage.test/v.mp4?…" in str(error)
    assert not any(bad in shown for shown in (repr(error), str(error)) for bad in ("very-secret", "\x1b", "red\n"))
    assert "\n" not in repr(error)


def test_an_error_whose_message_is_missing_has_a_repr_all_the_same() -> None:
    """A pickle of a newer release may name a message that is not here."""
    assert repr(WanError("from.the_future", id="abcde")) == "<WanError: from.the_future>"
