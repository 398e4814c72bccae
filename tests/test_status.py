"""The life of a job goes forward only."""

from __future__ import annotations

import dataclasses

import pytest

from wan_jupyter.status import ENDED, MOVES, Result, Snapshot, Status, may_move

S = Status
PAIRS = [(here, there) for here in S for there in S]


def test_every_state_has_its_moves() -> None:
    """The table is whole."""
    assert set(MOVES) == set(S)


@pytest.mark.parametrize("status", S)
def test_a_state_is_either_live_or_ended(status: Status) -> None:
    """Never both, never neither."""
    assert status.live is not status.ended


@pytest.mark.parametrize("status", S)
def test_staying_is_always_allowed(status: Status) -> None:
    """A poll that says nothing new."""
    assert may_move(status, status)


@pytest.mark.parametrize("status", sorted(ENDED - {S.UNCERTAIN}))
def test_an_end_is_an_end(status: Status) -> None:
    """Nothing leads out of it."""
    assert [there for there in S if there is not status and may_move(status, there)] == []


def test_nothing_goes_back() -> None:
    """From every state only states further on can be reached; UNCERTAIN alone may turn out to exist."""
    order = [S.PREPARING, S.SUBMITTING, S.QUEUED, S.RUNNING, S.DOWNLOADING]
    back = [(here, there) for here, there in PAIRS if here in order and there in order and may_move(here, there)]
    assert [(here, there) for here, there in back if order.index(there) < order.index(here)] == []


def test_nothing_is_created_twice() -> None:
    """SUBMITTING is reached from PREPARING and from nowhere else."""
    assert [here for here in S if here is not S.SUBMITTING and may_move(here, S.SUBMITTING)] == [S.PREPARING]


def test_only_what_was_sent_can_be_uncertain() -> None:
    """Before SUBMITTING nothing was sent; with an answer nothing is uncertain."""
    assert [here for here in S if here is not S.UNCERTAIN and may_move(here, S.UNCERTAIN)] == [S.SUBMITTING]


def test_only_a_download_ends_well() -> None:
    """SUCCEEDED means: on disk."""
    assert [here for here in S if here is not S.SUCCEEDED and may_move(here, S.SUCCEEDED)] == [S.DOWNLOADING]


def test_an_uncertain_job_may_turn_out_to_exist_or_not() -> None:
    """Adopted, or FAILED."""
    assert may_move(S.UNCERTAIN, S.RUNNING)
    assert may_move(S.UNCERTAIN, S.FAILED)
    assert not may_move(S.UNCERTAIN, S.SUBMITTING)


def test_a_snapshot_is_frozen() -> None:
    """Any thread may read it."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Snapshot().status = S.RUNNING  # type: ignore[misc]


def test_a_result_link_is_not_shown() -> None:
    """A signed link is a secret."""
    shot = Snapshot(result=Result("https://store.test/a?Signature=very-secret"))
    assert "very-secret" not in repr(shot)
