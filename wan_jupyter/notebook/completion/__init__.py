"""What Tab offers after `%%wan` and `%wan`. Floor 6.

`complete` looks into folders and asks `Facts`, `install` hooks it into IPython. Nothing dear is imported or opened for
Tab, and a completer that fails offers nothing.
"""

from __future__ import annotations

from .candidates import CompletionContext
from .complete import Completion, complete
from .ipython_hook import install, uninstall

__all__ = ["Completion", "CompletionContext", "complete", "install", "uninstall"]
