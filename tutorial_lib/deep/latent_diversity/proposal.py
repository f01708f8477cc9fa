"""f of Latent Diversity: one network, M segmentations (Li et al., CVPR 2018, section 3, Table 1).

    image -> frozen backbone -> maps --hypercolumn--+                      once per image
                                                    +-> CAN -> M masks
    clicks -> click maps ------------1x1------------+                      once per click

The paper's layer 1 is an affine projection of all channels of a pixel: 1,472 from VGG-19, 3 from
the image, and 4 from the clicks. This projection is the sum of two projections, one of the image
and one of the clicks. The first is computed once per image. So a click costs only the second and
the layers behind layer 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.by_name import backbone
from tutorial_lib.deep.backbones.levels import Backbone, Level
from tutorial_lib.deep.latent_diversity.click_maps import ClickMaps
from tutorial_lib.deep.networks.context_aggregation import context_aggregation
from tutorial_lib.deep.networks.context_pyramid import ContextPyramid
from tutorial_lib.deep.networks.separable import SeparableHypercolumn
from tutorial_lib.deep.networks.unet import unet


@dataclass(frozen=True)
class ProposalPreset:
    """The settings in which the two versions of f differ.

    Parameters
    ----------
    backbone : str
        Name of the pretrained network.
    stride : int
        Pixels of the image from one cell of f to the next.
    radius : int
        Clicks are drawn as discs of this radius, in cells.
    normalise : bool
        Whether every channel of the backbone is scaled to unit variance.
    """

    backbone: str
    stride: int
    radius: int
    normalise: bool


PRESETS = {
    "paper": ProposalPreset("vgg19", stride=1, radius=0, normalise=False),
    "lite": ProposalPreset("efficientnet-lite0", stride=2, radius=2, normalise=True),
}
ON_ONE_GRID = {"can": context_aggregation, "unet": unet}
PYRAMID = "pyramid"
ARCHITECTURES = (*ON_ONE_GRID, PYRAMID)
WIDTH = 64  # channels behind layer 1
FIXED_STRIDE = 4  # a learned encoder keeps its layers up to this stride, in pixels
MAX_HEADS = 64  # a limit, so that a damaged file cannot use all memory


@dataclass(frozen=True)
class Design:
    """The architecture of f. Weights fit only the design that they were trained with.

    Parameters
    ----------
    preset : str
        ``"paper"``: VGG-19, full resolution, single-pixel clicks, adaptive normalisation.
        ``"lite"``: EfficientNet-Lite0, half resolution, discs, batch norm, residual connections.
    heads : int
        M, the number of candidates.
    architecture : str
        ``"can"`` (Table 1), ``"unet"`` (Table 4), or ``"pyramid"``: the context aggregation network
        on four grids, see :mod:`tutorial_lib.deep.networks.context_pyramid`.
    augmented : bool
        Whether f reads the backbone's features beside the image (Table 3).
    distances, clicks : bool
        Whether f reads distance maps, and maps of the clicks themselves (Table 3).
    previous : bool
        Whether f reads the mask shown before the last click. Not in the paper.
    learned : bool
        Whether the encoder learns together with f, and is stored with it. In the paper the encoder
        is frozen.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    preset: str = "lite"
    heads: int = 6
    architecture: str = "can"
    augmented: bool = True
    distances: bool = True
    clicks: bool = True
    previous: bool = True
    learned: bool = False

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f"The presets are {', '.join(PRESETS)}; there is no {self.preset!r}.")
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"The architectures are {', '.join(ARCHITECTURES)}; there is no "
                f"{self.architecture!r}."
            )
        if self.heads < 1:
            raise ValueError(f"A network proposes at least one mask, not {self.heads}.")
        if self.heads > MAX_HEADS:
            raise ValueError(f"A network proposes at most {MAX_HEADS} masks, not {self.heads}.")
        if self.architecture == PYRAMID and not (self.preset == "lite" and self.augmented):
            raise ValueError(
                "The architecture pyramid reads the backbone of the preset lite: use both, or the "
                "architecture can."
            )
        if self.learned and not self.augmented:
            raise ValueError("Without augmented input there is no encoder that could learn.")
        _ = self.click_maps

    @property
    def numbers(self) -> ProposalPreset:
        """The settings of the preset."""
        return PRESETS[self.preset]

    @property
    def click_maps(self) -> ClickMaps:
        """The click maps that f reads."""
        numbers = self.numbers
        return ClickMaps(self.distances, self.clicks, self.previous, numbers.radius, numbers.stride)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields.

        Returns
        -------
        dict
            The fields by name, ready for JSON.
        """
        return asdict(self)


class Encoder(nn.Module):
    """Encode an image for f: the image itself, and the maps of a backbone.

    A frozen encoder is neither trained nor stored with f: its weights are those from ImageNet. A
    learned one is both. Its batch-norm statistics stay fixed, and so do its layers up to stride 4:
    edges and textures serve every task, and these layers cost most.

    Parameters
    ----------
    backbone : Backbone, optional
        The backbone. Without one, f reads only the image (Table 3, "without augmented input").
    stride : int
        The image is averaged over squares of this side, in pixels.
    learned : bool
        Whether the backbone learns.
    """

    def __init__(self, backbone: Backbone | None, stride: int, learned: bool = False) -> None:
        super().__init__()
        self.backbone, self.stride, self.learned = backbone, stride, learned
        if backbone is not None:
            backbone.freeze_statistics() if learned else backbone.freeze()
        if learned:
            names = list(backbone.stages)
            last = max(i for i, level in enumerate(backbone.levels) if level.stride <= FIXED_STRIDE)
            for name in names[: names.index(backbone.levels[last].name) + 1]:
                backbone.stages[name].requires_grad_(False)
        self.eval()

    @property
    def levels(self) -> tuple[Level, ...]:
        """The maps that :meth:`forward` returns. The image comes first."""
        image = Level("image", self.stride, 3)
        return (image,) if self.backbone is None else (image, *self.backbone.levels)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode a batch of images.

        Parameters
        ----------
        image : Tensor
            ``(B, 3, H, W)``, RGB in 0..255, uint8 or float.

        Returns
        -------
        list of Tensor
            One map ``(B, channels, ceil(H / stride), ceil(W / stride))`` for each level. Gradients
            reach a learned backbone, and no frozen one.
        """
        image = image.float()
        small = F.avg_pool2d(image, self.stride, ceil_mode=True) if self.stride > 1 else image
        maps = [small / 127.5 - 1]
        if self.backbone is None:
            return maps
        with torch.set_grad_enabled(self.learned and torch.is_grad_enabled()):
            return maps + self.backbone(image)


def make_encoder(design: Design, pretrained: bool | str | Path = True) -> Encoder:
    """Build the encoder of a design.

    Parameters
    ----------
    design : Design
        Its ``preset``, ``augmented`` and ``learned``.
    pretrained : bool, str or Path
        See :func:`tutorial_lib.deep.backbones.by_name.backbone`.

    Returns
    -------
    Encoder
        In evaluation mode.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError, ConnectionError
        As :func:`tutorial_lib.deep.backbones.by_name.backbone`.
    """
    numbers = design.numbers
    network = backbone(numbers.backbone, pretrained) if design.augmented else None
    return Encoder(network, numbers.stride, design.learned)


class DiverseSegmentation(nn.Module, ABC):
    """The network f; :func:`proposal_network` builds one.

    Parameters
    ----------
    design : Design
        The architecture.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design

    @property
    @abstractmethod
    def channels(self) -> int:
        """Channels of the hidden map, which g reads."""

    @property
    @abstractmethod
    def hidden_stride(self) -> int:
        """Pixels of the image from one cell of the hidden map to the next."""

    @abstractmethod
    def features(self, *maps: Tensor) -> tuple[Tensor, ...]:
        """Compute everything that depends on the image alone.

        Parameters
        ----------
        *maps : Tensor
            From :class:`Encoder`.

        Returns
        -------
        tuple of Tensor
            ``(B, channels, h, w)`` for each grid of f, from coarse to fine.
        """

    @abstractmethod
    def answer(self, features: Sequence[Tensor], interaction: Tensor) -> tuple[Tensor, Tensor]:
        """Propose candidates for some clicks.

        Parameters
        ----------
        features : sequence of Tensor
            From :meth:`features`.
        interaction : Tensor
            ``(B, C, h, w) float32``, from :meth:`ClickMaps.maps`.

        Returns
        -------
        hidden : Tensor
            ``(B, channels, h', w')``: the hidden map, one cell for every ``hidden_stride`` pixels.
        logits : Tensor
            ``(B, M, h, w)``: their sigmoid is the M candidates.
        """

    def forward(self, interaction: Tensor, *maps: Tensor) -> Tensor:
        """Compute the candidates from the click maps and the encoder's maps.

        Parameters
        ----------
        interaction : Tensor
            ``(B, C, h, w) float32``, from :meth:`ClickMaps.maps`.
        *maps : Tensor
            From :class:`Encoder`.

        Returns
        -------
        Tensor
            ``(B, M, h, w)``: the logits of the M candidates.
        """
        return self.answer(self.features(*maps), interaction)[1]


class GridSegmentation(DiverseSegmentation):
    """The network f on one grid: layer 1, then a context aggregation network or a U-Net.

    Parameters
    ----------
    design : Design
        The architecture.
    levels : sequence of Level
        :attr:`Encoder.levels`.
    """

    def __init__(self, design: Design, levels: Sequence[Level]) -> None:
        super().__init__(design)
        numbers = design.numbers
        self.hypercolumn = SeparableHypercolumn(levels, WIDTH, numbers.normalise, numbers.stride)
        self.interaction = nn.Conv2d(design.click_maps.channels, WIDTH, 1, bias=False)
        self.body = ON_ONE_GRID[design.architecture](design.preset, WIDTH, design.heads)
        # g reads the input of the last layer, so the last layer is a module of its own.
        self.heads, self.body.output = self.body.output, nn.Identity()

    @property
    def channels(self) -> int:
        """Channels of the hidden map: the input of the last layer."""
        return self.heads.in_channels

    @property
    def hidden_stride(self) -> int:
        """The stride of f: the hidden map has its cells."""
        return self.design.click_maps.stride

    def features(self, *maps: Tensor) -> tuple[Tensor, ...]:
        """See :meth:`DiverseSegmentation.features`: one map, 64 channels on the cells of f."""
        return (self.hypercolumn(maps, tuple(maps[0].shape[-2:])),)

    def answer(self, features: Sequence[Tensor], interaction: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`DiverseSegmentation.answer`."""
        user = self.interaction(interaction)
        # Under autocast, the convolution returns bfloat16. A float32 summand would turn every later
        # sum into float32, which costs more than the convolutions.
        hidden = self.body(features[0].to(user.dtype) + user)
        return hidden, self.heads(hidden)


class PyramidSegmentation(DiverseSegmentation):
    """The network f on four grids; see :mod:`tutorial_lib.deep.networks.context_pyramid`.

    Parameters
    ----------
    design : Design
        The architecture.
    levels : sequence of Level
        :attr:`Encoder.levels`.
    """

    def __init__(self, design: Design, levels: Sequence[Level]) -> None:
        super().__init__(design)
        self.body = ContextPyramid(levels, design.click_maps.channels, design.heads)

    @property
    def channels(self) -> int:
        """Channels of the hidden map; see :attr:`ContextPyramid.hidden_grid`."""
        return self.body.channels

    @property
    def hidden_stride(self) -> int:
        """Pixels of the image from one cell of the hidden map to the next."""
        return self.body.hidden_stride

    def features(self, *maps: Tensor) -> tuple[Tensor, ...]:
        """See :meth:`DiverseSegmentation.features`."""
        return self.body.features(maps)

    def answer(self, features: Sequence[Tensor], interaction: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`DiverseSegmentation.answer`."""
        return self.body.answer(features, interaction)


def proposal_network(design: Design, levels: Sequence[Level]) -> DiverseSegmentation:
    """Build f.

    Parameters
    ----------
    design : Design
        The architecture.
    levels : sequence of Level
        :attr:`Encoder.levels`.

    Returns
    -------
    DiverseSegmentation
        In training mode, with random weights.
    """
    kind = PyramidSegmentation if design.architecture == PYRAMID else GridSegmentation
    return kind(design, levels)
