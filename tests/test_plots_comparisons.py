"""Our numbers beside the papers': what is drawn where."""

import numpy as np
import pytest

from tests.support import one_sentence
from tutorial_lib import metrics, plots

pytestmark = pytest.mark.slow  # it names networks, and none answers
OURS = {"dos": (4.0, 3.0, 5.5), "graph-cut": (9.0, 7.0, 10.0)}
PAPERS = {"Xu": {"dos": 6.04, "growcut": 16.74}, "Li": {"dos": 6.08, "graph-cut": 10.0}}


def marks(ax, label):
    (line,) = [line for line in ax.get_lines() if line.get_label() == label]
    return np.column_stack(line.get_data()).tolist()


def ours_in(ax):
    (bars,) = ax.containers
    segments = bars.lines[2][0].get_segments()
    means = np.column_stack(bars.lines[0].get_data()).tolist()
    return means, [segment.tolist() for segment in segments]


def test_our_means_stand_in_rows_with_their_intervals():
    ax = plots.draw_published(OURS, PAPERS)
    means, bars = ours_in(ax)
    assert means == [[4.0, 0], [9.0, 1]]
    assert bars == [[[3.0, 0], [5.5, 0]], [[7.0, 1], [10.0, 1]]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["dos", "graph-cut"]
    assert ax.get_xlim() == (0, 20.5)


def test_a_paper_has_marks_where_it_has_numbers():
    ax = plots.draw_published(OURS, PAPERS)
    assert marks(ax, "Xu") == [[6.04, 0]]
    assert marks(ax, "Li") == [[6.08, 0], [10.0, 1]]


def test_a_bare_number_has_no_interval():
    ax = plots.draw_rows({"dos": 3.0}, {}, "ms", log=True, line=1)
    means, bars = ours_in(ax)
    assert means == [[3.0, 0]]
    assert bars == [[[3.0, 0], [3.0, 0]]]
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "ms")


def test_a_row_of_ours_may_be_empty():
    means, _ = ours_in(plots.draw_rows({"dos": np.nan, "graph-cut": 2.0}, PAPERS, "clicks"))
    assert np.isnan(means[0][0])
    assert means[1] == [2.0, 1]


def test_lines_over_m_are_drawn_in_order():
    ax = plots.draw_heads({"oracle": {6: 3.0, 1: 5.0}, "g": {2: 4.5, 6: 4.0}})
    assert marks(ax, "oracle") == [[1, 5.0], [6, 3.0]]
    assert list(ax.get_xticks()) == [1, 2, 6]


def test_what_a_paper_prints_over_m_has_no_line_between():
    ax = plots.draw_heads({"g": {1: 5.0, 6: 4.0}}, published={"Li": {1: 7.26, 6: 5.95}})
    (line,) = [line for line in ax.get_lines() if line.get_label() == "Li"]
    assert line.get_linestyle() == "None"
    assert marks(ax, "Li") == [[1, 7.26], [6, 5.95]]


def test_a_benchmark_without_curves_says_so():
    figure = plots.draw_curve_panels({"DAVIS": {"dos": [0.5, 0.8]}, "COCO": {}}, error=True)
    first, second, legend = figure.axes
    assert np.allclose(first.get_lines()[0].get_ydata(), [0.5, 0.2])
    assert [text.get_text() for text in second.texts] == ["not measured yet"]
    assert [text.get_text() for text in legend.get_legend().get_texts()] == ["dos"]


def test_clicks_lie_beside_the_error_that_they_reach():
    found = metrics.clicks_to_errors([[0.6, 0.9], [0.5, 0.7]], [0.4, 0.15])
    ax = plots.draw_clicks_to_errors({"dos": found})
    (bars,) = ax.containers
    assert np.column_stack(bars.lines[0].get_data()).tolist() == [[1.5, 0.4], [11.0, 0.15]]


def test_a_table_of_pictures_names_rows_and_columns():
    picture = np.zeros((4, 6, 3), np.uint8)
    rows = {name: {"graph cut": picture, "truth": picture} for name in ("flower", "coffee")}
    figure = plots.picture_table(rows, {"coffee": {"graph cut": "0.59"}})
    assert [ax.get_title() for ax in figure.axes] == ["graph cut", "truth", "", ""]
    assert [ax.get_ylabel() for ax in figure.axes] == ["flower", "", "coffee", ""]
    assert [ax.get_xlabel() for ax in figure.axes] == ["", "", "0.59", ""]


def test_error_curves_are_iou_upside_down():
    ax = plots.draw_curves({"dos": [0.5, 0.75]}, error=True)
    assert marks(ax, "dos") == [[1, 0.5], [2, 0.25]]
    assert ax.get_ylabel() == "Jaccard error"
    assert marks(plots.draw_curves({"dos": [0.5, 0.75]}), "dos") == [[1, 0.5], [2, 0.75]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.draw_published({}, PAPERS),
        lambda: plots.draw_rows({}, PAPERS, "clicks"),
        lambda: plots.draw_heads({}),
        lambda: plots.draw_heads({"g": {}}),
        lambda: plots.draw_curve_panels({}),
        lambda: plots.draw_clicks_to_errors({"dos": []}),
        lambda: plots.picture_table({}),
    ],
)
def test_nothing_cannot_be_drawn(call):
    with pytest.raises(ValueError, match="at least one") as error:
        call()
    assert one_sentence(error.value)
