"""The life of a task, as a client sees it by polling."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from wan_jupyter.emulator.clip_spec import Refusal
from wan_jupyter.emulator.tasks import Task, life

from .service import GENERAL, START, Service, data_uri, picture


def test_a_task_waits_then_runs_then_succeeds(service):
    """At speed 1 a task is PENDING for one second, RUNNING for five, then SUCCEEDED for good."""
    task = service.first_frame()
    seen = [service.after(step, task)["task_status"] for step in (0, 0.9, 0.2, 4.8, 0.2, 3600)]
    assert seen == ["PENDING", "PENDING", "RUNNING", "RUNNING", "SUCCEEDED", "SUCCEEDED"]


def test_speed_divides_every_duration(tmp_path):
    """At speed 10 the same life takes a tenth of the time."""
    service = Service(tmp_path, speed=10)
    task = service.first_frame()
    seen = [service.after(step, task)["task_status"] for step in (0.05, 0.1, 0.5)]
    assert seen == ["PENDING", "RUNNING", "SUCCEEDED"]


def test_a_task_keeps_the_speed_it_was_taken_at(tmp_path):
    """Another process with another speed tells the same about the same task."""
    slow, fast = Service(tmp_path), Service(tmp_path, speed=100)
    task = slow.first_frame()
    assert fast.after(2, task)["task_status"] == "RUNNING"


def test_a_task_outlives_the_app_that_took_it(tmp_path):
    """A second app on the same folder serves the task and its clip."""
    task = Service(tmp_path).first_frame()
    later = Service(tmp_path)
    assert later.clip(task)[4:8] == b"ftyp"


def test_times_are_china_time_with_milliseconds(service):
    """Times carry no zone and are eight hours ahead of UTC."""
    output = service.after(7, service.first_frame())
    assert output["submit_time"] == "2025-12-10 09:06:19.250"
    assert output["scheduled_time"] == "2025-12-10 09:06:20.250"
    assert output["end_time"] == "2025-12-10 09:06:25.250"


def test_the_date_header_is_the_services_clock(service):
    """Every answer says what time it is, so that a client can tell its own clock is wrong."""
    assert service.call("GET", "/api/v1/tasks").headers["date"] == "Wed, 10 Dec 2025 01:06:19 GMT"


def test_a_task_is_unknown_after_a_day(service):
    """A task can be queried for 24 hours; after that it is UNKNOWN, with HTTP 200."""
    task = service.first_frame()
    assert service.after(24 * 3600, task)["task_status"] == "SUCCEEDED"
    assert service.after(1, task) == {"task_id": task, "task_status": "UNKNOWN"}


@pytest.mark.parametrize("task_id", ["nope", "..%5Csecret", "a4de7c32-7057-9f82-8581-000000000000"])
def test_an_id_that_never_was_is_unknown(service, task_id):
    """An invented id gets the same answer as an old one."""
    assert service.poll(task_id)["output"]["task_status"] == "UNKNOWN"


def test_a_task_belongs_to_the_account_that_submitted_it(service):
    """With another key the task is UNKNOWN, cannot be canceled and is not listed."""
    task = service.first_frame()
    assert service.status(task, key="sk-two") == "UNKNOWN"
    assert service.call("POST", f"/api/v1/tasks/{task}/cancel", key="sk-two").status_code == 400
    assert service.call("GET", "/api/v1/tasks", key="sk-two").json()["total"] == 0


def test_a_waiting_task_can_be_canceled(service):
    """CANCELED is for good, is not billed, and a second cancel is refused."""
    task = service.first_frame()
    assert set(service.call("POST", f"/api/v1/tasks/{task}/cancel").json()) == {"request_id"}
    assert service.after(10, task)["task_status"] == "CANCELED"
    assert service.call("POST", f"/api/v1/tasks/{task}/cancel").json()["code"] == "UnsupportedOperation"
    assert service.ledger()["tasks"][0]["billed_seconds"] == 0


def test_a_running_task_cannot_be_canceled(service):
    """The refusal changes nothing: the task succeeds and is billed."""
    task = service.first_frame()
    service.time += 2
    assert service.call("POST", f"/api/v1/tasks/{task}/cancel").status_code == 400
    assert service.after(5, task)["task_status"] == "SUCCEEDED"


def test_every_address_takes_a_trailing_slash_a_query_and_a_body(service):
    """The SDK's asynchronous half decorates its requests; none of it disturbs."""
    body = {"model": "wan2.5-i2v-preview", "input": {"img_url": data_uri(picture()), "function": "x"}}
    task = service.create(body, f"{GENERAL}/").json()["output"]["task_id"]
    assert service.status(f"{task}/?duration=5&prompt_extend=true") == "PENDING"
    canceled = service.call("POST", f"/api/v1/tasks/{task}/cancel/", json={"model": "", "input": ""})
    assert canceled.status_code == 200
    assert service.call("GET", "/api/v1/tasks/").json()["total"] == 1


def test_the_list_is_filtered_and_paged_newest_first(service):
    """Model, status, id, time and page narrow the list; totals count before paging."""
    ids = []
    for model in ("wan2.5-i2v-preview", "wan2.2-i2v-flash", "wan2.2-i2v-flash"):
        ids.append(service.first_frame(model=model))
        service.time += 3

    def listed(query: str) -> list[str]:
        return [row["task_id"] for row in service.call("GET", f"/api/v1/tasks?{query}").json()["data"]]

    assert listed("") == ids[::-1]
    assert listed("model_name=wan2.2-i2v-flash") == [ids[2], ids[1]]
    assert listed("status=SUCCEEDED") == [ids[1], ids[0]]
    assert listed(f"task_id={ids[1]}") == [ids[1]]
    assert listed("start_time=20251210090621&end_time=20251210090624") == [ids[1]]
    assert listed("page_no=2&page_size=2") == [ids[0]]
    assert service.call("GET", "/api/v1/tasks?page_no=2&page_size=2").json()["total_page"] == 2
    assert service.call("GET", "/api/v1/tasks?page_no=two").status_code == 400


def test_the_list_counts_in_milliseconds(service):
    """Unlike polls, the list gives times as numbers."""
    service.first_frame()
    (row,) = service.call("GET", "/api/v1/tasks").json()["data"]
    assert row["gmt_create"] == round(START * 1000)


def test_the_key_is_nowhere_in_the_folder(tmp_path):
    """What is kept of a key cannot be turned back into it."""
    Service(tmp_path).first_frame()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"sk-one" in path.read_bytes() for path in files)


def test_state_is_a_function_of_the_file_and_the_clock():
    """The same task and time always give the same state, without any process having lived in between."""
    task = Task("id", "dashscope", "m", {}, "a", created=100.0, speed=1.0, seed=1)
    refused = Refusal("InvalidParameter", "no")
    assert life(task, None, 100.5).status == "PENDING"
    assert life(task, refused, 101.5).status == "FAILED"
    assert life(task, refused, 101.5).ended == 101.0


def test_importing_the_package_is_cheap():
    """Neither the server nor the picture libraries are loaded before they are needed."""
    code = (
        "import sys, wan_jupyter.emulator, json;"
        "print(json.dumps([m for m in ('starlette', 'uvicorn', 'PIL', 'av') if m in sys.modules]))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout) == []


@pytest.mark.parametrize("wrong", [{"speed": 0}, {"clip_seconds": -1}, {"videos_dialect": "no"}])
def test_settings_that_cannot_work_are_refused_at_once(tmp_path, wrong):
    """A wrong setting is a ValueError of `create_app`, not a surprise in the first request."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Service(tmp_path, **wrong)
