"""Result links and the ledger's view of them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from .service import START


@pytest.fixture
def link(service) -> str:
    return service.finished(service.first_frame())


def test_the_link_is_on_the_host_the_client_used(link):
    """Whatever name the client reached us by, the link works from there too."""
    assert link.startswith("http://emulator.test/results/")


def test_the_link_dies_a_day_after_the_end(service, link):
    """`Expires` says when, and then OSS answers 403 in XML."""
    expires = int(parse_qs(urlsplit(link).query)["Expires"][0])
    assert expires == int(START + 6) + 24 * 3600
    service.time = expires - 1
    assert service.call("GET", link, key=None).status_code == 200
    service.time = expires + 1
    answer = service.call("GET", link, key=None)
    assert (answer.status_code, answer.headers["x-oss-ec"]) == (403, "0002-00000069")
    assert "<Message>Request has expired.</Message>" in answer.text


def test_a_leaked_key_is_refused(service, link):
    """OSS takes one way of signing at a time, so a client that sends its key along notices."""
    answer = service.call("GET", link)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/xml")
    assert service.ledger()["requests"][-1]["authorized"] is True


@pytest.mark.parametrize(
    ("old", "new", "status", "code"),
    [
        ("Signature=", "Signature=x", 403, "SignatureDoesNotMatch"),
        ("Expires=1", "Expires=2", 403, "SignatureDoesNotMatch"),
        ("Expires=", "Expires=x", 403, "SignatureDoesNotMatch"),
        ("Signature", "Signed", 403, "AccessDenied"),
        (".mp4", ".mov", 403, "SignatureDoesNotMatch"),
    ],
)
def test_a_link_that_was_tampered_with_is_refused(service, link, old, new, status, code):
    """Everything in the link is signed."""
    answer = service.call("GET", link.replace(old, new, 1), key=None)
    assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True)


def test_a_link_for_get_does_not_do_for_head(service, link):
    """The method is part of what was signed."""
    assert service.call("HEAD", link, key=None).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=10-99999999", 200, slice(None)),
        ("bytes=99999999-", 200, slice(None)),
        ("bytes=9-3", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
        ("bytes=-0", 200, slice(None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_a_range_is_served_or_ignored_as_oss_does(service, link, wanted, status, part):
    """A part in range is 206; one out of range or malformed is 200 with the whole file."""
    whole = service.call("GET", link, key=None)
    answer = service.call("GET", link, key=None, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (status, whole.content[part])
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["etag"] == whole.headers["etag"]
    assert ("content-range" in answer.headers) is (status == 206)


@pytest.mark.parametrize(
    ("validator", "status"),
    [("etag", 206), ("last-modified", 206), ('"another"', 200), ("W/etag", 200), ("", 200)],
)
def test_a_part_on_condition_is_one_of_the_same_clip(service, link, validator, status):
    """If-Range with the clip's ETag or date: the part; with anything else all of it (RFC 9110, 13.1.5)."""
    whole = service.call("GET", link, key=None)
    condition = whole.headers.get(validator, f"W/{whole.headers['etag']}" if validator == "W/etag" else validator)
    answer = service.call("GET", link, key=None, headers={"Range": "bytes=10-", "If-Range": condition})
    assert (answer.status_code, answer.content) == (status, whole.content[10:] if status == 206 else whole.content)


def test_a_clip_that_was_purged_is_made_again(service, link, tmp_path):
    """Only the task and its picture must be there."""
    before = service.call("GET", link, key=None).content
    for path in (tmp_path / "state" / "clips").iterdir():
        path.unlink()
    assert service.call("GET", link, key=None).content == before
