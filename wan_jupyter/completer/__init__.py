"""What Tab offers after `%%wan` and `%wan`. Floor 6.

`complete` looks into folders and asks `Facts`, `install` hooks it into IPython. Nothing dear is imported or opened for
Tab, and a completer that fails offers nothing.
"""

from __future__ import annotations

from .hook import install, uninstall
from .line import Completion, complete
from .offers import Facts

__all__ = ["Completion", "Facts", "complete", "install", "uninstall"]
