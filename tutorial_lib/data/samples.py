"""Sample photos with hand-made masks; nothing is downloaded.

The photos come with packages that this package depends on. Only the masks are ours. If a click may
mean a part or the whole, the photo has one mask for each reading. ``assets/samples/SOURCES.md``
says what each mask includes and excludes.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.images import as_rgb
from tutorial_lib.paths import bundled


@dataclass(frozen=True, eq=False)
class SamplePhoto:
    """A photo with a mask for each possible meaning of a click.

    Parameters
    ----------
    name : str
        The short name, for :func:`load_sample`.
    title : str
        What the photo shows.
    image : np.ndarray
        ``(H, W, 3) uint8``.
    masks : dict of str to np.ndarray
        ``(H, W) bool`` for each reading. The first one is the default.
    source : str
        The maker of the photo, and the package that contains it.
    licence : str
        The terms of the photo, as that package states them.
    """

    name: str
    title: str
    image: np.ndarray
    masks: dict[str, np.ndarray]
    source: str
    licence: str

    @property
    def mask(self) -> np.ndarray:
        """The default reading, ``(H, W) bool``."""
        return next(iter(self.masks.values()))

    def reading(self, name: str) -> np.ndarray:
        """Return the mask of one reading.

        Parameters
        ----------
        name : str
            The name of the reading, such as ``"cup"``.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``.

        Raises
        ------
        ValueError
            If the photo has no such reading. The message lists its readings.
        """
        if name not in self.masks:
            raise ValueError(f"{self.name} can be read as {', '.join(self.masks)}, not {name!r}.")
        return self.masks[name]


@dataclass(frozen=True)
class _Entry:
    """A photo's file, checksum and masks."""

    title: str
    file: str  # package, then path inside the package
    sha256: str
    readings: tuple[str, ...]
    author: str
    licence: str


DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}

# In teaching order: the first photo needs two clicks, and the last photos are hard.
_ENTRIES = {
    "flower": _Entry(
        title="A dahlia, and part of a second one",
        file="sklearn/datasets/images/flower.jpg",
        sha256="a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        readings=("flower",),
        author="vultilion, Flickr",
        licence="CC BY 2.0",
    ),
    "coffee": _Entry(
        title="A cup of coffee on its saucer, with a spoon",
        file="skimage/data/coffee.png",
        sha256="cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        readings=("cup-and-saucer", "cup", "spoon"),
        author="Rachel Michetti, courtesy of Pikolo Espresso Bar",
        licence="CC0",
    ),
    "astronaut": _Entry(
        title="Eileen Collins, astronaut",
        file="skimage/data/astronaut.png",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        readings=("person", "suit", "face"),
        author="NASA Great Images database",
        licence="public domain",
    ),
    "grace_hopper": _Entry(
        title="Grace Hopper, computer scientist",
        file="matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        sha256="a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
        readings=("person", "uniform", "hat"),
        author="United States Navy, from Wikimedia Commons",
        licence="public domain",
    ),
    "chelsea": _Entry(
        title="Chelsea the cat",
        file="skimage/data/chelsea.png",
        sha256="596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        readings=("cat",),
        author="Stefan van der Walt",
        licence="CC0",
    ),
    "coins": _Entry(
        title="Greek coins from Pompeii, in grey",
        file="skimage/data/coins.png",
        sha256="f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
        readings=("coin", "all-coins"),
        author="Brooklyn Museum Collection",
        licence="no known copyright restrictions",
    ),
    "china": _Entry(
        title="A tower of many roofs above a lake",
        file="sklearn/datasets/images/china.jpg",
        sha256="8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        readings=("tower",),
        author="danielbuechele, Flickr",
        licence="CC BY 2.0",
    ),
    "rocket": _Entry(
        title="A Falcon 9 on its launch pad at dusk",
        file="skimage/data/rocket.jpg",
        sha256="c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        readings=("rocket",),
        author="SpaceX",
        licence="public domain",
    ),
}


def sample_names() -> list[str]:
    """Return the names of the sample photos.

    Returns
    -------
    list of str
        In teaching order, the easiest first.
    """
    return list(_ENTRIES)


def sample_titles() -> dict[str, str]:
    """Return what each sample photo shows, without loading it.

    Returns
    -------
    dict of str to str
        The title of each photo by its name, in teaching order.
    """
    return {name: entry.title for name, entry in _ENTRIES.items()}


def load_sample(name: str) -> SamplePhoto:
    """Load a photo and its masks.

    Parameters
    ----------
    name : str
        One of :func:`sample_names`.

    Returns
    -------
    SamplePhoto
        The sample. Its arrays are new and can be changed.

    Raises
    ------
    ValueError
        If there is no such sample, or if the photo in the installed package is not the one that
        the masks were made for.
    FileNotFoundError
        If the package with the photo, or the photo in it, is missing.
    """
    if name not in _ENTRIES:
        raise ValueError(f"The samples are {', '.join(_ENTRIES)}; there is no {name!r}.")
    entry = _ENTRIES[name]
    folder = bundled("assets") / "samples"
    return SamplePhoto(
        name=name,
        title=entry.title,
        image=as_rgb(_photo_bytes(name, entry)),
        masks={
            reading: as_rgb(folder / f"{name}.{reading}.png")[..., 0] > 127
            for reading in entry.readings
        },
        source=f"{entry.author}; from {DISTRIBUTIONS[entry.file.split('/')[0]]}",
        licence=entry.licence,
    )


def sample_examples() -> Iterator[Example]:
    """Yield every object in the sample photos, as a dataset does.

    Yields
    ------
    Example
        One for each mask. The first object of a photo has the photo's name, such as ``coffee``;
        others have their own behind it, such as ``coffee-spoon``.
    """
    for name in _ENTRIES:
        sample = load_sample(name)
        for place, (reading, mask) in enumerate(sample.masks.items()):
            yield Example(f"{name}-{reading}" if place else name, sample.image, mask)


def _photo_bytes(name: str, entry: _Entry) -> bytes:
    """Read the photo's file and check that the masks were made for it."""
    package, _, inside = entry.file.partition("/")
    distribution = DISTRIBUTIONS[package]
    spec = importlib.util.find_spec(package)  # fast, because it imports nothing
    folders = spec.submodule_search_locations if spec else None
    path = Path(next(iter(folders or [""])), inside)
    if not (folders and path.is_file()):
        raise FileNotFoundError(
            f"The photo {entry.file} is missing; reinstall {distribution}, which ships it: "
            f"pip install --force-reinstall {distribution}"
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ValueError(
            f"This version of {distribution} ships another photo {name!r} than the masks were "
            f"made for; use another sample or another version of {distribution}."
        )
    return content
