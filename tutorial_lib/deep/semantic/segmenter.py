"""Semantic segmentation made interactive: what Deep Object Selection is compared with.

photo -> FCN-8s (-> CRF as RNN) -> a class for every pixel; click -> the piece of it that was hit

The network never sees a click. All its work is done once a photo; a click only picks one of the
connected components of the map of classes (Xu et al., CVPR 2016, section 4.3). Three things follow,
and the paper names them (section 1): clicks of both kinds on one component cannot both be obeyed,
two people side by side are one component, and what has no class is background.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from tutorial_lib.clicks import Clicks
from tutorial_lib.deep.device import Precision, autocast, pick_device, resolve_precision
from tutorial_lib.deep.folding import fold_norms
from tutorial_lib.deep.photos import at_working_size, check_working_size
from tutorial_lib.deep.semantic.network import load_semantic
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class SemanticPrepared:
    """A photo's map of classes, and its pieces.

    Parameters
    ----------
    classes : np.ndarray
        ``(H, W) uint8``: each pixel's likeliest class.
    confidence : np.ndarray
        ``(H, W) float32`` in [0, 1]: that class's probability.
    components : np.ndarray
        ``(H, W) int32``: the connected component a pixel belongs to, from 0.
    count : int
        How many components there are.
    """

    classes: np.ndarray
    confidence: np.ndarray
    components: np.ndarray
    count: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photo, in pixels."""
        height, width = self.classes.shape
        return height, width


class SemanticFCN:
    """A semantic FCN-8s, and the connected component under the click.

    Parameters
    ----------
    weights : str or Path
        See :func:`tutorial_lib.deep.semantic.network.load_semantic`.
    size : int
        Long side at which photos go through the network, in pixels; a multiple of 32.
    device : str
        See :func:`tutorial_lib.deep.device.pick_device`.
    precision : str
        See :func:`tutorial_lib.deep.device.resolve_precision`.

    Attributes
    ----------
    classes : tuple of str
        The names of the classes, the background first.
    precision : str
        ``"float32"`` or ``"bfloat16"``: what it computes in.

    Raises
    ------
    ValueError
        If the size is no positive multiple of 32, or there are no such weights, device or
        precision.
    FileNotFoundError
        If the weights are missing.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 4.3 and Table 2; Long et al.,
    Fully Convolutional Networks for Semantic Segmentation, CVPR 2015.
    """

    def __init__(
        self,
        weights: str | Path = "semantic-fcn",
        size: int = 448,
        device: str = "auto",
        precision: Precision = "float32",
    ) -> None:
        self.size, self.device = check_working_size(size), pick_device(device)
        self.precision = resolve_precision(precision, self.device)
        network, about = load_semantic(weights)
        self.classes: tuple[str, ...] = tuple(about["classes"])
        network = network.to(self.device, memory_format=torch.channels_last)
        self.network = fold_norms(network)

    def prepare(self, image: ImageLike) -> SemanticPrepared:
        """Find every pixel's class: all that there is to compute.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        SemanticPrepared
            To be handed to :meth:`segment`.
        """
        photo = as_rgb(image)
        inputs = at_working_size(photo, self.size).to(self.device).float()
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), autocast(self.device, self.precision):
            scores = self.network(inputs).float()
        probability = scores.softmax(dim=1)[0].cpu().numpy()
        classes, confidence = likeliest(probability, photo.shape[:2])
        components, count = connected_components(classes)
        return SemanticPrepared(classes, confidence, components, count)

    def segment(self, prepared: SemanticPrepared, clicks: Clicks) -> Segmentation:
        """Pick the components with a positive click.

        Parameters
        ----------
        prepared : SemanticPrepared
            What :meth:`prepare` returned.
        clicks : Clicks
            The clicks so far, all inside the photo. Of several on one component the last one
            counts: "it is not straightforward how to respond to negative clicks" (section 4.3).

        Returns
        -------
        Segmentation
            ``mask`` is the union of the components whose last click is positive; a click on what
            the network calls background picks that piece of background. ``probability`` is there
            that of the component's class, which may well be less than one half, and 0 elsewhere.

        Raises
        ------
        ValueError
            If a click lies outside the photo.
        """
        clicks.check(prepared.shape)
        chosen = np.zeros(prepared.count, dtype=bool)
        for click in clicks:
            chosen[prepared.components[click.row, click.col]] = click.positive
        mask = chosen[prepared.components]
        return Segmentation(np.where(mask, prepared.confidence, np.float32(0)), mask)


class SemanticCrfRnn(SemanticFCN):
    """A semantic FCN-8s with a CRF as recurrent layers, and the component under the click.

    Parameters
    ----------
    weights, size, device, precision
        As for :class:`SemanticFCN`; the weights of a network with a CRF.
    steps : int, optional
        Mean-field steps; as many as in training by default. 0 shows what the FCN alone says.

    Raises
    ------
    ValueError
        If an option is out of its range, or the weights have no CRF.
    FileNotFoundError
        If the weights are missing.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 4.3 and Table 2; Zheng et al.,
    Conditional Random Fields as Recurrent Neural Networks, ICCV 2015.
    """

    def __init__(
        self,
        weights: str | Path = "semantic-crf-rnn",
        size: int = 448,
        steps: int | None = None,
        device: str = "auto",
        precision: Precision = "float32",
    ) -> None:
        super().__init__(weights, size, device, precision)
        crf = self.network.crf
        if crf is None:
            raise ValueError(f"The weights {weights} have no CRF: use the method semantic-fcn.")
        if steps is not None and steps < 0:
            raise ValueError(f"A CRF takes 0 steps or more, not {steps}.")
        crf.steps = crf.steps if steps is None else steps


def likeliest(
    probability: Iterable[np.ndarray], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Enlarge each class's probability to the photo's size and keep the largest.

    Parameters
    ----------
    probability : iterable of np.ndarray
        ``(K, h, w) float32``, or one class after the other.
    shape : tuple of int
        Height and width of the photo.

    Returns
    -------
    classes : np.ndarray
        ``(H, W) uint8``: of equally likely classes the first.
    confidence : np.ndarray
        ``(H, W) float32`` in [0, 1].
    """
    # One class at a time: all of them at the size of a large photo would fill the memory.
    classes = np.zeros(shape, dtype=np.uint8)
    confidence = np.full(shape, -1, dtype=np.float32)
    for number, plane in enumerate(probability):
        large = cv2.resize(plane, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
        classes[large > confidence] = number
        np.maximum(confidence, large, out=confidence)
    return classes, np.clip(confidence, 0, 1)


def connected_components(classes: np.ndarray) -> tuple[np.ndarray, int]:
    """Find and number the connected pieces of a map of classes.

    Parameters
    ----------
    classes : np.ndarray
        ``(H, W) uint8``.

    Returns
    -------
    components : np.ndarray
        ``(H, W) int32``, from 0. Two pixels share a number if a path of one class leads from one
        to the other, diagonal steps allowed, so that a thin strap stays in one piece.
    count : int
        How many pieces there are.
    """
    from scipy import ndimage

    components, count = np.zeros(classes.shape, dtype=np.int32), 0
    for number in np.flatnonzero(np.bincount(classes.ravel())):
        pieces, found = ndimage.label(classes == number, EIGHT_NEIGHBOURS)
        inside = pieces > 0
        components[inside] = pieces[inside] + (count - 1)
        count += found
    return components, count
