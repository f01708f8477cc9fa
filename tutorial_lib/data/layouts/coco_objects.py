"""Objects of COCO as a folder of photos and masks: the 800 that papers since f-BRS report on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tutorial_lib.data.layouts.dataset import locate, one_of
from tutorial_lib.data.layouts.pairs import Pair, PairDataset, paired_folders
from tutorial_lib.data.mask_files import read_union

#: The 20 PASCAL VOC categories, by COCO's names. The networks of both papers are trained on them.
SEEN = frozenset(
    ("airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "couch")
    + ("cow", "dining table", "dog", "horse", "motorcycle", "person", "potted plant", "sheep")
    + ("train", "tv")
)
PARTS = ("all", "seen", "unseen")
OBJECTS = "800-objects"
MVAL = ("COCO_MVal",)  # the folder in the archive of f-BRS
_NAME = re.compile(r"(?P<category>.+?)\d+_\d+")


def category_of(identifier: str) -> str:
    """Return the category of an object, which is the beginning of its name.

    Parameters
    ----------
    identifier : str
        Such as ``"wine-glass07_000000099054"``.

    Returns
    -------
    str
        COCO's name of the category, such as ``"wine glass"``.

    Raises
    ------
    ValueError
        If the name does not begin with a category.

    Examples
    --------
    >>> category_of("wine-glass07_000000099054")
    'wine glass'
    """
    if (found := _NAME.fullmatch(identifier)) is None:
        raise ValueError(
            f"The name {identifier!r} is not <category><number>_<photo>, such as "
            "dog03_000000099054, so its category is unknown."
        )
    return found["category"].replace("-", " ")


def is_seen(identifier: str) -> bool:
    """Return whether an object belongs to one of the 20 PASCAL VOC categories.

    Parameters
    ----------
    identifier : str
        As for :func:`category_of`.

    Returns
    -------
    bool
        True for a category that the networks of both papers are trained on.

    Raises
    ------
    ValueError
        As for :func:`category_of`.
    """
    return category_of(identifier) in SEEN


class CocoObjects(PairDataset):
    """One object in each file: ``img`` and ``gt`` (or ``images`` and ``masks``).

    A file name begins with the category of its object: ``dog03_000000099054.jpg``. Spaces in it
    become hyphens in the id.

    Parameters
    ----------
    root : Path
        The folder with both, or the folder above it.
    split : str, optional
        ``"800-objects"`` (the default) for all, ``"seen"`` or ``"unseen"``.
    part : str
        As for :class:`~tutorial_lib.data.layouts.coco.Coco`.

    References
    ----------
    Lin et al., ECCV 2014. Li, Chen and Koltun, CVPR 2018, section 5.1, drew ten objects of each
    category. The 800 of f-BRS (Sofiiuk et al., CVPR 2020) are drawn in a similar way: nine
    toasters, eleven toilets, and ten of every other category.
    """

    def __init__(
        self,
        root: Path,
        split: str | None = None,
        part: str = "all",
    ) -> None:
        split = split or OBJECTS
        one_of("coco", "split", split, (OBJECTS, "seen", "unseen"))
        self.part = part if split == OBJECTS else split
        one_of("coco", "part", self.part, PARTS)
        found = paired_folders(root, MVAL)
        if found is None:
            locate("coco", root, ("annotations",))  # raises the error that names both layouts
        base, *folders = found
        super().__init__("coco", root, base, *folders, read_union)

    def _pairs(self, photos: Path, masks: Path) -> Iterator[Pair]:
        for stem, photo, mask in super()._pairs(photos, masks):
            key = stem.replace(" ", "-")
            try:
                seen = is_seen(key)
            except ValueError as error:
                self.broken[key] = str(error)
                continue
            if self.part == "all" or seen == (self.part == "seen"):
                yield key, photo, mask
