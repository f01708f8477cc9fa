import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tutorial_lib import plots
from tutorial_lib.classical.image_network import grid_network
from tutorial_lib.classical.min_cut import FlowNetwork, augmenting_steps, minimum_cut, push_flow
from tutorial_lib.plots.flow_networks import draw_network, draw_residual

PAIR = FlowNetwork(
    {("s", "a"): 7, ("s", "b"): 3, ("a", "t"): 2, ("b", "t"): 6, ("a", "b"): 2, ("b", "a"): 2}
)
NINE = grid_network(np.arange(9).reshape(3, 3), np.full((3, 3), 4), 2)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def dashed(ax):
    return [line for line in ax.lines if line.get_linestyle() == "--"]


def test_capacities_and_the_meaning_of_the_terminals_are_written():
    written = texts(draw_network(PAIR))
    assert sorted(written) == sorted(["7", "3", "2", "6", "2", "a", "b", "s", "t",
                                      "= object", "= background"])  # fmt: skip


def test_flow_is_written_over_capacity_and_full_pipes_are_dashed():
    *_, last = augmenting_steps(PAIR)
    ax = draw_network(PAIR, last.residual, last.path)
    assert {"4/7", "3/3", "2/2", "5/6"} <= set(texts(ax))
    assert len(dashed(ax)) == 3


def test_the_cut_is_drawn_and_named():
    ax = draw_network(PAIR, source_side=minimum_cut(PAIR).source_side)
    assert "cut" in texts(ax)
    assert len(dashed(ax)) == 1


def test_a_grid_writes_every_link_that_can_carry_something():
    written = texts(draw_network(NINE, grey=np.full((3, 3), 77)))
    assert written.count("s") == 8  # the first pixel has no link from the source
    assert written.count("t") == 9
    assert written.count("77") == 9
    assert sum(text.isdigit() for text in written) == 8 + 9 + 12 + 9


def test_a_grid_draws_the_contour_between_the_labels():
    source_side = {"s", (0, 0)}
    ax = draw_network(NINE, source_side=source_side)
    assert len(dashed(ax)) == 2  # right of the corner pixel, and below it


def test_the_residual_shows_what_can_be_given_back():
    residual, _ = push_flow(PAIR.capacity, ["s", "b", "a", "t"])
    written = texts(draw_residual(PAIR, residual))
    assert "2+2" in written


def test_the_residual_is_for_one_row():
    with pytest.raises(ValueError, match="one row"):
        draw_residual(NINE, NINE.capacity)


def test_a_given_axes_is_used():
    _, ax = plt.subplots()
    assert plots.draw_network(PAIR, title="here", ax=ax) is ax
    assert ax.get_title() == "here"
