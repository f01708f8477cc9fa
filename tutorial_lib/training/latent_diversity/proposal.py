"""f of Latent Diversity as a task of the loop (Li et al., CVPR 2018, sections 3 and 4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.deep.latent_diversity.losses import hindsight, ranked_diversity
from tutorial_lib.deep.latent_diversity.networks import Coupled, read
from tutorial_lib.deep.latent_diversity.proposal import DiverseSegmentation
from tutorial_lib.deep.latent_diversity.selection import selection_network
from tutorial_lib.deep.losses import binary_cross_entropy, click_constraint, l1, relaxed_jaccard
from tutorial_lib.deep.weights import fill
from tutorial_lib.training.data import Batch
from tutorial_lib.training.latent_diversity.rollouts import Turn, Turns, clicked_cells
from tutorial_lib.training.latent_diversity.settings import LatentDiversityRecipe

LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "jaccard": relaxed_jaccard,
    "cross-entropy": binary_cross_entropy,
    "l1": l1,
}


class LatentDiversity(Turns):
    """Train f on photos and simulated clicks.

    Parameters
    ----------
    recipe : LatentDiversityRecipe
        All settings.
    data : str or Path, optional
        The folder the datasets lie in; not needed for the toy world.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError, ConnectionError
        If the mixture cannot be opened, or the backbone's weights cannot be had.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018.
    """

    def __init__(self, recipe: LatentDiversityRecipe, data: str | Path | None = None) -> None:
        super().__init__(recipe, data, recipe.design)

    def build(self, stage: int | None = None) -> Coupled:
        """Return f, with the g that users follow if the recipe says so.

        Parameters
        ----------
        stage : int, optional
            Given when a state is loaded into the network anyway.

        Returns
        -------
        Coupled
            f in training mode, with random weights or those the recipe starts from.

        Raises
        ------
        ValueError
            If the weights to start from are those of another network, or lack a g to follow.
        FileNotFoundError
            If there are no such weights.
        """
        recipe = self.recipe
        f = DiverseSegmentation(recipe.design, self.encoder.levels)
        if not recipe.start:
            return Coupled(f)
        state, about = read(recipe.start)
        followed = recipe.follow == "selected"
        if followed and about["selector"] is None:
            raise ValueError(f"The weights {recipe.start} hold no selection network to follow.")
        networks = Coupled(f, selection_network(about["selector"], f) if followed else None)
        kept = {key: value for key, value in state.items() if followed or key.startswith("f.")}
        fill(networks, kept, f"The weights {recipe.start} are those of another network.")
        return networks

    def amend(self, batch: Batch, predict: Callable[..., Any]) -> Turn:
        """Encode the photos, and add clicks on the errors the network makes now.

        What depends on the photos alone is computed once; in each round, only the samples that
        lack clicks are answered.
        """
        turn = self.turn(batch)
        if not turn.waiting:
            return turn
        features, done = predict(*turn.maps, call="features"), 0
        while waiting := turn.waiting:
            told = turn.interaction[waiting]
            hidden, logits = predict(features[waiting], told, call="answer")
            probability = logits.float().sigmoid()
            if self.recipe.follow == "selected":
                image = turn.maps[0][waiting]
                chosen = predict(image, told, hidden, logits, call="scores").argmax(dim=1)
            elif self.recipe.follow == "first":
                chosen = torch.zeros(len(waiting), dtype=torch.long)
            else:
                distances = relaxed_jaccard(probability, turn.target[waiting], turn.valid[waiting])
                chosen = distances.argmin(dim=1)
            chosen = self.strayed(turn, waiting, chosen, logits.shape[1])
            self.click(turn, waiting, probability[torch.arange(len(waiting)), chosen], done)
            done += 1
        return turn

    def loss(self, model: nn.Module, batch: Turn, device: torch.device) -> Tensor:
        """Return the hindsight loss with click constraint (Eq. 5), or the ranked one (Eq. 7)."""
        turn, recipe = batch, self.recipe
        told = turn.interaction.to(device, memory_format=torch.channels_last)
        logits = model(told, *turn.maps).float()
        probability = logits.sigmoid()
        compared = logits if recipe.loss == "cross-entropy" else probability
        losses = distances = LOSSES[recipe.loss](compared, turn.target, turn.valid)
        if recipe.constraint:
            positive, negative = clicked_cells(turn.batch, self.told)
            missed = click_constraint(probability, positive.to(device), negative.to(device))
            losses = distances + recipe.constraint * missed
        if recipe.ranking:
            return ranked_diversity(losses, distances, recipe.ranking).mean()
        return hindsight(losses, recipe.share).mean()

    def metadata(self, network: Coupled) -> dict[str, Any]:
        """Return what the network is and the recipe; of files only the names."""
        names = {key: Path(getattr(self.recipe, key)).name for key in ("start", "backbone")}
        recipe = dataclasses.replace(self.recipe, **names).to_dict()
        return network.metadata() | {"recipe": recipe}
