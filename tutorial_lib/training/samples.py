"""Training samples as an endless stream: scene, crop, clicks, tensors.

Sample i depends only on the seed and on i. So a run that is resumed at step n draws the same
samples as without the interruption, with any number of worker processes or devices.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from tutorial_lib.clicks import Clicks
from tutorial_lib.guidance import distance_maps
from tutorial_lib.training.settings import ClickRecipe, Recipe
from tutorial_lib.training.sources import (
    IGNORED,
    OBJECT,
    OTHERS,
    Source,
    TrainingScene,
    open_mixture,
    unreadable_objects,
)
from tutorial_lib.users.training_clicks import PAPER, positive_clicks, sample_clicks

ONE_CLICK = replace(PAPER, positives=1)
MIN_PIXELS = 64  # objects with fewer pixels in their crop are too small to learn from
ATTEMPTS = 100


@dataclass(frozen=True, eq=False)
class ClickSample:
    """One object with the first clicks of one user.

    Parameters
    ----------
    image : np.ndarray
        ``(crop, crop, 3) uint8``.
    target, valid : np.ndarray
        ``(crop, crop) bool``: the object, and the pixels that count.
    clicks : Clicks
        The clicks, within the crop.
    corrections : int
        Corrective clicks that are still to be added, on the network's own errors.
    number : int
        The sample's number in the whole run, from 0.
    unreadable : tuple of str
        One sentence for each photo that could not be read before this one.
    """

    image: np.ndarray
    target: np.ndarray
    valid: np.ndarray
    clicks: Clicks
    corrections: int
    number: int = 0
    unreadable: tuple[str, ...] = ()


@dataclass(eq=False)
class ClickBatch:
    """Samples as tensors.

    Parameters
    ----------
    image : Tensor
        ``(B, 3, H, W) uint8``, RGB.
    maps : Tensor
        ``(B, 2, H, W) float32``: distance to the nearest positive and negative click, in pixels,
        at most 255.
    target, valid : Tensor
        ``(B, H, W) bool``: the object, and the pixels that count.
    clicks : list of Clicks
        The clicks of each sample; the maps show them.
    corrections : list of int
        Corrective clicks that are still to be added, on the network's own errors.
    numbers : list of int
        The samples' numbers in the whole run, from 0.
    unreadable : list of str
        One sentence for each photo that could not be read before these.
    """

    image: Tensor
    maps: Tensor
    target: Tensor
    valid: Tensor
    clicks: list[Clicks]
    corrections: list[int]
    numbers: list[int]
    unreadable: list[str]

    def __len__(self) -> int:
        return len(self.clicks)

    @property
    def waiting(self) -> list[int]:
        """The samples that still lack corrective clicks, by their place in the batch."""
        return [index for index, left in enumerate(self.corrections) if left > 0]


class SampleStream(Dataset):
    """Training samples by number, without end.

    Parameters
    ----------
    recipe : ClickRecipe
        Mixture, crops, clicks and seed.
    data : Path, optional
        Folder of the datasets.

    Raises
    ------
    ValueError, FileNotFoundError
        As :func:`tutorial_lib.training.sources.open_mixture`.
    """

    def __init__(self, recipe: ClickRecipe, data: str | Path | None = None) -> None:
        self.recipe = recipe
        folder = None if data is None else Path(data).expanduser()
        size = (max(48, recipe.crop), max(64, recipe.crop * 4 // 3))
        self.sources, self.shares = open_mixture(recipe.mixture, folder, size, recipe.renormalise)
        self.unreadable = unreadable_objects(self.sources)

    def __getitem__(self, number: int) -> ClickSample:
        """Draw one sample.

        Parameters
        ----------
        number : int
            From 0.

        Returns
        -------
        ClickSample
            The same for the same number and seed.

        Raises
        ------
        ValueError
            If a hundred objects in a row are too small.
        OSError
            If a hundred photos in a row cannot be read.
        """
        rng, skipped = np.random.default_rng([self.recipe.seed, number]), []
        for _ in range(ATTEMPTS):
            source = self.sources[int(rng.choice(len(self.sources), p=self.shares))]
            scene = draw_readable(source, rng, skipped)
            labels, image = random_crop(scene, self.recipe, rng)
            if (labels == OBJECT).sum() >= MIN_PIXELS:
                sample = self._with_clicks(image, labels, rng)
                return replace(sample, number=number, unreadable=tuple(skipped))
        raise ValueError(
            f"In {ATTEMPTS} draws no object had {MIN_PIXELS} pixels in its crop: check the "
            "masks of the mixture, or increase crop or scale_low."
        )

    def _with_clicks(
        self, image: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> ClickSample:
        target, ignore = labels == OBJECT, labels == IGNORED
        if rng.random() < self.recipe.single_click:
            clicks = positive_clicks(target, rng, sampling=ONE_CLICK)
        else:
            others = [labels == n for n in range(OTHERS, int(labels.max()) + 1)]
            clicks = sample_clicks(target, others, rng, ignore=ignore)
        corrections = int(rng.integers(self.recipe.corrections + 1))
        return ClickSample(image, target, ~ignore, clicks, corrections)


def draw_readable(source: Source, rng: np.random.Generator, skipped: list[str]) -> TrainingScene:
    """Draw scenes until one can be read.

    Parameters
    ----------
    source : Source
        The source of scenes.
    rng : np.random.Generator
        The random generator.
    skipped : list of str
        Gets one sentence for each scene that cannot be read.

    Returns
    -------
    TrainingScene
        The first scene that can be read.

    Raises
    ------
    OSError
        If a hundred scenes in a row cannot be read.
    """
    for _ in range(ATTEMPTS):
        try:
            return source.draw(rng)
        except (OSError, ValueError) as error:
            skipped.append(str(error))
    raise OSError(f"No photo could be read in {ATTEMPTS} draws; the last error was: {skipped[-1]}")


def random_crop(
    scene: TrainingScene, recipe: Recipe, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a square with the object, at a random scale, place and brightness, half of them mirrored.

    Parameters
    ----------
    scene : TrainingScene
        The photo and its labels.
    recipe : Recipe
        ``crop``, ``scale_low``, ``scale_high`` and ``brightness``.
    rng : np.random.Generator
        The random generator.

    Returns
    -------
    labels : np.ndarray
        ``(crop, crop) uint8``; pixels beyond the photo are ignored.
    image : np.ndarray
        ``(crop, crop, 3) uint8``; beyond the photo, its mirror image.
    """
    scale = rng.uniform(recipe.scale_low, recipe.scale_high)
    window = recipe.crop / scale
    rows, cols = np.nonzero(scene.truth)
    top = _window_start(rows, window, scene.labels.shape[0], rng)
    left = _window_start(cols, window, scene.labels.shape[1], rng)
    # From pixels of the crop to pixels of the photo; the centres of pixels are whole numbers.
    back = np.array([[1 / scale, 0, left], [0, 1 / scale, top]])
    back[:, 2] += 0.5 / scale - 0.5
    if rng.random() < 0.5:
        back[0] = -back[0, 0], 0, back[0, 2] + back[0, 0] * (recipe.crop - 1)
    size = (recipe.crop, recipe.crop)
    image = cv2.warpAffine(
        scene.image, back, size, None, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    labels = cv2.warpAffine(
        scene.labels, back, size, None, cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        cv2.BORDER_CONSTANT, IGNORED,
    )  # fmt: skip
    gain = rng.uniform(1 - recipe.brightness, 1 + recipe.brightness)
    return labels, cv2.convertScaleAbs(image, alpha=gain)


def _window_start(
    places: np.ndarray, window: float, length: int, rng: np.random.Generator
) -> float:
    """Draw where a crop begins along one axis: it holds the object, or lies within its extent.

    Of the crops that do, those are taken that show as much of the photo as possible.
    """
    if not len(places):
        return 0.0
    first, last = float(places.min()), float(places.max()) + 1
    start = rng.uniform(*sorted((last - window, first)))
    return float(np.clip(start, *sorted((0.0, length - window))))


def collate_clicks(samples: list[ClickSample]) -> ClickBatch:
    """Stack samples into tensors.

    Parameters
    ----------
    samples : list of ClickSample
        At least one, all of the same size.

    Returns
    -------
    ClickBatch
        In the same order.
    """
    maps = np.stack([distance_maps(s.clicks, s.target.shape) for s in samples])
    return ClickBatch(
        image=torch.from_numpy(np.stack([s.image for s in samples])).permute(0, 3, 1, 2),
        maps=torch.from_numpy(maps),
        target=torch.from_numpy(np.stack([s.target for s in samples])),
        valid=torch.from_numpy(np.stack([s.valid for s in samples])),
        clicks=[s.clicks for s in samples],
        corrections=[s.corrections for s in samples],
        numbers=[s.number for s in samples],
        unreadable=[sentence for s in samples for sentence in s.unreadable],
    )


class _ErrorsAsSamples(Dataset):
    """Samples, or the errors they raise: torch would wrap errors of workers in tracebacks."""

    def __init__(self, stream: Dataset) -> None:
        self.stream = stream

    def __getitem__(self, number: int) -> Any:
        try:
            return self.stream[number]
        except (OSError, ValueError) as error:
            return error


def _collate_or_error(samples: list[Any], collate_fn: Callable[[list[Any]], Any]) -> Any:
    errors = [sample for sample in samples if isinstance(sample, Exception)]
    return errors[0] if errors else collate_fn(samples)


class _Numbers(Sampler):
    """The numbers of the samples of each batch, from a step on, for one of several devices."""

    def __init__(self, batch: int, step: int, rank: int, world: int) -> None:
        self.batch, self.step, self.rank, self.part = batch, step, rank, batch // world

    def __iter__(self) -> Iterator[list[int]]:
        first = self.step * self.batch + self.rank * self.part
        while True:
            yield list(range(first, first + self.part))
            first += self.batch


def _start_worker(_: int) -> None:
    """Leave signals to the main process, which stops the run; and use one thread only."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cv2.setNumThreads(0)


def batches(
    stream: Dataset,
    step: int = 0,
    rank: int = 0,
    world: int = 1,
    collate_fn: Callable[[list[Any]], Any] = collate_clicks,
) -> Iterator[Any]:
    """Yield batches without end; the recipe's worker processes prepare them ahead.

    Parameters
    ----------
    stream : SampleStream
        The samples by number. Any dataset with an attribute ``recipe`` will do.
    step : int
        Number of the first batch, from 0.
    rank, world : int
        Device number ``rank`` of ``world`` devices; each gets its part of every batch.
    collate_fn : callable
        Stacks a list of samples into a batch.

    Yields
    ------
    ClickBatch
        With ``batch / world`` samples; or whatever ``collate_fn`` returns.

    Raises
    ------
    ValueError, OSError
        As the stream raises them, also in worker processes.
    """
    recipe = stream.recipe
    loader = DataLoader(
        _ErrorsAsSamples(stream),
        batch_sampler=_Numbers(recipe.batch, step, rank, world),
        num_workers=recipe.workers,
        collate_fn=partial(_collate_or_error, collate_fn=collate_fn),
        worker_init_fn=_start_worker,
        prefetch_factor=4 if recipe.workers else None,
        generator=torch.Generator(),  # leaves the global one to the network
    )
    for batch in loader:
        if isinstance(batch, Exception):
            raise batch
        yield batch
