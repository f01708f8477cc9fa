"""What a network is trained to make small.

Every loss here is one number for each image of a batch, so that a batch's mean does not depend on
how its images are shared out among devices. Pixels that do not count are left out of every sum.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def relaxed_jaccard(probability: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Jaccard distance, relaxed so that soft masks have one too.

    ``l(A, B) = 1 - sum over p of min(A(p), B(p)) / sum over p of max(A(p), B(p))``

    For two binary masks this is exactly 1 - IoU. Unlike the mean over pixels, it weighs a small
    object as much as a large one.

    Parameters
    ----------
    probability : Tensor
        ``(B, H, W)`` float in [0, 1]: the answer.
    target : Tensor
        ``(B, H, W)`` float in [0, 1], or bool: the known mask.
    valid : Tensor, optional
        ``(B, H, W)`` bool: the pixels that count; all of them by default.

    Returns
    -------
    Tensor
        ``(B,)`` float in [0, 1]; 0 where both masks are empty.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Eq. 3.
    """
    _same_shape(probability, target, valid)
    target = target.to(probability.dtype)
    common, union = probability.minimum(target), probability.maximum(target)
    if valid is not None:
        common, union = common * valid, union * valid
    below = union.sum(dim=(1, 2))
    distance = 1 - common.sum(dim=(1, 2)) / below.clamp_min(1e-12)
    return distance.where(below > 0, below)  # two empty masks are equal


def binary_cross_entropy(logit: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Cross-entropy of object and background, the mean over the pixels that count.

    ``-log sigmoid(x)`` on the object and ``-log sigmoid(-x)`` beside it.

    Parameters
    ----------
    logit : Tensor
        ``(B, H, W)`` float: x, whose sigmoid is the probability of the object.
    target : Tensor
        ``(B, H, W)`` float in [0, 1], or bool: the known mask.
    valid : Tensor, optional
        ``(B, H, W)`` bool: the pixels that count; all of them by default.

    Returns
    -------
    Tensor
        ``(B,)`` float, at least 0; 0 where no pixel counts.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    _same_shape(logit, target, valid)
    cost = F.binary_cross_entropy_with_logits(logit, target.to(logit.dtype), reduction="none")
    if valid is None:
        return cost.mean(dim=(1, 2))
    return (cost * valid).sum(dim=(1, 2)) / valid.sum(dim=(1, 2)).clamp_min(1)


def _same_shape(answer: Tensor, target: Tensor, valid: Tensor | None) -> None:
    shapes = [tuple(t.shape) for t in (answer, target, valid) if t is not None]
    if answer.ndim != 3 or len(set(shapes)) > 1:
        given = " and ".join(map(str, shapes))
        raise ValueError(f"A loss compares masks of the same shape (B, H, W), not {given}.")
