"""BSDS500: segmentations of each photo by several people."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path

import numpy as np

from tutorial_lib.data import photo_files
from tutorial_lib.data.layouts.dataset import Dataset, Entry, locate, one_of, size_mismatch
from tutorial_lib.data.matlab import field, label_map, read_mat

_SPLITS = ("train", "val", "test")


class Bsds500(Dataset):
    """One example for each photo, annotator and segment within the size limits.

    Four to nine people divided each photo into segments. Each of them chose their own level of
    detail, so one pixel belongs to objects of several sizes. Segments cover the whole photo, sky
    included. Opening the dataset reads every ``.mat`` file of the split once.

    Parameters
    ----------
    root : Path
        ``BSDS500``, its folder ``data``, or the folder that the official archive unpacks to.
    split : str, optional
        ``"all"`` (the default), ``"train"``, ``"val"`` or ``"test"``.
    least, most : float
        The smallest and the largest share of the photo that a segment may cover, both included.
    exclude : container of str
        The photos to leave out, as file names without extension. See
        :data:`~tutorial_lib.data.catalogue.TEST_PHOTOS_IN_BSDS500`.

    References
    ----------
    Arbelaez et al., Contour Detection and Hierarchical Image Segmentation, PAMI 2011.
    """

    def __init__(
        self,
        root: Path,
        split: str | None = None,
        least: float = 0.01,
        most: float = 0.5,
        exclude: Container[str] = (),
    ) -> None:
        split = split or "all"
        one_of("bsds500", "split", split, ("all", *_SPLITS))
        if not 0 <= least <= most <= 1:
            raise ValueError(f"Shares need 0 <= least <= most <= 1, not {least} and {most}.")
        if isinstance(exclude, str):  # "in" would find parts of the text
            raise TypeError(f"The photos to exclude are a list of names, not the text {exclude!r}.")
        parts = _SPLITS if split == "all" else (split,)
        needed = [f"{kind}/{part}" for kind in ("images", "groundTruth") for part in parts]
        base = locate("bsds500", root, needed, ("data", "BSDS500/data", "BSR/BSDS500/data"))
        super().__init__("bsds500", root, base)
        self._photos = {
            stem: f"{part}/{stem}"
            for part in parts
            for stem in photo_files.by_stem(base / "images" / part, {".jpg"})
            if stem not in exclude
        }
        self._fill(self._index(least, most))

    def _index(self, least: float, most: float) -> Iterator[Entry]:
        for stem, place in self._photos.items():
            photo, readings = f"images/{place}.jpg", []
            with self._guarded(stem):
                readings = self._labels(stem)
            for annotator, labels in enumerate(readings):
                shares = np.bincount(labels.ravel()) / labels.size
                for label in np.flatnonzero((shares >= max(least, 1e-12)) & (shares <= most)):
                    key = f"{stem}-{annotator}-{label}"
                    yield Entry(key, photo, (stem, annotator, int(label)))

    @property
    def stems(self) -> tuple[str, ...]:
        """The photos, as file names without extension."""
        return tuple(self._photos)

    def readings(self, stem: str) -> tuple[np.ndarray, np.ndarray]:
        """Read a photo and every annotator's segmentation.

        Parameters
        ----------
        stem : str
            One of :attr:`stems`.

        Returns
        -------
        image : np.ndarray
            ``(H, W, 3) uint8``.
        labels : np.ndarray
            ``(A, H, W) uint16``: for each of the A annotators, the number of each pixel's segment,
            from 1. The numbers of different annotators are unrelated.

        Raises
        ------
        ValueError
            If there is no such photo, or if sizes do not match.
        """
        if stem not in self._photos:
            raise ValueError(f"There is no photo {stem!r} in this part of BSDS500.")
        path = self.base / "images" / f"{self._photos[stem]}.jpg"
        image, labels = photo_files.read_photo(path), np.stack(self._labels(stem))
        if labels.shape[1:] != image.shape[:2]:
            raise size_mismatch(path, image.shape[:2], labels.shape[1:])
        return image, labels

    def _map_file(self, stem: str) -> str:
        return f"groundTruth/{self._photos[stem]}.mat"

    def _mask_files(self, entry: Entry) -> tuple[str, ...]:
        return (self._map_file(entry.detail[0]),)

    def _labels(self, stem: str) -> list[np.ndarray]:
        path = self.base / self._map_file(stem)
        cells = read_mat(path, "groundTruth")
        maps = [label_map(field(cell, "Segmentation", path), path) for cell in cells.ravel()]
        return [labels.astype(np.uint16) for labels in maps]

    def _mask(self, entry: Entry) -> tuple[np.ndarray, None]:
        stem, annotator, label = entry.detail
        return self._labels(stem)[annotator] == label, None
