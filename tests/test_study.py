"""A user study: the plan, the logs that come back, and what they say."""

import gc
import json
import warnings
import weakref
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tests.support import Growing, easy_scene, one_sentence
from tools import summarise_study
from tutorial_lib import registry
from tutorial_lib.clicks import Clicks
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.session import Session
from tutorial_lib.study import Trial, draw_plan, read_trials, summarise_trials

pytestmark = pytest.mark.slow

PHOTO, TRUTH, CLICKS = easy_scene()
EXAMPLE = Example("disc", PHOTO, TRUTH)


def trial(person="Ada", method="dos", ious=(0.5, 0.9), seconds=(2.0, 5.0)):
    return Trial(person, "disc", method, Clicks(), tuple(ious), tuple(seconds))


def hand_in(folder, person, method="geodesic-matting", clicks=CLICKS, image=PHOTO, name="disc"):
    session = Session(image, method, name=name)
    for click in clicks:
        session.click(click.row, click.col, click.positive)
    session.export(folder / person)
    return session


# -- the plan --------------------------------------------------------------------------------------


def test_everybody_does_every_photo_of_theirs_once_with_each_method():
    plan = draw_plan(["Ada", "Ben"], list("abcde"), ["x", "y", "z"], tasks=6)
    assert [task.person for task in plan] == ["Ada"] * 6 + ["Ben"] * 6
    for person in ("Ada", "Ben"):
        mine = [task for task in plan if task.person == person]
        assert len(set(mine)) == 6
        assert set(Counter(task.photo for task in mine).values()) == {3}


def test_a_plan_depends_on_its_seed_alone():
    def drawn(seed):
        return draw_plan(["Ada"], list("abcdefgh"), ["x", "y"], 16, seed)

    assert drawn(3) == drawn(3) != drawn(4)


def test_no_method_always_comes_last():
    people = [str(number) for number in range(30)]
    plan = draw_plan(people, ["a"], ["x", "y"], 2)
    assert {task.method for task in plan[1::2]} == {"x", "y"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["Ada"], ["a"], ["x", "y"], 3), "share out 3 tasks evenly"),
        (([], ["a"], ["x"], 1), "for 0 people"),
        ((["Ada"], ["a"], [], 1), "among 0 methods"),
        ((["Ada"], ["a"], ["x", "y"], 4), "There are 1 photos, but each person needs 2"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        draw_plan(*arguments)
    assert one_sentence(error.value)


# -- logs ------------------------------------------------------------------------------------------


def test_a_log_is_answered_again(tmp_path):
    session = hand_in(tmp_path, "Ada")
    (found,) = read_trials(tmp_path, [EXAMPLE])
    again = Session.replay(PHOTO, session.log(), truth=TRUTH)
    assert (found.person, found.photo, found.method) == ("Ada", "disc", "geodesic-matting")
    assert found.clicks == CLICKS
    assert found.ious == tuple(step.iou for step in again.history)
    assert list(found.seconds) == session.seconds


def test_a_choice_among_candidates_is_no_click(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    registry.register(registry.MethodInfo("growing", "classical", False, "", "", Growing))
    session = Session(PHOTO, "growing", name="disc")
    session.click(*CLICKS.positives[0])
    session.choose(2)
    session.click(*CLICKS.positives[0] + 1)
    session.export(tmp_path / "Ada")
    (found,) = read_trials(tmp_path, [EXAMPLE])
    again = Session.replay(PHOTO, session.log(), truth=TRUTH)
    assert len(again.history) == 3
    assert found.ious == (again.history[1].iou, again.history[2].iou)


def test_what_a_log_claims_about_its_iou_does_not_count(tmp_path):
    hand_in(tmp_path, "Ada")
    path = tmp_path / "Ada" / "disc-clicks.json"
    log = json.loads(path.read_text())
    del log["seconds"]
    path.write_text(json.dumps({**log, "iou": 1.0}))
    (found,) = read_trials(tmp_path, [EXAMPLE])
    assert found.seconds == (None, None)
    assert found.ious[0] < 0.5


def test_objects_in_one_photo_are_told_apart_by_name(tmp_path):
    hand_in(tmp_path, "Ada", name="rest")
    (found,) = read_trials(tmp_path, [EXAMPLE, Example("rest", PHOTO, ~TRUTH)])
    (other,) = read_trials(tmp_path, [EXAMPLE])
    assert found.photo == "rest"
    assert found.ious[-1] < 0.2 < other.ious[-1]


def test_a_log_without_clicks_is_no_trial(tmp_path):
    hand_in(tmp_path, "Ada")
    hand_in(tmp_path, "Ben", clicks=())
    assert [found.person for found in read_trials(tmp_path, [EXAMPLE])] == ["Ada"]


def test_photos_are_looked_at_one_after_the_other(tmp_path):
    hand_in(tmp_path, "Ada")
    alive = []

    def examples():
        for number in range(6):
            photo = np.roll(PHOTO, 8 * number, axis=1).copy()
            alive.append(weakref.ref(photo))
            yield Example(f"disc {number}", photo, np.roll(TRUTH, 8 * number, axis=1))
            del photo
            gc.collect()
            assert sum(ref() is not None for ref in alive) <= 1

    (found,) = read_trials(tmp_path, examples())
    assert found.photo == "disc 0"
    assert len(alive) == 6


def test_the_exact_photo_counts_more_than_a_copy(tmp_path):
    hand_in(tmp_path, "Ada")
    copy = PHOTO.copy()
    copy[0, 0] ^= 1
    for examples in (
        [Example("copy", copy, ~TRUTH), EXAMPLE],
        [EXAMPLE, Example("copy", copy, ~TRUTH)],
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (found,) = read_trials(tmp_path, examples)
        assert found.photo == "disc"
        assert found.ious[-1] > 0.9


def test_a_log_made_on_a_shrunk_photo_is_measured(tmp_path):
    photo, truth, clicks = easy_scene(300, 400)
    session = Session(photo, "geodesic-matting", name="disc", longest=200)
    for click in clicks:
        session.click(click.row // 2, click.col // 2, click.positive)
    session.export(tmp_path / "Ada")
    (found,) = read_trials(tmp_path, [Example("disc", photo, truth)])
    assert found.ious[-1] > 0.9


@pytest.mark.parametrize("seconds", ["soon", ["soon", 1.0], [float("nan"), 1.0], [-1.0, 2.0]])
def test_times_that_are_none_are_refused_with_the_file(tmp_path, seconds):
    hand_in(tmp_path, "Ada")
    path = tmp_path / "Ada" / "disc-clicks.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": seconds}))
    with pytest.raises(ValueError, match=r"disc-clicks\.json") as error:
        read_trials(tmp_path, [EXAMPLE])
    assert one_sentence(error.value)


def test_a_log_of_another_photo_is_refused(tmp_path):
    hand_in(tmp_path, "Ada", image=255 - PHOTO)
    with pytest.raises(ValueError, match="belongs to no object of this study") as error:
        read_trials(tmp_path, [EXAMPLE])
    assert one_sentence(error.value)


def test_moments_without_clicks_are_refused(tmp_path):
    hand_in(tmp_path, "Ada")
    path = tmp_path / "Ada" / "disc-clicks.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": [1.0]}))
    with pytest.raises(ValueError, match="clicks but 1 click times") as error:
        read_trials(tmp_path, [EXAMPLE])
    assert one_sentence(error.value)


def test_an_empty_folder_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="Session.export") as error:
        read_trials(tmp_path, [EXAMPLE])
    assert one_sentence(error.value)


# -- sums ------------------------------------------------------------------------------------------


def test_a_trial_counts_clicks_and_seconds():
    one = trial(ious=(0.5, 0.9, 0.8), seconds=(2.0, 5.0, 7.0))
    assert (one.count(0.85), one.time(0.85)) == (2, 5.0)
    assert (one.count(0.95), one.time(0.95)) == (20, None)
    assert (one.count(0.85, maximum=1), one.time(0.85, maximum=1)) == (1, None)


def test_a_study_is_summarised_by_method():
    trials = [
        trial("Ada", "graph-cut", (0.1, 0.2, 0.9), (1.0, 2.0, 9.0)),
        trial("Ben", "graph-cut", (0.1,), (1.0,)),
        trial("Ada", "dos", (0.9,), (3.0,)),
        trial("Ada", "dos", (0.5, 0.9), (3.0, 4.0)),
    ]
    found = summarise_trials(trials)
    assert list(found) == ["dos", "graph-cut"]
    assert found["graph-cut"].clicks == (3 + 20) / 2
    assert found["graph-cut"].reached == 0.5
    assert found["graph-cut"].seconds == 9.0
    assert (found["graph-cut"].people, found["dos"].people) == (2, 1)
    assert found["dos"].low <= found["dos"].clicks == 1.5 <= found["dos"].high
    assert found["dos"].seconds == 3.5


def test_without_moments_there_is_no_time():
    assert summarise_trials([trial(seconds=(None, None))])["dos"].seconds is None


def test_a_study_of_nobody_is_refused():
    with pytest.raises(ValueError, match="at least one trial") as error:
        summarise_trials([])
    assert one_sentence(error.value)


def test_the_tool_prints_a_line_for_each_method(tmp_path, capsys):
    for part in ("images", "masks"):
        (tmp_path / "photos" / part).mkdir(parents=True)
    Image.fromarray(PHOTO).save(tmp_path / "photos" / "images" / "disc.png")
    mask = 255 * TRUTH.astype(np.uint8)
    Image.fromarray(mask).save(tmp_path / "photos" / "masks" / "disc.png")
    hand_in(tmp_path / "logs", "Ada")
    hand_in(tmp_path / "logs", "Ben", "random-walker")
    summarise_study.main(tmp_path / "logs", tmp_path / "photos", dataset="folder", threshold=85)
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[1:]} == {"geodesic-matting", "random-walker"}
