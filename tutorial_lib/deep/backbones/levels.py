"""The base class of every backbone: a chain of stages whose feature maps can be returned."""

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
    """The description of one feature map of a backbone.

    Parameters
    ----------
    name : str
        Name of its stage, such as ``"block4"`` or ``"conv3_2"``.
    stride : int
        Distance between the cells of the map, in pixels of the image.
    channels : int
        Channels of the map.
    shift : float
        Shift of the cells to the right and down, in pixels: the centre of cell ``i`` is pixel
        ``stride * i + (stride - 1) / 2 + shift``.
    """

    name: str
    stride: int
    channels: int
    shift: float = 0.0


class Backbone(nn.Module, ABC):
    """A classification network as a source of feature maps.

    The network is a chain of named stages. The output of a *tapped* stage is returned. Stages after
    the last tap are dropped, unless there is a classifier.

    Parameters
    ----------
    stages : dict of str to nn.Module
        The whole chain in order, without the classifier.
    levels : iterable of Level
        The level of every stage.
    taps : tuple of str
        Names of the stages whose maps are returned, in the order of the chain.
    mean, std : tuple of float
        Mean and standard deviation of each colour channel, on the scale 0..255. The network reads
        ``(rgb - mean) / std``.
    extra_channels : int
        Input channels in addition to RGB.
    classifier : nn.Module, optional
        The classifier after the last stage.

    Attributes
    ----------
    levels : tuple of Level
        One level for each map that :meth:`forward` returns.

    Raises
    ------
    ValueError
        If a tap does not exist, or the taps are out of order.
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
                f"Taps must be different stages in the order {', '.join(names)}, not {list(taps)}."
            )
        kept = names if classifier is not None else names[: names.index(taps[-1]) + 1]
        self.stages = nn.ModuleDict({name: stages[name] for name in kept})
        self.classifier = classifier
        self.extra_channels = extra_channels
        self.levels = tuple(level for level in levels if level.name in taps)
        # Constants, not weights: they move with the network to its device but are not saved.
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self._frozen = False
        self._frozen_statistics = False

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute the feature maps of a batch of images.

        Parameters
        ----------
        image : Tensor
            ``(B, 3 + extra, H, W)`` float: RGB in 0..255, then the extra channels, if any, in any
            unit.

        Returns
        -------
        list of Tensor
            ``(B, channels, ceil(H / stride), ceil(W / stride))`` for each of ``levels``.

        Raises
        ------
        ValueError
            If the image has another shape.
        """
        return self.extract(self.normalise(image))

    def normalise(self, image: Tensor) -> Tensor:
        """Normalise RGB to the scale of the weights; extra channels do not change.

        Parameters
        ----------
        image : Tensor
            ``(B, 3 + extra, H, W)`` float, as for :meth:`forward`.

        Returns
        -------
        Tensor
            A tensor of the same shape, with ``(rgb - mean) / std``.

        Raises
        ------
        ValueError
            If the image has another shape.
        """
        channels = 3 + self.extra_channels
        if image.ndim != 4 or image.shape[1] != channels:
            raise ValueError(
                f"This network needs images of shape (B, {channels}, H, W), RGB first, not "
                f"{tuple(image.shape)}."
            )
        rgb = (image[:, :3] - self.mean) / self.std
        return rgb if channels == 3 else torch.cat([rgb, image[:, 3:]], dim=1)

    def extract(self, normalised: Tensor) -> list[Tensor]:
        """Compute the feature maps of normalised images.

        Parameters
        ----------
        normalised : Tensor
            ``(B, 3 + extra, H, W)`` float, from :meth:`normalise`.

        Returns
        -------
        list of Tensor
            As for :meth:`forward`.
        """
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
        """Classify images into ImageNet's 1,000 classes, the task of the pretraining.

        Parameters
        ----------
        image : Tensor
            ``(B, 3, H, W)`` float, RGB in 0..255, best with about 224 x 224 pixels.

        Returns
        -------
        Tensor
            ``(B, 1000)``: probabilities.

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
        """Return the scores of the classes, ``(B, 1000)``."""

    @abstractmethod
    def _translate(self, published: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return published weights with the names and shapes of this class."""

    def load_published(self, published: dict[str, Tensor]) -> Self:
        """Load a published state dictionary.

        Weights of dropped stages are ignored. The filters for extra channels become zero, so that
        these channels change nothing before training (DOS, section 3.3).

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
            If the weights belong to another network.
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
        """Freeze all weights and all batch-norm statistics.

        Returns
        -------
        Backbone
            This network.
        """
        self._frozen = True
        self.requires_grad_(False)
        return self.train(self.training)

    def freeze_statistics(self) -> Self:
        """Freeze the batch-norm statistics but not the weights, for training on small batches.

        Returns
        -------
        Backbone
            This network.
        """
        self._frozen_statistics = True
        return self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, except for the frozen parts.

        Parameters
        ----------
        mode : bool
            False switches to evaluation mode.

        Returns
        -------
        Backbone
            This network.
        """
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
