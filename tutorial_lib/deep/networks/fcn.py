"""Fully convolutional networks: FCN-32s, FCN-16s and FCN-8s.

Long, Shelhamer and Darrell, CVPR 2015, turned classification networks into segmentation networks;
Xu et al. (DOS), section 3.3, gave them two more input channels and two labels. Scores at stride 32
know *what* is there; skips from strides 16 and 8 add *where* its boundary runs.

    pixels -> backbone -> stride 32 -> score -x2-> + -x2-> + -x8-> scores of every pixel
                       -> stride 16 -> score ------^       |
                       -> stride 8  -> score --------------'

The three networks are trained one after the other, each from the one before: see :meth:`FCN.finer`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.by_name import backbone as build_backbone
from tutorial_lib.deep.backbones.levels import Backbone
from tutorial_lib.deep.layers import Upsampling

STRIDES = (32, 16, 8)


@dataclass(frozen=True)
class FCNPreset:
    """The numbers in which two FCNs differ.

    Parameters
    ----------
    backbone : str
        Its name; see :func:`tutorial_lib.deep.backbones.by_name.backbone`.
    taps : tuple of str
        The stages at strides 8, 16 and 32 that are scored.
    classes : int
        Channels of the output: 2 for background and object, or 1 for the object alone.
    padding : int
        Pixels of zeros around the normalised image.
    border : int
        Cells at stride 32 that the last stage loses on each side, having no padding of its own.
    """

    backbone: str
    taps: tuple[str, str, str]
    classes: int
    padding: int = 0
    border: int = 0


# "paper" has two channels because DOS speaks of two labels, as its semantic ancestor had 21, and
# 99 pixels of padding that make, with the first layer's own, the 100 of the original. "lite" has
# one channel: a softmax of two is the sigmoid of their difference, so one says as much.
FCN_PRESETS = {
    "paper": FCNPreset("vgg16", ("pool3", "pool4", "fc7"), classes=2, padding=99, border=3),
    "lite": FCNPreset("efficientnet-lite0", ("block4", "block10", "head"), classes=1),
}


def zero_score_layer(channels: int, classes: int) -> nn.Conv2d:
    """Return a 1x1 convolution from features to class scores that starts as zero."""
    layer = nn.Conv2d(channels, classes, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@dataclass(frozen=True)
class FCNDesign:
    """What a file of weights says about the FCN they belong to.

    Parameters
    ----------
    preset : str
        ``"lite"`` or ``"paper"``.
    stride : int
        32, 16 or 8.

    Raises
    ------
    ValueError
        If there is no such preset or stride.
    """

    preset: str
    stride: int

    def __post_init__(self) -> None:
        if self.preset not in FCN_PRESETS:
            raise ValueError(
                f"The presets are {', '.join(FCN_PRESETS)}; there is no {self.preset!r}."
            )
        if self.stride not in STRIDES:
            raise ValueError(f"The strides are 32, 16 and 8; there is no {self.stride}.")


class FCN(nn.Module):
    """FCN-32s, FCN-16s or FCN-8s on any backbone.

    Parameters
    ----------
    backbone : Backbone
        Yields three maps, at strides 8, 16 and 32.
    stride : int
        32, 16 or 8: the finest map whose scores are used.
    classes : int
        Channels of the output.
    padding, border : int
        See :class:`FCNPreset`.

    Raises
    ------
    ValueError
        If the stride is none of the three, or the backbone's maps are at other strides.

    Notes
    -----
    As in Long et al., section 4.3, score layers start at zero, intermediate upsampling starts
    bilinear and is learned, and the last upsampling stays bilinear. (The code they released learns
    none of it.)

    Two things differ from their published networks. First, theirs upsample by 32 or 16 in one step
    where there are no skips to join; ours always take the steps x2, x2, x8 of FCN-8s. Linear
    interpolation in steps rounds off the kinks at cell centres (a ridge one cell wide at stride 32
    loses 23 % of its height), so only this way a finer network starts with *exactly* the answers
    of the coarser one. The layers of FCN-8s are the same.
    Second, upsampling repeats the edge cells, where theirs adds zeros and then crops.
    """

    def __init__(
        self,
        backbone: Backbone,
        stride: int = 8,
        classes: int = 1,
        padding: int = 0,
        border: int = 0,
    ) -> None:
        super().__init__()
        if stride not in STRIDES:
            raise ValueError(f"An FCN has stride 32, 16 or 8, not {stride}.")
        if [level.stride for level in backbone.levels] != [8, 16, 32]:
            raise ValueError(
                f"An FCN needs maps at strides 8, 16 and 32; this backbone yields "
                f"{[level.stride for level in backbone.levels]}: choose other taps."
            )
        self.backbone = backbone
        self.classes, self.padding, self.border = classes, padding, border
        self.stride = 32
        self.score32 = zero_score_layer(backbone.levels[2].channels, classes)
        self.up32 = Upsampling(classes, 2, learned=False)
        self.score16: nn.Conv2d | None = None
        self.up16 = Upsampling(classes, 2, learned=False)
        self.score8: nn.Conv2d | None = None
        self.up8 = Upsampling(classes, 8, learned=False)
        while self.stride > stride:
            self._add_skip()

    def _add_skip(self) -> None:
        """Let the next finer map take part, and the upsampling before it be learned."""
        self.stride //= 2
        level = 1 if self.stride == 16 else 0
        skip = zero_score_layer(self.backbone.levels[level].channels, self.classes)
        skip.to(self.score32.weight.device, self.score32.weight.dtype)
        setattr(self, f"score{self.stride}", skip)
        getattr(self, f"up{2 * self.stride}").weight.requires_grad_(True)

    def finer(self) -> Self:
        """Return the network that the next stage of training starts from.

        FCN-32s gives FCN-16s, and FCN-16s gives FCN-8s (DOS, section 3.3). The new network starts
        with this one's weights and a score layer of zeros for the skip, so at its start it answers
        exactly as this one does. This one is not changed.

        Returns
        -------
        FCN
            A network of half the stride, on the same device.

        Raises
        ------
        ValueError
            If this is FCN-8s already: finer ones bring nothing more (DOS, section 3.3).
        """
        if self.stride == STRIDES[-1]:
            raise ValueError("FCN-8s is the finest: finer skips bring no further benefit.")
        network = copy.deepcopy(self)
        network._add_skip()
        return network

    def forward(self, image: Tensor) -> Tensor:
        """Score every pixel.

        Parameters
        ----------
        image : Tensor
            ``(B, 3 + extra, H, W)`` float, of any size: RGB in 0..255, then the extra channels on
            the caller's scale. Where the preset pads, they are padded with zeros like RGB after
            its mean was subtracted; centre their scale on zero.

        Returns
        -------
        Tensor
            ``(B, classes, H, W)`` scores, float32 under autocast too; :func:`object_logit` makes
            one number a pixel of them.
        """
        height, width = image.shape[-2:]
        padded = F.pad(self.backbone.normalise(image), (self.padding,) * 4)
        at8, at16, at32 = self.backbone.extract(padded)
        scores = self.up32(self.score32(at32))
        scores = self._join(scores, at16, self.score16, 2 * self.border)
        scores = self._join(self.up16(scores), at8, self.score8, 4 * self.border)
        scores = self.up8(scores)
        # Where the image begins: the padding is gone, and so is the border lost at stride 32.
        start = self.padding - 32 * self.border
        return scores[..., start : start + height, start : start + width]

    @staticmethod
    def _join(scores: Tensor, features: Tensor, skip: nn.Conv2d | None, offset: int) -> Tensor:
        """Cut scores and finer features to where they overlap, and add the features' own scores."""
        features = features[..., offset:, offset:]
        rows = min(scores.shape[-2], features.shape[-2])
        cols = min(scores.shape[-1], features.shape[-1])
        scores = scores[..., :rows, :cols]
        return scores if skip is None else scores + skip(features[..., :rows, :cols])


def object_logit(scores: Tensor) -> Tensor:
    """Turn the scores of one or two classes into one number a pixel.

    Parameters
    ----------
    scores : Tensor
        ``(B, 1, H, W)``: the object's score; or ``(B, 2, H, W)``: background's and object's.

    Returns
    -------
    Tensor
        ``(B, H, W)``; its sigmoid is the probability of the object. For two scores that is their
        softmax: ``exp(b) / (exp(a) + exp(b)) = sigmoid(b - a)``.

    Raises
    ------
    ValueError
        If there are more than two classes.
    """
    if scores.shape[1] == 1:
        return scores[:, 0]
    if scores.shape[1] == 2:
        return scores[:, 1] - scores[:, 0]
    raise ValueError(f"Object or background are one or two scores, not {scores.shape[1]}.")


def fcn(
    preset: str = "lite",
    stride: int = 32,
    *,
    extra_channels: int = 2,
    classes: int | None = None,
    pretrained: bool | str | Path = True,
) -> FCN:
    """Build an FCN from a preset.

    Parameters
    ----------
    preset : str
        ``"paper"``: VGG-16 with fc6 and fc7 as convolutions, 134 million parameters, as in Long et
        al. and DOS. ``"lite"``: EfficientNet-Lite0, scored at blocks 4 and 10 and the head, 3.4
        million parameters; trains on two CPU cores.
    stride : int
        32, 16 or 8. Training starts at 32 and goes on with :meth:`FCN.finer`.
    extra_channels : int
        Input channels beside RGB: 2 for the distance maps of DOS, 0 for semantic segmentation.
    classes : int, optional
        Channels of the output; by default 2 for ``paper`` and 1 for ``lite``.
    pretrained : bool, str or Path
        See :func:`tutorial_lib.deep.backbones.by_name.backbone`. DOS starts from Long et al.'s
        semantic FCN-32s, published as a Caffe model; we start from ImageNet, as that network did.

    Returns
    -------
    FCN
        In training mode, everything trainable but the last upsampling. For small batches call
        ``network.backbone.freeze_statistics()``.

    Raises
    ------
    ValueError
        If the preset or the stride is unknown.
    """
    if preset not in FCN_PRESETS:
        raise ValueError(f"The presets are {', '.join(FCN_PRESETS)}; there is no {preset!r}.")
    chosen = FCN_PRESETS[preset]
    network = build_backbone(chosen.backbone, pretrained, extra_channels, taps=chosen.taps)
    classes = chosen.classes if classes is None else classes
    return FCN(network, stride, classes, chosen.padding, chosen.border)
