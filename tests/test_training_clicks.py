"""Xu's simulated user: where its clicks may lie, how far apart, and how they surround an object."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import distance_transform_edt

from tests.support import disc_mask, one_sentence
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.data.toy_world import toy_scene
from tutorial_lib.users.training_clicks import (
    Sampling,
    clicks_around,
    clicks_near,
    clicks_on_others,
    positive_clicks,
    sample_clicks,
    surroundings,
    training_pairs,
)

SHAPE = (160, 200)
DISC = disc_mask(SHAPE, 80, 90, 35)
NEIGHBOUR = disc_mask(SHAPE, 80, 165, 25)
STRICT = Sampling(steps=(10,), margins=(8,))  # one value each, so that a test knows which
SEEDS = st.integers(0, 2**32)
MASKS = hnp.arrays(bool, (9, 11)).filter(lambda mask: mask.any())


def outside_distance(mask):
    """Distance of every pixel to the nearest pixel of the mask, by another library."""
    return distance_transform_edt(~mask)


def at(points, array):
    return array[points[:, 0], points[:, 1]]


def spacing(points):
    pairs = itertools.combinations(points.astype(float), 2)
    return min((np.hypot(*(a - b)) for a, b in pairs), default=np.inf)


def single(row, col, shape=(5, 7)):
    mask = np.zeros(shape, bool)
    mask[row, col] = True
    return mask


# -- where clicks may lie ------------------------------------------------------------------------


def test_surroundings_of_one_pixel_are_the_open_disc_around_it():
    expected = [
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [1, 1, 0, 1, 1],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0],
    ]
    assert surroundings(single(2, 2, (5, 5)), distance=2.1).tolist() == np.bool_(expected).tolist()


def test_a_pixel_exactly_d_away_is_too_far():
    assert surroundings(single(0, 0, (1, 6)), distance=3).tolist() == [[0, 1, 1, 0, 0, 0]]


def test_an_object_that_fills_the_image_has_no_surroundings():
    assert not surroundings(np.ones((4, 5), bool)).any()


def test_ignored_pixels_are_no_surroundings():
    truth, ignore = single(0, 0, (1, 4)), single(0, 1, (1, 4))
    assert surroundings(truth, ignore=ignore).tolist() == [[0, 0, 1, 1]]


@settings(deadline=None)
@given(SEEDS)
def test_positive_clicks_keep_step_and_margin(seed):
    points = positive_clicks(DISC, seed, sampling=STRICT).positives
    assert 1 <= len(points) <= 5
    assert spacing(points) >= 10
    assert at(points, distance_transform_edt(DISC)).min() >= 8


@settings(deadline=None)
@given(SEEDS)
def test_strategy_1_clicks_the_ring_around_the_object(seed):
    points = clicks_near(DISC, seed, sampling=STRICT).negatives
    assert len(points) <= 10
    assert spacing(points) >= 10
    assert all(
        (at(points, outside_distance(DISC)) >= 8) & (at(points, outside_distance(DISC)) < 40)
    )


@settings(deadline=None)
@given(SEEDS)
def test_strategy_2_clicks_each_other_object(seed):
    second = disc_mask(SHAPE, 20, 20, 18)
    points = clicks_on_others(DISC, [NEIGHBOUR, second], seed, sampling=STRICT).negatives
    for other in (NEIGHBOUR, second):
        mine = points[at(points, other)]
        assert len(mine) <= 5
        assert spacing(mine) >= 10
        assert all(at(mine, distance_transform_edt(np.pad(other, 1))[1:-1, 1:-1]) >= 8)
    assert at(points, NEIGHBOUR | second).all()


def test_every_count_is_drawn():
    """1 to 5 positive clicks, 0 to 10 near, 0 to 5 on another object; 10 around, always."""
    roomy = disc_mask((300, 300), 150, 150, 90)
    sampling = Sampling(steps=(5,), margins=(5,))
    other = [disc_mask((300, 300), 30, 30, 28)]
    drawn = [
        (
            len(positive_clicks(roomy, seed, sampling=sampling)),
            len(clicks_near(roomy, seed, sampling=sampling)),
            len(clicks_on_others(roomy, other, seed, sampling=sampling)),
            len(clicks_around(roomy, seed, sampling=sampling)),
        )
        for seed in range(80)
    ]
    assert [sorted(set(column)) for column in zip(*drawn, strict=True)] == [
        [1, 2, 3, 4, 5],
        list(range(11)),
        [0, 1, 2, 3, 4, 5],
        [10],
    ]


def test_every_step_and_margin_is_drawn():
    bar = np.ones((1, 400), bool)
    sampling = Sampling(positives=2, steps=(1, 150), margins=(0,))
    apart = [spacing(positive_clicks(bar, seed, sampling=sampling).positives) for seed in range(60)]
    assert min(apart) < 100
    assert sum(150 <= gap < np.inf for gap in apart) >= 10


def test_clicks_are_spread_over_the_whole_object():
    block = np.ones((4, 4), bool)
    sampling = Sampling(positives=1, steps=(1,), margins=(0,))
    clicked = {positive_clicks(block, seed, sampling=sampling).items for seed in range(200)}
    assert len(clicked) == 16


# -- strategy 3 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_strategy_3_surrounds_a_disc_evenly(seed):
    """Ten even gaps are 36 degrees; halving the largest each time gives eight of 45 on the way."""
    rng = np.random.default_rng(seed)
    middle, radius = 128 + rng.random(2), rng.uniform(15, 60)
    rows, cols = np.ogrid[:256, :256]
    disc = (rows - middle[0]) ** 2 + (cols - middle[1]) ** 2 <= radius**2
    down, right = (clicks_around(disc, seed).negatives - middle).T
    turns = np.sort(np.degrees(np.arctan2(down, right)))
    assert len(turns) == 10
    assert np.diff([*turns, turns[0] + 360]).max() < 54


def test_strategy_3_keeps_halfway_between_object_and_d():
    clicks = clicks_around(DISC, seed=1).negatives
    assert np.all(np.abs(at(clicks[1:], outside_distance(DISC)) - 20) <= 2)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_strategy_3_follows_equation_2_to_within_a_pixel(seed):
    clicks = clicks_around(DISC, seed).negatives
    near = surroundings(DISC)
    assert at(clicks, near).all()
    for count in range(1, len(clicks)):
        zeros = ~near
        zeros[tuple(clicks[:count].T)] = True
        f = distance_transform_edt(~zeros)
        assert f[tuple(clicks[count])] >= f.max() - 1.001


def test_strategy_3_starts_anywhere_in_the_surroundings():
    starts = {clicks_around(DISC, seed)[0] for seed in range(30)}
    assert len(starts) > 25


def test_strategy_3_stops_when_every_pixel_is_clicked():
    clicks = clicks_around(single(0, 0, (2, 2)), seed=0)
    assert sorted((c.row, c.col) for c in clicks) == [(0, 1), (1, 0), (1, 1)]


# -- small, thin and crowded objects -------------------------------------------------------------


def test_an_object_of_one_pixel_is_clicked_there():
    assert positive_clicks(single(3, 4), seed=0) == Clicks([Click(3, 4)])


def test_a_thin_object_is_clicked_along_its_middle():
    bar = np.zeros((20, 60), bool)
    bar[8:13, 5:55] = True
    for seed in range(10):
        points = positive_clicks(bar, seed).positives
        assert set(points[:, 0]) == {10}  # three pixels deep, though every margin is five or more


def test_fewer_clicks_where_there_is_no_room():
    block = np.zeros((9, 9), bool)
    block[2:7, 2:7] = True
    sampling = Sampling(steps=(20,), margins=(0,))
    assert {len(positive_clicks(block, seed, sampling=sampling)) for seed in range(20)} == {1}


def test_the_image_border_is_no_boundary():
    half = np.zeros((30, 30), bool)
    half[:, 15:] = True
    sampling = Sampling(positives=1, steps=(1,), margins=(14,))
    cols = {positive_clicks(half, seed, sampling=sampling)[0].col for seed in range(60)}
    assert cols == {28, 29}


def test_an_object_that_fills_the_image_has_positive_clicks_only():
    full = np.ones((30, 30), bool)
    assert len(positive_clicks(full, 0)) >= 1
    assert len(clicks_near(full, 0)) == len(clicks_around(full, 0)) == 0


def test_a_margin_wider_than_the_background_leaves_the_farthest_of_it():
    truth = np.ones((30, 30), bool)
    truth[:, :3] = False
    cols = {click.col for seed in range(20) for click in clicks_near(truth, seed)}
    assert cols == {0}


def test_without_other_objects_strategy_2_clicks_nothing():
    assert clicks_on_others(DISC, [], 0) == Clicks()


def test_an_object_around_this_one_is_clicked_outside_this_one():
    house = disc_mask(SHAPE, 80, 90, 70)
    clicked = [
        clicks_on_others(DISC, [house], seed, sampling=STRICT).negatives for seed in range(9)
    ]
    points = np.concatenate(clicked)
    assert len(points)
    assert at(points, house & (outside_distance(DISC) >= 8)).all()


def test_another_object_that_is_hidden_is_not_clicked():
    assert clicks_on_others(DISC, [DISC, np.zeros_like(DISC)], 0) == Clicks()


@settings(deadline=None)
@given(MASKS, hnp.arrays(bool, (9, 11)), hnp.arrays(bool, (9, 11)), SEEDS, st.integers(1, 3))
def test_any_masks_give_clicks_that_tell_the_truth(truth, other, ignore, seed, strategy):
    assume((truth & ~ignore).any())
    clicks = sample_clicks(truth, [other], seed, strategy=strategy, ignore=ignore)
    assert len(clicks.positives) >= 1
    assert all(truth[click.row, click.col] == click.positive for click in clicks)
    assert not any(ignore[click.row, click.col] for click in clicks)
    # No pixel is clicked twice, except by strategy 2 where other objects overlap.
    assert len({(click.row, click.col) for click in clicks}) == len(clicks)


# -- one user, many users ------------------------------------------------------------------------


def test_positive_clicks_come_first():
    signs = [click.positive for click in sample_clicks(DISC, [NEIGHBOUR], 3, strategy=3)]
    assert signs == sorted(signs, reverse=True)
    assert signs.count(False) == 10


@pytest.mark.parametrize("strategy", [1, 2, 3, None])
def test_same_seed_same_clicks(strategy):
    clicks = [
        [sample_clicks(DISC, [NEIGHBOUR], seed, strategy=strategy) for seed in range(6)]
        for _ in range(2)
    ]
    assert clicks[0] == clicks[1]
    assert len(set(clicks[0])) == 6


def test_a_generator_is_drawn_on_from():
    rng = np.random.default_rng(5)
    first, second = positive_clicks(DISC, rng), positive_clicks(DISC, rng)
    assert first == positive_clicks(DISC, 5)
    assert first != second


def test_strategies_are_equally_likely():
    """Told apart on a scene where each gives another number of negative clicks."""
    sampling = Sampling(background=0, per_object=5, around=10, steps=(1,), margins=(0,))
    counts = {0: 0, 10: 0, "some": 0}
    small, other = disc_mask((40, 40), 8, 8, 4), [disc_mask((40, 40), 30, 30, 8)]
    for seed in range(300):
        number = len(sample_clicks(small, other, seed, sampling=sampling).negatives)
        counts[number if number in (0, 10) else "some"] += 1
    # A third by strategy 1 has none, and one in six by strategy 2 has none as well.
    expected = np.array([1 / 3 + 1 / 18, 1 / 3, 5 / 18]) * 300
    assert np.abs(np.array(list(counts.values())) - expected).max() < 30


def test_npairs_training_pairs_of_one_object():
    image = np.zeros((*SHAPE, 3), np.uint8)
    pairs = list(training_pairs(image, DISC, [NEIGHBOUR], seed=2))
    assert len(pairs) == 15
    assert all(pair[0] is image for pair in pairs)
    assert len({clicks for _, clicks in pairs}) == 15
    assert pairs == list(training_pairs(image, DISC, [NEIGHBOUR], seed=2))


def test_every_reading_of_a_toy_scene_can_be_trained_on():
    scene = toy_scene(0, (96, 128))
    for name, mask in scene.masks.items():
        for _, clicks in training_pairs(scene.image, mask, scene.others(name), seed=1):
            clicks.check(scene.image.shape)
            assert all(mask[click.row, click.col] == click.positive for click in clicks)


def test_one_number_will_do_where_a_setting_holds_several():
    assert Sampling(steps=10, margins=8) == STRICT


def test_the_numbers_of_the_paper():
    paper = Sampling()
    assert (paper.distance, paper.positives, paper.pairs) == (40, 5, 15)
    assert (paper.background, paper.per_object, paper.around) == (10, 5, 10)


# -- what is refused -----------------------------------------------------------------------------

EMPTY = np.zeros(SHAPE, bool)
FLAT = np.ones((3, 3), bool)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: positive_clicks(EMPTY), "no pixel to click"),
        (lambda: positive_clicks(DISC, ignore=DISC), "no pixel to click"),
        (lambda: positive_clicks(np.ones((3, 3, 3), bool)), "(H, W)"),
        (lambda: clicks_near(EMPTY), "no pixel to click"),
        (lambda: clicks_around(DISC, ignore=FLAT), "ignored pixels must have shape (160, 200)"),
        (lambda: clicks_on_others(DISC, [FLAT]), "Another object's mask"),
        (lambda: sample_clicks(DISC, strategy=4), "1, 2 and 3; there is no 4"),
        (lambda: sample_clicks(DISC, strategy=0), "there is no 0"),
        (lambda: list(training_pairs(np.zeros((3, 3, 3), np.uint8), DISC)), "(3, 3)"),
        (lambda: Sampling(positives=0), "positives is at least 1"),
        (lambda: Sampling(distance=1), "distance is at least 2"),
        (lambda: Sampling(around=-1), "around is at least 0"),
        (lambda: Sampling(steps=()), "steps holds numbers that are at least 0"),
        (lambda: Sampling(margins=(5, -1)), "margins holds numbers that are at least 0"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, text):
    with pytest.raises(ValueError) as caught:
        call()
    assert one_sentence(caught.value), str(caught.value)
    assert text in str(caught.value)
