"""Where chance comes from: the same for a sample, however many devices share its batch.

No draw depends on what was drawn before it, nor on which device draws. So a run that is resumed,
and a run on several devices, meet the same samples, users, shuffles and dropped units.
"""

from __future__ import annotations

import numpy as np
import torch

_USERS = 1  # SampleStream draws the samples themselves, with the same seed and number


def of_user(seed: int, number: int) -> np.random.Generator:
    """Return the chance of the user who corrects a sample.

    Parameters
    ----------
    seed : int
        The recipe's.
    number : int
        The sample's number in the whole run, from 0: its step and its place in that step's batch.

    Returns
    -------
    np.random.Generator
        Independent of the one that draws the sample.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, number], spawn_key=(_USERS,)))


def begin_step(seed: int, step: int) -> None:
    """Seed torch for a step: what a network draws while it learns is a function of both.

    Parameters
    ----------
    seed : int
        The recipe's.
    step : int
        How many steps there were before.
    """
    torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]))
