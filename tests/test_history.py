"""Clicks that are taken back and brought back."""

import pytest

from tests.support import one_sentence
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.history import ClickHistory

FIRST, SECOND, THIRD = Click(1, 2), Click(3, 4, False), Click(0, 0)


@pytest.fixture
def history():
    kept = ClickHistory((5, 6, 3))
    kept.add(FIRST)
    kept.add(SECOND)
    return kept


def test_a_new_one_is_empty_and_knows_its_size():
    history = ClickHistory((5, 6, 3))
    assert (len(history.clicks), history.shape) == (0, (5, 6))
    assert not history.can_undo and not history.can_redo


def test_undo_and_redo_walk_along_the_changes(history):
    history.undo()
    assert list(history.clicks) == [FIRST]
    history.redo()
    assert list(history.clicks) == [FIRST, SECOND]
    assert history.can_undo and not history.can_redo


def test_where_there_is_nothing_to_undo_or_redo_nothing_happens(history):
    history.redo()
    assert list(history.clicks) == [FIRST, SECOND]
    for _ in range(3):
        history.undo()
    assert len(history.clicks) == 0


def test_a_change_after_undo_ends_the_old_future(history):
    history.undo()
    history.add(THIRD)
    assert list(history.clicks) == [FIRST, THIRD]
    assert not history.can_redo


def test_undo_brings_back_what_was_cleared_or_replaced(history):
    history.replace(Clicks([THIRD]))
    history.clear()
    assert len(history.clicks) == 0
    history.undo()
    assert list(history.clicks) == [THIRD]
    history.undo()
    assert list(history.clicks) == [FIRST, SECOND]


def test_to_clear_nothing_is_no_change():
    history = ClickHistory((5, 6))
    history.clear()
    assert not history.can_undo


@pytest.mark.parametrize("change", ["add", "replace"])
def test_clicks_outside_are_refused_and_nothing_changes(history, change):
    outside = Click(5, 0) if change == "add" else Clicks([Click(5, 0)])
    with pytest.raises(ValueError, match="outside the image"):
        getattr(history, change)(outside)
    assert list(history.clicks) == [FIRST, SECOND]


def test_a_subclass_hears_of_every_change():
    class Diary(ClickHistory):
        def __init__(self):
            super().__init__((5, 6))
            self.counts = []

        def _save(self):
            self.counts.append(len(self.clicks))

    diary = Diary()
    diary.add(FIRST)
    diary.add(SECOND)
    diary.undo()
    diary.redo()
    diary.clear()
    assert diary.counts == [1, 2, 1, 2, 0]


def test_a_click_is_moved_or_deleted_in_one_step_with_the_choices_that_followed_it(history):
    history.choose(4)
    history.add(THIRD)
    history.choose(0)
    history.move_mark(1, 2, 2)
    assert list(history.clicks) == [FIRST, Click(2, 2, SECOND.positive), THIRD]
    assert history.clicks.preferences == {}
    history.undo()
    assert history.clicks.preferences == {2: 4, 3: 0}
    history.delete_mark(2)
    assert list(history.clicks) == [FIRST, SECOND] and history.clicks.preferences == {2: 4}
    history.move_mark(0, 4, 4)
    history.move_mark(0, 4, 5, merge=True)
    assert history.clicks[0] == Click(4, 5, FIRST.positive)
    history.undo()
    assert list(history.clicks) == [FIRST, SECOND]
    history.move_mark(0, FIRST.row, FIRST.col)
    assert history.can_redo, "to move a click to where it is is no change"


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (lambda history: history.move_mark(2, 0, 0), "There is no click 2: there are 2"),
        (lambda history: history.move_mark(0, 5, 0), "outside the image"),
        (lambda history: history.delete_mark(-3), "There is no click -3"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused_and_nothing_changes(history, act, text):
    with pytest.raises(ValueError, match=text):
        act(history)
    assert list(history.clicks) == [FIRST, SECOND]


# -- choices among candidates ----------------------------------------------------------------------


def test_a_choice_belongs_to_the_present_number_of_clicks(history):
    history.choose(4)
    assert history.clicks.preferences == {2: 4}
    history.add(THIRD)
    history.choose(0)
    assert history.clicks.preferences == {2: 4, 3: 0}


def test_a_choice_is_a_change_that_can_be_taken_back_and_brought_back(history):
    history.choose(4)
    history.choose(1)
    history.undo()
    assert history.clicks.preferences == {2: 4}
    history.undo()
    assert (history.clicks.preferences, len(history.clicks)) == ({}, 2)
    history.redo()
    history.redo()
    assert history.clicks.preferences == {2: 1}


def test_choices_go_and_come_with_their_clicks(history):
    history.choose(4)
    history.add(THIRD)
    history.undo()
    assert history.clicks.preferences == {2: 4}
    for _ in range(2):
        history.undo()
    assert (history.clicks.preferences, len(history.clicks)) == ({}, 1)
    for _ in range(3):
        history.redo()
    assert (history.clicks.preferences, len(history.clicks)) == ({2: 4}, 3)


def test_a_new_click_after_undo_drops_the_later_choices(history):
    history.choose(4)
    history.add(THIRD)
    history.choose(2)
    for _ in range(3):
        history.undo()
    history.add(THIRD)
    assert history.clicks.preferences == {}
    history.redo()
    assert history.clicks.preferences == {}


def test_a_choice_can_be_left_to_the_method_again(history):
    history.choose(4)
    history.choose(None)
    assert history.clicks.preferences == {}
    history.undo()
    assert history.clicks.preferences == {2: 4}


def test_to_choose_what_is_chosen_is_no_change(history):
    history.choose(4)
    history.choose(4)
    history.undo()
    assert history.clicks.preferences == {}
    history.choose(None)
    assert history.can_redo


def test_to_clear_forgets_choices_and_undo_brings_them_back(history):
    history.choose(4)
    history.clear()
    assert history.clicks.preferences == {}
    history.undo()
    assert history.clicks.preferences == {2: 4}


def test_clicks_and_choices_are_replaced_together(history):
    history.choose(4)
    history.replace(Clicks([THIRD]).prefer(2))
    assert history.clicks.preferences == {1: 2}
    history.replace(Clicks([FIRST]))
    assert history.clicks.preferences == {}


def test_choices_cannot_be_changed_from_outside(history):
    history.choose(4)
    history.clicks.preferences[2] = 0  # a copy
    assert history.clicks.preferences == {2: 4}


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        (lambda history: ClickHistory((5, 6)).choose(1), ValueError, "before the first click"),
        (lambda history: history.choose(-1), ValueError, "at least 0, not -1"),
        (lambda history: history.choose(1.5), TypeError, "whole number"),
    ],
)
def test_choices_that_make_no_sense_are_refused_and_nothing_changes(history, act, error, text):
    with pytest.raises(error, match=text) as caught:
        act(history)
    assert one_sentence(caught.value)
    assert (history.clicks.preferences, len(history.clicks)) == ({}, 2)


def test_where_nothing_was_chosen_there_is_nothing_to_forget(history):
    history.replace(history.clicks)
    history._forget_preferences()
    history.undo()
    assert len(history.clicks) == 2


def test_choices_can_be_forgotten_for_good_and_no_step_of_undo_is_empty(history):
    history.choose(4)
    history.add(THIRD)
    history.choose(1)
    history.undo()
    history._forget_preferences()
    assert (history.clicks.preferences, len(history.clicks), history.can_redo) == ({}, 3, False)
    counts = []
    while history.can_undo:
        history.undo()
        counts.append(len(history.clicks))
        assert history.clicks.preferences == {}
    assert counts == [2, 1, 0]
