"""Read a dataset as an evaluation does, and report what looks wrong."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from tutorial_lib.data import photo_files
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.layouts.dataset import Dataset, Example, LayoutError
from tutorial_lib.data.mask_files import describe_mask

#: Layouts in the order in which they are tried: those that need most files come first.
GUESSES = (
    "grabcut", "davis", "voc", "sbd", "bsds500", "clothing-co-parsing", "coco", "berkeley",
    "folder", "duts",
)  # fmt: skip
TINY = 10  # pixels; a smaller object is probably an annotation error
MOST_NAMED = 5
SHEET, THUMBNAIL = 12, 240  # photos on a contact sheet; longer side of each in pixels
_SHARED_PHOTOS = ("coco", "berkeley")  # a photo may be there once for each of its objects
_EMPTY_IS_RIGHT = ("voc", "sbd", "davis", "clothing-co-parsing")  # some photos show no object


@dataclass(frozen=True)
class Finding:
    """One line of a survey.

    Parameters
    ----------
    name : str
        What was checked.
    state : str
        ``"ok"``, ``"note"``, or ``"fail"`` if something looks wrong.
    text : str
        The result of the check.
    """

    name: str
    state: str
    text: str


def open_guessed(root: str | Path) -> Dataset:
    """Open a dataset whose layout is guessed from its folders.

    Parameters
    ----------
    root : str or Path
        The folder.

    Returns
    -------
    Dataset
        The dataset. Its ``name`` is the guessed layout.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such folder, if it fits no layout, or if nothing in it can be read.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}.")
    masks = root / "masks"
    plain = (root / "images").is_dir() and masks.is_dir()
    for name in GUESSES:
        if name == "berkeley" and not (masks.is_dir() and any(masks.glob("*#*"))):
            continue  # a plain folder has the same two folders
        if name in ("davis", "coco") and plain and not (root / "annotations").is_dir():
            continue  # as above
        try:
            return load_dataset(name, root)
        except LayoutError:
            continue
    raise FileNotFoundError(
        f"The folder {root} is laid out as none of {', '.join(sorted(GUESSES))}; name the layout "
        "with --dataset to learn what it needs."
    )


def survey(dataset: Dataset, progress: bool = False) -> list[Finding]:
    """Read every example of a dataset and report what looks wrong.

    Parameters
    ----------
    dataset : Dataset
        From :func:`tutorial_lib.data.datasets.load_dataset`.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    list of Finding
        In reading order. If something looks wrong, the state is ``"fail"``.
    """
    look = _Look(dataset)
    for index in tqdm(range(len(dataset)), disable=not progress, unit="object"):
        look.at(index)
    return look.findings()


class _Look:
    """Collects facts while a dataset is read."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.broken = dict(dataset.broken)
        self.sizes: list[tuple[int, int]] = []
        self.whole: list[str] = []
        self.tiny: list[str] = []
        self.values: dict[str, list[str]] = defaultdict(list)
        self.photos: dict[str, list[str]] = defaultdict(list)  # file names by pixel digest
        self.objects: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.turned: list[str] = []
        self._known: dict[Path, str] = {}

    def at(self, index: int) -> None:
        key = self.dataset.ids[index]
        try:
            example = self.dataset[index]
        except ValueError as error:
            self.broken[key] = str(error)
            return
        photo = self._photo(self.dataset.photo_file(index), example)
        self.objects[photo, _digest(example.truth)].append(key)
        if (mask := self.dataset.mask_file(index)) is not None:
            self.values[describe_mask(mask)].append(key)
        if example.truth.all():
            self.whole.append(key)
        if example.truth.sum() < TINY:
            self.tiny.append(key)

    def _photo(self, path: Path, example: Example) -> str:
        if path not in self._known:
            self._known[path] = _digest(example.image)
            self.photos[self._known[path]].append(path.name)
            self.sizes.append(example.image.shape[:2])
            if path.is_file() and photo_files.photo_orientation(path) > 1:
                self.turned.append(path.name)
        return str(path)

    def findings(self) -> list[Finding]:
        same_photo = [" = ".join(names) for names in self.photos.values() if len(names) > 1]
        same_object = [" = ".join(keys) for keys in self.objects.values() if len(keys) > 1]
        rightly = self.dataset.name in _EMPTY_IS_RIGHT or not self.dataset.skipped
        state = "note" if rightly else "fail"
        shared = "note" if self.dataset.name in _SHARED_PHOTOS else "fail"
        return [
            self._objects(),
            *_reasons("left out", state, self.dataset.skipped),
            *_reasons("cannot be read", "fail", self.broken),
            *self._sizes(),
            *self._values(),
            *_reasons("orientation", "fail", self.dataset.notes),
            *_listed("EXIF turned", "note", "photos with an EXIF orientation", self.turned),
            *_listed("duplicates", shared, "photos of the same content", same_photo),
            *_listed("same object", "fail", "masks that are there twice", same_object),
            *_listed("whole photo", "fail", "masks that cover the whole photo", self.whole),
            *_listed("tiny", "fail", f"objects of fewer than {TINY} pixels", self.tiny),
        ]

    def _objects(self) -> Finding:
        count = len(self.dataset) - len(self.broken.keys() - self.dataset.broken.keys())
        text = f"{count} on {len(self._known)} photos can be used"
        return Finding("objects", "ok" if count else "fail", text)

    def _sizes(self) -> Iterator[Finding]:
        if self.sizes:
            (h, w), (high, wide) = min(self.sizes, key=np.prod), max(self.sizes, key=np.prod)
            yield Finding("photo sizes", "ok", f"{w} x {h} to {wide} x {high} pixels")

    def _values(self) -> Iterator[Finding]:
        kinds = sorted(self.values.items(), key=lambda item: -len(item[1]))
        for place, (values, keys) in enumerate(kinds[:MOST_NAMED]):
            usual = place == 0 or values in ("0, 255", "0, 128, 255")
            text = f"{values}: {len(keys)}" + ("" if usual else f", such as {keys[0]}")
            yield Finding("mask values", "ok" if usual else "note", text)
        if len(kinds) > MOST_NAMED:
            rest = sum(len(keys) for _, keys in kinds[MOST_NAMED:])
            yield Finding("mask values", "note", f"other values: {rest}")


def _reasons(name: str, state: str, reasons: Mapping[str, str]) -> Iterator[Finding]:
    """Yield one finding for each of the first reasons, and one for the rest."""
    for key in list(reasons)[:MOST_NAMED]:
        yield Finding(name, state, f"{key}: {reasons[key]}")
    if len(reasons) > MOST_NAMED:
        yield Finding(name, state, f"and {len(reasons) - MOST_NAMED} more, {len(reasons)} in all")


def _listed(name: str, state: str, what: str, found: Sequence[str]) -> Iterator[Finding]:
    if found:
        more = f", and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        yield Finding(name, state, f"{len(found)} {what}: {', '.join(found[:MOST_NAMED])}{more}")


def _digest(array: np.ndarray) -> str:
    return f"{array.shape}-{hashlib.sha256(np.ascontiguousarray(array)).hexdigest()}"


def contact_sheet(dataset: Dataset) -> np.ndarray:
    """Draw some photos with the contours of their masks. Ignored pixels are grey.

    Parameters
    ----------
    dataset : Dataset
        The dataset. At most twelve examples are drawn, evenly spread. Examples that cannot be read
        are left out.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.

    Raises
    ------
    ValueError
        If none of these examples can be read.
    """
    tiles = list(_tiles(dataset, np.unique(np.linspace(0, len(dataset) - 1, SHEET).astype(int))))
    if not tiles:
        raise ValueError(f"None of the photos of {dataset.root} can be drawn.")
    across = min(4, len(tiles))
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % across)
    rows = [np.hstack(tiles[start : start + across]) for start in range(0, len(tiles), across)]
    return np.vstack(rows)


def _tiles(dataset: Dataset, places: Iterable[int]) -> Iterator[np.ndarray]:
    import cv2

    from tutorial_lib.render import fit, layer

    for place in places:
        try:
            example = dataset[int(place)]
        except ValueError:
            continue
        photo = fit(example.image, THUMBNAIL)
        size = photo.shape[1::-1]
        small = cv2.resize(example.truth.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
        photo = photo.copy()
        if example.ignore is not None:
            band = cv2.resize(
                example.ignore.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST
            )
            photo[band > 0] = 128
        outline = layer(small > 0, view="contour", width=1)
        photo[outline[..., 3] > 0] = outline[outline[..., 3] > 0][:, :3]
        tile = np.full((THUMBNAIL + 28, THUMBNAIL + 8, 3), 255, np.uint8)
        tile[4 : 4 + photo.shape[0], 4 : 4 + photo.shape[1]] = photo
        name = example.id.encode("ascii", "replace").decode()[-34:]
        where = (4, THUMBNAIL + 20)
        cv2.putText(tile, name, where, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
        yield tile
