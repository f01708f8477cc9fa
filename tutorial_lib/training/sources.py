"""Sources of training samples: one object and its neighbours, drawn from a dataset."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from tutorial_lib.data.catalogue import TEST_PHOTOS_IN_BSDS500
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.layouts.bsds import Bsds500
from tutorial_lib.data.layouts.clothing import BODY, ClothingCoParsing
from tutorial_lib.data.layouts.coco import Coco, training_split
from tutorial_lib.data.layouts.dataset import Dataset
from tutorial_lib.data.toy_world import toy_scene

#: Values of :attr:`TrainingScene.labels`. Other objects have the numbers from ``OTHERS`` on.
BACKGROUND, OBJECT, IGNORED, OTHERS = 0, 1, 2, 3
SMALLEST_PASTED = 0.002  # smallest visible share of the photo of an object to segment
MAX_OTHERS = 6  # each of them may get up to five clicks


@dataclass(frozen=True, eq=False)
class TrainingScene:
    """A photo, the object to segment, and other objects that negative clicks may lie on.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    labels : np.ndarray
        ``(H, W) uint8``: background, object, ignored, or the number of another object.
    """

    image: np.ndarray
    labels: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """The object, ``(H, W) bool``."""
        return self.labels == OBJECT


class Source(Protocol):
    """An endless supply of scenes. It can be pickled, for worker processes."""

    def draw(self, rng: np.random.Generator) -> TrainingScene:
        """Draw a scene. The same state of ``rng`` gives the same scene."""


class Photos:
    """Any dataset with one object per example: DUTS, a folder of your own, VOC, SBD.

    Parameters
    ----------
    dataset : Dataset
        What :func:`tutorial_lib.data.datasets.load_dataset` returns.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def draw(self, rng: np.random.Generator) -> TrainingScene:
        """Draw an example, all equally likely."""
        example = self.dataset[int(rng.integers(len(self.dataset)))]
        labels = example.truth.astype(np.uint8)
        if example.ignore is not None:
            labels[example.ignore] = IGNORED
        return TrainingScene(example.image, labels)


class Garments:
    """Clothing Co-Parsing: half of the scenes show a person, half a garment among others.

    Parameters
    ----------
    dataset : ClothingCoParsing
        The photos.
    """

    def __init__(self, dataset: ClothingCoParsing) -> None:
        self.dataset, self.stems = dataset, dataset.labelled
        self.body = [i for i, name in enumerate(dataset.label_names) if name in BODY]

    def draw(self, rng: np.random.Generator) -> TrainingScene:
        """Draw a photo, then the person or a garment; without garments, always the person."""
        stem = self.stems[int(rng.integers(len(self.stems)))]
        labels, image = self.dataset.label_map(stem), self.dataset.photo(stem)
        present = np.flatnonzero(np.bincount(labels.ravel()))
        garments = np.setdiff1d(present, [0, *self.body])
        if not len(garments) or rng.random() < 0.5:
            return TrainingScene(image, (labels > 0).astype(np.uint8))
        chosen = int(rng.choice(garments))
        return TrainingScene(
            image, _scene_labels(labels, [chosen], np.setdiff1d(present, [0, chosen]), rng)
        )


class Segments:
    """BSDS500: one segment of one annotator, or the union of a few neighbours.

    Parameters
    ----------
    dataset : Bsds500
        The photos.
    least, most : float
        Smallest and largest area of an object, as shares of the photo.
    union : float
        Share of the scenes in which up to three neighbours are added to the segment.
    """

    def __init__(
        self, dataset: Bsds500, least: float = 0.01, most: float = 0.5, union: float = 0.3
    ) -> None:
        self.dataset, self.least, self.most, self.union = dataset, least, most, union
        self.stems = tuple(dict.fromkeys(key.split("-")[0] for key in dataset.ids))

    def draw(self, rng: np.random.Generator) -> TrainingScene:
        """Draw a photo, an annotator and a segment of a suitable size."""
        image, readings = self.dataset.readings(self.stems[int(rng.integers(len(self.stems)))])
        shares, suitable = np.empty(0), np.empty(0, dtype=np.int64)
        while not len(suitable):  # each photo has at least one annotator with such a segment
            labels = readings[int(rng.integers(len(readings)))]
            shares = np.bincount(labels.ravel()) / labels.size
            suitable = np.flatnonzero((shares >= self.least) & (shares <= self.most))
        chosen = [int(rng.choice(suitable))]
        if rng.random() < self.union:
            self._add_neighbours(labels, shares, chosen, rng)
        others = np.setdiff1d(suitable, chosen)
        return TrainingScene(image, _scene_labels(labels, chosen, others, rng))

    def _add_neighbours(
        self, labels: np.ndarray, shares: np.ndarray, chosen: list[int], rng: np.random.Generator
    ) -> None:
        for _ in range(int(rng.integers(1, 4))):
            near = cv2.dilate(np.isin(labels, chosen).astype(np.uint8), np.ones((5, 5), np.uint8))
            beside = np.setdiff1d(np.unique(labels[near > 0]), chosen)
            room = self.most - shares[chosen].sum()
            fitting = beside[shares[beside] <= room]
            if not len(fitting):
                return
            chosen.append(int(rng.choice(fitting)))


class Instances:
    """COCO: one object of a photo, and other objects of the same photo.

    Parameters
    ----------
    dataset : Coco
        The photos, with every object (``per_category=None``).
    """

    def __init__(self, dataset: Coco) -> None:
        self.dataset = dataset
        groups: dict[Path, list[int]] = {}
        for index in range(len(dataset)):
            groups.setdefault(dataset.photo_file(index), []).append(index)
        self.photos = tuple(groups.values())

    def draw(self, rng: np.random.Generator) -> TrainingScene:
        """Draw a photo, then one of its objects. Crowd regions are ignored."""
        objects = self.photos[int(rng.integers(len(self.photos)))]
        chosen = int(rng.choice(objects))
        example = self.dataset[chosen]
        labels = np.zeros(example.truth.shape, dtype=np.uint8)
        others = rng.permutation([index for index in objects if index != chosen])[:MAX_OTHERS]
        masks = sorted((self.dataset.truth(index) for index in others), key=np.sum, reverse=True)
        for number, mask in enumerate(masks):  # small ones last, where all can be seen
            labels[mask] = OTHERS + number
        if example.ignore is not None:
            labels[example.ignore] = IGNORED
        labels[example.truth] = OBJECT
        return TrainingScene(example.image, labels)


class Collages:
    """Scenes with many known objects: objects of some photos, cut out and pasted into others.

    Most photos of DUTS show one large object. In everyday scenes objects are many, small, and in
    front of each other. Each scene here has two to five pasted objects. The object to segment is
    one of them, as far as it is visible, or now and then the object of the photo below.

    Parameters
    ----------
    dataset : Dataset
        Photos with one object per example.
    most : int
        Largest number of pasted objects.

    References
    ----------
    Ghiasi et al., Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation,
    CVPR 2021.
    """

    def __init__(self, dataset: Dataset, most: int = 5) -> None:
        self.dataset, self.most = dataset, most

    def draw(self, rng: np.random.Generator) -> TrainingScene:
        """Draw a photo, paste objects of other photos into it, and choose one of all."""
        below = self.dataset[int(rng.integers(len(self.dataset)))]
        image, owner = below.image.copy(), below.truth.astype(np.uint8)
        count = int(rng.integers(2, self.most + 1))
        for number in range(count):
            other = self.dataset[int(rng.integers(len(self.dataset)))]
            _paste(image, owner, number + 2, other.image, other.truth, rng)
        shares = np.bincount(owner.ravel(), minlength=count + 2) / owner.size
        shares[0] = 0
        shares[1] *= 0.5  # most often a pasted object, which is smaller
        visible = np.flatnonzero(shares >= SMALLEST_PASTED)
        if not len(visible):
            return TrainingScene(below.image, below.truth.astype(np.uint8))
        weights = np.where(visible == 1, 0.5, 1.0)
        chosen = int(rng.choice(visible, p=weights / weights.sum()))
        others = np.setdiff1d(visible, [chosen])
        return TrainingScene(image, _scene_labels(owner, [chosen], others, rng))


def _paste(
    image: np.ndarray,
    owner: np.ndarray,
    number: int,
    photo: np.ndarray,
    mask: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Paste an object at a random place and size, half of the time mirrored, in place."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return
    box = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    cut, alpha = photo[box], mask[box].astype(np.float32)
    if rng.random() < 0.5:
        cut, alpha = cut[:, ::-1], alpha[:, ::-1]
    # The longer side of the object is a tenth to a half of the photo's; small ones are likelier.
    side = max(owner.shape) * 0.1 * 5 ** rng.random()
    scale = min(side / max(alpha.shape), 1.5)
    size = max(2, round(alpha.shape[1] * scale)), max(2, round(alpha.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    cut = cv2.resize(np.ascontiguousarray(cut), size, interpolation=way)
    alpha = cv2.resize(np.ascontiguousarray(alpha), size, interpolation=way)
    height, width = alpha.shape
    top = int(rng.integers(-height // 4, max(1, owner.shape[0] - 3 * height // 4)))
    left = int(rng.integers(-width // 4, max(1, owner.shape[1] - 3 * width // 4)))
    rows_in = slice(max(0, top), min(owner.shape[0], top + height))
    cols_in = slice(max(0, left), min(owner.shape[1], left + width))
    part = (
        slice(rows_in.start - top, rows_in.stop - top),
        slice(cols_in.start - left, cols_in.stop - left),
    )
    alpha, cut = alpha[part], cut[part]
    place = image[rows_in, cols_in]
    share = alpha[..., None]
    place[:] = np.rint(share * cut + (1 - share) * place).astype(np.uint8)
    owner[rows_in, cols_in][alpha >= 0.5] = number


class Toys:
    """The toy world: every draw generates a new scene, and picks one of its objects.

    Parameters
    ----------
    size : tuple of int
        Height and width of the scenes, in pixels.
    """

    def __init__(self, size: tuple[int, int] = (96, 128)) -> None:
        self.size = size

    def draw(self, rng: np.random.Generator) -> TrainingScene:
        """Draw a scene; half of the time its main object, else any object or part."""
        scene = toy_scene(int(rng.integers(2**31)), self.size)
        name = scene.names[0] if rng.random() < 0.5 else str(rng.choice(scene.names))
        labels = scene.mask(name).astype(np.uint8)
        for number, other in enumerate(scene.others(name)[:MAX_OTHERS]):
            labels[other] = OTHERS + number
        return TrainingScene(scene.image, labels)


def unreadable_objects(sources: Iterable[Source]) -> list[str]:
    """Return one sentence for each object that could not be read when sources were opened."""
    datasets = [source.dataset for source in sources if hasattr(source, "dataset")]
    return [reason for found in datasets for reason in found.broken.values()]


def _scene_labels(
    labels: np.ndarray, chosen: list[int], others: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Turn a map of segments into ``TrainingScene.labels``, with a few of the other segments."""
    lookup = np.zeros(int(labels.max()) + 1, dtype=np.uint8)
    lookup[chosen] = OBJECT
    some = rng.permutation(others)[:MAX_OTHERS]
    lookup[some] = OTHERS + np.arange(len(some))
    return lookup[labels]


def _instances(folder: Path) -> Source:
    split = training_split(folder) or "train2017"  # validation photos are for tests
    return Instances(Coco(folder, split=split, fold="train", per_category=None))


def _photos(kind: str) -> Callable[[Path], Source]:
    return lambda folder: Photos(load_dataset(kind, folder))


_KINDS: dict[str, Callable[[Path], Source]] = {
    "duts": _photos("duts"),
    "folder": _photos("folder"),
    "collages": lambda folder: Collages(load_dataset("duts", folder)),
    "clothing-co-parsing": lambda folder: Garments(ClothingCoParsing(folder, split="train")),
    "bsds500": lambda folder: Segments(Bsds500(folder, exclude=TEST_PHOTOS_IN_BSDS500)),
    "voc": lambda folder: Photos(load_dataset("voc", folder, split="train")),
    "sbd": lambda folder: Photos(load_dataset("sbd", folder, split="train")),
    "coco": _instances,
}
TOY_WORLD = "toy-world"


@dataclass(frozen=True)
class MixturePart:
    """One source of a mixture, before it is opened.

    Parameters
    ----------
    kind : str
        The dataset's layout, or ``"toy-world"``.
    folder : str
        Its folder below ``--data``; the toy world has none.
    share : float
        Share of the samples.
    """

    kind: str
    folder: str
    share: float


def parse_mixture(text: str) -> tuple[MixturePart, ...]:
    """Read a mixture: ``kind:folder:share`` for each source, joined by commas.

    Parameters
    ----------
    text : str
        Such as ``"duts:duts-tr:0.6,folder:my-photos:0.4"``, or ``"toy-world::1"``.

    Returns
    -------
    tuple of MixturePart
        The sources.

    Raises
    ------
    ValueError
        If the text has another form, or if a kind is unknown.
    """
    parts = []
    for piece in text.split(","):
        kind, _, rest = piece.strip().partition(":")
        folder, _, share = rest.rpartition(":")  # a folder may hold a colon
        try:
            number = float(share)
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            raise ValueError(
                f"A source is written kind:folder:share, such as duts:duts-tr:0.55, not {piece!r}."
            )
        if kind not in _KINDS and kind != TOY_WORLD:
            raise ValueError(
                f"Samples come from {', '.join(_KINDS)} or {TOY_WORLD}; there is no {kind!r}."
            )
        parts.append(MixturePart(kind, folder, number))
    return tuple(parts)


def open_mixture(
    text: str, data: Path | None, size: tuple[int, int], renormalise: bool = False
) -> tuple[list[Source], np.ndarray]:
    """Open the sources of a mixture.

    Parameters
    ----------
    text : str
        See :func:`parse_mixture`.
    data : Path or None
        Folder of the datasets; None will do for the toy world.
    size : tuple of int
        Height and width of toy scenes.
    renormalise : bool
        Leave out sources whose folder is missing, and allow any sum of the shares.

    Returns
    -------
    sources : list of Source
        Opened: indices are read, photos are not.
    shares : np.ndarray
        ``(n,) float64``, of sum 1.

    Raises
    ------
    ValueError
        If shares do not sum to 1, or if photos are needed and there is no folder.
    FileNotFoundError
        If a folder is missing. The message says which, and how to get it.
    """
    parts = parse_mixture(text)
    if data is None and any(part.kind != TOY_WORLD for part in parts):
        raise ValueError("This recipe trains on photos: say where they are with --data DIR.")
    total = sum(part.share for part in parts)
    if not renormalise and not math.isclose(total, 1, abs_tol=1e-6):
        raise ValueError(
            f"The shares of the mixture sum to {total:g}, not to 1; correct them, or let them be "
            "scaled with --set renormalise=true."
        )
    if renormalise and data is not None:
        kept = [p for p in parts if p.kind == TOY_WORLD or (data / p.folder).is_dir()]
        if not kept:
            raise FileNotFoundError(
                f"None of {', '.join(p.folder for p in parts)} is a folder in {data}."
            )
        parts = tuple(kept)
    opened = [
        Toys(size) if part.kind == TOY_WORLD else _KINDS[part.kind](data / part.folder)
        for part in parts
    ]
    shares = np.array([part.share for part in parts])
    return opened, shares / shares.sum()
