"""Faults to order, in process: a drop is a raised ConnectionError there."""

from __future__ import annotations

import json

import pytest

from .service import Service


def test_a_status_fault_answers_in_the_services_place(service):
    """Status, headers and body are as ordered, and no task is created."""
    body = {"code": "Throttling.RateQuota", "message": "Slowly.", "request_id": "r"}
    service.faults({"at": "submit", "do": "status", "status": 429, "headers": {"Retry-After": 3}, "body": body})
    answer = service.create({"model": "wan2.5-i2v-preview", "input": {}})
    assert (answer.status_code, answer.headers["retry-after"], answer.json()) == (429, "3", body)
    assert service.ledger()["tasks"] == []
    assert service.create({"model": "wan2.5-i2v-preview", "input": {}}).status_code == 200


def test_a_status_fault_may_have_any_text_as_body(service):
    """A text is sent as it is; without a body there is an error in the service's shape."""
    service.faults({"at": "list", "do": "status", "status": 502, "body": "<html>"}, {"at": "list", "do": "status"})
    assert service.call("GET", "/api/v1/tasks").text == "<html>"
    assert service.call("GET", "/api/v1/tasks").json()["code"] == "InternalError"


def test_drop_after_creates_the_task_and_answers_nothing(service):
    """This is the case in which a client must not submit again."""
    service.faults({"at": "submit", "do": "drop_after"})
    with pytest.raises(ConnectionError):
        service.first_frame()
    assert len(service.ledger()["tasks"]) == 1
    assert service.ledger()["requests"][0]["status"] is None


def test_drop_before_creates_nothing(service):
    """The request is lost on its way."""
    service.faults({"at": "submit", "do": "drop_before"})
    with pytest.raises(ConnectionError):
        service.first_frame()
    assert service.ledger()["tasks"] == []


def test_fail_task_fails_the_task_at_its_end(service):
    """The code and message are as ordered; nothing is billed."""
    service.faults({"at": "submit", "do": "fail_task", "code": "InternalError.Algo", "message": "Sorry."})
    task = service.first_frame()
    assert service.after(3, task)["task_status"] == "RUNNING"
    failed = service.after(4, task)
    assert (failed["task_status"], failed["code"], failed["message"]) == ("FAILED", "InternalError.Algo", "Sorry.")
    assert service.ledger()["tasks"][0]["billed_seconds"] == 0
    assert service.after(7, service.first_frame())["task_status"] == "SUCCEEDED"


def test_fail_task_on_a_poll_marks_a_task_that_is_under_way(service):
    """Ordered late, it still acts on the task that is polled next."""
    task = service.first_frame()
    service.faults({"at": "poll", "do": "fail_task"})
    service.status(task)
    assert service.after(7, task)["task_status"] == "FAILED"


def test_a_word_stands_in_for_the_status(service):
    """A status the documents do not know can be tried."""
    service.faults({"at": "poll", "do": "word", "status": "SUSPENDED"})
    task = service.first_frame()
    assert [service.status(task), service.status(task)] == ["SUSPENDED", "PENDING"]


def test_an_expired_link_can_be_had_without_waiting_a_day(service):
    """On a poll the link is dead when it comes; on the download a good one counts as dead."""
    task = service.first_frame()
    for place in ("poll", "content"):
        service.faults({"at": place, "do": "expired_link"})
        if place == "poll":
            assert service.status(task) == "PENDING"  # has no link, so the fault waits
        assert "Request has expired." in service.call("GET", service.finished(task), key=None).text
    assert service.call("GET", service.finished(task), key=None).status_code == 200


def test_damaged_answers(service):
    """HTML instead of JSON, half a JSON, and a length that is not that of the body."""
    service.faults({"at": "list", "do": "html"}, {"at": "list", "do": "bad_json"}, {"at": "list", "do": "wrong_length"})
    assert service.call("GET", "/api/v1/tasks").headers["content-type"].startswith("text/html")
    with pytest.raises(json.JSONDecodeError):
        service.call("GET", "/api/v1/tasks").json()
    answer = service.call("GET", "/api/v1/tasks")
    assert int(answer.headers["content-length"]) == len(answer.content) + 1000


def test_a_delay_only_delays(service):
    """The answer is the usual one."""
    service.faults({"at": "list", "do": "delay", "seconds": 0.01})
    assert service.call("GET", "/api/v1/tasks").json()["total"] == 0


def _statuses(service: Service, count: int) -> list[int]:
    return [service.call("GET", "/api/v1/tasks").status_code for _ in range(count)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, [500, 200, 200, 200]),
        ({"skip": 2}, [200, 200, 500, 200]),
        ({"times": 2}, [500, 500, 200, 200]),
        ({"times": 0}, [500, 500, 500, 500]),
        ({"times": 0, "protocol": "dashscope"}, [500, 500, 500, 500]),
        ({"times": 0, "protocol": "videos"}, [200, 200, 200, 200]),
        ({"times": 0, "share": 0.0}, [200, 200, 200, 200]),
    ],
)
def test_when_a_fault_acts(service, order, expected):
    """`skip`, `times`, `share` and `protocol` narrow it down."""
    service.faults({"at": "list", "do": "status"} | order)
    assert _statuses(service, 4) == expected


def test_a_share_is_drawn_by_its_seed(tmp_path):
    """The same seed hits the same requests; about the ordered share of them."""
    drawn = []
    for name in "ab":
        service = Service(tmp_path / name)
        service.faults({"at": "list", "do": "status", "times": 0, "share": 0.5, "seed": 7})
        drawn.append(_statuses(service, 20))
    assert drawn[0] == drawn[1]
    assert 3 < drawn[0].count(500) < 17


def test_faults_are_listed_with_how_often_they_fired_and_can_be_cleared(service):
    """What is ordered can be seen and taken back."""
    service.faults({"at": "list", "do": "status", "times": 0})
    _statuses(service, 3)
    (shown,) = service.call("GET", "/_emulator/faults", key=None).json()
    assert (shown["at"], shown["do"], shown["times"], shown["fired"]) == ("list", "status", 0, 3)
    assert service.call("DELETE", "/_emulator/faults", key=None).json() == []
    assert _statuses(service, 1) == [200]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"at": "nowhere", "do": "status"}, "at"),
        ({"at": "list", "do": "explode"}, "explode"),
        ({"at": "list", "do": "status", "wait": 3}, "wait"),
        ("status", "object"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_whole(service, order, said):
    """The answer says what is wrong, and the sensible half is not taken either."""
    posted = [{"at": "list", "do": "status"}, order]
    answer = service.call("POST", "/_emulator/faults", key=None, json=posted)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True)
    assert service.call("GET", "/_emulator/faults", key=None).json() == []
