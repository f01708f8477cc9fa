"""Seeds of everything random: the same for a sample, however many devices share its batch.

No draw depends on earlier draws, nor on the device that draws. So a resumed run and a run on
several devices get the same samples, users, shuffles and dropped units.
"""

from __future__ import annotations

import numpy as np
import torch

_USERS = 1  # SampleStream draws the samples themselves, with the same seed and number


def user_rng(seed: int, number: int) -> np.random.Generator:
    """Return the random generator of the simulated user who corrects a sample.

    Parameters
    ----------
    seed : int
        The recipe's seed.
    number : int
        The sample's number in the whole run, from 0: step times batch size, plus its place.

    Returns
    -------
    np.random.Generator
        Independent of the generator that draws the sample.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, number], spawn_key=(_USERS,)))


def seed_step(seed: int, step: int) -> None:
    """Seed torch for one step, for everything a network draws while it is trained.

    Parameters
    ----------
    seed : int
        The recipe's seed.
    step : int
        The number of steps before this one.
    """
    torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]))
