"""Diagnosis: what is wrong and how to fix it, for `%wan doctor` and `python -m wan_jupyter doctor`.

Each check yields findings; a finding with a fix is a problem. Nothing here costs money, and no key is shown, only where
it comes from. Findings that only a notebook can make (front end, widgets) are passed in.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from types import MappingProxyType

from ..config import settings as environment
from ..config.settings import OUTPUTS, Settings
from ..errors import WanError
from ..errors.system import reason_of
from ..i18n.messages import tr, translated
from ..protocols.ping import PingReply
from ..rendering.columns import padded, width
from ..security.sanitize import one_line
from ..session.session import Session

PING_TIMEOUT_S = 5.0
MAX_CLOCK_SKEW_S = 60.0  # harmless difference between the service's clock and ours
MIN_FREE_BYTES = 500_000_000  # a few dozen videos
# Package to whether it is optional.
PACKAGES: Mapping[str, bool] = MappingProxyType(
    {"ipython": False, "ipywidgets": False, "ipykernel": True, "httpx": False, "av": False, "pillow": False}
)
# Kinds of errors that are problems when they answer a question about a task that does not exist; others are expected.
PROBLEMS = frozenset(
    {
        "key", "access", "workspace", "address", "unreadable", "service_trouble", "billing", "gateway_key",
        "gateway_right", "gateway_route", "gateway_trouble", "server_key", "server_failed", "server_many",
        "passed_on",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        name: what was checked.
        text: its state.
        fix: what to do, "" if nothing is wrong.
    """

    name: str
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined; without a `session`, `problem` is the error that kept it from being opened."""

    settings: Settings
    session: Session | None
    problem: WanError | None
    now: Callable[[], float]


def visit(name: str = "", settings: Settings | None = None, now: Callable[[], float] = time.time) -> Patient:
    """Return what to examine: the session of a name, by default the one in use."""
    try:
        found = settings or environment.read_settings()
        return Patient(found, Session(name or None, settings=found), None, now)
    except WanError as problem:
        return Patient(settings or environment.read_settings(files=False), None, problem, now)


def examine(patient: Patient) -> list[Finding]:
    """Run all checks, and return their findings."""
    return [finding for check in CHECKS for finding in check(patient)]


def report(findings: Iterable[Finding], language: str = "") -> str:
    """Return findings as plain text: each problem with its fix below it, and the number of problems at the end."""
    found = list(findings)
    marks = {bool(which): tr(f"doctor.{name}", language) for which, name in ((0, "well"), (1, "wrong"))}
    mark, name = max(map(width, marks.values())), max(width(one.name) for one in found)
    lines = []
    for one in found:
        lines.append(f"{padded(marks[bool(one.fix)], mark)}  {padded(one.name, name)}  {one_line(one.text)}")
        lines += [f"{'':<{mark}}  {'':<{name}}  -> {one_line(one.fix)}"] if one.fix else []
    wrong = count_wrong(found)
    return "\n".join([*lines, "", tr("doctor.sum_wrong" if wrong else "doctor.sum_well", language, count=wrong)])


def count_wrong(findings: Iterable[Finding]) -> int:
    """Return how many findings have a fix."""
    return sum(bool(one.fix) for one in findings)


def _finding(name: str, text: str, fix: str = "", **values: object) -> Finding:
    """Return a finding whose sentences are messages under `doctor`; `fix` is the key of one, too."""
    facts = {key: value if isinstance(value, str) else str(value) for key, value in values.items()}
    fix_text = tr(f"doctor.{fix}", **facts) if fix else ""
    return Finding(tr(f"doctor.name.{name}"), tr(f"doctor.{text}", **facts), fix_text)


# ---- the checks ---------------------------------------------------------------------------------------------------


def _python(patient: Patient) -> Iterator[Finding]:
    del patient
    facts = {"version": platform.python_version(), "system": platform.platform(terse=True)}
    yield _finding("python", "python", "" if sys.version_info >= (3, 11) else "python_fix", **facts)


def _packages(patient: Patient) -> Iterator[Finding]:
    del patient
    for name, spare in PACKAGES.items():
        try:
            yield Finding(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            fix = "" if spare else tr("doctor.package_fix", name=name)
            yield Finding(name, tr("doctor.package_spare" if spare else "doctor.package_gone"), fix)


def _codecs(patient: Patient) -> Iterator[Finding]:
    del patient
    try:
        from ..media.video.video import codecs

        has = codecs()
    except ImportError as error:
        yield _finding("codecs", "codecs_gone", "codecs_fix", reason=str(error))
        return
    lacks = ", ".join(name for name, there in has.items() if not there)
    there = ", ".join(name for name in has if has[name])
    yield _finding("codecs", "codecs_lack" if lacks else "codecs", "codecs_fix" if lacks else "", names=lacks or there)


def _session(patient: Patient) -> Iterator[Finding]:
    for key, values in patient.settings.notices:
        yield Finding(tr("doctor.name.settings"), tr(key, **values))
    if patient.problem is not None:
        name = "settings" if patient.problem.key.startswith("settings.") else "session"
        fix = patient.problem.hint() or tr("doctor.session_fix")
        yield Finding(tr(f"doctor.name.{name}"), patient.problem.message(), fix)
    if (session := patient.session) is not None:
        facts = {"session": session.name, "provider": session.provider.name, "title": session.provider.title}
        yield _finding("session", "session", **facts)
        address = tr("where.in_kernel") if session._resources.in_process else session.provider.base_url
        yield Finding(tr("where.address"), address)
        yield Finding(
            tr("where.key"), translated(own.source) if (own := session._resources.key) else tr("where.no_key")
        )


def _service(patient: Patient) -> Iterator[Finding]:
    """Ping the service: does it answer, does it accept the key, what time does its clock show."""
    if patient.session is None:
        return
    try:
        answer = patient.session.ping(PING_TIMEOUT_S)
    except WanError as problem:
        yield Finding(tr("doctor.name.service"), problem.message(), problem.hint())
        return
    said = answer.problem
    if said is not None and (said.advice in PROBLEMS or answer.http_status >= 500):
        text = tr("doctor.refuses", http=answer.http_status, code=said.code)
        yield Finding(tr("doctor.name.service"), text, tr(f"advice.{said.advice}"))
    else:
        yield _finding("service", "answers", http=answer.http_status)
    yield _clock(answer, patient.now())


def _clock(answer: PingReply, now: float) -> Finding:
    if answer.server_time is None:
        return _finding("clock", "clock_unknown")
    skew = round(now - answer.server_time)
    how = "clock" if abs(skew) <= MAX_CLOCK_SKEW_S else "clock_fast" if skew > 0 else "clock_slow"
    return _finding("clock", how, "" if how == "clock" else "clock_fix", seconds=abs(skew))


def _room(patient: Patient) -> Iterator[Finding]:
    """Check the home and outputs folders: can they be written to, is there free space."""
    outputs = patient.session.outputs if patient.session else patient.settings.notebook / OUTPUTS
    for name, folder in (("home", patient.settings.home), ("outputs", outputs)):
        place = next((one for one in (folder, *folder.parents) if one.is_dir()), folder)
        try:
            free = shutil.disk_usage(place).free
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            yield _finding(name, "unwritable", f"{name}_fix", folder=folder, reason=reason_of(error))
        else:
            full = free < MIN_FREE_BYTES
            yield _finding(name, "room", "room_fix" if full else "", folder=folder, free=f"{free / 1e9:.1f} GB")


def _journal(patient: Patient) -> Iterator[Finding]:
    if patient.session is None:
        return
    try:
        journal = patient.session._resources.journal
        journal.salt()  # needs permission to write, whether or not there is a salt already
        size = sum(one.stat().st_size for one in journal.path.parent.glob(f"{journal.path.name}*"))
        yield _finding("journal", "journal", path=journal.path, size=f"{size / 1e6:.1f} MB")
    except (WanError, OSError) as problem:
        said = problem.message() if isinstance(problem, WanError) else translated(reason_of(problem))
        fix = problem.hint() if isinstance(problem, WanError) else ""
        yield Finding(tr("doctor.name.journal"), said, fix or tr("doctor.home_fix", folder=patient.settings.home))


CHECKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    _python, _packages, _codecs, _session, _service, _room, _journal,
)  # fmt: skip
