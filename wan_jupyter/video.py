"""The old home of `Video`, for pickles made by version 0.1.0; use `wan_jupyter.Video`."""

from __future__ import annotations

import warnings

from .media.video.video import Video

__all__ = ["Video"]

warnings.warn("wan_jupyter.video has moved: use wan_jupyter.Video", DeprecationWarning, stacklevel=2)
