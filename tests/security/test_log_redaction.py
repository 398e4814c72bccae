"""Logs say neither key nor signature, however talkative they are; other people's lines stay as they are."""

from __future__ import annotations

import base64
import gc
import logging
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emulator_client import PortEmulator
from tests.support.processes import python
from wan_jupyter.security.api_key import Key
from wan_jupyter.security.log_redaction import LOGGERS, Scrubber, discreet

SECRET = "sk-distinctive-0123456789"
LINK = "https://oss.test/a/v.mp4?Expires=1&Signature=very-secret"


class Ours:
    """Whether the record comes from a thread of ours, as the test says."""

    here = True

    def __call__(self) -> bool:
        return self.here


@pytest.fixture
def ours() -> Ours:
    return Ours()


@pytest.fixture
def scrubber(ours: Ours) -> Iterator[Scrubber]:
    made = Scrubber(ours)
    yield made
    made.close()


def logged(caplog: pytest.LogCaptureFixture, name: str, *words: object, **how: object) -> str:
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger(name).debug(*words, **how)  # type: ignore[arg-type]
    return caplog.text


@pytest.mark.parametrize("name", LOGGERS)
def test_a_key_is_struck_out_of_every_line(
    name: str, scrubber: Scrubber, ours: Ours, caplog: pytest.LogCaptureFixture
) -> None:
    """In the words, in the values, in base64 and in pieces, whoever logs it."""
    key = Key(SECRET, "a test")
    scrubber.know(key)
    ours.here = False
    packed = base64.b64encode(f"x:{SECRET}".encode()).decode()
    text = logged(caplog, name, "%s and %s and sk-disti…, %d %r", SECRET, packed, 7, {"a": SECRET[4:14]})
    assert not [SECRET[at : at + 8] for at in range(len(SECRET) - 7) if SECRET[at : at + 8] in text]
    assert packed[4:-4] not in text
    assert "[key]" in text


@pytest.mark.parametrize(
    "line",
    [
        f'HTTP Request: GET {LINK} "HTTP/1.1 200 OK"',
        f"receive_response_headers.complete return_value=(b'HTTP/1.1', 302, b'Found', [(b'Location', b'{LINK}')])",
        "(b'HTTP/1.1', 302, b'Found', [(b'location', b'/v.mp4?Signature=very-secret'), (b'Date', b'now')])",
        "[(b'set-cookie', b\"it's=very-secret; Path=/\"), (b'Cookie', b'a=very-secret')]",
        "{'Authorization': 'x'} Authorization: Bearer very-secret",
        "Location: /v.mp4?Signature=very-secret",
        "curl -H 'Authorization: Bearer very-secret'",
        "token Bearer very-secret",
    ],
)
def test_a_secret_of_the_wire_is_cut(line: str, scrubber: Scrubber, caplog: pytest.LogCaptureFixture) -> None:
    """Queries of addresses, cookies, redirects; as httpx and httpcore write them, and as people do."""
    text = logged(caplog, "httpcore.http11", line)
    assert "very-secret" not in text
    assert "…" in text
    assert ("Date" in line) == ("(b'Date', b'now')" in text)


def test_a_traceback_in_the_log_says_no_secret(scrubber: Scrubber, caplog: pytest.LogCaptureFixture) -> None:
    """`exc_info=True` writes the error's words and those of its causes."""
    key = Key(SECRET, "a test")
    scrubber.know(key)
    try:
        try:
            raise OSError(f"no way to {LINK}")
        except OSError as error:
            raise ValueError(f"with {SECRET}") from error
    except ValueError:
        text = logged(caplog, "wan_jupyter", "oops", exc_info=True)
    assert "ValueError: with [key]" in text
    assert "no way to https://oss.test/a/v.mp4?…" in text
    assert "very-secret" not in text


def test_other_peoples_lines_stay_as_they_are(scrubber: Scrubber, ours: Ours, caplog: pytest.LogCaptureFixture) -> None:
    """The user's own httpx calls, in the user's own threads."""
    ours.here = False
    assert LINK in logged(caplog, "httpx", f"HTTP Request: GET {LINK}")
    assert "{'a': 1} 2" in logged(caplog, "httpx", "%s %d", {"a": 1}, 2)


def test_a_record_that_does_not_fit_is_left_to_its_handler(scrubber: Scrubber) -> None:
    """A filter that raises would take the line, and the caller, down."""
    record = logging.LogRecord("httpx", logging.DEBUG, "here", 1, "%d", ("x",), None)
    assert scrubber.filter(record)


def test_a_key_that_nobody_holds_is_forgotten(scrubber: Scrubber) -> None:
    """The scrubber keeps none alive."""
    scrubber.know(Key(SECRET, "a test"))
    gc.collect()
    assert not list(scrubber._keys)


def test_a_scrubber_leaves_the_loggers(scrubber: Scrubber) -> None:
    """What is closed changes nothing any more."""
    assert all(scrubber in logging.getLogger(name).filters for name in LOGGERS)
    scrubber.close()
    assert not any(scrubber in logging.getLogger(name).filters for name in LOGGERS)


@given(st.text(string.ascii_letters + string.digits + "-_", min_size=16, max_size=60), st.text(), st.text())
@settings(deadline=None)
def test_no_text_hides_a_key(secret: str, before: str, after: str) -> None:
    """Whatever stands around it, and whatever it is made of."""
    key = Key(secret, "a test")
    struck = key.strike(f"{before}{secret}{after}{base64.b64encode(secret.encode()).decode()}")
    rest = struck.replace("[key]", "\n")
    assert not [secret[at : at + 8] for at in range(len(secret) - 7) if secret[at : at + 8] in rest]


@given(st.text())
@settings(deadline=None)
def test_a_text_without_a_key_is_left_alone(text: str) -> None:
    """To the letter."""
    assert Key(SECRET, "a test").strike(text) == text
    assert discreet(discreet(text)) == discreet(text)


def test_a_placeholder_is_no_secret() -> None:
    """Servers of one's own take any word; a short one stands in many texts."""
    assert Key("EMPTY", "a test").strike("EMPTY video") == "EMPTY video"
    assert Key("token-abc", "a test").strike("a token-abc, token-ab") == "a [key], token-ab"


TALKATIVE = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
from tests.support.clock import *
from tests.support.processes import *
from tests.support.emulator_client import *
from tests.support.world import *
from wan_jupyter.session.session import Session
session = Session("dashscope-intl", base_url=os.environ["URL"], key=os.environ["SECRET"])
session.submit("A cat", image=picture(), **SMALL).result(60)
print(logging.getLogger("httpcore.http11").filters)
"""


def test_a_user_who_turns_everything_on_sees_no_secret(tmp_path: Path, port: PortEmulator) -> None:
    """`logging.basicConfig(level=logging.DEBUG)` in a process of its own."""
    ran = python(TALKATIVE, tmp_path, URL=port.base_url, SECRET=SECRET)
    assert ran.returncode == 0, ran.stderr
    assert "DEBUG:httpcore.http11:receive_response_headers.complete" in ran.stdout
    assert "Scrubber" in ran.stdout
    assert not [word for word in (SECRET[4:12], "Signature=", "Expires=") if word in ran.stdout + ran.stderr]
