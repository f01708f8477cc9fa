"""Networks that name the class of every pixel: a semantic FCN, alone or with a CRF behind it."""

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
    """What a file of weights says about the semantic network they belong to.

    Parameters
    ----------
    classes : tuple of str
        Names of the classes, the background first.
    crf_steps : int
        Mean-field steps of its CRF; 0 for none.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    classes: tuple[str, ...]
    crf_steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.classes) <= 255:
            raise ValueError(f"A network knows 1 to 255 classes, not {len(self.classes)}.")
        if not 0 <= self.crf_steps <= 50:
            raise ValueError(f"A CRF takes 0 to 50 steps, not {self.crf_steps}.")


class SemanticNetwork(nn.Module):
    """An FCN that scores classes, and perhaps a CRF that makes neighbouring scores agree.

    Parameters
    ----------
    network : FCN
        Reads RGB alone.
    crf : MeanField, optional
        For as many classes.

    References
    ----------
    Long et al., CVPR 2015, for the FCN; Zheng et al., ICCV 2015, for both as one network.
    """

    def __init__(self, network: FCN, crf: MeanField | None = None) -> None:
        super().__init__()
        self.fcn, self.crf = network, crf

    @property
    def backbone(self) -> Backbone:
        """The FCN's backbone."""
        return self.fcn.backbone

    @property
    def stride(self) -> int:
        """The FCN's stride: 32, 16 or 8."""
        return self.fcn.stride

    def finer(self) -> Self:
        """Return a network of half the stride that answers the same: see :meth:`FCN.finer`."""
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
    """Build a network.

    Parameters
    ----------
    classes : int
        K, background included.
    preset, stride, pretrained
        See :func:`tutorial_lib.deep.networks.fcn.fcn`.
    crf_steps : int
        Mean-field steps; 0 for no CRF.

    Returns
    -------
    SemanticNetwork
        In training mode; it starts by calling all classes equally likely.

    Raises
    ------
    ValueError
        If there is no such preset or stride.
    """
    network = fcn(preset, stride, extra_channels=0, classes=classes, pretrained=pretrained)
    return SemanticNetwork(network, MeanField(classes, crf_steps) if crf_steps else None)


def load_semantic(weights: str | Path) -> tuple[SemanticNetwork, dict[str, Any]]:
    """Build the network that a file of weights belongs to.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`tutorial_lib.deep.weights.WEIGHTS`, or a file that training wrote.

    Returns
    -------
    network : SemanticNetwork
        On the CPU, in evaluation mode.
    about : dict
        What is stored with the weights: ``preset``, ``stride``, ``classes`` (their names, the
        background first), ``crf_steps`` and more.

    Raises
    ------
    ValueError
        If there are no such weights, or the file holds those of something else.
    FileNotFoundError
        If the file is missing.
    """
    state, stored = open_weights(weights)
    if not {"preset", "stride", "classes", "crf_steps"} <= stored.keys():
        raise ValueError(f"The weights {weights} do not say which classes their network knows.")
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
