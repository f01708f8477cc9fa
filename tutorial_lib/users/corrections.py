"""Users who correct the answers of a network while it is trained.

Networks answer on cells, one for every few pixels. These users judge an answer on the same grid,
which costs less than on all pixels.
"""

from __future__ import annotations

import numpy as np

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.users.robots import Robot, center

GRID = 2  # errors are judged on every second row and column: a quarter of the work


def corrective_click(
    mask: np.ndarray, truth: np.ndarray, valid: np.ndarray, clicks: Clicks
) -> Click | None:
    """Click the deepest error, as :func:`tutorial_lib.users.robots.center` on a coarser grid.

    Parameters
    ----------
    mask, truth, valid : np.ndarray
        ``(H, W) bool``: the answer, the object, and the pixels that count.
    clicks : Clicks
        The clicks so far. Cells of the grid that hold one are not clicked again.

    Returns
    -------
    Click or None
        A click on a wrong pixel; None if no cell of the grid is wrong.

    Examples
    --------
    >>> truth = np.zeros((8, 8), dtype=bool)
    >>> truth[2:7, 2:7] = True
    >>> corrective_click(~truth & truth, truth, np.ones((8, 8), dtype=bool), Clicks())
    Click(row=4, col=4, positive=True)
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
    """Let a robot click on an answer that is known on a grid only.

    Parameters
    ----------
    mask : np.ndarray
        ``(ceil(H / stride), ceil(W / stride)) bool``: the answer at the upper left pixel of each
        cell.
    truth, valid : np.ndarray
        ``(H, W) bool``: the object, and the pixels that count.
    clicks : Clicks
        The clicks so far, in pixels. Cells that hold one are not clicked again.
    stride : int
        Pixels from one cell to the next.
    robot : callable
        One of :data:`tutorial_lib.users.robots.ROBOTS`.
    seed : int
        The robot's seed.

    Returns
    -------
    Click or None
        A click on a wrong pixel; None if no cell is wrong.
    """
    grid = (slice(None, None, stride), slice(None, None, stride))
    clicked = clicks.moved((1 / stride, 1 / stride))
    click = robot(mask, truth[grid], ~valid[grid], clicked, seed)
    return None if click is None else Click(click.row * stride, click.col * stride, click.positive)
