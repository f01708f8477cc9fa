"""Corrective clicks: while it trains, the network meets clicks on its own errors.

Random clicks say nothing about the answer they are meant to mend. A user's do, from the second on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.deep.object_selection import network_input
from tutorial_lib.guidance import distance_map
from tutorial_lib.training.data import Batch
from tutorial_lib.users.robots import Robot, center

GRID = 2  # errors are judged on every second pixel of each row: a quarter of the work


def correct(batch: Batch, predict: Callable[[Tensor], Tensor]) -> Batch:
    """Add the clicks that a batch still lacks, one after the other, where the answer is wrong.

    In each round only the samples that lack clicks are answered, so that three rounds of 0 to 3
    clicks cost one and a half answers a sample.

    Parameters
    ----------
    batch : Batch
        Clicks and maps are changed in place; ``corrections`` falls to 0.
    predict : callable
        Maps inputs ``(B, 5, H, W)`` to logits ``(B, H, W)``.

    Returns
    -------
    Batch
        The same one.
    """
    while waiting := [i for i, left in enumerate(batch.corrections) if left > 0]:
        logits = predict(network_input(batch.image[waiting], batch.maps[waiting]))
        masks = (logits > 0).cpu().numpy()
        for index, mask in zip(waiting, masks, strict=True):
            click = corrective_click(
                mask, batch.target[index].numpy(), batch.valid[index].numpy(), batch.clicks[index]
            )
            batch.corrections[index] = 0 if click is None else batch.corrections[index] - 1
            if click is not None:
                _add(batch, index, click)
    return batch


def corrective_click(
    mask: np.ndarray, truth: np.ndarray, valid: np.ndarray, clicks: Clicks
) -> Click | None:
    """Click the deepest error, as :func:`tutorial_lib.users.robots.center` on a coarser grid.

    Parameters
    ----------
    mask, truth, valid : np.ndarray
        ``(H, W) bool``: the answer, the object, and the pixels that count.
    clicks : Clicks
        The clicks so far; cells of the grid that hold one are not clicked again.

    Returns
    -------
    Click or None
        On a pixel that is wrong; None if no cell of the grid is.
    """
    return click_on_grid(mask[::GRID, ::GRID], truth, valid, clicks, GRID)


def click_on_grid(
    mask: np.ndarray,
    truth: np.ndarray,
    valid: np.ndarray,
    clicks: Clicks,
    stride: int,
    robot: Robot = center,
    seed: int = 0,
) -> Click | None:
    """Let a robot click on an answer that is known on every so many pixels only.

    Parameters
    ----------
    mask : np.ndarray
        ``(ceil(H / stride), ceil(W / stride)) bool``: the answer at the upper left pixel of each
        cell.
    truth, valid : np.ndarray
        ``(H, W) bool``: the object, and the pixels that count.
    clicks : Clicks
        The clicks so far, in pixels; cells that hold one are not clicked again.
    stride : int
        Pixels from one cell to the next.
    robot : callable
        One of :data:`tutorial_lib.users.robots.ROBOTS`.
    seed : int
        The robot's seed.

    Returns
    -------
    Click or None
        On a pixel that is wrong; None if no cell is.
    """
    grid = (slice(None, None, stride), slice(None, None, stride))
    clicked = Clicks(Click(c.row // stride, c.col // stride, c.positive) for c in clicks)
    click = robot(mask, truth[grid], ~valid[grid], clicked, seed)
    return None if click is None else Click(click.row * stride, click.col * stride, click.positive)


def _add(batch: Batch, index: int, click: Click) -> None:
    batch.clicks[index] = batch.clicks[index].add(click)
    channel = batch.maps[index, 0 if click.positive else 1].numpy()  # shares its memory
    point = np.array([[click.row, click.col]])
    np.minimum(channel, distance_map(point, channel.shape), out=channel)
