"""Deep Interactive Object Selection (Xu et al., CVPR 2016): a network, and a cut along its map.

photo, clicks -> RGB and two distance maps -> FCN-8s -> probability Q -> graph cut -> mask
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

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
    """Put a photo and its distance maps together, as the network reads them.

    Parameters
    ----------
    image : Tensor
        ``(B, 3, H, W)``, RGB in 0..255, uint8 or float.
    maps : Tensor
        ``(B, 2, H, W) float32``: distances in pixels, at most 255.

    Returns
    -------
    Tensor
        ``(B, 5, H, W) float32``: RGB unchanged, distances scaled from 0..255 to -1..1.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.1.
    """
    return torch.cat([image.float(), maps * (2 / TRUNCATION) - 1], dim=1)


def load_network(weights: str | Path = "dos") -> tuple[FCN, str]:
    """Build the network that a file of weights belongs to.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`tutorial_lib.deep.weights.WEIGHTS`, or a file that training wrote.

    Returns
    -------
    network : FCN
        On the CPU, in evaluation mode.
    preset : str
        The preset it was built from.

    Raises
    ------
    ValueError
        If there are no such weights, or the file holds those of something else.
    FileNotFoundError
        If the file is missing.
    """
    state, stored = open_weights(weights)
    if not {"preset", "stride"} <= stored.keys():
        raise ValueError(f"The weights {weights} do not say which FCN they are of.")
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
    """What the network keeps of a photo: its pixels at working size, on the network's device."""

    shape: tuple[int, int]
    image: Tensor


@dataclass(frozen=True, eq=False)
class RefinedPrepared:
    """The same, and the graph over the photo's own pixels."""

    network: ObjectSelectionPrepared
    graph: GraphCutPrepared

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photo, in pixels."""
        return self.network.shape


class DeepObjectSelection:
    """FCN-8s on RGB and two distance maps, cut at one half: DOS without its graph cut.

    Parameters
    ----------
    weights : str or Path
        See :func:`load_network`.
    size : int
        Long side at which photos go through the network, in pixels; a multiple of 32.
    device : str
        See :func:`tutorial_lib.deep.device.pick_device`.
    precision : str
        See :func:`tutorial_lib.deep.device.resolve_precision`.

    Attributes
    ----------
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
        """Bring a photo to working size.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        ObjectSelectionPrepared
            To be handed to :meth:`segment`.
        """
        photo = as_rgb(image)
        small = at_working_size(photo, self.size).to(self.device)
        return ObjectSelectionPrepared(photo.shape[:2], small)

    def segment(self, prepared: ObjectSelectionPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks.

        Parameters
        ----------
        prepared : ObjectSelectionPrepared
            What :meth:`prepare` returned.
        clicks : Clicks
            The clicks so far, all inside the photo.

        Returns
        -------
        Segmentation
            The network's probability at the photo's size; 0 everywhere as long as no click says
            where the object is.

        Raises
        ------
        ValueError
            If a click lies outside the photo.
        """
        clicks.check(prepared.shape)
        if not len(clicks.positives):
            return Segmentation(np.zeros(prepared.shape, dtype=np.float32))
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
        return Segmentation(np.clip(full, 0, 1))


class RefinedObjectSelection:
    """Deep Object Selection: the network's map Q, and a graph cut along it at full size.

    Parameters
    ----------
    weights, size, device, precision
        As for :class:`DeepObjectSelection`.
    lam : float
        Weight of Q against the boundary term (Eq. 3).
    sigma : float, optional
        Contrast scale in grey levels (Eq. 5); the photo's own by default.
    radius : int
        Clicks are discs of this radius for the cut, in pixels; for the network they stay single
        pixels (section 4.1).

    Raises
    ------
    ValueError
        If an option is out of its range, or there are no such weights or device.
    FileNotFoundError
        If the weights are missing.

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
        """``"float32"`` or ``"bfloat16"``: what the network computes in."""
        return self.network.precision

    @property
    def radius(self) -> int:
        """Radius of the cut's discs, in pixels."""
        return self.graph_cut.radius

    def prepare(self, image: ImageLike) -> RefinedPrepared:
        """Bring a photo to working size, and build the graph over its own pixels.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        RefinedPrepared
            To be handed to :meth:`segment`.
        """
        photo = as_rgb(image)
        return RefinedPrepared(self.network.prepare(photo), self.graph_cut.prepare(photo))

    def segment(self, prepared: RefinedPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks.

        Parameters
        ----------
        prepared : RefinedPrepared
            What :meth:`prepare` returned.
        clicks : Clicks
            The clicks so far, all inside the photo.

        Returns
        -------
        Segmentation
            ``probability`` is Q, sure of the clicked discs; ``mask`` is the cut. As long as no
            click says where the object is, both are empty.

        Raises
        ------
        ValueError
            If a click lies outside the photo.
        """
        answer = self.network.segment(prepared.network, clicks)
        if not len(clicks.positives):
            return answer
        return self.graph_cut.refine(prepared.graph, answer.probability, clicks)
