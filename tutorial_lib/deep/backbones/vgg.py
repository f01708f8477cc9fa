"""VGG-16 and VGG-19 (Simonyan and Zisserman, ICLR 2015, Table 1, configurations D and E).

Both papers use them. DOS fine-tunes an FCN made from VGG-16. Latent Diversity reads five layers of
VGG-19. Both networks are simple stacks of 3x3 convolutions and slow on a CPU.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.levels import Backbone, Level, zero_extra_filters

# Number of convolutions in each of the five stages, and their channels.
CONVOLUTIONS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)
TAPS = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")  # Latent Diversity, section 3

FC_SIZE, FC_CHANNELS, CLASSES = 7, 4096, 1000
_PUBLISHED_FC = {
    "classifier.0": "stages.fc6.conv",
    "classifier.3": "stages.fc7.conv",
    "classifier.6": "classifier",
}


class ConvRelu(nn.Module):
    """Convolution, ReLU and, for fc6 and fc7, dropout.

    Parameters
    ----------
    channels, out : int
        Channels in and out.
    kernel : int
        Side of the kernel, in cells.
    padding : int
        Zeros on each side, in cells.
    dropout : float
        Dropout probability; 0 for none.
    """

    def __init__(
        self, channels: int, out: int, kernel: int, padding: int = 0, dropout: float = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, padding=padding)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels, H, W)`` to ``(B, out, H', W')``."""
        return self.dropout(F.relu(self.conv(x), inplace=True))


class VGG(Backbone):
    """VGG as a backbone, with fully connected layers as convolutions.

    A fully connected layer on 7x7 cells equals a 7x7 convolution: the weights are the same in
    another shape. As a convolution it accepts images of any size (Long et al., section 3.1).

    Parameters
    ----------
    depth : int
        16 or 19.
    taps : tuple of str
        Stages whose maps are returned: ``conv1_1`` to ``conv5_4`` (after their ReLU), ``pool1`` to
        ``pool5``, ``fc6``, ``fc7``. By default the five layers of Latent Diversity, at strides 1,
        2, 4, 8 and 16 with 64, 128, 256, 512 and 512 channels.
    extra_channels : int
        Input channels in addition to RGB. Their filters are initialised to zero.
    classifier : bool
        True keeps fc6, fc7 and the ImageNet classifier.

    Notes
    -----
    ``fc6`` has no padding. Its map is 6 cells smaller, so the image must have at least 193 x 193
    pixels or be padded. Pooling keeps the incomplete cells at the right and lower edge, as in the
    original implementation, so that maps cover the whole image.
    """

    def __init__(
        self,
        depth: int,
        taps: tuple[str, ...] = TAPS,
        extra_channels: int = 0,
        classifier: bool = False,
    ) -> None:
        stages: dict[str, nn.Module] = {}
        levels: list[Level] = []
        channels = 3 + extra_channels
        for stage, (repeats, out) in enumerate(zip(CONVOLUTIONS[depth], CHANNELS, strict=True), 1):
            stride = 2 ** (stage - 1)
            for repeat in range(1, repeats + 1):
                name = f"conv{stage}_{repeat}"
                stages[name] = ConvRelu(channels, out, 3, padding=1)
                levels.append(Level(name, stride, out))
                channels = out
            stages[f"pool{stage}"] = nn.MaxPool2d(2, 2, ceil_mode=True)
            levels.append(Level(f"pool{stage}", 2 * stride, out))
        zero_extra_filters(stages["conv1_1"].conv, extra_channels)
        if classifier or {"fc6", "fc7"} & set(taps):  # 120 million weights, so only if needed
            stages["fc6"] = ConvRelu(channels, FC_CHANNELS, FC_SIZE, dropout=0.5)
            stages["fc7"] = ConvRelu(FC_CHANNELS, FC_CHANNELS, 1, dropout=0.5)
            levels += [Level("fc6", 32, FC_CHANNELS), Level("fc7", 32, FC_CHANNELS)]
        super().__init__(
            stages, levels, taps,
            mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375),
            extra_channels=extra_channels,
            classifier=nn.Conv2d(FC_CHANNELS, CLASSES, 1) if classifier else None,
        )  # fmt: skip
        self.depth = depth

    def _class_scores(self, normalised: Tensor) -> Tensor:
        x = normalised
        for name, stage in self.stages.items():
            if name == "fc6":  # the classifier needs 7x7 cells for any image size
                x = F.adaptive_avg_pool2d(x, FC_SIZE)
            x = stage(x)
        return self.classifier(x).flatten(1)

    def _translate(self, published: dict[str, Tensor]) -> dict[str, Tensor]:
        """Rename ``features.N`` and ``classifier.N``, and reshape fully connected layers."""
        names, translated = self._published_names(), {}
        for published_name, tensor in published.items():
            layer, _, kind = published_name.rpartition(".")
            if layer in _PUBLISHED_FC and kind == "weight":
                size = FC_SIZE if layer == "classifier.0" else 1
                tensor = tensor.reshape(len(tensor), -1, size, size)
            translated[f"{names.get(layer, layer)}.{kind}"] = tensor
        return translated

    def _published_names(self) -> dict[str, str]:
        """Return the name of each published layer in this class; N also counts ReLU and pooling."""
        names, index = dict(_PUBLISHED_FC), 0
        for stage, repeats in enumerate(CONVOLUTIONS[self.depth], 1):
            for repeat in range(1, repeats + 1):
                names[f"features.{index}"] = f"stages.conv{stage}_{repeat}.conv"
                index += 2  # the convolution and its ReLU
            index += 1  # the pooling
        return names
