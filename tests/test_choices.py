"""A human's choices among candidates: which make sense, and how they are stored."""

import numpy as np
import pytest

from tests.support import Growing, one_sentence
from tutorial_lib.choices import (
    check_choices,
    choices_from_list,
    choices_to_list,
    takes_choices,
)
from tutorial_lib.segmenter import get_segmenter


def test_choices_that_can_be_followed_are_returned():
    assert check_choices(None, 3) == {}
    assert check_choices({1: 2, 4: 0}, 3) == {1: 2, 4: 0}
    assert check_choices({np.int64(2): np.int32(7)}) == {2: 7}


@pytest.mark.parametrize(
    ("chosen", "error", "text"),
    [
        ({1: 3}, ValueError, "numbered 0 to 2; none is 3"),
        ({1: -1}, ValueError, "none is -1"),
        ({0: 1}, ValueError, "follows the first click"),
        ({1: 1.5}, TypeError, "whole numbers, not 1.5"),
        ({"one": 1}, TypeError, "whole numbers, not 'one'"),
        ([2], TypeError, "a mapping such as {1: 2}, not"),
    ],
)
def test_others_are_refused_in_one_sentence(chosen, error, text):
    with pytest.raises(error, match=text) as caught:
        check_choices(chosen, 3)
    assert one_sentence(caught.value)


def test_a_method_says_by_its_arguments_that_it_takes_choices():
    assert takes_choices(Growing())
    assert not takes_choices(get_segmenter("graph-cut"))


def test_choices_are_stored_in_the_order_of_the_clicks():
    assert choices_to_list({3: 0, 1: 2}) == [[1, 2], [3, 0]]
    assert choices_from_list([[1, 2], [3, 0]], clicks=3) == {1: 2, 3: 0}


@pytest.mark.parametrize(
    "entries",
    [None, 5, {}.keys, [1], [[1]], [[1, 2, 3]], [["1", 2]], [[1, -1]], [[0, 1]], [[4, 0]]],
)
def test_what_is_no_list_of_choices_is_refused(entries):
    with pytest.raises(ValueError, match="pairs for the clicks beside them") as caught:
        choices_from_list(entries, clicks=3)
    assert one_sentence(caught.value)
