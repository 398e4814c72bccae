"""Tab completion after `%%wan` and `%wan`.

`install` hooks it into IPython; `complete.complete` computes the candidates, which are imported at the first Tab there.
Completion opens no connection and no journal, and offers nothing where it fails.
"""

from __future__ import annotations

from .ipython_hook import install, uninstall

__all__ = ["install", "uninstall"]
