"""Display something in the IPython shell that runs this code, without importing IPython."""

from __future__ import annotations

import sys


def show(thing: object) -> None:
    """Display a job or a video in the running notebook or IPython shell; without a shell, print its `repr`.

    A shell has IPython loaded, so it is looked up, not imported: plain Python scripts do not pay for it, and the
    renderers that `%load_ext` registered by type name draw the thing.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is None:
        sys.stdout.write(f"{thing!r}\n")
        return
    data, metadata = shell.display_formatter.format(thing)
    if data:  # a renderer that displays by itself returns nothing
        shell.display_pub.publish(data=data, metadata=metadata)
