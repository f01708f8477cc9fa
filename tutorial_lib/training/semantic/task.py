"""Training semantic segmentation: an FCN with one output per class, then a CRF behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.deep.semantic.crf_rnn import MeanField
from tutorial_lib.deep.semantic.losses import class_entropy, class_jaccard
from tutorial_lib.deep.semantic.network import SemanticNetwork, load_semantic, semantic_network
from tutorial_lib.training.samples import batches
from tutorial_lib.training.semantic.label_maps import (
    NAMES,
    LabelBatch,
    LabelStream,
    collate_labels,
)
from tutorial_lib.training.semantic.recipes import SemanticRecipe
from tutorial_lib.training.staged import StagedTask


class SemanticTask(StagedTask):
    """Train a semantic network on photos in which every pixel has a class.

    Parameters
    ----------
    recipe : SemanticRecipe
        All settings.
    data : str or Path, optional
        Folder of the datasets.

    Raises
    ------
    ValueError, FileNotFoundError
        As :class:`tutorial_lib.training.semantic.label_maps.LabelStream`.

    References
    ----------
    Long et al., CVPR 2015. Zheng et al., ICCV 2015, train FCN and CRF jointly, from a trained FCN.
    """

    recipe: SemanticRecipe

    def __init__(self, recipe: SemanticRecipe, data: str | Path | None = None) -> None:
        super().__init__(recipe)
        self.stream = LabelStream(recipe, data)
        self.unreadable = self.stream.unreadable

    def build(self, stage: int | None = None) -> SemanticNetwork:
        """Return the network that a run begins with.

        Parameters
        ----------
        stage : int, optional
            Return a network of this stride with random weights instead.

        Returns
        -------
        SemanticNetwork
            In training mode; with a CRF unless ``crf_steps`` is 0.

        Raises
        ------
        ValueError
            If the weights to start from belong to a finer network, to another preset, or to other
            classes.
        FileNotFoundError
            If there are no such weights.
        """
        recipe = self.recipe
        if recipe.start and stage is None:
            network = self._from_start()
        else:
            stride = stage or recipe.shares[0][0]
            network = semantic_network(
                len(NAMES), recipe.preset, stride, crf_steps=recipe.crf_steps,
                pretrained=recipe.pretrained and stage is None,
            )  # fmt: skip
        if recipe.freeze_statistics:
            network.backbone.freeze_statistics()
        return network

    def _from_start(self) -> SemanticNetwork:
        """Return the network of the setting ``start``, with the recipe's CRF."""
        path, steps = Path(self.recipe.start).expanduser(), self.recipe.crf_steps
        network, about = load_semantic(path)
        if tuple(about["classes"]) != NAMES:
            raise ValueError(f"The weights {path} have other classes than {', '.join(NAMES)}.")
        if not steps:
            network.crf = None
        elif network.crf is None:
            network.crf = MeanField(len(NAMES), steps)
        else:
            network.crf.steps = steps
        return self.started(network, about["preset"])

    def lr_share(self, name: str) -> float:
        """Return a parameter's share of the learning rate: of the backbone, the CRF, or neither."""
        return self.recipe.crf_lr if name.startswith("crf.") else super().lr_share(name)

    def batches(self, step: int, rank: int, world: int) -> Iterator[LabelBatch]:
        """Yield the batches from a step on; see :meth:`TrainingTask.batches`."""
        return batches(self.stream, step, rank, world, collate_labels)

    def loss(self, model: nn.Module, batch: LabelBatch, device: torch.device) -> Tensor:
        """Return cross-entropy plus weighted relaxed Jaccard distance, the mean over samples."""
        inputs = batch.image.to(device, memory_format=torch.channels_last).float()
        scores, classes = model(inputs).float(), batch.classes.to(device)
        distance = class_jaccard(scores.softmax(dim=1), classes)
        return (class_entropy(scores, classes) + self.recipe.jaccard * distance).mean()

    def metadata(self, network: SemanticNetwork) -> dict[str, Any]:
        """Return the metadata of every FCN, the classes, and the steps of the CRF."""
        about = {"classes": list(NAMES), "crf_steps": self.recipe.crf_steps}
        return super().metadata(network) | about
