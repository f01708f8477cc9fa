"""Losses of several candidates, which make them diverse, rank them, or select one of them.

A click on a door may mean the door or the house. A network with one output learns a compromise
between them. A network with M outputs trains only the best output on each image, so every output
can specialise (Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018,
section 4). These losses combine the losses of the single candidates, ``(B, M)``:

    masks (B, M, H, W) -> relaxed_jaccard + click_constraint -> (B, M) -> hindsight_loss -> (B,)
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib.deep.losses import at_least_float32

# Eq. 7's lambda for the last candidate: in the paper, and in the authors' released code.
PAPER_RANKING, RELEASED_RANKING = 1e-2, 2.5e-3


def hindsight_loss(losses: Tensor, share: float = 0.0) -> Tensor:
    """Train only the best candidate of each image, so that the others are free to differ.

    Parameters
    ----------
    losses : Tensor
        ``(B, M)`` float: ``relaxed_jaccard`` for Eq. 2, ``relaxed_jaccard + click_constraint`` for
        Eq. 5.
    share : float
        Weight of the mean over all candidates. It trains candidates that are never the best; 0 in
        the paper.

    Returns
    -------
    Tensor
        ``(B,)``: the smallest loss of each image, plus ``share`` times their mean.

    Raises
    ------
    ValueError
        If ``losses`` does not have the shape (B, M).

    References
    ----------
    Li et al., Eq. 2 and 5, after Guzman-Rivera et al., Multiple Choice Learning, NIPS 2012.

    Examples
    --------
    >>> hindsight_loss(torch.tensor([[0.5, 0.25, 1.0]]))
    tensor([0.2500])
    """
    _check_candidates(losses)
    losses = at_least_float32(losses)
    # min gives the gradient to one candidate and so breaks ties. amin would divide it among all.
    least = losses.min(dim=1).values
    return least + share * losses.mean(dim=1) if share else least


def ranked_diversity_loss(
    losses: Tensor, distances: Tensor, scale: float = PAPER_RANKING
) -> Tensor:
    """Return a hindsight loss that also ranks: earlier candidates are trained more on every image.

    ``min over m of losses_m + sum over m of lambda_m distances_m``,
    ``lambda_m = scale * 2^(M - m)``. No selection network is needed: candidate 1 is shown.

    Parameters
    ----------
    losses : Tensor
        ``(B, M)``: as for :func:`hindsight_loss`, with the click constraint.
    distances : Tensor
        ``(B, M)``: the relaxed Jaccard distances alone.
    scale : float
        ``PAPER_RANKING`` (0.01) as in the paper: lambda is 0.32, 0.16, ... 0.01 for six
        candidates. ``RELEASED_RANKING`` (0.0025) as in the authors' code: a quarter of that.

    Returns
    -------
    Tensor
        ``(B,)`` float.

    Raises
    ------
    ValueError
        If the two do not have the same shape (B, M).

    References
    ----------
    Li et al., Eq. 7.
    """
    _check_candidates(losses, distances)
    distances = at_least_float32(distances)
    heads = losses.shape[1]
    rank = torch.arange(1, heads + 1, device=losses.device)
    weights = scale * torch.exp2((heads - rank).to(distances.dtype))
    return hindsight_loss(losses) + (weights * distances).sum(dim=1)


def selection_loss(scores: Tensor, distances: Tensor, temperature: float = 0.0) -> Tensor:
    """Return the cross-entropy between the scores of the candidates and the best candidate.

    ``-g_phi + log sum over m of exp(g_m)``, where phi is the candidate nearest to the true mask.

    Parameters
    ----------
    scores : Tensor
        ``(B, M)`` float: the scores g. Their softmax is the probability of each candidate.
    distances : Tensor
        ``(B, M)`` float: the Jaccard distance of each candidate from the true mask. They get no
        gradient: g learns to select, not to make the other candidates worse.
    temperature : float
        At 0, as in the paper, the target is the best candidate. Above 0, the target is
        ``softmax(-distances / temperature)``. Then two similar masks have similar targets. At a
        high temperature, g prefers the candidate with the smallest expected distance, not the
        candidate that is most often the best. This may be a compromise that is never the best.

    Returns
    -------
    Tensor
        ``(B,)`` float, at least 0.

    Raises
    ------
    ValueError
        If the two do not have the same shape (B, M), or if the temperature is negative.

    References
    ----------
    Li et al., Eq. 6.
    """
    _check_candidates(scores, distances)
    if temperature < 0:
        raise ValueError(f"The temperature must be 0 or more, not {temperature}.")
    if temperature == 0:
        target = distances.argmin(dim=1)
    else:
        target = (-at_least_float32(distances.detach()) / temperature).softmax(dim=1)
    return F.cross_entropy(at_least_float32(scores), target, reduction="none")


def _check_candidates(*tensors: Tensor) -> None:
    shapes = [tuple(t.shape) for t in tensors]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2 or shapes[0][1] == 0:
        given = " and ".join(map(str, shapes))
        raise ValueError(f"Losses and scores of candidates are of shape (B, M), not {given}.")
