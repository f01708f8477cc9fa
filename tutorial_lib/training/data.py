"""Training samples as an endless stream: scene, crop, clicks, tensors.

Sample number i is a function of the seed and of i alone. So a run that goes on at step n draws
exactly what it would have drawn, whatever the number of worker processes or devices.
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
from tutorial_lib.training.settings import Clicked, Recipe
from tutorial_lib.training.sources import (
    IGNORED,
    OBJECT,
    OTHERS,
    Scene,
    Source,
    open_mixture,
    unreadable,
)
from tutorial_lib.users.training_clicks import PAPER, positive_clicks, sample_clicks

ONE_CLICK = replace(PAPER, positives=1)
LEAST_PIXELS = 64  # an object of fewer pixels in its crop is too small to learn from
ATTEMPTS = 100


@dataclass(frozen=True, eq=False)
class Sample:
    """One object with one user's first clicks.

    Parameters
    ----------
    image : np.ndarray
        ``(crop, crop, 3) uint8``.
    target, valid : np.ndarray
        ``(crop, crop) bool``: the object, and the pixels that count.
    clicks : Clicks
        The clicks, within the crop.
    corrections : int
        How many clicks are still to be added on the network's own errors.
    number : int
        Its number in the whole run, from 0.
    unreadable : tuple of str
        What could not be read before it was drawn, one sentence a draw.
    """

    image: np.ndarray
    target: np.ndarray
    valid: np.ndarray
    clicks: Clicks
    corrections: int
    number: int = 0
    unreadable: tuple[str, ...] = ()


@dataclass(eq=False)
class Batch:
    """Samples as tensors.

    Parameters
    ----------
    image : Tensor
        ``(B, 3, H, W) uint8``, RGB.
    maps : Tensor
        ``(B, 2, H, W) float32``: pixels to the nearest positive and negative click, up to 255.
    target, valid : Tensor
        ``(B, H, W) bool``: the object, and the pixels that count.
    clicks : list of Clicks
        The clicks that the maps show.
    corrections : list of int
        How many clicks are still to be added on the network's own errors.
    numbers : list of int
        The samples' numbers in the whole run, from 0.
    unreadable : list of str
        What could not be read before they were drawn, one sentence a draw.
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


class SampleStream(Dataset):
    """Training samples by number, without end.

    Parameters
    ----------
    recipe : Clicked
        Mixture, crops, clicks and seed.
    data : Path, optional
        The folder the datasets lie in.

    Raises
    ------
    ValueError, FileNotFoundError
        As :func:`tutorial_lib.training.sources.open_mixture`.
    """

    def __init__(self, recipe: Clicked, data: str | Path | None = None) -> None:
        self.recipe = recipe
        folder = None if data is None else Path(data).expanduser()
        size = (max(48, recipe.crop), max(64, recipe.crop * 4 // 3))
        self.sources, self.shares = open_mixture(recipe.mixture, folder, size, recipe.renormalise)
        self.unreadable = unreadable(self.sources)

    def __getitem__(self, number: int) -> Sample:
        """Draw one sample.

        Parameters
        ----------
        number : int
            From 0.

        Returns
        -------
        Sample
            The same for the same number and seed.

        Raises
        ------
        ValueError
            If the sources yield no object that is large enough, a hundred times in a row.
        OSError
            If nothing can be read as often.
        """
        rng, skipped = np.random.default_rng([self.recipe.seed, number]), []
        for _ in range(ATTEMPTS):
            source = self.sources[int(rng.choice(len(self.sources), p=self.shares))]
            scene = readable(source, rng, skipped)
            labels, image = random_crop(scene, self.recipe, rng)
            if (labels == OBJECT).sum() >= LEAST_PIXELS:
                sample = self._with_clicks(image, labels, rng)
                return replace(sample, number=number, unreadable=tuple(skipped))
        raise ValueError(
            f"In {ATTEMPTS} draws no object had {LEAST_PIXELS} pixels in its crop: look at the "
            "masks of the mixture, or make crop or scale_low larger."
        )

    def _with_clicks(
        self, image: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> Sample:
        target, ignore = labels == OBJECT, labels == IGNORED
        if rng.random() < self.recipe.single_click:
            clicks = positive_clicks(target, rng, sampling=ONE_CLICK)
        else:
            others = [labels == n for n in range(OTHERS, int(labels.max()) + 1)]
            clicks = sample_clicks(target, others, rng, ignore=ignore)
        corrections = int(rng.integers(self.recipe.corrections + 1))
        return Sample(image, target, ~ignore, clicks, corrections)


def readable(source: Source, rng: np.random.Generator, skipped: list[str]) -> Scene:
    """Draw a scene; where a file cannot be read, another one.

    Parameters
    ----------
    source : Source
        Where it is drawn from.
    rng : np.random.Generator
        Source of chance.
    skipped : list of str
        Gets a sentence for each draw that could not be read.

    Returns
    -------
    Scene
        The first that could be read.

    Raises
    ------
    OSError
        If nothing could be read, a hundred times in a row.
    """
    for _ in range(ATTEMPTS):
        try:
            return source.draw(rng)
        except (OSError, ValueError) as error:
            skipped.append(str(error))
    raise OSError(f"Nothing could be read in {ATTEMPTS} draws; the last time: {skipped[-1]}")


def random_crop(
    scene: Scene, recipe: Recipe, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a square around the object, at a random scale, perhaps mirrored, brighter or darker.

    Parameters
    ----------
    scene : Scene
        The photo and its labels.
    recipe : Recipe
        ``crop``, ``scale_low``, ``scale_high`` and ``brightness``.
    rng : np.random.Generator
        Source of chance.

    Returns
    -------
    labels : np.ndarray
        ``(crop, crop) uint8``; what lies beyond the photo is ignored.
    image : np.ndarray
        ``(crop, crop, 3) uint8``; beyond the photo it is mirrored.
    """
    scale = rng.uniform(recipe.scale_low, recipe.scale_high)
    window = recipe.crop / scale
    rows, cols = np.nonzero(scene.truth)
    top = _window_start(rows, window, scene.labels.shape[0], rng)
    left = _window_start(cols, window, scene.labels.shape[1], rng)
    # From the crop's pixels to the photo's, both with centres at whole numbers.
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


def collate(samples: list[Sample]) -> Batch:
    """Make tensors of samples.

    Parameters
    ----------
    samples : list of Sample
        At least one, all of one size.

    Returns
    -------
    Batch
        In the same order.
    """
    maps = np.stack([distance_maps(s.clicks, s.target.shape) for s in samples])
    return Batch(
        image=torch.from_numpy(np.stack([s.image for s in samples])).permute(0, 3, 1, 2),
        maps=torch.from_numpy(maps),
        target=torch.from_numpy(np.stack([s.target for s in samples])),
        valid=torch.from_numpy(np.stack([s.valid for s in samples])),
        clicks=[s.clicks for s in samples],
        corrections=[s.corrections for s in samples],
        numbers=[s.number for s in samples],
        unreadable=[sentence for s in samples for sentence in s.unreadable],
    )


class _Careful(Dataset):
    """Samples, or the error that was met: torch wraps errors of other processes in tracebacks."""

    def __init__(self, stream: Dataset) -> None:
        self.stream = stream

    def __getitem__(self, number: int) -> Any:
        try:
            return self.stream[number]
        except (OSError, ValueError) as error:
            return error


def _collate_carefully(samples: list[Any], collate_fn: Callable[[list[Any]], Any]) -> Any:
    errors = [sample for sample in samples if isinstance(sample, Exception)]
    return errors[0] if errors else collate_fn(samples)


class _Numbers(Sampler):
    """The numbers of each batch's samples, from a given step on, for one of several devices."""

    def __init__(self, batch: int, step: int, rank: int, world: int) -> None:
        self.batch, self.step, self.rank, self.part = batch, step, rank, batch // world

    def __iter__(self) -> Iterator[list[int]]:
        first = self.step * self.batch + self.rank * self.part
        while True:
            yield list(range(first, first + self.part))
            first += self.batch


def _start_worker(_: int) -> None:
    """Leave being stopped to the main process, which does so in good order, and it the cores."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cv2.setNumThreads(0)


def batches(
    stream: Dataset,
    step: int = 0,
    rank: int = 0,
    world: int = 1,
    collate_fn: Callable[[list[Any]], Any] = collate,
) -> Iterator[Any]:
    """Yield batches for ever, prepared ahead by the recipe's worker processes.

    Parameters
    ----------
    stream : SampleStream
        The samples, by number; or any others, of a ``recipe``.
    step : int
        The first batch's number, from 0: where a run goes on.
    rank, world : int
        Which of how many devices these batches are for; each gets its part of every batch.
    collate_fn : callable
        Makes a batch of a list of samples.

    Yields
    ------
    Batch
        ``batch / world`` samples, or what ``collate_fn`` makes of them.

    Raises
    ------
    ValueError, OSError
        As the stream does, from whatever process.
    """
    recipe = stream.recipe
    loader = DataLoader(
        _Careful(stream),
        batch_sampler=_Numbers(recipe.batch, step, rank, world),
        num_workers=recipe.workers,
        collate_fn=partial(_collate_carefully, collate_fn=collate_fn),
        worker_init_fn=_start_worker,
        prefetch_factor=4 if recipe.workers else None,
        generator=torch.Generator(),  # the global one belongs to the network, and is resumed
    )
    for batch in loader:
        if isinstance(batch, Exception):
            raise batch
        yield batch
