"""The methods' defaults are the values that were chosen on validation photos, and no others."""

import inspect
import json

import pytest

from tests.support import ROOT
from tools.choose_constants import CONSTANTS, clicks_needed
from tutorial_lib.registry import get_segmenter

CHOSEN = json.loads((ROOT / "assets" / "results" / "constants.json").read_text())


@pytest.mark.parametrize("name", CONSTANTS)
def test_defaults_are_the_chosen_values(name):
    parameters = inspect.signature(type(get_segmenter(name))).parameters
    chosen = CHOSEN["methods"][name]["chosen"]
    assert chosen.keys() == CONSTANTS[name].keys()
    assert {key: parameters[key].default for key in chosen} == chosen


@pytest.mark.parametrize("name", CONSTANTS)
def test_the_choice_follows_from_the_figures(name):
    """Go through the constants once more, with the stored figures in place of measurements."""
    found = CHOSEN["methods"][name]

    def stored(options):
        return next(row for row in found["tried"] if row["options"] == options)

    options = {key: tried[0] for key, tried in CONSTANTS[name].items()}
    for key, tried in CONSTANTS[name].items():
        column = [stored({**options, key: value}) for value in tried]
        options = min(column, key=clicks_needed)["options"]
    assert options == found["chosen"]
