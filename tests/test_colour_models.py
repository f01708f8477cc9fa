import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tutorial_lib.classical.colour_models import (
    BINS,
    COLOUR_MODELS,
    GaussianMixtureModel,
    HistogramModel,
    Palette,
    object_posterior,
)

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 200, 30)
STRIPES = np.array([[RED] * 4, [BLUE] * 4, [GREEN] * 4], dtype=np.uint8)
TOP, MIDDLE, BOTTOM = (np.arange(3)[:, None].repeat(4, 1) == row for row in range(3))
MODELS = [model() for model in COLOUR_MODELS.values()]
IMAGES = hnp.arrays(np.uint8, (3, 4, 3))


def density_of(model, image, region):
    """Return the density at every pixel, ``(H, W)``."""
    palette = Palette.of(image)
    return model.density(palette, image, region)[palette.index]


def test_a_palette_lists_each_quantised_colour_once():
    palette = Palette.of(STRIPES)
    assert palette.bins.tolist() == [[3, 3, 25], [3, 25, 3], [25, 3, 3]]
    assert palette.index.tolist() == [[2] * 4, [0] * 4, [1] * 4]
    assert palette.colours.tolist() == [list(BLUE), list(GREEN), list(RED)]


def test_an_entry_has_the_mean_colour_of_its_pixels():
    image = np.array([[[0, 0, 0], [7, 2, 1], [8, 0, 0]]], dtype=np.uint8)
    palette = Palette.of(image)
    assert palette.index.tolist() == [[0, 0, 1]]
    assert palette.colours.tolist() == [[3.5, 1, 0.5], [8, 0, 0]]


def test_white_falls_into_the_last_cell():
    assert Palette.of(np.full((1, 1, 3), 255, np.uint8)).bins.tolist() == [[BINS - 1] * 3]


@given(IMAGES)
def test_a_palette_leads_every_pixel_to_its_own_cell(image):
    palette = Palette.of(image)
    assert np.array_equal(palette.bins[palette.index], image // 8)
    assert np.abs(palette.colours[palette.index] - image).max() <= 7


@pytest.mark.parametrize("model", MODELS, ids=COLOUR_MODELS)
def test_the_seen_colour_is_the_most_likely(model):
    density = density_of(model, STRIPES, TOP)
    assert (density[TOP] > 100 * density[~TOP].max()).all()


@pytest.mark.parametrize("model", MODELS, ids=COLOUR_MODELS)
def test_an_unseen_colour_is_unlikely_but_possible(model):
    levels = BINS if isinstance(model, HistogramModel) else 256
    assert density_of(model, STRIPES, TOP)[BOTTOM] == pytest.approx(0.01 / levels**3, rel=1e-6)


def test_a_histogram_counts():
    region = TOP | (MIDDLE & (np.arange(4) < 2))
    density = density_of(HistogramModel(smoothing=0, floor=0), STRIPES, region)
    assert density[:, 0] == pytest.approx([4 / 6, 2 / 6, 0])


def test_smoothing_tells_a_colours_neighbours():
    image = np.array([[[80, 0, 0], [88, 0, 0], [200, 0, 0]]], dtype=np.uint8)
    density = density_of(HistogramModel(floor=0), image, image[..., 0] == 80)[0]
    assert density[0] > density[1] > 1e-3 > density[2]


@given(IMAGES, st.integers(1, 11))
def test_a_histogram_is_a_distribution(image, count):
    region = (np.arange(12) < count).reshape(3, 4)
    palette = Palette.of(image)
    density = HistogramModel().density(palette, image, region)
    assert (density > 0).all()
    assert density.sum() <= 1 + 1e-9


def test_a_mixture_finds_two_colours():
    density = density_of(GaussianMixtureModel(), STRIPES, TOP | MIDDLE)
    assert density[0, 0] == pytest.approx(density[1, 0], rel=1e-6)
    assert density[0, 0] > 1000 * density[2, 0]


def test_a_mixture_of_one_pixel_is_the_floors_gaussian():
    only = TOP & (np.arange(4) == 0)
    peak = 0.99 * (2 * np.pi * 20) ** -1.5 + 0.01 / 256**3
    assert density_of(GaussianMixtureModel(), STRIPES, only)[0, 0] == pytest.approx(peak, rel=1e-6)


def test_a_mixture_is_the_same_every_time():
    image = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    region = np.ones((6, 6), dtype=bool)
    first, second = (density_of(GaussianMixtureModel(), image, region) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("model", MODELS, ids=COLOUR_MODELS)
def test_the_posterior_tells_object_from_background(model):
    q = object_posterior(model, Palette.of(STRIPES), STRIPES, TOP, MIDDLE)
    assert (q[TOP] > 0.99).all()
    assert (q[MIDDLE] < 0.01).all()
    assert q[BOTTOM] == pytest.approx(0.5)


@pytest.mark.parametrize("model", MODELS, ids=COLOUR_MODELS)
def test_swapping_the_sides_turns_the_posterior_around(model):
    palette = Palette.of(STRIPES)
    q = object_posterior(model, palette, STRIPES, TOP, MIDDLE)
    assert object_posterior(model, palette, STRIPES, MIDDLE, TOP) == pytest.approx(1 - q)


@given(IMAGES, st.integers(1, 11))
def test_the_posterior_lies_strictly_between_0_and_1(image, count):
    positive = (np.arange(12) < count).reshape(3, 4)
    q = object_posterior(HistogramModel(), Palette.of(image), image, positive, ~positive)
    assert ((q > 0) & (q < 1)).all()


def test_looking_up_equals_computing_each_pixel():
    image = np.random.default_rng(1).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    positive = np.arange(30).reshape(5, 6) < 9
    q = object_posterior(HistogramModel(), Palette.of(image), image, positive, ~positive)

    def smooth_histogram(region):
        from scipy.ndimage import gaussian_filter

        counts, _ = np.histogramdd(image[region], bins=BINS, range=[(0, 256)] * 3)
        smooth = gaussian_filter(counts, 1.5)
        return 0.99 * smooth / smooth.sum() + 0.01 / BINS**3

    on_object, on_background = smooth_histogram(positive), smooth_histogram(~positive)
    for pixel in np.ndindex(5, 6):
        cell = tuple(image[pixel] // 8)
        expected = on_object[cell] / (on_object[cell] + on_background[cell])
        assert q[pixel] == pytest.approx(expected, rel=1e-9)
