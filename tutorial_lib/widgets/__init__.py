"""The interactive parts; the only modules that need ipywidgets, ipyevents and ipycanvas.

Nothing is imported until it is asked for, so ``import tutorial_lib`` works without a notebook.
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "CandidatePicker": "tutorial_lib.widgets.candidate_picker",
    "ClickCanvas": "tutorial_lib.widgets.click_canvas",
    "Compare": "tutorial_lib.widgets.compare",
    "Explorer": "tutorial_lib.widgets.sliders",
    "Frames": "tutorial_lib.widgets.sliders",
    "GuidanceCanvas": "tutorial_lib.widgets.guidance_canvas",
    "LossCurve": "tutorial_lib.widgets.loss_curve",
}

__all__ = [
    "CandidatePicker",
    "ClickCanvas",
    "Compare",
    "Explorer",
    "Frames",
    "GuidanceCanvas",
    "LossCurve",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
