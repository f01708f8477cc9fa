"""g of Latent Diversity: which of M segmentations is to be shown (Li et al., section 4).

Three networks with one interface. :class:`PaperSelection` is the paper's: convolutions over the
image, the clicks and all M masks at once, and an average over the image. Whatever it learns of one
candidate it must learn M times over, and its masks are shuffled in training so that it looks at
them at all. :class:`SharedSelection` is ours: it scores each candidate by itself, always with the
same weights, so that shuffling the candidates just shuffles the scores; and it reads what f has
found out about the image instead of the image. :class:`IntentSelection` also asks of each candidate
whether somebody who means it would have clicked there, and shows what is best on the whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.latent_diversity.intent import intent_fit
from tutorial_lib.deep.latent_diversity.proposal import Design, DiverseSegmentation
from tutorial_lib.deep.networks.context_aggregation import ConvLayer, context_aggregation

WIDTH = 32  # channels of the shared scorer
DILATIONS = (1, 2, 4, 8)
STATISTICS = 7
TRUST = 0.5  # in users who click into the middle; this and the next chosen on validation photos
SHARPNESS, CONFIDENCE = 2.0, 5.0  # of beliefs in candidates, and of what is expected of them


class SelectionNetwork(nn.Module, ABC):
    """What both selection networks are.

    First :meth:`look`, which learns nothing and makes few numbers of many; then :meth:`forward`.

    Parameters
    ----------
    design : Design
        The network f whose candidates are scored.
    pool : int
        It looks at averages over squares of this many cells of f.
    """

    name: str

    def __init__(self, design: Design, pool: int) -> None:
        super().__init__()
        self.design, self.pool = design, pool

    @abstractmethod
    def look(
        self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor
    ) -> tuple[Tensor, ...]:
        """Gather what is to be judged.

        Parameters
        ----------
        image : Tensor
            ``(B, 3, h, w)``: the first of the encoder's maps.
        interaction : Tensor
            ``(B, C, h, w)``: what f was told of the user.
        hidden, logits : Tensor
            ``(B, channels, h, w)`` and ``(B, M, h, w)``: what f answered.

        Returns
        -------
        tuple of Tensor
            float32, the batch first in each.
        """

    @abstractmethod
    def forward(self, *looked: Tensor) -> Tensor:
        """Score the candidates: ``(B, M)`` float, the higher the better."""

    def _pooled(self, x: Tensor) -> Tensor:
        return (F.avg_pool2d(x, self.pool, ceil_mode=True) if self.pool > 1 else x).float()


class PaperSelection(SelectionNetwork):
    """The paper's g: Table 1 without its first layer, and an average over the image behind it.

    Parameters
    ----------
    design : Design
        The network f whose candidates are scored.
    pool : int
        See :class:`SelectionNetwork`; 1 in the paper.
    """

    name = "paper"

    def __init__(self, design: Design, pool: int = 1) -> None:
        super().__init__(design, pool)
        channels = 3 + design.interaction.channels + design.heads
        self.body = context_aggregation(design.preset, channels, design.heads)

    def look(
        self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor
    ) -> tuple[Tensor, ...]:
        """Gather image, clicks and candidates; see :meth:`SelectionNetwork.look`."""
        known = torch.cat([self._pooled(image), self._pooled(interaction)], dim=1)
        return known, self._pooled(logits.float().sigmoid())

    def forward(self, *looked: Tensor) -> Tensor:
        """Score the candidates ``(B, M)``; in training they are shuffled before it sees them."""
        known, candidates = looked
        order = torch.arange(candidates.shape[1], device=candidates.device)
        if self.training:
            order = torch.randperm(len(order)).to(order.device)
        dense = self.body(torch.cat([known, candidates[:, order]], dim=1))
        return dense.float().mean(dim=(2, 3))[:, order.argsort()]


class SharedSelection(SelectionNetwork):
    """Score each candidate by itself, with the same weights for all: our g.

    It sees a candidate beside the mean of all of them and beside what f knows of every cell, and
    says how good it is from three averages: over the image, over the candidate, and beside it.

    Parameters
    ----------
    design : Design
        The network f whose candidates are scored.
    pool : int
        See :class:`SelectionNetwork`.
    known : int
        Channels of f's hidden map.
    """

    name = "shared"

    def __init__(self, design: Design, pool: int, known: int) -> None:
        super().__init__(design, pool)
        told = design.interaction.channels
        self.context = nn.Conv2d(known + told, WIDTH, 1)
        self.candidate = nn.Conv2d(2, WIDTH, 3, padding=1)
        self.layers = nn.Sequential(
            *(ConvLayer(WIDTH, WIDTH, d, "batch", residual=True) for d in DILATIONS)
        )
        gathered = 3 * WIDTH + 2 * (known + told) + STATISTICS
        self.norm = nn.BatchNorm1d(gathered)
        self.judge = nn.Sequential(
            nn.Linear(gathered, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1, bias=False)
        )
        # How good each candidate is as a rule: f's candidates have characters of their own.
        self.prior = nn.Parameter(torch.zeros(design.heads))

    def look(
        self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor
    ) -> tuple[Tensor, ...]:
        """Gather what f knows, candidates and their numbers; see :meth:`SelectionNetwork.look`."""
        candidates = logits.float().sigmoid()
        known = torch.cat([self._pooled(hidden), self._pooled(interaction)], dim=1)
        numbers = self._statistics(candidates, interaction.float())
        return known, self._pooled(candidates), numbers

    def _statistics(self, candidates: Tensor, interaction: Tensor) -> Tensor:
        """Return numbers ``(B, M, STATISTICS)`` that convolutions would be long in learning."""
        mean = candidates.mean(dim=1, keepdim=True)
        discs, previous = self._told(interaction)
        others = torch.cat([mean, previous], dim=1)
        apart, size = differences(candidates, others), candidates.sum(dim=(2, 3))
        cells = candidates.shape[2] * candidates.shape[3]
        squares = candidates.square().sum(dim=(2, 3))
        overlaps = overlap_from(apart, size, others.sum(dim=(2, 3)))
        return torch.stack(
            [
                size / cells,
                (size - squares) / cells,
                overlaps[..., 0],
                overlaps[..., 1],
                apart[..., 1] / cells,
                averages(1 - candidates, discs[:, :1])[:, 0],
                averages(candidates, discs[:, -1:])[:, 0],
            ],
            dim=2,
        )

    def _told(self, interaction: Tensor) -> tuple[Tensor, Tensor]:
        """Return the clicks' maps ``(B, 2, h, w)`` and the mask shown before ``(B, 1, h, w)``."""
        told, first = self.design.interaction, 2 * self.design.interaction.distances
        clicks, shown = interaction[:, first : first + 2], interaction[:, -1:]
        return (
            clicks if told.clicks else torch.zeros_like(interaction[:, :2]),
            shown if told.previous else torch.zeros_like(shown),
        )

    def forward(self, *looked: Tensor) -> Tensor:
        """Score the candidates ``(B, M)``; shuffled candidates get the same scores, shuffled.

        But for :attr:`prior`, one number a candidate that is added to its score.
        """
        known, candidates, numbers = looked
        count, heads = candidates.shape[:2]
        beside = candidates - candidates.mean(dim=1, keepdim=True)
        pairs = torch.stack([candidates, beside], dim=2).flatten(0, 1)
        pairs = pairs.contiguous(memory_format=torch.channels_last)
        each = pairs[:, :1]
        context = self.context(known)[:, None]
        mixed = (self.candidate(pairs).unflatten(0, (count, heads)) + context).flatten(0, 1)
        seen = self.layers(mixed).float()
        gathered = torch.cat(
            [
                seen.mean(dim=(2, 3)),
                averages(seen, each).flatten(1),
                averages(seen, 1 - each).flatten(1),
                averages(known, candidates).flatten(0, 1),
                averages(known, 1 - candidates).flatten(0, 1),
                numbers.flatten(0, 1),
            ],
            dim=1,
        )
        return self.judge(self.norm(gathered)).float().view(count, heads) + self.prior


class IntentSelection(SharedSelection):
    """Our g with two thoughts more: why the click is there, and what is best if g is wrong.

    Three steps, of which only the first one learns, with the weights of :class:`SharedSelection`:

    1. how likely is each candidate, by what it looks like? The scores of the shared scorer;
    2. and by where the clicks are? A candidate gains the more, the nearer they are to where
       somebody who means it would click; see
       :func:`tutorial_lib.deep.latent_diversity.intent.intent_fit`;
    3. so which one is best to show? The score of a candidate is the IoU that can be expected of it
       if the others are as likely to be meant as it now seems. Where g is in doubt it shows a
       compromise that is bad in no case, and not the likeliest candidate.

    References
    ----------
    Premachandran, Tarlow and Batra, Empirical Minimum Bayes Risk Prediction, CVPR 2014.
    """

    name = "intent"

    def look(
        self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor
    ) -> tuple[Tensor, ...]:
        """Gather the same, and how well the clicks fit; see :meth:`SelectionNetwork.look`."""
        (positive, negative), previous = (x.unbind(1) for x in self._told(interaction.float()))
        fit = intent_fit(logits.float().sigmoid(), positive, negative, previous[0])
        return *super().look(image, interaction, hidden, logits), fit

    def forward(self, *looked: Tensor) -> Tensor:
        """Score the candidates ``(B, M)`` by the IoU that is expected of them."""
        *seen, fit = looked
        belief = super().forward(*seen) + TRUST * fit
        return CONFIDENCE * expected_overlap(SHARPNESS * belief, seen[1])


def expected_overlap(logits: Tensor, masks: Tensor) -> Tensor:
    """Return the IoU to be expected of each mask, if one of them is right.

    ``E[IoU_m] = sum over k of P(k) IoU(m, k)``

    Parameters
    ----------
    logits : Tensor
        ``(B, M)`` float; their softmax is the probability P of each mask to be right.
    masks : Tensor
        ``(B, M, h, w)`` float32 in [0, 1]; compared by relaxed IoU.

    Returns
    -------
    Tensor
        ``(B, M)`` float32 in [0, 1].
    """
    belief = logits.float().softmax(dim=1)[..., None]
    return (overlap(masks, masks) @ belief)[..., 0]


def averages(x: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted averages of a map over each of several masks.

    Parameters
    ----------
    x : Tensor
        ``(B, C, h, w)`` float32.
    weights : Tensor
        ``(B, M, h, w)`` float32, at least 0.

    Returns
    -------
    Tensor
        ``(B, M, C)``; 0 for an empty mask.
    """
    summed = weights.flatten(2) @ x.flatten(2).transpose(1, 2)
    return summed / weights.sum(dim=(2, 3)).clamp_min(1)[..., None]


def overlap(masks: Tensor, others: Tensor) -> Tensor:
    """Return the relaxed IoU ``(B, M, K)`` of masks ``(B, M, h, w)`` with ``(B, K, h, w)``."""
    sizes = masks.sum(dim=(2, 3)), others.sum(dim=(2, 3))
    return overlap_from(differences(masks, others), *sizes)


def differences(masks: Tensor, others: Tensor) -> Tensor:
    """Return how far masks ``(B, M, h, w)`` and ``(B, K, h, w)`` differ, summed: ``(B, M, K)``."""
    pairs = masks.flatten(2)[:, :, None] - others.flatten(2)[:, None]
    return pairs.abs_().sum(dim=3)


def overlap_from(apart: Tensor, sizes: Tensor, other_sizes: Tensor) -> Tensor:
    """Return the relaxed IoU ``(B, M, K)`` from :func:`differences` and the sizes of the masks.

    ``min(a, b) = (a + b - |a - b|) / 2`` and ``max(a, b) = (a + b + |a - b|) / 2``
    """
    both = sizes[:, :, None] + other_sizes[:, None]
    return (both - apart) / (both + apart).clamp_min(2)


POOL = {"paper": 1, "lite": 2}  # cells of f in a cell of the paper's g
STRIDE = 8  # pixels in a cell of ours


def _ours(kind: type[SharedSelection], f: DiverseSegmentation) -> SharedSelection:
    return kind(f.design, max(1, STRIDE // f.design.interaction.stride), f.channels)


SELECTORS: dict[str, Callable[[DiverseSegmentation], SelectionNetwork]] = {
    "shared": partial(_ours, SharedSelection),
    "intent": partial(_ours, IntentSelection),
    "paper": lambda f: PaperSelection(f.design, POOL[f.design.preset]),
}


def selection_network(name: str, f: DiverseSegmentation) -> SelectionNetwork:
    """Build g.

    Parameters
    ----------
    name : str
        ``"shared"``, ``"intent"`` or ``"paper"``.
    f : DiverseSegmentation
        The network whose candidates it scores.

    Returns
    -------
    SelectionNetwork
        In training mode.

    Raises
    ------
    ValueError
        If there is no such network.
    """
    if name not in SELECTORS:
        raise ValueError(
            f"The selection networks are {', '.join(SELECTORS)}; there is no {name!r}."
        )
    return SELECTORS[name](f)
