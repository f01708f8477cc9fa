"""Clothing Co-Parsing: garments and the people who wear them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tutorial_lib.data import photo_files
from tutorial_lib.data.layouts.dataset import Dataset, Entry, locate, one_of, size_mismatch
from tutorial_lib.data.matlab import label_map, read_mat

#: Labels that belong to the person but are not garments.
BODY = frozenset({"hair", "skin"})
TARGETS = ("both", "garments", "person")
#: The authors define no test set, so we hold out every tenth photo in the order of the names.
_SPLITS = ("all", "train", "held-out")
TENTH = 10


class ClothingCoParsing(Dataset):
    """Street photos in which every pixel has a label, so that each photo has parts and a whole.

    There is one example for each garment label in a photo, and one for the whole person, which is
    all labels together. Garments are all labels except background, hair and skin. Two shoes have
    one label, so they are one example. Opening the dataset reads every ``.mat`` file once.

    Parameters
    ----------
    root : Path
        The folder with ``photos``, ``annotations`` and ``label_list.mat``.
    targets : str
        ``"both"``, ``"garments"`` or ``"person"``.
    split : str, optional
        ``"all"`` (the default), ``"held-out"`` (the 10th, 20th, 30th... photo) or ``"train"``
        (the others).

    Attributes
    ----------
    label_names : tuple of str
        The names of the numbers in a label map. The first one is the background.
    stems : tuple of str
        The photos with a label map, as file names without extension. ``skipped`` names the photos
        without a label.

    References
    ----------
    Yang, Luo and Lin, Clothing Co-Parsing by Joint Image Segmentation and Labeling, CVPR 2014.
    """

    def __init__(self, root: Path, targets: str = "both", split: str | None = None) -> None:
        name = "clothing-co-parsing"
        one_of(name, "targets", targets, TARGETS)
        split = split or "all"
        one_of(name, "split", split, _SPLITS)
        needed = ("photos", "annotations/pixel-level", "label_list.mat")
        base = locate(name, root, needed, (f"{name}-master", name))
        super().__init__(name, root, base)
        self.label_names = _label_names(base / "label_list.mat")
        stems = enumerate(
            photo_files.by_stem(base / "annotations" / "pixel-level", {".mat"}), start=1
        )
        kept = {"all": (False, True), "train": (False,), "held-out": (True,)}[split]
        self.stems = tuple(stem for number, stem in stems if (number % TENTH == 0) in kept)
        self._fill(list(self._index(targets)))

    def _index(self, targets: str) -> Iterator[Entry]:
        for stem in self.stems:
            photo, present = f"photos/{stem}.jpg", []
            with self._guarded(stem):
                labels = self.label_map(stem)
                if (size := photo_files.photo_size(self.base / photo)) != labels.shape:
                    raise size_mismatch(self.base / photo, size, labels.shape)
                present = [n for n in np.flatnonzero(np.bincount(labels.ravel())).tolist() if n]
                if not present:
                    self.skipped[stem] = f"Nothing is labelled on the photo {self.base / photo}."
            if present and targets != "garments":
                yield Entry(f"{stem}-person", photo, (stem, None))
            for label in present if targets != "person" else ():
                if self.label_names[label] not in BODY:
                    yield Entry(f"{stem}-{self.label_names[label]}", photo, (stem, label))

    @property
    def labelled(self) -> tuple[str, ...]:
        """The photos with labels, as file names without extension."""
        left_out = self.skipped.keys() | self.broken.keys()
        return tuple(stem for stem in self.stems if stem not in left_out)

    def label_map(self, stem: str) -> np.ndarray:
        """Read the labels of one photo.

        Parameters
        ----------
        stem : str
            One of :attr:`stems`.

        Returns
        -------
        np.ndarray
            ``(H, W) uint8``: indices into :attr:`label_names`; 0 is the background.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such map, or if it cannot be read.
        """
        path = self.base / _map_file(stem)
        labels = label_map(read_mat(path, "groundtruth"), path)
        if labels.max(initial=0) >= len(self.label_names):
            raise ValueError(f"The file {path} has the label {labels.max()}, which has no name.")
        return labels.astype(np.uint8)

    def photo(self, stem: str) -> np.ndarray:
        """Read one photo.

        Parameters
        ----------
        stem : str
            One of :attr:`stems`.

        Returns
        -------
        np.ndarray
            ``(H, W, 3) uint8``.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such photo, or if it cannot be read.
        """
        return photo_files.read_photo(self.base / "photos" / f"{stem}.jpg")

    def _mask_files(self, entry: Entry) -> tuple[str, ...]:
        return (_map_file(entry.detail[0]),)

    def _mask(self, entry: Entry) -> tuple[np.ndarray, None]:
        stem, label = entry.detail
        labels = self.label_map(stem)
        return (labels > 0 if label is None else labels == label), None


def _map_file(stem: str) -> str:
    return f"annotations/pixel-level/{stem}.mat"


def _label_names(path: Path) -> tuple[str, ...]:
    cells = read_mat(path, "label_list")
    return tuple(str(np.squeeze(cell)) for cell in cells.ravel())
