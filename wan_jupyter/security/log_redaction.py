"""What a log line must not say: keys, the signatures of links, cookies. Floor 0: the standard library's logging only.

httpx and httpcore write addresses and headers into their logs at DEBUG, and `logging.basicConfig` is typed easily. One
`Scrubber` a process sits on the loggers themselves, so that no handler sees a record before it; of what others log with
the same libraries it changes nothing but our keys.
"""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections.abc import Callable
from weakref import WeakSet

from .api_key import Key
from .sanitize import without_queries

# A logger's filter sees only what is logged at that very logger, not what its children hand up.
LOGGERS = (
    "wan_jupyter", "httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy",
    "httpcore.socks",
)  # fmt: skip
HEADERS = "authorization|proxy-authorization|x-api-key|cookie|set-cookie|location"
# As httpcore writes a header down, (b'Location', b'…'), and as people do, Location: …
PAIR = re.compile(rf"""(b?(['"])(?:{HEADERS})\2,\s*b?)(?:'[^']*'|"[^"]*")""", re.IGNORECASE)
LINE = re.compile(rf"\b((?:{HEADERS})\s*:\s*)[^\r\n]+", re.IGNORECASE)
BEARER = re.compile(r"\b(Bearer\s+)[^\s'\"]+", re.IGNORECASE)


class Scrubber(logging.Filter):
    """Makes records harmless; it drops none.

    Args:
        ours: tells whether the record that is being made comes from a thread of ours.
    """

    def __init__(self, ours: Callable[[], bool]) -> None:
        super().__init__()
        self._ours = ours
        self._keys: WeakSet[Key] = WeakSet()
        self._lock = threading.Lock()
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self)

    def know(self, key: Key | None) -> None:
        """Strike a key out from now on, as long as somebody holds it."""
        if key is not None:
            with self._lock:
                self._keys.add(key)

    def close(self) -> None:
        """Leave the loggers."""
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Change what a record says, also of an error and its way."""
        ours = self._ours() or record.name.partition(".")[0] == "wan_jupyter"
        self._mend(record, ours)
        told = record.exc_text or ""
        if record.exc_info and not told:
            told = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        if told:  # the words are cut here; a handler that writes them anew finds no error to write
            harmless = self._said(told, ours)
            if harmless != told:
                record.exc_text, record.exc_info = harmless, None
        return True

    def _mend(self, record: logging.LogRecord, ours: bool) -> None:
        try:
            told = record.getMessage()
        except Exception:  # a message that does not fit its values is the handler's to report
            return
        harmless = self._said(told, ours)
        if harmless != told:
            record.msg, record.args = harmless, ()

    def _said(self, text: str, ours: bool) -> str:
        with self._lock:
            keys = list(self._keys)
        for key in keys:
            text = key.strike(text)
        return discreet(text) if ours else text


def discreet(text: str) -> str:
    """Return text without the queries of URLs and without the values of headers that hold secrets."""
    text = PAIR.sub(r"\1'…'", without_queries(text))
    return BEARER.sub(r"\1…", LINE.sub(r"\1…", text))
