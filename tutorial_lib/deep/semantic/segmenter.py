"""Interactive semantic segmentation: the baselines of Deep Object Selection.

photo -> FCN-8s (-> CRF as RNN) -> a class for each pixel; click -> the connected component there

The network never sees a click. It runs once for each photo. A click only selects one connected
component of the label map (Xu et al., CVPR 2016, section 4.3). This has three limits, which the
paper names (section 1). A positive and a negative click on one component contradict each other. Two
people side by side are one component. An object of an unknown class is background.
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
    """The label map of a photo, and its connected components.

    Parameters
    ----------
    classes : np.ndarray
        ``(H, W) uint8``: the most probable class of each pixel.
    confidence : np.ndarray
        ``(H, W) float32`` in [0, 1]: the probability of that class.
    components : np.ndarray
        ``(H, W) int32``: the index of each pixel's connected component, from 0.
    count : int
        Number of components.
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
    """A semantic FCN-8s; the mask is the connected component under the click.

    Parameters
    ----------
    weights : str or Path
        See :func:`tutorial_lib.deep.semantic.network.load_semantic`.
    size : int
        Longer side of the network's input, in pixels; a multiple of 32.
    device : str
        See :func:`tutorial_lib.deep.device.pick_device`.
    precision : str
        See :func:`tutorial_lib.deep.device.resolve_precision`.

    Attributes
    ----------
    classes : tuple of str
        Names of the classes, the background first.
    precision : str
        ``"float32"`` or ``"bfloat16"``: the precision of the network.

    Raises
    ------
    ValueError
        If the size is not a positive multiple of 32, or the weights, the device or the precision
        are unknown.
    FileNotFoundError
        If the file of weights is missing.

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
        """Classify every pixel and find the connected components.

        Parameters
        ----------
        image : image
            Anything that :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        SemanticPrepared
            The first argument of :meth:`segment`.
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
        """Select the components whose last click or stroke is positive.

        Parameters
        ----------
        prepared : SemanticPrepared
            The value of :meth:`prepare`.
        clicks : Clicks
            All clicks so far, in pixels of the photo. A stroke marks every component that it
            crosses. If a component has several clicks or strokes, the last one counts. The
            paper leaves this open: "it is not straightforward how to respond to negative clicks"
            (section 4.3).

        Returns
        -------
        Segmentation
            ``mask`` is the union of the selected components, cut off at a box. Components that lie
            mostly in a start mask are selected from the beginning. A component of the background
            class can be selected, too. ``probability`` is the probability of the component's class
            inside the mask, which may be less than one half, and 0 outside.

        Raises
        ------
        ValueError
            If a click lies outside the photo.
        """
        clicks.check(prepared.shape)
        chosen = np.zeros(prepared.count, dtype=bool)
        if clicks.start is not None:
            start = clicks.start.mask
            if not len(clicks) and clicks.box is None:
                return Segmentation(start.astype(np.float32))
            sizes = np.bincount(prepared.components.ravel(), minlength=prepared.count)
            chosen = np.bincount(prepared.components[start], minlength=prepared.count) > sizes / 2
        for mark in clicks:
            chosen[prepared.components[tuple(mark.pixels.T)]] = mark.positive
        mask = chosen[prepared.components]
        if clicks.box is not None:
            mask &= clicks.box.inside(prepared.shape)
        return Segmentation(np.where(mask, prepared.confidence, np.float32(0)), mask)


class SemanticCrfRnn(SemanticFCN):
    """A semantic FCN-8s with a CRF as recurrent layers; the mask is the component under the click.

    Parameters
    ----------
    weights, size, device, precision
        As for :class:`SemanticFCN`. The weights must be those of a network with a CRF.
    steps : int, optional
        Number of mean-field steps. The default is the number in training. 0 gives the answer of
        the FCN alone.

    Raises
    ------
    ValueError
        If an option is out of range, or the weights have no CRF.
    FileNotFoundError
        If the file of weights is missing.

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
            raise ValueError(f"A CRF needs 0 or more steps, not {steps}.")
        crf.steps = crf.steps if steps is None else steps


def likeliest(
    probability: Iterable[np.ndarray], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Resize the probability of each class to the photo's size, and find the most probable class.

    Parameters
    ----------
    probability : iterable of np.ndarray
        ``(K, h, w) float32``, or an iterator over ``(h, w)`` maps, one for each class.
    shape : tuple of int
        Height and width of the photo, in pixels.

    Returns
    -------
    classes : np.ndarray
        ``(H, W) uint8``: the most probable class. The first one wins a tie.
    confidence : np.ndarray
        ``(H, W) float32`` in [0, 1]: the probability of that class.
    """
    # One class at a time: all K maps at the size of a large photo need too much memory.
    classes = np.zeros(shape, dtype=np.uint8)
    confidence = np.full(shape, -1, dtype=np.float32)
    for number, plane in enumerate(probability):
        large = cv2.resize(plane, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
        classes[large > confidence] = number
        np.maximum(confidence, large, out=confidence)
    return classes, np.clip(confidence, 0, 1)


def connected_components(classes: np.ndarray) -> tuple[np.ndarray, int]:
    """Label the connected components of a label map.

    Pixels are connected to their eight neighbours, so that a thin strap stays one component.

    Parameters
    ----------
    classes : np.ndarray
        ``(H, W) uint8``: the class of each pixel.

    Returns
    -------
    components : np.ndarray
        ``(H, W) int32``: the index of each pixel's component, from 0.
    count : int
        Number of components.

    Examples
    --------
    >>> import numpy as np
    >>> components, count = connected_components(np.array([[0, 1, 0]], np.uint8))
    >>> components.tolist(), count
    ([[0, 2, 1]], 3)
    """
    from scipy import ndimage

    components, count = np.zeros(classes.shape, dtype=np.int32), 0
    for number in np.flatnonzero(np.bincount(classes.ravel())):
        pieces, found = ndimage.label(classes == number, EIGHT_NEIGHBOURS)
        inside = pieces > 0
        components[inside] = pieces[inside] + (count - 1)
        count += found
    return components, count
