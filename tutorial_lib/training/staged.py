"""What all tasks share that train an FCN from coarse to fine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from torch import nn

from tutorial_lib.training.recipes import Staged
from tutorial_lib.training.task import Task


class StagedTask(Task):
    """A task whose network has a ``stride``, a ``backbone``, and a ``finer`` one after it.

    Parameters
    ----------
    recipe : Staged
        All settings.
    """

    recipe: Staged

    def stage(self, network: nn.Module) -> int:
        """Return a network's stride."""
        return network.stride

    def grow(self, network: nn.Module, progress: float) -> nn.Module:
        """Return the network due at ``progress`` in [0, 1]; never a coarser one than before."""
        return self.refined(network, self.recipe.stride(progress))

    @staticmethod
    def refined(network: nn.Module, stride: int) -> nn.Module:
        """Return a network that is no coarser than a stride."""
        while network.stride > stride:
            network = network.finer()
        return network

    def started(self, network: nn.Module, preset: str) -> nn.Module:
        """Return the network a run begins with, from the weights that the recipe names.

        Parameters
        ----------
        network : nn.Module
            The network of these weights.
        preset : str
            Its preset.

        Returns
        -------
        nn.Module
            Of the first stage's stride, in training mode.

        Raises
        ------
        ValueError
            If the weights are those of a finer network, or of another preset.
        """
        path, stride = Path(self.recipe.start).expanduser(), self.recipe.shares[0][0]
        if preset != self.recipe.preset:
            raise ValueError(f"The weights {path} have the preset {preset}: --set preset={preset}.")
        if network.stride < stride:
            raise ValueError(
                f"The weights {path} are those of an FCN-{network.stride}s; an FCN-{stride}s can "
                "start only from one as coarse as itself or coarser."
            )
        return self.refined(network, stride).train()

    def share(self, name: str) -> float:
        """Return a parameter's share of the learning rate: the backbone learns more slowly."""
        return self.recipe.backbone_lr if "backbone" in name.split(".") else 1.0

    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """Return parameter groups by share of the rate, decayed (weights) or not (the rest)."""
        found: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                key = self.share(name), parameter.ndim > 1
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
        """Return preset, stride and recipe; of the file it started from only the name."""
        start = Path(self.recipe.start).name
        recipe = dataclasses.replace(self.recipe, start=start).to_dict()
        return {"preset": self.recipe.preset, "stride": network.stride, "recipe": recipe}
