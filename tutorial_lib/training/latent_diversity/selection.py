"""Training g of Latent Diversity, beside a frozen f.

g is trained on all states that its own interactions visit: users begin with a click, see the
candidate that g selects *now*, correct it, and see the next one. So g meets the errors that it
makes, not those that a perfect selection would leave (Ross et al., A Reduction of Imitation
Learning, AISTATS 2011).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.latent_diversity.losses import selection_loss
from tutorial_lib.deep.latent_diversity.networks import ProposeAndSelect, open_networks
from tutorial_lib.deep.latent_diversity.proposal import Design, proposal_network
from tutorial_lib.deep.latent_diversity.selection import selection_network
from tutorial_lib.deep.latent_diversity.zoom_in import CLOSER_SHARES, closer_view
from tutorial_lib.deep.losses import relaxed_jaccard
from tutorial_lib.deep.weights import fill
from tutorial_lib.training.latent_diversity.recipes import SelectionRecipe
from tutorial_lib.training.latent_diversity.rollouts import Rollout, RolloutTask
from tutorial_lib.training.samples import ClickBatch
from tutorial_lib.training.settings import with_current_names

CLOSER_SIDE = 0.6  # side of the closer views in training, as a share of the crop's


@dataclass(eq=False)
class VisitedStates:
    """All states that the interactions of a batch visited.

    Parameters
    ----------
    samples : int
        Number of interactions.
    gathered : list of tuple of Tensor
        The inputs of g, round by round; see :meth:`SelectionNetwork.gather`.
    distances : list of Tensor
        ``(b, M)`` for each round: the Jaccard distance of every candidate from the true mask.
    views : list of tuple
        The inputs of g and the distances for several views of the same first clicks, view by view.
        Empty unless g compares views.
    """

    samples: int
    gathered: list[tuple[Tensor, ...]] = field(default_factory=list)
    distances: list[Tensor] = field(default_factory=list)
    views: list[tuple[tuple[Tensor, ...], Tensor]] = field(default_factory=list)

    def __len__(self) -> int:
        return self.samples


class SelectionTask(RolloutTask):
    """Train g beside a frozen f.

    Parameters
    ----------
    recipe : SelectionRecipe
        All settings.
    data : str or Path, optional
        Folder of the datasets; the toy world needs none.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError, ConnectionError
        If there are no weights of f to start from, if the mixture cannot be opened, or if the
        backbone's weights are neither here nor can be downloaded.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, section 4, Eq. 6.
    """

    recipe: SelectionRecipe

    def __init__(self, recipe: SelectionRecipe, data: str | Path | None = None) -> None:
        if not recipe.start:
            raise ValueError(
                "A selection network needs the candidates of f: name f's weights by "
                "--set start=FILE."
            )
        self.state, self.about = open_networks(recipe.start)
        super().__init__(recipe, data, Design(**self.about["design"]))

    def build(self, stage: int | None = None) -> ProposeAndSelect:
        """Return the frozen f, and the g to train.

        Parameters
        ----------
        stage : int, optional
            Ignored: there is only one stage.

        Returns
        -------
        ProposeAndSelect
            g begins with the g of the setting ``start``, if that has the same tensors, else with
            random weights.

        Raises
        ------
        ValueError
            If the weights do not fit the network that they name.
        """
        f = proposal_network(self.design, self.encoder.levels)
        g = selection_network(self.recipe.selector, f)
        encoder = self.encoder if self.design.learned else None
        networks = ProposeAndSelect(f, g, trained="g", encoder=encoder)
        state, start = networks.state_dict(), self.state
        ours, theirs = (
            {k: v.shape for k, v in each.items() if k.startswith("g.")} for each in (state, start)
        )
        state |= {k: v for k, v in start.items() if ours == theirs or not k.startswith("g.")}
        problem = f"The weights {self.recipe.start} do not fit the network that they name."
        fill(networks, state, problem)
        return networks

    def simulate_corrections(self, batch: ClickBatch, network: ProposeAndSelect) -> VisitedStates:
        """Let users interact with f and g, and record every state.

        Parameters
        ----------
        batch : ClickBatch
            Its clicks change in place; ``corrections`` falls to 0.
        network : ProposeAndSelect
            In evaluation mode.

        Returns
        -------
        VisitedStates
            At least one state per sample.
        """
        rollout, visited = self.begin_rollout(batch), VisitedStates(len(batch))
        features = network.features(*rollout.maps)
        active = list(range(len(batch)))
        while active:
            image, interaction = rollout.maps[0][active], rollout.interaction[active]
            (interaction,) = self.placed(interaction)
            hidden, logits = network.answer(self.some(features, active), interaction)
            gathered = network.g.gather(*self.placed(image, interaction, hidden, logits))
            visited.gathered.append(gathered)
            visited.distances.append(self._distances(logits, rollout, active))
            if network.compares_views and not visited.views:
                visited.views = self._views(visited, rollout, network)
            waiting = batch.waiting
            rows = [row for row, index in enumerate(active) if index in set(waiting)]
            if rows:
                best = network.g(*self.placed(*(x[rows] for x in gathered))).argmax(dim=1)
                selected = self.explore(rollout, waiting, best, logits.shape[1])
                shown = logits[rows][torch.arange(len(rows)), selected].float().sigmoid()
                clicked = [len(clicks) for clicks in batch.clicks]
                self.click_round(rollout, waiting, shown, len(visited.gathered) - 1)
                waiting = [i for i in waiting if len(batch.clicks[i]) > clicked[i]]
            active = waiting
        return visited

    def _distances(self, logits: Tensor, rollout: Rollout, active: list[int]) -> Tensor:
        """Return the Jaccard distances ``(b, M)`` of the masks that users would see."""
        target = rollout.target[active] >= 0.5
        return relaxed_jaccard((logits >= 0).float(), target, rollout.valid[active])

    def _views(
        self, visited: VisitedStates, rollout: Rollout, network: ProposeAndSelect
    ) -> list[tuple[tuple[Tensor, ...], Tensor]]:
        """See the samples that have one click in closer views around it, beside the whole crop."""
        rows = [i for i, clicks in enumerate(rollout.batch.clicks) if len(clicks) == 1]
        if not rows:
            return []
        whole = tuple(x[rows] for x in visited.gathered[0]), visited.distances[0][rows]
        closer = [self._closer(rollout, network, rows, share) for share in CLOSER_SHARES]
        return [whole, *closer]

    def _closer(
        self, rollout: Rollout, network: ProposeAndSelect, rows: list[int], share: float
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Answer the first click of some samples in a closer view; see :meth:`_views`."""
        batch, stride = rollout.batch, self.click_maps.stride
        shape = tuple(batch.target.shape[1:])
        side = max(32, round(shape[0] * CLOSER_SIDE / 32) * 32)
        cells = (side // stride, side // stride)
        images, drawn, targets, valids, outside = [], [], [], [], []
        for row in rows:
            view = closer_view(shape, batch.clicks[row][0], share)
            image = batch.image[row, :, *view.slices][None].float()
            images.append(F.interpolate(image, (side, side), mode="bilinear", align_corners=False))
            drawn.append(
                self.click_maps.maps(view.clicks(batch.clicks[row], (side, side)), (side, side))
            )
            masks = torch.stack([batch.target[row], batch.valid[row]])[None].float()
            inside = F.interpolate(masks[:, :, *view.slices], cells, mode="nearest-exact")[0] > 0.5
            targets.append(inside[0])
            valids.append(inside[1])
            counted = batch.target[row] & batch.valid[row]
            beyond = counted.sum() - counted[view.slices].sum()
            outside.append(beyond * (cells[0] / view.height) * (cells[1] / view.width))
        maps = self.encoder(*self.placed(torch.cat(images)))
        (interaction,) = self.placed(torch.from_numpy(np.stack(drawn)))
        hidden, logits = network.answer(network.features(*maps), interaction)
        gathered = network.g.gather(maps[0], interaction, hidden, logits, share)
        target, valid, beyond = (
            torch.stack(x).to(self.device)[:, None] for x in (targets, valids, outside)
        )
        mask = logits >= 0
        common = (mask & target & valid).sum(dim=(2, 3))
        either = ((mask | target) & valid).sum(dim=(2, 3)) + beyond
        return gathered, 1 - common / either.clamp_min(1)

    def count(self, batch: VisitedStates) -> int:
        """Return the number of visited states; all states count the same."""
        return sum(len(distances) for distances in batch.distances)

    def loss(self, model: nn.Module, batch: VisitedStates, device: torch.device) -> Tensor:
        """Return the cross-entropy between scores and best candidates (Eq. 6).

        A g that compares views is trained by its beliefs, and the cross-entropy over the candidates
        of all views is added. There batch norm uses its running statistics, as it does when g
        answers: with the statistics of each view, all views would look alike.
        """
        gathered = [torch.cat(parts).to(device) for parts in zip(*batch.gathered, strict=True)]
        distances = torch.cat(batch.distances).to(device)
        scores = model(*gathered, beliefs=self.recipe.selector == "views").float()
        loss = selection_loss(scores, distances, self.recipe.temperature).mean()
        if not batch.views:
            return loss
        with _running_statistics(model):
            beliefs = [model(*inputs, beliefs=True).float() for inputs, _ in batch.views]
        beliefs = torch.cat(beliefs, dim=1)
        compared = torch.cat([distances for _, distances in batch.views], dim=1)
        return loss + selection_loss(beliefs, compared, self.recipe.temperature).mean()

    def metadata(self, network: ProposeAndSelect) -> dict[str, Any]:
        """Return design, selector, and the recipes of f and g; of files only their names."""
        names = {key: Path(getattr(self.recipe, key)).name for key in ("start", "backbone")}
        recipe = dataclasses.replace(self.recipe, **names).to_dict()
        recipe_f = with_current_names(self.about.get("recipe", {}))
        return network.metadata() | {"recipe": recipe, "recipe_f": recipe_f}


@contextmanager
def _running_statistics(model: nn.Module) -> Iterator[None]:
    """Let batch norm use its running statistics, and leave them as they are."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    training = [norm for norm in norms if norm.training]
    for norm in training:
        norm.eval()
    try:
        yield
    finally:
        for norm in training:
            norm.train()
