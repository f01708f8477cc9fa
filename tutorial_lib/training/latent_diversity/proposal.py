"""Training f of Latent Diversity (Li et al., CVPR 2018, sections 3 and 4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.deep.latent_diversity.losses import hindsight_loss, ranked_diversity_loss
from tutorial_lib.deep.latent_diversity.networks import ProposeAndSelect, open_networks
from tutorial_lib.deep.latent_diversity.proposal import proposal_network
from tutorial_lib.deep.latent_diversity.selection import selection_network
from tutorial_lib.deep.losses import binary_cross_entropy, click_constraint, l1, relaxed_jaccard
from tutorial_lib.deep.weights import fill
from tutorial_lib.training.latent_diversity.recipes import ProposalRecipe
from tutorial_lib.training.latent_diversity.rollouts import Rollout, RolloutTask, clicked_cells
from tutorial_lib.training.samples import ClickBatch

LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "jaccard": relaxed_jaccard,
    "cross-entropy": binary_cross_entropy,
    "l1": l1,
}


class ProposalTask(RolloutTask):
    """Train f on photos and simulated clicks.

    Parameters
    ----------
    recipe : ProposalRecipe
        All settings.
    data : str or Path, optional
        Folder of the datasets; the toy world needs none.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError, ConnectionError
        If the mixture cannot be opened, or if the backbone's weights are neither here nor can be
        downloaded.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018.
    """

    recipe: ProposalRecipe

    def __init__(self, recipe: ProposalRecipe, data: str | Path | None = None) -> None:
        super().__init__(recipe, data, recipe.design)

    def build(self, stage: int | None = None) -> ProposeAndSelect:
        """Return f, with a frozen g if users follow its selection.

        Parameters
        ----------
        stage : int, optional
            Ignored: there is only one stage.

        Returns
        -------
        ProposeAndSelect
            In training mode, with random weights or those of the setting ``start``.

        Raises
        ------
        ValueError
            If the weights to start from belong to another network, or lack a g to follow.
        FileNotFoundError
            If there are no such weights.
        """
        recipe = self.recipe
        f = proposal_network(recipe.design, self.encoder.levels)
        encoder = self.encoder if recipe.learned else None
        if not recipe.start:
            return ProposeAndSelect(f, encoder=encoder)
        state, about = open_networks(recipe.start)
        follows = recipe.follow == "selected"
        if follows and about["selector"] is None:
            raise ValueError(f"The weights {recipe.start} hold no selection network to follow.")
        g = selection_network(about["selector"], f) if follows else None
        networks = ProposeAndSelect(f, g, encoder=encoder)
        used = {key: value for key, value in state.items() if follows or not key.startswith("g.")}
        fill(networks, used, f"The weights {recipe.start} are those of another network.")
        return networks

    def simulate_corrections(self, batch: ClickBatch, network: ProposeAndSelect) -> Rollout:
        """Encode the photos, and add clicks on the errors that f makes now.

        The features of the photos are computed once. Each round answers only the samples that still
        lack clicks.

        Parameters
        ----------
        batch : ClickBatch
            Its clicks change in place; ``corrections`` falls to 0.
        network : ProposeAndSelect
            In evaluation mode.

        Returns
        -------
        Rollout
            After the last round.
        """
        rollout = self.begin_rollout(batch)
        if not batch.waiting:
            return rollout
        features, rounds = network.features(*(x.detach() for x in rollout.maps)), 0
        while waiting := batch.waiting:
            (interaction,) = self.placed(rollout.interaction[waiting])
            hidden, logits = network.answer(self.some(features, waiting), interaction)
            probability = logits.float().sigmoid()
            if self.recipe.follow == "selected":
                inputs = self.placed(rollout.maps[0][waiting], interaction, hidden, logits)
                selected = network.scores(*inputs).argmax(dim=1)
            elif self.recipe.follow == "first":
                selected = torch.zeros(len(waiting), dtype=torch.long)
            else:
                target, valid = rollout.target[waiting], rollout.valid[waiting]
                selected = relaxed_jaccard(probability, target, valid).argmin(dim=1)
            selected = self.explore(rollout, waiting, selected, logits.shape[1])
            shown = probability[torch.arange(len(waiting)), selected]
            self.click_round(rollout, waiting, shown, rounds)
            rounds += 1
        return rollout

    def loss(self, model: nn.Module, batch: Rollout, device: torch.device) -> Tensor:
        """Return the hindsight loss with click constraint (Eq. 5), or the ranked one (Eq. 7)."""
        recipe = self.recipe
        interaction = batch.interaction.to(device, memory_format=torch.channels_last)
        logits = model(interaction, *batch.maps).float()
        probability = logits.sigmoid()
        compared = logits if recipe.loss == "cross-entropy" else probability
        losses = distances = LOSSES[recipe.loss](compared, batch.target, batch.valid)
        if recipe.constraint:
            positive, negative = clicked_cells(batch.batch, self.click_maps)
            missed = click_constraint(probability, positive.to(device), negative.to(device))
            losses = distances + recipe.constraint * missed
        if recipe.ranking:
            return ranked_diversity_loss(losses, distances, recipe.ranking).mean()
        return hindsight_loss(losses, recipe.share).mean()

    def metadata(self, network: ProposeAndSelect) -> dict[str, Any]:
        """Return design, selector and recipe; of files only their names."""
        names = {key: Path(getattr(self.recipe, key)).name for key in ("start", "backbone")}
        recipe = dataclasses.replace(self.recipe, **names).to_dict()
        return network.metadata() | {"recipe": recipe}
