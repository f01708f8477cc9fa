"""Training Deep Object Selection: FCN-32s, FCN-16s, FCN-8s (DOS, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tutorial_lib.clicks import Click
from tutorial_lib.deep.losses import binary_cross_entropy, relaxed_jaccard
from tutorial_lib.deep.networks.fcn import FCN, fcn, object_logit
from tutorial_lib.deep.object_selection import load_network, network_input
from tutorial_lib.guidance import distance_map
from tutorial_lib.training.samples import ClickBatch, SampleStream, batches
from tutorial_lib.training.settings import TOYS, ClickRecipe, number
from tutorial_lib.training.staged import StagedRecipe, StagedTask
from tutorial_lib.users.corrections import corrective_click


@dataclass(frozen=True, kw_only=True)
class ObjectSelectionRecipe(StagedRecipe, ClickRecipe):
    """Settings for training Deep Object Selection.

    Parameters
    ----------
    jaccard : float
        Weight of the relaxed Jaccard distance; the weight of the cross-entropy is 1.
    """

    jaccard: float = number(1.0, 0)


OBJECT_SELECTION_RECIPES = (
    ObjectSelectionRecipe(
        name="dos-32s",
        summary="FCN-32s from ImageNet: a coarse mask of the object.",
        stages="32:1",
        minutes=9.0,
    ),
    ObjectSelectionRecipe(
        name="dos-16s",
        summary="FCN-16s, from --set start=weights of dos-32s.",
        stages="16:1",
        minutes=9.0,
    ),
    ObjectSelectionRecipe(
        name="dos-8s",
        summary="FCN-8s, from --set start=weights of dos-16s.",
        corrections=4,
        minutes=50.0,
    ),
    ObjectSelectionRecipe(
        name="dos",
        summary="Deep Object Selection: FCN-32s, then 16s, then 8s in one run.",
        stages="32:0.2,16:0.2,8:0.6",
        minutes=45.0,
    ),
    ObjectSelectionRecipe(
        name="dos-toy",
        summary="FCN-8s on generated scenes, without any data: a minute on a laptop.",
        mixture=TOYS,
        crop=96,
        scale_low=1.0,
        scale_high=1.25,
        minutes=1.0,
        corrections=1,
        log_steps=5,
        save_minutes=0.5,
        export_minutes=1.0,
    ),
)


class ObjectSelectionTask(StagedTask):
    """Train an FCN on photos and simulated clicks.

    Parameters
    ----------
    recipe : ObjectSelectionRecipe
        All settings.
    data : str or Path, optional
        Folder of the datasets; the toy world needs none.

    Raises
    ------
    ValueError, FileNotFoundError
        If the mixture cannot be opened.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016.
    """

    recipe: ObjectSelectionRecipe

    def __init__(self, recipe: ObjectSelectionRecipe, data: str | Path | None = None) -> None:
        super().__init__(recipe)
        self.stream = SampleStream(recipe, data)
        self.unreadable = self.stream.unreadable

    def build(self, stage: int | None = None) -> FCN:
        """Return the FCN that a run begins with.

        Parameters
        ----------
        stage : int, optional
            Return an FCN of this stride with random weights instead.

        Returns
        -------
        FCN
            In training mode.

        Raises
        ------
        ValueError
            If the weights to start from belong to a finer network, or to another preset.
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

    def batches(self, step: int, rank: int, world: int) -> Iterator[ClickBatch]:
        """Yield the batches from a step on; see :meth:`TrainingTask.batches`."""
        return batches(self.stream, step, rank, world)

    def simulate_corrections(self, batch: ClickBatch, network: FCN) -> ClickBatch:
        """Add the corrective clicks that a batch still lacks, in place.

        Random clicks have nothing to do with the network's answer. A user's clicks do, from the
        second on. Each round answers only the samples that still lack clicks: three rounds of 0 to
        3 clicks cost one and a half answers per sample.

        Parameters
        ----------
        batch : ClickBatch
            Its clicks and maps change; ``corrections`` falls to 0.
        network : FCN
            In evaluation mode.

        Returns
        -------
        ClickBatch
            The same batch.
        """
        while waiting := batch.waiting:
            inputs = network_input(batch.image[waiting], batch.maps[waiting])
            inputs = inputs.to(self.device, memory_format=torch.channels_last)
            masks = (object_logit(network(inputs)) > 0).cpu().numpy()
            for index, mask in zip(waiting, masks, strict=True):
                target, valid = batch.target[index].numpy(), batch.valid[index].numpy()
                click = corrective_click(mask, target, valid, batch.clicks[index])
                batch.corrections[index] = 0 if click is None else batch.corrections[index] - 1
                if click is not None:
                    _add_click(batch, index, click)
        return batch

    def loss(self, model: nn.Module, batch: ClickBatch, device: torch.device) -> Tensor:
        """Return cross-entropy plus weighted relaxed Jaccard distance, the mean over samples."""
        inputs = network_input(batch.image, batch.maps)
        inputs = inputs.to(device, memory_format=torch.channels_last)
        logit = object_logit(model(inputs)).float()
        target, valid = batch.target.to(device), batch.valid.to(device)
        entropy = binary_cross_entropy(logit, target, valid)
        distance = relaxed_jaccard(logit.sigmoid(), target, valid)
        return (entropy + self.recipe.jaccard * distance).mean()


def _add_click(batch: ClickBatch, index: int, click: Click) -> None:
    batch.clicks[index] = batch.clicks[index].add(click)
    channel = batch.maps[index, 0 if click.positive else 1].numpy()  # shares its memory
    point = np.array([[click.row, click.col]])
    np.minimum(channel, distance_map(point, channel.shape), out=channel)
