"""Deep Object Selection as a task of the loop: FCN-32s, FCN-16s, FCN-8s (DOS, section 3.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.deep.fcn import FCN, fcn, object_logit
from tutorial_lib.deep.losses import binary_cross_entropy, relaxed_jaccard
from tutorial_lib.deep.object_selection import load_network, network_input
from tutorial_lib.training.corrections import correct
from tutorial_lib.training.data import Batch, SampleStream, batches
from tutorial_lib.training.recipes import ObjectSelectionRecipe
from tutorial_lib.training.task import Task


class ObjectSelection(Task):
    """Train an FCN on photos and simulated clicks.

    Parameters
    ----------
    recipe : ObjectSelectionRecipe
        All settings.
    data : str or Path, optional
        The folder the datasets lie in; not needed for the toy world.

    Raises
    ------
    ValueError, FileNotFoundError
        If the mixture cannot be opened.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016.
    """

    def __init__(self, recipe: ObjectSelectionRecipe, data: str | Path | None = None) -> None:
        super().__init__(recipe)
        self.stream = SampleStream(recipe, data)

    def build(self, stage: int | None = None) -> FCN:
        """Return the FCN of the first stage, or a bare one of a given stride.

        Parameters
        ----------
        stage : int, optional
            The stride; without it, the network begins with the weights the recipe names.

        Returns
        -------
        FCN
            In training mode.

        Raises
        ------
        ValueError
            If the weights to start from are those of a finer network, or of another preset.
        FileNotFoundError
            If there are no such weights.
        """
        recipe = self.recipe
        if stage is not None:
            network = fcn(recipe.preset, stage, pretrained=False)
        elif recipe.start:
            network = self._started(recipe.shares[0][0])
        else:
            network = fcn(recipe.preset, recipe.shares[0][0], pretrained=recipe.pretrained)
        if recipe.freeze_statistics:
            network.backbone.freeze_statistics()
        return network

    def _started(self, stride: int) -> FCN:
        path = Path(self.recipe.start).expanduser()
        network, preset = load_network(path)
        if preset != self.recipe.preset:
            raise ValueError(f"The weights {path} have the preset {preset}: --set preset={preset}.")
        if network.stride < stride:
            raise ValueError(
                f"The weights {path} are those of an FCN-{network.stride}s; an FCN-{stride}s can "
                "start only from one as coarse as itself or coarser."
            )
        while network.stride > stride:
            network = network.finer()
        return network.train()

    def stage(self, network: nn.Module) -> int:
        """Return a network's stride."""
        return network.stride

    def grow(self, network: FCN, progress: float) -> FCN:
        """Return the network due at ``progress`` in [0, 1]; never a coarser one than before."""
        while network.stride > self.recipe.stride(progress):
            network = network.finer()
        return network

    def groups(self, network: FCN) -> list[dict[str, Any]]:
        """Return four parameter groups: backbone or not, decayed (weights) or not (the rest)."""
        found: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                key = name.startswith("backbone."), parameter.ndim > 1
                found.setdefault(key, []).append(parameter)
        return [
            {
                "params": parameters,
                "share": self.recipe.backbone_lr if backbone else 1.0,
                "weight_decay": self.recipe.weight_decay if decayed else 0.0,
            }
            for (backbone, decayed), parameters in found.items()
        ]

    def batches(self, step: int, rank: int, world: int) -> Iterator[Batch]:
        """Yield batches from a step on, the part of one of several devices."""
        return batches(self.stream, step, rank, world)

    def amend(self, batch: Batch, predict: Callable[..., Any]) -> Batch:
        """Add clicks on the errors the network makes now."""
        return correct(batch, lambda inputs: object_logit(predict(inputs)))

    def loss(self, model: nn.Module, batch: Batch, device: torch.device) -> Tensor:
        """Return cross-entropy plus weighted relaxed Jaccard distance, the mean over samples."""
        inputs = network_input(batch.image, batch.maps)
        inputs = inputs.to(device, memory_format=torch.channels_last)
        logit = object_logit(model(inputs)).float()
        target, valid = batch.target.to(device), batch.valid.to(device)
        entropy = binary_cross_entropy(logit, target, valid)
        distance = relaxed_jaccard(logit.sigmoid(), target, valid)
        return (entropy + self.recipe.jaccard * distance).mean()

    def metadata(self, network: FCN) -> dict[str, Any]:
        """Return preset, stride and recipe; of the file it started from only the name."""
        start = Path(self.recipe.start).name
        recipe = dataclasses.replace(self.recipe, start=start).to_dict()
        return {"preset": self.recipe.preset, "stride": network.stride, "recipe": recipe}
