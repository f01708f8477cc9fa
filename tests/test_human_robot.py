"""The robot that clicks as people do, and its fit to people's clicks."""

import json
import re
from functools import partial

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.support import disc_mask, easy_scene, one_sentence
from tutorial_lib import cli
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.paths import bundled
from tutorial_lib.session import Session
from tutorial_lib.users.fitting import MIN_CLICKS, fit_human, observe, share_interval
from tutorial_lib.users.human_clicks import MIN_REACH, HumanClicks, human
from tutorial_lib.users.region_depth import depth
from tutorial_lib.users.robots import center, geodesic, robot_label, robot_named

SHAPE = (40, 60)
TRUTH = disc_mask(SHAPE, 20, 20, 12)
NOTHING = np.zeros(SHAPE, dtype=bool)
# A hole of depth 5 is missed, and a disc of depth 8 is false.
SHOWN = TRUTH & ~disc_mask(SHAPE, 20, 20, 4) | disc_mask(SHAPE, 28, 48, 7)
ONE = Clicks([Click(20, 12)])


def draws(habits, mask=NOTHING, clicks=None, number=200, ignore=None):
    clicks = clicks or Clicks()
    return [human(mask, TRUTH, ignore, clicks, seed, habits) for seed in range(number)]


def test_deep_pixels_are_drawn_by_the_power_of_their_depth():
    row = np.ones((3, 7), dtype=bool)
    habits = HumanClicks(concentration=3, elsewhere=0, outside=0)
    found = np.zeros(row.shape)
    for seed in range(800):
        click = human(row & False, row, seed=seed, habits=habits)
        found[click.row, click.col] += 1
    expected = depth(row) ** 3 / (depth(row) ** 3).sum()
    assert np.abs(found / 800 - expected).max() < 4 * np.sqrt(expected.max() / 800)


def test_the_robots_of_the_papers_are_its_ends():
    exact = HumanClicks(concentration=1e4, elsewhere=0, outside=0)
    middle = center(SHOWN, TRUTH, clicks=ONE)
    apart = human(SHOWN, TRUTH, None, ONE, 3, exact)
    assert depth(~TRUTH & SHOWN)[apart.row, apart.col] == depth(~TRUTH & SHOWN).max()
    assert apart.positive == middle.positive

    def far(clicks):
        return np.mean([np.hypot(click.row - 20, click.col - 20) for click in clicks])

    careless = [geodesic(NOTHING, TRUTH, seed=seed) for seed in range(200)]
    assert far(draws(exact)) < far(draws(HumanClicks())) < far(careless)


def test_some_clicks_go_to_another_error_and_keep_its_label():
    found = draws(HumanClicks(elsewhere=0.3, outside=0), SHOWN, ONE)
    false = [not click.positive for click in found]
    assert all(click.positive == TRUTH[click.row, click.col] for click in found)
    assert np.mean(false) == pytest.approx(0.7, abs=0.1)  # the false disc is the deepest error


def test_a_click_that_misses_is_near_its_error_and_keeps_the_label_that_was_meant():
    found = draws(HumanClicks(outside=1), number=60)
    away = depth(~TRUTH, border=False)
    reach = max(MIN_REACH, 0.2 * depth(TRUTH).max())
    assert all(click.positive and not TRUTH[click.row, click.col] for click in found)
    assert all(0 < away[click.row, click.col] <= reach for click in found)
    band = ~TRUTH  # nothing beside the object may be clicked
    assert all(TRUTH[c.row, c.col] for c in draws(HumanClicks(outside=1), number=9, ignore=band))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concentration": -1}, "concentration is at least 0"),
        ({"outside": 1.5}, "outside is at most 1"),
        ({"elsewhere": float("nan")}, "elsewhere is at least 0"),
    ],
)
def test_impossible_habits_are_refused(options, message):
    with pytest.raises(ValueError, match=message) as error:
        HumanClicks(**options)
    assert one_sentence(error.value)


def test_the_default_is_what_published_figures_say():
    found = json.loads((bundled("assets") / "results" / "human_clicks.json").read_text())
    exponents = [one["concentration"] for one in found["datasets"].values()]
    assert len(exponents) == 4
    assert HumanClicks().concentration == round(np.mean(exponents))


def test_a_robot_with_options_has_a_name_that_is_read_again():
    habits = HumanClicks(concentration=1.25, outside=0)
    assert robot_named(robot_label(habits)).keywords["habits"] == habits
    assert robot_named("human") is human
    for name, message in [
        ("human speed=3", "has no option speed"),
        ("human outside=often", "outside of the robot 'human'"),
        ("center outside=0", "'center' has no options"),
    ]:
        with pytest.raises(ValueError, match=message) as error:
            robot_named(name)
        assert one_sentence(error.value)


# -- the fit ---------------------------------------------------------------------------------------


def observed(habits, number=100):
    scenes = [(NOTHING, Clicks()), (SHOWN, ONE)]
    return [
        observe(mask, TRUTH, None, clicks, human(mask, TRUTH, None, clicks, seed, habits))
        for seed in range(number)
        for mask, clicks in scenes
    ]


@pytest.mark.parametrize("habits", [HumanClicks(), HumanClicks(6, 0.35, 0.12)], ids=["a", "b"])
def test_a_fit_recovers_the_habits_that_clicks_were_drawn_with(habits):
    found = fit_human(observed(habits))
    assert found.clicks == 200
    assert found.unexplained == 0
    for name, (low, high) in found.intervals.items():
        assert low <= getattr(found.habits, name) <= high
        half = (high - low) / 2
        assert low - half <= getattr(habits, name) <= high + half  # twice as wide: 99.99 %
    assert found.intervals["concentration"][1] < 2 * habits.concentration


def test_clicks_far_from_errors_are_counted_and_left_out():
    wrong = [Click(2, 55, True), Click(20, 20, False)]  # far from the object; the wrong label
    extra = [observe(NOTHING, TRUTH, None, Clicks(), click) for click in wrong]
    assert [one.place for one in extra] == ["unexplained"] * 2
    usual = observed(HumanClicks(), 20)
    assert fit_human(usual + extra).unexplained == 2
    assert fit_human(usual + extra).habits == fit_human(usual).habits


def test_too_few_clicks_are_refused():
    with pytest.raises(ValueError, match=f"at least {MIN_CLICKS} clicks") as error:
        fit_human(observed(HumanClicks(), 2))
    assert one_sentence(error.value)


def test_the_interval_of_a_share():
    assert share_interval(0, 10) == (0, pytest.approx(0.2775, abs=1e-3))  # Wilson, by hand
    assert share_interval(5, 10) == (
        pytest.approx(0.2366, abs=1e-3),
        pytest.approx(0.7634, abs=1e-3),
    )


# -- a class's own logs ----------------------------------------------------------------------------


def test_a_class_fits_the_robot_to_its_own_logs(tmp_path):
    photo, truth, _ = easy_scene()
    for part, picture in (("images", photo), ("masks", 255 * truth.astype(np.uint8))):
        (tmp_path / "photos" / part).mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / "photos" / part / "disc.png")
    place = partial(human, habits=HumanClicks(outside=0))
    for person in range(5):
        session = Session(photo, "geodesic-matting", name="disc")
        for _ in range(2):
            click = place(session.mask, truth, clicks=session.clicks, seed=person)
            session.click(click.row, click.col, click.positive)
        session.export(tmp_path / "logs" / str(person))
    (tmp_path / "logs" / "torn-clicks.json").write_text("{")
    Session(255 - photo, name="other").export(tmp_path / "logs" / "other")
    arguments = ["fit-robot", str(tmp_path / "logs"), "--root", str(tmp_path / "photos")]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 1  # two logs are bad
    assert "5 logs, 2 left out." in done.output
    assert re.search(r"left out: .*torn-clicks\.json: .*no complete click log", done.output)
    assert re.search(r"left out: .*other-clicks\.json: .*belongs to no object", done.output)
    assert re.search(r"concentration +2\.000 +\d+\.\d+ +\d+\.\d+ to \d+\.\d+", done.output)
    named = re.search(r'--robot "(human .*)"', done.output)[1]
    assert robot_named(named).keywords["habits"].outside == 0


def test_a_folder_without_logs_says_what_is_missing(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="Session.export") as error:
        CliRunner().invoke(cli.app, ["fit-robot", str(tmp_path / "empty")], catch_exceptions=False)
    assert one_sentence(error.value)
