"""The ledger: what was asked, what it cost, and who sent a key where."""

from __future__ import annotations

import hashlib

from .service import Service, data_uri, picture


def test_a_task_is_billed_once_when_it_succeeds(service):
    """The bill is for the asked seconds, however short the clip and however often one looks."""
    task = service.first_frame(duration=10)
    assert [service.ledger()["tasks"][0][name] for name in ("status", "billed_seconds")] == ["PENDING", 0]
    service.clip(task)
    for _ in range(2):
        (entry,) = service.ledger()["tasks"]
        assert (entry["task_id"], entry["status"], entry["billed_seconds"]) == (task, "SUCCEEDED", 10)
    assert (entry["protocol"], entry["model"]) == ("dashscope", "wan2.5-i2v-preview")


def test_a_task_nobody_asks_about_is_billed_all_the_same(service):
    """A lost answer does not make a video free."""
    service.first_frame()
    service.time += 10
    assert service.ledger()["tasks"][0]["billed_seconds"] == 5


def test_the_request_is_kept_without_its_pictures(service):
    """A data URI is shown by its length and SHA-256, the rest as it came, unknown keys included."""
    data = picture()
    inputs = {"img_url": data_uri(data), "prompt": "고양이", "extend_prompt": True}
    service.create({"model": "wan2.5-i2v-preview", "input": inputs, "parameters": {"x": {"y": 1}}})
    shown = service.ledger()["tasks"][0]["request"]
    digest = hashlib.sha256(data).hexdigest()
    assert shown["input"]["img_url"] == {"data_uri": "image/png", "length": len(data), "sha256": digest}
    assert (shown["input"]["prompt"], shown["parameters"]) == ("고양이", {"x": {"y": 1}})


def test_requests_are_listed_without_queries_and_without_our_own_doors(service):
    """Method, path, status and whether a key came along: nothing that would be a secret."""
    service.call("GET", "/api/v1/tasks?status=FAILED")
    service.call("GET", "/api/v1/tasks", key=None)
    service.call("GET", "/_emulator/faults")
    assert service.ledger()["requests"] == [
        {"method": "GET", "path": "/api/v1/tasks", "status": 200, "authorized": True},
        {"method": "GET", "path": "/api/v1/tasks", "status": 401, "authorized": False},
    ]


def test_tasks_are_the_folders_and_requests_the_apps(tmp_path):
    """A second app sees the first one's tasks, not its requests."""
    Service(tmp_path).first_frame()
    other = Service(tmp_path).ledger()
    assert (len(other["tasks"]), other["requests"]) == (1, [])
