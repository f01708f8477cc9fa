"""Fully convolutional networks: FCN-32s, FCN-16s and FCN-8s.

Long, Shelhamer and Darrell (CVPR 2015) turn classification networks into segmentation networks.
Xu et al. (DOS, section 3.3) add two input channels and use two labels. Scores at stride 32 tell
*what* is there. Skips from strides 16 and 8 add *where* its boundary is.

    pixels -> backbone -> stride 32 -> score -x2-> + -x2-> + -x8-> scores of every pixel
                       -> stride 16 -> score ------^       |
                       -> stride 8  -> score --------------'

The three networks are trained one after the other. Each starts from the one before, see
:meth:`FCN.finer`.
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
    """The constants of an FCN.

    Parameters
    ----------
    backbone : str
        Name of the backbone; see :func:`tutorial_lib.deep.backbones.by_name.backbone`.
    taps : tuple of str
        Stages at strides 8, 16 and 32 that get a score layer.
    classes : int
        Channels of the output: 2 for background and object, or 1 for the object alone.
    padding : int
        Width of the zero padding around the normalised image, in pixels.
    border : int
        Number of cells at stride 32 that the last stage loses on each side, because it has no
        padding.
    """

    backbone: str
    taps: tuple[str, str, str]
    classes: int
    padding: int = 0
    border: int = 0


# "paper" has two channels, because DOS has two labels where semantic FCNs have 21. Its 99 pixels of
# padding and one pixel in the first layer give the 100 pixels of the original. "lite" has one
# channel: a softmax of two scores is the sigmoid of their difference, so one score is enough.
FCN_PRESETS = {
    "paper": FCNPreset("vgg16", ("pool3", "pool4", "fc7"), classes=2, padding=99, border=3),
    "lite": FCNPreset("efficientnet-lite0", ("block4", "block10", "head"), classes=1),
}


def zero_score_layer(channels: int, classes: int) -> nn.Conv2d:
    """Return a 1x1 convolution from features to class scores, initialised to zero.

    Parameters
    ----------
    channels, classes : int
        Channels in and out.

    Returns
    -------
    nn.Conv2d
        The layer, on torch's default device.
    """
    layer = nn.Conv2d(channels, classes, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@dataclass(frozen=True)
class FCNDesign:
    """The metadata of an FCN, stored with its weights.

    Parameters
    ----------
    preset : str
        ``"lite"`` or ``"paper"``.
    stride : int
        32, 16 or 8.

    Raises
    ------
    ValueError
        If the preset or the stride is unknown.
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
        A backbone with three maps, at strides 8, 16 and 32.
    stride : int
        Stride of the finest map that gets a score layer: 32, 16 or 8.
    classes : int
        Channels of the output.
    padding, border : int
        See :class:`FCNPreset`.

    Raises
    ------
    ValueError
        If the stride is not 32, 16 or 8, or the backbone's maps have other strides.

    Notes
    -----
    As in Long et al. (section 4.3), score layers are initialised to zero. Intermediate upsampling
    layers are initialised to bilinear interpolation and learned. The last upsampling layer stays
    bilinear. (Their released code learns no upsampling.)

    There are two differences from their published networks. First, their FCN-32s and FCN-16s
    upsample the last steps at once, by 32 or 16. Ours always use the steps x2, x2, x8 of FCN-8s.
    Interpolation in steps smooths the kinks at cell centres: a ridge of one cell at stride 32 loses
    23 % of its height. With the same steps, a finer network starts with *exactly* the output of the
    coarser one. FCN-8s itself has the same layers as theirs. Second, our upsampling repeats the
    edge cells. Theirs pads with zeros and crops.
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
        """Add a score layer for the next finer map, and learn the upsampling before it."""
        self.stride //= 2
        level = 1 if self.stride == 16 else 0
        skip = zero_score_layer(self.backbone.levels[level].channels, self.classes)
        skip.to(self.score32.weight.device, self.score32.weight.dtype)
        setattr(self, f"score{self.stride}", skip)
        getattr(self, f"up{2 * self.stride}").weight.requires_grad_(True)

    def finer(self) -> Self:
        """Return the initial network of the next training stage.

        FCN-32s gives FCN-16s, and FCN-16s gives FCN-8s (DOS, section 3.3). The new network copies
        all weights. Its new score layer is zero, so its output is exactly the same. This network
        does not change.

        Returns
        -------
        FCN
            A network of half the stride, on the same device.

        Raises
        ------
        ValueError
            If this is FCN-8s. Finer networks bring no further benefit (DOS, section 3.3).
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
            ``(B, 3 + extra, H, W)`` float, of any size: RGB in 0..255, then the extra channels.
            The padding is zero in every channel, so the extra channels should have a scale that is
            centred on zero.

        Returns
        -------
        Tensor
            ``(B, classes, H, W)``: scores, float32 also under autocast. :func:`object_logit` turns
            them into one logit for each pixel.
        """
        height, width = image.shape[-2:]
        padded = F.pad(self.backbone.normalise(image), (self.padding,) * 4)
        at8, at16, at32 = self.backbone.extract(padded)
        scores = self.up32(self.score32(at32))
        scores = self._join(scores, at16, self.score16, 2 * self.border)
        scores = self._join(self.up16(scores), at8, self.score8, 4 * self.border)
        scores = self.up8(scores)
        # Position of the image: after the padding, minus the border lost at stride 32.
        start = self.padding - 32 * self.border
        return scores[..., start : start + height, start : start + width]

    @staticmethod
    def _join(scores: Tensor, features: Tensor, skip: nn.Conv2d | None, offset: int) -> Tensor:
        """Crop scores and finer features to their overlap, and add the scores of the features."""
        features = features[..., offset:, offset:]
        rows = min(scores.shape[-2], features.shape[-2])
        cols = min(scores.shape[-1], features.shape[-1])
        scores = scores[..., :rows, :cols]
        return scores if skip is None else scores + skip(features[..., :rows, :cols])


def object_logit(scores: Tensor) -> Tensor:
    """Turn the scores of one or two classes into one logit for each pixel.

    Parameters
    ----------
    scores : Tensor
        ``(B, 1, H, W)``: scores of the object; or ``(B, 2, H, W)``: scores of background and
        object.

    Returns
    -------
    Tensor
        ``(B, H, W)``: logits. Their sigmoid is the probability of the object. For two scores a and
        b it equals the softmax: ``exp(b) / (exp(a) + exp(b)) = sigmoid(b - a)``.

    Raises
    ------
    ValueError
        If there are more than two classes.
    """
    if scores.shape[1] == 1:
        return scores[:, 0]
    if scores.shape[1] == 2:
        return scores[:, 1] - scores[:, 0]
    raise ValueError(f"Object and background need one or two scores, not {scores.shape[1]}.")


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
        al. and DOS. ``"lite"``: EfficientNet-Lite0 with score layers at blocks 4 and 10 and the
        head, 3.4 million parameters. It can be trained on two CPU cores.
    stride : int
        32, 16 or 8. Training starts at 32 and continues with :meth:`FCN.finer`.
    extra_channels : int
        Input channels in addition to RGB: 2 for the distance maps of DOS, 0 for semantic
        segmentation.
    classes : int, optional
        Channels of the output. The default is 2 for ``paper`` and 1 for ``lite``.
    pretrained : bool, str or Path
        See :func:`tutorial_lib.deep.backbones.by_name.backbone`. DOS starts from the semantic
        FCN-32s of Long et al., published as a Caffe model. We start from ImageNet weights, as that
        network did.

    Returns
    -------
    FCN
        In training mode. All layers except the last upsampling are trainable. For small batches
        call ``network.backbone.freeze_statistics()``.

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
