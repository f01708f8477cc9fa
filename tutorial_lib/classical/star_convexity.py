"""Star convexity (Gulshan et al., CVPR 2010): graph cut whose objects hang together with a click.

Every pixel gets a *parent*: the next pixel on its way to the nearest positive click. The cheapest
cut is then sought among those labellings in which the parent of an object pixel is object too, so
whatever is object hangs together with a click. Only the idea of the way differs: a straight ray
(Euclidean star), or the path across the fewest and weakest edges of the photo (geodesic star).

What depends on what decides what can be reused. Ways depend on the photo and the positive clicks.
A negative click changes only links to the terminals, and the cut starts warm. A positive click
moves the ways and with them infinite links, which no flow survives, so the cut starts afresh.

Large photos are cut in a band (:mod:`tutorial_lib.classical.fast.banded_cut`); the mask is still a
star over the pixels. A geodesic star's ways then turn at every third pixel or so only
(:mod:`tutorial_lib.classical.fast.lattice_paths`). ``exact=True`` does without both.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from tutorial_lib.classical.base import DiscSegmenter
from tutorial_lib.classical.colour_models import Colour, Palette
from tutorial_lib.classical.fast.banded_cut import graph_of
from tutorial_lib.classical.fast.coarse_graph import cell_size
from tutorial_lib.classical.fast.lattice_paths import LatticeWays
from tutorial_lib.classical.graph_cut import (
    GraphCut,
    GraphCutPrepared,
    pairwise_weights,
)
from tutorial_lib.classical.star_paths import (
    Centres,
    link_lengths,
    path_parents,
    ray_parents,
    step_lengths,
)
from tutorial_lib.clicks import Clicks
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation


@dataclass(frozen=True, eq=False)
class StarPrepared:
    """What a star keeps of an image: what graph cut keeps, and the last few ways it found.

    Parameters
    ----------
    base : GraphCutPrepared
        Pixels, palette and graph.
    find_ways : callable
        From star centres to ``(H, W)`` parents, remembered.
    centres : tuple
        Rows and columns of the positive clicks; none before there are clicks.
    """

    base: GraphCutPrepared
    find_ways: Callable[[Centres], np.ndarray]
    centres: Centres = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""
        return self.base.shape

    def parents(self, positive: np.ndarray) -> np.ndarray:
        """Return the ``(H, W)`` parents; each pixel of the positive discs is its own."""
        own = np.arange(positive.size).reshape(positive.shape)
        return np.where(positive, own, self.find_ways(self.centres))


class StarCut(DiscSegmenter):
    """What both stars share: graph cut's energy, and infinite links from pixels to their parents.

    ``E(L) = lam * R(L) + B(L)``, infinite where L(p) = object and L(parent(p)) = background.
    The discs of positive clicks are object by decree, so ways end where they enter one.

    Parameters
    ----------
    lam, sigma, colour, clip, radius, exact
        As for :class:`tutorial_lib.classical.graph_cut.GraphCut`.
    """

    def __init__(
        self,
        lam: float = 0.02,
        sigma: float | None = None,
        colour: Colour = "histogram",
        clip: float = 0.01,
        radius: int = 5,
        exact: bool = False,
    ) -> None:
        super().__init__(radius)
        self.graph_cut = GraphCut(lam, sigma, colour, clip, radius, exact)

    @abstractmethod
    def _ways(self, image: np.ndarray) -> Callable[[Centres], np.ndarray]:
        """Return the function from star centres to ``(H, W)`` parents."""

    def prepare(self, image: ImageLike) -> StarPrepared:
        """Build palette, graph, and what the ways need.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        StarPrepared
            To be handed to :meth:`segment`.
        """
        image = as_rgb(image)
        weights = pairwise_weights(image, self.graph_cut.sigma)
        # Dearer than to call the discs object and all else background, which breaks no rule:
        # at most 1 a link, and a pixel's largest colour cost with room for rounding.
        a_pixel = 1.0 - self.graph_cut.lam * float(np.log(self.graph_cut.clip))
        infinite = 1.0 + sum(w.size for w in weights) + a_pixel * image[..., 0].size
        graph = graph_of(weights, image.shape[:2], infinite, self.graph_cut.exact)
        base = GraphCutPrepared(image, Palette.of(image), graph, hard_cost=infinite)
        return StarPrepared(base, lru_cache(maxsize=8)(self._ways(image)))

    def segment(self, prepared: StarPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks, the positive ones being the centres of the stars.

        Parameters
        ----------
        prepared : StarPrepared
            What :meth:`prepare` returned.
        clicks : Clicks
            The clicks so far, all inside the image.

        Returns
        -------
        Segmentation
            ``mask`` equals the positive discs while one kind of click is missing.

        Raises
        ------
        ValueError
            If a click lies outside the image.
        """
        centres = tuple((row, col) for row, col in clicks.positives.tolist())
        return super().segment(replace(prepared, centres=centres), clicks)

    def _segment(
        self, prepared: StarPrepared, positive: np.ndarray, negative: np.ndarray
    ) -> Segmentation:
        parents = prepared.parents(positive)
        return self.graph_cut._segment(prepared.base, positive, negative, parents)


class EuclideanStar(StarCut):
    """Straight ways: every object pixel is in sight of the nearest positive click.

    Parameters
    ----------
    lam, sigma, colour, clip, radius, exact
        As for :class:`tutorial_lib.classical.graph_cut.GraphCut`.

    References
    ----------
    Gulshan, Rother, Criminisi, Blake and Zisserman, Geodesic Star Convexity for Interactive Image
    Segmentation, CVPR 2010; Veksler, Star Shape Prior for Graph-Cut Image Segmentation, ECCV 2008.
    """

    def _ways(self, image: np.ndarray) -> Callable[[Centres], np.ndarray]:
        return partial(ray_parents, shape=image.shape[:2])


class GeodesicStar(StarCut):
    """Ways that bend around the photo's edges, so that arms and legs belong to the object too.

    Parameters
    ----------
    lam, sigma, colour, clip, radius, exact
        As for :class:`tutorial_lib.classical.graph_cut.GraphCut`.
    gamma : float
        How much a way avoids edges, from 0 up to less than 1; see :func:`step_lengths`.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    On a photo that is cut in a band, paths turn only at every third pixel or so, see
    :class:`~tutorial_lib.classical.fast.lattice_paths.LatticeWays`, and the answer is a star along
    those paths. The authors' program offers each star in a joint and in a sequential variant. Here
    the ways follow from all positive clicks together, each a star of its own, so that the answer
    depends on the clicks and not on what was shown before.

    References
    ----------
    Gulshan, Rother, Criminisi, Blake and Zisserman, Geodesic Star Convexity for Interactive Image
    Segmentation, CVPR 2010.
    """

    def __init__(
        self,
        lam: float = 0.01,
        sigma: float | None = None,
        colour: Colour = "histogram",
        clip: float = 0.01,
        radius: int = 5,
        gamma: float = 0.7,
        exact: bool = False,
    ) -> None:
        super().__init__(lam, sigma, colour, clip, radius, exact)
        if not 0 <= gamma < 1:
            raise ValueError(f"gamma is at least 0 and less than 1, not {gamma}.")
        self.gamma = gamma

    def _ways(self, image: np.ndarray) -> Callable[[Centres], np.ndarray]:
        shape, side = image.shape[:2], cell_size(image.shape[:2])
        if side > 1 and not self.graph_cut.exact:
            return LatticeWays(link_lengths(image, self.gamma), shape, side)
        return partial(path_parents, shape=shape, lengths=step_lengths(image, self.gamma))
