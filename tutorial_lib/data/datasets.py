"""Open the common datasets by name.

Datasets are read from their official layouts, one photo at a time. Nothing is copied or converted.
``load_dataset`` returns a small, picklable sequence of examples. ``DATASETS`` describes each
dataset, ``fetch`` downloads it, and ``register_dataset`` adds a dataset of your own.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from tutorial_lib.data.catalogue import DATASETS, TEST_PHOTOS_IN_BSDS500, DatasetInfo
from tutorial_lib.data.fetching import fetch
from tutorial_lib.data.layouts.by_name import LAYOUTS, Reader
from tutorial_lib.data.layouts.dataset import Dataset, Example, Subset

__all__ = [
    "DATASETS",
    "TEST_PHOTOS_IN_BSDS500",
    "Dataset",
    "DatasetInfo",
    "Example",
    "Subset",
    "fetch",
    "load_dataset",
    "register_dataset",
]


def register_dataset(
    name: str,
    reader: Reader,
    *,
    title: str = "",
    layout: str = "",
    home: str = "",
    terms: str = "",
    paper: str = "",
    splits: tuple[str, ...] = (),
) -> DatasetInfo:
    """Add a dataset of your own, so that :func:`load_dataset` and ``evaluate --dataset`` find it.

    Parameters
    ----------
    name : str
        A name that no dataset has yet.
    reader : callable
        A function or a subclass of :class:`Dataset`. It takes the dataset's folder (a ``Path``)
        and returns a :class:`Dataset` of the same name. Its other parameters are options of
        :func:`load_dataset`. It gets ``split`` and ``seed`` if it has these parameters.
    title : str
        The dataset's name in papers. By default, ``name``.
    layout : str
        The files that the reader expects, in one phrase.
    home, terms, paper : str
        The official page, the licence, and the paper to cite.
    splits : tuple of str
        The values of ``split``. The first one is the default.

    Returns
    -------
    DatasetInfo
        The new entry of :data:`DATASETS`.

    Raises
    ------
    ValueError
        If another dataset has this name. A reader that was defined in the running notebook replaces
        its earlier version.

    Examples
    --------
    >>> from tutorial_lib.data.layouts.pairs import PairDataset
    >>> from tutorial_lib.data.mask_files import read_trimap
    >>> def leaves(root):
    ...     return PairDataset("leaves", root, root, "photos", "outlines", read_trimap)
    >>> register_dataset("leaves", leaves, layout="photos and outlines").title
    'leaves'
    """
    taken = LAYOUTS.get(name)
    of_notebook = getattr(taken, "__module__", None) == "__main__"
    if taken not in (None, reader) and not of_notebook:
        raise ValueError(f"There is already a dataset named {name!r}; choose another name.")
    DATASETS[name] = DatasetInfo(name, title or name, layout, home, terms, paper, splits)
    LAYOUTS[name] = reader
    return DATASETS[name]


def load_dataset(
    name: str, root: str | Path, *, split: str | None = None, seed: int = 0, **options: Any
) -> Dataset:
    """Open a dataset.

    The index is read now. The pixels of a photo are read with its example. An object whose pixels
    are all ignored is left out, and listed in ``dataset.skipped``.

    Parameters
    ----------
    name : str
        One of :data:`DATASETS`.
    root : str or Path
        The dataset's folder in its official layout (``DATASETS[name].layout``), as :func:`fetch`
        writes it.
    split : str, optional
        One of ``DATASETS[name].splits``. By default, the first one.
    seed : int
        The seed of the random sample, for davis and coco.
    **options
        ``share`` and ``resolution`` for davis; ``part``, ``fold``,
        ``per_category`` and ``upright`` for coco; ``least``,
        ``most`` and ``exclude`` for bsds500; ``targets`` for clothing-co-parsing; ``check`` for
        duts and folder.

    Returns
    -------
    Dataset
        A picklable sequence of :class:`Example`.

    Raises
    ------
    ValueError
        If there is no such dataset or split, or if its files do not fit together.
    TypeError
        If the dataset has no such option.
    FileNotFoundError
        If the folder or a file in it is missing. The message says how to get it.

    Examples
    --------
    >>> photos = load_dataset("grabcut", "data/GrabCut")    # doctest: +SKIP
    >>> photos[0].truth.any()                               # doctest: +SKIP
    True
    """
    if name not in LAYOUTS:
        raise ValueError(f"The datasets are {', '.join(LAYOUTS)}; there is no {name!r}.")
    layout = LAYOUTS[name]
    takes = inspect.signature(layout).parameters.keys() - {"root", "split", "seed"}
    if unknown := sorted(options.keys() - takes):
        known = f"its options are {', '.join(sorted(takes))}" if takes else "it has no options"
        raise TypeError(f"The dataset {name} has no option {unknown[0]!r}; {known}.")
    general = {"split": split, "seed": seed}
    shared = inspect.signature(layout).parameters.keys() & general
    if split is not None and "split" not in shared:
        raise ValueError(f"The dataset {name} has no splits, so split={split!r} has no meaning.")
    folder = Path(root).expanduser()
    return layout(folder, **{key: general[key] for key in shared}, **options)
