"""Training an FCN from coarse to fine: the settings and the methods that all FCN tasks share."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from tutorial_lib.training.settings import Recipe, choice, number
from tutorial_lib.training.task import TrainingTask


@dataclass(frozen=True, kw_only=True)
class StagedRecipe(Recipe):
    """Settings for training an FCN from coarse to fine.

    Parameters
    ----------
    stages : str
        Strides, each with its share of the run: ``"32:0.3,16:0.3,8:0.4"``. Each stage begins with
        the weights of the stage before (DOS, section 3.3).
    start : str
        File of weights to begin with, of the first stage's stride or a coarser one. Empty for a
        backbone from ImageNet.
    preset : str
        ``"lite"`` or ``"paper"``; see :func:`tutorial_lib.deep.networks.fcn.fcn`.
    pretrained : bool
        Whether the backbone begins with the weights from ImageNet.
    freeze_statistics : bool
        Keep the backbone's batch-norm statistics. Small batches would spoil them.
    backbone_lr : float
        Learning rate of the backbone, as a share of ``lr``.

    Raises
    ------
    ValueError
        If a value is out of its limits.
    """

    stages: str = "8:1"
    start: str = ""
    preset: str = choice("lite", "paper")
    pretrained: bool = True
    freeze_statistics: bool = True
    backbone_lr: float = number(0.3, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop % 32:
            raise ValueError(f"The setting crop is a multiple of 32, not {self.crop}.")
        _ = self.shares

    @property
    def shares(self) -> tuple[tuple[int, float], ...]:
        """The stages as pairs of stride and share of the run.

        Raises
        ------
        ValueError
            If the text has another form, strides do not halve, or shares do not sum to 1.
        """
        try:
            pairs = [part.split(":") for part in self.stages.split(",")]
            stages = tuple((int(stride), float(share)) for stride, share in pairs)
        except ValueError:
            raise ValueError(
                "Stages are written stride:share, such as 32:0.3,16:0.3,8:0.4, not "
                f"{self.stages!r}."
            ) from None
        strides = [stride for stride, _ in stages]
        whole = (32, 16, 8)
        if not any(strides == list(whole[a:b]) for a in range(3) for b in range(a + 1, 4)):
            raise ValueError(f"Stages go from stride 32 to 16 to 8, each once, not {strides}.")
        total = sum(share for _, share in stages)
        if min(share for _, share in stages) <= 0 or not math.isclose(total, 1, abs_tol=1e-6):
            raise ValueError(f"The stages' shares are positive and sum to 1, not to {total:g}.")
        return stages

    def stride(self, progress: float) -> int:
        """Return the stride that is trained at ``progress`` in [0, 1]."""
        passed = 0.0
        for stride, share in self.shares:
            passed += share
            if progress < passed:
                return stride
        return self.shares[-1][0]


class StagedTask(TrainingTask):
    """A task whose network has a ``stride``, a ``backbone``, and a method ``finer``.

    Parameters
    ----------
    recipe : StagedRecipe
        All settings.
    """

    recipe: StagedRecipe

    def stage(self, network: nn.Module) -> int:
        """Return a network's stride."""
        return network.stride

    def grow(self, network: nn.Module, progress: float) -> nn.Module:
        """Return the network due at ``progress`` in [0, 1]; it never gets coarser."""
        return self.refined(network, self.recipe.stride(progress))

    @staticmethod
    def refined(network: nn.Module, stride: int) -> nn.Module:
        """Return a network with this stride, or the same network if it is fine enough."""
        while network.stride > stride:
            network = network.finer()
        return network

    def started(self, network: nn.Module, preset: str) -> nn.Module:
        """Return the network that a run begins with, given the one of the setting ``start``.

        Parameters
        ----------
        network : nn.Module
            The network of the file ``start``.
        preset : str
            Its preset.

        Returns
        -------
        nn.Module
            Of the first stage's stride, in training mode.

        Raises
        ------
        ValueError
            If the weights belong to a finer network, or to another preset.
        """
        path, stride = Path(self.recipe.start).expanduser(), self.recipe.shares[0][0]
        if preset != self.recipe.preset:
            raise ValueError(f"The weights {path} have the preset {preset}: --set preset={preset}.")
        if network.stride < stride:
            raise ValueError(
                f"The weights {path} are those of an FCN-{network.stride}s; an FCN-{stride}s can "
                "start only from weights of its own stride or a coarser one."
            )
        return self.refined(network, stride).train()

    def lr_share(self, name: str) -> float:
        """Return a parameter's share of the learning rate: the backbone's is smaller."""
        return self.recipe.backbone_lr if "backbone" in name.split(".") else 1.0

    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """Return parameter groups by share of the learning rate, with and without weight decay."""
        found: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                key = self.lr_share(name), parameter.ndim > 1
                found.setdefault(key, []).append(parameter)
        return [
            {
                "params": parameters,
                "share": share,
                "weight_decay": self.recipe.weight_decay if decayed else 0.0,
            }
            for (share, decayed), parameters in found.items()
        ]

    def metadata(self, network: nn.Module) -> dict[str, Any]:
        """Return preset, stride and recipe; of the file ``start`` only its name."""
        start = Path(self.recipe.start).name
        recipe = dataclasses.replace(self.recipe, start=start).to_dict()
        return {"preset": self.recipe.preset, "stride": network.stride, "recipe": recipe}
