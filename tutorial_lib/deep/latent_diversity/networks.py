"""f and g of Latent Diversity together. They are trained in turn and stored in one file.

F(X) = f_m(X),  m = argmax g(Z)        (Li et al., section 2)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from tutorial_lib.deep.latent_diversity.proposal import (
    Design,
    DiverseSegmentation,
    Encoder,
    make_encoder,
    proposal_network,
)
from tutorial_lib.deep.latent_diversity.selection import (
    SELECTORS,
    SelectionNetwork,
    ViewSelection,
    selection_network,
)
from tutorial_lib.deep.weights import described, fill, open_weights


class ProposeAndSelect(nn.Module):
    """f, with or without g. One of the two is trained, or both.

    Parameters
    ----------
    f : DiverseSegmentation
        Proposes M candidates.
    g : SelectionNetwork, optional
        Selects one of them. Without g, the first candidate is selected.
    trained : str
        ``"f"``, ``"g"`` or ``"both"``. The other one is frozen.
    encoder : Encoder, optional
        A learned encoder. It is trained and stored with f.
    """

    def __init__(
        self,
        f: DiverseSegmentation,
        g: SelectionNetwork | None = None,
        trained: str = "f",
        encoder: Encoder | None = None,
    ) -> None:
        super().__init__()
        self.f, self.g, self.trained, self.encoder = f, g, trained, encoder
        for network in self._frozen:
            network.requires_grad_(False)
        self.train()

    @property
    def _frozen(self) -> list[nn.Module]:
        frozen = {"f": [self.g], "g": [self.f, self.encoder], "both": []}[self.trained]
        return [network for network in frozen if network is not None]

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode. The frozen network stays in evaluation mode.

        Parameters
        ----------
        mode : bool
            False switches to evaluation mode.

        Returns
        -------
        ProposeAndSelect
            This object.
        """
        super().train(mode)
        for network in self._frozen:
            network.eval()
        return self

    def features(self, *maps: Tensor) -> tuple[Tensor, ...]:
        """See :meth:`DiverseSegmentation.features`."""
        return self.f.features(*maps)

    def answer(self, features: Sequence[Tensor], interaction: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`DiverseSegmentation.answer`."""
        return self.f.answer(features, interaction)

    def scores(self, image: Tensor, interaction: Tensor, hidden: Tensor, logits: Tensor) -> Tensor:
        """Score the candidates.

        Parameters
        ----------
        image, interaction, hidden, logits : Tensor
            See :meth:`SelectionNetwork.gather`.

        Returns
        -------
        Tensor
            ``(B, M)``: g's scores. Without g, the scores fall from the first to the last candidate.
        """
        if self.g is None:
            count, heads = logits.shape[:2]
            return -torch.arange(heads, device=logits.device).float().expand(count, heads)
        return self.g(*self.g.gather(image, interaction, hidden, logits))

    @property
    def compares_views(self) -> bool:
        """Whether g can choose between the candidates of several views."""
        return isinstance(self.g, ViewSelection)

    def scores_and_evidence(
        self,
        image: Tensor,
        interaction: Tensor,
        hidden: Tensor,
        logits: Tensor,
        share: float | Sequence[float],
        cost: Tensor | float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """Score the candidates of some of several views.

        Parameters
        ----------
        image, interaction, hidden, logits : Tensor
            See :meth:`SelectionNetwork.gather`.
        share : float or sequence of float
            See :meth:`ViewSelection.gather`.
        cost : Tensor or float
            ``(B, M)``: what is taken from the logarithm of each candidate's probability.

        Returns
        -------
        scores : Tensor
            ``(B, M)``.
        evidence : Tensor
            ``(B,)``: the logarithm of the probability of all candidates of the view together, up to
            a constant that is the same for all views.
        """
        gathered = self.g.gather(image, interaction, hidden, logits, share)
        beliefs = self.g.beliefs(*gathered) - cost
        return self.g.scores(beliefs, *gathered), beliefs.logsumexp(dim=1)

    def forward(self, *inputs: Tensor, beliefs: bool = False) -> Tensor:
        """Return the output of the trained network: the logits of f, or the scores of g.

        ``beliefs`` returns the beliefs of a g that compares views instead of its scores.
        """
        if beliefs:
            return self.g.beliefs(*inputs)
        return self.g(*inputs) if self.trained == "g" else self.f(*inputs)

    def metadata(self) -> dict[str, Any]:
        """Return the description that :func:`load_networks` needs to build both networks.

        Returns
        -------
        dict
            Ready for JSON.
        """
        selector = None if self.g is None else self.g.name
        return {"design": self.f.design.to_dict(), "selector": selector}


def open_networks(weights: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of weights and its metadata.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`tutorial_lib.deep.weights.WEIGHTS`, or a file that training wrote.

    Returns
    -------
    state : dict of str to Tensor
        The weights. Their names begin with ``f.`` or ``g.``.
    about : dict
        The metadata: at least ``design`` and ``selector``.

    Raises
    ------
    ValueError
        If there are no such weights, or if they belong to another method.
    FileNotFoundError
        If the file is missing.
    """
    state, about = open_weights(weights)
    if not {"design", "selector"} <= about.keys():
        raise ValueError(f"The weights {weights} are not those of Latent Diversity.")
    if not isinstance(about["design"], dict) or about["selector"] not in (None, *SELECTORS):
        raise ValueError(f"The metadata of the weights {weights} is damaged.")
    design = described(about["design"], Design, weights).to_dict()
    if unknown := sorted(set(about["design"]) - set(design)):
        raise ValueError(
            f"The weights {weights} need a newer version of this package: {unknown[0]!r} is "
            "unknown here."
        )
    return state, about | {"design": design}


def load_networks(
    weights: str | Path = "latent-diversity", backbone: bool | str | Path = True, trained: str = "f"
) -> tuple[Encoder, ProposeAndSelect, dict[str, Any]]:
    """Build encoder, f and g from a file of weights.

    Parameters
    ----------
    weights : str or Path
        See :func:`open_networks`.
    backbone : bool, str or Path
        The backbone's weights; see :func:`tutorial_lib.deep.backbones.by_name.backbone`.
    trained : str
        See :class:`ProposeAndSelect`.

    Returns
    -------
    encoder : Encoder
        On the CPU, frozen.
    networks : ProposeAndSelect
        On the CPU, in evaluation mode.
    about : dict
        The metadata of the weights.

    Raises
    ------
    ValueError
        If there are no such weights, or if they belong to another method.
    FileNotFoundError
        If a file is missing.
    ImportError, ConnectionError
        If the backbone's weights are not on this computer and cannot be downloaded.
    """
    state, about = open_networks(weights)
    design = Design(**about["design"])
    encoder = make_encoder(design, backbone and not design.learned)
    f = proposal_network(design, encoder.levels)
    g = selection_network(about["selector"], f) if about["selector"] else None
    networks = ProposeAndSelect(f, g, trained, encoder if design.learned else None)
    fill(networks, state, f"The weights {weights} do not fit the network that they name.")
    return encoder, networks.eval(), about
