import importlib.util
import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.support import easy_scene, one_sentence
from tutorial_lib.classical.colour_models import HistogramModel, object_posterior
from tutorial_lib.classical.fast.pixel_graph import PixelGraph
from tutorial_lib.classical.graph_cut import (
    GraphCut,
    cheapest_labelling,
    cut_energy,
    pairwise_weights,
    unary_costs,
)
from tutorial_lib.classical.neighbours import (
    OFFSETS,
    SCALE,
    contrast_sigma,
    link_totals,
    pair_slices,
    squared_differences,
)
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.registry import get_segmenter

RANDOM = np.random.default_rng(7).integers(0, 256, (3, 4, 3), dtype=np.uint8)
SCENE, TRUTH, CLICKS = easy_scene(24, 32)


def neighbour_pairs(shape):
    """List all pairs of pixels that touch, by side or corner, each once."""
    pixels = list(np.ndindex(shape))
    return {
        frozenset([p, q])
        for p in pixels
        for q in pixels
        if max(abs(p[0] - q[0]), abs(p[1] - q[1])) == 1
    }


def pairs_of_slices(shape):
    index = np.arange(math.prod(shape)).reshape(shape)
    for offset in OFFSETS:
        first, second = pair_slices(*offset)
        yield from zip(index[first].ravel(), index[second].ravel(), strict=True)


@pytest.mark.parametrize("shape", [(3, 4), (1, 1), (1, 5), (5, 1), (2, 2)])
def test_slices_cover_every_pair_of_neighbours_once(shape):
    found = [
        frozenset(tuple(map(int, np.unravel_index(i, shape))) for i in ends)
        for ends in pairs_of_slices(shape)
    ]
    assert len(found) == len(set(found))
    assert set(found) == neighbour_pairs(shape)


def test_the_ends_of_a_slice_are_the_offset_apart():
    rows, cols = np.indices((4, 5))
    for offset in OFFSETS:
        first, second = pair_slices(*offset)
        assert (rows[second] - rows[first] == offset[0]).all()
        assert (cols[second] - cols[first] == offset[1]).all()


def test_squared_differences_of_two_colours():
    image = np.array([[[0, 0, 0], [1, 2, 3]]], dtype=np.uint8)
    assert [array.tolist() for array in squared_differences(image)] == [[[14.0]], [], [], []]


def test_squared_differences_do_not_wrap_around():
    image = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    assert next(squared_differences(image)).tolist() == [[3 * 255**2]]


def test_sigma_is_the_root_mean_square_over_all_pairs():
    colours = RANDOM.astype(float)
    squares = [
        ((colours[p] - colours[q]) ** 2).sum() for p, q in map(tuple, neighbour_pairs((3, 4)))
    ]
    assert contrast_sigma(RANDOM) == pytest.approx(math.sqrt(np.mean(squares)), rel=1e-6)


def test_sigma_of_two_pixels():
    assert contrast_sigma(np.array([[[0, 0, 0], [0, 3, 4]]], dtype=np.uint8)) == 5


@pytest.mark.parametrize("shape", [(3, 4, 3), (1, 1, 3)])
def test_sigma_of_one_colour_is_one(shape):
    assert contrast_sigma(np.full(shape, 9, np.uint8)) == 1


@pytest.mark.parametrize("sigma", [None, 20.0, np.float64(20)])
def test_pairwise_weights_are_equation_5(sigma):
    colours = RANDOM.astype(float)
    scale = contrast_sigma(RANDOM) if sigma is None else sigma
    for (row, col), weights in zip(OFFSETS, pairwise_weights(RANDOM, sigma), strict=True):
        first, _ = pair_slices(row, col)
        rows, cols = (grid[first] for grid in np.indices((3, 4)))
        assert weights.dtype == np.float32
        for (r, c), weight in zip(
            zip(rows.flat, cols.flat, strict=True), weights.flat, strict=True
        ):
            square = ((colours[r, c] - colours[r + row, c + col]) ** 2).sum()
            expected = math.exp(-square / (2 * scale**2)) / math.sqrt(row**2 + col**2)
            assert weight == pytest.approx(expected, rel=1e-5)


def test_equal_neighbours_hold_together_by_one_over_their_distance():
    weights = pairwise_weights(np.full((2, 2, 3), 50, np.uint8))
    assert [float(w.flat[0]) for w in weights] == pytest.approx([1, 1, 0.5**0.5, 0.5**0.5])


def test_unary_costs_are_equation_4():
    object_cost, background_cost = unary_costs(np.array([[0.5, 0.25]]))
    assert object_cost[0] == pytest.approx([math.log(2), math.log(4)])
    assert background_cost[0] == pytest.approx([math.log(2), math.log(4 / 3)])


def test_clipping_keeps_costs_finite():
    object_cost, background_cost = unary_costs(np.array([[0.0, 1.0]]), clip=0.1)
    assert object_cost[0] == pytest.approx([math.log(10), -math.log(0.9)])
    assert background_cost[0] == pytest.approx([-math.log(0.9), math.log(10)])


def test_energy_of_two_pixels_by_hand():
    weights = [np.array([[5.0]]), np.zeros((0, 2)), np.zeros((0, 1)), np.zeros((0, 1))]
    object_cost, background_cost = np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])
    energies = {
        labels: cut_energy(np.array([labels]), object_cost, background_cost, weights, lam=2)
        for labels in product([True, False], repeat=2)
    }
    assert energies == {
        (True, True): 6,
        (True, False): 2 + 40 + 5,
        (False, True): 20 + 4 + 5,
        (False, False): 60,
    }


LABELLINGS = np.array(list(product([False, True], repeat=9))).reshape(-1, 3, 3)


def whole(cost):
    return np.rint(np.asarray(cost, dtype=np.float64) * SCALE).astype(np.int64)


def all_energies(object_cost, background_cost, weights):
    """Return the energies of all 512 labellings of a 3 x 3 image."""
    energies = np.where(LABELLINGS, object_cost, background_cost).sum(axis=(1, 2))
    for offset, weight in zip(OFFSETS, weights, strict=True):
        first, second = pair_slices(*offset)
        torn = LABELLINGS[:, *first] != LABELLINGS[:, *second]
        energies = energies + (weight * torn).sum(axis=(1, 2))
    return energies


@pytest.mark.parametrize("seed", range(30))
def test_the_cut_is_the_best_of_all_512_labellings(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
    weights = pairwise_weights(image)
    costs = [rng.uniform(0.2, 2.0) * cost for cost in unary_costs(rng.random((3, 3)))]
    mask = cheapest_labelling(*costs, weights)
    assert np.array_equal(mask, PixelGraph(weights, (3, 3)).cut(*costs))
    energies = all_energies(*map(whole, costs), map(whole, weights))
    best = energies == energies.min()
    assert np.array_equal(mask, LABELLINGS[best].any(axis=0))  # of equal cuts the largest object
    rounding = (9 + 20) / SCALE  # half a step a term, on both sides
    assert cut_energy(mask, *costs, weights, 1) <= all_energies(*costs, weights).min() + rounding


def test_the_links_of_a_pixel_add_up():
    weights = pairwise_weights(np.full((3, 3, 3), 50, np.uint8))
    diagonal = 0.5**0.5
    corner, side, middle = 2 + diagonal, 3 + 2 * diagonal, 4 + 4 * diagonal
    expected = [[corner, side, corner], [side, middle, side], [corner, side, corner]]
    assert link_totals(weights, (3, 3)) == pytest.approx(np.array(expected), rel=1e-6)
    assert PixelGraph(weights, (3, 3)).hard_cost == pytest.approx(1 + middle)


def test_a_pixel_that_costs_the_same_either_way_is_object():
    graph = PixelGraph(pairwise_weights(RANDOM), (3, 4))
    assert graph.cut(np.ones((3, 4)), np.ones((3, 4))).all()


GRID = (4, 5)
QUARTERS = hnp.arrays(np.int64, (2, *GRID), elements=st.integers(0, 12)).map(lambda a: a / 4)


@given(st.lists(QUARTERS, min_size=2, max_size=6), st.integers(0, 3))
def test_a_warm_cut_equals_a_cold_one(sequence, seed):
    image = np.random.default_rng(seed).integers(0, 4, (*GRID, 3), dtype=np.uint8) * 60
    weights = pairwise_weights(image)
    warm = PixelGraph(weights, GRID)
    for costs in sequence:
        assert np.array_equal(warm.cut(*costs), cheapest_labelling(*costs, weights))


@given(QUARTERS, QUARTERS)
def test_coming_back_gives_the_same_cut(here, elsewhere):
    graph = PixelGraph(pairwise_weights(np.full((*GRID, 3), 9, np.uint8)), GRID)
    first = graph.cut(*here)
    graph.cut(*elsewhere)
    assert np.array_equal(graph.cut(*here), first)
    assert np.array_equal(graph.cut(*here), first)


CLICK = st.builds(Click, st.integers(0, 23), st.integers(0, 31), st.booleans())


@settings(max_examples=40)
@given(st.lists(CLICK, min_size=1, max_size=6), st.sampled_from([0.0, 0.02, 5.0]))
def test_the_discs_are_hard_constraints(items, lam):
    clicks = Clicks([*items, Click(0, 0, False), Click(23, 31)])
    method = GraphCut(lam=lam, radius=3)
    answer = method.segment(method.prepare(SCENE), clicks)
    positive, negative = clicks.discs(SCENE.shape, 3)
    assert answer.mask[positive].all()
    assert not answer.mask[negative].any()
    assert (answer.probability[positive] == 1).all()
    assert (answer.probability[negative] == 0).all()


def test_without_the_colour_term_the_boundary_is_the_cheapest_around_the_discs():
    flat = np.full((1, 9, 3), 100, np.uint8)
    flat[0, 6:] = 200  # the only edge in a row of pixels
    method = GraphCut(lam=0, radius=0)
    answer = method.segment(method.prepare(flat), Clicks([Click(0, 1), Click(0, 8, False)]))
    assert answer.mask.astype(int).tolist() == [[1, 1, 1, 1, 1, 1, 0, 0, 0]]


def test_with_a_huge_colour_term_every_pixel_decides_for_itself():
    method = GraphCut(lam=1e6)
    prepared = method.prepare(SCENE)
    positive, negative = CLICKS.discs(SCENE.shape)
    posterior = object_posterior(HistogramModel(), prepared.palette, SCENE, positive, negative)
    expected = ((posterior >= 0.5) | positive) & ~negative
    assert np.array_equal(method.segment(prepared, CLICKS).mask, expected)


def test_more_lambda_never_lowers_the_weight_of_colour():
    method = GraphCut()
    prepared = method.prepare(SCENE)
    positive, negative = CLICKS.discs(SCENE.shape)
    q = object_posterior(HistogramModel(), prepared.palette, SCENE, positive, negative)
    unary = unary_costs(q)
    answers = [GraphCut(lam=lam).segment(prepared, CLICKS).mask for lam in (0, 0.01, 0.1, 1, 10)]
    penalties = [np.where(mask, *unary)[~positive & ~negative].sum() for mask in answers]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(penalties))


def test_the_probability_is_the_colour_posterior_outside_the_discs():
    method = GraphCut()
    prepared = method.prepare(SCENE)
    positive, negative = CLICKS.discs(SCENE.shape)
    posterior = object_posterior(HistogramModel(), prepared.palette, SCENE, positive, negative)
    free = ~positive & ~negative
    answer = method.segment(prepared, CLICKS)
    assert np.array_equal(answer.probability[free], posterior[free].astype(np.float32))


@pytest.mark.parametrize("colour", ["histogram", "gmm"])
@pytest.mark.parametrize("radius", [0, 1])
def test_small_discs_are_enough_for_every_colour_model(colour, radius):
    method = GraphCut(colour=colour, radius=radius)
    mask = method.segment(method.prepare(SCENE), CLICKS).mask
    assert mask[12, 16]
    assert not mask[6, 6]


def test_refine_keeps_a_confident_map():
    method = GraphCut(lam=10)
    probability = np.where(TRUTH, 0.95, 0.05)
    answer = method.refine(method.prepare(SCENE), probability, Clicks())
    assert np.array_equal(answer.mask, TRUTH)
    assert np.array_equal(answer.probability, probability.astype(np.float32))


def test_refine_smooths_a_speck_away():
    probability = np.where(TRUTH, 0.9, 0.1)
    probability[2, 2] = 0.6
    method = GraphCut(lam=0.5)
    assert np.array_equal(method.refine(method.prepare(SCENE), probability, Clicks()).mask, TRUTH)


def test_refine_obeys_its_clicks():
    method = GraphCut(radius=2)
    clicks = Clicks([Click(12, 16, False), Click(2, 2)])
    answer = method.refine(method.prepare(SCENE), np.where(TRUTH, 0.99, 0.01), clicks)
    positive, negative = clicks.discs(SCENE.shape, 2)
    assert answer.mask[positive].all()
    assert not answer.mask[negative].any()
    assert (answer.probability[positive] == 1).all()


@pytest.mark.parametrize(
    ("probability", "clicks", "text"),
    [
        (np.zeros((24, 31)), Clicks(), "has shape .24, 31., the image .24, 32."),
        (np.full((24, 32), 1.1), Clicks(), "lies in .0, 1."),
        (np.full((24, 32), -0.1), Clicks(), "lies in .0, 1."),
        (np.full((24, 32), np.nan), Clicks(), "has no NaN"),
        (np.zeros((24, 32)), Clicks([Click(24, 0)]), "lies outside"),
    ],
)
def test_refine_refuses_what_does_not_fit(probability, clicks, text):
    method = GraphCut()
    with pytest.raises(ValueError, match=text):
        method.refine(method.prepare(SCENE), probability, clicks)


@pytest.mark.parametrize(
    "options",
    [
        {"lam": -0.1},
        {"lam": math.nan},
        {"lam": math.inf},
        {"sigma": 0},
        {"sigma": -1.0},
        {"sigma": math.nan},
        {"clip": 0},
        {"clip": 0.5},
        {"clip": math.nan},
        {"colour": "crayon"},
        {"radius": -1},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(options):
    ((option, value),) = options.items()
    with pytest.raises(
        ValueError, match=f"{option}.* not {value!r}\\.$|{option}.* not {value}\\.$"
    ):
        GraphCut(**options)


def test_without_pymaxflow_the_error_says_so(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "maxflow" else found(name)
    )
    with pytest.raises(ImportError, match=r"'graph-cut' needs the Python .* maxflow,") as caught:
        get_segmenter("graph-cut")
    assert one_sentence(caught.value)
