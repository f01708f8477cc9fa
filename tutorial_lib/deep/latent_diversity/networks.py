"""f and g of Latent Diversity together: what is trained, one after the other, and stored as one.

F(X) = f_m(X),  m = argmax g(Z)        (Li et al., section 2)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from tutorial_lib.deep.latent_diversity.proposal import (
    Design,
    DiverseSegmentation,
    Encoder,
    encoder,
)
from tutorial_lib.deep.latent_diversity.selection import (
    SELECTORS,
    SelectionNetwork,
    selection_network,
)
from tutorial_lib.deep.weights import described, fill, open_weights


class Coupled(nn.Module):
    """f, perhaps with g beside it; one of them learns, the other one stays as it is.

    Parameters
    ----------
    f : DiverseSegmentation
        Proposes.
    g : SelectionNetwork, optional
        Selects. Without it, the first candidate counts as selected.
    learns : str
        ``"f"`` or ``"g"``.
    """

    def __init__(
        self, f: DiverseSegmentation, g: SelectionNetwork | None = None, learns: str = "f"
    ) -> None:
        super().__init__()
        self.f, self.g, self.learns = f, g, learns
        fixed = g if learns == "f" else f
        if fixed is not None:
            fixed.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> Self:
        """Switch the one that learns to training mode."""
        super().train(mode)
        fixed = self.g if self.learns == "f" else self.f
        if fixed is not None:
            fixed.eval()
        return self

    def features(self, *maps: Tensor) -> Tensor:
        """See :meth:`DiverseSegmentation.features`."""
        return self.f.features(*maps)

    def answer(self, features: Tensor, interaction: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`DiverseSegmentation.answer`."""
        return self.f.answer(features, interaction)

    def look(
        self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor
    ) -> tuple[Tensor, ...]:
        """See :meth:`SelectionNetwork.look`."""
        return self.g.look(image, interaction, hidden, logits)

    def score(self, *looked: Tensor) -> Tensor:
        """Score the candidates ``(B, M)``, from what :meth:`look` gathered."""
        return self.g(*looked)

    def scores(self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor) -> Tensor:
        """Score the candidates ``(B, M)``; without g, the earlier ones higher."""
        if self.g is None:
            count, heads = logits.shape[:2]
            return -torch.arange(heads, device=logits.device).float().expand(count, heads)
        return self.score(*self.look(image, interaction, hidden, logits))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return what is trained: f's logits from its inputs, or g's scores from what it saw."""
        return self.f(*inputs) if self.learns == "f" else self.g(*inputs)

    def metadata(self) -> dict[str, Any]:
        """Return what :func:`build` needs to know of the two, ready for JSON."""
        selector = None if self.g is None else self.g.name
        return {"design": self.f.design.to_dict(), "selector": selector}


def read(weights: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of weights, and what it says about itself.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`tutorial_lib.deep.weights.WEIGHTS`, or a file that training wrote.

    Returns
    -------
    state : dict of str to Tensor
        Weights, named ``f...`` and perhaps ``g...``.
    about : dict
        At least ``design`` and ``selector``.

    Raises
    ------
    ValueError
        If there are no such weights, or the file holds those of something else.
    FileNotFoundError
        If the file is missing.
    """
    state, about = open_weights(weights)
    if not {"design", "selector"} <= about.keys():
        raise ValueError(f"The weights {weights} are not those of Latent Diversity.")
    if not isinstance(about["design"], dict) or about["selector"] not in (None, *SELECTORS):
        raise ValueError(f"What the weights {weights} say of themselves is damaged.")
    design = described(about["design"], Design, weights).to_dict()
    if unknown := sorted(set(about["design"]) - set(design)):
        raise ValueError(
            f"The weights {weights} need a newer version, which knows: {unknown[0]!r}."
        )
    return state, about | {"design": design}


def load_networks(
    weights: str | Path = "latent-diversity", backbone: bool | str | Path = True, learns: str = "f"
) -> tuple[Encoder, Coupled, dict[str, Any]]:
    """Build the networks that a file of weights belongs to.

    Parameters
    ----------
    weights : str or Path
        See :func:`read`.
    backbone : bool, str or Path
        The backbone's weights; see :func:`tutorial_lib.deep.backbones.by_name.backbone`.
    learns : str
        See :class:`Coupled`.

    Returns
    -------
    encoder : Encoder
        On the CPU, frozen.
    networks : Coupled
        On the CPU, in evaluation mode.
    about : dict
        What is stored with the weights.

    Raises
    ------
    ValueError
        If there are no such weights, or the file holds those of something else.
    FileNotFoundError
        If a file is missing.
    ImportError, ConnectionError
        If the backbone's weights cannot be had.
    """
    state, about = read(weights)
    design = Design(**about["design"])
    eyes = encoder(design, backbone)
    f = DiverseSegmentation(design, eyes.levels)
    g = selection_network(about["selector"], f) if about["selector"] else None
    networks = Coupled(f, g, learns)
    fill(networks, state, f"The weights {weights} do not fit the network they name.")
    return eyes, networks.eval(), about
