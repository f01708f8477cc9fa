"""Deep Interactive Object Selection (DOS; Xu et al., CVPR 2016): an FCN and a graph cut.

photo, clicks -> RGB and two distance maps -> FCN-8s -> probability Q -> graph cut -> mask
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from tutorial_lib.classical.base import with_prior
from tutorial_lib.classical.graph_cut import GraphCut, GraphCutPrepared
from tutorial_lib.clicks import Clicks
from tutorial_lib.deep.device import Precision, autocast, pick_device, resolve_precision
from tutorial_lib.deep.folding import fold_norms
from tutorial_lib.deep.latent_diversity.zoom_in import View
from tutorial_lib.deep.networks.fcn import FCN, FCNDesign, fcn, object_logit
from tutorial_lib.deep.photos import at_working_size, check_working_size
from tutorial_lib.deep.weights import described, fill, open_weights
from tutorial_lib.guidance import TRUNCATION, distance_maps
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation


def network_input(image: Tensor, maps: Tensor) -> Tensor:
    """Concatenate a photo and its distance maps to the input of the network.

    Parameters
    ----------
    image : Tensor
        ``(B, 3, H, W)`` uint8 or float: RGB in 0..255.
    maps : Tensor
        ``(B, 2, H, W) float32``: distances in pixels, at most 255.

    Returns
    -------
    Tensor
        ``(B, 5, H, W) float32``: RGB in 0..255, then the distances, scaled from 0..255 to -1..1.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.1.
    """
    return torch.cat([image.float(), maps * (2 / TRUNCATION) - 1], dim=1)


def load_network(weights: str | Path = "dos") -> tuple[FCN, str]:
    """Build an FCN and load its weights.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`tutorial_lib.deep.weights.WEIGHTS`, or a file that training wrote.

    Returns
    -------
    network : FCN
        The network, on the CPU and in evaluation mode.
    preset : str
        Name of its preset.

    Raises
    ------
    ValueError
        If the name is unknown, or the file does not hold the weights of an FCN.
    FileNotFoundError
        If the file is missing.
    """
    state, stored = open_weights(weights)
    if not {"preset", "stride"} <= stored.keys():
        raise ValueError(f"The weights {weights} do not say which FCN they belong to.")
    about = described(stored, FCNDesign, weights)
    network = fcn(about.preset, about.stride, pretrained=False)
    fill(
        network,
        state,
        f"The weights {weights} do not fit an FCN-{about.stride}s of the preset {about.preset}.",
    )
    return network.eval(), about.preset


@dataclass(frozen=True, eq=False)
class ObjectSelectionPrepared:
    """A photo at working size.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the photo, in pixels.
    image : Tensor
        ``(1, 3, h, w) uint8``: the photo at working size, on the network's device.
    """

    shape: tuple[int, int]
    image: Tensor


@dataclass(frozen=True, eq=False)
class RefinedPrepared:
    """A photo at working size, and the graph over the pixels of the photo itself.

    Parameters
    ----------
    network : ObjectSelectionPrepared
        The photo at working size.
    graph : GraphCutPrepared
        The graph at full size.
    """

    network: ObjectSelectionPrepared
    graph: GraphCutPrepared

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photo, in pixels."""
        return self.network.shape


class DeepObjectSelection:
    """DOS without its graph cut: FCN-8s on RGB and two distance maps, thresholded at one half.

    Parameters
    ----------
    weights : str or Path
        See :func:`load_network`.
    size : int
        Longer side of the network's input, in pixels; a multiple of 32.
    device : str
        See :func:`tutorial_lib.deep.device.pick_device`.
    precision : str
        See :func:`tutorial_lib.deep.device.resolve_precision`.

    Attributes
    ----------
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
    Xu et al., Deep Interactive Object Selection, CVPR 2016, sections 3.1 and 3.3.
    """

    def __init__(
        self,
        weights: str | Path = "dos",
        size: int = 576,
        device: str = "auto",
        precision: Precision = "float32",
    ) -> None:
        self.size, self.device = check_working_size(size), pick_device(device)
        self.precision = resolve_precision(precision, self.device)
        network, _ = load_network(weights)
        network = network.to(self.device, memory_format=torch.channels_last)
        self.network = fold_norms(network)

    def prepare(self, image: ImageLike) -> ObjectSelectionPrepared:
        """Resize a photo to working size.

        Parameters
        ----------
        image : image
            Anything that :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        ObjectSelectionPrepared
            The first argument of :meth:`segment`.
        """
        photo = as_rgb(image)
        small = at_working_size(photo, self.size).to(self.device)
        return ObjectSelectionPrepared(photo.shape[:2], small)

    def segment(self, prepared: ObjectSelectionPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks.

        Parameters
        ----------
        prepared : ObjectSelectionPrepared
            The value of :meth:`prepare`.
        clicks : Clicks
            All clicks so far, in pixels of the photo.

        Returns
        -------
        Segmentation
            The network's probability at the size of the photo, 0 outside a box. Without a positive
            click it is the start mask, or else 0 everywhere.

        Raises
        ------
        ValueError
            If a click lies outside the photo.
        """
        shape = prepared.shape
        clicks.check(shape)
        inside = np.ones(shape, bool) if clicks.box is None else clicks.box.inside(shape)
        if not len(clicks.positives):
            start = np.zeros(shape, bool) if clicks.start is None else clicks.start.mask
            start[tuple(clicks.negatives.T)] = False
            return Segmentation((start & inside).astype(np.float32))
        size = (int(prepared.image.shape[-2]), int(prepared.image.shape[-1]))
        placed = View(0, 0, *prepared.shape).clicks(clicks, size)
        maps = distance_maps(placed, size)
        inputs = network_input(prepared.image, torch.from_numpy(maps)[None].to(self.device))
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), autocast(self.device, self.precision):
            logit = object_logit(self.network(inputs)).float()
        probability = logit.sigmoid()[0].cpu().numpy()
        height, width = prepared.shape
        full = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
        return Segmentation(np.clip(full, 0, 1) * inside)


class RefinedObjectSelection:
    """DOS: the network's probability map Q, refined by a graph cut at full size.

    Parameters
    ----------
    weights, size, device, precision
        As for :class:`DeepObjectSelection`.
    lam : float
        Weight of Q against the boundary term (Eq. 3).
    sigma : float, optional
        Contrast scale in grey levels (Eq. 5). By default it is estimated from the photo.
    radius : int
        Radius of the discs that the graph cut sees for clicks, in pixels. The network sees single
        pixels (section 4.1).

    Raises
    ------
    ValueError
        If an option is out of range, or the weights, the device or the precision are unknown.
    FileNotFoundError
        If the file of weights is missing.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.4, Eq. 3 to 5.
    """

    def __init__(
        self,
        weights: str | Path = "dos",
        size: int = 512,
        lam: float = 0.05,
        sigma: float | None = None,
        radius: int = 5,
        device: str = "auto",
        precision: Precision = "float32",
    ) -> None:
        self.graph_cut = GraphCut(lam=lam, sigma=sigma, radius=radius)
        self.network = DeepObjectSelection(weights, size, device, precision)

    @property
    def precision(self) -> str:
        """``"float32"`` or ``"bfloat16"``: the precision of the network."""
        return self.network.precision

    @property
    def radius(self) -> int:
        """Radius of the discs that the graph cut sees for clicks, in pixels."""
        return self.graph_cut.radius

    def prepare(self, image: ImageLike) -> RefinedPrepared:
        """Resize a photo to working size, and build the graph at full size.

        Parameters
        ----------
        image : image
            Anything that :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        RefinedPrepared
            The first argument of :meth:`segment`.
        """
        photo = as_rgb(image)
        return RefinedPrepared(self.network.prepare(photo), self.graph_cut.prepare(photo))

    def segment(self, prepared: RefinedPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks.

        Parameters
        ----------
        prepared : RefinedPrepared
            The value of :meth:`prepare`.
        clicks : Clicks
            All clicks so far, in pixels of the photo.

        Returns
        -------
        Segmentation
            ``probability`` is Q, set to 0 or 1 on the clicked discs and to 0 outside a box. A start
            mask is the prior of Q. ``mask`` is the minimum cut. Both are empty without a positive
            click and a start mask.

        Raises
        ------
        ValueError
            If a click lies outside the photo.
        """
        answer = self.network.segment(prepared.network, clicks)
        q, start = answer.probability, clicks.start
        if start is None and not len(clicks.positives):
            return answer
        if start is not None:
            if not (len(clicks) or clicks.box):
                return answer
            without = np.full(prepared.shape, 0.5)
            q = with_prior(q if len(clicks.positives) else without, start.mask)
        return self.graph_cut.refine(prepared.graph, q, clicks)
