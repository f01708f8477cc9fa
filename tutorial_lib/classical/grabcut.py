"""GrabCut (Rother, Kolmogorov and Blake, SIGGRAPH 2004): cut, refit the colours, cut again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tutorial_lib.classical.base import DiscSegmenter
from tutorial_lib.classical.colour_models import HistogramModel, Palette, object_posterior
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

Box = tuple[int, int, int, int]


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
    of its answer, cuts again, and repeats. The first answer is the inside of the box. Without a box
    it is the set of pixels where a histogram of the clicks' colours favours the object.

    Parameters
    ----------
    iterations : int
        How often to refit and cut.
    box : tuple of int, optional
        ``(top, left, bottom, right)``, bottom and right excluded. Pixels outside are background.
        With a box no click is required.
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
        self, iterations: int = 3, box: Box | None = None, radius: int = 5, seed: int = 0
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
        if self.box is not None and not self._inside(image.shape[:2]).any():
            raise ValueError(f"The box {self.box} lies outside the {image.shape[:2]} image.")
        return GrabCutPrepared(image, Palette.of(image))

    def _inside(self, shape: tuple[int, int]) -> np.ndarray:
        inside = np.zeros(shape, dtype=bool)
        top, left, bottom, right = self.box
        inside[top:bottom, left:right] = True
        return inside

    def _can_answer(self, positive: np.ndarray, negative: np.ndarray) -> bool:
        return self.box is not None or super()._can_answer(positive, negative)

    def _segment(
        self, prepared: GrabCutPrepared, positive: np.ndarray, negative: np.ndarray
    ) -> Segmentation:
        import cv2

        labels = self._first_guess(prepared, positive, negative)
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
        self, prepared: GrabCutPrepared, positive: np.ndarray, negative: np.ndarray
    ) -> np.ndarray:
        """Label every pixel sure or probable; ``(H, W) uint8`` in OpenCV's coding."""
        import cv2

        if self.box is not None:
            inside = self._inside(prepared.shape)
            labels = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD)
        else:
            posterior = object_posterior(
                HistogramModel(), prepared.palette, prepared.image, positive, negative
            )
            labels = np.where(posterior > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
        labels[positive] = cv2.GC_FGD
        labels[negative] = cv2.GC_BGD
        return labels.astype(np.uint8)
