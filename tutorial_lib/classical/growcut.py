"""GrowCut (Vezhnevets and Konouchine, GraphiCon 2005): a cellular automaton on the photo.

Every pixel is a cell with a label and a strength. Clicked cells start with strength 1, all others
are empty. In each round every cell is attacked by its eight neighbours, and an attack across an
edge is weak. A stronger attacker conquers the cell, which takes the attacker's label and the
strength of the attack. The automaton stops when no cell changes; the labels are the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from tutorial_lib.classical.base import DiscSegmenter
from tutorial_lib.classical.neighbours import OFFSETS, pair_slices, squared_differences
from tutorial_lib.classical.pixel_paths import PixelLinks, nearest_seed
from tutorial_lib.clicks import Clicks
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

# Added to the length of each step: among equally strong attackers the nearest one wins. It is too
# small to change any other result.
ONE_STEP = 1e-9
START_STRENGTH = 0.9  # of a start mask's cells; a click's cells have strength 1
# Share of its strength that an attacker keeps, as a function of the squared colour difference. That
# difference is given as a share of the largest possible one.
Attack: TypeAlias = Literal["gaussian", "linear"]
ATTACKS: dict[Attack, Callable[[np.ndarray], np.ndarray]] = {
    "gaussian": lambda share: np.exp(-8 * share),
    "linear": lambda share: 1 - np.sqrt(share),
}


def attack_strengths(image: np.ndarray, kind: str = "gaussian") -> list[np.ndarray]:
    """Return the share of its strength that an attacker keeps on each link.

    With ``x = |C_p - C_q| / (255 sqrt(3))``, the colour difference as a share of the largest
    possible one, ``g(x) = exp(-8 x^2)`` (gaussian) or ``g(x) = 1 - x`` (linear).

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
        :data:`~tutorial_lib.classical.neighbours.OFFSETS`.
    """
    shares = [square.astype(np.float64) / (3 * 255**2) for square in squared_differences(image)]
    return [ATTACKS[kind](share) for share in shares]


@dataclass(frozen=True, eq=False)
class CellStates:
    """The state of all cells after some rounds.

    Parameters
    ----------
    label : np.ndarray
        ``(H, W) int8``: 1 object, -1 background, 0 empty.
    strength : np.ndarray
        ``(H, W) float64`` in [0, 1].
    """

    label: np.ndarray
    strength: np.ndarray


def attack(cells: CellStates, strengths: list[np.ndarray]) -> CellStates:
    """Play one round: every cell attacks its eight neighbours at the same time.

    Parameters
    ----------
    cells : CellStates
        The cells before the round.
    strengths : list of np.ndarray
        The result of :func:`attack_strengths`.

    Returns
    -------
    CellStates
        The cells after the round. Of equally strong attackers the first in order of offsets wins.
    """
    label, strength = cells.label.copy(), cells.strength.copy()
    for offset, kept in zip(OFFSETS, strengths, strict=True):
        first, second = pair_slices(*offset)
        for attacker, defender in ((first, second), (second, first)):
            force = kept * cells.strength[attacker]
            falls = force > strength[defender]
            strength[defender][falls] = force[falls]
            label[defender][falls] = cells.label[attacker][falls]
    return CellStates(label, strength)


@dataclass(frozen=True, eq=False)
class GrowCutPrepared:
    """What GrowCut computes once per image: attack strengths, and the same as path lengths."""

    shape: tuple[int, int]
    strengths: list[np.ndarray]
    graph: csr_array


class GrowCut(DiscSegmenter):
    """The cellular automaton GrowCut, and a shortcut to its last round.

    After the last round the strength of a cell is the largest product of attack strengths over all
    paths from the clicks,

    ``theta_p = max over paths of prod g(p_i, p_i+1) = exp(-min over paths of sum -log g)``,

    because a round treats products as a round of Bellman and Ford's algorithm treats sums. So
    Dijkstra's algorithm with lengths ``-log g`` finds the last state at once. Among equally strong
    paths the one of fewest steps arrives first and wins, as in the automaton.

    Parameters
    ----------
    attack : {"gaussian", "linear"}
        The function g, see :func:`attack_strengths`. The paper allows any decreasing g and uses the
        linear one. There the noise of every step counts in full, and far from a click it adds up
        to more than an edge.
    max_iterations : int, optional
        Run the automaton for this many rounds. By default the answer is its last state, found by
        shortest paths.
    radius : int
        Radius of the disc around each click, in pixels.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    ``probability`` is ``(1 + theta) / 2`` on the object and ``(1 - theta) / 2`` elsewhere. A cell
    that no attack reaches (every path to it has a step from black to white) is background. If
    both labels reach a cell in the same round with the same strength, the rules do not say which
    one wins, and automaton and shortest paths may differ.

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
        """Compute the attack strengths. Clicks change only the first state of the cells.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        GrowCutPrepared
            The argument of :meth:`segment` and :meth:`evolution`.
        """
        image = as_rgb(image)
        strengths = attack_strengths(image, self.attack)
        with np.errstate(divide="ignore"):  # a link of strength 0 has infinite length
            lengths = [ONE_STEP - np.log(kept) for kept in strengths]
        graph = PixelLinks(image.shape[:2]).graph(lengths)
        return GrowCutPrepared(image.shape[:2], strengths, graph)

    def evolution(self, prepared: GrowCutPrepared, clicks: Clicks) -> Iterator[CellStates]:
        """Run the automaton round by round.

        Parameters
        ----------
        prepared : GrowCutPrepared
            The result of :meth:`prepare`.
        clicks : Clicks
            The clicks so far, all inside the image.

        Yields
        ------
        CellStates
            The first state, then the state after each round, until no cell changes or
            ``max_iterations`` rounds are over.
        """
        yield from self._rounds(prepared, *clicks.discs(prepared.shape, self.radius))

    def _rounds(
        self,
        prepared: GrowCutPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        start: np.ndarray | None = None,
    ) -> Iterator[CellStates]:
        label = positive.astype(np.int8) - negative
        cells, rounds = _over_start(CellStates(label, np.abs(label).astype(np.float64)), start), 0
        yield cells
        while rounds != self.max_iterations:
            before, cells, rounds = cells, attack(cells, prepared.strengths), rounds + 1
            if np.array_equal(cells.strength, before.strength):
                return
            yield cells

    def _segment(
        self,
        prepared: GrowCutPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        start: np.ndarray | None,
    ) -> Segmentation:
        if self.max_iterations is None:
            cells = _over_start(_last_state(prepared, positive, negative), start)
        else:
            *_, cells = self._rounds(prepared, positive, negative, start)
        probability = (1 + np.sign(cells.label) * cells.strength) / 2
        return Segmentation(probability, mask=cells.label == 1)


def _over_start(cells: CellStates, start: np.ndarray | None) -> CellStates:
    """Give each cell that is weaker than a start mask the label and the strength of that mask.

    Every cell of a start mask is equally strong, so that none conquers another one.
    """
    if start is None:
        return cells
    weaker = cells.strength < START_STRENGTH
    label = np.where(weaker, np.where(start, 1, -1), cells.label).astype(np.int8)
    return CellStates(label, np.where(weaker, START_STRENGTH, cells.strength))


def _last_state(
    prepared: GrowCutPrepared, positive: np.ndarray, negative: np.ndarray
) -> CellStates:
    """Return the state after the last round, by shortest paths."""
    length, seed = nearest_seed(prepared.graph, positive | negative)
    reached = np.isfinite(length)
    of_object = positive.ravel()[np.where(reached, seed, 0)]
    label = np.where(reached, np.where(of_object, 1, -1), 0).astype(np.int8)
    return CellStates(label, np.exp(-length))
