import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from tests.test_clicks import SHAPE, click_lists
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.guidance import click_gaussians, click_masks, distance_map, distance_maps


def test_distance_map_of_one_click():
    root = np.sqrt(2, dtype=np.float32)
    assert distance_map(np.array([[1, 1]]), (3, 3)).tolist() == [
        [root, 1, root],
        [1, 0, 1],
        [root, 1, root],
    ]


def test_a_three_four_five_triangle():
    assert distance_map(np.array([[0, 0]]), (4, 5))[3, 4] == 5


def test_the_nearest_of_two_points_counts():
    assert distance_map(np.array([[0, 0], [0, 6]]), (1, 7)).tolist() == [[0, 1, 2, 3, 2, 1, 0]]


def test_distances_stop_at_255():
    far = distance_map(np.array([[0, 0]]), (1, 400))
    assert far[0, [254, 255, 256, 399]].tolist() == [254, 255, 255, 255]


def test_another_truncation():
    assert distance_map(np.array([[0, 0]]), (1, 5), truncation=2).tolist() == [[0, 1, 2, 2, 2]]


def test_without_clicks_both_maps_are_255():
    assert (distance_maps(Clicks(), (3, 4)) == np.full((2, 3, 4), 255)).all()


def test_without_negative_clicks_their_map_is_255():
    positive, negative = distance_maps(Clicks([Click(1, 1)]), (3, 4))
    assert positive[1, 1] == 0
    assert (negative == 255).all()


def test_positive_comes_first():
    maps = distance_maps(Clicks([Click(0, 0), Click(0, 3, False)]), (1, 4, 3))
    assert maps.tolist() == [[[0, 1, 2, 3]], [[3, 2, 1, 0]]]
    assert maps.dtype == np.float32


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 16)), min_size=1, max_size=6))
def test_equals_scipys_exact_transform(points):
    seeds = np.ones((12, 17))
    seeds[tuple(np.transpose(points))] = 0
    expected = distance_transform_edt(seeds).astype(np.float32)
    assert np.array_equal(distance_map(np.array(points), (12, 17)), expected)


@given(click_lists())
def test_a_map_is_zero_exactly_at_the_clicks_that_count(clicks):
    for points, guidance in zip(
        (clicks.positives, clicks.negatives), distance_maps(clicks, SHAPE), strict=True
    ):
        assert sorted(np.argwhere(guidance == 0).tolist()) == sorted(points.tolist())


def test_click_masks_mark_single_pixels():
    masks = click_masks(Clicks([Click(0, 1), Click(1, 2, False)]), (2, 3))
    assert masks.tolist() == [[[0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 1]]]
    assert masks.dtype == np.float32


@pytest.mark.parametrize("radius", [0, 2, 5])
def test_click_masks_are_the_discs(radius):
    clicks = Clicks([Click(2, 2), Click(6, 8, False)])
    assert np.array_equal(click_masks(clicks, SHAPE, radius), clicks.discs(SHAPE, radius))


def test_a_gaussian_is_one_at_its_click_and_falls_as_the_bell_does():
    positive, negative = click_gaussians(Clicks([Click(0, 0)]), (1, 41), sigma=10)
    assert positive[0, [0, 10, 20, 40]] == pytest.approx(np.exp([0, -0.5, -2, -8]))
    assert (negative == 0).all()
    assert positive.dtype == np.float32


def test_between_two_clicks_the_nearer_gaussian_counts():
    clicks = Clicks([Click(0, 0, False), Click(0, 4, False)])
    row = click_gaussians(clicks, (1, 5), sigma=1)[1, 0]
    assert row == pytest.approx(np.exp([0, -0.5, -2, -0.5, 0]))


@pytest.mark.parametrize("sigma", [0, -1, np.nan])
def test_a_gaussian_has_a_width(sigma):
    with pytest.raises(ValueError, match="must be positive, not"):
        click_gaussians(Clicks(), (3, 3), sigma)


def test_a_gaussian_outside_the_image_is_refused():
    with pytest.raises(ValueError, match="outside the image"):
        click_gaussians(Clicks([Click(3, 0)]), (3, 3))
