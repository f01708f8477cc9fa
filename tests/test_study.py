"""A user study: the plan, people at work, the files that come back, and what they say."""

import asyncio
import csv
import gc
import json
import re
import time
import warnings
import weakref
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.support import easy_scene, one_sentence
from tutorial_lib import Click, Session, cli
from tutorial_lib.data import Example
from tutorial_lib.metrics import bootstrap_interval, interval_over_people
from tutorial_lib.study import (
    Sitting,
    Trial,
    comparable,
    compare_methods,
    draw_plan,
    figure_6,
    learning_effect,
    read_handed_in,
    read_objects,
    read_observed,
    read_plan,
    recompute,
    sign_flip_test,
    summarise_study,
    write_plan,
    write_study_report,
)
from tutorial_lib.widgets import StudyCanvas

TWO = ("graph-cut", "geodesic-matting")
THREE = ("graph-cut", "dos", "latent-diversity")
PHOTO, TRUTH, CLICKS = easy_scene()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "photos"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number, name in enumerate(("one", "two", "three")):
        photo = np.roll(PHOTO, 5 * number, axis=1)
        mask = 255 * np.roll(TRUTH, 5 * number, axis=1).astype(np.uint8)
        Image.fromarray(photo).save(folder / "images" / f"{name}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
    return folder


def small_plan(photos, people=("Ada", "Ben"), **changes):
    plan = draw_plan(people, 6, methods=TWO, dataset="folder", root=str(photos))
    return plan.model_copy(update={"answer_seconds": 0.0, "pause_seconds": 0.0, **changes})


# -- the plan --------------------------------------------------------------------------------------


@pytest.mark.parametrize("objects", [6, 9, 14])
def test_methods_come_first_second_and_last_equally_often(objects):
    names = [f"object {number}" for number in range(objects + 1)]
    plan = draw_plan(6, 20, names, THREE, seed=objects)
    firsts, used = Counter(), Counter()
    for person in plan.people:
        tasks = plan.tasks_of(person)
        assert {task.object for task in tasks[:3]} == {names[0]}
        assert [task.practice for task in tasks] == [True] * 3 + [False] * (len(tasks) - 3)
        methods = {}
        for task in tasks:
            methods.setdefault(task.object, []).append(plan.method_of(person, task.letter))
        assert all(sorted(each) == sorted(THREE) for each in methods.values())
        firsts.update(each[0] for name, each in methods.items() if name != names[0])
        used.update(set(methods) - {names[0]})
        assert all(a.object != b.object for a, b in pairwise(tasks[3:]))
    assert max(firsts.values()) - min(firsts.values()) <= 1
    assert max(used.values()) - min(used.values()) <= 1 and len(used) == objects


def test_a_plan_is_one_small_file_that_names_no_method(tmp_path):
    plan = draw_plan(12, 30, [f"object {number}" for number in range(15)], seed=3)
    path = tmp_path / "plan.json"
    write_plan(plan, path)
    text = path.read_text()
    assert read_plan(path) == plan
    assert len(text) < 20_000 and not any(name in text for name in THREE)
    meanings = {tuple(plan.method_of(person, letter) for letter in "ABC") for person in plan.people}
    assert len(meanings) > 1, "letters are drawn anew for every person"
    again = draw_plan(12, 30, [f"object {number}" for number in range(15)], seed=3)
    assert again.people == plan.people and again.study != plan.study
    path.write_text(text.replace(plan.sealed, plan.sealed[:-8]))
    with pytest.raises(ValueError, match="methods of the letters cannot be read"):
        read_plan(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 20, ["a", "b"]), "at least one person"),
        ((["Ada", "ada"], 20, ["a", "b"]), "the same name"),
        ((["../Ada"], 20, ["a", "b"]), "part of file names"),
        ((2, 20, ["a"]), "at least two objects"),
        ((2, 2, ["a", "b"]), "do not fit into 2 minutes; plan 5 or more"),
        ((2, 20, ["a", "b"], ["dos", "dos"]), "each only once"),
        ((2, 20, ["a", "b"], ["nonsense"]), "nonsense"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        draw_plan(*arguments)
    assert one_sentence(error.value)


# -- people at work --------------------------------------------------------------------------------


def test_everything_is_written_at_once_and_the_next_sitting_goes_on(photos, tmp_path):
    now = [100.0]
    plan = small_plan(photos)
    first = Sitting(plan, "Ada", tmp_path, clock=lambda: now[0])
    first.begin("photo")
    for moment, act in ((2, lambda: first.click(Click(1, 2))), (5, first.undo)):
        now[0] = 100.0 + moment
        act()
    (tmp_path / "study-broken.json").write_text("{")
    other = Sitting(plan, "Ben", tmp_path)
    second = Sitting(plan, "Ada", tmp_path, clock=lambda: now[0])
    assert not other.begun and second.begun
    assert second.path != first.path and second.task == first.task
    now[0] = 5000.0
    second.begin("photo")
    second.click(Click(3, 4, False))
    log = Sitting(plan, "Ada", tmp_path).log
    assert [(event.did, event.seconds) for event in log.events] == [
        ("click", 2.0), ("undo", 5.0), ("resume", 5.0), ("click", 5.0),
    ]  # fmt: skip
    assert (log.count, list(log.clicks)) == (2, [Click(3, 4, False)])
    assert log.seconds is None, "the person was away"
    second.finish()
    third = Sitting(plan, "Ada", tmp_path)
    assert third.task.number == second.task.number == 2
    first.click(Click(9, 9))  # an old page is still open: it destroys nothing
    assert Sitting(plan, "Ada", tmp_path).task.number == 2


def visible(study):
    """Return every text and picture of the widget that a person can see."""
    widgets, texts = [study], []
    while widgets:
        one = widgets.pop()
        widgets += getattr(one, "children", ())
        texts += [str(value) for name, value in one.get_state().items() if name != "children"]
    return " ".join(texts) + repr(study)


def test_a_person_does_all_tasks_and_never_learns_the_method(photos, tmp_path):
    study = StudyCanvas(small_plan(photos, max_clicks=3), "Ada", folder=tmp_path, width=64)
    seen, endings = visible(study), []
    while study.sitting.task is not None:
        study.proceed()
        truth = study._task._session.truth
        inside = [int(value) for value in np.argwhere(truth).mean(axis=0)]
        for place in [(*inside, True), (2, 2, False), (45, 2, False)]:
            if study.working:
                study.click(*place)
        seen += visible(study)
        assert not study.working
        with pytest.raises(ValueError, match="`proceed` shows the next one"):
            study.click(0, 0)
        endings.append(study._words.value)
    assert len(endings) == 6 and "Hand in this one file" in endings[-1]
    assert any("You reached the goal" in text for text in endings)
    (path,) = tmp_path.glob("*.json")
    seen += path.read_text()
    assert [name for name in (*TWO, "Graph", "Geodesic") if name in seen] == []
    data, _ = study._repr_mimebundle_()
    assert data["text/plain"] == "StudyCanvas(Ada)" and len(data["image/jpeg"]) > 500
    assert "text/markdown" not in data
    again = StudyCanvas(small_plan(photos, study=study.sitting.plan.study), "Ada", folder=tmp_path)
    assert again._words.value.count(str(again.sitting.path)) == 1 and again.sitting.path.exists()


def test_before_the_first_task_a_page_without_widgets_shows_the_text(photos, tmp_path):
    data, _ = StudyCanvas(small_plan(photos), "Ada", folder=tmp_path)._repr_mimebundle_()
    assert "image/jpeg" not in data
    for part in ("Select the goal", "under the name Ada", "open the notebook in JupyterLab"):
        assert part in data["text/markdown"]


def test_after_a_restart_the_same_clicks_are_there_and_still_count(photos, tmp_path):
    plan = small_plan(photos, max_clicks=4)
    first = StudyCanvas(plan, "Ada", folder=tmp_path, width=64)
    first.proceed()
    first.click(0, 0, positive=False)
    first.undo()
    first.click(0, 1, positive=False)
    second = StudyCanvas(plan, "Ada", folder=tmp_path, width=64)
    second.proceed()
    assert list(second._task.widget.clicks) == [Click(0, 1, False)]
    second._task.widget.stroke([(0, 5), (9, 9)], positive=False)
    assert list(second._task.widget.clicks)[-1] == Click(0, 5, False), "a stroke is a click"
    second._task.widget.clear()
    second._task.widget.redo()
    assert len(second._task.widget.clicks) == 2
    assert "Click 3 of 4" in second._task._panel.status.value
    second.click(0, 9, positive=False)
    assert "All 4 clicks are used" in second._words.value and not second.working


def test_no_answer_comes_early_and_a_click_before_it_is_dropped(photos, tmp_path):
    plan = small_plan(photos, answer_seconds=0.3)

    async def work():
        study = StudyCanvas(plan, "Ada", folder=tmp_path, width=64)
        assert study._go.disabled
        while study._go.disabled:
            await asyncio.sleep(0.02)
        study.proceed()
        start = time.monotonic()
        study.click(0, 0, positive=False, wait=False)
        study.click(0, 9, positive=False, wait=False)
        study.undo(wait=False)
        while "is being answered" in study._task._panel.status.value:
            await asyncio.sleep(0.02)
        return study, time.monotonic() - start

    study, seconds = asyncio.run(work())
    assert seconds >= 0.3
    assert study.sitting.log.count == 1 and len(study._task.widget.clicks) == 1


def test_a_disk_that_is_full_loses_no_click(photos, tmp_path):
    study = StudyCanvas(small_plan(photos), "Ada", folder=tmp_path / "logs", width=64)
    study.proceed()
    (tmp_path / "logs").write_text("a file where a folder should be")
    study.click(0, 0, positive=False)
    assert "cannot be written" in study._task._panel.status.value
    (tmp_path / "logs").unlink()
    study.click(0, 9, positive=False)
    assert Sitting(study.sitting.plan, "Ada", tmp_path / "logs").log.count == 2


# -- from plan to figure ---------------------------------------------------------------------------


def test_simulated_people_from_plan_to_figure(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        done = CliRunner().invoke(cli.app, list(map(str, arguments)), catch_exceptions=False)
        return done.output

    logs, methods = tmp_path / "logs", [x for name in TWO for x in ("--method", name)]
    options = ["--people", 3, "--minutes", 6, "--root", photos, "--out", logs / "plan.json"]
    assert "3 people, 6 tasks each (2 for practice), 3 objects" in run(
        "study", "plan", *options, *methods
    )
    assert "4 files" in run(
        "study", "simulate", logs / "plan.json", "--out", logs, "--dropouts", 1, "--duplicates", 1
    )
    plan = read_plan(logs / "plan.json")
    (logs / "torn.json").write_text('{"kind": "study-log", ')
    (logs / "foreign.json").write_text('{"some": "file"}')
    whole = json.loads(next(logs.glob("*P01*.json")).read_text())
    (logs / "other.json").write_text(json.dumps(whole | {"study": "other"}))
    (logs / "changed.json").write_text(json.dumps(whole | {"person": "P02"}))
    out = run("study", "report", logs, "--out", "report")
    for named in ("torn.json", "foreign.json", "other.json", "P03: 4 of 6"):
        assert re.search(rf"not used: .*{re.escape(named)}", out), named
    assert "Everything in it about P01 is in other files too" in out
    rows = list(csv.DictReader((tmp_path / "report" / "trials.csv").open(encoding="utf-8-sig")))
    assert Counter(row["person"] for row in rows)["P01"] == 4
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("<svg") == 3 and "graph-cut" in page and "torn.json" in page
    assert (tmp_path / "report" / "figure-6.png").stat().st_size > 5000
    # What the robot reached is what the report computes from the clicks alone.
    task = next(task for task in plan.tasks_of("P01") if not task.practice)
    log = read_handed_in(logs, plan).tasks["P01"][task.number]
    row = next(row for row in rows if (row["person"], row["task"]) == ("P01", "1"))
    assert int(row["clicks"]) == log.count and float(row["ious"].split()[-1]) >= 0.85
    assert "task 3" in run("study", "replay", logs, "--person", "P01", "--task", 3)
    assert Image.open("trial.png").width > 300
    fitted = run("fit-robot", "report/logs", "--root", photos)
    assert f"{len(rows)} logs, 0 left out" in fitted


def test_a_folder_without_anything_of_the_study_says_so(photos, tmp_path):
    with pytest.raises(FileNotFoundError, match="no plan in .*--plan") as error:
        write_study_report(tmp_path, tmp_path / "out")
    assert one_sentence(error.value)
    write_plan(small_plan(photos), tmp_path / "plan.json")
    with pytest.raises(FileNotFoundError, match="anything of this study"):
        write_study_report(tmp_path, tmp_path / "out")


def test_clicks_on_another_photo_and_ended_tasks_without_the_goal_are_named(photos, tmp_path):
    plan = small_plan(photos, practice=0)
    objects, sitting = read_objects(plan), Sitting(plan, "Ada", tmp_path)
    for photo in ("another", objects[sitting.task.object].photo.sha256):
        sitting.begin(photo)
        sitting.click(Click(0, 0, positive=False))
        sitting.finish()
    found = recompute(plan, read_handed_in(tmp_path, plan), objects)
    assert found.trials == ()
    told = " ".join(why for _, why in found.notes)
    assert "another photo" in told and "IoU of 0.000 only" in told and "2 of 6 tasks" in told


# -- logs of sessions, to fit the robot ------------------------------------------------------------


def test_a_log_belongs_to_its_photo_and_to_the_object_it_names(tmp_path):
    rest = Session(PHOTO, "geodesic-matting", name="rest")
    small = Session(np.roll(PHOTO, 20, axis=1).repeat(2, 0).repeat(2, 1), longest=64, name="disc")
    for session in (rest, small):
        session.click(24, 32 if session is rest else 52)
        session.export(tmp_path / session.name)
    copy = PHOTO.copy()
    copy[0, 0] ^= 1
    alive = []

    def examples():
        for name, photo, truth in (
            ("copy", copy, TRUTH), ("disc", PHOTO, TRUTH), ("rest", PHOTO, ~TRUTH),
            ("large", np.roll(PHOTO, 20, axis=1).repeat(2, 0).repeat(2, 1),
             np.roll(TRUTH, 20, axis=1).repeat(2, 0).repeat(2, 1)),
        ):  # fmt: skip
            one = Example(name, photo.copy(), truth)
            alive.append(weakref.ref(one))
            yield one
            del one
            gc.collect()
            assert sum(ref() is not None for ref in alive) <= 1, "photos are read one by one"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a copy of the photo is found first
        found = read_observed([tmp_path], examples())
    assert not found.bad
    assert [click.place for click in found.clicks] == ["deepest", "unexplained"]


# -- what the trials say ---------------------------------------------------------------------------


def made_up(rng, people, effect, objects=8, leaving=0):
    """Make up trials: people and objects differ, B needs ``effect`` clicks fewer than A."""
    trials = []
    for person in range(people):
        skill = rng.normal(0, 2)
        for number in range(objects if person >= leaving else objects // 2):
            for seen, method in enumerate(rng.permutation(["A", "B"]), start=1):
                mean = 8 + skill + number / 2 - effect * (method == "B") - 0.5 * (seen == 2)
                clicks = int(np.clip(round(rng.normal(mean, 2)), 1, 20))
                ious = tuple(np.linspace(0.2, 0.84, clicks - 1)) + (0.9,)
                at = tuple(2.0 * np.arange(1, clicks + 1))
                name, place = f"object {number}", 2 * number + seen
                trials.append(Trial(str(person), name, method, place, seen, ious, at))
    return trials


def test_a_difference_that_was_put_in_is_found():
    trials = made_up(np.random.default_rng(1), people=12, effect=2.0, leaving=3)
    rows = summarise_study(comparable(trials))
    assert list(rows) == ["B", "A"] and rows["A"].people == 12
    (row,) = compare_methods(trials)
    assert row.first == "A" and row.low < 2.0 < row.high and row.p < 0.01
    assert rows["A"].seconds == pytest.approx(2 * rows["A"].clicks)
    learned = learning_effect(trials)
    assert learned.by_seen[2] < 0 < learned.by_seen[1]
    curve = figure_6(trials)["B"]
    assert curve[-1].clicks == pytest.approx(rows["B"].clicks, abs=1e-9)


def test_where_there_is_no_difference_none_is_found_at_the_rate_that_is_claimed():
    rng = np.random.default_rng(2)
    for people, studies in ((8, 400), (14, 120)):  # all signs, and drawn ones
        found = [sign_flip_test(rng.normal(0, 1, people), seed=n) for n in range(studies)]
        assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.08
    held = [low <= 0 <= high for low, high in map(interval, rng.normal(0, 1, (200, 8)))]
    assert 0.91 <= np.mean(held) <= 0.985


def interval(values):
    return interval_over_people(values, resamples=1000)


def test_intervals_are_over_people_and_not_over_trials():
    trials = made_up(np.random.default_rng(3), people=5, effect=0.0, objects=20)
    row = summarise_study(trials)["A"]
    counts = [trial.count() for trial in trials if trial.method == "A"]
    low, high = bootstrap_interval(counts)
    assert row.high - row.low > 1.5 * (high - low)


def test_only_objects_done_with_every_method_are_compared():
    trials = [
        Trial("Ada", "cup", "dos", 1, 1, (0.9,)),
        Trial("Ada", "cup", "graph-cut", 2, 2, (0.5, 0.9)),
        Trial("Ada", "hat", "dos", 3, 1, (0.9,)),
    ]
    assert comparable(trials) == trials[:2]
    with pytest.raises(ValueError, match="finished with every method") as error:
        summarise_study(comparable(trials[2:] + [Trial("Ben", "cup", "grabcut", 1, 1, (0.9,))]))
    assert one_sentence(error.value)


def test_a_trial_counts_clicks_and_seconds():
    one = Trial("Ada", "cup", "dos", 1, 1, (0.5, 0.9, 0.8), (2.0, 5.0, 7.0))
    assert (one.count(), one.time(), one.reached()) == (2, 5.0, True)
    assert (one.count(0.95), one.time(0.95), one.reached(0.95)) == (20, 7.0, False)
    assert Trial("Ada", "cup", "dos", 1, 1, (0.9,)).time() is None
