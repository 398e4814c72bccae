"""The surfaces that a job is drawn on: widget, terminal line, static output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .base import Cancel, Painter, Surface
from .static import QuietSurface, StaticSurface
from .terminal import QuietTerminalSurface, TerminalSurface
from .widget import WidgetSurface

SURFACES: Mapping[str, Callable[[Cancel, str, Painter], Surface]] = MappingProxyType(
    {"widget": WidgetSurface, "text": StaticSurface, "terminal": TerminalSurface}
)
QUIET_SURFACES: Mapping[str, Callable[[Cancel, str, Painter], Surface]] = MappingProxyType(
    {"widget": QuietSurface, "text": QuietSurface, "terminal": QuietTerminalSurface}
)
