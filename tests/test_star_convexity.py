from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import disc_mask, easy_scene
from tests.test_graph_cut import LABELLINGS, all_energies, neighbour_pairs, whole
from tutorial_lib.classical.fast.pixel_graph import PixelGraph
from tutorial_lib.classical.graph_cut import pairwise_weights
from tutorial_lib.classical.neighbours import contrast_sigma
from tutorial_lib.classical.star_convexity import EuclideanStar, GeodesicStar
from tutorial_lib.classical.star_paths import is_star, path_parents, ray_parents, step_lengths
from tutorial_lib.clicks import Click, Clicks

SCENE, TRUTH, CLICKS = easy_scene(24, 32)
STARS = pytest.mark.parametrize("kind", [EuclideanStar, GeodesicStar])
CENTRES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 14)), min_size=1, unique=True)


def path(parents, pixel):
    """Follow the parents to a centre."""
    found = [pixel]
    while (parent := int(parents[found[-1]])) != np.ravel_multi_index(found[-1], parents.shape):
        found.append(tuple(map(int, np.unravel_index(parent, parents.shape))))
        assert len(found) <= parents.size, "the path is a cycle"
    return found


def distance_to_line(point, start, end):
    (r, c), (dr, dc) = np.subtract(point, start), np.subtract(end, start)
    return abs(r * dc - c * dr) / max(np.hypot(dr, dc), 1)


def test_the_rays_of_a_small_square():
    assert ray_parents(((1, 1),), (3, 3)).tolist() == [[4, 4, 4], [4, 4, 4], [4, 4, 4]]
    assert ray_parents(((0, 0),), (1, 4)).tolist() == [[0, 0, 1, 2]]


@given(CENTRES)
def test_rays_lead_from_neighbour_to_neighbour_to_a_centre(centres):
    parents = ray_parents(tuple(centres), (12, 15))
    for pixel in np.ndindex(parents.shape):
        steps = path(parents, pixel)
        assert steps[-1] in centres
        assert all(max(abs(np.subtract(*pair))) == 1 for pair in pairwise(steps))


def test_a_ray_stays_close_to_the_straight_line():
    parents = ray_parents(((50, 20),), (120, 160))
    for pixel in [(0, 159), (119, 150), (119, 40), (3, 0), (70, 159), (90, 120)]:
        steps = path(parents, pixel)
        assert max(distance_to_line(step, pixel, (50, 20)) for step in steps) < 3


def test_each_pixel_heads_for_the_nearest_centre():
    parents = ray_parents(((0, 0), (0, 9)), (1, 10))
    assert parents.tolist() == [[0, 0, 1, 2, 3, 6, 7, 8, 9, 9]]


def test_step_lengths_are_gulshans():
    image = np.random.default_rng(3).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    lengths = step_lengths(image, gamma=0.4).toarray()
    expected = np.zeros((12, 12))
    for p, q in map(tuple, neighbour_pairs((3, 4))):
        contrast = ((image[p].astype(float) - image[q]) ** 2).sum() / contrast_sigma(image) ** 2
        spatial = (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2
        i, j = np.ravel_multi_index(p, (3, 4)), np.ravel_multi_index(q, (3, 4))
        expected[i, j] = expected[j, i] = np.sqrt(0.6 * spatial + 0.4 * contrast)
    assert lengths == pytest.approx(expected, rel=1e-5)


def shortest(lengths, centres):
    """Relax every step until nothing changes (Bellman and Ford)."""
    distance = np.full(len(lengths), np.inf)
    distance[centres] = 0
    steps = np.where(lengths > 0, lengths, np.inf)
    while True:
        relaxed = np.minimum(distance, (distance + steps).min(axis=1))
        if np.array_equal(relaxed, distance):
            return distance
        distance = relaxed


@pytest.mark.parametrize("seed", range(5))
def test_paths_are_the_shortest(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    centres = ((1, 1), (4, 5))
    lengths = step_lengths(image, 0.7)
    parents = path_parents(centres, (5, 6), lengths)
    best = shortest(lengths.toarray(), [7, 29])
    for pixel in np.ndindex(5, 6):
        steps = [int(np.ravel_multi_index(step, (5, 6))) for step in path(parents, pixel)]
        length = sum(lengths[a, b] for a, b in pairwise(steps))
        assert length == pytest.approx(best[steps[0]])


def test_a_path_goes_round_an_edge_and_a_ray_does_not():
    image = np.full((9, 9, 3), 100, np.uint8)
    image[:7, 4] = 255  # a wall with a gap below
    parents = path_parents(((2, 1),), (9, 9), step_lengths(image, 0.99))
    assert {row for row, col in path(parents, (2, 7)) if col == 4} <= {7, 8}
    assert (2, 4) in path(ray_parents(((2, 1),), (9, 9)), (2, 7))


def test_a_star_by_hand():
    parents = np.array([[0, 0, 1, 2]])
    assert is_star(np.array([[True, True, False, False]]), parents)
    assert is_star(np.array([[False] * 4]), parents)
    assert not is_star(np.array([[True, False, True, False]]), parents)


def some_parents(kind, rng, image):
    centres = tuple({tuple(map(int, rng.integers(0, 3, 2))) for _ in range(rng.integers(1, 3))})
    if kind is EuclideanStar:
        return ray_parents(centres, (3, 3))
    return path_parents(centres, (3, 3), step_lengths(image))


@STARS
@pytest.mark.parametrize("seed", range(30))
def test_the_cut_is_the_best_of_all_stars_among_512_labellings(kind, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
    parents = some_parents(kind, rng, image)
    weights = pairwise_weights(image)
    costs = rng.uniform(0, 3, (2, 3, 3))
    mask = PixelGraph(weights, (3, 3), infinite=1000).cut(*costs, parents=parents)
    stars = np.array([is_star(labels, parents) for labels in LABELLINGS])
    energies = np.where(stars, all_energies(*map(whole, costs), map(whole, weights)), np.inf)
    best = energies == energies.min()
    assert np.array_equal(mask, LABELLINGS[best].any(axis=0))  # of equal cuts the largest object


@STARS
@pytest.mark.parametrize("seed", range(20))
def test_the_method_finds_the_best_star_that_obeys_the_clicks(kind, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
    places = rng.choice(9, 3, replace=False)
    clicks = Clicks(Click(*divmod(int(p), 3), k != 1) for k, p in enumerate(places))
    method = kind(lam=0.3, radius=0)
    prepared = method.prepare(image)
    answer = method.segment(prepared, clicks)
    positive, negative = clicks.discs((3, 3), 0)
    parents = method._path_finder(image)(tuple(map(tuple, clicks.positives.tolist())))
    allowed = [
        is_star(m, parents) and m[positive].all() and not m[negative].any() for m in LABELLINGS
    ]
    costs = method.graph_cut.terminal_costs(
        prepared.base, answer.probability, np.zeros((3, 3), bool), np.zeros((3, 3), bool)
    )
    for cost in costs:
        cost[positive | negative] = 0
    energies = all_energies(*map(whole, costs), map(whole, pairwise_weights(image)))
    energies = np.where(allowed, energies, np.inf)
    chosen = (answer.mask == LABELLINGS).all(axis=(1, 2))
    assert energies[chosen] <= energies.min() + 9  # answers are float32: a step of 1/256 a pixel


def test_a_graph_forgets_its_last_parents():
    rng = np.random.default_rng(0)
    weights = pairwise_weights(rng.integers(0, 256, (12, 15, 3), dtype=np.uint8))
    costs = rng.uniform(0, 1, (2, 12, 15))
    choices = [None, ray_parents(((2, 3),), (12, 15)), ray_parents(((9, 9),), (12, 15))]
    graph = PixelGraph(weights, (12, 15), infinite=1000)
    for index in [0, 1, 0, 2, 2, 1, 0]:
        fresh = PixelGraph(weights, (12, 15), infinite=1000)
        expected = fresh.cut(*costs, parents=choices[index])
        assert np.array_equal(graph.cut(*costs, parents=choices[index]), expected)


CLICK = st.builds(Click, st.integers(0, 23), st.integers(0, 31), st.booleans())


@STARS
@settings(max_examples=25)
@given(items=st.lists(CLICK, min_size=1, max_size=6), lam=st.sampled_from([0.0, 0.02, 5.0]))
def test_the_answer_is_a_star_and_obeys_the_discs(kind, items, lam):
    clicks = Clicks([*items, Click(0, 0, False), Click(23, 31)])
    method = kind(lam=lam, radius=3)
    prepared = method.prepare(SCENE)
    answer = method.segment(prepared, clicks)
    positive, negative = clicks.discs(SCENE.shape, 3)
    parents = method._path_finder(SCENE)(tuple(map(tuple, clicks.positives.tolist())))
    own = np.arange(positive.size).reshape(positive.shape)
    assert is_star(answer.mask, np.where(positive, own, parents))
    assert answer.mask[positive].all()
    assert not answer.mask[negative].any()


@STARS
@settings(max_examples=25)
@given(items=st.lists(CLICK, min_size=3, max_size=6))
def test_a_warm_answer_equals_a_cold_one(kind, items):
    method = kind(radius=2)
    warm = method.prepare(SCENE)
    for count in [*range(1, len(items) + 1), *range(len(items), 0, -1)]:
        clicks = Clicks([*CLICKS, *items[:count]])
        cold = method.segment(method.prepare(SCENE), clicks)
        assert np.array_equal(method.segment(warm, clicks).mask, cold.mask)


@STARS
def test_an_island_of_the_same_colour_is_left_out(kind):
    island = disc_mask((24, 32), 3, 28, 1)  # a bridge to it would cost more than it gains
    image = np.where((TRUTH | island)[..., None], (210, 120, 40), (40, 60, 160)).astype(np.uint8)
    method = kind(lam=1.0, radius=2)
    mask = method.segment(method.prepare(image), CLICKS).mask
    assert np.array_equal(mask, TRUTH)
    assert method.graph_cut.segment(method.graph_cut.prepare(image), CLICKS).mask[island].all()


def test_only_a_geodesic_star_bends():
    bow = np.zeros((24, 32), dtype=bool)
    bow[4:20, 4:10] = bow[14:20, 4:28] = bow[4:20, 22:28] = True  # a U, clicked at its left arm
    image = np.where(bow[..., None], (210, 120, 40), (40, 60, 160)).astype(np.uint8)
    clicks = Clicks([Click(6, 7), Click(6, 16, False)])
    geodesic = GeodesicStar(lam=1.0, radius=2, gamma=0.95)
    euclidean = EuclideanStar(lam=1.0, radius=2)
    assert np.array_equal(geodesic.segment(geodesic.prepare(image), clicks).mask, bow)
    assert not euclidean.segment(euclidean.prepare(image), clicks).mask[4:9, 22:28].any()


@pytest.mark.parametrize("gamma", [-0.1, 1, 1.5, float("nan")])
def test_gamma_out_of_range_is_refused(gamma):
    with pytest.raises(ValueError, match=f"gamma is at least 0 and less than 1, not {gamma}"):
        GeodesicStar(gamma=gamma)


@STARS
def test_options_are_those_of_graph_cut(kind):
    with pytest.raises(ValueError, match="lam is at least 0 and finite, not -1"):
        kind(lam=-1)
    with pytest.raises(ValueError, match="crayon"):
        kind(colour="crayon")
