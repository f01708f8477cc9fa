"""Star convexity (Gulshan et al., CVPR 2010): graph cut with objects connected to a click.

Every pixel has a *parent*: the next pixel on its path to the nearest positive click. The parent of
an object pixel must be object too, so every object pixel is connected to a click. The two stars
differ in their paths: a straight ray (Euclidean star), or the path across the fewest and weakest
edges of the photo (geodesic star).

Paths depend on the photo and the positive clicks. A negative click changes only links to the
terminals, so the cut reuses the last flow. A positive click changes paths, and with them infinite
links between pixels, so the cut starts without a flow.

:mod:`tutorial_lib.classical.fast` cuts large photos in a band, and the mask is still a star of
pixels. The paths of a geodesic star then turn at every third pixel or so. ``exact=True`` switches
both off.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from tutorial_lib.classical.base import DiscSegmenter
from tutorial_lib.classical.colour_models import ColourModelName, Palette
from tutorial_lib.classical.fast import build_graph, geodesic_paths
from tutorial_lib.classical.graph_cut import GraphCut, GraphCutPrepared, pairwise_weights
from tutorial_lib.classical.star_paths import Centres, ray_parents
from tutorial_lib.clicks import Clicks
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation


@dataclass(frozen=True, eq=False)
class StarPrepared:
    """What a star computes once per image: graph cut's part, and the last few sets of paths.

    Parameters
    ----------
    base : GraphCutPrepared
        Pixels, palette and graph.
    find_paths : callable
        From star centres to ``(H, W)`` parents; results are cached.
    centres : tuple
        Rows and columns of the positive clicks; empty before the first click.
    """

    base: GraphCutPrepared
    find_paths: Callable[[Centres], np.ndarray]
    centres: Centres = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""
        return self.base.shape

    def parents(self, positive: np.ndarray) -> np.ndarray:
        """Return the ``(H, W)`` parents; each pixel of a positive disc is its own."""
        own = np.arange(positive.size).reshape(positive.shape)
        return np.where(positive, own, self.find_paths(self.centres))


class StarCut(DiscSegmenter):
    """What both stars share: graph cut's energy, and infinite links from pixels to their parents.

    ``E(L) = lam * R(L) + B(L)``, infinite where L(p) = object and L(parent(p)) = background.
    The discs of positive clicks are always object, so a path ends where it enters one.

    Parameters
    ----------
    lam, sigma, colour, clip, radius, exact
        As for :class:`tutorial_lib.classical.graph_cut.GraphCut`.
    """

    def __init__(
        self,
        lam: float = 0.02,
        sigma: float | None = None,
        colour: ColourModelName = "histogram",
        clip: float = 0.01,
        radius: int = 5,
        exact: bool = False,
    ) -> None:
        super().__init__(radius)
        self.graph_cut = GraphCut(lam, sigma, colour, clip, radius, exact)

    @abstractmethod
    def _path_finder(self, image: np.ndarray) -> Callable[[Centres], np.ndarray]:
        """Return the function from star centres to ``(H, W)`` parents."""

    def prepare(self, image: ImageLike) -> StarPrepared:
        """Build palette and graph, and prepare the search for paths.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        StarPrepared
            The argument of :meth:`segment`.
        """
        image = as_rgb(image)
        weights = pairwise_weights(image, self.graph_cut.sigma)
        # More than the energy of the discs alone, which are a star: at most 1 for each link, and
        # the largest colour cost for each pixel, with room for rounding.
        largest_unary = 1.0 - self.graph_cut.lam * float(np.log(self.graph_cut.clip))
        infinite = 1.0 + sum(w.size for w in weights) + largest_unary * image[..., 0].size
        graph = build_graph(weights, image.shape[:2], infinite, self.graph_cut.exact)
        base = GraphCutPrepared(image, Palette.of(image), graph, hard_cost=infinite)
        return StarPrepared(base, lru_cache(maxsize=8)(self._path_finder(image)))

    def segment(self, prepared: StarPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks; the positive ones are the centres of the stars.

        Parameters
        ----------
        prepared : StarPrepared
            The result of :meth:`prepare`.
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
        self,
        prepared: StarPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        start: np.ndarray | None,
    ) -> Segmentation:
        parents = prepared.parents(positive) if prepared.centres else None
        return self.graph_cut.cut(prepared.base, positive, negative, parents, start)


class EuclideanStar(StarCut):
    """Straight paths: every object pixel sees the nearest positive click.

    Parameters
    ----------
    lam, sigma, colour, clip, radius, exact
        As for :class:`tutorial_lib.classical.graph_cut.GraphCut`.

    References
    ----------
    Gulshan, Rother, Criminisi, Blake and Zisserman, Geodesic Star Convexity for Interactive Image
    Segmentation, CVPR 2010; Veksler, Star Shape Prior for Graph-Cut Image Segmentation, ECCV 2008.
    """

    def _path_finder(self, image: np.ndarray) -> Callable[[Centres], np.ndarray]:
        return partial(ray_parents, shape=image.shape[:2])


class GeodesicStar(StarCut):
    """Paths that bend around the photo's edges, so that arms and legs belong to the object too.

    Parameters
    ----------
    lam, sigma, colour, clip, radius, exact
        As for :class:`tutorial_lib.classical.graph_cut.GraphCut`.
    gamma : float
        How much a path avoids edges, from 0 up to less than 1; see
        :func:`~tutorial_lib.classical.star_paths.link_lengths`.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    On a photo that is cut in a band, paths turn only at every third pixel or so, see
    :class:`~tutorial_lib.classical.fast.lattice_paths.LatticePaths`, and the answer is a star along
    these paths. The authors' program has a joint and a sequential variant of each star. Here every
    positive click is a star centre, and all stars are found together. So the answer depends on the
    clicks alone, and not on earlier answers.

    References
    ----------
    Gulshan, Rother, Criminisi, Blake and Zisserman, Geodesic Star Convexity for Interactive Image
    Segmentation, CVPR 2010.
    """

    def __init__(
        self,
        lam: float = 0.01,
        sigma: float | None = None,
        colour: ColourModelName = "histogram",
        clip: float = 0.01,
        radius: int = 5,
        gamma: float = 0.7,
        exact: bool = False,
    ) -> None:
        super().__init__(lam, sigma, colour, clip, radius, exact)
        if not 0 <= gamma < 1:
            raise ValueError(f"gamma is at least 0 and less than 1, not {gamma}.")
        self.gamma = gamma

    def _path_finder(self, image: np.ndarray) -> Callable[[Centres], np.ndarray]:
        return geodesic_paths(image, self.gamma, self.graph_cut.exact)
