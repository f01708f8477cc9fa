"""Training samples of semantic segmentation: crops of photos with a class for every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from tutorial_lib.data.layouts.clothing import ClothingCoParsing
from tutorial_lib.deep.semantic.losses import UNLABELLED
from tutorial_lib.training.samples import draw_readable, random_crop
from tutorial_lib.training.semantic.recipes import SemanticRecipe
from tutorial_lib.training.sources import (
    IGNORED,
    OTHERS,
    TrainingScene,
    parse_mixture,
    unreadable_objects,
)

BACKGROUND, OTHER = "background", "other garment"

#: Our classes, each with its labels of Clothing Co-Parsing. A class merges garments that differ in
#: cut or cloth but are worn in the same place: nobody wears both jeans and pants. All labels that
#: are not listed belong to OTHER; most of them are rings and wristwatches.
CLASSES: dict[str, tuple[str, ...]] = {
    BACKGROUND: ("null",),
    "skin": ("skin",),
    "hair": ("hair",),
    "coat or jacket": ("coat", "blazer", "jacket", "cape", "suit", "cardigan"),
    "sweater": ("sweater", "sweatshirt", "jumper", "hoodie"),
    "shirt or blouse": ("shirt", "blouse", "t-shirt", "top", "bodysuit"),
    "vest": ("vest",),
    "dress": ("dress", "romper"),
    "trousers": ("pants", "jeans"),
    "shorts": ("shorts",),
    "skirt": ("skirt",),
    "stockings": ("stockings", "tights", "leggings", "socks"),
    "shoes": (
        "shoes", "boots", "sandals", "loafers", "sneakers", "pumps", "heels", "flats", "wedges",
        "clogs",
    ),
    "bag": ("bag", "purse", "wallet"),
    "scarf": ("scarf",),
    "hat": ("hat",),
    "glasses": ("sunglasses", "glasses"),
    "belt": ("belt",),
    OTHER: (),
}  # fmt: skip
NAMES = tuple(CLASSES)


def class_numbers(labels: tuple[str, ...]) -> np.ndarray:
    """Return the class of each label of a dataset.

    Parameters
    ----------
    labels : tuple of str
        Names of the labels; the background is the first.

    Returns
    -------
    np.ndarray
        ``(len(labels),) uint8``: positions in :data:`NAMES`.
    """
    known = {label: number for number, name in enumerate(NAMES) for label in CLASSES[name]}
    other = NAMES.index(OTHER)
    numbers = np.array([known.get(label, other) for label in labels], dtype=np.uint8)
    numbers[:1] = NAMES.index(BACKGROUND)
    return numbers


@dataclass(frozen=True, eq=False)
class LabelledScene(TrainingScene):
    """A photo whose labels are classes, from ``OTHERS`` on; label 2 stays "ignored".

    Parameters
    ----------
    image, labels
        As for :class:`tutorial_lib.training.sources.TrainingScene`.
    chosen : int
        The label that crops must show.
    """

    chosen: int

    @property
    def truth(self) -> np.ndarray:
        """The pixels of the chosen label, ``(H, W) bool``."""
        return self.labels == self.chosen


class LabelledPhotos:
    """Clothing Co-Parsing: a photo, the classes of all pixels, and one of these classes.

    Parameters
    ----------
    dataset : ClothingCoParsing
        The photos.
    """

    def __init__(self, dataset: ClothingCoParsing) -> None:
        self.dataset, self.stems = dataset, dataset.labelled
        self.numbers = class_numbers(dataset.label_names)

    def draw(self, rng: np.random.Generator) -> LabelledScene:
        """Draw a photo, then one of its classes, all equally likely; never the background."""
        stem = self.stems[int(rng.integers(len(self.stems)))]
        classes = self.numbers[self.dataset.label_map(stem)]
        present = np.flatnonzero(np.bincount(classes.ravel()))
        chosen = int(rng.choice(present[present > 0])) + OTHERS
        return LabelledScene(self.dataset.photo(stem), classes + np.uint8(OTHERS), chosen)


@dataclass(frozen=True, eq=False)
class LabelSample:
    """A crop with its classes.

    Parameters
    ----------
    image : np.ndarray
        ``(crop, crop, 3) uint8``.
    classes : np.ndarray
        ``(crop, crop) uint8``: positions in :data:`NAMES`, or 255 beyond the photo.
    unreadable : tuple of str
        One sentence for each photo that could not be read before this one.
    """

    image: np.ndarray
    classes: np.ndarray
    unreadable: tuple[str, ...] = ()


@dataclass(eq=False)
class LabelBatch:
    """Crops as tensors.

    Parameters
    ----------
    image : Tensor
        ``(B, 3, H, W) uint8``, RGB.
    classes : Tensor
        ``(B, H, W) uint8``: positions in :data:`NAMES`, or 255 where a pixel does not count.
    unreadable : list of str
        One sentence for each photo that could not be read before these.
    """

    image: Tensor
    classes: Tensor
    unreadable: list[str]

    def __len__(self) -> int:
        return len(self.image)


class LabelStream(Dataset):
    """Crops by number, without end. Each depends only on the seed and its number.

    Parameters
    ----------
    recipe : SemanticRecipe
        Mixture, crops and seed.
    data : str or Path, optional
        Folder of the datasets.

    Raises
    ------
    ValueError
        If the mixture is another one, or if there is no folder.
    FileNotFoundError
        If the dataset is missing. The message says how to get it.
    """

    def __init__(self, recipe: SemanticRecipe, data: str | Path | None = None) -> None:
        self.recipe = recipe
        part, *more = parse_mixture(recipe.mixture)
        if more or part.kind != "clothing-co-parsing" or part.share != 1:
            raise ValueError(
                "Classes are learned from one source, clothing-co-parsing:folder:1, not from "
                f"{recipe.mixture!r}."
            )
        if data is None:
            raise ValueError("This recipe trains on photos: say where they are with --data DIR.")
        folder = Path(data).expanduser() / part.folder
        self.source = LabelledPhotos(ClothingCoParsing(folder, split="train"))
        self.unreadable = unreadable_objects([self.source])

    def __getitem__(self, number: int) -> LabelSample:
        """Draw one crop.

        Parameters
        ----------
        number : int
            From 0.

        Returns
        -------
        LabelSample
            The same for the same number and seed.

        Raises
        ------
        OSError
            If a hundred photos in a row cannot be read.
        """
        rng, skipped = np.random.default_rng([self.recipe.seed, number]), []
        scene = draw_readable(self.source, rng, skipped)
        labels, image = random_crop(scene, self.recipe, rng)
        classes = np.where(labels == IGNORED, np.uint8(UNLABELLED), labels - np.uint8(OTHERS))
        return LabelSample(image, classes, tuple(skipped))


def collate_labels(samples: list[LabelSample]) -> LabelBatch:
    """Stack crops into tensors.

    Parameters
    ----------
    samples : list of LabelSample
        At least one, all of one size.

    Returns
    -------
    LabelBatch
        In the same order.
    """
    return LabelBatch(
        image=torch.from_numpy(np.stack([s.image for s in samples])).permute(0, 3, 1, 2),
        classes=torch.from_numpy(np.stack([s.classes for s in samples])),
        unreadable=[sentence for s in samples for sentence in s.unreadable],
    )
