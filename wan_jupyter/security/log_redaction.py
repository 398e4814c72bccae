"""Remove keys, link signatures and cookies from log records.

httpx and httpcore log URLs and headers at DEBUG, and `logging.basicConfig` is quickly typed. One `Scrubber` per process
filters at the loggers themselves, so that no handler sees a record before it. In what others log with the same
libraries, it changes nothing but our keys.
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

# A logger's filter sees only records made at that logger, not those that its children propagate.
LOGGERS = (
    "wan_jupyter", "httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy",
    "httpcore.socks",
)  # fmt: skip
HEADERS = "authorization|proxy-authorization|x-api-key|cookie|set-cookie|location"
# Headers as httpcore logs them, (b'Location', b'…'), and as people write them, Location: …
PAIR = re.compile(rf"""(b?(['"])(?:{HEADERS})\2,\s*b?)(?:'[^']*'|"[^"]*")""", re.IGNORECASE)
LINE = re.compile(rf"\b((?:{HEADERS})\s*:\s*)[^\r\n]+", re.IGNORECASE)
BEARER = re.compile(r"\b(Bearer\s+)[^\s'\"]+", re.IGNORECASE)


class Scrubber(logging.Filter):
    """Redacts log records; it drops none.

    Args:
        ours: returns whether the current record comes from one of this package's threads.
    """

    def __init__(self, ours: Callable[[], bool]) -> None:
        super().__init__()
        self._ours = ours
        self._keys: WeakSet[Key] = WeakSet()
        self._lock = threading.Lock()
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self)

    def know(self, key: Key | None) -> None:
        """Redact a key from now on, as long as the key object exists."""
        if key is not None:
            with self._lock:
                self._keys.add(key)

    def close(self) -> None:
        """Detach from the loggers."""
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record's message and traceback."""
        ours = self._ours() or record.name.partition(".")[0] == "wan_jupyter"
        self._redact_message(record, ours)
        trace = record.exc_text or ""
        if record.exc_info and not trace:
            trace = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        if trace:
            redacted = self._redacted(trace, ours)
            if redacted != trace:  # without `exc_info`, no handler can format the original again
                record.exc_text, record.exc_info = redacted, None
        return True

    def _redact_message(self, record: logging.LogRecord, ours: bool) -> None:
        try:
            message = record.getMessage()
        except Exception:  # the handler reports a message that does not fit its arguments
            return
        redacted = self._redacted(message, ours)
        if redacted != message:
            record.msg, record.args = redacted, ()

    def _redacted(self, text: str, ours: bool) -> str:
        with self._lock:
            keys = list(self._keys)
        for key in keys:
            text = key.strike(text)
        return discreet(text) if ours else text


def discreet(text: str) -> str:
    """Return text without the queries of URLs and the values of headers that hold secrets."""
    text = PAIR.sub(r"\1'…'", without_queries(text))
    return BEARER.sub(r"\1…", LINE.sub(r"\1…", text))
