"""Clicks that are taken back and brought back."""

import pytest

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
