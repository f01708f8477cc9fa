"""Semantic segmentation as a task of the loop: an FCN with classes, then a CRF behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.deep.semantic.crf_rnn import MeanField
from tutorial_lib.deep.semantic.losses import class_entropy, class_jaccard
from tutorial_lib.deep.semantic.network import SemanticNetwork, load_semantic, semantic_network
from tutorial_lib.training.data import batches
from tutorial_lib.training.label_maps import NAMES, LabelBatch, LabelStream, collate_labels
from tutorial_lib.training.recipes import SemanticRecipe
from tutorial_lib.training.staged import StagedTask


class Semantic(StagedTask):
    """Train a semantic network on photos whose every pixel has a class.

    Parameters
    ----------
    recipe : SemanticRecipe
        All settings.
    data : str or Path, optional
        The folder that the dataset's folder lies in.

    Raises
    ------
    ValueError, FileNotFoundError
        As :class:`tutorial_lib.training.label_maps.LabelStream`.

    References
    ----------
    Long et al., CVPR 2015; Zheng et al., ICCV 2015, who train FCN and CRF jointly, from the FCN.
    """

    recipe: SemanticRecipe

    def __init__(self, recipe: SemanticRecipe, data: str | Path | None = None) -> None:
        super().__init__(recipe)
        self.stream = LabelStream(recipe, data)
        self.unreadable = self.stream.unreadable

    def build(self, stage: int | None = None) -> SemanticNetwork:
        """Return the network of the first stage, or a bare one of a given stride.

        Parameters
        ----------
        stage : int, optional
            The stride; without it, the network begins with the weights the recipe names.

        Returns
        -------
        SemanticNetwork
            In training mode, with a CRF if the recipe has steps for it.

        Raises
        ------
        ValueError
            If the weights to start from are those of a finer network, or of another preset, or
            know other classes.
        FileNotFoundError
            If there are no such weights.
        """
        recipe = self.recipe
        if recipe.start and stage is None:
            network = self._begun()
        else:
            stride = stage or recipe.shares[0][0]
            network = semantic_network(
                len(NAMES), recipe.preset, stride, crf_steps=recipe.crf_steps,
                pretrained=recipe.pretrained and stage is None,
            )  # fmt: skip
        if recipe.freeze_statistics:
            network.backbone.freeze_statistics()
        return network

    def _begun(self) -> SemanticNetwork:
        """Return the network of the recipe's weights, with the recipe's CRF."""
        path, steps = Path(self.recipe.start).expanduser(), self.recipe.crf_steps
        network, about = load_semantic(path)
        if tuple(about["classes"]) != NAMES:
            raise ValueError(f"The weights {path} know other classes than {', '.join(NAMES)}.")
        if not steps:
            network.crf = None
        elif network.crf is None:
            network.crf = MeanField(len(NAMES), steps)
        else:
            network.crf.steps = steps
        return self.started(network, about["preset"])

    def share(self, name: str) -> float:
        """Return a parameter's share of the learning rate: backbone, CRF, or what is between."""
        return self.recipe.crf_lr if name.startswith("crf.") else super().share(name)

    def batches(self, step: int, rank: int, world: int) -> Iterator[LabelBatch]:
        """Yield batches from a step on, the part of one of several devices."""
        return batches(self.stream, step, rank, world, collate_labels)

    def loss(self, model: nn.Module, batch: LabelBatch, device: torch.device) -> Tensor:
        """Return cross-entropy plus weighted relaxed Jaccard distance, the mean over samples."""
        inputs = batch.image.to(device, memory_format=torch.channels_last).float()
        scores, classes = model(inputs).float(), batch.classes.to(device)
        distance = class_jaccard(scores.softmax(dim=1), classes)
        return (class_entropy(scores, classes) + self.recipe.jaccard * distance).mean()

    def metadata(self, network: SemanticNetwork) -> dict[str, Any]:
        """Return what every FCN says of itself, its classes, and the steps of its CRF."""
        about = {"classes": list(NAMES), "crf_steps": self.recipe.crf_steps}
        return super().metadata(network) | about
