"""Temporary storage for inputs as DashScope offers it: a signed policy, an upload URL, `oss://` links.

A file belongs to the account and the model its policy was made for; its link is valid for 48 hours (Alibaba Cloud Model
Studio, https://www.alibabacloud.com/help/en/model-studio/get-temporary-file-url, read 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .requests import Sent, parts_of
from .result_links import ACCESS_KEY_ID, error_xml
from .service import Service
from .tasks import read_json, write_whole

SINK = "/uploads-sink"
SCHEME = "oss://"
POLICY_SECONDS = 300
KEPT_SECONDS = 48 * 3600.0
LARGEST_MB = 100

# What OSS answers to a form it does not take: HTTP status, code and message of its XML.
REFUSALS: Mapping[str, tuple[int, str, str]] = MappingProxyType(
    {
        "header": (400, "InvalidArgument", "Only one auth mechanism allowed: the header or the form."),
        "form": (400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."),
        "fields": (403, "AccessDenied", "You have no right to access this object because of bucket acl."),
        "signature": (403, "SignatureDoesNotMatch", "The signature we calculated does not match the one provided."),
        "expired": (403, "AccessDenied", "Invalid according to Policy: Policy expired."),
        "key": (403, "AccessDenied", 'Invalid according to Policy: Policy Condition failed: ["starts-with", "$key"].'),
        "size": (400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size."),
        "again": (409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten."),
    }
)


class Uploads:
    """Issues policies, receives files and resolves `oss://` links."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._folder = service.settings.state / "uploads"
        self.routes: list[BaseRoute] = [
            Route(path, self.sink, methods=["POST"]) for path in (SINK, f"{SINK}/{{rest:path}}")
        ]

    def policy(self, base_url: str, account: str, model: str) -> dict[str, Any]:
        """Return the `data` of a policy: five minutes to upload files into a folder of its own."""
        now = self._service.now()
        day = time.strftime("%Y-%m-%d", time.gmtime(now))
        folder = f"dashscope-instant/{account}/{day}/{uuid.uuid4().hex}"
        facts = {"expires": now + POLICY_SECONDS, "folder": folder, "account": account, "model": model}
        policy = base64.b64encode(json.dumps(facts).encode()).decode()
        return {
            "policy": policy,
            "signature": self._signature(policy),
            "upload_dir": folder,
            "upload_host": f"{base_url.rstrip('/')}{SINK}",
            "expire_in_seconds": POLICY_SECONDS,
            "max_file_size_mb": LARGEST_MB,
            "capacity_limit_mb": 999999999,
            "oss_access_key_id": ACCESS_KEY_ID,
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }

    async def sink(self, request: Request) -> Response:
        """Receive a file if its policy allows it; the answer to a good one is empty."""
        if "authorization" in request.headers:
            return _refuse("header", request)
        parts = await parts_of(request)
        if parts is None:
            return _refuse("form", request)
        names = [name for name, _ in parts]
        # The storage reads no further than the file, so what comes after it is as good as missing.
        fields = dict(parts[: names.index("file") + 1]) if "file" in names else {}
        problem = await self._service.aside(lambda: self._keep(fields))
        if problem:
            return _refuse(problem, request)
        return Response(status_code=200 if fields.get("success_action_status") == "200" else 204)

    def named_in(self, request: Request, sent: Any, model: str, key: str) -> dict[str, str]:
        """Return the digest of each `oss://` link in a request, if the request asks to resolve and may use them."""
        if request.headers.get("x-dashscope-ossresourceresolve", "").lower() != "enable":
            return {}
        account = self._service.account(key)
        found = ((name, self._digest(name, account, model)) for name in _names(sent))
        return {name: digest for name, digest in found if digest is not None}

    def _keep(self, fields: Mapping[str, str | Sent]) -> str | None:
        file, key, policy = fields.get("file"), fields.get("key"), fields.get("policy")
        if not (isinstance(file, Sent) and isinstance(key, str) and isinstance(policy, str)):
            return "fields"
        if not hmac.compare_digest(str(fields.get("Signature")).encode(), self._signature(policy).encode()):
            return "signature"
        facts = _facts(policy)
        problem = self._problem(facts, key, file)
        if problem is None:
            record = {name: facts[name] for name in ("account", "model")}
            record |= {"sha256": self._service.inputs.put(file.data), "when": self._service.now()}
            write_whole(self._path(key), json.dumps(record).encode())
        return problem

    def _problem(self, facts: Mapping[str, Any], key: str, file: Sent) -> str | None:
        checks = {
            "expired": facts["expires"] < self._service.now(),
            "key": not key.startswith(f"{facts['folder']}/"),
            "size": len(file.data) > LARGEST_MB * 1024 * 1024,
            "again": self._path(key).exists(),
        }
        return next((problem for problem, found in checks.items() if found), None)

    def _digest(self, name: str, account: str, model: str) -> str | None:
        record = read_json(self._path(name.removeprefix(SCHEME)))
        if record is None or (record["account"], record["model"]) != (account, model):
            return None
        return str(record["sha256"]) if self._service.now() - record["when"] <= KEPT_SECONDS else None

    def _path(self, key: str) -> Any:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _signature(self, policy: str) -> str:
        return self._service.signature(f"policy {policy}", 0)


def _facts(policy: str) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(base64.b64decode(policy))
    except (binascii.Error, ValueError):  # not ours, but then neither is its signature
        return {"expires": 0.0, "folder": ""}
    return facts


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith(SCHEME):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names(item)


def _refuse(problem: str, request: Request) -> Response:
    status, code, message = REFUSALS[problem]
    return error_xml(status, {"Code": code, "Message": message}, request)
