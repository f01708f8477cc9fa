"""g of Latent Diversity as a task of the loop: f stays as it is, g learns to choose.

Every state of a conversation is a lesson: users start with a click, see the candidate that g
chooses *now*, correct it, see the next one. So g meets the mistakes it makes, and not those that a
perfect selection would leave (Ross et al., A Reduction of Imitation Learning, AISTATS 2011).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.deep.latent_diversity.losses import selection
from tutorial_lib.deep.latent_diversity.networks import Coupled, read
from tutorial_lib.deep.latent_diversity.proposal import Design, DiverseSegmentation
from tutorial_lib.deep.latent_diversity.selection import selection_network
from tutorial_lib.deep.losses import relaxed_jaccard
from tutorial_lib.deep.weights import fill
from tutorial_lib.training.data import Batch
from tutorial_lib.training.latent_diversity.rollouts import Turn, Turns
from tutorial_lib.training.latent_diversity.settings import SelectionRecipe


@dataclass(eq=False)
class Lessons:
    """All states of a batch's conversations.

    Parameters
    ----------
    samples : int
        How many conversations.
    looked : list of tuple of Tensor
        What g saw, round by round; see :meth:`SelectionNetwork.look`.
    distances : list of Tensor
        ``(b, M)`` each: the Jaccard distance of every candidate from the known mask.
    """

    samples: int
    looked: list[tuple[Tensor, ...]] = field(default_factory=list)
    distances: list[Tensor] = field(default_factory=list)

    def __len__(self) -> int:
        return self.samples


class Selection(Turns):
    """Train g beside a frozen f.

    Parameters
    ----------
    recipe : SelectionRecipe
        All settings.
    data : str or Path, optional
        The folder the datasets lie in; not needed for the toy world.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError, ConnectionError
        If there are no weights of f to start from, the mixture cannot be opened, or the backbone's
        weights cannot be had.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, section 4, Eq. 6.
    """

    def __init__(self, recipe: SelectionRecipe, data: str | Path | None = None) -> None:
        if not recipe.start:
            raise ValueError(
                "A selection network chooses what f proposes: name f's weights by --set start=FILE."
            )
        self.state, self.about = read(recipe.start)
        super().__init__(recipe, data, Design(**self.about["design"]))

    def build(self, stage: int | None = None) -> Coupled:
        """Return f, frozen, and a g that learns.

        Parameters
        ----------
        stage : int, optional
            Given when a state is loaded into the network anyway.

        Returns
        -------
        Coupled
            g goes on from the weights to start from, if they hold one with the same tensors.

        Raises
        ------
        ValueError
            If the weights do not fit the network they name.
        """
        f = DiverseSegmentation(self.design, self.encoder.levels)
        networks = Coupled(f, selection_network(self.recipe.selector, f), learns="g")
        state, start = networks.state_dict(), self.state
        mine, theirs = (
            {k: v.shape for k, v in each.items() if k.startswith("g.")} for each in (state, start)
        )
        state |= {k: v for k, v in start.items() if mine == theirs or k.startswith("f.")}
        fill(networks, state, f"The weights {self.recipe.start} do not fit the network they name.")
        return networks

    def amend(self, batch: Batch, predict: Callable[..., Any]) -> Lessons:
        """Let users talk with f and g, and write down every state they meet."""
        turn, lessons = self.turn(batch), Lessons(len(batch))
        features = predict(*turn.maps, call="features")
        active = list(range(len(batch)))
        while active:
            told, image = turn.interaction[active], turn.maps[0][active]
            hidden, logits = predict(features[active], told, call="answer")
            looked = predict(image, told, hidden, logits, call="look")
            lessons.looked.append(looked)
            lessons.distances.append(self._distances(logits, turn, active))
            waiting = turn.waiting
            rows = [row for row, index in enumerate(active) if index in set(waiting)]
            if rows:
                scores = predict(*(x[rows] for x in looked), call="score")
                best = scores.argmax(dim=1)
                chosen = self.strayed(turn, waiting, best, logits.shape[1])
                shown = logits[rows][torch.arange(len(rows)), chosen].float().sigmoid()
                clicked = [len(clicks) for clicks in batch.clicks]
                self.click(turn, waiting, shown, len(lessons.looked) - 1)
                waiting = [i for i in waiting if len(batch.clicks[i]) > clicked[i]]
            active = waiting
        return lessons

    def _distances(self, logits: Tensor, turn: Turn, active: list[int]) -> Tensor:
        """Return the Jaccard distances ``(b, M)`` of the masks that would be shown."""
        target = turn.target[active] >= 0.5
        return relaxed_jaccard((logits >= 0).float(), target, turn.valid[active])

    def count(self, batch: Lessons) -> int:
        """Return how many states were met: each of them counts as much as any other."""
        return sum(len(distances) for distances in batch.distances)

    def loss(self, model: nn.Module, batch: Lessons, device: torch.device) -> Tensor:
        """Return the cross-entropy between scores and the best candidates (Eq. 6)."""
        looked = [torch.cat(parts).to(device) for parts in zip(*batch.looked, strict=True)]
        distances = torch.cat(batch.distances).to(device)
        return selection(model(*looked).float(), distances, self.recipe.temperature).mean()

    def metadata(self, network: Coupled) -> dict[str, Any]:
        """Return what the networks are, and the recipes of both; of files only the names."""
        names = {key: Path(getattr(self.recipe, key)).name for key in ("start", "backbone")}
        recipe = dataclasses.replace(self.recipe, **names).to_dict()
        return network.metadata() | {"recipe": recipe, "recipe_f": self.about.get("recipe", {})}
