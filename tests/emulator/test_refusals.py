"""What the service refuses at once, and what it accepts only to fail later."""

from __future__ import annotations

import base64
import http.server
import io
import struct
import threading
import zlib

import pytest
from PIL import Image

from wan_jupyter.emulator.input_store import is_here

from .service import FRAMES, GENERAL, Service, data_uri, picture

ASYNC = {"X-DashScope-Async": "enable"}
BODY = {"model": "wan2.5-i2v-preview", "input": {"prompt": "p"}}
MOVIE = "https://movies.test/a.mp4"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "BadRequest.IllegalInput"),
        (b"[]", "BadRequest.IllegalInput"),
        (b"\xff", "BadRequest.IllegalInput"),
        (b"{}", "BadRequest.EmptyModel"),
        (b'{"model": 3, "input": {}}', "BadRequest.EmptyModel"),
        (b'{"model": "wan2.5-i2v-preview"}', "BadRequest.EmptyInput"),
        (b"[" * 100_000, "BadRequest.IllegalInput"),
    ],
)
def test_a_body_without_sense_is_refused_at_once(service, content, code):
    """Broken JSON and missing sections are HTTP 400, and no task comes of them."""
    answer = service.call("POST", GENERAL, content=content, headers=ASYNC)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert service.ledger()["tasks"] == []


def test_a_body_beyond_all_measure_is_refused(service):
    """More than 128 MB is not read to its end."""
    answer = service.call("POST", GENERAL, content=b" " * (129 * 1024 * 1024), headers=ASYNC)
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest.TooLarge")


@pytest.mark.parametrize("header", ["sk-one", "Basic c2s=", "Bearer", "Bearer   "])
def test_an_authorization_that_holds_no_key_counts_as_none(service, header):
    """Only `Bearer` and a key is a key."""
    answer = service.call("GET", "/api/v1/tasks/x", key=None, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["message"]) == (401, "No API-key provided.")


def test_the_request_id_is_in_body_and_header(service):
    """Errors too can be traced, also where nobody serves the address."""
    for path in ("/api/v1/tasks/x", "/api/v1/nothing"):
        answer = service.call("GET", path)
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_frame_models_are_taken_on_both_paths_unless_paths_are_strict(tmp_path):
    """A gateway is known to send them to the general path; `strict_paths` refuses that."""
    body = {"model": "wan2.2-kf2v-flash", "input": {"prompt": "p"}}
    lax, strict = Service(tmp_path), Service(tmp_path, strict_paths=True)
    assert [lax.create(body, path).status_code for path in (GENERAL, FRAMES)] == [200, 200]
    assert [strict.create(body, path).status_code for path in (GENERAL, FRAMES)] == [400, 200]
    assert strict.create(body).json()["message"] == "url error, please check url!"


def test_other_models_are_never_taken_on_the_frame_path(service):
    """Only first-and-last-frame models live there."""
    assert service.create(BODY, FRAMES).json()["message"] == "url error, please check url!"


@pytest.mark.parametrize(
    ("model", "inputs", "parameters", "code", "message"),
    [
        ("wan2.5-i2v-preview", {}, {}, "InvalidParameter", "image_url must provided"),
        ("wan2.2-kf2v-flash", {}, {}, "InvalidParameter", "Field required: input.first_frame_url"),
        ("wan2.2-kf2v-flash", {"first_frame_url": "{}"}, {}, "InvalidParameter", "Field required: input.last_"),
        ("wan2.7-i2v", {"img_url": "{}"}, {}, "InvalidParameter", "Field required: input.media"),
        ("wan2.7-i2v", {"prompt": "p"}, {}, "InvalidParameter", "Field required: input.media"),
        ("wan3.0-video", {}, {}, "InvalidParameter", "Field required: input.media"),
        ("wan3.0-video", {"prompt": "p"}, {"duration": -2}, "InvalidParameter", "The duration -2 is not"),
        ("wan2.5-i2v-preview", {"img_url": "{}"}, {"duration": -1}, "InvalidParameter", "The duration -1 is not"),
        ("wan2.7-i2v", {"media": [{}]}, {}, "InvalidParameter", "Field required: input.media.0.type"),
        *[
            (model, {"media": [{"type": one, "url": MOVIE} for one in kinds.split()]}, {}, "InvalidParameter", message)
            for model, kinds, message in (
                ("wan2.7-i2v", "first_clip first_frame", "wan2.7-i2v does not take first_clip, first_frame together"),
                ("wan2.7-i2v", "first_clip driving_audio", "wan2.7-i2v does not take driving_audio, first_clip"),
                ("wan2.7-i2v", "first_clip first_clip", "wan2.7-i2v does not take first_clip, first_clip"),
                ("wan2.7-i2v", "last_frame", "wan2.7-i2v does not take last_frame"),
                ("wan2.7-i2v", "first_clip last_frame driving_audio", "wan2.7-i2v does not take"),
                ("wan3.0-video", "first_clip", "wan3.0-video does not take first_clip"),
                ("wan3.0-video", "first_clip last_frame", "wan3.0-video does not take first_clip, last_frame"),
                ("wan3.0-video", "first_frame reference_image", "The two modes are mutually exclusive"),
                ("wan2.7-i2v", "driving_audio", "The emulator makes videos from"),
            )
        ],
        *[
            ("wan2.7-i2v", {"media": [{"type": "first_clip", "url": url}]}, {}, code, message)
            for url, code, message in (
                ("file:///etc/passwd", "InvalidURL", "Failed to download file"),
                ({"sha256": "0" * 64}, "InvalidURL", "Failed to download"),
                ("oss://nowhere.mp4", "InvalidParameter.DataInspection", "Unable to"),
            )
        ],
        ("wan2.5-i2v-preview", {"img_url": "{}"}, {"duration": 7}, "InvalidParameter", "The duration 7 is not"),
        ("wan2.5-i2v-preview", {"img_url": "{}"}, {"duration": "5"}, "InvalidParameter", "The duration '5'"),
        ("wan2.2-i2v-plus", {"img_url": "{}"}, {"resolution": "720P"}, "InvalidParameter", "The resolution"),
        ("wan2.5-i2v-preview", {"img_url": "{}", "prompt": "Forbidden"}, {}, "DataInspectionFailed", "Input data"),
        ("wan2.5-i2v-preview", {"img_url": "https://a.test/b.png"}, {}, "InvalidURL", "Failed to download https"),
        ("wan2.5-i2v-preview", {"img_url": "oss://x.png"}, {}, "InvalidParameter.DataInspection", "Unable to"),
        ("wan2.5-i2v-preview", {"img_url": "file:///etc/passwd"}, {}, "InvalidURL", "Failed to download file"),
        ("wan2.5-i2v-preview", {"img_url": {"sha256": "../secret"}}, {}, "InvalidURL", "Failed to download"),
    ],
)
def test_most_mistakes_show_only_on_a_poll(service, model, inputs, parameters, code, message):
    """The create answers 200 and PENDING; a second later the task has FAILED, and nothing is billed."""
    filled = {name: data_uri(picture()) if value == "{}" else value for name, value in inputs.items()}
    created = service.create({"model": model, "input": filled, "parameters": parameters})
    output = created.json()["output"]
    assert (created.status_code, output["task_status"]) == (200, "PENDING")
    failed = service.after(1, output["task_id"])
    assert (failed["task_status"], failed["code"]) == ("FAILED", code)
    assert failed["message"].startswith(message)
    assert service.ledger()["tasks"][0]["billed_seconds"] == 0


def _claimed(width: int, height: int) -> bytes:
    """A PNG whose header claims this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _gif() -> bytes:
    file = io.BytesIO()
    Image.new("P", (64, 64)).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"hello", "InvalidImage.FileFormat"),
        (b"", "InvalidImage.FileFormat"),
        (picture(kind="JPEG")[:600], "InvalidImage.FileFormat"),
        (picture((400, 300))[:300], "InvalidImage.FileFormat"),
        (_gif(), "InvalidImage.FileFormat"),
        (_claimed(20_000, 20_000), "InvalidImage.ImageSize"),
        (_claimed(10_000, 10_000), "InvalidImage.ImageSize"),
        (_claimed(8_100, 4_000), "InvalidImage.ImageSize"),
        (picture((900, 100)), "InvalidImage.ImageSize"),
    ],
    ids=["text", "nothing", "half a JPEG", "half a PNG", "GIF", "bomb", "huge", "long side", "strip"],
)
def test_a_picture_that_cannot_be_used_fails_the_task(service, data, code):
    """Neither damage nor absurd size harms the service itself."""
    task = service.first_frame(image=data_uri(data))
    assert service.after(1.5, task)["code"] == code


@pytest.mark.parametrize("uri", ["data:image/png;base64,%%%", "data:", "data:image/png,abc"])
def test_a_broken_data_uri_is_no_picture(service, uri):
    """It is accepted like any other, and fails like bytes that are no picture."""
    assert service.after(1.5, service.first_frame(image=uri))["code"] == "InvalidImage.FileFormat"


class _Files(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://example.invalid/x.png")
            self.end_headers()
            return
        data = picture() if self.path == "/cat.png" else b"\0" * (21 * 1024 * 1024)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def files():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_link_to_this_machine_is_downloaded(service, files):
    """A picture served on loopback becomes a clip."""
    assert service.after(7, service.first_frame(image=f"{files}/cat.png"))["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize("path", ["away", "large.png"])
def test_a_link_that_leads_away_or_to_too_much_is_not_followed(service, files, path):
    """Redirects off this machine and files above 20 MB count as undownloadable."""
    failed = service.after(1.5, service.first_frame(image=f"{files}/{path}"))
    assert (failed["code"], failed["message"]) == ("InvalidURL", f"Failed to download {files}/{path}")


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:1/x", True),
        ("https://127.9.9.9/x", True),
        ("http://[::1]/x", True),
        ("http://localhost.example.com/x", False),
        ("http://10.0.0.1/x", False),
        ("ftp://127.0.0.1/x", False),
        ("http://[/x", False),
    ],
)
def test_only_loopback_names_are_this_machine(url, here):
    """No other connection is ever opened."""
    assert is_here(url) is here


def test_base64_with_line_breaks_is_still_a_picture(service):
    """Some encoders wrap their lines."""
    uri = "data:image/png;base64," + base64.encodebytes(picture()).decode()
    assert service.after(7, service.first_frame(image=uri))["task_status"] == "SUCCEEDED"
