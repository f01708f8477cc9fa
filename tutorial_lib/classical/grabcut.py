"""GrabCut (Rother, Kolmogorov and Blake, SIGGRAPH 2004): cut, refit the colours, cut again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tutorial_lib.actions import Box
from tutorial_lib.classical.base import DiscSegmenter
from tutorial_lib.classical.colour_models import HistogramModel, Palette, object_posterior
from tutorial_lib.clicks import Clicks
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation


@dataclass(frozen=True, eq=False)
class GrabCutPrepared:
    """What GrabCut computes once per image: its pixels and their palette."""

    image: np.ndarray
    palette: Palette

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""
        return self.image.shape[:2]


class GrabCut(DiscSegmenter):
    """Iterated graph cuts with colour mixtures, by OpenCV's implementation.

    Graph cut learns its colours from the clicks alone. GrabCut learns the colours of *all* pixels
    of its answer, cuts again, and repeats. The first answer is the start mask, or else the inside
    of the box. Without both it is the set of pixels where a histogram of the clicks' colours
    favours the object.

    Parameters
    ----------
    iterations : int
        How often to refit and cut.
    box : tuple of int, optional
        ``(top, left, bottom, right)``, bottom and right excluded. Pixels outside are background.
        With a box no click is required. A box among the clicks replaces it.
    radius : int
        Radius of the disc around each click, in pixels.
    seed : int
        Seed of the k-means that starts the colour mixtures.

    Raises
    ------
    ValueError
        If an option is out of its range.

    References
    ----------
    Rother, Kolmogorov and Blake, "GrabCut": Interactive Foreground Extraction using Iterated Graph
    Cuts, SIGGRAPH 2004.
    """

    def __init__(
        self,
        iterations: int = 3,
        box: tuple[int, int, int, int] | None = None,
        radius: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(radius)
        if iterations < 1:
            raise ValueError(f"GrabCut needs at least 1 iteration, not {iterations}.")
        if box is not None and not (0 <= box[0] < box[2] and 0 <= box[1] < box[3]):
            raise ValueError(f"A box is (top, left, bottom, right) with an area, not {box}.")
        self.iterations, self.box, self.seed = iterations, box, seed

    def prepare(self, image: ImageLike) -> GrabCutPrepared:
        """Read the image and quantise its colours.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        GrabCutPrepared
            The argument of :meth:`segment`.

        Raises
        ------
        ValueError
            If the box does not overlap the image.
        """
        image = as_rgb(image)
        height, width = image.shape[:2]
        if self.box is not None and not (self.box[0] < height and self.box[1] < width):
            raise ValueError(f"The box {self.box} lies outside the {image.shape[:2]} image.")
        return GrabCutPrepared(image, Palette.of(image))

    def segment(self, prepared: GrabCutPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks. With a box no click is required.

        Parameters
        ----------
        prepared : GrabCutPrepared
            The result of :meth:`prepare`.
        clicks : Clicks
            The clicks so far, all inside the image.

        Returns
        -------
        Segmentation
            ``mask`` equals the positive discs while there is neither a box nor a click of each
            kind.

        Raises
        ------
        ValueError
            If a click lies outside the image.
        """
        clicks.check(prepared.shape)
        if clicks.box is None and self.box is not None:
            height, width = prepared.shape
            top, left, bottom, right = self.box
            clicks = clicks.add(Box(top, left, min(bottom, height), min(right, width)))
        if clicks.start is None and clicks.box is not None:
            clicks = clicks.starting_from(clicks.box.inside(prepared.shape))
        return super().segment(prepared, clicks)

    def _segment(
        self,
        prepared: GrabCutPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        start: np.ndarray | None,
    ) -> Segmentation:
        import cv2

        labels = self._first_guess(prepared, positive, negative, start)
        inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
        if inside.all() or not inside.any():  # one side has no colour to learn from
            return Segmentation(probability=inside.astype(np.float32))
        cv2.setRNGSeed(self.seed)
        cv2.grabCut(
            prepared.image[..., ::-1].copy(),
            labels,
            None,
            np.zeros((1, 65)),
            np.zeros((1, 65)),
            self.iterations,
            cv2.GC_INIT_WITH_MASK,
        )
        mask = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
        return Segmentation(probability=mask.astype(np.float32))

    def _first_guess(
        self,
        prepared: GrabCutPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        start: np.ndarray | None,
    ) -> np.ndarray:
        """Label every pixel sure or probable; ``(H, W) uint8`` in OpenCV's coding."""
        import cv2

        if start is None:
            posterior = object_posterior(
                HistogramModel(), prepared.palette, prepared.image, positive, negative
            )
            start = posterior > 0.5
        labels = np.where(start, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
        labels[positive] = cv2.GC_FGD
        labels[negative] = cv2.GC_BGD
        return labels.astype(np.uint8)
