"""Checks that may crash. ``doctor`` runs them in a process of their own.

``python -m tutorial_lib.checkup import:torch weights method:dos`` runs them in order. It writes a
line of JSON after each one. So after a crash, the first check without a line is the cause.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any


def try_import(name: str) -> str:
    """Import a module."""
    importlib.import_module(name)
    return "can be imported"


def try_method(name: str) -> str:
    """Let a method answer two clicks on a small photo."""
    from tutorial_lib.registry import check_answer, get_segmenter, method_info

    photo, clicks = _scene()
    smaller = {"size": 256} if method_info(name).kind == "deep" else {}  # to save time
    segmenter = get_segmenter(name, **smaller)
    answer = segmenter.segment(segmenter.prepare(photo), clicks)
    check_answer(name, photo.shape[:2], answer)
    if not 0 < answer.mask.mean() < 1 and not name.startswith("semantic"):
        raise ValueError(f"The mask of {name} is all one after a click of each kind.")
    return "answers a click"


def _scene() -> tuple[Any, Any]:
    """Return a small version of a sample photo, and a click on a coin and one beside it."""
    import numpy as np

    from tutorial_lib.clicks import Click, Clicks
    from tutorial_lib.data.samples import load_sample

    sample = load_sample("coins")
    rows, cols = (index // 3 for index in np.nonzero(sample.reading("coin")))
    inside = Click(int(rows.mean()), int(cols.mean()), True)
    return np.ascontiguousarray(sample.image[::3, ::3]), Clicks([inside, Click(2, 2, False)])


def try_weights(_: str = "") -> str:
    """Compare every shipped weights file with its SHA-256, and read its model card."""
    from tutorial_lib.deep.weights import WEIGHTS, shipped_problems

    if problems := shipped_problems():
        raise ValueError(" ".join(problems))
    return f"{len(WEIGHTS)} files, all as they were shipped"


def try_samples(_: str = "") -> str:
    """Load every sample photo and its masks."""
    from tutorial_lib.data.samples import load_sample, sample_names

    samples = [load_sample(name) for name in sample_names()]
    for sample in samples:
        for reading, mask in sample.masks.items():
            if mask.shape != sample.image.shape[:2] or not mask.any() or mask.all():
                raise ValueError(f"The mask {reading} of the sample {sample.name} is damaged.")
    masks = sum(len(sample.masks) for sample in samples)
    return f"{len(samples)} photos with {masks} masks"


def name_precision(_: str = "") -> str:
    """Say in which precision networks compute, by default and with ``"auto"``."""
    from tutorial_lib.deep.device import pick_device, resolve_precision

    return f"float32; precision=auto means {resolve_precision('auto', pick_device())} here"


CHECKS: dict[str, Callable[[str], str]] = {
    "import": try_import,
    "method": try_method,
    "weights": try_weights,
    "samples": try_samples,
    "precision": name_precision,
}


def short_reason(error: BaseException) -> str:
    """Return the first line of an error message, without a full stop."""
    lines = str(error).strip().splitlines() or [""]
    return (lines[0] or type(error).__name__).rstrip(".")[:300]


def run_checks(steps: Sequence[str]) -> None:
    """Run checks, and print a line of JSON after each.

    Parameters
    ----------
    steps : sequence of str
        Names in :data:`CHECKS`, each followed by a colon and its argument if it has one.
    """
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not mix with the report
    for step in steps:
        kind, _, what = step.partition(":")
        try:
            line = {"step": step, "finding": CHECKS[kind](what), "failed": False}
        except BaseException as error:  # importing a module may even call sys.exit
            line = {"step": step, "finding": short_reason(error), "failed": True}
        print(json.dumps(line), file=report, flush=True)


if __name__ == "__main__":
    run_checks(sys.argv[1:])
