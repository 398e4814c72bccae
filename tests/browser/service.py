"""An emulator on a port for those who drive a browser."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.clock import PATIENCE
from tests.support.emulator_client import PortEmulator


class Service(PortEmulator):
    """An emulator on a port whose doors need no asyncio: Playwright's loop runs in this thread."""

    def _call(self, method: str, door: str, **body: Any) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=PATIENCE) as http:
            return http.request(method, f"{self.url}/_emulator/{door}", **body)
