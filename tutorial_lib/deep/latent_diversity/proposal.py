"""f of Latent Diversity: one network, M segmentations (Li et al., CVPR 2018, section 3, Table 1).

    image -> frozen backbone -> maps --hypercolumn--+                      once an image
                                                    +-> CAN -> M masks
    clicks -> interaction maps ------1x1------------+                      once a click

The paper's layer 1 is an affine projection of everything a pixel knows: 1,472 channels of VGG-19,
3 of the image, 4 of the clicks. Being affine, it may be cut into a part of the image and a part of
the clicks that are added, so that a click costs only the layers behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.by_name import backbone
from tutorial_lib.deep.backbones.levels import Backbone, Level
from tutorial_lib.deep.latent_diversity.click_maps import Interaction
from tutorial_lib.deep.networks.context_aggregation import context_aggregation
from tutorial_lib.deep.networks.separable import SeparableHypercolumn
from tutorial_lib.deep.networks.unet import unet


@dataclass(frozen=True)
class Preset:
    """The numbers in which two versions of f differ.

    Parameters
    ----------
    backbone : str
        Name of the pretrained network.
    stride : int
        Pixels from one cell of f to the next.
    radius : int
        Clicks are discs of this radius, in cells.
    normalise : bool
        Whether every channel of the backbone is brought to unit variance.
    """

    backbone: str
    stride: int
    radius: int
    normalise: bool


PRESETS = {
    "paper": Preset("vgg19", stride=1, radius=0, normalise=False),
    "lite": Preset("efficientnet-lite0", stride=2, radius=2, normalise=True),
}
ARCHITECTURES = {"can": context_aggregation, "unet": unet}
WIDTH = 64  # what layer 1 projects to
MOST_HEADS = 64  # a damaged file must not take all memory


@dataclass(frozen=True)
class Design:
    """Everything that decides which network f is, and so which weights fit it.

    Parameters
    ----------
    preset : str
        ``"paper"``: VGG-19, full resolution, single-pixel clicks, adaptive normalisation.
        ``"lite"``: EfficientNet-Lite0, half resolution, discs, batch norm, residual connections.
    heads : int
        M, how many segmentations it proposes.
    architecture : str
        ``"can"`` (Table 1) or ``"unet"`` (Table 4).
    augmented : bool
        Whether it sees the backbone's features beside the image (Table 3).
    distances, clicks : bool
        Whether it sees distance maps, and maps of the clicks themselves (Table 3).
    previous : bool
        Whether it sees the mask shown before the last click; not in the paper.

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

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f"The presets are {', '.join(PRESETS)}; there is no {self.preset!r}.")
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"The architectures are {', '.join(ARCHITECTURES)}; there is no "
                f"{self.architecture!r}."
            )
        if self.heads < 1:
            raise ValueError(f"A network proposes at least one segmentation, not {self.heads}.")
        if self.heads > MOST_HEADS:
            raise ValueError(f"A network proposes at most {MOST_HEADS} masks, not {self.heads}.")
        _ = self.interaction

    @property
    def numbers(self) -> Preset:
        """The preset's numbers."""
        return PRESETS[self.preset]

    @property
    def interaction(self) -> Interaction:
        """Which maps of the user it reads."""
        numbers = self.numbers
        return Interaction(
            self.distances, self.clicks, self.previous, numbers.radius, numbers.stride
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all fields, ready for JSON."""
        return asdict(self)


class Encoder(nn.Module):
    """What f sees of an image: the image itself and a frozen backbone's maps.

    It learns nothing and is stored nowhere: its weights are ImageNet's.

    Parameters
    ----------
    backbone : Backbone, optional
        It is frozen. Without one, f sees only the image (Table 3, "without augmented input").
    stride : int
        The image is averaged over squares of this many pixels.
    """

    def __init__(self, backbone: Backbone | None, stride: int) -> None:
        super().__init__()
        self.backbone = None if backbone is None else backbone.freeze()
        self.stride = stride
        self.eval()

    @property
    def levels(self) -> tuple[Level, ...]:
        """What :meth:`forward` returns, map by map; the image comes first."""
        image = Level("image", self.stride, 3)
        return (image,) if self.backbone is None else (image, *self.backbone.levels)

    @torch.no_grad()
    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode a batch of images.

        Parameters
        ----------
        image : Tensor
            ``(B, 3, H, W)``, RGB in 0..255, uint8 or float.

        Returns
        -------
        list of Tensor
            One map ``(B, channels, ceil(H / stride), ceil(W / stride))`` for each level.
        """
        image = image.float()
        small = F.avg_pool2d(image, self.stride, ceil_mode=True) if self.stride > 1 else image
        maps = [small / 127.5 - 1]
        return maps if self.backbone is None else maps + self.backbone(image)


def encoder(design: Design, pretrained: bool | str | Path = True) -> Encoder:
    """Build what f sees an image through.

    Parameters
    ----------
    design : Design
        ``preset`` and ``augmented`` decide.
    pretrained : bool, str or Path
        See :func:`tutorial_lib.deep.backbones.by_name.backbone`.

    Returns
    -------
    Encoder
        Frozen, in evaluation mode.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError, ConnectionError
        As :func:`tutorial_lib.deep.backbones.by_name.backbone`.
    """
    numbers = design.numbers
    network = backbone(numbers.backbone, pretrained) if design.augmented else None
    return Encoder(network, numbers.stride)


class DiverseSegmentation(nn.Module):
    """The network f.

    Parameters
    ----------
    design : Design
        What it reads and what it is made of.
    levels : sequence of Level
        What its encoder yields.
    """

    def __init__(self, design: Design, levels: Sequence[Level]) -> None:
        super().__init__()
        numbers = design.numbers
        self.design = design
        self.hypercolumn = SeparableHypercolumn(levels, WIDTH, numbers.normalise, numbers.stride)
        self.interaction = nn.Conv2d(design.interaction.channels, WIDTH, 1, bias=False)
        self.body = ARCHITECTURES[design.architecture](design.preset, WIDTH, design.heads)
        # The selection network reads what the last layer reads; so that layer stands apart.
        self.heads, self.body.output = self.body.output, nn.Identity()

    @property
    def channels(self) -> int:
        """Channels of what the last layer reads."""
        return self.heads.in_channels

    def features(self, *maps: Tensor) -> Tensor:
        """Compute what depends on the image alone.

        Parameters
        ----------
        *maps : Tensor
            What the encoder yields.

        Returns
        -------
        Tensor
            ``(B, 64, h, w)``, one cell every ``stride`` pixels.
        """
        return self.hypercolumn(maps, tuple(maps[0].shape[-2:]))

    def answer(self, features: Tensor, interaction: Tensor) -> tuple[Tensor, Tensor]:
        """Answer clicks.

        Parameters
        ----------
        features : Tensor
            ``(B, 64, h, w)``, from :meth:`features`.
        interaction : Tensor
            ``(B, C, h, w) float32``, from :meth:`Interaction.maps`.

        Returns
        -------
        hidden : Tensor
            ``(B, channels, h, w)``: what the network knows of each cell.
        logits : Tensor
            ``(B, M, h, w)``: a sigmoid makes M segmentations of them.
        """
        user = self.interaction(interaction)
        # In bfloat16, if that is what convolutions are computed in: one float32 summand would turn
        # every sum behind it into float32, which costs more than the convolutions.
        hidden = self.body(features.to(user.dtype) + user)
        return hidden, self.heads(hidden)

    def forward(self, interaction: Tensor, *maps: Tensor) -> Tensor:
        """Return the logits ``(B, M, h, w)``, from the user's and the encoder's maps."""
        return self.answer(self.features(*maps), interaction)[1]
