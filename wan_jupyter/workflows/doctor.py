"""What may be wrong, and how to mend it: `%wan doctor` and `python -m wan_jupyter doctor`. Floor 5.

Each check yields findings; one that has a fix is wrong. Nothing here costs money, and no key is shown: only where one
comes from. What only a notebook knows (front end, widgets) is handed in.
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

PATIENCE = 5.0  # seconds for the service's answer
SKEW = 60.0  # seconds between the clocks that do no harm
ROOM = 500_000_000  # bytes: some dozens of videos
# Distribution to whether one can do without it.
PACKAGES: Mapping[str, bool] = MappingProxyType(
    {"ipython": False, "ipywidgets": False, "ipykernel": True, "httpx": False, "av": False, "pillow": False}
)
# What a service may say to a task that nobody has, and be well: anything but these.
UNWELL = frozenset(
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
        name: what was looked at.
        text: how it is.
        fix: what to do, "" where nothing is wrong.
    """

    name: str
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at; without a `session` there is the `problem` that kept it from being opened."""

    settings: Settings
    session: Session | None
    problem: WanError | None
    now: Callable[[], float]


def visit(name: str = "", settings: Settings | None = None, now: Callable[[], float] = time.time) -> Patient:
    """Return what there is to look at: the session of a name, by default the one that is in use."""
    try:
        found = settings or environment.read_settings()
        return Patient(found, Session(name or None, settings=found), None, now)
    except WanError as problem:
        return Patient(settings or environment.read_settings(files=False), None, problem, now)


def examine(patient: Patient) -> list[Finding]:
    """Look at everything, and return what was found."""
    return [finding for check in CHECKS for finding in check(patient)]


def report(findings: Iterable[Finding], language: str = "") -> str:
    """Return findings as plain text, the fix below each line that has one, and the sum of it."""
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
    """Return a finding whose sentences stand under `doctor`; `fix` is a key there, too."""
    facts = {key: value if isinstance(value, str) else str(value) for key, value in values.items()}
    mend = tr(f"doctor.{fix}", **facts) if fix else ""
    return Finding(tr(f"doctor.name.{name}"), tr(f"doctor.{text}", **facts), mend)


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
        address = tr("where.in_kernel") if session.in_process else session.provider.base_url
        yield Finding(tr("where.address"), address)
        yield Finding(tr("where.key"), translated(session.key.source) if session.key else tr("where.no_key"))


def _service(patient: Patient) -> Iterator[Finding]:
    """Ask the service for a task that nobody has: is it there, does it take the key, what time is it there."""
    if patient.session is None:
        return
    try:
        answer = patient.session.ping(PATIENCE)
    except WanError as problem:
        yield Finding(tr("doctor.name.service"), problem.message(), problem.hint())
        return
    said = answer.problem
    if said is not None and (said.advice in UNWELL or answer.http_status >= 500):
        text = tr("doctor.refuses", http=answer.http_status, code=said.code)
        yield Finding(tr("doctor.name.service"), text, tr(f"advice.{said.advice}"))
    else:
        yield _finding("service", "answers", http=answer.http_status)
    yield _clock(answer, patient.now())


def _clock(answer: PingReply, now: float) -> Finding:
    if answer.server_time is None:
        return _finding("clock", "clock_unknown")
    skew = round(now - answer.server_time)
    how = "clock" if abs(skew) <= SKEW else "clock_fast" if skew > 0 else "clock_slow"
    return _finding("clock", how, "" if how == "clock" else "clock_fix", seconds=abs(skew))


def _room(patient: Patient) -> Iterator[Finding]:
    """Look at the home's and the videos' folders: is there room, may they be written."""
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
            full = free < ROOM
            yield _finding(name, "room", "room_fix" if full else "", folder=folder, free=f"{free / 1e9:.1f} GB")


def _journal(patient: Patient) -> Iterator[Finding]:
    if patient.session is None:
        return
    try:
        journal = patient.session.journal
        journal.salt()  # writes where there is none yet, and takes the right to write in any case
        size = sum(one.stat().st_size for one in journal.path.parent.glob(f"{journal.path.name}*"))
        yield _finding("journal", "journal", path=journal.path, size=f"{size / 1e6:.1f} MB")
    except (WanError, OSError) as problem:
        said = problem.message() if isinstance(problem, WanError) else translated(reason_of(problem))
        fix = problem.hint() if isinstance(problem, WanError) else ""
        yield Finding(tr("doctor.name.journal"), said, fix or tr("doctor.home_fix", folder=patient.settings.home))


CHECKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    _python, _packages, _codecs, _session, _service, _room, _journal,
)  # fmt: skip
