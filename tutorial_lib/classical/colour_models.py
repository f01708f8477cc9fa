"""Colour models: how likely each colour is under the object's and the background's clicks.

A photo of 300,000 pixels has only some thousand distinct colours if each channel has 32 levels. A
model is evaluated once for each *palette entry*, and each pixel looks up its entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.mixture import GaussianMixture

BINS = 32


@dataclass(frozen=True, eq=False)
class Palette:
    """The distinct quantised colours of one image.

    Parameters
    ----------
    index : np.ndarray
        ``(H, W) intp``: the entry of each pixel.
    bins : np.ndarray
        ``(K, 3) intp``: histogram bin of each entry, 0..31 per channel.
    colours : np.ndarray
        ``(K, 3) float64``: mean colour of the pixels of each entry, 0..255.
    """

    index: np.ndarray
    bins: np.ndarray
    colours: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray) -> Palette:
        """Quantise an ``(H, W, 3) uint8`` image to 32 levels per channel."""
        bins = image.reshape(-1, 3).astype(np.intp) * BINS >> 8
        flat = np.ravel_multi_index(tuple(bins.T), (BINS,) * 3)
        used, index, count = np.unique(flat, return_inverse=True, return_counts=True)
        sums = [np.bincount(index, weights=channel) for channel in image.reshape(-1, 3).T]
        return cls(
            index=index.reshape(image.shape[:2]),
            bins=np.stack(np.unravel_index(used, (BINS,) * 3), axis=1),
            colours=np.stack(sums, axis=1) / count[:, None],
        )


class ColourModel(Protocol):
    """A density over colours, fitted to the pixels of some discs."""

    def density(self, palette: Palette, image: np.ndarray, region: np.ndarray) -> np.ndarray:
        """Fit the model to the colours of a region.

        Parameters
        ----------
        palette : Palette
            The K colours of the photo.
        image : np.ndarray
            ``(H, W, 3) uint8``.
        region : np.ndarray
            ``(H, W) bool``: the pixels to fit to, at least one.

        Returns
        -------
        np.ndarray
            ``(K,) float64``: the density of each colour of the palette.
        """


@dataclass(frozen=True)
class HistogramModel:
    """A colour histogram, smoothed so that a few dozen pixels are enough.

    Parameters
    ----------
    smoothing : float
        Standard deviation of the Gaussian that blurs the histogram, in bins of 8 grey levels.
    floor : float
        Weight of a uniform distribution in the mixture, so that no colour is impossible.
    """

    smoothing: float = 1.5
    floor: float = 0.01

    def density(self, palette: Palette, image: np.ndarray, region: np.ndarray) -> np.ndarray:
        """Fit the model to the colours of a region.

        Parameters
        ----------
        palette : Palette
            The K colours of the photo.
        image : np.ndarray
            ``(H, W, 3) uint8``.
        region : np.ndarray
            ``(H, W) bool``: the pixels to fit to, at least one.

        Returns
        -------
        np.ndarray
            ``(K,) float64``: the density of each colour of the palette.
        """
        seen = np.bincount(palette.index[region], minlength=len(palette.bins))
        histogram = np.zeros((BINS,) * 3)
        histogram[tuple(palette.bins.T)] = seen
        histogram = gaussian_filter(histogram, self.smoothing)
        histogram /= histogram.sum()
        histogram = (1 - self.floor) * histogram + self.floor / BINS**3
        return histogram[tuple(palette.bins.T)]


@dataclass(frozen=True)
class GaussianMixtureModel:
    """A mixture of Gaussians in RGB, as GrabCut uses (Rother et al. 2004, section 3.1).

    Parameters
    ----------
    components : int
        Number of Gaussians; fewer if there are fewer pixels.
    variance_floor : float
        Added to each covariance's diagonal, in squared grey levels.
    floor : float
        Weight of a uniform distribution in the mixture.
    seed : int
        Seed of the k-means initialisation.
    """

    components: int = 3
    variance_floor: float = 20.0
    floor: float = 0.01
    seed: int = 0

    def density(self, palette: Palette, image: np.ndarray, region: np.ndarray) -> np.ndarray:
        """Fit the model to the colours of a region.

        Parameters
        ----------
        palette : Palette
            The K colours of the photo.
        image : np.ndarray
            ``(H, W, 3) uint8``.
        region : np.ndarray
            ``(H, W) bool``: the pixels to fit to, at least one.

        Returns
        -------
        np.ndarray
            ``(K,) float64``: the density of each colour of the palette.
        """
        pixels = image[region].astype(np.float64)
        if len(pixels) == 1:  # scikit-learn requires two; the same one twice changes nothing
            pixels = np.repeat(pixels, 2, axis=0)
        distinct = len(np.unique(pixels, axis=0))
        mixture = GaussianMixture(
            n_components=min(self.components, distinct),
            reg_covar=self.variance_floor,
            max_iter=30,
            random_state=self.seed,
        ).fit(pixels)
        density = np.exp(mixture.score_samples(palette.colours))
        return (1 - self.floor) * density + self.floor / 256**3


ColourModelName: TypeAlias = Literal["histogram", "gmm"]
COLOUR_MODELS: dict[ColourModelName, type[ColourModel]] = {
    "histogram": HistogramModel,
    "gmm": GaussianMixtureModel,
}


def colour_model(name: ColourModelName) -> ColourModel:
    """Build a colour model by its name.

    Parameters
    ----------
    name : {"histogram", "gmm"}
        The kind of density.

    Returns
    -------
    ColourModel
        With its default settings.

    Raises
    ------
    ValueError
        If there is no such model.
    """
    if name not in COLOUR_MODELS:
        raise ValueError(f"colour is one of {', '.join(COLOUR_MODELS)}, not {name!r}.")
    return COLOUR_MODELS[name]()


def object_posterior(
    model: ColourModel,
    palette: Palette,
    image: np.ndarray,
    positive: np.ndarray,
    negative: np.ndarray,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Return the probability that each pixel's colour is the object's; both have the same prior.

    ``q = p(colour | object) / (p(colour | object) + p(colour | background))``

    Parameters
    ----------
    model : ColourModel
        The kind of density, fitted to each side.
    palette : Palette
        The image's palette.
    image : np.ndarray
        ``(H, W, 3) uint8``.
    positive, negative : np.ndarray
        ``(H, W) bool`` discs; neither empty, unless there is a start mask.
    start : np.ndarray, optional
        ``(H, W) bool``: a start mask. The colours of its two sides count beside those of the discs.

    Returns
    -------
    np.ndarray
        ``(H, W) float64`` in (0, 1). It is 0.5 everywhere if a side has no pixel to learn from.
    """
    if start is not None:
        positive, negative = positive | (start & ~negative), negative | ~(start | positive)
        if not (positive.any() and negative.any()):
            return np.full(palette.index.shape, 0.5)
    on_object = model.density(palette, image, positive)
    on_background = model.density(palette, image, negative)
    return (on_object / (on_object + on_background))[palette.index]
