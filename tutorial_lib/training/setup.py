"""Where and how fast a network learns: devices, precision, optimiser, learning rate, stopping."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning_fabric import Fabric
from torch.optim import SGD, AdamW, Optimizer

from tutorial_lib.deep.device import Precision, has_native_bfloat16, pick_device
from tutorial_lib.training.settings import Recipe


def rate(recipe: Recipe, progress: float) -> float:
    """Return the learning rate's factor when a share ``progress`` of the run is over.

    It rises in a straight line during the warm-up, from a hundredth; then it stays at 1, or falls
    along half a cosine to ``final_lr``.

    Parameters
    ----------
    recipe : Recipe
        ``schedule``, ``warmup`` and ``final_lr``.
    progress : float
        In [0, 1].

    Returns
    -------
    float
        Factor for the recipe's learning rate.
    """
    if progress < recipe.warmup:
        return max(progress / recipe.warmup, 0.01)
    if recipe.schedule == "constant":
        return 1.0
    passed = (progress - recipe.warmup) / max(1 - recipe.warmup, 1e-12)
    falling = 0.5 * (1 + math.cos(math.pi * min(passed, 1)))
    return recipe.final_lr + (1 - recipe.final_lr) * falling


def make_optimiser(groups: list[dict[str, Any]], recipe: Recipe) -> Optimizer:
    """Build the recipe's optimiser.

    Parameters
    ----------
    groups : list of dict
        See :meth:`Task.groups`.
    recipe : Recipe
        ``optimiser`` and ``lr``.

    Returns
    -------
    Optimizer
        AdamW, or SGD with momentum 0.9.
    """
    if recipe.optimiser == "sgd":
        return SGD(groups, lr=recipe.lr, momentum=0.9)
    return AdamW(groups, lr=recipe.lr)


def make_fabric(recipe: Recipe) -> Fabric:
    """Choose device and precision.

    Parameters
    ----------
    recipe : Recipe
        ``device``, ``devices`` and ``precision``.

    Returns
    -------
    Fabric
        With the strategy ``ddp`` (gloo on CPUs) if there are several devices.

    Raises
    ------
    ValueError
        If the device is not available.
    """
    device = pick_device(recipe.device)
    # On CPUs bfloat16 speeds up the way forth but slows down the way back, where the weights of
    # depthwise convolutions learn: twice the time in all for EfficientNet-Lite0.
    wanted = recipe.precision == "native" or (recipe.precision == "auto" and device.type != "cpu")
    half = recipe.precision == "bfloat16" or (wanted and has_native_bfloat16(device))
    several = recipe.devices > 1
    chosen: Any = recipe.devices
    if not several and device.index is not None:
        chosen = [device.index]
    return Fabric(
        accelerator=device.type,
        devices=chosen,
        strategy="ddp" if several else "auto",
        precision="bf16-mixed" if half else "32-true",
    )


def answering_precision(recipe: Recipe) -> Precision:
    """Return the precision of answers that training only looks at, such as those users correct.

    Parameters
    ----------
    recipe : Recipe
        ``precision``.

    Returns
    -------
    str
        As :func:`tutorial_lib.deep.device.autocast` takes it: what the recipe insists on, else
        bfloat16 where it is native.
    """
    return recipe.precision if recipe.precision in ("float32", "bfloat16") else "auto"


def launched_first() -> bool:
    """Whether this process is the first of those that share a run; true for a run of one."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


@contextmanager
def polite_stop() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or SIGTERM) into a flag, so that no step is torn apart.

    A second one interrupts at once. Only the main thread may do so; elsewhere nothing changes.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(*_: Any) -> None:
        asked.set()
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, stop)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
