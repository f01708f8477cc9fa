"""EfficientNet-Lite0: a network that is small enough to train and run on two CPU cores.

It is EfficientNet-B0 (Tan and Le, ICML 2019, Table 1) without squeeze-and-excitation and with ReLU6
instead of swish. Google published it for phones. With its classifier it has 4.65 million
parameters.
"""

from __future__ import annotations

import math
import re

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.levels import Backbone, Level, zero_extra_filters
from tutorial_lib.deep.folding import folded, joined

# (expansion, channels, blocks, stride of the first block, kernel): rows 2 to 8 of Table 1.
BLOCKS = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
STEM_CHANNELS, HEAD_CHANNELS, CLASSES = 32, 1280, 1000
COARSEST = 32  # stride of the last blocks, in pixels
TAPS = ("block0", "block2", "block4", "block10", "block15")  # the last block at each stride

# Published names and their names here, tried in this order.
_RENAMED = (
    (r"^_conv_stem\.", "stages.stem.conv."),
    (r"^_bn0\.", "stages.stem.norm."),
    (r"^_conv_head\.", "stages.head.conv."),
    (r"^_bn1\.", "stages.head.norm."),
    (r"^_fc\.", "classifier."),
    (r"^_blocks\.(\d+)\._(expand|depthwise|project)_conv\.", r"stages.block\1.\2.conv."),
    (r"^_blocks\.(\d+)\._bn0\.", r"stages.block\1.expand.norm."),
    (r"^_blocks\.(\d+)\._bn1\.", r"stages.block\1.depthwise.norm."),
    (r"^_blocks\.(\d+)\._bn2\.", r"stages.block\1.project.norm."),
)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding: the output has ``ceil(size / stride)`` cells.

    Zeros are added on both sides. If their number is odd, the right and the lower side get one
    more. Symmetric padding would shift the input at stride 2, and the published weights would not
    fit.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(B, C, H, W)``."""
        return self.convolve(x, self.weight, self.bias)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve ``(B, C, H, W)`` with the given filters."""
        (top, bottom), (left, right) = self._zeros(x.shape[-2], 0), self._zeros(x.shape[-1], 1)
        if top == bottom and left == right:  # conv2d pads symmetrically without a copy
            return F.conv2d(x, weight, bias, self.stride, (top, left), groups=self.groups)
        padded = F.pad(x, (left, right, top, bottom))
        return F.conv2d(padded, weight, bias, self.stride, groups=self.groups)

    def _zeros(self, size: int, axis: int) -> tuple[int, int]:
        """Return the number of zeros before and after an axis of ``size`` cells."""
        kernel, stride = self.kernel_size[axis], self.stride[axis]
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2


class ConvNorm(nn.Module):
    """Convolution, batch norm and, optionally, ReLU6.

    Parameters
    ----------
    channels, out : int
        Channels in and out.
    kernel : int
        Side of the kernel, in cells.
    stride : int
        Stride, in cells.
    groups : int
        Groups of channels; ``channels`` for a depthwise convolution.
    relu : bool
        False leaves out the ReLU6.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.conv = SameConv2d(channels, out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out, eps=1e-3, momentum=0.01)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels, H, W)`` to ``(B, out, ceil(H / stride), ceil(W / stride))``."""
        if isinstance(self.norm, nn.Identity) or self.norm.training:
            return self._bounded(self.norm(self.conv(x)))
        return self._bounded(self.conv.convolve(x, *folded(self.conv.weight, self.norm)))

    def _bounded(self, x: Tensor) -> Tensor:
        """Apply ReLU6. Without gradients it works in place, which saves a new map."""
        return F.relu6(x, inplace=not torch.is_grad_enabled()) if self.relu else x


class InvertedResidual(nn.Module):
    """The inverted residual block of MobileNetV2: expand, depthwise convolution, project.

    Parameters
    ----------
    channels, out : int
        Channels in and out.
    kernel : int
        Side of the depthwise kernel, in cells.
    stride : int
        Stride of the depthwise convolution, in cells.
    expansion : int
        Ratio of the channels of the depthwise convolution to ``channels``.

    References
    ----------
    Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018.
    """

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = ConvNorm(channels, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(wide, wide, kernel, stride, groups=wide)
        self.project = ConvNorm(wide, out, 1, relu=False)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels, H, W)`` to ``(B, out, ceil(H / stride), ceil(W / stride))``."""
        y = self.project(self.depthwise(self.expand(x)))
        return joined(y, x) if self.residual else y


class EfficientNetLite0(Backbone):
    """EfficientNet-Lite0 as a backbone.

    Parameters
    ----------
    taps : tuple of str
        Stages whose maps are returned, among ``stem``, ``block0`` to ``block15`` and ``head``. By
        default the last block at strides 2, 4, 8, 16 and 32, with 16, 24, 40, 112 and 320
        channels. The ``head`` has 1,280 channels at stride 32.
    extra_channels : int
        Input channels in addition to RGB. Their filters are initialised to zero.
    classifier : bool
        True keeps the ImageNet classifier.

    Notes
    -----
    At stride 2, "same" padding depends on the size: for even sizes, cells lie half a cell further
    right and down than for odd sizes. After five such steps, cells of stride 32 can lie up to 31
    pixels apart in two photos whose sizes differ by one pixel. Therefore :meth:`extract` first
    repeats the right and lower edge up to multiples of 32. The position of a cell is then the same
    in every photo: cell ``i`` is centred on pixel ``stride * i + stride - 1``.
    """

    def __init__(
        self, taps: tuple[str, ...] = TAPS, extra_channels: int = 0, classifier: bool = False
    ) -> None:
        stem = ConvNorm(3 + extra_channels, STEM_CHANNELS, 3, stride=2)
        zero_extra_filters(stem.conv, extra_channels)
        stages: dict[str, nn.Module] = {"stem": stem}
        levels = [_level("stem", 2, STEM_CHANNELS)]
        for expansion, out, repeats, first_stride, kernel in BLOCKS:
            for repeat in range(repeats):
                stride = first_stride if repeat == 0 else 1
                before, name = levels[-1], f"block{len(levels) - 1}"
                stages[name] = InvertedResidual(before.channels, out, kernel, stride, expansion)
                levels.append(_level(name, before.stride * stride, out))
        stages["head"] = ConvNorm(levels[-1].channels, HEAD_CHANNELS, 1)
        levels.append(_level("head", levels[-1].stride, HEAD_CHANNELS))
        super().__init__(
            stages, levels, taps, mean=(127.0,) * 3, std=(128.0,) * 3,
            extra_channels=extra_channels,
            classifier=nn.Linear(HEAD_CHANNELS, CLASSES) if classifier else None,
        )  # fmt: skip

    def extract(self, normalised: Tensor) -> list[Tensor]:
        """Compute the feature maps of normalised images; see :meth:`Backbone.extract`."""
        height, width = normalised.shape[-2:]
        beyond = (0, -width % COARSEST, 0, -height % COARSEST)
        padded = F.pad(normalised, beyond, mode="replicate") if any(beyond) else normalised
        return [
            x[..., : math.ceil(height / level.stride), : math.ceil(width / level.stride)]
            for x, level in zip(super().extract(padded), self.levels, strict=True)
        ]

    def _class_scores(self, normalised: Tensor) -> Tensor:
        x = normalised
        for stage in self.stages.values():
            x = stage(x)
        return self.classifier(x.mean(dim=(2, 3)))

    def _translate(self, published: dict[str, Tensor]) -> dict[str, Tensor]:
        return {_own_name(name): tensor for name, tensor in published.items()}


def _level(name: str, stride: int, channels: int) -> Level:
    # Cell i is centred on pixel stride * i + stride - 1; see the Notes of EfficientNetLite0.
    return Level(name, stride, channels, shift=(stride - 1) / 2)


def _own_name(published: str) -> str:
    for pattern, replacement in _RENAMED:
        name, found = re.subn(pattern, replacement, published)
        if found:
            return name
    return published
