"""Microsoft COCO: ten photos of each category, with one object each."""

from __future__ import annotations

import warnings
import zlib
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tutorial_lib.data import photo_files
from tutorial_lib.data.catalogue import DATASETS
from tutorial_lib.data.layouts.coco_objects import (
    MVAL,
    OBJECTS,
    PARTS,
    SEEN,
    CocoObjects,
)
from tutorial_lib.data.layouts.coco_records import Identity, Records, in_order
from tutorial_lib.data.layouts.dataset import Dataset, Entry, LayoutError, locate, one_of
from tutorial_lib.data.layouts.pairs import paired_folders
from tutorial_lib.data.layouts.run_lengths import area, decode, merge, run_lengths

FOLDS = ("all", "train", "held-out")
#: COCO's own validation photos are test photos here, so we hold out every fourth training photo in
#: the order of the file names.
QUARTER = 4
#: The annotations of training photos, the first one that exists.
_TRAINING = ("train2017", "train2014")
EMPTY, BROKEN = "empty", "broken"


class _Mask(NamedTuple):
    """A target and the crowd regions of its photo: ``(H, W)`` and run lengths."""

    size: tuple[int, int]
    target: bytes
    crowd: bytes | None
    upright: bool = False


class Coco(Dataset):
    """Random objects of COCO, equally many from each category.

    For each category, photos that show it are drawn without replacement. In each photo, one object
    of the category is drawn. The draw depends only on the seed and the category, so ``"seen"`` and
    ``"unseen"`` together have the same objects as ``"all"``. Crowd regions (``iscrowd``) are never
    targets; their pixels outside the target are ignored. Opening the dataset reads the annotations
    once and keeps the masks of the drawn objects, run-length encoded.

    A category may have fewer photos than ``per_category``. Then all of them are used. ``val2017``
    has fewer than ten photos each of hair driers and toasters. ``val2014`` has at least ten of
    every category.

    Parameters
    ----------
    root : Path
        The folder with ``annotations`` and the photos, in ``<split>`` or ``images``.
    split : str, optional
        Selects ``annotations/instances_<split>.json``. By default, val2017, then val2014, then the
        only file there is. ``"seen"`` and ``"unseen"`` mean the default file and this ``part``.
        ``"held-out"`` means this ``fold`` of train2017, of train2014, or of the default file.
    seed : int
        The seed of the draw of photos and objects.
    part : str
        ``"seen"`` for the 20 PASCAL categories, ``"unseen"`` for the other 60, or ``"all"``.
    per_category : int, optional
        The number of photos of each category. None takes every object of every photo.
    fold : str
        ``"held-out"`` for the 4th, 8th, 12th... photo of the annotation file in the order of the
        file names, ``"train"`` for the others, or ``"all"``. Training draws from ``"train"`` only,
        so that the photos that are held out can choose between networks.
    upright : bool, optional
        Whether to rotate photos by their EXIF orientation. True if the outlines were drawn on
        upright photos. By default, the sizes in the annotations decide. If both orientations fit,
        the photo is read upright and a warning names it.

    References
    ----------
    Lin et al., ECCV 2014. Xu et al., CVPR 2016, section 4.2 (seen and unseen categories); Li, Chen
    and Koltun, CVPR 2018, section 5.1 (the 800 objects).
    """

    def __init__(
        self,
        root: Path,
        split: str | None = None,
        seed: int = 0,
        part: str = "all",
        per_category: int | None = 10,
        fold: str = "all",
        upright: bool | None = None,
    ) -> None:
        if split in ("seen", "unseen"):
            split, part = None, split
        if split == "held-out":
            split, fold = training_split(root), split
        one_of("coco", "part", part, PARTS)
        one_of("coco", "fold", fold, FOLDS)
        if per_category is not None and per_category < 1:
            raise ValueError(f"At least 1 photo for each category, not {per_category}.")
        base = locate("coco", root, ("annotations",))
        super().__init__("coco", root, base)
        self.split = _split(base, split)
        path = base / "annotations" / f"instances_{self.split}.json"
        records = Records(path, self.broken)
        folder = _photo_folder(base, self.split, records.first_photo)
        numbers = enumerate(records.photo_ids, start=1)
        kept = {"all": (False, True), "train": (False,), "held-out": (True,)}[fold]
        photos = {image for number, image in numbers if (number % QUARTER == 0) in kept}
        sampler = _Sampler(records, part, photos, self.skipped, self.broken)
        entries = []
        for key, name, mask in sampler.draw(per_category, seed):
            with self._guarded(key):
                photo = f"{folder}/{name}"
                turned = self._decide(photo, mask.size, upright)
                entries.append(Entry(key, photo, mask._replace(upright=turned)))
        self._fill(entries)
        if self.notes:
            first, *others = self.notes.values()
            more = f" So it is with {len(others)} more." if others else ""
            warnings.warn(f"{first}{more}", stacklevel=3)

    def _decide(self, photo: str, size: tuple[int, int], upright: bool | None) -> bool:
        """Return whether to rotate a photo by its EXIF orientation."""
        path = self.base / photo
        if not path.is_file():
            return False
        stored, turned = photo_files.photo_size(path), photo_files.photo_size(path, upright=True)
        chosen = turned == size if upright is None else upright
        if (turned if chosen else stored) != size:
            raise ValueError(
                f"The photo {path} has {stored[1]} x {stored[0]} pixels but its annotations are "
                f"for {size[1]} x {size[0]}."
            )
        if upright is None and stored == turned and photo_files.photo_orientation(path) > 1:
            self.notes[photo] = (
                f"The photo {path} has an EXIF orientation, and its annotations fit it turned or "
                "not; it is read upright, unless load_dataset is told upright=False."
            )
        return chosen

    def truth(self, index: int) -> np.ndarray:
        """Decode the mask of an object without reading its photo.

        Parameters
        ----------
        index : int
            The example's number, from 0.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``: the object.
        """
        mask = self._entry_at(index).detail
        return decode(mask.size, mask.target)

    def _upright(self, entry: Entry) -> bool:
        return entry.detail.upright

    def _mask(self, entry: Entry) -> tuple[np.ndarray, np.ndarray | None]:
        size, target, crowd, _ = entry.detail
        truth = decode(size, target)
        ignore = None if crowd is None else decode(size, crowd) & ~truth
        return truth, ignore if ignore is not None and ignore.any() else None


def open_coco(
    root: Path,
    split: str | None = None,
    seed: int = 0,
    part: str = "all",
    per_category: int | None = 10,
    fold: str = "all",
    upright: bool | None = None,
) -> Dataset:
    """Open COCO with its annotation files, or as a folder with one object in each file.

    Parameters
    ----------
    root : Path
        The folder.
    split : str, optional
        As for :class:`Coco`, if the folder holds ``annotations``; else as for
        :class:`~tutorial_lib.data.layouts.coco_objects.CocoObjects`. ``"800-objects"`` always means
        the latter.
    seed, part, per_category, fold, upright
        As for :class:`Coco`. Without annotation files, every object is used, nothing is held out,
        and photos are read as they are stored.

    Returns
    -------
    Dataset
        A :class:`Coco` or a :class:`~tutorial_lib.data.layouts.coco_objects.CocoObjects`.
    """
    with_annotations = (root / "annotations").is_dir() or paired_folders(root, MVAL) is None
    if with_annotations and split != OBJECTS:
        return Coco(root, split, seed, part, per_category, fold, upright)
    one_of("coco", "fold", fold, ("all",))
    return CocoObjects(root, split, part)


class _Sampler:
    """Draws objects from the annotations; records those that are skipped or cannot be read."""

    def __init__(
        self,
        records: Records,
        part: str,
        photos: Container[Identity],
        skipped: dict[str, str],
        broken: dict[str, str],
    ) -> None:
        self._records, self._skipped, self._broken = records, skipped, broken
        self._crowds: dict[Identity, list[dict]] = defaultdict(list)
        self._categories: dict[Identity, dict] = {
            number: defaultdict(list)
            for number, name in records.categories.items()
            if part == "all" or (name in SEEN) == (part == "seen")
        }
        for annotation in records.annotations:
            image, category = annotation["image_id"], annotation["category_id"]
            if image not in photos:
                continue
            if annotation.get("iscrowd"):
                self._crowds[image].append(annotation)
            elif category in self._categories:
                self._categories[category][image].append(annotation)

    def draw(self, per_category: int | None, seed: int) -> Iterator[tuple[str, str, _Mask]]:
        for category in sorted(self._categories, key=in_order):
            photos = self._categories[category]
            if per_category is None:
                yield from self._every(photos)
            else:
                rng = np.random.default_rng([seed, _seed_of(category)])
                yield from self._some(photos, per_category, rng)

    def _every(self, photos: dict[Identity, list[dict]]) -> Iterator[tuple[str, str, _Mask]]:
        for image in sorted(photos, key=in_order):
            found = (self._object(annotation) for annotation in photos[image])
            yield from (one for one in found if isinstance(one, tuple))

    def _some(
        self, photos: dict[Identity, list[dict]], wanted: int, rng: np.random.Generator
    ) -> Iterator[tuple[str, str, _Mask]]:
        images = sorted(photos, key=in_order)
        for place in rng.permutation(len(images)):
            if not wanted:
                return
            candidates = photos[images[place]]
            for number in rng.permutation(len(candidates)):
                found = self._object(candidates[number])
                if found != EMPTY:  # an object that cannot be read counts as drawn
                    wanted -= 1
                    if isinstance(found, tuple):
                        yield found
                    break

    def _object(self, annotation: dict) -> tuple[str, str, _Mask] | str:
        """Return an object's id, photo and mask, or why there is none."""
        key, image = self._records.key(annotation), annotation["image_id"]
        try:
            name, size = self._records.photo(image)
            target = self._encode([annotation], size)
            if not area(size, target):
                where = f"The annotation {annotation['id']} in {self._records.path}"
                self._skipped[key] = f"{where} marks no pixel."
                return EMPTY
            crowds = self._crowds.get(image)
            return key, name, _Mask(size, target, crowds and self._encode(crowds, size))
        except ValueError as error:
            self._broken[key] = str(error)
            return BROKEN

    def _encode(self, annotations: Iterable[dict], size: tuple[int, int]) -> bytes:
        parts = []
        for annotation in annotations:
            try:
                parts += run_lengths(annotation.get("segmentation"), size)
            except ValueError as error:
                where = f"The annotation {annotation['id']} in {self._records.path}"
                raise ValueError(f"{where} {error}.") from error
        return merge(parts, size)


def _seed_of(category: Identity) -> int:
    whole = isinstance(category, int) and category >= 0
    return category if whole else zlib.crc32(str(category).encode())


def training_split(root: Path) -> str | None:
    """Return which annotations of training photos a folder holds.

    Parameters
    ----------
    root : Path
        The folder with ``annotations``.

    Returns
    -------
    str or None
        A ``split`` for :class:`Coco`. None, the default split, if the folder has neither
        train2017 nor train2014.
    """
    lists = root / "annotations"
    there = (name for name in _TRAINING if (lists / f"instances_{name}.json").is_file())
    return next(there, None)


def _split(base: Path, split: str | None) -> str:
    there = sorted(p.stem.partition("_")[2] for p in base.glob("annotations/instances_*.json"))
    if not there:
        raise LayoutError(
            f"The folder {base / 'annotations'} holds no instances_<split>.json; "
            f"{DATASETS['coco'].how_to_get(base)}."
        )
    usual = [name for name in ("val2017", "val2014") if name in there]
    if split is None and not usual and len(there) > 1:
        raise ValueError(f"Say which split of coco to read: {', '.join(there)}.")
    chosen = split or (usual or there)[0]
    one_of("coco", "split", chosen, (*there, "seen", "unseen", "held-out"))
    return chosen


def _photo_folder(base: Path, split: str, first: str) -> str:
    places = (split, f"images/{split}", "images")
    for place in places:
        if first and (base / place / first).is_file():
            return place
    for place in places:  # the first photo may be one that is left out
        if (base / place).is_dir():
            return place
    raise FileNotFoundError(
        f"The folder {base} has no folder {split} or images with the photos of coco; "
        f"{DATASETS['coco'].how_to_get(base)}."
    )
