"""The commands for single jobs: show, wait, resume, retry, cancel, adopt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...i18n.messages import tr
from ..shell_state import ShellState
from .spec import Argument, CommandSpec, Flag

if TYPE_CHECKING:
    from ...jobs.job import Job


def show(state: ShellState, beginning: str = "") -> Job:
    """Show a job's output again, and return the job."""
    job = state.job(beginning)
    state.presenter.show(job, wait=False)
    return job


def wait(state: ShellState, *beginnings: str) -> None:
    """Wait for jobs, by default for all unfinished ones."""
    session = state.session()
    waited = [state.job(beginning) for beginning in beginnings] or session.live_jobs() or session.resume()
    if not waited:
        state.presenter.say("wait.nothing")
    elif len(waited) > 1:
        _wait_for_all(state, waited)
    else:
        state.presenter.show(waited[0], wait=True)


def _wait_for_all(state: ShellState, waited: list[Job]) -> None:
    """Wait for several jobs, shown in one table; once all have ended, raise the error of the first that failed."""
    if state.presenter.wait_for(waited):
        for job in waited:
            job.result(0.1)


def resume(state: ShellState) -> None:
    """Resume the unfinished jobs of all sessions that no process follows."""
    found, problems = state.resume()
    for job in found:
        state.presenter.show(job, wait=False)
    for identity, problem in problems:
        state.presenter.show_text("\n".join([tr("resume.not_here", id=identity), *problem.lines()]))
    if not found and not problems:
        state.presenter.say("resume.nothing")


def retry(state: ShellState, beginning: str = "", *, yes: bool = False) -> Job:
    """Send the request of a job that ended without a video again, show the new job and return it.

    With `yes` it is sent even if a budget cannot tell what it costs.
    """
    failed = state.job(beginning)
    session = state.session_of(failed)
    job = session.retry(failed.id, yes=yes)
    state.announce_cost(job, session, job.request)
    state.presenter.show(job, wait=False)
    return job


def adopt(state: ShellState, task: str = "", model: str = "") -> Job:
    """Adopt a task that was started elsewhere, show it, and return its job."""
    job = state.session().adopt(task, model=model or None)
    state.presenter.show(job, wait=False)
    return job


def cancel(state: ShellState, beginning: str = "") -> None:
    """Request cancellation of a job, by default of the only unfinished one."""
    job = state.job(beginning) if beginning else state.only_live()
    if job is None:
        return state.presenter.say("wait.nothing")
    if not job.status.live:
        return state.presenter.say("cancel.ended", id=job.id, state=tr(f"state.{job.status.lower()}"))
    job.cancel()
    return state.presenter.say("cancel.asked", id=job.id)


SHOW = CommandSpec("show", show, (Argument("ID", "job"),), help_key="command.show")
WAIT = CommandSpec("wait", wait, (Argument("ID", "live_job", repeats=True),), help_key="command.wait")
RESUME = CommandSpec("resume", resume, help_key="command.resume")
RETRY = CommandSpec(
    "retry", retry, (Argument("ID", "job"),), (Flag("--yes", "command.flag.retry_yes"),), help_key="command.retry"
)
CANCEL = CommandSpec("cancel", cancel, (Argument("ID", "live_job"),), help_key="command.cancel")
ADOPT = CommandSpec(
    "adopt", adopt, (Argument("TASK_ID", required=True), Argument("MODEL", "model")), help_key="command.adopt"
)
