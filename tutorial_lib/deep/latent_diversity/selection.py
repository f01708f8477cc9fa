"""g of Latent Diversity: select one of M candidates (Li et al., section 4).

There are four networks with one interface.

:class:`PaperSelection` is the network of the paper. It applies convolutions to the image, the
clicks and all M masks together, and averages the result over the image. It has to learn the same
function M times, once for each candidate. In training, its masks are shuffled. Otherwise it would
ignore them.

:class:`SharedSelection` is ours. It scores each candidate alone, with the same weights for all. So
it is equivariant: if the candidates are shuffled, the scores are shuffled too. It reads the hidden
map of f instead of the image.

:class:`IntentSelection` is ours, too. It also asks whether a user who wants the candidate would
have clicked there. It selects the candidate with the highest expected IoU.

:class:`ViewSelection` also compares the candidates of several views of a photo: a click on a small
object among others may mean the object or all of them, which f sees best in different views.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
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
CONFIDENCE = 5.0  # factor of the expected IoUs; tuned on validation photos, as the next ones


class SelectionNetwork(nn.Module, ABC):
    """The interface of a selection network.

    :meth:`gather` has no weights and reduces the inputs; :meth:`forward` scores what it returns.

    Parameters
    ----------
    design : Design
        The network f whose candidates are scored.
    pool : int
        Inputs are averaged over squares of this side, in cells of f.
    """

    name: str

    def __init__(self, design: Design, pool: int) -> None:
        super().__init__()
        self.design, self.pool = design, pool

    @abstractmethod
    def gather(
        self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor
    ) -> tuple[Tensor, ...]:
        """Gather the inputs of :meth:`forward`.

        Parameters
        ----------
        image : Tensor
            ``(B, 3, h, w)``: the first of the encoder's maps.
        interaction : Tensor
            ``(B, C, h, w)``: the click maps, as f reads them.
        hidden, logits : Tensor
            ``(B, channels, h, w)`` and ``(B, M, h, w)``: from :meth:`DiverseSegmentation.answer`.

        Returns
        -------
        tuple of Tensor
            float32; the first dimension of each is the batch.
        """

    @abstractmethod
    def forward(self, *gathered: Tensor) -> Tensor:
        """Score the candidates.

        Parameters
        ----------
        *gathered : Tensor
            From :meth:`gather`.

        Returns
        -------
        Tensor
            ``(B, M)`` float. Higher is better.
        """

    def _pooled(self, x: Tensor) -> Tensor:
        return pooled(x, self.pool)


def pooled(x: Tensor, side: int) -> Tensor:
    """Return a map averaged over squares of a side in cells, ``(B, C, h / side, w / side)``."""
    return (F.avg_pool2d(x, side, ceil_mode=True) if side > 1 else x).float()


class PaperSelection(SelectionNetwork):
    """The paper's g: Table 1 without its first layer, then an average over the image.

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
        channels = 3 + design.click_maps.channels + design.heads
        self.body = context_aggregation(design.preset, channels, design.heads)

    def gather(
        self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor
    ) -> tuple[Tensor, ...]:
        """Gather image, clicks and candidates; see :meth:`SelectionNetwork.gather`."""
        known = torch.cat([self._pooled(image), self._pooled(interaction)], dim=1)
        return known, self._pooled(logits.float().sigmoid())

    def forward(self, *gathered: Tensor) -> Tensor:
        """Score the candidates ``(B, M)``; in training they are shuffled first."""
        known, candidates = gathered
        order = torch.arange(candidates.shape[1], device=candidates.device)
        if self.training:
            order = torch.randperm(len(order)).to(order.device)
        dense = self.body(torch.cat([known, candidates[:, order]], dim=1))
        return dense.float().mean(dim=(2, 3))[:, order.argsort()]


class SharedSelection(SelectionNetwork):
    """Our g: score each candidate alone, with the same weights for all.

    The network compares a candidate with the mean of all candidates and with the hidden map of f.
    The score depends on three averages: over the image, inside the candidate, and outside it.

    Parameters
    ----------
    design : Design
        The network f whose candidates are scored.
    pool : int
        See :class:`SelectionNetwork`.
    hidden : int
        Channels of f's hidden map.
    hidden_pool : int
        The hidden map is averaged over squares of this side, in its own cells.
    """

    name = "shared"
    unnormalised = 0  # statistics beyond STATISTICS, which batch norm leaves as they are

    def __init__(self, design: Design, pool: int, hidden: int, hidden_pool: int) -> None:
        super().__init__(design, pool)
        self.hidden_pool = hidden_pool
        known = hidden + design.click_maps.channels
        self.context = nn.Conv2d(known, WIDTH, 1)
        self.candidate = nn.Conv2d(2, WIDTH, 3, padding=1)
        self.layers = nn.Sequential(
            *(ConvLayer(WIDTH, WIDTH, d, "batch", residual=True) for d in DILATIONS)
        )
        self.normalised = 3 * WIDTH + 2 * known + STATISTICS
        self.norm = nn.BatchNorm1d(self.normalised)
        self.judge = nn.Sequential(
            nn.Linear(self.normalised + self.unnormalised, 64),
            nn.LeakyReLU(0.2),
            nn.Linear(64, 1, bias=False),
        )
        # f's candidates specialise, so each one has its own average quality.
        self.prior = nn.Parameter(torch.zeros(design.heads))

    def gather(
        self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor
    ) -> tuple[Tensor, ...]:
        """Gather f's hidden map, clicks and candidates; see :meth:`SelectionNetwork.gather`."""
        candidates = logits.float().contiguous().sigmoid()  # sums over maps are then faster
        hidden = pooled(hidden, self.hidden_pool)
        known = torch.cat([hidden, self._pooled(interaction)], dim=1)
        statistics = self._statistics(candidates, interaction.float())
        return known, self._pooled(candidates), statistics

    def _statistics(self, candidates: Tensor, interaction: Tensor) -> Tensor:
        """Return ``(B, M, STATISTICS)``: statistics that convolutions would learn slowly."""
        mean = candidates.mean(dim=1, keepdim=True)
        discs, previous = self._clicks_and_previous(interaction)
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

    def _clicks_and_previous(self, interaction: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps of the clicks ``(B, 2, h, w)`` and of the previous mask ``(B, 1, h, w)``.

        Maps that f does not read are 0.
        """
        design = self.design.click_maps
        first = 2 * design.distances
        clicks, previous = interaction[:, first : first + 2], interaction[:, -1:]
        return (
            clicks if design.clicks else torch.zeros_like(interaction[:, :2]),
            previous if design.previous else torch.zeros_like(previous),
        )

    def forward(self, *gathered: Tensor) -> Tensor:
        """Score the candidates ``(B, M)``, equivariantly except for the prior.

        Shuffled candidates get shuffled scores. The exception is :attr:`prior`: it adds a number
        to each score that depends on the position of the candidate.
        """
        known, candidates, statistics = gathered
        count, heads = candidates.shape[:2]
        beside = candidates - candidates.mean(dim=1, keepdim=True)
        pairs = torch.stack([candidates, beside], dim=2).flatten(0, 1)
        pairs = pairs.contiguous(memory_format=torch.channels_last)
        each = pairs[:, :1]
        context = self.context(known)[:, None]
        mixed = (self.candidate(pairs).unflatten(0, (count, heads)) + context).flatten(0, 1)
        features = self.layers(mixed).float()
        averaged = torch.cat(
            [
                features.mean(dim=(2, 3)),
                averages(features, each).flatten(1),
                averages(features, 1 - each).flatten(1),
                averages(known, candidates).flatten(0, 1),
                averages(known, 1 - candidates).flatten(0, 1),
                statistics.flatten(0, 1),
            ],
            dim=1,
        )
        normalised, others = averaged.tensor_split([self.normalised], dim=1)
        judged = self.judge(torch.cat([self.norm(normalised), others], dim=1))
        return judged.float().view(count, heads) + self.prior


class IntentSelection(SharedSelection):
    """Our g with two additions: it uses the click positions, and maximises the expected IoU.

    There are three steps. Only the first one is trained, with the weights of
    :class:`SharedSelection`:

    1. The shared scorer rates each candidate by its appearance.
    2. The positions of the clicks change this rating. A candidate gains if the clicks are close to
       where a user who wants it would click; see
       :func:`tutorial_lib.deep.latent_diversity.intent.intent_fit`.
    3. The ratings give the probability of each candidate. The score of a candidate is its expected
       IoU under these probabilities. If g is uncertain, a compromise with a fair IoU in all cases
       beats the most likely candidate.

    References
    ----------
    Premachandran, Tarlow and Batra, Empirical Minimum Bayes Risk Prediction, CVPR 2014.
    """

    name = "intent"
    sharpness, trust = 2.0, 0.5  # factor of the beliefs, and the weight of the click positions

    def gather(
        self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor
    ) -> tuple[Tensor, ...]:
        """Gather the same inputs and the fit of the clicks; see :meth:`SelectionNetwork.gather`."""
        (positive, negative), previous = (
            x.unbind(1) for x in self._clicks_and_previous(interaction.float())
        )
        fit = intent_fit(logits.float().contiguous().sigmoid(), positive, negative, previous[0])
        return *super().gather(image, interaction, hidden, logits), fit

    def beliefs(self, *gathered: Tensor) -> Tensor:
        """Return ``(B, M)``: the logarithm of each candidate's probability, up to a constant."""
        *shared, fit = gathered
        return self.sharpness * (super().forward(*shared) + self.trust * fit)

    def scores(self, beliefs: Tensor, *gathered: Tensor) -> Tensor:
        """Return ``(B, M)``: the expected IoU of each candidate under these beliefs, scaled."""
        return CONFIDENCE * expected_overlap(beliefs, gathered[1])

    def forward(self, *gathered: Tensor) -> Tensor:
        """Score the candidates ``(B, M)`` by their expected IoU."""
        return self.scores(self.beliefs(*gathered), *gathered)


class ViewSelection(IntentSelection):
    """Our g, which also compares the candidates of several views of the same photo.

    Its beliefs are comparable between views, because it is trained on the candidates of all views
    together. It sees two things more: how much of the view's border a candidate covers, because
    an object that is cut off asks for a larger view, and how large the view is. Batch norm leaves
    both as they are: the size is the same for all samples of a view, and would become 0.
    """

    name = "views"
    sharpness = 3.0
    unnormalised = 2

    def gather(
        self,
        image: Tensor,
        interaction: Tensor,
        hidden: Tensor,
        logits: Tensor,
        share: float | Sequence[float] = 1.0,
    ) -> tuple[Tensor, ...]:
        """Gather the same inputs, the covered border, and the size of the view.

        Parameters
        ----------
        image, interaction, hidden, logits : Tensor
            See :meth:`SelectionNetwork.gather`.
        share : float or sequence of float
            Side of the view, or of each view, as a share of the photo's. Only views that are
            compared differ in it: after the first click the view is chosen, and this is 1.

        Returns
        -------
        tuple of Tensor
            See :meth:`SelectionNetwork.gather`.
        """
        known, candidates, statistics, fit = super().gather(image, interaction, hidden, logits)
        top, bottom = candidates[:, :, 0], candidates[:, :, -1]
        left, right = candidates[..., 0], candidates[..., -1]
        border = torch.cat([top, bottom, left, right], dim=2).mean(dim=2)
        sides = border.new_tensor(share).reshape(-1, 1).expand_as(border)
        more = torch.stack([border, sides], dim=2)
        return known, candidates, torch.cat([statistics, more], dim=2), fit


def expected_overlap(logits: Tensor, masks: Tensor) -> Tensor:
    """Return the expected IoU of each mask, on the assumption that one of the masks is right.

    ``E[IoU_m] = sum over k of P(k) IoU(m, k)``

    Parameters
    ----------
    logits : Tensor
        ``(B, M)`` float. Their softmax is the probability P that each mask is right.
    masks : Tensor
        ``(B, M, h, w)`` float32 in [0, 1]. IoU here is the relaxed IoU.

    Returns
    -------
    Tensor
        ``(B, M)`` float32 in [0, 1].
    """
    belief = logits.float().softmax(dim=1)[..., None]
    return (overlap(masks, masks) @ belief)[..., 0]


def averages(x: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted averages of a map over several masks.

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
    """Return the relaxed IoU of masks with other masks.

    Parameters
    ----------
    masks, others : Tensor
        ``(B, M, h, w)`` and ``(B, K, h, w)`` in [0, 1].

    Returns
    -------
    Tensor
        ``(B, M, K)`` in [0, 1].
    """
    sizes = masks.sum(dim=(2, 3)), others.sum(dim=(2, 3))
    return overlap_from(differences(masks, others), *sizes)


def differences(masks: Tensor, others: Tensor) -> Tensor:
    """Return the L1 distances between masks and other masks.

    Parameters
    ----------
    masks, others : Tensor
        ``(B, M, h, w)`` and ``(B, K, h, w)``.

    Returns
    -------
    Tensor
        ``(B, M, K)``.
    """
    pairs = masks.flatten(2)[:, :, None] - others.flatten(2)[:, None]
    return pairs.abs_().sum(dim=3)


def overlap_from(apart: Tensor, sizes: Tensor, other_sizes: Tensor) -> Tensor:
    """Return the relaxed IoU from the L1 distances and the sizes of masks.

    ``min(a, b) = (a + b - |a - b|) / 2`` and ``max(a, b) = (a + b + |a - b|) / 2``

    Parameters
    ----------
    apart : Tensor
        ``(B, M, K)``, from :func:`differences`.
    sizes, other_sizes : Tensor
        ``(B, M)`` and ``(B, K)``: the sums of the masks over all cells.

    Returns
    -------
    Tensor
        ``(B, M, K)`` in [0, 1].
    """
    both = sizes[:, :, None] + other_sizes[:, None]
    return (both - apart) / (both + apart).clamp_min(2)


POOL = {"paper": 1, "lite": 2}  # side of a cell of the paper's g, in cells of f
STRIDE = 8  # side of a cell of our g, in pixels


def _ours(kind: type[SharedSelection], f: DiverseSegmentation) -> SharedSelection:
    pool, hidden_pool = (max(1, STRIDE // s) for s in (f.design.click_maps.stride, f.hidden_stride))
    return kind(f.design, pool, f.channels, hidden_pool)


SELECTORS: dict[str, Callable[[DiverseSegmentation], SelectionNetwork]] = {
    "shared": partial(_ours, SharedSelection),
    "intent": partial(_ours, IntentSelection),
    "views": partial(_ours, ViewSelection),
    "paper": lambda f: PaperSelection(f.design, POOL[f.design.preset]),
}


def selection_network(name: str, f: DiverseSegmentation) -> SelectionNetwork:
    """Build g.

    Parameters
    ----------
    name : str
        ``"shared"``, ``"intent"``, ``"views"`` or ``"paper"``.
    f : DiverseSegmentation
        The network whose candidates g scores.

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
