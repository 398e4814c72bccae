"""The emulator under test, in process, on a clock that stands still until it is moved."""

from __future__ import annotations

import pytest

from .service import Service


@pytest.fixture
def service(tmp_path) -> Service:
    return Service(tmp_path / "state")
