"""PASCAL VOC 2012 and SBD: one example for each object of a photo."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

import numpy as np

from tutorial_lib.data import photo_files
from tutorial_lib.data.layouts.dataset import Dataset, Entry, locate, one_of
from tutorial_lib.data.mask_files import VOID, read_numbers
from tutorial_lib.data.matlab import field, label_map, read_mat


class _Instances(Dataset):
    """Photos, each with a map of numbered objects: 0 background, 1 and above objects, 255 void."""

    def _index(self, stems: list[str], photos: str) -> None:
        entries = []
        for stem in stems:
            with self._guarded(stem):
                numbers = np.flatnonzero(np.bincount(self._map(stem).ravel())).tolist()
                objects = [number for number in numbers if number not in (0, VOID)]
                if not objects:
                    self.skipped[stem] = f"No object is marked on the photo {photos}/{stem}.jpg."
                place = f"{photos}/{stem}.jpg"
                entries += [Entry(f"{stem}-{n}", place, (stem, n)) for n in objects]
        self._fill(entries)

    @abstractmethod
    def _map_file(self, stem: str) -> str:
        """Return the file of one photo's objects, relative to :attr:`base`."""

    @abstractmethod
    def _map(self, stem: str) -> np.ndarray:
        """Read the numbers of one photo's objects, ``(H, W)``."""

    def _mask_files(self, entry: Entry) -> tuple[str, ...]:
        return (self._map_file(entry.detail[0]),)

    def _mask(self, entry: Entry) -> tuple[np.ndarray, np.ndarray | None]:
        stem, number = entry.detail
        numbers = self._map(stem)
        void = numbers == VOID
        return numbers == number, void if void.any() else None


class Voc(_Instances):
    """The objects of the PASCAL VOC 2012 segmentation task.

    Opening the dataset reads all masks of the split, to count the objects of each photo. The void
    pixels along the outlines of the objects (255) are ignored. ``skipped`` names photos without an
    object.

    Parameters
    ----------
    root : Path
        ``VOC2012``, ``VOCdevkit`` or the folder above them.
    split : str, optional
        ``"val"`` (the default), ``"train"`` or ``"trainval"``.

    References
    ----------
    Everingham et al., IJCV 2015. Xu et al., Deep Interactive Object Selection, CVPR 2016, section
    4.2, evaluates on the 1,449 photos of ``val``.
    """

    def __init__(self, root: Path, split: str | None = None) -> None:
        split = split or "val"
        one_of("voc", "split", split, ("val", "train", "trainval"))
        needed = ("JPEGImages", "SegmentationObject", "ImageSets/Segmentation")
        base = locate("voc", root, needed, ("VOC2012", "VOCdevkit/VOC2012"))
        super().__init__("voc", root, base)
        lists = base / "ImageSets" / "Segmentation"
        self._index(photo_files.read_lines(lists / f"{split}.txt"), "JPEGImages")

    def _map_file(self, stem: str) -> str:
        return f"SegmentationObject/{stem}.png"

    def _map(self, stem: str) -> np.ndarray:
        return read_numbers(self.base / self._map_file(stem))


class Sbd(_Instances):
    """The objects of the Semantic Boundaries Dataset.

    Opening the dataset reads all ``.mat`` files of the split, to count the objects of each photo.
    This takes some tens of seconds. ``skipped`` names photos without an object.

    Parameters
    ----------
    root : Path
        The folder with ``img``, ``inst`` and the lists, or a folder above it.
    split : str, optional
        ``"val"`` (the default) or ``"train"``.

    References
    ----------
    Hariharan et al., Semantic Contours from Inverse Detectors, ICCV 2011. The training set of
    Latent Diversity (section 5.1).
    """

    def __init__(self, root: Path, split: str | None = None) -> None:
        split = split or "val"
        one_of("sbd", "split", split, ("val", "train"))
        inside = ("dataset", "benchmark_RELEASE/dataset")
        base = locate("sbd", root, ("img", "inst", f"{split}.txt"), inside)
        super().__init__("sbd", root, base)
        self._index(photo_files.read_lines(base / f"{split}.txt"), "img")

    def _map_file(self, stem: str) -> str:
        return f"inst/{stem}.mat"

    def _map(self, stem: str) -> np.ndarray:
        path = self.base / self._map_file(stem)
        structure = read_mat(path, "GTinst")
        return label_map(field(structure, "Segmentation", path), path)
