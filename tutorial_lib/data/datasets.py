"""Open any of the usual datasets by name: official layouts, read in place, one photo at a time.

Nothing is copied or converted. ``load_dataset`` gives a light, picklable sequence of examples,
``DATASETS`` says what each dataset is and where it comes from, ``fetch`` downloads it.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from tutorial_lib.data.catalogue import DATASETS, GRABCUT_IN_BSDS500, DatasetInfo
from tutorial_lib.data.fetch import fetch
from tutorial_lib.data.layouts.base import Dataset, Example, Subset
from tutorial_lib.data.layouts.by_name import LAYOUTS

__all__ = [
    "DATASETS",
    "GRABCUT_IN_BSDS500",
    "Dataset",
    "DatasetInfo",
    "Example",
    "Subset",
    "fetch",
    "load_dataset",
]


def load_dataset(
    name: str, root: str | Path, *, split: str | None = None, seed: int = 0, **options: Any
) -> Dataset:
    """Open a dataset.

    The index is read now, pixels of photos only when an example is asked for. Objects that have
    no pixel that counts are left out and named in ``dataset.skipped``.

    Parameters
    ----------
    name : str
        One of :data:`DATASETS`.
    root : str or Path
        The folder it lies in, laid out as officially distributed (``DATASETS[name].layout``); what
        :func:`fetch` was given.
    split : str, optional
        One of ``DATASETS[name].splits``; the first of them by default.
    seed : int
        Draws the sample of the datasets that are sampled, davis and coco.
    **options
        ``share`` and ``resolution`` for davis; ``part`` and ``per_category`` for coco; ``least``,
        ``most`` and ``exclude`` for bsds500; ``targets`` for clothing-co-parsing; ``check`` for
        duts and folder.

    Returns
    -------
    Dataset
        A sequence of :class:`Example`, picklable.

    Raises
    ------
    ValueError
        If there is no such dataset or split, or its files do not fit together.
    TypeError
        If the dataset has no such option.
    FileNotFoundError
        If the folder or a file in it is missing; the text says how to get it.

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
