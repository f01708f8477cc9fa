"""Datasets of photo and mask files side by side: GrabCut, Berkeley, DUTS, and a plain folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tutorial_lib.data import files
from tutorial_lib.data.layouts.base import Dataset, Entry, counts, locate, one_of, size_mismatch

Reading = Callable[[Path], tuple[np.ndarray, "np.ndarray | None"]]


def trimap(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Interpret a mask coded 0 background, 128 ignore, 255 object.

    These three values are exact. In between lie what resizing and smoothing leave behind:

    - A mask with an undecided band has a plateau at 128: no value from 64 to 191 is more frequent.
      Its values from 64 to 191 are ignored, those above are the object: each value means the
      code it lies nearest to.
    - Any other mask is binary with a smoothed edge, and is cut at 128 as usual: a pixel that
      belongs to the object by half or more is the object. Nothing is ignored.

    Parameters
    ----------
    grey : np.ndarray
        ``(H, W) uint8``.

    Returns
    -------
    truth, ignore : np.ndarray
        ``(H, W) bool`` each; ``ignore`` is None where nothing is ignored.
    """
    middle = np.bincount(grey.ravel(), minlength=256)[64:192]
    if middle[64] and middle[64] == middle.max():
        return grey >= 192, (grey >= 64) & (grey < 192)
    return grey >= 128, None


def read_trimap(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a mask file coded as :func:`trimap` says; ``truth`` and ``ignore``."""
    return trimap(files.read_grey(path))


def read_half(path: Path) -> tuple[np.ndarray, None]:
    """Read a mask whose object is 128 and brighter, ``(H, W) bool``; nothing is ignored."""
    return files.read_grey(path) >= 128, None


def read_nonzero(path: Path) -> tuple[np.ndarray, None]:
    """Read a mask whose object is everything but 0, ``(H, W) bool``; nothing is ignored."""
    return files.read_indices(path) > 0, None


class PairDataset(Dataset):
    """Photos in one folder, masks in another.

    Unless told otherwise, opening it reads every mask once, and of every photo the header: empty
    masks are left out and files that do not fit together are named before any work begins.

    Parameters
    ----------
    name, root, base
        As for :class:`Dataset`.
    pairs : iterator of (id, photo, mask)
        The paths, photo and mask below ``base``.
    read : callable
        What the values of a mask mean.
    check : bool
        Read the masks now.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        base: Path,
        pairs: Iterator[tuple[str, Path, Path]],
        read: Reading,
        check: bool = True,
    ) -> None:
        super().__init__(name, root, base)
        self._reading = read
        entries, skipped = [], []
        for key, photo, mask in pairs:
            if check and not self._shows_something(photo, mask):
                skipped.append(key)
            else:
                entries.append(Entry(key, *(p.relative_to(base).as_posix() for p in (photo, mask))))
        self._fill(entries, skipped)

    def _shows_something(self, photo: Path, mask: Path) -> bool:
        truth, ignore = self._reading(mask)
        if (size := files.photo_size(photo, upright=self.upright)) != truth.shape:
            raise size_mismatch(photo, size, truth.shape)
        return counts(truth, ignore)

    def _mask(self, entry: Entry) -> tuple[np.ndarray, np.ndarray | None]:
        return self._reading(self.base / entry.detail)


def same_stem(photos: Path, masks: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield ``(stem, photo, mask)`` for every photo of a folder.

    Parameters
    ----------
    photos, masks : Path
        Two folders; a mask has the name of its photo, the ending apart.

    Yields
    ------
    tuple
        In the order of the names.

    Raises
    ------
    FileNotFoundError
        If a photo has no mask.
    """
    found = files.by_stem(masks)
    for stem, photo in files.by_stem(photos).items():
        if stem not in found:
            raise FileNotFoundError(f"The photo {photo} has no mask {masks / stem}.png.")
        yield stem, photo, found[stem]


class Folder(PairDataset):
    """A plain folder of your own: ``images/*`` and ``masks/<same stem>.png``.

    The masks are read as :func:`trimap` says. Photos are turned upright as everywhere in this
    package, so masks made with it fit.

    Parameters
    ----------
    root : Path
        The folder.
    check : bool
        Read every mask now, to leave out empty ones: some seconds for a thousand. Without it an
        empty mask is an error when its turn comes.
    """

    upright = True

    def __init__(self, root: Path, check: bool = True) -> None:
        base = locate("folder", root, ("images", "masks"))
        pairs = same_stem(base / "images", base / "masks")
        super().__init__("folder", root, base, pairs, read_trimap, check)


class GrabCut(PairDataset):
    """The GrabCut photos: ``data_GT`` and ``boundary_GT``, with a band of ignored pixels.

    The official folder has further annotations, such as rectangles and lassos; they are not read.

    Parameters
    ----------
    root : Path
        The folder with both.

    References
    ----------
    Rother, Kolmogorov and Blake, GrabCut, SIGGRAPH 2004.
    """

    def __init__(self, root: Path) -> None:
        base = locate("grabcut", root, ("data_GT", "boundary_GT"), ("GrabCut",))
        pairs = same_stem(base / "data_GT", base / "boundary_GT")
        super().__init__("grabcut", root, base, pairs, read_trimap)


class Berkeley(PairDataset):
    """100 objects on 96 Berkeley photos: ``images`` and ``masks``.

    Object ``n`` of a photo is the mask ``<photo>#<n>.png``; a mask may also bear its photo's
    name alone. Where the copy holds one photo an object, the photo bears the whole name.

    Parameters
    ----------
    root : Path
        The folder with both.

    References
    ----------
    McGuinness and O'Connor, A comparative evaluation of interactive segmentation algorithms,
    Pattern Recognition 43, 2010.
    """

    def __init__(self, root: Path) -> None:
        base = locate("berkeley", root, ("images", "masks"), ("Berkeley",))
        super().__init__("berkeley", root, base, self._pairs(base), read_nonzero)

    @staticmethod
    def _pairs(base: Path) -> Iterator[tuple[str, Path, Path]]:
        photos = files.by_stem(base / "images")
        masks = files.by_stem(base / "masks")
        used = set()
        for stem, mask in masks.items():
            owner = stem if stem in photos else stem.partition("#")[0]
            if owner not in photos:
                raise FileNotFoundError(
                    f"The mask {mask} has no photo {base / 'images' / owner}.jpg."
                )
            used.add(owner)
            yield stem, photos[owner], mask
        for stem in photos.keys() - used:
            raise FileNotFoundError(
                f"The photo {photos[stem]} has no mask {base / 'masks' / stem}.png."
            )


class Duts(PairDataset):
    """DUTS, salient objects: ``DUTS-TR-Image`` and ``DUTS-TR-Mask``, or ``-TE-`` for the test.

    A folder with plain ``images`` and ``masks`` is read too, whatever the split. Masks have smooth
    edges and are cut at 128.

    Parameters
    ----------
    root : Path
        The folder with both, or the one above it.
    split : str, optional
        ``"train"`` (the default) or ``"test"``.
    check : bool
        As for :class:`Folder`; off, for there are many masks and none of the training set is empty.

    References
    ----------
    Wang et al., Learning to Detect Salient Objects with Image-level Supervision, CVPR 2017.
    """

    def __init__(self, root: Path, split: str | None = None, check: bool = False) -> None:
        split = split or "train"
        one_of("duts", "split", split, ("train", "test"))
        part = {"train": "DUTS-TR", "test": "DUTS-TE"}[split]
        names = f"{part}-Image", f"{part}-Mask"
        if not any((root / name).exists() for name in (names[0], f"{part}/{names[0]}")):
            plain = ("images", "masks")
            names = plain if all((root / name).is_dir() for name in plain) else names
        base = locate("duts", root, names, (part,))
        pairs = same_stem(base / names[0], base / names[1])
        super().__init__("duts", root, base, pairs, read_half, check)
