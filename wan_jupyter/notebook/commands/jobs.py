"""What became of my jobs: show, wait, resume, retry, cancel, adopt. Floor 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import OptionError
from ...i18n.messages import tr
from ...i18n.suggestions import shorten
from ..shell_state import ShellState

if TYPE_CHECKING:
    from ...jobs.job import Job

YES = "--yes"  # also where a budget cannot know what it costs


def show(state: ShellState, beginning: str = "") -> Job:
    """Show a job's output again, and return the job."""
    job = state.job(beginning)
    state.presenter.show(job, wait=False)
    return job


def wait(state: ShellState, *beginnings: str) -> None:
    """Wait for jobs, or for all that are under way."""
    session = state.session()
    waited = [state.job(one) for one in beginnings] or session.live_jobs() or session.resume()
    if not waited:
        state.presenter.say("wait.nothing")
    elif len(waited) > 1:
        _wait_for_all(state, waited)
    else:
        state.presenter.show(waited[0], wait=True)


def _wait_for_all(state: ShellState, waited: list[Job]) -> None:
    """Wait for several jobs with one table; the first that ended without a video is the error, once all have ended."""
    if state.presenter.wait_for(waited):
        for job in waited:
            job.result(0.1)


def resume(state: ShellState) -> None:
    """Go on with the jobs that nobody follows any more, whichever session they belong to."""
    found, problems = state.resume()
    for job in found:
        state.presenter.show(job, wait=False)
    for identity, problem in problems:
        state.presenter.show_text("\n".join([tr("resume.not_here", id=identity), *problem.lines()]))
    if not found and not problems:
        state.presenter.say("resume.nothing")


def retry(state: ShellState, beginning: str = "", yes: str = "") -> Job:
    """Send the request of a job that ended without a video once more, show it, and return the new job."""
    if beginning == YES:
        beginning, yes = yes, beginning
    if yes not in ("", YES):
        raise OptionError("command.too_many", name="retry", value=shorten(yes))
    lost = state.job(beginning)
    session = state.session_of(lost)
    job = session.retry(lost.id, yes=yes == YES)
    state.announce_cost(job, session, job.request)
    state.presenter.show(job, wait=False)
    return job


def adopt(state: ShellState, task: str = "", model: str = "") -> Job:
    """Bring in a task that was started elsewhere, show it, and return its job."""
    job = state.session().adopt(task, model=model or None)
    state.presenter.show(job, wait=False)
    return job


def cancel(state: ShellState, beginning: str = "") -> None:
    """Ask for a job to be stopped; without an id, the only one under way."""
    job = state.job(beginning) if beginning else state.only_live()
    if job is None:
        return state.presenter.say("wait.nothing")
    if not job.status.live:
        return state.presenter.say("cancel.ended", id=job.id, state=tr(f"state.{job.status.lower()}"))
    job.cancel()
    return state.presenter.say("cancel.asked", id=job.id)
