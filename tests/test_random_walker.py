import numpy as np
import pytest
from skimage.segmentation import random_walker

from tests.support import easy_scene
from tutorial_lib.classical.random_walker import (
    RandomWalker,
    first_arrival,
    laplacian,
    step_weights,
)
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.metrics import iou

SCENE, TRUTH, CLICKS = easy_scene()
GREYS = np.array([[0, 0, 100, 100, 100]], dtype=np.uint8)[..., None].repeat(3, -1)
NOISE = np.random.default_rng(3).integers(0, 256, (9, 11, 3), dtype=np.uint8)


def answer(clicks=CLICKS, image=SCENE, **options):
    method = RandomWalker(**options)
    return method.segment(method.prepare(image), clicks)


def ends(shape):
    """Click the first pixel on the object and the last on the background."""
    return Clicks([Click(0, 0), Click(shape[0] - 1, shape[1] - 1, False)])


def test_a_step_across_the_strongest_edge_weighs_exp_minus_beta():
    right, down = step_weights(GREYS, beta=2, epsilon=0)
    assert right == pytest.approx(np.array([[1, np.exp(-2), 1, 1]]))
    assert down.shape == (0, 5)


def test_a_weaker_edge_is_measured_against_the_strongest():
    right, _ = step_weights(np.array([[[0, 0, 0], [10, 0, 0], [10, 20, 0]]]), beta=4, epsilon=0)
    assert right == pytest.approx(np.exp([[-1, -4]]))


def test_one_colour_makes_all_steps_alike():
    right, down = step_weights(np.full((3, 4, 3), 90), beta=90)
    assert np.unique(right) == np.unique(down) == pytest.approx(1, abs=2e-6)


def test_the_laplacian_of_a_square_of_four():
    right, down = np.array([[1.0], [2]]), np.array([[3.0, 4]])
    expected = [[4, -1, -3, 0], [-1, 5, 0, -4], [-3, 0, 5, -2], [0, -4, -2, 6]]
    assert laplacian(right, down).toarray().tolist() == expected


def test_on_a_path_of_equal_steps_the_probability_falls_evenly():
    flat = np.full((1, 5, 3), 90, np.uint8)
    assert answer(ends((1, 5)), flat, radius=0).probability[0].tolist() == [1, 0.75, 0.5, 0.25, 0]


def test_a_pixel_at_one_half_is_object():
    flat = np.full((1, 5, 3), 90, np.uint8)
    assert answer(ends((1, 5)), flat, radius=0).mask[0].tolist() == [True, True, True, False, False]


def test_on_a_path_with_an_edge_the_probability_falls_across_it():
    # Resistors in series: 1, e^2, 1, 1 ohm; the voltage falls by each one's share of the sum.
    voltage = 1 - np.cumsum([0, 1, np.exp(2), 1, 1]) / (3 + np.exp(2))
    found = answer(ends((1, 5)), GREYS, radius=0, beta=2).probability[0]
    assert found == pytest.approx(voltage, abs=1e-5)


def test_every_free_pixel_is_the_weighted_mean_of_its_neighbours():
    graph = laplacian(*step_weights(NOISE, beta=5))
    fixed = np.zeros(NOISE.shape[:2], dtype=bool)
    fixed[0, 0] = fixed[8, 10] = fixed[4, 2] = True
    arrival = first_arrival(graph, fixed, np.eye(9, 11))
    flow = (graph @ arrival.ravel()).reshape(fixed.shape)
    assert np.abs(flow[~fixed]).max() < 1e-12
    assert arrival[fixed].tolist() == [1, 0, 0]


def test_scikit_image_gives_the_same_probabilities():
    image = NOISE / 255.0
    squares = [(np.diff(image, axis=axis) ** 2).sum(-1).max() for axis in (0, 1)]
    same_beta = 5 / max(squares) * 10 * image.std() * np.sqrt(3)  # its own way to normalise
    labels = np.zeros((9, 11), dtype=int)
    labels[0, 0], labels[8, 10] = 1, 2
    theirs = random_walker(
        image, labels, beta=same_beta, mode="bf", return_full_prob=True, channel_axis=-1
    )
    ours = answer(ends((9, 11)), NOISE, beta=5, radius=0).probability
    assert ours == pytest.approx(theirs[0], abs=1e-4)


def test_swapping_the_clicks_mirrors_the_probability():
    swapped = Clicks(Click(click.row, click.col, not click.positive) for click in CLICKS)
    assert answer(swapped).probability == pytest.approx(1 - answer().probability, abs=1e-6)


@pytest.mark.parametrize("pixels", [48 * 64, 1000])
def test_the_disc_is_found_on_a_fine_and_on_a_coarse_grid(pixels):
    assert iou(answer(pixels=pixels).mask, TRUTH) > 0.9


@pytest.mark.parametrize("pixels", [1, 2, 30, 1000, 40_000])
def test_clicks_keep_their_pixels_however_coarse_the_grid(pixels):
    clicks = CLICKS.add(Click(24, 40, False)).add(Click(24, 42)).add(Click(24, 43, False))
    probability = answer(clicks, pixels=pixels, radius=1).probability
    positive, negative = clicks.discs(SCENE.shape, 1)
    assert (probability[positive] == 1).all()
    assert (probability[negative] == 0).all()


def test_a_coarse_cell_with_clicks_of_both_kinds_takes_their_share():
    flat = np.full((1, 8, 3), 90, np.uint8)
    clicks = Clicks([Click(0, 0), Click(0, 1, False)])
    found = answer(clicks, flat, radius=0, pixels=2)
    assert found.probability[0].tolist() == [1, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]


def test_a_large_beta_stops_the_walker_at_edges():
    soft, hard = (answer(beta=beta).probability for beta in (1, 90))
    assert np.abs(hard - TRUTH).mean() < np.abs(soft - TRUTH).mean()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"beta": -1}, "beta is at least 0 and finite, not -1"),
        ({"beta": float("nan")}, "finite, not nan"),
        ({"pixels": 0}, "at least 1 pixel, not 0"),
        ({"radius": -1}, "at least 0, not -1"),
    ],
)
def test_options_out_of_range_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        RandomWalker(**options)
