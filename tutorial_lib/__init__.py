"""Interactive image segmentation, from a minimum cut by hand to latent diversity.

The handful of names a learner needs; everything heavier loads when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "Click": "tutorial_lib.clicks",
    "Clicks": "tutorial_lib.clicks",
    "ClickCanvas": "tutorial_lib.widgets.click_canvas",
    "Compare": "tutorial_lib.widgets.compare",
    "Segmentation": "tutorial_lib.segmenter",
    "Session": "tutorial_lib.session",
    "as_rgb": "tutorial_lib.images.reading",
    "get_segmenter": "tutorial_lib.segmenter",
    "load_sample": "tutorial_lib.data.samples",
    "methods": "tutorial_lib.segmenter",
    "sample_names": "tutorial_lib.data.samples",
}

__all__ = ["__version__", *_WHERE]

if TYPE_CHECKING:
    from tutorial_lib.clicks import Click, Clicks
    from tutorial_lib.data.samples import load_sample, sample_names
    from tutorial_lib.images import as_rgb
    from tutorial_lib.segmenter import Segmentation, get_segmenter, methods
    from tutorial_lib.session import Session
    from tutorial_lib.widgets.click_canvas import ClickCanvas
    from tutorial_lib.widgets.compare import Compare


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'tutorial_lib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
