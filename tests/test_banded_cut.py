from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import disc_mask, easy_scene
from tutorial_lib.classical.fast.banded_cut import (
    BandedGraph,
    build_graph,
    grow_to_star,
    near_boundary,
    shrink_to_star,
)
from tutorial_lib.classical.fast.coarse_grid import (
    EXACT_UP_TO,
    block_side,
    block_sums,
    cheapest_within,
    coarse_parents,
    coarse_weights,
    to_pixels,
)
from tutorial_lib.classical.fast.lattice_paths import LatticePaths
from tutorial_lib.classical.fast.pixel_graph import PixelGraph
from tutorial_lib.classical.graph_cut import GraphCut, cut_energy, pairwise_weights, unary_costs
from tutorial_lib.classical.neighbours import OFFSETS, pair_slices
from tutorial_lib.classical.star_convexity import EuclideanStar, GeodesicStar
from tutorial_lib.classical.star_paths import is_star, link_lengths, ray_parents
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.metrics import iou

SHAPE = (203, 250)  # more pixels than are cut at once, and no multiple of the blocks' side
SCENE, TRUTH, TWO = easy_scene(*SHAPE)
CLICKS = Clicks(
    [*TWO, Click(70, 125), Click(150, 60, False), Click(101, 160), Click(30, 200, False)]
)
METHODS = pytest.mark.parametrize("kind", [GraphCut, EuclideanStar, GeodesicStar])
STARS = pytest.mark.parametrize("kind", [EuclideanStar, GeodesicStar])


@pytest.mark.parametrize(
    ("shape", "side"),
    [((200, 200), 1), ((200, 201), 3), ((480, 640), 3), ((600, 800), 5), ((1, 100_000), 3)],
)
def test_blocks_are_as_small_as_the_limit_allows(shape, side):
    assert block_side(shape) == side


def test_the_size_decides_which_graph_it_is():
    def kind(shape, exact=False):
        weights = [np.ones(np.empty(shape)[pair_slices(*offset)[0]].shape) for offset in OFFSETS]
        return type(build_graph(weights, shape, exact=exact))

    assert kind((1, EXACT_UP_TO)) is PixelGraph
    assert kind((1, EXACT_UP_TO + 1)) is BandedGraph
    assert kind((1, EXACT_UP_TO + 1), exact=True) is PixelGraph


def test_a_block_is_the_sum_of_its_pixels():
    assert block_sums(np.arange(20).reshape(4, 5), 3).tolist() == [[54, 51], [48, 37]]


def test_each_pixel_gets_the_value_of_its_cell():
    assert to_pixels(np.array([[1, 2]]), 3, (2, 5)).tolist() == [[1, 1, 1, 2, 2]] * 2


def test_the_cheapest_link_nearby_is_found():
    weight = np.array([[5, 9, 1, 9, 9, 7]])
    assert cheapest_within(weight, (0, 1), 1).tolist() == [[5, 1, 1, 1, 7, 7]]
    assert cheapest_within(weight, (0, 1), 0).tolist() == weight.tolist()
    assert cheapest_within(np.diag([3, 9, 2]) + 1, (1, 1), 1)[1, 1] == 3


@pytest.mark.parametrize("shape", [(6, 9), (7, 8), (1, 9), (9, 2)])
def test_links_between_blocks_are_the_links_that_cross(shape):
    rng = np.random.default_rng(0)
    flat = [float(rng.integers(1, 9)) for _ in OFFSETS]  # one weight an offset: all are cheapest
    weights = [
        np.full(np.empty(shape)[pair_slices(*offset)[0]].shape, value)
        for offset, value in zip(OFFSETS, flat, strict=True)
    ]
    labels = rng.random((-(-shape[0] // 3), -(-shape[1] // 3))) < 0.5
    nothing = np.zeros(shape)
    expected = cut_energy(to_pixels(labels, 3, shape), nothing, nothing, weights, 0)
    nothing = np.zeros(labels.shape)
    assert cut_energy(labels, nothing, nothing, coarse_weights(weights, shape, 3), 0) == expected


def test_blocks_inherit_the_path_of_their_centre():
    parents = ray_parents(((1, 1),), (3, 9))
    assert coarse_parents(parents, 3).tolist() == [[0, 0, 1]]


def test_near_a_boundary():
    labels = np.array([[0, 0, 0, 0, 1, 1, 1, 1, 1]], dtype=bool)
    assert near_boundary(labels, 2).astype(int).tolist() == [[0, 0, 1, 1, 1, 1, 0, 0, 0]]
    assert not near_boundary(np.ones((3, 3), dtype=bool), 1).any()  # no boundary, no band


def test_paths_are_completed_and_broken_paths_left_out():
    parents = np.array([[0, 0, 1, 2, 3, 4]])
    labels = np.array([[1, 1, 0, 0, 1, 0]], dtype=bool)
    assert grow_to_star(labels, parents).astype(int).tolist() == [[1, 1, 1, 1, 1, 0]]
    assert shrink_to_star(labels, parents).astype(int).tolist() == [[1, 1, 0, 0, 0, 0]]


@given(st.integers(0, 1000))
def test_smallest_and_largest_star(seed):
    rng = np.random.default_rng(seed)
    parents = ray_parents(((3, 3), (8, 12)), (12, 15))
    labels = rng.random((12, 15)) < rng.random()
    larger, smaller = grow_to_star(labels, parents), shrink_to_star(labels, parents)
    assert is_star(larger, parents)
    assert is_star(smaller, parents)
    assert (smaller <= labels).all()
    assert (labels <= larger).all()


def test_the_band_is_cut_exactly():
    """Free pixels against all others fixed: no single free pixel and no patch would rather flip."""
    method = GraphCut(lam=0.1)
    prepared = method.prepare(SCENE)
    answer = method.segment(prepared, CLICKS)
    positive, negative = CLICKS.discs(SHAPE)
    costs = method.terminal_costs(prepared, answer.probability, positive, negative)
    weights = pairwise_weights(SCENE)
    best = cut_energy(answer.mask, *costs, weights, 1)
    rng = np.random.default_rng(0)
    rows, cols = np.nonzero(near_boundary(answer.mask, 1))
    for at in rng.integers(0, rows.size, 60):
        patch = disc_mask(SHAPE, rows[at], cols[at], int(rng.integers(0, 3)))
        assert cut_energy(answer.mask ^ patch, *costs, weights, 1) >= best - 13 / 256


@METHODS
def test_an_easy_scene_is_cut_as_the_exact_method_cuts_it(kind):
    method, exact = kind(), kind(exact=True)
    mask = method.segment(method.prepare(SCENE), CLICKS).mask
    expected = exact.segment(exact.prepare(SCENE), CLICKS).mask
    assert iou(mask, expected) > 0.99
    assert iou(mask, TRUTH) > 0.97


@pytest.mark.parametrize("lam", [0.0, 0.005, 0.1, 5.0])
def test_the_energy_is_close_to_the_minimum(lam):
    rng = np.random.default_rng(0)
    image = np.clip(SCENE + rng.normal(0, 40, SCENE.shape), 0, 255).astype(np.uint8)
    probability = np.where(TRUTH, 0.6, 0.4) + rng.uniform(-0.3, 0.3, SHAPE)
    weights = pairwise_weights(image)
    costs = [lam * cost for cost in unary_costs(probability)]
    method, exact = GraphCut(lam=lam), GraphCut(lam=lam, exact=True)
    masks = [m.refine(m.prepare(image), probability, CLICKS).mask for m in (method, exact)]
    positive, negative = CLICKS.discs(SHAPE)
    for cost in costs:
        cost[positive | negative] = 0
    energy, least = (cut_energy(mask, *costs, weights, 1) for mask in masks)
    assert least - 1 <= energy <= 1.1 * least + 1  # costs are rounded to 256ths


def test_a_thin_line_away_from_the_boundary_is_the_price():
    probability = np.where(TRUTH, 0.95, 0.05)
    probability[190] = 0.99  # one pixel high: in each cell it is outvoted
    flat = np.full((*SHAPE, 3), 90, np.uint8)
    flat[190] = 250
    method, exact = GraphCut(lam=0.3), GraphCut(lam=0.3, exact=True)
    masks = [m.refine(m.prepare(flat), probability, TWO).mask for m in (method, exact)]
    assert masks[1][190].all()
    assert masks[0][190, [0, 249]].all()  # only its ends outweigh their links and get a band
    assert not masks[0][190].all()


@pytest.mark.parametrize("sure", [0.01, 0.99])
def test_a_photo_without_a_boundary_has_no_band(sure):
    method = GraphCut()
    answer = method.refine(method.prepare(SCENE), np.full(SHAPE, sure), Clicks())
    assert (answer.mask == (sure > 0.5)).all()


CLICK = st.builds(Click, st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1), st.booleans())
PREPARED = {}


@METHODS
@settings(max_examples=12)
@given(items=st.lists(CLICK, min_size=1, max_size=8), radius=st.sampled_from([0, 5]))
def test_large_answers_obey_the_discs_and_are_stars(kind, items, radius):
    clicks = Clicks([*items, Click(0, 0, False), Click(202, 249)])
    method = kind(radius=radius)
    prepared = PREPARED.setdefault(kind, method.prepare(SCENE))  # the radius plays no part in it
    mask = method.segment(prepared, clicks).mask
    positive, negative = clicks.discs(SHAPE, radius)
    assert mask[positive].all()
    assert not mask[negative].any()
    if kind is not GraphCut:
        centres = tuple(map(tuple, clicks.positives.tolist()))
        assert is_star(mask, replace(prepared, centres=centres).parents(positive))


@METHODS
def test_large_answers_do_not_depend_on_what_came_before(kind):
    method = kind()
    prepared = method.prepare(SCENE)
    cold = [method.segment(method.prepare(SCENE), CLICKS[:n]).mask for n in (2, 4, 6)]
    for index in (0, 1, 2, 1, 0, 2):
        mask = method.segment(prepared, CLICKS[: 2 * index + 2]).mask
        assert np.array_equal(mask, cold[index])
    with ThreadPoolExecutor(2) as pool:
        masks = pool.map(lambda n: method.segment(prepared, CLICKS[:n]).mask, (2, 4, 6) * 3)
        assert all(np.array_equal(a, b) for a, b in zip(masks, cold * 3, strict=True))


@METHODS
def test_an_image_of_one_row(kind):
    image = np.full((1, EXACT_UP_TO + 10, 3), 90, np.uint8)
    image[:, 20_000:] = 200
    method = kind()
    clicks = Clicks([Click(0, 10), Click(0, EXACT_UP_TO, False)])
    mask = method.segment(method.prepare(image), clicks).mask
    assert mask[0, :20_000].all()
    assert not mask[0, 20_000:].any()


def follow(parents, pixel):
    """Return the length in steps and the end of the path from a pixel."""
    width, steps = parents.shape[1], 0
    at = pixel[0] * width + pixel[1]
    while (ahead := int(parents.ravel()[at])) != at:
        assert max(abs(ahead // width - at // width), abs(ahead % width - at % width)) == 1
        at, steps = ahead, steps + 1
        assert steps <= parents.size, "the path is a cycle"
    return steps, divmod(at, width)


@settings(max_examples=20)
@given(
    st.integers(0, 99),
    st.sampled_from([3, 5]),
    st.lists(
        st.tuples(st.integers(0, 19), st.integers(0, 21)), min_size=1, max_size=4, unique=True
    ),
)
def test_lattice_paths_lead_from_neighbour_to_neighbour_to_a_centre(seed, spacing, centres):
    image = np.random.default_rng(seed).integers(0, 256, (20, 22, 3), dtype=np.uint8)
    parents = LatticePaths(link_lengths(image), (20, 22), spacing)(tuple(centres))
    ends = [follow(parents, pixel)[1] for pixel in np.ndindex(20, 22)]
    assert set(ends) == set(centres)


def test_lattice_paths_on_a_photo_of_one_colour_take_no_detours():
    find = LatticePaths(link_lengths(np.full((30, 30, 3), 9, np.uint8)), (30, 30), 3)
    parents = find(((1, 1),))
    assert all(follow(parents, p)[0] <= max(p) + 1 for p in np.ndindex(30, 30))


def test_a_lattice_way_goes_round_an_edge():
    image = np.full((27, 27, 3), 100, np.uint8)
    image[:21, 13] = 255  # a wall with a gap below
    parents = LatticePaths(link_lengths(image, 0.99), (27, 27), 3)(((5, 4),))
    at, crossing = 5 * 27 + 22, []
    while at != parents.ravel()[at]:
        at = int(parents.ravel()[at])
        crossing += [at // 27] if at % 27 == 13 else []
    assert min(crossing) >= 21
