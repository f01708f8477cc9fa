"""Numbers in pixels, paths between them, and the sides painted in the clicks' colours."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, Rectangle

from tests.support import one_sentence
from tutorial_lib import plots
from tutorial_lib.classical.star_paths import ray_parents
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.render import CONTOUR, NEGATIVE, POSITIVE, hex_colour

VALUES = np.array([[0.0, 0.25, 1.0], [0.5, np.inf, 0.75]])
CLICKS = Clicks([Click(0, 2), Click(0, 0, positive=False)])
GREY = np.full((2, 3, 3), 90, dtype=np.uint8)


def numbers(ax):
    return {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text()
            for text in ax.texts}  # fmt: skip


def test_each_pixel_says_its_number():
    ax = plots.draw_values(VALUES, digits=1, title="numbers")
    assert isinstance(ax, Axes)
    assert ax.get_title() == "numbers"
    assert numbers(ax) == {
        (0, 0): "0.0", (0, 1): "0.2", (0, 2): "1.0", (1, 0): "0.5", (1, 1): "∞", (1, 2): "0.8",
    }  # fmt: skip


def test_pixels_are_bright_where_values_are_large():
    (image,) = plots.draw_values(VALUES).get_images()
    bright = np.asarray(image.get_array()).mean(axis=2)
    assert bright[0, 0] < bright[0, 1] < bright[1, 0] < bright[1, 2] < bright[0, 2]
    assert bright[1, 1] == bright[0, 2]  # infinite is as bright as the largest number


@pytest.mark.parametrize("values", [np.full((2, 2), 3.0), np.full((2, 2), np.inf)])
def test_values_that_are_all_alike_are_drawn(values):
    assert len(plots.draw_values(values).texts) == 4


def test_values_may_stand_on_a_picture():
    (image,) = plots.draw_values(VALUES, image=GREY).get_images()
    assert np.array_equal(image.get_array(), GREY)


def test_clicked_pixels_differ_in_shape_and_colour():
    ax = plots.draw_values(VALUES, CLICKS)
    (disc,) = [patch for patch in ax.patches if isinstance(patch, Circle)]
    (square,) = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert disc.center == (2, 0)
    assert to_hex(disc.get_facecolor()) == hex_colour(POSITIVE)
    assert square.get_center().tolist() == pytest.approx([0, 0])
    assert to_hex(square.get_facecolor()) == hex_colour(NEGATIVE)


def test_a_mask_is_outlined_between_the_pixels():
    mask = np.array([[True, False, False], [True, False, False]])
    lines = plots.draw_values(VALUES, mask=mask).lines
    assert {tuple(line.get_xdata()) for line in lines} == {(0.5, 0.5)}
    assert to_hex(lines[-1].get_color()) == hex_colour(CONTOUR)


def test_only_maps_have_numbers():
    with pytest.raises(ValueError, match=r"\(H, W\)") as caught:
        plots.draw_values(np.zeros((2, 2, 3)))
    assert one_sentence(caught.value)


def test_arrows_lead_from_each_pixel_towards_its_parent():
    parents = np.array([[1, 1, 1], [0, 1, 2]])
    ax = plots.draw_parents(GREY, parents, title="paths")
    arrows = [text for text in ax.texts if not text.get_text()]
    ends = {(tuple(np.round(a.xyann).astype(int)), tuple(np.sign(np.subtract(a.xy, a.xyann))))
            for a in arrows}  # fmt: skip
    assert ends == {
        ((0, 0), (1, 0)), ((2, 0), (-1, 0)), ((0, 1), (0, -1)), ((1, 1), (0, -1)), ((2, 1), (0, -1))
    }  # fmt: skip
    (centre,) = [patch for patch in ax.patches if isinstance(patch, Circle)]
    assert centre.center == (1, 0)
    assert ax.get_title() == "paths"


def test_a_way_is_green_inside_the_mask_and_red_and_dotted_outside():
    photo = np.zeros((1, 7, 3), dtype=np.uint8)
    parents = ray_parents(((0, 6),), (1, 7))
    mask = np.array([[True, True, False, False, True, True, True]])
    lines = plots.draw_paths(photo, parents, [(0, 0)], mask).lines
    drawn = [(line.get_xdata().tolist(), line.get_color(), line.get_linestyle())
             for line in lines if line.get_color() != "white"]  # fmt: skip
    green, red = hex_colour(POSITIVE), hex_colour(NEGATIVE)
    assert drawn[:3] == [([0, 1], green, "-"), ([1, 2, 3, 4], red, ":"), ([4, 5, 6], green, "-")]
    assert drawn[3][0] == [6]  # the centre


def test_without_a_mask_a_way_is_green_from_end_to_end():
    parents = ray_parents(((2, 2),), (5, 5))
    lines = plots.draw_paths(np.zeros((5, 5, 3), np.uint8), parents, [(0, 0), (4, 2)]).lines
    assert hex_colour(NEGATIVE) not in {line.get_color() for line in lines}
    assert [line.get_xdata().tolist() for line in lines if line.get_linewidth() == 2] == [
        [0, 1, 2],
        [2, 2, 2],
    ]


def test_a_path_from_the_centre_has_no_steps():
    parents = ray_parents(((2, 2),), (5, 5))
    ax = plots.draw_paths(np.zeros((5, 5, 3), np.uint8), parents, [(2, 2)])
    assert [line.get_xdata().tolist() for line in ax.lines] == [[2], [2]]


def test_a_cycle_of_parents_is_refused():
    with pytest.raises(ValueError, match="cycle") as caught:
        plots.draw_paths(GREY, np.array([[1, 0, 2], [3, 4, 5]]), [(0, 0)])
    assert one_sentence(caught.value)


LABEL = np.array([[1, -1, 0]])
WHITE = np.full((1, 3, 3), 255, dtype=np.uint8)


def test_sides_have_the_colours_of_their_clicks():
    painted = plots.paint_sides(WHITE, LABEL, opacity=1, front=False)
    assert painted.tolist() == [[list(POSITIVE), list(NEGATIVE), [255, 255, 255]]]


def test_weak_sides_are_pale():
    painted = plots.paint_sides(WHITE, LABEL, np.array([[0.5, 0, 1]]), opacity=1, front=False)
    assert painted[0, 0] == pytest.approx((255 + np.array(POSITIVE)) / 2, abs=1)
    assert painted[0, 1:].tolist() == [[255, 255, 255]] * 2


@pytest.mark.parametrize("label", [LABEL, LABEL[:, ::-1], LABEL.T], ids=["left", "right", "down"])
def test_the_front_is_where_the_sides_meet(label):
    photo = np.full((*label.shape, 3), 255, dtype=np.uint8)
    painted = plots.paint_sides(photo, label)
    assert np.array_equal((painted == CONTOUR).all(axis=2), label == 1)


def test_nobody_has_no_front():
    painted = plots.paint_sides(WHITE, np.array([[1, 0, -1]]))
    assert not (painted == CONTOUR).all(axis=2).any()


def test_painting_leaves_the_photo_alone():
    photo = WHITE.copy()
    plots.paint_sides(photo, LABEL)
    assert np.array_equal(photo, WHITE)


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.draw_values(VALUES, ax=ax),
        lambda ax: plots.draw_parents(GREY, np.arange(6).reshape(2, 3), ax=ax),
        lambda ax: plots.draw_paths(GREY, np.arange(6).reshape(2, 3), [], ax=ax),
    ],
    ids=["draw_values", "draw_parents", "draw_paths"],
)
def test_a_given_axes_is_used_and_no_figure_opened(draw):
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert len(plt.get_fignums()) == 1
