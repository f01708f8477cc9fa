"""The base of all datasets: an index in memory, and pixels that are read one example at a time."""

from __future__ import annotations

import hashlib
import operator
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tutorial_lib.data import photo_files
from tutorial_lib.data.catalogue import DATASETS


@dataclass(frozen=True, eq=False)
class Example:
    """One object in one photo.

    Parameters
    ----------
    id : str
        Unique in its dataset and the same on every machine. It consists of the names of the
        official files and the numbers of the annotations.
    image : np.ndarray
        ``(H, W, 3) uint8``.
    truth : np.ndarray
        ``(H, W) bool``: the object. At least one of its pixels is not ignored.
    ignore : np.ndarray, optional
        ``(H, W) bool``: the ignored pixels. None if no pixel is ignored.
    """

    id: str
    image: np.ndarray
    truth: np.ndarray
    ignore: np.ndarray | None = None


class Entry(NamedTuple):
    """The index entry of an example: what is known before its pixels are read.

    Parameters
    ----------
    id : str
        The example's id.
    photo : str
        The photo's path, relative to :attr:`Dataset.base`.
    detail : object
        What the layout needs to find the mask.
    """

    id: str
    photo: str
    detail: Any = None


class Dataset(ABC):
    """Photos with one object each, read from disk one at a time.

    Only the index is held in memory. So a dataset needs little memory, and is cheap to send to
    another process.

    Parameters
    ----------
    name : str
        The dataset's name, one of :data:`~tutorial_lib.data.catalogue.DATASETS`.
    root : Path
        The folder that the user named.
    base : Path
        The folder in which the official layout begins: ``root`` or a folder below it.

    Attributes
    ----------
    skipped : dict of str to str
        What is left out on purpose, such as objects whose pixels are all ignored. Maps each id to
        a sentence that gives the reason.
    broken : dict of str to str
        What belongs to the dataset but cannot be read, such as a truncated file. Maps each id to a
        sentence that names the file. These are not examples, and they do not affect other
        examples. If the objects of a photo are unknown, the id is that of the photo.
    notes : dict of str to str
        Photos whose reading is uncertain. Maps each path below ``base`` to a sentence.
    """

    #: Photos of official datasets are read as they are stored, because the annotation tools ignored
    #: the EXIF orientation.
    upright = False

    def __init__(self, name: str, root: Path, base: Path) -> None:
        self.name = name
        self.root = root
        self.base = base
        self.skipped: dict[str, str] = {}
        self.broken: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self._entries: tuple[Entry, ...] = ()

    def _fill(self, entries: Iterable[Entry]) -> None:
        """Store the readable entries; at least one is required."""
        found = self._with_photos(entries)
        counted = Counter(entry.id for entry in found)
        self._entries = tuple(entry for entry in found if counted[entry.id] == 1)
        for key, count in counted.items():
            if count > 1:
                self.broken[key] = (
                    f"The dataset {self.name} in {self.base} has two examples of the name {key!r}; "
                    "look for a file or a line of a list that is there twice."
                )
        if not self._entries:
            self._refuse()

    def _with_photos(self, entries: Iterable[Entry]) -> list[Entry]:
        there: dict[str, bool] = {}
        found = []
        for entry in entries:
            path = self.base / entry.photo
            if entry.photo not in there:
                there[entry.photo] = path.is_file()
            if there[entry.photo]:
                found.append(entry)
            else:
                get = DATASETS[self.name].how_to_get(self.root)
                self.broken[entry.id] = f"There is no photo {path}; {get}."
        return found

    def _refuse(self) -> None:
        """Raise an error that gives the first reason why no example is left."""
        info = DATASETS[self.name]
        if self.broken:
            first, *others = self.broken.values()
            also = f"; {len(others)} more of this dataset cannot be read either" if others else ""
            raise ValueError(f"{first.rstrip('.')}{also}.")
        because = ""
        if self.skipped:
            reason = next(iter(self.skipped.values())).rstrip(".")
            because = f", for {len(self.skipped)} had to be left out, the first because: {reason}"
        raise ValueError(
            f"The folder {self.base} holds no example of the dataset {self.name}{because}; "
            f"expected {info.layout}."
        )

    @contextmanager
    def _guarded(self, key: str) -> Iterator[None]:
        """Record the error of one file in :attr:`broken`, and continue."""
        try:
            yield
        except (ValueError, OSError) as error:
            self.broken[key] = as_sentence(error)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all examples, in order."""
        return tuple(entry.id for entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Example:
        """Read one example from disk.

        Parameters
        ----------
        index : int
            The example's number, from 0. Negative numbers count from the end.

        Returns
        -------
        Example
            The example, with new arrays.

        Raises
        ------
        IndexError
            If there is no such example.
        ValueError
            If a file cannot be read, is missing, or has changed. The message names it.
        """
        return self._read(self._entry_at(index))

    def _entry_at(self, index: int) -> Entry:
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(
                f"The dataset {self.name} has {len(self)} examples; there is no number {number}."
            )
        return self._entries[number]

    def fingerprint(self, index: int) -> str:
        """Hash the files of an example without decoding them.

        Parameters
        ----------
        index : int
            The example's number, from 0. Negative numbers count from the end.

        Returns
        -------
        str
            64 hexadecimal digits: the SHA-256 of the entry and of the bytes of its files. A fixed
            value stands for a file that cannot be read.

        Raises
        ------
        IndexError
            If there is no such example.
        """
        entry = self._entry_at(index)
        digest = hashlib.sha256(repr(tuple(entry)).encode("utf-8", "surrogatepass"))
        for name in (entry.photo, *self._mask_files(entry)):
            try:
                content = (self.base / name).read_bytes()
            except OSError:
                content = b"unreadable"
            digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()

    def _mask_files(self, entry: Entry) -> tuple[str, ...]:
        """Return the files of the mask, relative to :attr:`base`; none if the entry holds it."""
        return (entry.detail,) if isinstance(entry.detail, str) else ()

    def __iter__(self) -> Iterator[Example]:
        return (self._read(entry) for entry in self._entries)

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self)} examples in {self.root}>"

    def photo_file(self, index: int) -> Path:
        """Return the file of an example's photo.

        Parameters
        ----------
        index : int
            The example's number, from 0.

        Returns
        -------
        Path
            The photo's file. All objects of one photo have the same one.
        """
        return self.base / self._entries[index].photo

    def mask_file(self, index: int) -> Path | None:
        """Return the file of an example's mask, or None if masks have no files of their own.

        Parameters
        ----------
        index : int
            The example's number, from 0.

        Returns
        -------
        Path or None
            The mask's file, below :attr:`base`.
        """
        names = self._mask_files(self._entry_at(index))
        return self.base / names[0] if names else None

    def _upright(self, entry: Entry) -> bool:
        return self.upright

    def _read(self, entry: Entry) -> Example:
        try:
            return self._example(entry)
        except (OSError, ValueError) as error:
            raise ValueError(as_sentence(error)) from error

    def _example(self, entry: Entry) -> Example:
        path = self.base / entry.photo
        image = photo_files.read_photo(path, upright=self._upright(entry))
        truth, ignore = self._mask(entry)
        if truth.shape != image.shape[:2]:
            raise size_mismatch(path, image.shape[:2], truth.shape)
        if not counts(truth, ignore):
            raise ValueError(f"The object {entry.id} of {path} has no pixel that counts.")
        return Example(entry.id, image, truth, ignore)

    @abstractmethod
    def _mask(self, entry: Entry) -> tuple[np.ndarray, np.ndarray | None]:
        """Read ``truth`` and ``ignore``, ``(H, W) bool`` each."""


class Subset:
    """Some examples of a dataset, usable as a dataset.

    Parameters
    ----------
    dataset : Dataset
        The dataset that the examples come from. The subset takes its name and folder.
    places : iterable of int
        The numbers of the examples in the dataset, in the wanted order.

    Examples
    --------
    >>> third = Subset(photos, range(0, len(photos), 3))  # doctest: +SKIP
    """

    def __init__(self, dataset: Dataset, places: Iterable[int]) -> None:
        self.dataset, self.places = dataset, tuple(places)
        self.name, self.root = dataset.name, dataset.root
        self.skipped, self.broken = dataset.skipped, dataset.broken
        self.ids = tuple(dataset.ids[place] for place in self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Example:
        return self.dataset[self.places[index]]

    def fingerprint(self, index: int) -> str:
        """Hash the files of an example; see :meth:`Dataset.fingerprint`.

        Parameters
        ----------
        index : int
            The example's number in the subset, from 0.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return self.dataset.fingerprint(self.places[index])


def counts(truth: np.ndarray, ignore: np.ndarray | None) -> bool:
    """Return whether an object has a pixel that is not ignored.

    Parameters
    ----------
    truth : np.ndarray
        ``(H, W) bool``: the object.
    ignore : np.ndarray or None
        ``(H, W) bool``: the ignored pixels.

    Returns
    -------
    bool
        True if at least one pixel of the object counts.
    """
    return bool(truth.any() if ignore is None else (truth & ~ignore).any())


def no_object(mask: Path | str, ignore: np.ndarray | None) -> str:
    """Return the message about a mask that has no pixel that :func:`counts`."""
    if ignore is None or not ignore.any():
        return f"The mask {mask} is empty."
    return f"The mask {mask} has ignored pixels and background, but no object."


def as_sentence(error: Exception) -> str:
    """Return an error's message as one line that ends in a full stop."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if text.endswith(".") else f"{text}."


def size_mismatch(photo: Path, size: tuple[int, ...], mask: tuple[int, ...]) -> ValueError:
    """Return the error about a photo and a mask that differ in ``(height, width)``."""
    return ValueError(
        f"The photo {photo} has {size[1]} x {size[0]} pixels but its mask {mask[1]} x {mask[0]}; "
        "they must have the same size."
    )


class LayoutError(FileNotFoundError):
    """Raised for a folder that does not have the layout of the dataset."""


def locate(name: str, root: str | Path, needed: Iterable[str], inside: Iterable[str] = ()) -> Path:
    """Find the folder in which an official layout begins.

    Parameters
    ----------
    name : str
        The dataset, for the error message.
    root : str or Path
        The folder that the user named.
    needed : iterable of str
        The folders or files that must exist.
    inside : iterable of str
        Folders below ``root`` that may hold them instead, as in the unpacked official archive.

    Returns
    -------
    Path
        ``root`` or one of the folders below it.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    LayoutError
        If the folder has another layout.
    """
    root, info = Path(root).expanduser(), DATASETS[name]
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}; {info.how_to_get(root)}.")
    needed = list(needed)
    for folder in (root, *(root / place for place in inside)):
        if all((folder / entry).exists() for entry in needed):
            return folder
    raise LayoutError(
        f"The folder {root} is not laid out as {info.title}: expected {info.layout}; "
        f"{info.how_to_get(root)}."
    )


def one_of(name: str, what: str, value: str | None, allowed: Iterable[str]) -> None:
    """Raise an error unless a value is allowed.

    Parameters
    ----------
    name : str
        The dataset.
    what : str
        What the value chooses, such as ``"split"``.
    value : str or None
        The value.
    allowed : iterable of str
        The values that are allowed.

    Raises
    ------
    ValueError
        If the value is none of these.
    """
    allowed = list(allowed)
    if value not in allowed:
        choices = f"can be {', '.join(allowed)}, not" if allowed else "is not a choice here, got"
        raise ValueError(f"The {what} of the dataset {name} {choices} {value!r}.")
