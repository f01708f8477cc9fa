"""Synthetic scenes with a mask for every meaning of a click, such as a door and its house.

A click on a door may mean the door, the front or the whole house. One click cannot tell which
(Latent Diversity, section 1). Photos with all such masks are rare. This module draws scenes with
all masks from a seed, in any number and size.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tutorial_lib.data.layouts.dataset import Dataset, Entry, Example
from tutorial_lib.data.toys import backdrops, built, companions, food, grown
from tutorial_lib.data.toys.canvas import Layer, layers, owners, painted
from tutorial_lib.data.toys.strokes import Pen

LEAST_SIDE = 48
_Draw = Callable[[Pen], str]  # declares and draws a thing; returns its name
_Backdrop = Callable[[Pen], float]  # returns the row on which things stand


@dataclass(frozen=True)
class _Kind:
    """A main thing: its height relative to the picture's shorter side, and its backdrops."""

    draw: _Draw
    tall: tuple[float, float]
    wide: float  # relative to its own height
    backdrops: tuple[_Backdrop, ...]


_KINDS = {
    "house": _Kind(built.house, (0.58, 0.72), 1.35, (backdrops.outdoors,)),
    "person": _Kind(grown.person, (0.72, 0.88), 0.6, (backdrops.outdoors, backdrops.room)),
    "car": _Kind(built.car, (0.52, 0.64), 1.6, (backdrops.outdoors,)),
    "meal": _Kind(food.meal, (0.72, 0.86), 1.0, (backdrops.table,)),
    "plant": _Kind(grown.plant, (0.72, 0.9), 0.9, (backdrops.room,)),
    "boat": _Kind(built.boat, (0.66, 0.85), 1.05, (backdrops.sea,)),
    "butterfly": _Kind(grown.butterfly, (0.62, 0.85), 1.1, (backdrops.flower_bed,)),
}
# The possible companions on each backdrop, and their heights relative to a main thing of height 1.
_COMPANY: dict[_Backdrop, dict[_Draw, tuple[float, float]]] = {
    backdrops.outdoors: {
        companions.tree: (0.8, 1.2),
        companions.bush: (0.25, 0.4),
        companions.ball: (0.15, 0.22),
        grown.person: (0.55, 0.7),
    },
    backdrops.room: {
        companions.lamp: (0.75, 1.0),
        companions.ball: (0.15, 0.24),
        grown.plant: (0.4, 0.55),
    },
    backdrops.table: {
        companions.cup: (0.32, 0.4),
        companions.fork: (0.75, 0.95),
        companions.flower: (0.2, 0.3),
    },
    backdrops.sea: {companions.buoy: (0.3, 0.45)},
    backdrops.flower_bed: {companions.flower: (0.35, 0.55)},
}
_LYING = {backdrops.table, backdrops.flower_bed}  # seen from above


@dataclass(frozen=True, eq=False)
class ToyScene:
    """A picture and a mask for every possible meaning of a click.

    Every named part has its own mask. The mask of a part lies completely inside the mask of its
    whole: a whole consists of its visible parts and its own visible pixels. If a thing hides
    another one, the hidden pixels belong to the thing in front.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    owner : np.ndarray
        ``(H, W) uint8``: for each pixel, 1 + the index in ``names`` of the smallest part that it
        belongs to, or 0 for the background.
    parents : dict of str to str or None
        The whole that each part belongs to. None for a whole thing. Each whole comes before its
        parts.
    kind : str
        The main thing, which is the first of ``names``.
    seed : int
        The seed of the scene.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, section 1.
    """

    image: np.ndarray
    owner: np.ndarray
    parents: dict[str, str | None]
    kind: str
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """All things and parts. The main thing is first; each whole comes before its parts."""
        return tuple(self.parents)

    @property
    def things(self) -> tuple[str, ...]:
        """The names of whole things."""
        return tuple(name for name, parent in self.parents.items() if parent is None)

    def parts(self, name: str) -> tuple[str, ...]:
        """Return the direct parts of a thing or part.

        Parameters
        ----------
        name : str
            A name in the scene.

        Returns
        -------
        tuple of str
            The names of the parts.

        Raises
        ------
        ValueError
            If the scene has no such name.
        """
        self._check(name)
        return tuple(part for part, parent in self.parents.items() if parent == name)

    def mask(self, name: str) -> np.ndarray:
        """Return the mask of a thing or part.

        Parameters
        ----------
        name : str
            A name in the scene.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``.

        Raises
        ------
        ValueError
            If the scene has no such name. The message lists its names.
        """
        self._check(name)
        mine = [False] + [name in _path(other, self.parents) for other in self.names]
        return np.array(mine)[self.owner]

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """All masks by name, ``(H, W) bool`` each. Each whole comes before its parts."""
        return {name: self.mask(name) for name in self.names}

    def readings(self, row: int, col: int) -> list[str]:
        """Return what a click may mean, from the smallest part to the whole thing.

        Parameters
        ----------
        row, col : int
            The clicked pixel.

        Returns
        -------
        list of str
            Names for :meth:`mask`. Empty on the background.

        Raises
        ------
        ValueError
            If the pixel lies outside the picture.
        """
        height, width = self.owner.shape
        if not (0 <= row < height and 0 <= col < width):
            raise ValueError(
                f"The picture has rows 0 to {height - 1} and columns 0 to {width - 1}; there is no "
                f"pixel ({row}, {col})."
            )
        number = int(self.owner[row, col])
        return _path(self.names[number - 1], self.parents) if number else []

    def others(self, name: str) -> list[np.ndarray]:
        """Return the other objects, the negative objects of training (DOS, section 3.2).

        For a whole thing, these are the other things. For a part, these are also the other parts of
        every whole that contains it. For a door, these are the windows, the roof, and the tree
        beside the house.

        Parameters
        ----------
        name : str
            The object that the user wants.

        Returns
        -------
        list of np.ndarray
            ``(H, W) bool`` masks. No two of them overlap, and none overlaps with ``name``.

        Raises
        ------
        ValueError
            If the scene has no such name.
        """
        self._check(name)
        path = _path(name, self.parents)
        wholes = {self.parents[step] for step in path}
        beside = [n for n, whole in self.parents.items() if whole in wholes and n not in path]
        return [self.mask(other) for other in beside]

    def _check(self, name: str) -> None:
        if name not in self.parents:
            raise ValueError(f"This scene shows {', '.join(self.names)}; there is no {name!r}.")


def toy_kinds() -> list[str]:
    """Return the kinds of scenes that :func:`toy_scene` draws.

    Returns
    -------
    list of str
        The names of the main things.
    """
    return list(_KINDS)


def toy_scene(
    seed: int = 0, size: tuple[int, int] = (192, 256), kind: str | None = None
) -> ToyScene:
    """Draw a scene.

    Parameters
    ----------
    seed : int
        A whole number from 0. The same seed, size and kind give the same scene.
    size : tuple of int
        Height and width in pixels, each at least 48.
    kind : str, optional
        The main thing, one of :func:`toy_kinds`. By default, successive seeds take the kinds in
        turn.

    Returns
    -------
    ToyScene
        The main thing, and in most scenes something beside, in front of or behind it.

    Raises
    ------
    ValueError
        If the size or the seed is too small, or if there is no such kind.

    Examples
    --------
    >>> scene = toy_scene(seed=3, kind="house")
    >>> [part for part in scene.parts("house") if scene.mask(part).sum() > 1000]
    ['roof', 'front']
    """
    pen, chosen = _plan(seed, size, kind)
    drawn = layers(pen.strokes, size)
    owner, parents = _visible(drawn, pen.parents, chosen, size)
    return ToyScene(painted(drawn, size, seed), owner, parents, chosen, seed)


class ToyWorld(Dataset):
    """Scenes as a dataset for robots and benchmarks, with one example for each reading of a scene.

    Scenes are not stored. A scene is drawn when one of its examples is read. For an endless supply
    of training scenes, call :func:`toy_scene` with new seeds instead.

    Parameters
    ----------
    n : int
        The number of scenes. There are about twelve times as many examples.
    size : tuple of int
        Height and width in pixels, each at least 48.
    seed : int
        A whole number from 0. Datasets with different seeds share no scene if each has at most a
        million scenes.
    kind : str, optional
        Draw only scenes of this kind.

    Raises
    ------
    ValueError
        If a number is too small, or if there is no such kind.

    Examples
    --------
    >>> world = ToyWorld(n=2, size=(96, 128))
    >>> world[0].truth.shape
    (96, 128)
    """

    def __init__(
        self,
        n: int = 100,
        size: tuple[int, int] = (192, 256),
        seed: int = 0,
        kind: str | None = None,
    ) -> None:
        if n < 1:
            raise ValueError(f"A toy world has at least one scene, not {n}.")
        _check(seed, size, kind)
        root = Path(f"{kind or 'all'}-{size[0]}x{size[1]}-seed-{seed}")
        super().__init__("toy-world", root, root)
        self.size, self.seed, self.kind, self.scene_count = tuple(size), seed, kind, n
        entries = []
        for number in range(n):
            pen, chosen = _plan(self._seed_of(number), self.size, kind)
            drawn = layers((s for s in pen.strokes if s.part is not None), self.size)
            for name in _visible(drawn, pen.parents, chosen, self.size)[1]:
                label = f"{number:04d}-{chosen}"
                entries.append(Entry(f"{label}.{name}", label, (number, name)))
        self._entries = tuple(entries)

    def scene(self, number: int) -> ToyScene:
        """Draw one of the scenes, with all its masks.

        Parameters
        ----------
        number : int
            The scene's number, from 0. Negative numbers count from the end.

        Returns
        -------
        ToyScene
            The same scene for the same number and seed.

        Raises
        ------
        IndexError
            If there is no such scene.
        """
        index = operator.index(number)
        if not -self.scene_count <= index < self.scene_count:
            raise IndexError(
                f"The toy world has {self.scene_count} scenes; there is no number {index}."
            )
        return toy_scene(self._seed_of(index % self.scene_count), self.size, self.kind)

    def __repr__(self) -> str:
        return f"<toy-world: {len(self)} examples in {self.scene_count} scenes>"

    def _seed_of(self, number: int) -> int:
        return self.seed * 1_000_000 + number

    def _read(self, entry: Entry) -> Example:
        number, name = entry.detail
        scene = self.scene(number)
        return Example(entry.id, scene.image, scene.mask(name))

    def _mask(self, entry: Entry) -> tuple[np.ndarray, None]:
        return self._read(entry).truth, None


def _check(seed: int, size: tuple[int, int], kind: str | None) -> None:
    if len(size) != 2 or min(size) < LEAST_SIDE:
        raise ValueError(
            f"A toy scene has a height and a width of at least {LEAST_SIDE} pixels, not {size!r}."
        )
    if operator.index(seed) < 0:
        raise ValueError(f"A seed is a whole number from 0, not {seed}.")
    if kind is not None and kind not in _KINDS:
        raise ValueError(f"The kinds of toy scenes are {', '.join(_KINDS)}; there is no {kind!r}.")


def _plan(seed: int, size: tuple[int, int], kind: str | None) -> tuple[Pen, str]:
    """Plan the strokes of a scene without drawing pixels; return the pen and the kind."""
    _check(seed, size, kind)
    rng = np.random.default_rng([seed, 0])
    chosen = kind or list(_KINDS)[seed % len(_KINDS)]
    short = min(size)
    pen = Pen(rng, size[0] / short, size[1] / short, palette=[])
    pen.palette += [pen.hue() for _ in range(4)] + [pen.hue((0, 1), (0.02, 0.25), (0.25, 0.95))]
    _compose(pen, _KINDS[chosen])
    return pen, chosen


def _compose(pen: Pen, kind: _Kind) -> None:
    """Draw the backdrop, the companions behind, the main thing, and the companions in front."""
    backdrop = kind.backdrops[int(pen.rng.integers(len(kind.backdrops)))]
    ground, lying = backdrop(pen), backdrop in _LYING
    tall = min(pen.between(*kind.tall), 0.92 * pen.width / kind.wide)
    col = pen.width / 2 + pen.between(-0.5, 0.5) * max(0.0, pen.width - tall * kind.wide)
    row = ground if lying else min(max(ground, tall * 1.06 + 0.02), pen.height - 0.03)
    company = [draw for draw in _COMPANY[backdrop] if draw is not kind.draw]
    number = min(len(company), int(pen.rng.choice(3, p=[0.2, 0.55, 0.25])))
    chosen = [company[index] for index in pen.rng.permutation(len(company))[:number]]
    behind = [pen.chance(0.5) for _ in chosen]
    extent = tall, tall * kind.wide
    for draw in (draw for draw, back in zip(chosen, behind, strict=True) if back):
        _accompany(pen, draw, backdrop, (row - 0.035, col), extent)
    pen.stand(row, col, tall, pen.chance(0.5), pen.between(-0.6, 0.6) if lying else 0.0)
    kind.draw(pen)
    for draw in (draw for draw, back in zip(chosen, behind, strict=True) if not back):
        _accompany(pen, draw, backdrop, (row + 0.04, col), extent)


def _accompany(
    pen: Pen,
    draw: _Draw,
    backdrop: _Backdrop,
    place: tuple[float, float],
    extent: tuple[float, float],
) -> None:
    """Draw a companion beside the main thing, or slightly over it if there is no room."""
    size = extent[0] * pen.between(*_COMPANY[backdrop][draw])
    side = -1 if pen.chance(place[1] / pen.width) else 1
    away = pen.between(0.3, 0.5) * extent[1] + pen.between(0.1, 0.4) * size
    col = min(max(place[1] + side * away, 0.3 * size), pen.width - 0.3 * size)
    if backdrop in _LYING:
        row = place[0] + pen.between(-0.3, 0.3)
        pen.stand(row, col, size, pen.chance(0.5), pen.between(-0.3, 0.3))
    else:
        pen.stand(place[0], col, size, pen.chance(0.5))
    draw(pen)


def _visible(
    drawn: list[Layer], parents: dict[str, str | None], kind: str, size: tuple[int, int]
) -> tuple[np.ndarray, dict[str, str | None]]:
    """Find each pixel's owner, and drop the parts that are not visible.

    A part that is too small to be clicked, or as large as its whole, is merged into its whole. So
    all readings have different masks. A thing that is too small becomes background.
    """
    names = list(parents)
    owner = owners(drawn, {name: i for i, name in enumerate(names, 1)}, size)
    area = np.bincount(owner.ravel(), minlength=len(names) + 1)[1:]
    pixels = dict(zip(names, area.tolist(), strict=True))
    least = max(6, owner.size // 6000)
    kept = _seen(parents, pixels, least)
    goes = np.zeros(len(names) + 1, dtype=np.uint8)
    ordered = sorted(kept, key=lambda n: _path(n, kept)[-1] != kind)
    for number, name in enumerate(names, 1):
        step: str | None = name
        while step is not None and step not in kept:
            step = parents[step]
        goes[number] = ordered.index(step) + 1 if step else 0
    return goes[owner], {name: kept[name] for name in ordered}


def _seen(
    parents: dict[str, str | None], pixels: dict[str, int], least: int
) -> dict[str, str | None]:
    """Return the tree of the parts that are kept."""
    total = dict.fromkeys(parents, 0)
    for name, count in pixels.items():
        for step in _path(name, parents):
            total[step] += count
    kept: dict[str, str | None] = {}
    for name, parent in parents.items():  # each whole comes before its parts
        while parent is not None and parent not in kept:
            parent = parents[parent]
        whole = None if parent is None else total[parent]
        if total[name] >= least and total[name] != whole:
            kept[name] = parent
    return kept


def _path(name: str, parents: dict[str, str | None]) -> list[str]:
    """Return a part, its whole, and so on up to the whole thing."""
    path = [name]
    while (parent := parents[path[-1]]) is not None:
        path.append(parent)
    return path
