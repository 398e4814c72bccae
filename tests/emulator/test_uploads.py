"""Temporary storage: who may put what where, for how long, and who may use it."""

from __future__ import annotations

from typing import Any

import pytest

from .service import FRAMES, GENERAL, Service, picture

MODEL = "wan2.6-i2v-flash"
RESOLVE = {"X-DashScope-Async": "enable", "X-DashScope-OssResourceResolve": "enable"}


def policy(service: Service, *, model: str = MODEL, **options: Any) -> dict[str, Any]:
    return service.call("GET", f"/api/v1/uploads?action=getPolicy&model={model}", **options).json()["data"]


def fields(given: dict[str, Any], name: str = "cat.png") -> dict[str, Any]:
    return {
        "OSSAccessKeyId": given["oss_access_key_id"],
        "Signature": given["signature"],
        "policy": given["policy"],
        "key": f"{given['upload_dir']}/{name}",
        "x-oss-object-acl": given["x_oss_object_acl"],
        "x-oss-forbid-overwrite": given["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }


def put(service: Service, given: dict[str, Any], *, headers=None, **changes: Any) -> Any:
    parts = {name: (None, value) for name, value in (fields(given) | changes).items()}
    parts["file"] = ("cat.png", picture(), "image/png")
    return service.call("POST", given["upload_host"], key=None, files=parts, headers=headers)


def create(service: Service, link: str, *, model: str = MODEL, headers=RESOLVE, **options: Any) -> str:
    body = {"model": model, "input": {"img_url": link}, "parameters": {"resolution": "720P", "duration": 2}}
    answer = service.call("POST", GENERAL, json=body, headers=headers, **options)
    return answer.json()["output"]["task_id"]


def uploaded(service: Service) -> str:
    given = policy(service)
    assert put(service, given).status_code == 200
    return f"oss://{fields(given)['key']}"


def test_an_uploaded_picture_becomes_a_video(service):
    """The answer to the upload is empty, and the ledger shows the name as it was sent."""
    given = policy(service)
    assert put(service, given).content == b""
    link = f"oss://{given['upload_dir']}/cat.png"
    assert service.after(7, create(service, link))["task_status"] == "SUCCEEDED"
    assert service.ledger()["tasks"][0]["request"]["input"]["img_url"] == link


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        ("without the header", {"headers": {"X-DashScope-Async": "enable"}}),
        ("for another model", {"model": "wan2.6-i2v"}),
        ("by another account", {"key": "sk-two"}),
    ],
)
def test_a_file_that_may_not_be_used_fails_the_task_late(service, case, changes):
    """The create is accepted all the same."""
    task = create(service, uploaded(service), **changes)
    service.time += 7
    output = service.poll(task, key=changes.get("key", "sk-one"))["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InvalidParameter.DataInspection"), case


@pytest.mark.parametrize(("hours", "word"), [(47.9, "SUCCEEDED"), (48.1, "FAILED")])
def test_a_file_is_kept_for_48_hours(service, hours, word):
    """Counted to the create that uses it."""
    link = uploaded(service)
    service.time += hours * 3600
    assert service.after(7, create(service, link))["task_status"] == word


def test_both_frames_may_be_uploads(service):
    """Also inside a list, as 2.7 has them."""
    given = policy(service, model="wan2.7-i2v")
    names = ["a.png", "b.png"]
    assert [put(service, given, key=f"{given['upload_dir']}/{name}").status_code for name in names] == [200, 200]
    kinds = ("first_frame", "last_frame")
    links = [f"oss://{given['upload_dir']}/{name}" for name in names]
    media = [{"type": kind, "url": link} for kind, link in zip(kinds, links, strict=True)]
    body = {"model": "wan2.7-i2v", "input": {"media": media}, "parameters": {"resolution": "720P", "duration": 2}}
    task = service.call("POST", GENERAL, json=body, headers=RESOLVE).json()["output"]["task_id"]
    assert service.after(7, task)["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"Signature": "x"}, 403, "SignatureDoesNotMatch"),
        ({"policy": "x"}, 403, "SignatureDoesNotMatch"),
        ({"key": "elsewhere/cat.png"}, 403, "AccessDenied"),
        ({"headers": {"Authorization": "Bearer sk-one"}}, 400, "InvalidArgument"),
    ],
)
def test_a_form_against_the_rules_is_refused(service, changes, status, code):
    """In the words of the storage, which are XML; a key sent there is one of the mistakes."""
    answer = put(service, policy(service), **changes)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/xml")
    assert f"<Code>{code}</Code>" in answer.text


def test_the_file_must_come_last(service):
    """What follows it is not read."""
    given = policy(service)
    parts = {"file": ("cat.png", picture(), "image/png")}
    parts |= {name: (None, value) for name, value in fields(given).items()}
    assert service.call("POST", given["upload_host"], key=None, files=parts).status_code == 403


def test_a_name_is_taken_once(service):
    """Overwriting is forbidden by the policy."""
    given = policy(service)
    assert [put(service, given).status_code for _ in range(2)] == [200, 409]


@pytest.mark.parametrize("query", ["", "?action=getPolicy", "?model=x", "?action=other&model=x"])
def test_a_policy_needs_its_arguments_and_a_key(service, query):
    """Else it is refused as the API refuses."""
    assert service.call("GET", f"/api/v1/uploads{query}").status_code == 400
    assert service.call("GET", f"/api/v1/uploads{query}", key=None).status_code == 401


@pytest.mark.parametrize("at", ["policy", "upload"])
def test_faults_act_on_uploads(service, at):
    """At the policy and at the storage, once each."""
    service.faults({"at": at, "do": "status", "status": 503, "protocol": "dashscope"})
    first = service.call("GET", f"/api/v1/uploads/?action=getPolicy&model={MODEL}")
    second = put(service, policy(service))
    assert [first.status_code, second.status_code] == ([503, 200] if at == "policy" else [200, 503])


def test_an_upload_is_for_either_path(service):
    """Path B's models have uploads too."""
    given = policy(service, model="wan2.2-kf2v-flash")
    put(service, given)
    link = f"oss://{given['upload_dir']}/cat.png"
    body = {"model": "wan2.2-kf2v-flash", "input": {"first_frame_url": link, "last_frame_url": link}}
    task = service.call("POST", FRAMES, json=body, headers=RESOLVE).json()["output"]["task_id"]
    assert service.after(7, task)["task_status"] == "SUCCEEDED"
