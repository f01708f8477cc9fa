"""GrowCut (Vezhnevets and Konouchine, GraphiCon 2005): two kinds of bacteria fight for the photo.

Every pixel is a cell with a label and a strength. The clicks' cells start at strength 1, all others
are empty. In each round a cell is attacked by its eight neighbours; an attack across an edge is
weak. A stronger attacker conquers the cell and leaves it with the strength of the attack. When no
cell falls any more, the labels are the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from tutorial_lib.classical.base import DiscSegmenter
from tutorial_lib.classical.graph_cut import OFFSETS, pair_slices, squared_differences
from tutorial_lib.classical.pixel_paths import PixelLinks, nearest_seed
from tutorial_lib.clicks import Clicks
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

# A path's length may grow by this much a step: among equally strong attackers the first one wins,
# and no difference in strength that matters is overturned.
ONE_STEP = 1e-9
# Strength left after an attack, by the squared colour difference as a share of its largest value.
Attack: TypeAlias = Literal["gaussian", "linear"]
ATTACKS: dict[Attack, Callable[[np.ndarray], np.ndarray]] = {
    "gaussian": lambda share: np.exp(-8 * share),
    "linear": lambda share: 1 - np.sqrt(share),
}


def attack_strengths(image: np.ndarray, kind: str = "gaussian") -> list[np.ndarray]:
    """Say what is left of an attacker's strength on its way to a neighbour.

    With ``x = |C_p - C_q| / (255 sqrt(3))``, the colour difference as a share of the largest
    there can be, ``g(x) = exp(-8 x^2)`` (gaussian) or ``g(x) = 1 - x`` (linear).

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    kind : {"gaussian", "linear"}
        The function g.

    Returns
    -------
    list of np.ndarray
        One ``float64`` array in [0, 1] for each of
        :data:`~tutorial_lib.classical.graph_cut.OFFSETS`.
    """
    shares = [square.astype(np.float64) / (3 * 255**2) for square in squared_differences(image)]
    return [ATTACKS[kind](share) for share in shares]


@dataclass(frozen=True, eq=False)
class Cells:
    """The automaton after some rounds.

    Parameters
    ----------
    label : np.ndarray
        ``(H, W) int8``: 1 object, -1 background, 0 nobody yet.
    strength : np.ndarray
        ``(H, W) float64`` in [0, 1].
    """

    label: np.ndarray
    strength: np.ndarray


def fight(cells: Cells, attacks: list[np.ndarray]) -> Cells:
    """Play one round, all cells at the same time.

    Parameters
    ----------
    cells : Cells
        The cells before the round.
    attacks : list of np.ndarray
        What :func:`attack_strengths` returned.

    Returns
    -------
    Cells
        The cells after the round; of equally strong attackers the first in order of offsets wins.
    """
    label, strength = cells.label.copy(), cells.strength.copy()
    for offset, attack in zip(OFFSETS, attacks, strict=True):
        first, second = pair_slices(*offset)
        for attacker, defender in ((first, second), (second, first)):
            force = attack * cells.strength[attacker]
            falls = force > strength[defender]
            strength[defender][falls] = force[falls]
            label[defender][falls] = cells.label[attacker][falls]
    return Cells(label, strength)


@dataclass(frozen=True, eq=False)
class GrowCutPrepared:
    """What GrowCut keeps of an image: the attacks between neighbours, and the same as lengths."""

    shape: tuple[int, int]
    attacks: list[np.ndarray]
    graph: csr_array


class GrowCut(DiscSegmenter):
    """The cellular automaton GrowCut, and a short cut to where it ends.

    After its last round a cell's strength is the largest product of attack strengths over all
    paths from the clicks,

    ``theta_p = max over paths of prod g(p_i, p_i+1) = exp(-min over paths of sum -log g)``,

    since a round does to products what a round of Bellman and Ford's algorithm does to sums. So
    Dijkstra's algorithm with lengths ``-log g`` finds the end at once; among equally strong
    paths the one of fewest steps arrives first and wins, as in the automaton.

    Parameters
    ----------
    attack : {"gaussian", "linear"}
        What is left of an attack, see :func:`attack_strengths`. The paper allows any decreasing g
        and tries the linear one, in which the noise of every step counts in full: far from a
        click it adds up to more than an edge.
    max_iterations : int, optional
        Stop the automaton after so many rounds, to see it at work. By default the answer is where
        it ends, found by shortest paths.
    radius : int
        Radius of the disc around each click, in pixels.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    The answer's ``probability`` is ``(1 + theta) / 2`` on the object and ``(1 - theta) / 2``
    elsewhere. A cell that nobody can reach (every path to it jumps from black to white) is not
    object. Where both kinds reach a cell equally strong after equally many rounds, the rules leave
    open who wins, and automaton and shortest paths may differ.

    References
    ----------
    Vezhnevets and Konouchine, "GrowCut": Interactive Multi-Label N-D Image Segmentation by
    Cellular Automata, GraphiCon 2005.
    """

    def __init__(
        self, attack: Attack = "gaussian", max_iterations: int | None = None, radius: int = 5
    ) -> None:
        super().__init__(radius)
        if attack not in ATTACKS:
            raise ValueError(f"attack is one of {', '.join(ATTACKS)}, not {attack!r}.")
        if max_iterations is not None and max_iterations < 1:
            raise ValueError(f"GrowCut needs at least 1 round, not {max_iterations}.")
        self.attack, self.max_iterations = attack, max_iterations

    def prepare(self, image: ImageLike) -> GrowCutPrepared:
        """Measure how strong each attack is; clicks change only where the fight begins.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        GrowCutPrepared
            To be handed to :meth:`segment` or :meth:`evolution`.
        """
        image = as_rgb(image)
        attacks = attack_strengths(image, self.attack)
        with np.errstate(divide="ignore"):  # an attack of strength 0 is a path of infinite length
            lengths = [ONE_STEP - np.log(attack) for attack in attacks]
        graph = PixelLinks(image.shape[:2]).graph(lengths)
        return GrowCutPrepared(image.shape[:2], attacks, graph)

    def evolution(self, prepared: GrowCutPrepared, clicks: Clicks) -> Iterator[Cells]:
        """Play the automaton round by round.

        Parameters
        ----------
        prepared : GrowCutPrepared
            What :meth:`prepare` returned.
        clicks : Clicks
            The clicks so far, all inside the image.

        Yields
        ------
        Cells
            The start, then the cells after each round, until no cell falls any more or
            ``max_iterations`` rounds are over.
        """
        yield from self._rounds(prepared, *clicks.discs(prepared.shape, self.radius))

    def _rounds(
        self, prepared: GrowCutPrepared, positive: np.ndarray, negative: np.ndarray
    ) -> Iterator[Cells]:
        label = positive.astype(np.int8) - negative
        cells, rounds = Cells(label, np.abs(label).astype(np.float64)), 0
        yield cells
        while rounds != self.max_iterations:
            before, cells, rounds = cells, fight(cells, prepared.attacks), rounds + 1
            if np.array_equal(cells.strength, before.strength):
                return
            yield cells

    def _segment(
        self, prepared: GrowCutPrepared, positive: np.ndarray, negative: np.ndarray
    ) -> Segmentation:
        if self.max_iterations is None:
            cells = _where_it_ends(prepared, positive, negative)
        else:
            *_, cells = self._rounds(prepared, positive, negative)
        probability = (1 + np.sign(cells.label) * cells.strength) / 2
        return Segmentation(probability, mask=cells.label == 1)


def _where_it_ends(prepared: GrowCutPrepared, positive: np.ndarray, negative: np.ndarray) -> Cells:
    """Return the cells after the automaton's last round, by shortest paths."""
    length, seed = nearest_seed(prepared.graph, positive | negative)
    reached = np.isfinite(length)
    of_object = positive.ravel()[np.where(reached, seed, 0)]
    label = np.where(reached, np.where(of_object, 1, -1), 0).astype(np.int8)
    return Cells(label, np.exp(-length))
