"""Losses of several candidates: let them differ, rank them, choose among them.

A click on a door may mean the door or the house. A network with one answer is drawn to both and
"splits the difference"; with M answers, of which only the best one is held to the truth, each can
commit itself (Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, section
4). What is compared here are the candidates' own losses, ``(B, M)``:

    masks (B, M, H, W) -> relaxed_jaccard + click_constraint -> (B, M) -> hindsight -> (B,)
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib.deep.losses import at_least_float32

# Eq. 7's lambda for the last candidate: as the paper writes it, and in the authors' released code.
PAPER_RANKING, RELEASED_RANKING = 1e-2, 2.5e-3


def hindsight(losses: Tensor, share: float = 0.0) -> Tensor:
    """Let only the best candidate of each image learn, so that the others are free to differ.

    Parameters
    ----------
    losses : Tensor
        ``(B, M)`` float: Eq. 2 sums the minimum of ``relaxed_jaccard``, Eq. 5 that of
        ``relaxed_jaccard + click_constraint``.
    share : float
        Weight of the mean over all candidates, which keeps those alive that are never the best;
        0 in the paper.

    Returns
    -------
    Tensor
        ``(B,)``: the least loss of each image, plus ``share`` times their mean.

    Raises
    ------
    ValueError
        If there are no losses of shape (B, M).

    References
    ----------
    Li et al., Eq. 2 and 5, after Guzman-Rivera et al., Multiple Choice Learning, NIPS 2012.
    """
    _check_candidates(losses)
    losses = at_least_float32(losses)
    # amin would share the gradient among equal candidates; min gives it to one, which breaks ties.
    least = losses.min(dim=1).values
    return least + share * losses.mean(dim=1) if share else least


def ranked_diversity(losses: Tensor, distances: Tensor, scale: float = PAPER_RANKING) -> Tensor:
    """Hindsight that also ranks: the first candidate is held to every image's mask the most.

    ``min over m of losses_m + sum over m of lambda_m distances_m``,
    ``lambda_m = scale * 2^(M - m)``. It needs no selection network: candidate 1 is shown.

    Parameters
    ----------
    losses : Tensor
        ``(B, M)``: as for :func:`hindsight`, the click constraint included.
    distances : Tensor
        ``(B, M)``: the relaxed Jaccard distances alone.
    scale : float
        ``PAPER_RANKING`` (0.01) as the paper writes it: lambda is 0.32, 0.16, ... 0.01 for six
        candidates; ``RELEASED_RANKING`` (0.0025), a quarter of that, in the authors' code.

    Returns
    -------
    Tensor
        ``(B,)`` float.

    Raises
    ------
    ValueError
        If the two are not of the same shape (B, M).

    References
    ----------
    Li et al., Eq. 7.
    """
    _check_candidates(losses, distances)
    distances = at_least_float32(distances)
    heads = losses.shape[1]
    rank = torch.arange(1, heads + 1, device=losses.device)
    weights = scale * torch.exp2((heads - rank).to(distances.dtype))
    return hindsight(losses) + (weights * distances).sum(dim=1)


def selection(scores: Tensor, distances: Tensor, temperature: float = 0.0) -> Tensor:
    """Cross-entropy between the scores of the candidates and the best of them.

    ``-g_phi + log sum over m of exp(g_m)``, where phi is the candidate nearest to the known mask.

    Parameters
    ----------
    scores : Tensor
        ``(B, M)`` float: g, whose softmax is the probability of each candidate.
    distances : Tensor
        ``(B, M)`` float: the Jaccard distance of each candidate from the known mask. No gradient
        flows into them: choosing well is to be learned, not making the others worse.
    temperature : float
        0, as in the paper: the best candidate is right and all others are equally wrong. Above 0,
        candidates share the target by ``softmax(-distances / temperature)``, so that it hardly
        matters which of two almost equal masks is chosen. The higher it is, the nearer is the
        highest score to the least distance to be expected, and the further from the candidate that
        is most often the best: a compromise may be chosen that is never the best.

    Returns
    -------
    Tensor
        ``(B,)`` float, at least 0.

    Raises
    ------
    ValueError
        If the two are not of the same shape (B, M), or the temperature is negative.

    References
    ----------
    Li et al., Eq. 6.
    """
    _check_candidates(scores, distances)
    if temperature < 0:
        raise ValueError(f"A temperature is 0 or more, not {temperature}.")
    if temperature == 0:
        target = distances.argmin(dim=1)
    else:
        target = (-at_least_float32(distances.detach()) / temperature).softmax(dim=1)
    return F.cross_entropy(at_least_float32(scores), target, reduction="none")


def _check_candidates(*tensors: Tensor) -> None:
    shapes = [tuple(t.shape) for t in tensors]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2 or shapes[0][1] == 0:
        given = " and ".join(map(str, shapes))
        raise ValueError(f"Candidates have one number each, of shape (B, M), not {given}.")
