"""What every backbone is: a chain of stages, some of which are tapped for their feature maps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Level:
    """One feature map that a backbone yields.

    Parameters
    ----------
    name : str
        The stage it comes from, such as ``"block4"`` or ``"conv3_2"``.
    stride : int
        Pixels of the image from one cell of the map to the next.
    channels : int
        Channels of the map.
    shift : float
        How far right of and below the middle of its ``stride`` x ``stride`` pixels a cell is
        centred, in pixels: cell ``i`` lies at pixel ``stride * i + (stride - 1) / 2 + shift``.
    """

    name: str
    stride: int
    channels: int
    shift: float = 0.0


class Backbone(nn.Module, ABC):
    """A classification network seen as a source of feature maps.

    The network is the chain ``stages``, each stage a module with a name; a *tapped* stage is one
    whose output is handed out. Stages behind the last tap are not even built.

    Parameters
    ----------
    stages : dict of str to nn.Module
        The whole chain in order, without the classifier.
    levels : iterable of Level
        Stride and channels of every stage.
    taps : tuple of str
        Names of the stages to hand out, in the order of the chain.
    mean, std : tuple of float
        Per colour channel, on the scale 0..255: the network reads ``(rgb - mean) / std``.
    extra_channels : int
        Input channels beside RGB.
    classifier : nn.Module, optional
        What follows the last stage; it keeps the whole chain.

    Attributes
    ----------
    levels : tuple of Level
        What :meth:`forward` returns, map by map.

    Raises
    ------
    ValueError
        If a tap does not exist, or taps are out of order.
    """

    def __init__(
        self,
        stages: dict[str, nn.Module],
        levels: Iterable[Level],
        taps: tuple[str, ...],
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        extra_channels: int = 0,
        classifier: nn.Module | None = None,
    ) -> None:
        super().__init__()
        names = list(stages)
        if not taps or list(taps) != [name for name in names if name in taps]:
            raise ValueError(
                f"Taps are different stages in the order {', '.join(names)}; got {list(taps)}."
            )
        kept = names if classifier is not None else names[: names.index(taps[-1]) + 1]
        self.stages = nn.ModuleDict({name: stages[name] for name in kept})
        self.classifier = classifier
        self.extra_channels = extra_channels
        self.levels = tuple(level for level in levels if level.name in taps)
        # Constants, not weights: they follow the network to its device but are never saved.
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self._frozen = False
        self._frozen_statistics = False

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute the feature maps of a batch of images.

        Parameters
        ----------
        image : Tensor
            ``(B, 3 + extra, H, W)`` float: RGB in 0..255, then the extra channels, if any, on
            whatever scale the caller trains with.

        Returns
        -------
        list of Tensor
            One map ``(B, channels, ceil(H / stride), ceil(W / stride))`` for each of ``levels``.

        Raises
        ------
        ValueError
            If the shape is another.
        """
        return self.extract(self.normalise(image))

    def normalise(self, image: Tensor) -> Tensor:
        """Bring RGB to the scale the weights were trained on; extra channels pass unchanged."""
        channels = 3 + self.extra_channels
        if image.ndim != 4 or image.shape[1] != channels:
            raise ValueError(
                f"This network reads images of shape (B, {channels}, H, W), RGB first; got "
                f"{tuple(image.shape)}."
            )
        rgb = (image[:, :3] - self.mean) / self.std
        return rgb if channels == 3 else torch.cat([rgb, image[:, 3:]], dim=1)

    def extract(self, normalised: Tensor) -> list[Tensor]:
        """Compute the feature maps of images that :meth:`normalise` has seen."""
        x, maps = normalised, []
        tapped = {level.name for level in self.levels}
        for name, stage in self.stages.items():
            x = stage(x)
            if name in tapped:
                maps.append(x)
            if len(maps) == len(self.levels):
                break
        return maps

    def classify(self, image: Tensor) -> Tensor:
        """Say which of ImageNet's 1,000 classes each image shows: the task it was trained on.

        Parameters
        ----------
        image : Tensor
            ``(B, 3, H, W)`` float, RGB in 0..255; about 224 x 224 suits the weights.

        Returns
        -------
        Tensor
            ``(B, 1000)`` probabilities.

        Raises
        ------
        ValueError
            If the network was built without its classifier.
        """
        if self.classifier is None:
            raise ValueError("Build the network with classifier=True to classify images.")
        return self._class_scores(self.normalise(image)).softmax(dim=1)

    @abstractmethod
    def _class_scores(self, normalised: Tensor) -> Tensor:
        """Return ``(B, 1000)`` scores of the classes."""

    @abstractmethod
    def _translate(self, published: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return published weights under the names, and in the shapes, of this class."""

    def load_published(self, published: dict[str, Tensor]) -> Self:
        """Load weights as their authors published them.

        Stages that were not built need none. If the first layer reads extra channels, its filters
        for them become zero, so that the network starts by ignoring them (DOS, section 3.3).

        Parameters
        ----------
        published : dict of str to Tensor
            The published state dictionary.

        Returns
        -------
        Backbone
            This network.

        Raises
        ------
        ValueError
            If the weights are those of another network.
        """
        own = self.state_dict()
        try:
            given = self._translate(published)
        except (RuntimeError, TypeError) as error:  # a layer that cannot be reshaped
            raise ValueError(f"These are not the weights of {type(self).__name__}.") from error
        first = next(iter(own))
        if first in given and given[first].ndim == 4:
            given[first] = F.pad(given[first], (0, 0, 0, 0, 0, self.extra_channels))
        for name, tensor in own.items():
            if name not in given or not _alike(given[name], tensor):
                raise ValueError(
                    f"These are not the weights of {type(self).__name__}: {name} of shape "
                    f"{tuple(tensor.shape)} is not among them."
                )
        self.load_state_dict({name: given[name] for name in own})
        return self

    def freeze(self) -> Self:
        """Keep every weight and all batch-norm statistics as they are, whatever is trained."""
        self._frozen = True
        self.requires_grad_(False)
        return self.train(self.training)

    def freeze_statistics(self) -> Self:
        """Train the weights but keep the batch-norm statistics: small batches would ruin them."""
        self._frozen_statistics = True
        return self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, except for what is frozen."""
        super().train(mode and not self._frozen)
        if self._frozen_statistics:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.is_floating_point() == other.is_floating_point()


def zero_extra_filters(convolution: nn.Conv2d, extra: int) -> None:
    """Set the filters for the last ``extra`` input channels of a first layer to zero."""
    with torch.no_grad():
        convolution.weight[:, convolution.in_channels - extra :] = 0
