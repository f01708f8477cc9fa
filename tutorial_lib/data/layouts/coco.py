"""Microsoft COCO: ten photos for each category, and one object of it in each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tutorial_lib.data.catalogue import DATASETS
from tutorial_lib.data.layouts.base import Dataset, Entry, locate, one_of
from tutorial_lib.data.layouts.run_lengths import area, decode, run_lengths, union

#: COCO's names of the 20 PASCAL VOC categories, on which the networks of both papers were trained.
SEEN = frozenset(
    ("airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "couch")
    + ("cow", "dining table", "dog", "horse", "motorcycle", "person", "potted plant", "sheep")
    + ("train", "tv")
)
PARTS = ("all", "seen", "unseen")


class _Mask(NamedTuple):
    """A target and its photo's crowd regions, run-length encoded: ``(H, W)`` and the counts."""

    size: tuple[int, int]
    target: bytes
    crowd: bytes | None


class Coco(Dataset):
    """Objects of COCO, drawn evenly over the categories.

    For each category, photos that show it are drawn without replacement, and one object of the
    category in each photo. The draw depends on the seed and the category alone, so both parts are
    made of what the whole is made of. Crowd regions (``iscrowd``) are never targets; outside the
    target their pixels are ignored. Opening it reads the annotations once and keeps the masks it
    needs, run-length encoded.

    A category with fewer photos than asked for gives what it has: ``val2017`` shows hair driers
    and toasters on fewer than ten photos each, ``val2014`` shows every category often enough.

    Parameters
    ----------
    root : Path
        The folder with ``annotations`` and the photos, in ``<split>`` or ``images``.
    split : str, optional
        Which ``annotations/instances_<split>.json``; without it val2017, val2014, or the only one.
        ``"seen"`` and ``"unseen"`` are short for that and the ``part``.
    seed : int
        Draws photos and objects.
    part : str
        ``"seen"`` for the 20 PASCAL categories, ``"unseen"`` for the other 60, or ``"all"``.
    per_category : int, optional
        How many photos for each category; None for every object of every photo.

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
    ) -> None:
        if split in ("seen", "unseen"):
            split, part = None, split
        one_of("coco", "part", part, PARTS)
        if per_category is not None and per_category < 1:
            raise ValueError(f"At least 1 photo for each category, not {per_category}.")
        base = locate("coco", root, ("annotations",))
        super().__init__("coco", root, base)
        self.split = _split(base, split)
        path = base / "annotations" / f"instances_{self.split}.json"
        content = _read(path)
        folder = _photo_folder(base, self.split, content["images"])
        skipped: list[str] = []
        try:
            drawn = list(_Sampler(content, path, part, skipped).draw(per_category, seed))
        except KeyError as error:
            raise ValueError(f"The file {path} has an entry that lacks {error}.") from error
        self._fill([Entry(key, f"{folder}/{name}", mask) for key, name, mask in drawn], skipped)

    def _mask(self, entry: Entry) -> tuple[np.ndarray, np.ndarray | None]:
        size, target, crowd = entry.detail
        truth = decode(size, target)
        ignore = None if crowd is None else decode(size, crowd) & ~truth
        return truth, ignore if ignore is not None and ignore.any() else None


class _Sampler:
    """Chooses objects from the annotations; ids of objects without a pixel go to ``skipped``."""

    def __init__(self, content: dict, path: Path, part: str, skipped: list[str]) -> None:
        self._path, self._skipped = path, skipped
        self._images = {image["id"]: image for image in content["images"]}
        self._crowds: dict[int, list[dict]] = defaultdict(list)
        self._categories = {
            category["id"]: defaultdict(list)
            for category in content["categories"]
            if part == "all" or (category["name"] in SEEN) == (part == "seen")
        }
        for annotation in sorted(content["annotations"], key=lambda a: a["id"]):
            image, category = annotation["image_id"], annotation["category_id"]
            if annotation.get("iscrowd"):
                self._crowds[image].append(annotation)
            elif category in self._categories and image in self._images:
                self._categories[category][image].append(annotation)

    def draw(self, per_category: int | None, seed: int) -> Iterator[tuple[str, str, _Mask]]:
        for category, photos in sorted(self._categories.items()):
            if per_category is None:
                yield from self._every(photos)
            else:
                rng = np.random.default_rng([seed, category])
                yield from self._some(photos, per_category, rng)

    def _every(self, photos: dict[int, list[dict]]) -> Iterator[tuple[str, str, _Mask]]:
        for image in sorted(photos):
            found = (self._object(annotation) for annotation in photos[image])
            yield from (one for one in found if one)

    def _some(
        self, photos: dict[int, list[dict]], wanted: int, rng: np.random.Generator
    ) -> Iterator[tuple[str, str, _Mask]]:
        for image in rng.permutation(sorted(photos)).tolist():
            if not wanted:
                return
            candidates = photos[image]
            for number in rng.permutation(len(candidates)):
                if found := self._object(candidates[number]):
                    wanted -= 1
                    yield found
                    break

    def _object(self, annotation: dict) -> tuple[str, str, _Mask] | None:
        image = self._images[annotation["image_id"]]
        size = (image["height"], image["width"])
        key = f"{Path(image['file_name']).stem}-{annotation['id']}"
        target = self._encode([annotation], size)
        if not area(size, target):
            self._skipped.append(key)
            return None
        crowds = self._crowds.get(annotation["image_id"])
        return key, image["file_name"], _Mask(size, target, crowds and self._encode(crowds, size))

    def _encode(self, annotations: Iterable[dict], size: tuple[int, int]) -> bytes:
        parts = []
        for annotation in annotations:
            try:
                parts += run_lengths(annotation["segmentation"], size)
            except Exception as error:  # compiled code raises anything on a malformed shape
                raise ValueError(
                    f"The annotation {annotation['id']} in {self._path} is no polygon and no run "
                    "lengths of its photo's size."
                ) from error
        return union(parts, size)


def _split(base: Path, split: str | None) -> str:
    there = sorted(p.stem.partition("_")[2] for p in base.glob("annotations/instances_*.json"))
    if not there:
        raise FileNotFoundError(
            f"The folder {base / 'annotations'} holds no instances_<split>.json; "
            f"{DATASETS['coco'].how_to_get(base)}."
        )
    usual = [name for name in ("val2017", "val2014") if name in there]
    if split is None and not usual and len(there) > 1:
        raise ValueError(f"Say which split of coco to read: {', '.join(there)}.")
    chosen = split or (usual or there)[0]
    one_of("coco", "split", chosen, (*there, "seen", "unseen"))
    return chosen


def _read(path: Path) -> dict:
    try:
        content = json.loads(path.read_bytes())
        if not all(isinstance(content[k], list) for k in ("images", "annotations", "categories")):
            raise TypeError("a list was expected")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"The file {path} is no COCO annotation file, which is JSON with images, annotations "
            f"and categories ({type(error).__name__}: {str(error).rstrip('.')})."
        ) from error
    return content


def _photo_folder(base: Path, split: str, images: list[dict]) -> str:
    first = images[0]["file_name"] if images else ""
    places = (split, f"images/{split}", "images")
    for place in places:
        if first and (base / place / first).is_file():
            return place
    for place in places:  # the first photo may be one of those left out
        if (base / place).is_dir():
            return place
    raise FileNotFoundError(
        f"The folder {base} has no folder {split} or images with the photos of coco; "
        f"{DATASETS['coco'].how_to_get(base)}."
    )
