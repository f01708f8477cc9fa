"""Click maps: the interaction that f and g of Latent Diversity read beside the image.

Latent Diversity draws two distance maps and two maps of the clicks themselves (Li et al., section
3). Later networks add the mask that was shown before the last click (Mahadevan et al., BMVC 2018;
Sofiiuk et al., 2021). Without that mask, a network cannot know which error a click corrects.

The maps have one cell for every ``stride`` pixels of the image, like the maps of the networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.guidance import TRUNCATION, click_masks, distance_map


@dataclass(frozen=True)
class ClickMaps:
    """Which maps a network reads beside the image, in this order.

    Parameters
    ----------
    distances : bool
        Two truncated distance maps (Eq. 1), divided by 255: positive and negative clicks.
    clicks : bool
        Two maps that are 1 at the clicks: positive and negative clicks.
    previous : bool
        The mask that was shown before the last click, as probabilities. Not in the paper.
    radius : int
        Clicks are drawn as discs of this radius, in cells; 0 for single cells, as in the paper.
    stride : int
        Pixels of the image from one cell to the next.

    Raises
    ------
    ValueError
        If no map would show the clicks.

    Examples
    --------
    >>> from tutorial_lib.clicks import Click, Clicks
    >>> ClickMaps(stride=2).maps(Clicks([Click(8, 8)]), (32, 48)).shape
    (4, 16, 24)
    """

    distances: bool = True
    clicks: bool = True
    previous: bool = False
    radius: int = 0
    stride: int = 1

    def __post_init__(self) -> None:
        if not (self.distances or self.clicks):
            raise ValueError("A network must see the clicks: switch on distances or clicks.")

    @property
    def channels(self) -> int:
        """Number of maps."""
        return 2 * self.distances + 2 * self.clicks + self.previous

    def cells(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return the size of the maps of an image.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image, ``(H, W, ...)``.

        Returns
        -------
        height, width : int
            In cells.
        """
        return -(-shape[0] // self.stride), -(-shape[1] // self.stride)

    def maps(
        self, clicks: Clicks, shape: tuple[int, ...], previous: np.ndarray | None = None
    ) -> np.ndarray:
        """Draw the maps of some clicks.

        Parameters
        ----------
        clicks : Clicks
            The clicks so far, in pixels of the image.
        shape : tuple of int
            Shape of the image, ``(H, W, ...)``.
        previous : np.ndarray, optional
            ``(h, w) float32`` in [0, 1], on cells: the mask shown before the last click. Without
            it, the map is 0 everywhere. Ignored if the network does not read this map.

        Returns
        -------
        np.ndarray
            ``(channels, h, w) float32`` in [0, 1].

        Raises
        ------
        ValueError
            If a click lies outside the image.
        """
        clicks.check(shape)
        size, drawn = self.cells(shape), []
        if self.distances:
            drawn += [
                self._distance(points, size) for points in (clicks.positives, clicks.negatives)
            ]
        if self.clicks:
            drawn += list(click_masks(self.on_cells(clicks), size, self.radius))
        if self.previous:
            drawn.append(np.zeros(size, np.float32) if previous is None else previous)
        return np.stack(drawn).astype(np.float32, copy=False)

    def on_cells(self, clicks: Clicks) -> Clicks:
        """Return the cells of clicks and strokes.

        Parameters
        ----------
        clicks : Clicks
            In pixels of the image.

        Returns
        -------
        Clicks
            In cells. If two clicks are in one cell, the later one counts.
        """
        return clicks.moved((1 / self.stride, 1 / self.stride))

    def _distance(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        centres = (points + 0.5) / self.stride - 0.5  # clicked pixels in cell coordinates
        return distance_map(centres, size, TRUNCATION / self.stride) * (self.stride / TRUNCATION)
