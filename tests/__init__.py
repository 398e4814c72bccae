"""The tests; their folders mirror those of the package."""

import os

os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # else jupyter_core warns, and warnings are errors here
