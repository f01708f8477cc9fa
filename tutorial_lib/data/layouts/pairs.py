"""Datasets with a folder of photos and a folder of masks: GrabCut, Berkeley, DUTS, your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from tutorial_lib.data import photo_files
from tutorial_lib.data.layouts.dataset import (
    Dataset,
    Entry,
    counts,
    locate,
    no_object,
    one_of,
    size_mismatch,
)
from tutorial_lib.data.mask_files import read_half, read_trimap, read_union
from tutorial_lib.data.mask_values import Meaning

Reading = Callable[[Path], Meaning]
Pair = tuple[str, Path, Path]  # id, photo, mask


class PairDataset(Dataset):
    """Photos in one folder, masks in another.

    With ``check``, opening the dataset reads every mask, and the header of every photo. Empty masks
    are left out. Files that cannot be read or do not fit together are listed in ``broken`` before
    the work begins.

    Parameters
    ----------
    name, root, base
        As for :class:`Dataset`.
    photos, masks : Path
        The two folders below ``base``.
    read : callable
        Reads a mask file and returns ``truth`` and ``ignore``, such as
        :func:`tutorial_lib.data.mask_files.read_trimap`.
    check : bool
        Whether to read the masks now.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        base: Path,
        photos: str,
        masks: str,
        read: Reading,
        check: bool = True,
    ) -> None:
        super().__init__(name, root, base)
        self._reading = read
        self._note_others(base / photos)
        self._note_others(base / masks)
        pairs = self._pairs(base / photos, base / masks)
        self._fill(list(self._checked(pairs) if check else map(self._entry, pairs)))

    def _entry(self, pair: Pair) -> Entry:
        key, *paths = pair
        return Entry(key, *(path.relative_to(self.base).as_posix() for path in paths))

    def _pairs(self, photos: Path, masks: Path) -> Iterator[Pair]:
        """Yield pairs of photo and mask; record files without a partner as broken."""
        yield from same_stem(photos, masks, self.broken)

    def _checked(self, pairs: Iterable[Pair]) -> Iterator[Entry]:
        for key, photo, mask in pairs:
            with self._guarded(key):
                truth, ignore = self._reading(mask)
                if (size := photo_files.photo_size(photo, upright=self.upright)) != truth.shape:
                    raise size_mismatch(photo, size, truth.shape)
                if counts(truth, ignore):
                    yield self._entry((key, photo, mask))
                else:
                    self.skipped[key] = no_object(mask, ignore)

    def _note_others(self, folder: Path) -> None:
        """Record the files that are skipped because of their extensions."""
        for path in sorted(folder.iterdir()):
            known = path.suffix.lower() in photo_files.PICTURES
            if not known and path.is_file() and not path.name.startswith("."):
                self.skipped[path.name] = (
                    f"The file {path} is passed over, for its ending is none of "
                    f"{', '.join(sorted(photo_files.PICTURES))}."
                )

    def _mask(self, entry: Entry) -> Meaning:
        return self._reading(self.base / entry.detail)


def same_stem(photos: Path, masks: Path, broken: dict[str, str]) -> Iterator[Pair]:
    """Yield ``(stem, photo, mask)`` for every photo of a folder.

    Parameters
    ----------
    photos, masks : Path
        The two folders. A mask has the name of its photo, except for the extension.
    broken : dict
        Receives the names that have no partner or two partners, with a sentence about each one.

    Yields
    ------
    tuple
        ``(stem, photo, mask)``, sorted by name.
    """
    found, seen = (
        photo_files.by_stem(masks, twice=broken),
        photo_files.by_stem(photos, twice=broken),
    )
    for stem, photo in seen.items():
        if stem in found:
            yield stem, photo, found[stem]
        else:
            broken.setdefault(stem, f"The photo {photo} has no mask {masks / stem}.png.")
    for stem in found.keys() - seen.keys():
        broken.setdefault(stem, f"The mask {found[stem]} has no photo {photos / stem}.jpg.")


def paired_folders(root: Path, inside: Iterable[str] = ()) -> tuple[Path, str, str] | None:
    """Find a folder with photos and masks as f-BRS published them, or with plain names.

    Parameters
    ----------
    root : Path
        The folder that the user named.
    inside : iterable of str
        Folders below ``root`` that may hold them instead.

    Returns
    -------
    tuple or None
        The folder, and the names of the two folders in it: ``img`` and ``gt``, or ``images`` and
        ``masks``. None if there is no such folder.
    """
    for base in (root, *(root / place for place in inside)):
        for photos, masks in (("img", "gt"), ("images", "masks")):
            if (base / photos).is_dir() and (base / masks).is_dir():
                return base, photos, masks
    return None


class Folder(PairDataset):
    """A plain folder of your own: ``images/*`` and ``masks/<same stem>.png``.

    :func:`~tutorial_lib.data.mask_values.trimap` interprets the masks. Photos and masks are rotated
    upright, as everywhere in this package. So masks that were made with this package fit.

    Parameters
    ----------
    root : Path
        The folder.
    check : bool
        Whether to read every mask now and leave out empty ones. A thousand masks take some
        seconds. Without the check, an empty mask is an error when its example is read.
    """

    upright = True

    def __init__(self, root: Path, check: bool = True) -> None:
        base = locate("folder", root, ("images", "masks"))
        read = partial(read_trimap, upright=True)
        super().__init__("folder", root, base, "images", "masks", read, check)


class GrabCutPhotos(PairDataset):
    """The GrabCut photos: ``data_GT`` and ``boundary_GT``, with a band of ignored pixels.

    Other annotations of the official folder, such as rectangles and lassos, are not read.

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
        super().__init__("grabcut", root, base, "data_GT", "boundary_GT", read_trimap)


class Berkeley(PairDataset):
    """100 objects on 96 Berkeley photos: ``images`` and ``masks``.

    The mask of object ``n`` of a photo is ``<photo>#<n>.png``, or simply ``<photo>.png``. Some
    copies of the dataset hold one photo for each object. Then the photo has the full name of the
    mask.

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
        super().__init__("berkeley", root, base, "images", "masks", read_union)

    def _pairs(self, photos: Path, masks: Path) -> Iterator[Pair]:
        found, used = photo_files.by_stem(photos, twice=self.broken), set()
        for stem, mask in photo_files.by_stem(masks, twice=self.broken).items():
            owner = stem if stem in found else stem.partition("#")[0]
            if owner in found:
                used.add(owner)
                yield stem, found[owner], mask
            else:
                missing = f"The mask {mask} has no photo {photos / owner}.jpg."
                self.broken.setdefault(stem, missing)
        for stem in found.keys() - used:
            missing = f"The photo {found[stem]} has no mask {masks / stem}.png."
            self.broken.setdefault(stem, missing)


class Duts(PairDataset):
    """DUTS, salient objects: ``DUTS-TR-Image`` and ``DUTS-TR-Mask``, or ``-TE-`` for the test.

    A folder with plain ``images`` and ``masks`` is read too, for either split. Masks have soft
    edges and are thresholded at 128.

    Parameters
    ----------
    root : Path
        The folder with both, or the folder above it.
    split : str, optional
        ``"train"`` (the default) or ``"test"``.
    check : bool
        As for :class:`Folder`. Off by default, because there are many masks, and no mask of the
        training set is empty.

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
        super().__init__("duts", root, base, *names, read_half, check)
