"""Deep Object Selection as a task of the loop: FCN-32s, FCN-16s, FCN-8s (DOS, section 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.deep.losses import binary_cross_entropy, relaxed_jaccard
from tutorial_lib.deep.networks.fcn import FCN, fcn, object_logit
from tutorial_lib.deep.object_selection import load_network, network_input
from tutorial_lib.training.corrections import correct
from tutorial_lib.training.data import Batch, SampleStream, batches
from tutorial_lib.training.recipes import ObjectSelectionRecipe
from tutorial_lib.training.staged import StagedTask


class ObjectSelection(StagedTask):
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
        self.unreadable = self.stream.unreadable

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
            network = self.started(*load_network(Path(recipe.start).expanduser()))
        else:
            network = fcn(recipe.preset, recipe.shares[0][0], pretrained=recipe.pretrained)
        if recipe.freeze_statistics:
            network.backbone.freeze_statistics()
        return network

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
