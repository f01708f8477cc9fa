"""Losses for a network with several classes: one value for each image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

UNLABELLED = 255  # the label of pixels that are left out


def class_entropy(scores: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of the classes: the mean over the labelled pixels.

    Parameters
    ----------
    scores : Tensor
        ``(B, K, H, W)`` float: scores. Their softmax is the probability of each class.
    target : Tensor
        ``(B, H, W)`` integer: the class of each pixel, or 255 for an unlabelled pixel.

    Returns
    -------
    Tensor
        ``(B,)`` float, at least 0. An image without labelled pixels gives 0.

    Raises
    ------
    ValueError
        If the shapes do not match.
    """
    _fitting(scores, target)
    cost = F.cross_entropy(scores, target.long(), ignore_index=UNLABELLED, reduction="none")
    return cost.sum(dim=(1, 2)) / (target != UNLABELLED).sum(dim=(1, 2)).clamp_min(1)


def class_jaccard(probability: Tensor, target: Tensor) -> Tensor:
    """Relaxed Jaccard distance: the mean over the classes in an image.

    Each class counts equally: a small belt as much as the large street behind it. The loss
    therefore needs no weights for rare classes. It is
    :func:`tutorial_lib.deep.losses.relaxed_jaccard`, simplified for binary targets. Where the
    target is 1, the minimum is the probability and the maximum is 1. Where the target is 0, the
    minimum is 0 and the maximum is the probability.

    Parameters
    ----------
    probability : Tensor
        ``(B, K, H, W)`` float in [0, 1]: the softmax of the scores.
    target : Tensor
        ``(B, H, W)`` integer: the class of each pixel, or 255 for an unlabelled pixel.

    Returns
    -------
    Tensor
        ``(B,)`` float in [0, 1]. An image without labelled pixels gives 0.

    Raises
    ------
    ValueError
        If the shapes do not match.
    """
    _fitting(probability, target)
    counts = (target != UNLABELLED).to(probability.dtype)
    classes = target.long().where(target != UNLABELLED, 0)
    right = probability.gather(1, classes[:, None])[:, 0] * counts

    def by_class(values: Tensor) -> Tensor:
        sums = torch.zeros(probability.shape[:2], device=values.device, dtype=values.dtype)
        return sums.scatter_add(1, classes.flatten(1), values.flatten(1))

    common, area = by_class(right), by_class(counts)
    union = area + (probability * counts[:, None]).sum(dim=(2, 3)) - common
    distance = 1 - common / union.clamp_min(1e-12)
    shown = area > 0
    return (distance * shown).sum(dim=1) / shown.sum(dim=1).clamp_min(1)


def _fitting(answer: Tensor, target: Tensor) -> None:
    if answer.ndim != 4 or target.shape != (answer.shape[0], *answer.shape[2:]):
        raise ValueError(
            "This loss needs an answer (B, K, H, W) and a target (B, H, W), not "
            f"{tuple(answer.shape)} and {tuple(target.shape)}."
        )
