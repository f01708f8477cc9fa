"""Losses for masks.

Every loss returns one value for each image of a batch. The mean of a batch is therefore the same
on one device and on several. Invalid pixels are left out of every sum. Half precision is summed in
float32.

One answer for each image, ``(B, H, W)``, gives ``(B,)``. M candidates for each image,
``(B, M, H, W)``, give ``(B, M)``. The module :mod:`tutorial_lib.deep.latent_diversity.losses` holds
the losses over all candidates.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def relaxed_jaccard(probability: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Jaccard distance, relaxed to soft masks.

    ``l(A, B) = 1 - sum over p of min(A(p), B(p)) / sum over p of max(A(p), B(p))``

    For two binary masks this is exactly 1 - IoU. A small object counts as much as a large one,
    which is not true for a mean over pixels.

    Parameters
    ----------
    probability : Tensor
        ``(B, H, W)`` or ``(B, M, H, W)`` float in [0, 1]: the answer, or M candidates.
    target : Tensor
        ``(B, H, W)`` float in [0, 1], or bool: the known mask.
    valid : Tensor, optional
        ``(B, H, W)`` bool: the valid pixels. By default all pixels are valid.

    Returns
    -------
    Tensor
        ``(B,)`` or ``(B, M)`` float in [0, 1]. Two empty masks have distance 0.

    Raises
    ------
    ValueError
        If the shapes do not match.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Eq. 3.

    Examples
    --------
    >>> answer = torch.tensor([[[1.0, 0.5]]])
    >>> relaxed_jaccard(answer, torch.tensor([[[1.0, 0.0]]]))
    tensor([0.3333])
    """
    probability, target, valid = _comparable(probability, target, valid)
    common, union = probability.minimum(target), probability.maximum(target)
    if valid is not None:
        common, union = common * valid, union * valid
    below = union.sum(dim=(-2, -1))
    distance = 1 - common.sum(dim=(-2, -1)) / below.clamp_min(1e-12)
    return distance.where(below > 0, below)  # two empty masks are equal


def binary_cross_entropy(logit: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Cross-entropy of object and background: the mean over the valid pixels.

    ``-log sigmoid(x)`` on the object and ``-log sigmoid(-x)`` on the background.

    Parameters
    ----------
    logit : Tensor
        ``(B, H, W)`` or ``(B, M, H, W)`` float: x. Its sigmoid is the probability of the object.
    target : Tensor
        ``(B, H, W)`` float in [0, 1], or bool: the known mask.
    valid : Tensor, optional
        ``(B, H, W)`` bool: the valid pixels. By default all pixels are valid.

    Returns
    -------
    Tensor
        ``(B,)`` or ``(B, M)`` float, at least 0. Without valid pixels it is 0.

    Raises
    ------
    ValueError
        If the shapes do not match.
    """
    logit, target, valid = _comparable(logit, target, valid)
    target = target.expand_as(logit)
    cost = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    return _mean(cost, valid)


def l1(probability: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Absolute difference: the mean over the valid pixels.

    The paper compares it with the relaxed Jaccard distance.

    Parameters
    ----------
    probability, target, valid
        As for :func:`relaxed_jaccard`.

    Returns
    -------
    Tensor
        ``(B,)`` or ``(B, M)`` float in [0, 1]. Without valid pixels it is 0.

    Raises
    ------
    ValueError
        If the shapes do not match.

    References
    ----------
    Li et al., section 5.2 and Table 3, "without IoU loss (replaced by L1)".
    """
    probability, target, valid = _comparable(probability, target, valid)
    return _mean((probability - target).abs(), valid)


def click_constraint(
    probability: Tensor, positive: Tensor, negative: Tensor, mean: bool = False
) -> Tensor:
    """Soft constraint: the distance between the answer and the clicks.

    ``lc(Sp, Sn, B) = ||Sp * (Sp - B)||_1 + ||Sn * (Sn - (1 - B))||_1``. This is the sum of
    ``1 - B(p)`` over the positive pixels plus the sum of ``B(p)`` over the negative pixels.

    Parameters
    ----------
    probability : Tensor
        ``(B, H, W)`` or ``(B, M, H, W)`` float in [0, 1]: the answer, or M candidates.
    positive, negative : Tensor
        ``(B, H, W)`` bool, or float 0 or 1: the clicked pixels Sp and Sn.
    mean : bool
        True divides by the number of clicked pixels, so that many clicks or large discs do not
        outweigh the mask. The paper does not divide.

    Returns
    -------
    Tensor
        ``(B,)`` or ``(B, M)`` float, at least 0. Without clicked pixels it is 0.

    Raises
    ------
    ValueError
        If the shapes do not match.

    References
    ----------
    Li et al., Eq. 4.
    """
    probability, positive, negative = _comparable(probability, positive, negative)
    missed = positive * (1 - probability) + negative * probability
    return _mean(missed, positive + negative) if mean else missed.sum(dim=(-2, -1))


def at_least_float32(x: Tensor) -> Tensor:
    """Return half precision as float32, and any other dtype unchanged."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def _comparable(
    answer: Tensor, target: Tensor, other: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Convert masks to the answer's dtype and, for candidates, to its four dimensions."""
    masks = [mask for mask in (target, other) if mask is not None]
    wanted = answer.shape if answer.ndim == 3 else (*answer.shape[:1], *answer.shape[2:])
    if answer.ndim not in (3, 4) or any(mask.shape != wanted for mask in masks):
        given = " and ".join(str(tuple(t.shape)) for t in (answer, *masks))
        raise ValueError(
            "A loss compares masks (B, H, W), or candidates (B, M, H, W) with masks (B, H, W), "
            f"not {given}."
        )
    answer = at_least_float32(answer)
    masks = [mask.to(answer.dtype) for mask in masks]
    if answer.ndim == 4:
        masks = [mask[:, None] for mask in masks]
    return answer, masks[0], masks[1] if other is not None else None


def _mean(cost: Tensor, weight: Tensor | None) -> Tensor:
    """Return the weighted mean over pixels; 0 if all weights are 0."""
    if weight is None:
        return cost.mean(dim=(-2, -1))
    return (cost * weight).sum(dim=(-2, -1)) / weight.sum(dim=(-2, -1)).clamp_min(1)
