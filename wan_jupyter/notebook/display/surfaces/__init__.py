"""The surfaces that a job is drawn on: widget, terminal line, static output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .base import Cancel, Drawing, Face
from .static import QuietFace, StaticFace
from .terminal import QuietTerminal, TerminalFace
from .widget import WidgetFace

FACES: Mapping[str, Callable[[Cancel, str, Drawing], Face]] = MappingProxyType(
    {"widget": WidgetFace, "text": StaticFace, "terminal": TerminalFace}
)
QUIET: Mapping[str, Callable[[Cancel, str, Drawing], Face]] = MappingProxyType(
    {"widget": QuietFace, "text": QuietFace, "terminal": QuietTerminal}
)
