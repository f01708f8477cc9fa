"""What is drawn of a training and of an FCN: curves, stages, maps, skips."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Circle

from tests.support import one_sentence
from tutorial_lib import plots
from tutorial_lib.plots.training import running_mean

LOG = [
    {"step": 1, "loss": 2.0, "lr": 1e-3, "stage": 32},
    {"step": 2, "loss": None, "lr": 5e-4, "stage": 32},
    {"step": 3, "loss": 1.0, "lr": 1e-4, "stage": 16},
]


def words_of(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_the_running_mean_forgets():
    # Weights 1, 1/2, 1/4 backwards: (4/4 + 2/2 + 1) / (7/4).
    assert running_mean([4, 2, 1], span=2) == pytest.approx([4, 4 / 1.5, 3 / 1.75])


def test_a_span_of_one_is_the_curve_itself():
    assert running_mean([3, 1, 2], span=1).tolist() == [3, 1, 2]


def test_skipped_steps_keep_the_mean_so_far():
    assert running_mean([np.nan, 2, np.nan], span=5) == pytest.approx([np.nan, 2, 2], nan_ok=True)


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=20), st.floats(1, 50))
def test_the_running_mean_stays_between_the_least_and_the_largest(values, span):
    means = running_mean(values, span)
    assert means.min() >= min(values) - 1e-9
    assert means.max() <= max(values) + 1e-9


@pytest.mark.parametrize("span", [0.5, float("nan")])
def test_a_span_below_one_is_refused(span):
    with pytest.raises(ValueError, match="at least 1 value") as raised:
        running_mean([1], span)
    assert one_sentence(raised.value)


def test_raw_loss_and_running_mean_are_drawn_step_by_step():
    raw, smooth = plots.draw_loss(LOG, span=1).lines[:2]
    assert raw.get_xdata().tolist() == smooth.get_xdata().tolist() == [1, 2, 3]
    assert raw.get_ydata() == pytest.approx([2, np.nan, 1], nan_ok=True)
    assert smooth.get_ydata().tolist() == [2, 2, 1]


def test_the_learning_rate_has_an_axis_of_its_own():
    ax = plots.draw_loss(LOG, title="run")
    (twin,) = (other for other in ax.figure.axes if other is not ax)
    assert twin.lines[0].get_ydata().tolist() == [1e-3, 5e-4, 1e-4]
    assert ax.get_title() == "run"


def test_stages_have_names_where_they_begin():
    ax = plots.draw_loss(LOG)
    assert words_of(ax) == ["FCN-32s", "FCN-16s"]
    assert [text.xy[0] for text in ax.texts] == [1, 3]
    assert ax.lines[2].get_xdata() == [3, 3]


def test_a_run_of_one_stage_needs_no_names():
    assert words_of(plots.draw_loss(LOG[:2])) == []


def test_the_axis_is_as_long_as_the_whole_run():
    assert plots.draw_loss(LOG, steps=50).get_xlim() == (0, 50)
    assert plots.draw_loss(LOG, steps=2).get_xlim() == (0, 3)


def test_a_curve_is_drawn_where_it_is_told():
    _, ax = plt.subplots()
    assert plots.draw_loss(LOG, ax=ax) is ax


def test_nothing_to_draw_is_said_in_a_sentence():
    with pytest.raises(ValueError, match="no step") as raised:
        plots.draw_loss([])
    assert one_sentence(raised.value)


# -- the skips ---------------------------------------------------------------------------------

PHOTO = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def test_each_map_is_shown_in_cells_of_its_stride():
    shown = [np.asarray(image.get_array()) for image in plots.draw_fcn(PHOTO).get_images()]
    assert [picture.shape[0] for picture in shown] == [64, 8, 4, 2, 64]
    block = PHOTO[:8, :8].reshape(64, 3).mean(axis=0)
    assert shown[1][0, 0] == pytest.approx(block, abs=1)


def test_the_answer_stands_at_the_end():
    probability = np.zeros((64, 64))
    probability[:, 32:] = 1
    last = np.asarray(plots.draw_fcn(PHOTO, probability=probability).get_images()[-1].get_array())
    assert last[:, 32:].mean() > last[:, :32].mean() + 50


@pytest.mark.parametrize(("stride", "sums"), [(32, 0), (16, 1), (8, 2)])
def test_a_network_adds_as_many_skips_as_it_has(stride, sums):
    ax = plots.draw_fcn(PHOTO, stride, title="skips")
    assert words_of(ax).count("+") == sums
    assert sum(isinstance(patch, Circle) for patch in ax.patches) == 3
    assert ax.get_title() == "skips"


@pytest.mark.parametrize(
    ("photo", "stride", "words"),
    [(PHOTO, 4, "stride 32, 16 or 8"), (PHOTO[:32], 8, "32 x 64"), (PHOTO[:50, :50], 8, "50 x 50")],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(photo, stride, words):
    with pytest.raises(ValueError, match=words) as raised:
        plots.draw_fcn(photo, stride)
    assert one_sentence(raised.value)
