"""What only a shell knows for `%wan doctor`: the front end, and its widgets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from ...i18n.messages import say
from ...workflows.doctor import Finding
from ..display.frontend import detect


def findings(ip: Any) -> Iterator[Finding]:
    """Yield who is looking, and how many widgets live in this kernel; nothing is imported to count them."""
    front = detect(ip)
    ways = say("doctor.waits" if front.waits else "doctor.returns")
    yield Finding(say("doctor.name.front"), say("part.semicolon").join((say(f"doctor.face.{front.face}"), ways)))
    module = sys.modules.get("ipywidgets.widgets.widget")
    alive = getattr(module, "_instances", None)  # ipywidgets 8; 7 keeps them on the class
    if alive is None:
        alive = getattr(getattr(module, "Widget", None), "widgets", {})
    fix = say("doctor.widgets_fix") if front.face == "widget" and not _comms(ip) else ""
    yield Finding(say("doctor.name.widgets"), say("doctor.widgets", count=len(alive)), fix)


def _comms(ip: Any) -> bool:
    """Tell whether the kernel can open a channel to a front end."""
    return getattr(ip.kernel, "comm_manager", None) is not None
