"""Networks that classify every pixel: a semantic FCN, alone or followed by a CRF."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from torch import Tensor, nn

from tutorial_lib.deep.backbones.levels import Backbone
from tutorial_lib.deep.networks.fcn import FCN, FCNDesign, fcn
from tutorial_lib.deep.semantic.crf_rnn import MeanField
from tutorial_lib.deep.weights import described, fill, open_weights


@dataclass(frozen=True)
class SemanticDesign(FCNDesign):
    """The metadata of a semantic network, stored with its weights.

    Parameters
    ----------
    preset, stride
        As for :class:`FCNDesign`.
    classes : tuple of str
        Names of the classes, the background first.
    crf_steps : int
        Number of mean-field steps of its CRF; 0 without a CRF.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    classes: tuple[str, ...]
    crf_steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.classes) <= 255:
            raise ValueError(f"A network has 1 to 255 classes, not {len(self.classes)}.")
        if not 0 <= self.crf_steps <= 50:
            raise ValueError(f"A CRF has 0 to 50 steps, not {self.crf_steps}.")


class SemanticNetwork(nn.Module):
    """An FCN that scores classes, optionally followed by a CRF.

    Parameters
    ----------
    network : FCN
        The FCN. Its input is RGB alone.
    crf : MeanField, optional
        A CRF for the same number of classes.

    References
    ----------
    Long et al., CVPR 2015, for the FCN; Zheng et al., ICCV 2015, for both as one network.
    """

    def __init__(self, network: FCN, crf: MeanField | None = None) -> None:
        super().__init__()
        self.fcn, self.crf = network, crf

    @property
    def backbone(self) -> Backbone:
        """Backbone of the FCN."""
        return self.fcn.backbone

    @property
    def stride(self) -> int:
        """Stride of the FCN: 32, 16 or 8."""
        return self.fcn.stride

    def finer(self) -> Self:
        """Return a network of half the stride with the same output; see :meth:`FCN.finer`."""
        network = copy.deepcopy(self)
        network.fcn = self.fcn.finer()
        return network

    def forward(self, image: Tensor) -> Tensor:
        """Score the classes.

        Parameters
        ----------
        image : Tensor
            ``(B, 3, H, W)`` float: RGB in 0..255.

        Returns
        -------
        Tensor
            ``(B, K, H, W)`` float32: scores whose softmax is the probability of each class.
        """
        scores = self.fcn(image)
        return scores if self.crf is None else self.crf(scores, image)


def semantic_network(
    classes: int,
    preset: str = "lite",
    stride: int = 8,
    *,
    crf_steps: int = 0,
    pretrained: bool | str | Path = True,
) -> SemanticNetwork:
    """Build a semantic network.

    Parameters
    ----------
    classes : int
        Number of classes K, with the background.
    preset, stride, pretrained
        See :func:`tutorial_lib.deep.networks.fcn.fcn`.
    crf_steps : int
        Number of mean-field steps; 0 for no CRF.

    Returns
    -------
    SemanticNetwork
        In training mode. Before training, all classes are equally probable.

    Raises
    ------
    ValueError
        If the preset or the stride is unknown.
    """
    network = fcn(preset, stride, extra_channels=0, classes=classes, pretrained=pretrained)
    return SemanticNetwork(network, MeanField(classes, crf_steps) if crf_steps else None)


def load_semantic(weights: str | Path) -> tuple[SemanticNetwork, dict[str, Any]]:
    """Build a semantic network and load its weights.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`tutorial_lib.deep.weights.WEIGHTS`, or a file that training wrote.

    Returns
    -------
    network : SemanticNetwork
        The network, on the CPU and in evaluation mode.
    about : dict
        The metadata of the weights: ``preset``, ``stride``, ``classes`` (names, the background
        first), ``crf_steps`` and more.

    Raises
    ------
    ValueError
        If the name is unknown, or the file does not hold the weights of a semantic network.
    FileNotFoundError
        If the file is missing.
    """
    state, stored = open_weights(weights)
    if not {"preset", "stride", "classes", "crf_steps"} <= stored.keys():
        raise ValueError(f"The weights {weights} do not say which classes their network has.")
    about = described(stored, SemanticDesign, weights)
    network = semantic_network(
        len(about.classes), about.preset, about.stride, crf_steps=about.crf_steps, pretrained=False
    )
    fill(
        network,
        state,
        f"The weights {weights} do not fit an FCN-{about.stride}s of the preset "
        f"{about.preset} with {len(about.classes)} classes.",
    )
    return network.eval(), stored
