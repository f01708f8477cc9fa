"""A session with a method that proposes candidates: choices, their answers, logs and autosave."""

import json

import numpy as np
import pytest

from tests.support import Growing, disc_mask, easy_scene, one_sentence
from tutorial_lib import registry
from tutorial_lib.click_log import read_log
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.registry import MethodInfo, register
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.session import Session

PHOTO, _, _ = easy_scene()
FIRST, SECOND = Click(24, 16), Click(24, 48)


def disc(click, number):
    return disc_mask(PHOTO.shape[:2], click.row, click.col, Growing.radii[number])


class Single(Growing):
    """Never has any candidates."""

    def segment(self, image, clicks):
        return Segmentation(np.zeros(image.shape[:2]))


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    register(MethodInfo("growing", "classical", False, "Grows.", "nobody", Growing))
    register(MethodInfo("single", "classical", False, "One.", "nobody", Single))


@pytest.fixture
def session():
    return Session(PHOTO, "growing")


def play(session):
    """Click, prefer candidate 2, click again, prefer candidate 1."""
    session.click(FIRST.row, FIRST.col)
    session.choose(2)
    session.click(SECOND.row, SECOND.col)
    session.choose(1)
    session.refresh()
    return session


def same(mine, theirs):
    return np.array_equal(mine, theirs)


# -- choosing ----------------------------------------------------------------------------------


def test_what_is_chosen_is_shown_and_the_scores_stay(session):
    session.click(FIRST.row, FIRST.col)
    assert same(session.mask, disc(FIRST, 0))
    session.choose(2)
    assert session.stale
    answer = session.refresh()
    assert same(answer.mask, disc(FIRST, 2))
    assert answer.selected == 2
    assert answer.scores == pytest.approx(Growing.scores)


def test_the_next_click_goes_on_from_the_choice(session):
    session.click(FIRST.row, FIRST.col)
    session.choose(2)
    assert same(session.click(SECOND.row, SECOND.col).mask, disc(FIRST, 2) | disc(SECOND, 0))


def test_undo_takes_back_the_choice_and_then_its_click(session):
    play(session)
    session.undo()
    assert same(session.refresh().mask, disc(FIRST, 2) | disc(SECOND, 0))
    session.undo()
    assert same(session.refresh().mask, disc(FIRST, 2))
    session.undo()
    assert same(session.refresh().mask, disc(FIRST, 0))
    for _ in range(3):
        session.redo()
    assert same(session.refresh().mask, disc(FIRST, 2) | disc(SECOND, 1))


def test_a_choice_left_to_the_method_again_shows_what_it_selects(session):
    session.click(FIRST.row, FIRST.col)
    session.choose(2)
    session.choose(None)
    assert same(session.refresh().mask, disc(FIRST, 0))


def test_a_choice_may_come_before_the_answer(session):
    session.add(FIRST)
    session.choose(1)
    assert same(session.refresh().mask, disc(FIRST, 1))


def test_the_history_tells_clicks_and_choices_of_every_answer(session):
    steps = play(session).history
    assert [step.clicks.preferences for step in steps] == [{}, {1: 2}, {1: 2, 2: 1}]
    assert [len(step.clicks) for step in steps] == [1, 2, 2]
    assert same(steps[2].mask, session.mask)


@pytest.mark.parametrize(
    ("method", "candidate", "text"),
    [
        ("growing", 3, "numbered 0 to 2; none is 3"),
        ("growing", -1, "at least 0, not -1"),
        ("graph-cut", 0, "graph-cut has no candidates to choose from; latent-diversity has"),
        ("single", 0, "single has no candidates to choose from"),
    ],
)
def test_a_choice_that_cannot_be_followed_is_refused_and_nothing_changes(method, candidate, text):
    session = Session(PHOTO, method)
    session.click(FIRST.row, FIRST.col)
    with pytest.raises(ValueError, match=text) as caught:
        session.choose(candidate)
    assert one_sentence(caught.value)
    assert session.clicks.preferences == {} and not session.stale


def test_before_the_first_click_there_is_nothing_to_choose(session):
    with pytest.raises(ValueError, match="before the first click"):
        session.choose(0)


def test_another_method_forgets_the_choices_and_so_do_other_settings(session):
    play(session)
    session.use("graph-cut")
    assert session.clicks.preferences == {}
    session.refresh()
    session.undo()
    assert session.clicks == Clicks([FIRST])
    session.use("growing")
    assert same(session.refresh().mask, disc(FIRST, 0))


def test_another_method_never_meets_choices_that_redo_would_bring_back(session):
    play(session)
    for _ in range(4):
        session.undo()
    session.use("graph-cut")
    while session.can_redo:
        session.redo()
        session.refresh()
    assert session.clicks == Clicks([FIRST, SECOND])


def test_the_same_method_again_keeps_them(session):
    play(session).use("growing")
    assert session.clicks.preferences == {1: 2, 2: 1}


# -- a segmenter that was built already --------------------------------------------------------


def test_a_segmenter_object_serves_as_method():
    session = play(Session(PHOTO, Growing()))
    assert (session.method, session.options, session.needs_negative) == ("Growing", {}, False)
    assert same(session.mask, disc(FIRST, 2) | disc(SECOND, 1))
    assert Session(PHOTO, "graph-cut").needs_negative


def test_two_objects_of_one_class_are_two_methods(session):
    other = Growing()
    other.radii = (1, 2, 3)
    session.use(Growing())
    session.click(FIRST.row, FIRST.col)
    session.use(other)
    assert session.stale
    assert session.refresh().mask.sum() == 5


def test_an_object_takes_no_options_and_has_to_be_a_segmenter():
    with pytest.raises(ValueError, match="takes no option lam") as caught:
        Session(PHOTO, Growing(), lam=1)
    assert one_sentence(caught.value)
    with pytest.raises(TypeError, match="an object with prepare and segment") as caught:
        Session(PHOTO, 5)
    assert one_sentence(caught.value)


# -- logs --------------------------------------------------------------------------------------


def test_a_replayed_log_makes_the_same_choices(session, tmp_path):
    play(session).export(tmp_path)
    again = Session.replay(PHOTO, tmp_path / "photo-clicks.json")
    assert again.clicks.preferences == {1: 2, 2: 1}
    assert same(again.mask, session.mask)
    assert [step.clicks.preferences for step in again.history] == [{}, {1: 2}, {1: 2}, {1: 2, 2: 1}]


def test_without_choices_a_log_looks_as_before(session):
    session.click(FIRST.row, FIRST.col)
    assert "choices" not in session.log()
    assert play(Session(PHOTO, "growing")).log()["choices"] == [[1, 2], [2, 1]]


def test_a_log_of_an_unregistered_method_is_replayed_with_the_method_itself():
    log = play(Session(PHOTO, Growing())).log()
    with pytest.raises(ValueError, match="There is no method 'Growing'"):
        Session.replay(PHOTO, log)
    assert Session.replay(PHOTO, log, method=Growing()).clicks.preferences == {1: 2, 2: 1}


@pytest.mark.parametrize("choices", [5, [[1]], [[3, 0]], [[1, "2"]], [[1, 7]]])
def test_a_log_with_bad_choices_is_refused_in_one_sentence(session, choices):
    log = {**play(session).log(), "choices": choices}
    with pytest.raises(ValueError) as caught:
        Session.replay(PHOTO, log)
    assert one_sentence(caught.value)


# -- autosave ----------------------------------------------------------------------------------


def test_autosave_keeps_choices_and_restore_brings_them_back(tmp_path):
    path = tmp_path / "log.json"
    first = play(Session(PHOTO, "growing", autosave=path))
    assert read_log(path)["choices"] == [[1, 2], [2, 1]]
    again = Session(PHOTO, "growing", autosave=path)
    again.restore()
    assert again.clicks == first.clicks
    assert same(again.refresh().mask, first.mask)
    again.undo()
    assert len(again.clicks) == 0


def test_under_another_method_only_the_clicks_come_back(tmp_path):
    path = tmp_path / "log.json"
    first = play(Session(PHOTO, "growing", autosave=path))
    again = Session(PHOTO, "graph-cut", autosave=path)
    again.restore()
    assert again.clicks == first.clicks.without_preferences()


def test_an_autosave_with_unreadable_choices_counts_as_none(tmp_path):
    path = tmp_path / "log.json"
    play(Session(PHOTO, "growing", autosave=path))
    path.write_text(json.dumps({**read_log(path), "choices": "all"}))
    session = Session(PHOTO, "growing", autosave=path)
    assert session.saved() is None
    session.restore()
    assert len(session.clicks) == 0
