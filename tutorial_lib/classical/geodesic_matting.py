"""Geodesic matting (Bai and Sapiro, ICCV 2007): each pixel joins the click at the shorter distance.

The colours of the clicks give each pixel a likelihood of being object. A path is short where this
likelihood stays the same, and long where it changes. A pixel of the object's colour behind a strip
of background is *far* from the object's clicks. So, unlike graph cut, every part of the answer is
connected to a click.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from tutorial_lib.classical.base import DiscSegmenter, with_discs
from tutorial_lib.classical.colour_models import (
    ColourModelName,
    Palette,
    colour_model,
    object_posterior,
)
from tutorial_lib.classical.fast import coarse_shape, coarsen, enlarge
from tutorial_lib.classical.neighbours import OFFSETS, pair_slices
from tutorial_lib.classical.pixel_paths import PixelLinks, nearest_seed
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

FAR = 1e6  # a distance without a path
HEAD_START = 0.3  # of clicks before the weak seeds of a start mask, in the unit of distances


def likelihood_steps(likelihood: np.ndarray, step: float) -> list[np.ndarray]:
    """Return the distance between neighbours: the change of likelihood, and a little for each step.

    ``d(p, q) = |P_F(p) - P_F(q)| + step * |p - q|``

    Parameters
    ----------
    likelihood : np.ndarray
        ``(H, W)`` map P_F in [0, 1].
    step : float
        Cost of one pixel of path, at least 0.

    Returns
    -------
    list of np.ndarray
        One ``float64`` array for each of :data:`~tutorial_lib.classical.neighbours.OFFSETS`.

    References
    ----------
    Bai and Sapiro, ICCV 2007: the weight ``|grad P_F . C'(s)|`` along a path C, on a grid.
    """
    return [
        np.abs(likelihood[first] - likelihood[second]) + step * math.hypot(*offset)
        for offset in OFFSETS
        for first, second in [pair_slices(*offset)]
    ]


def nearer_to_object(to_object: np.ndarray, to_background: np.ndarray) -> np.ndarray:
    """Turn two distances into a probability: ``D_B / (D_F + D_B)``.

    Parameters
    ----------
    to_object, to_background : np.ndarray
        ``(H, W)`` finite distances D_F and D_B, at least 0.

    Returns
    -------
    np.ndarray
        ``(H, W) float64``: 1 where D_F is 0, 0 where D_B is 0, and 0.5 where both are.
    """
    total = to_object + to_background
    return np.where(total > 0, to_background / np.where(total > 0, total, 1), 0.5)


@dataclass(frozen=True, eq=False)
class GeodesicPrepared:
    """What geodesic matting computes once per image: pixels, palette, and links of the grid."""

    image: np.ndarray
    palette: Palette
    links: PixelLinks

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""
        return self.image.shape[:2]


class GeodesicMatting(DiscSegmenter):
    """Geodesic distances to the clicks, on the map of object likelihoods.

    Distances are exact (Dijkstra's algorithm with 8 neighbours) on a grid of about ``pixels``
    pixels. On a larger photo the likelihood is averaged to that size and the probability is
    interpolated back. This keeps a click fast and moves the boundary by about a pixel.

    Parameters
    ----------
    step : float
        Cost of one photo pixel of path; it matters where the likelihood is flat.
    colour : {"histogram", "gmm"}
        The colour model of the clicked discs.
    pixels : int
        Size of the grid for the distances; a smaller photo keeps its size.
    radius : int
        Radius of the disc around each click, in pixels.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    The paper uses ``step = 0`` and a kernel density of colours in Luv. The histogram here, blurred
    by a Gaussian, is a kernel density on a grid in RGB. The last step of the paper, true alpha
    values in a narrow band around the boundary, is left out: the answer is a segmentation with
    soft values.

    References
    ----------
    Bai and Sapiro, A Geodesic Framework for Fast Interactive Image and Video Segmentation and
    Matting, ICCV 2007.
    """

    def __init__(
        self,
        step: float = 0.002,
        colour: ColourModelName = "histogram",
        pixels: int = 80_000,
        radius: int = 5,
    ) -> None:
        super().__init__(radius)
        if not 0 <= step < np.inf:
            raise ValueError(f"step is at least 0 and finite, not {step}.")
        if not 1 <= pixels < np.inf:
            raise ValueError(f"The grid needs at least 1 pixel, not {pixels}.")
        self.step, self.pixels = step, pixels
        self.colour_model = colour_model(colour)

    def prepare(self, image: ImageLike) -> GeodesicPrepared:
        """Read the image, quantise its colours, and build the grid.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        GeodesicPrepared
            The argument of :meth:`segment`.
        """
        image = as_rgb(image)
        coarse = coarse_shape(image.shape[:2], self.pixels)
        return GeodesicPrepared(image, Palette.of(image), PixelLinks(coarse))

    def _segment(
        self,
        prepared: GeodesicPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        start: np.ndarray | None,
    ) -> Segmentation:
        likelihood = object_posterior(
            self.colour_model, prepared.palette, prepared.image, positive, negative, start
        )
        coarse = prepared.links.shape
        photo_pixels = math.sqrt(positive.size / math.prod(coarse))  # across one coarse pixel
        steps = likelihood_steps(coarsen(likelihood, coarse), self.step * photo_pixels)
        graph = prepared.links.graph(steps)
        weak = (None, None) if start is None else (start, ~start)
        to_object, to_background = (
            _distances(graph, coarse, discs, seeds)
            for discs, seeds in zip((positive, negative), weak, strict=True)
        )
        near = enlarge(nearer_to_object(to_object, to_background), prepared.shape)
        return Segmentation(with_discs(near, positive, negative))


def _distances(
    graph: csr_array, coarse: tuple[int, int], discs: np.ndarray, weak: np.ndarray | None
) -> np.ndarray:
    """Return the distance to the discs, or to the weak seeds of a start mask if that is shorter."""
    found = np.full(coarse, FAR)
    for seeds, offset in ((discs, 0.0), (weak, HEAD_START)):
        if seeds is not None and seeds.any():
            length, _ = nearest_seed(graph, coarsen(seeds, coarse) > (0.5 if offset else 0))
            found = np.minimum(found, offset + length)
    return found
