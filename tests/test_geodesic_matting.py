import math

import numpy as np
import pytest

from tests.support import BACKGROUND, OBJECT, easy_scene
from tutorial_lib.classical.fast.coarse_image import coarse_shape, coarsen, enlarge
from tutorial_lib.classical.geodesic_matting import (
    GeodesicMatting,
    likelihood_steps,
    nearer_to_object,
)
from tutorial_lib.classical.pixel_paths import PixelLinks, nearest_seed
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.metrics import iou

SCENE, TRUTH, CLICKS = easy_scene()


def answer(clicks=CLICKS, image=SCENE, **options):
    method = GeodesicMatting(**options)
    return method.segment(method.prepare(image), clicks)


def distances(likelihood, seed, step=0.0):
    likelihood = np.array(likelihood, dtype=np.float64)
    seeds = np.zeros(likelihood.shape, dtype=bool)
    seeds[seed] = True
    graph = PixelLinks(likelihood.shape).graph(likelihood_steps(likelihood, step))
    return nearest_seed(graph, seeds)


# -- distances ------------------------------------------------------------------------------------


def test_a_path_is_as_long_as_the_likelihood_changes_along_it():
    distance, _ = distances([[0, 0.25, 0.25, 1, 0.5]], (0, 0))
    assert distance.tolist() == [[0, 0.25, 0.25, 1, 1.5]]


def test_a_way_around_a_ridge_costs_nothing():
    distance, _ = distances([[0, 1, 0], [0, 1, 0], [0, 0, 0]], (0, 0))
    assert distance.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_on_a_flat_map_a_step_costs_its_length():
    distance, _ = distances(np.zeros((2, 3)), (0, 0), step=2)
    d = 2 * math.sqrt(2)
    assert distance == pytest.approx(np.array([[0, 2, 4], [2, d, 2 + d]]))


def test_each_pixel_knows_its_nearest_seed():
    graph = PixelLinks((1, 6)).graph(likelihood_steps(np.array([[0, 0, 0, 1, 1, 1]]), 0.1))
    _, seed = nearest_seed(graph, np.array([[True, False, False, False, False, True]]))
    assert seed.tolist() == [[0, 0, 0, 5, 5, 5]]


def test_where_no_way_leads_the_distance_is_infinite():
    wall = [np.array([[1, math.inf]]), np.zeros((0, 3)), np.zeros((0, 2)), np.zeros((0, 2))]
    distance, seed = nearest_seed(PixelLinks((1, 3)).graph(wall), np.array([[True, False, False]]))
    assert distance.tolist() == [[0, 1, math.inf]]
    assert seed[0, :2].tolist() == [0, 0]
    assert seed[0, 2] < 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (2, 2), (5, 7)])
def test_the_distance_on_an_empty_map_is_known(shape):
    distance, _ = distances(np.zeros(shape), (0, 0), step=1)
    rows, cols = np.indices(shape)
    short, long = np.minimum(rows, cols), np.maximum(rows, cols)
    assert distance == pytest.approx(short * math.sqrt(2) + long - short)


# -- from distances to probability ----------------------------------------------------------------


def test_the_nearer_kind_wins_and_limits_are_clear():
    to_object = np.array([[0.0, 1, 3, 2, 0]])
    to_background = np.array([[2.0, 3, 1, 0, 0]])
    assert nearer_to_object(to_object, to_background).tolist() == [[1, 0.75, 0.25, 0, 0.5]]


# -- the coarse grid ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "pixels", "expected"),
    [
        ((480, 640), 80_000, (245, 327)),
        ((480, 640), 307_200, (480, 640)),
        ((10, 20), 1_000, (10, 20)),
        ((1, 1000), 10, (1, 100)),
        ((40, 40), 1, (1, 1)),
    ],
)
def test_a_coarse_grid_keeps_proportions(shape, pixels, expected):
    assert coarse_shape(shape, pixels) == expected


def test_shrinking_averages_and_enlarging_interpolates():
    assert coarsen(np.array([[0, 1, 4, 6]]), (1, 2)).tolist() == [[0.5, 5]]
    assert enlarge(np.array([[0.0, 4]]), (1, 4)).tolist() == [[0, 1, 3, 4]]


def test_the_same_size_changes_nothing():
    colours = SCENE.astype(np.float64)
    assert np.array_equal(coarsen(SCENE, SCENE.shape[:2]), colours)
    assert np.array_equal(enlarge(colours[..., 0], SCENE.shape[:2]), colours[..., 0])


# -- the method -----------------------------------------------------------------------------------


def two_colours(width=24):
    """Return four stripes of six rows each: background, object, background, object."""
    image = np.array([BACKGROUND, OBJECT, BACKGROUND, OBJECT], dtype=np.uint8)
    return image.repeat(6, axis=0)[:, None].repeat(width, axis=1)


def test_two_colours_part_exactly_where_they_meet():
    clicks = Clicks([Click(8, 4), Click(3, 20, False), Click(14, 20, False)])
    mask = answer(clicks, two_colours(), radius=1).mask
    assert mask[6:12].all()
    assert not mask[:6].any()
    assert not mask[12:18].any()


def test_the_objects_colour_behind_background_is_not_object():
    clicks = Clicks([Click(8, 4), Click(3, 20, False), Click(14, 20, False)])
    assert not answer(clicks, two_colours(), radius=1).mask[18:].any()


def test_the_probability_on_two_colours_is_worked_out_by_hand():
    # With no cost for the way, D_F is 0 on the clicked stripe and P on all others, D_B the reverse.
    clicks = Clicks([Click(8, 4), Click(3, 20, False), Click(14, 20, False)])
    probability = answer(clicks, two_colours(), radius=0, step=0).probability
    stripes = np.unique(probability.reshape(4, -1), axis=1)
    assert stripes[:3].tolist() == [[0], [1], [0]]
    assert stripes[3] == pytest.approx(1 / 3, abs=1e-6)  # two edges to the object, one to D_B


def test_clicks_on_one_colour_part_it_half_way():
    flat = np.full((5, 21, 3), 90, np.uint8)
    mask = answer(Clicks([Click(2, 3), Click(2, 17, False)]), flat, radius=1).mask
    assert mask[:, :10].all()
    assert not mask[:, 11:].any()


@pytest.mark.parametrize("pixels", [48 * 64, 1000])
@pytest.mark.parametrize("colour", ["histogram", "gmm"])
def test_the_disc_is_found_on_a_fine_and_on_a_coarse_grid(colour, pixels):
    assert iou(answer(pixels=pixels, colour=colour).mask, TRUTH) > 0.9


@pytest.mark.parametrize("pixels", [1, 2, 30, 1000, 80_000])
def test_clicks_keep_their_pixels_however_coarse_the_grid(pixels):
    clicks = CLICKS.add(Click(24, 40, False)).add(Click(24, 42)).add(Click(24, 43, False))
    probability = answer(clicks, pixels=pixels, radius=1).probability
    positive, negative = clicks.discs(SCENE.shape, 1)
    assert (probability[positive] == 1).all()
    assert (probability[negative] == 0).all()


def test_swapping_the_clicks_mirrors_the_probability():
    swapped = Clicks(Click(click.row, click.col, not click.positive) for click in CLICKS)
    assert answer(swapped).probability == pytest.approx(1 - answer().probability, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"step": -1}, "step is at least 0 and finite, not -1"),
        ({"step": float("inf")}, "finite, not inf"),
        ({"colour": "rgb"}, "one of histogram, gmm, not 'rgb'"),
        ({"pixels": 0}, "at least 1 pixel, not 0"),
        ({"radius": -1}, "at least 0, not -1"),
    ],
)
def test_options_out_of_range_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        GeodesicMatting(**options)
