"""Money: what a cell costs is said before, reserved when its job is written down, and settled by what the service says.

The prices are a real service's; the requests go to an emulator on a port, which costs nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.test_magic_and_python import typed
from tests.storage.test_journal import row
from tests.support.clock import PATIENCE, START, FakeClock, until
from tests.support.emulator_client import PortEmulator
from tests.support.ipython_shell import HELD, LOAD, SMALL, Shell
from tests.support.kernel_client import Kernel
from tests.support.processes import environment
from tests.support.world import World, close_client, picture
from wan_jupyter import Job, Session, Status
from wan_jupyter.billing.budget import Budget, Spending, Terms
from wan_jupyter.billing.money import Amount
from wan_jupyter.config.settings import read_settings
from wan_jupyter.errors import BudgetError, OptionError, SettingsError
from wan_jupyter.i18n.messages import tr
from wan_jupyter.notebook.commands.maintenance import HEADS
from wan_jupyter.notebook.display.views import card_view
from wan_jupyter.status import Snapshot
from wan_jupyter.storage.journal.journal import JobRecord, Journal

pytest_plugins = ("tests.support.notebook_fixtures",)

CHEAP: dict[str, Any] = {"model": "wan2.5-i2v-preview", "resolution": "480P"}  # 0.05 USD a second: 0.25 USD
UNPRICED: dict[str, Any] = {"model": "wan2.2-i2v-flash", "resolution": "480P"}  # no price in Singapore
Door = Callable[..., Job]


def paid(world: World, port: PortEmulator, budget: Any = None, **how: Any) -> Session:
    """Return a session with a real service's prices."""
    return world.session("dashscope-intl", key="sk-test", base_url=port.base_url, budget=budget, **how)


def order(session: Session, prompt: str = "A cat", **how: Any) -> Job:
    return session.submit(prompt, image=picture(), **{**CHEAP, **how})


def settled(session: Session, **how: Any) -> Job:
    job = order(session, **how)
    job.result(PATIENCE)
    return job


def only(session: Session) -> Spending:
    [found] = session.spend()
    return found


# ---- what a job costs -----------------------------------------------------------------------------------------------


def test_what_the_service_bills_takes_the_place_of_the_estimate(world: World, port: PortEmulator) -> None:
    """Written down with the row, then with the video; the sidecar has it, too."""
    session = paid(world, port)
    port.faults(HELD)
    job = order(session)
    assert (only(session).spent, only(session).reserved) == (0.0, 0.25)
    port.clear()
    video = job.result(PATIENCE)
    found = only(session)
    assert (found.provider, found.currency, found.jobs, found.made) == ("dashscope-intl", "USD", 1, 1)
    assert (found.spent, found.reserved, found.unknown) == (0.25, 0.0, 0)
    assert (str(job.cost), video.facts["cost"]) == ("0.25 USD", "0.25 USD")


def test_seconds_set_by_hand_have_no_estimate_but_a_cost(world: World, port: PortEmulator) -> None:
    """`--param` passes all that we know of a request: ten seconds are billed where five were asked for."""
    job = settled(paid(world, port), params={"parameters.duration": 10})
    kept = world.rows()[0]
    assert (job.info.estimate, kept["estimate"], kept["cost"], kept["currency"]) == ("", None, 0.5, "USD")


def test_a_tier_set_by_hand_has_no_price(world: World, port: PortEmulator) -> None:
    """Neither before nor after: a body may say it in many ways."""
    session = paid(world, port, "1 USD")
    tier = {"resolution": "1080P"}
    for params in ({"parameters.resolution": "1080P"}, {"parameters": tier}, tier):
        with pytest.raises(BudgetError, match="unknown"):
            order(session, params=params)
    assert port.tasks == []
    assert order(session, params={"parameters.obscure": 1}).info.estimate == "0.25 USD"


def test_failed_and_canceled_jobs_cost_nothing(world: World, port: PortEmulator) -> None:
    """They are given back to the budget."""
    session = paid(world, port, "0.25 USD")
    failed = order(session, "A forbidden prompt")
    until(lambda: failed.done)
    assert failed.status is Status.FAILED
    assert (only(session).counted, only(session).left) == (0.0, 0.25)
    order(session).result(PATIENCE)


def test_an_uncertain_job_is_reserved(world: World, port: PortEmulator) -> None:
    """Nobody knows whether it was created; so it may be billed."""
    session = paid(world, port, "0.25 USD", settings=world.settings(shared_key=True))  # it is not looked for
    port.faults({"at": "submit", "do": "drop_after"})
    lost = order(session)
    until(lambda: lost.done)
    assert lost.status is Status.UNCERTAIN
    assert (only(session).reserved, only(session).left) == (0.25, 0.0)
    with pytest.raises(BudgetError, match=r"0\.25 USD reserved"):
        order(session, new=True)


def test_the_emulator_costs_nothing(world: World) -> None:
    """Under a budget of nothing, too."""
    session = world.session(budget="0 USD")
    order(session).result(PATIENCE)
    free, idle = session.spend()
    assert (free.provider, free.currency, free.spent, free.unknown, free.budget) == ("emulator", "", 0.0, 0, None)
    assert (idle.jobs, idle.budget, idle.left) == (0, Budget(0, "USD"), 0.0)


@pytest.mark.parametrize("status", Status)
def test_each_state_counts_as_what_may_be_billed(tmp_path: Path, status: Status) -> None:
    """By its estimate until a cost is known; nothing for what ended without a video."""
    journal = Journal(tmp_path / "home", lambda: START)
    for name, more in {"one": {}, "two": {"cost": 0.2}, "three": {"estimate": None}}.items():
        how = {"estimate": 0.25, "currency": "USD", "snapshot": Snapshot(status), **more}
        journal.begin(name, lambda identity, take, how=how: row(identity, take, **how), lambda _: False)
    [found] = journal.spending()
    journal.close()
    nothing = status in (Status.FAILED, Status.CANCELED)
    estimated = 0.0 if nothing else 0.25
    assert found.spent == pytest.approx(0.2 + (estimated if status is Status.SUCCEEDED else 0))
    assert found.reserved == (0.0 if status is Status.SUCCEEDED else estimated)
    assert found.unknown == (0 if nothing else 1)


# ---- a budget, through both doors -----------------------------------------------------------------------------------


def through_the_magic(shell: Shell) -> Door:
    def ask(prompt: str = "A cat", *, new: bool = False, yes: bool = False, **how: Any) -> Job:
        flags = " ".join(typed(name, value) for name, value in {**CHEAP, **how}.items())
        job: Job = shell.made(f"cat.png --session work {flags} {'--new' * new} {'--yes' * yes}", prompt)
        return job

    return ask


def through_python(shell: Shell) -> Door:
    session = shell.names["session"] = Session("work")
    return lambda prompt="A cat", **how: session.submit(prompt, image="cat.png", **{**CHEAP, **how})


DOORS = {"magic": through_the_magic, "python": through_python}


@pytest.fixture(params=DOORS)
def door(
    request: pytest.FixtureRequest, bare: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Door]:
    """A way to order from a session with a budget of half a dollar a day; the test runs once through each."""
    settings_with(bare, port, monkeypatch, 'budget = "0.5 USD/day"')
    bare.ok(LOAD)
    yield DOORS[request.param](bare)
    if "session" in bare.names:
        close_client(bare.names["session"])


def settings_with(shell: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch, budget: str) -> None:
    shell.workspace.home.mkdir(exist_ok=True)
    work = f'[sessions.work]\nprovider = "dashscope-intl"\nbase_url = "{port.base_url}"\nkey_variable = "WORK_KEY"\n'
    (shell.workspace.home / "settings.toml").write_text(f"{work}{budget}\n")
    monkeypatch.setenv("WORK_KEY", "sk-test")


def test_what_is_over_the_budget_is_refused_before_anything_is_sent(
    door: Door, bare: Shell, port: PortEmulator
) -> None:
    """With what was spent, what is reserved, what this costs and the cap; no row, no request."""
    door("One").result(PATIENCE)
    with pytest.raises(BudgetError) as caught:
        door("Two", duration=10)
    told = str(caught.value)
    for words in ("0.5 USD/day", "costs about 0.5 USD", "0.25 USD spent", "0 USD reserved", "%wan spend"):
        assert words in told
    assert (len(bare.workspace.rows()), port.creates) == (1, 1)
    door("Two")
    with pytest.raises(BudgetError):
        door("Three", yes=True)


def test_what_is_under_way_is_reserved(door: Door, port: PortEmulator) -> None:
    """From the moment its job is written down."""
    port.faults(HELD)
    door("One")
    with pytest.raises(BudgetError, match=r"0\.25 USD reserved"):
        door("Two", duration=10)
    port.clear()


def test_a_job_that_is_found_again_passes_any_budget(door: Door, port: PortEmulator) -> None:
    """Under way or made: the same request costs nothing, a further take does."""
    port.faults(HELD)
    job = door(duration=10)
    assert door(duration=10, budget=0.1).id == job.id
    port.clear()
    job.result(PATIENCE)
    assert door(duration=10).origin == "shown"
    with pytest.raises(BudgetError):
        door(duration=10, new=True)
    assert port.creates == 1


def test_an_unknown_price_needs_a_yes(door: Door, bare: Shell, port: PortEmulator) -> None:
    """It then counts as nothing, and `%wan spend` says how many there are."""
    with pytest.raises(BudgetError, match=r"--yes \(Python: yes=True\)"):
        door(**UNPRICED)
    assert bare.workspace.rows() == []
    door(**UNPRICED, yes=True)
    door("Two", duration=10)
    counted = {row.currency: row for row in Session("work").spend()}
    assert (counted[""].unknown, counted["USD"].unknown, counted["USD"].left) == (1, 0, 0.0)


def test_a_cell_has_a_cap_of_its_own(door: Door, port: PortEmulator) -> None:
    """Against its estimate; the session's budget holds besides."""
    with pytest.raises(BudgetError, match=r"its --budget of 0\.2 USD"):
        door(budget="0.2")
    with pytest.raises(BudgetError, match="can't be compared"):
        door(budget="9CNY")
    with pytest.raises(OptionError, match="--budget needs an amount"):
        door(budget="5USD/day")
    assert port.creates == 0
    assert door(budget="0.25USD").info.estimate == "0.25 USD"


def test_a_retry_is_asked_for_as_a_new_job_is(bare: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a budget it needs the same yes."""
    for name, value in {"WAN_PROVIDER": "videos", "WAN_BASE_URL": port.url, "WAN_API_KEY": "sk-test"}.items():
        monkeypatch.setenv(name, value)
    bare.workspace.home.mkdir(exist_ok=True)
    (bare.workspace.home / "settings.toml").write_text("budget = 5\n")
    bare.ok(LOAD)
    port.faults({"at": "submit", "do": "drop_after"})
    bare.run("%%wan cat.png -r 720P -o lost --yes\nA cat")
    lost = bare.names["lost"].id
    assert isinstance(bare.run(f"%wan retry {lost}").error, BudgetError)
    assert isinstance(bare.run(f"%wan retry {lost} now").error, OptionError)
    bare.ok(f"again = %wan retry {lost} --yes")
    bare.names["again"].result(PATIENCE)
    assert (len(bare.workspace.rows()), len(port.tasks)) == (2, 2)


# ---- whose budget, and how long --------------------------------------------------------------------------------------


def test_each_session_has_its_own_sum(world: World, port: PortEmulator) -> None:
    """By the session's name; a budget at the file's top is everyone's who has none."""
    world.home.mkdir(exist_ok=True)
    table = f'provider = "dashscope-intl"\nbase_url = "{port.base_url}"\n'
    text = f'budget = "0.25 USD"\n[sessions.work]\n{table}[sessions.home]\n{table}budget = "20 CNY/day"\n'
    (world.home / "settings.toml").write_text(text)
    found = read_settings({"WAN_HOME": str(world.home), "DASHSCOPE_API_KEY": "sk-test"})
    one, two = (world.session(name, settings=found) for name in ("work", "home"))
    other = world.session("dashscope-intl", settings=found, base_url=port.base_url)
    assert [session.budget for session in (one, two, other)] == [
        Budget(0.25, "USD"), Budget(20, "CNY", "day"), Budget(0.25, "USD"),
    ]  # fmt: skip
    assert world.session("work", settings=found, budget=3).budget == Budget(3)
    order(one).result(PATIENCE)
    with pytest.raises(BudgetError):
        order(one, "Two")
    with pytest.raises(BudgetError, match="can't be compared"):
        order(two, "Two")
    order(other, "Three").result(PATIENCE)
    left = {row.session: (row.spent, row.left) for row in one.spend()}
    assert left == {"work": (0.25, 0.0), "dashscope-intl": (0.25, 0.0), "home": (0.0, 20.0)}


def test_a_new_day_has_a_new_budget(world: World, clock: FakeClock, port: PortEmulator) -> None:
    """A total has none."""
    daily, total = paid(world, port, "0.25 USD/day"), paid(world, port, "0.5 USD")
    settled(daily)
    with pytest.raises(BudgetError):
        order(daily, "Two")
    clock.advance(24 * 3600)
    assert [found.left for found in daily.spend()] == [0.25]
    idle = Spending(session="dashscope-intl", provider="", currency="USD", budget=daily.budget, left=0.25)
    assert daily.spend("today") == (idle,)
    settled(daily, prompt="Two")
    clock.advance(24 * 3600)
    with pytest.raises(BudgetError):
        order(total, "Three")


def test_what_waits_since_yesterday_counts_today(tmp_path: Path) -> None:
    """It will be sent, and billed, today; what was sent yesterday counts to yesterday."""
    journal = Journal(tmp_path / "home", lambda: START)
    waiting = row("abcde", estimate=0.25, currency="USD")
    sent = row("fghjk", estimate=0.5, currency="USD", sent_at=START, snapshot=Snapshot(Status.RUNNING))
    for one in (waiting, sent):
        journal.begin(one.id, lambda *_, one=one: one, lambda _: False)
    assert [found.reserved for found in journal.spending(START + 1)] == [0.25]
    assert [found.reserved for found in journal.spending(START)] == [0.75]
    journal.close()


def test_resuming_reserves_nothing_anew(world: World, port: PortEmulator) -> None:
    """A job that is under way goes on, whatever is left."""
    port.faults(HELD)
    job = order(paid(world, port))
    later = paid(world, port, "0.1 USD")
    assert later._registry.follow(job.id).id == job.id
    assert later.resume() == []
    port.clear()
    job.result(PATIENCE)
    assert only(later).left == pytest.approx(-0.15)


@pytest.mark.parametrize("budget", ["much", "5 USD/week", -1])
def test_a_budget_that_is_none_is_refused_where_it_is_given(world: World, budget: Any) -> None:
    """Before the session is there."""
    with pytest.raises(OptionError, match="5 USD/day"):
        world.session(budget=budget)


def test_a_mistake_in_the_file_is_named_with_its_line(world: World) -> None:
    """And a project's file may not say what is spent."""
    world.home.mkdir()
    (world.home / "settings.toml").write_text('model = "a"\nbudget = "5 dollars"\n')
    with pytest.raises(SettingsError, match=r"line 2: budget needs an amount"):
        read_settings({"WAN_HOME": str(world.home)})
    (world.home / "settings.toml").write_text("budget = 5\n")
    (world.folder / "pyproject.toml").write_text('[tool.wan_jupyter]\nbudget = "500 USD"\n')
    notebook = world.folder / "one.ipynb"
    notebook.touch()
    found = read_settings({"WAN_HOME": str(world.home)}, notebook=str(notebook))
    assert found.budget == Budget(5)
    assert [values["names"] for _, values in found.notices] == ["budget"]


# ---- the last of a budget -------------------------------------------------------------------------------------------


def raced(journals: list[Journal]) -> list[BudgetError]:
    """Order once through each journal at the same moment; return the refusals."""
    gate, refusals = threading.Barrier(len(journals)), []

    def one(journal: Journal, number: int) -> None:
        def admit(new: JobRecord, sums: Any) -> None:
            Terms(Budget(1, "USD")).admit(new.session, Amount(0.4, "USD"), sums(new.session, 0.0))

        gate.wait(PATIENCE)
        make = lambda identity, take: row(identity, take, estimate=0.4, currency="USD")  # noqa: E731
        try:
            journal.begin(f"mark {number}", make, lambda _: False, admit)
        except BudgetError as error:
            refusals.append(error)

    threads = [threading.Thread(target=one, args=(journal, number)) for number, journal in enumerate(journals)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return refusals


def test_threads_that_race_for_the_last_of_a_budget_do_not_overspend(tmp_path: Path) -> None:
    """Eight at once, two get through: the sum is taken where the row is inserted."""
    journals = [Journal(tmp_path / "home", lambda: START) for _ in range(8)]
    assert len(raced(journals)) == 6
    assert [found.reserved for found in journals[0].spending()] == [0.8]
    for journal in journals:
        journal.close()


KERNEL = """
import sys
from wan_jupyter import Session
from wan_jupyter.errors import BudgetError
session = Session("dashscope-intl", key="sk-test", base_url=sys.argv[1], budget="0.3 USD")
session._resources.journal
print("ready", flush=True)
sys.stdin.readline()
try:
    job = session.submit(sys.argv[2], image="cat.png", model="wan2.5-i2v-preview", resolution="480P")
    print("through", flush=True)
    job.result(60)
except BudgetError as error:
    print("refused", error.values["reserved"] or error.values["spent"], flush=True)
"""


@pytest.fixture
def two_kernels(tmp_path: Path, port: PortEmulator) -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes of one user that are about to order."""
    (tmp_path / "cat.png").write_bytes(picture())
    made = [
        subprocess.Popen(
            [sys.executable, "-c", KERNEL, port.base_url, prompt], cwd=tmp_path, env=environment(tmp_path), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for prompt in ("One", "Two")
    ]  # fmt: skip
    yield made
    for child in made:
        child.kill()
        child.communicate()


def test_two_kernels_that_race_for_the_last_of_a_budget_pay_once(
    two_kernels: list[subprocess.Popen[str]], port: PortEmulator
) -> None:
    """One gets through; the other says why not, and sends nothing."""
    for child in two_kernels:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    for child in two_kernels:
        assert child.stdin
        child.stdin.write("\n")
        child.stdin.flush()
    said = sorted(child.communicate(timeout=PATIENCE)[0].splitlines()[0].split()[0] for child in two_kernels)
    assert said == ["refused", "through"]
    assert port.creates == 1


# ---- what is shown --------------------------------------------------------------------------------------------------


def test_the_card_says_what_a_job_will_cost(world: World, port: PortEmulator) -> None:
    """About so much while that may come true, unknown where it is; nothing for the emulator or for what failed."""
    port.faults(HELD)
    session = paid(world, port)
    priced, unpriced = order(session), order(session, **UNPRICED)
    free = order(world.session())
    assert card_view(priced, START).chips[-1] == "about 0.25 USD"
    assert card_view(unpriced, START).chips[-1] == "price unknown"
    assert not any("price" in chip or "about" in chip for chip in card_view(free, START).chips)
    failed = order(session, "A forbidden prompt")
    port.clear()
    until(lambda: failed.done)
    assert not any("about" in chip for chip in card_view(failed, START).chips)
    for job in (priced, unpriced, free):
        job.result(PATIENCE)


def test_the_first_job_that_costs_says_so_once(
    bare: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its card; not for the emulator, not for what is found again, not a second time."""
    settings_with(bare, port, monkeypatch, "")
    bare.ok(LOAD)
    line = "--session work -m wan2.5-i2v-preview -r 480P"
    cost = re.compile(
        r"This cell costs about 0\.25 USD at dashscope-intl \(price as of .*\)\. .*a budget to limit it\.\n"
    )
    session = Session("work")
    session.submit("Found", image="cat.png", **CHEAP)
    for cell in (f"%%wan cat.png {SMALL} --provider emulator --wait\nA cat", f"%%wan cat.png {line} --no-wait\nFound"):
        assert "This cell costs" not in bare.ok(cell).out
    first = bare.ok(f"%%wan cat.png {line} --wait\nOne").out
    close_client(session)
    assert len(cost.findall(first)) == 1
    assert first.index("This cell costs") < first.index("wan2.5-i2v-preview")
    assert "0.25 USD" in first.split("it.", 1)[1]  # what it came to, in the player's caption
    assert "This cell costs" not in bare.ok(f"%%wan cat.png {line} --no-wait\nTwo").out


def test_an_unknown_price_is_said_the_first_time(
    bare: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than nothing."""
    settings_with(bare, port, monkeypatch, "")
    bare.ok(LOAD)
    told = bare.ok("%%wan cat.png --session work -m wan2.2-i2v-flash -r 480P --no-wait\nA cat").out
    assert "The price of this cell is unknown: there is no price for wan2.2-i2v-flash at dashscope-intl." in told


def test_a_kernel_shows_the_cost_before_the_card(kernel: Kernel, port: PortEmulator) -> None:
    """A line of the cell's own, then what the job is drawn as, which ends with what it came to."""
    kernel.ok(f"import os; os.environ.update(WAN_PROVIDER='dashscope-intl', WAN_BASE_URL={port.base_url!r})")
    kernel.ok("os.environ['DASHSCOPE_API_KEY'] = 'sk-test'")
    cell = kernel.ok("%%wan cat.png -m wan2.5-i2v-preview -r 480P --wait\nA cat")
    assert cell.stream.startswith("This cell costs about 0.25 USD at dashscope-intl")
    assert "0.25 USD" in cell.bundle["text/html"]
    shown = [kind for kind in cell.history if kind in ("stream", "display_data")]
    assert shown[0] == "stream"


def test_spend_shows_where_the_money_went(bare: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """By session, provider and currency, with what is left."""
    settings_with(bare, port, monkeypatch, 'budget = "0.75 USD/day"')
    bare.ok(LOAD)
    bare.ok("%wan use emulator")
    assert re.search(r"^work +USD +0 +0 +0 +0 +0 +0\.75 USD/day +0\.75$", bare.ok("%wan spend").out, re.MULTILINE)
    line = "-m wan2.5-i2v-preview -r 480P"
    bare.ok(f"%%wan cat.png --session work {line} --wait\nOne")
    port.faults(HELD)
    bare.ok(f"%%wan cat.png --session work {line} --no-wait\nTwo")
    bare.ok("%%wan cat.png --session work -m wan2.2-i2v-flash -r 480P --no-wait --yes\nThree")
    bare.ok(f"%%wan cat.png {line} --wait\nFour")
    work = r"^work +dashscope-intl +USD +2 +1 +0\.25 +0\.25 +0 +0\.75 USD/day +0\.25$"
    for command in ("%wan spend", "%wan spend all", "%wan spend today"):
        shown = bare.ok(command).out
        assert " ".join(shown.split()[: len(HEADS)]) == " ".join(tr(f"spend.{head}") for head in HEADS)
        assert re.search(work, shown, re.MULTILINE)
        assert re.search(r"^work +dashscope-intl +1 +0 +0 +0 +1$", shown, re.MULTILINE)
        assert re.search(r"^emulator +emulator +1 +1 +0 +0 +0$", shown, re.MULTILINE)
    port.clear()
    assert "Type %wan spend today" in str(bare.run("%wan spend yesterday").error)


def test_a_dry_run_says_the_price_and_needs_no_budget(
    bare: Shell, port: PortEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It spends nothing."""
    settings_with(bare, port, monkeypatch, "budget = 0")
    bare.ok(LOAD)
    told = bare.ok("%%wan cat.png --session work -m wan2.5-i2v-preview -r 480P --dry-run\nA cat").out
    assert "About 0.25 USD" in told
    assert (bare.workspace.rows(), port.requests) == ([], [])
