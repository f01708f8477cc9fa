import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.support import easy_scene
from tutorial_lib.classical.growcut import ATTACKS, GrowCut, attack_strengths
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.metrics import iou

SCENE, TRUTH, CLICKS = easy_scene()
KINDS = list(ATTACKS)


def grey(values):
    return np.array(values, dtype=np.uint8)[..., None].repeat(3, axis=-1)


def answer(clicks=CLICKS, image=SCENE, **options):
    method = GrowCut(**options)
    return method.segment(method.prepare(image), clicks)


def rounds(clicks, image, **options):
    method = GrowCut(**options)
    return list(method.evolution(method.prepare(image), clicks))


def ends(shape):
    """Click the first pixel on the object and the last on the background."""
    return Clicks([Click(0, 0), Click(shape[0] - 1, shape[1] - 1, False)])


# -- the automaton, by hand -----------------------------------------------------------------------

ROW = grey([[0, 51, 51, 204, 204]])  # a fifth of the range, nothing, three fifths, nothing


def test_the_linear_attack_loses_the_share_of_the_colour_range():
    right, *others = attack_strengths(ROW, "linear")
    assert right == pytest.approx(np.array([[0.8, 1, 0.4, 1]]))
    assert [other.size for other in others] == [0, 0, 0]


def test_the_gaussian_attack_loses_little_to_noise():
    right, *_ = attack_strengths(ROW)
    assert right == pytest.approx(np.exp([[-0.32, 0, -2.88, 0]]))


def test_the_strongest_jump_leaves_nothing_of_a_linear_attack():
    assert attack_strengths(grey([[0, 255]]), "linear")[0].item() == 0


def test_the_rounds_on_a_row_are_those_worked_out_by_hand():
    found = rounds(ends((1, 5)), ROW, attack="linear", radius=0)
    assert [cells.label[0].tolist() for cells in found] == [
        [1, 0, 0, 0, -1],
        [1, 1, 0, -1, -1],
        [1, 1, 1, -1, -1],
    ]
    assert found[1].strength[0] == pytest.approx([1, 0.8, 0, 1, 1])
    assert found[2].strength[0] == pytest.approx([1, 0.8, 0.8, 1, 1])


def test_a_stronger_attacker_takes_a_cell_from_its_first_owner():
    # The neighbour attacks across an edge; the far one arrives later, across none.
    image = grey([[0, 102, 102, 102, 102]])
    found = rounds(ends((1, 5)), image, attack="linear", radius=0)
    assert found[1].label[0, 1] == 1
    assert found[-1].label[0].tolist() == [1, -1, -1, -1, -1]


def test_nobody_gets_across_from_black_to_white():
    image = grey([[0, 255, 0]])
    clicks = Clicks([Click(0, 0)])
    (start,) = rounds(clicks, image, attack="linear", radius=0)
    assert start.label.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("options", [{}, {"max_iterations": 50}], ids=["paths", "automaton"])
def test_what_nobody_reaches_is_not_object(options):
    clicks = Clicks([Click(0, 0), Click(0, 1, False)])
    found = answer(clicks, grey([[0, 0, 255]]), attack="linear", radius=0, **options)
    assert found.mask.tolist() == [[True, False, False]]
    assert found.probability.tolist() == [[1, 0, 0.5]]


# -- the short cut --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_shortest_paths_end_where_the_automaton_ends(kind, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (15, 19, 3), dtype=np.uint8)
    clicks = Clicks(Click(*rng.integers(0, (15, 19)), bool(k % 2)) for k in range(6))
    end = rounds(clicks, image, attack=kind, radius=1)[-1]
    found = answer(clicks, image, attack=kind, radius=1)
    assert np.array_equal(found.mask, end.label == 1)
    assert found.probability == pytest.approx((1 + end.label * end.strength) / 2, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_shortest_paths_end_where_the_automaton_ends_on_the_scene(kind):
    end = rounds(CLICKS, SCENE, attack=kind)[-1]
    assert np.array_equal(answer(attack=kind).mask, end.label == 1)


@given(hnp.arrays(np.uint8, (4, 5, 3)), st.sampled_from(KINDS))
@settings(max_examples=60)
def test_strengths_agree_on_any_photo(image, kind):
    clicks = Clicks([Click(0, 0), Click(3, 4, False), Click(0, 4)])
    end = rounds(clicks, image, attack=kind, radius=0)[-1]
    strength = np.abs(2 * answer(clicks, image, attack=kind, radius=0).probability - 1)
    assert strength == pytest.approx(end.strength, abs=1e-6)


@given(hnp.arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 90, 91])))
@settings(max_examples=60)
def test_labels_agree_wherever_one_kind_is_stronger_or_earlier(greys):
    clicks = Clicks([Click(0, 0), Click(3, 4, False)])
    image, alone = grey(greys), []
    for click in clicks:  # each kind alone: how strong it gets, and in which round
        history = np.array([cells.strength for cells in rounds(Clicks([click]), image, radius=0)])
        alone.append((history[-1], (history < history[-1]).sum(axis=0)))
    (strong, early), (strong_too, early_too) = alone
    clear = ~np.isclose(strong, strong_too, rtol=1e-7, atol=0) | (early != early_too)
    end = rounds(clicks, image, radius=0)[-1]
    found = answer(clicks, image, radius=0).mask
    assert np.array_equal(found[clear], end.label[clear] == 1)


def test_on_one_colour_the_first_to_arrive_wins():
    flat = grey(np.full((5, 8), 90))
    clicks = Clicks([Click(2, 1), Click(2, 6, False)])
    half = [[True] * 4 + [False] * 4] * 5
    assert answer(clicks, flat, radius=0).mask.tolist() == half
    assert (rounds(clicks, flat, radius=0)[-1].label == 1).tolist() == half


# -- the method -----------------------------------------------------------------------------------


def test_the_disc_is_found():
    assert iou(answer().mask, TRUTH) > 0.9


def test_camera_noise_adds_up_in_the_linear_attack():
    assert iou(answer(attack="linear").mask, TRUTH) < 0.6


@pytest.mark.parametrize("count", [1, 3])
def test_the_automaton_can_be_stopped(count):
    found = answer(max_iterations=count)
    expected = rounds(CLICKS, SCENE, max_iterations=count)
    assert len(expected) == count + 1
    assert np.array_equal(found.mask, expected[-1].label == 1)


def test_an_automaton_that_has_ended_stops_early():
    flat = grey(np.full((5, 8), 90))
    assert len(rounds(ends((5, 8)), flat, radius=0, max_iterations=1000)) < 10


def test_snapshots_stay_as_they_were():
    method = GrowCut()
    evolution = method.evolution(method.prepare(SCENE), CLICKS)
    start = next(evolution)
    before = start.label.copy()
    next(evolution)
    assert np.array_equal(start.label, before)


def test_the_discs_are_never_conquered():
    clicks = CLICKS.add(Click(24, 40, False)).add(Click(4, 60))
    positive, negative = clicks.discs(SCENE.shape)
    found = answer(clicks)
    assert (found.probability[positive] == 1).all()
    assert (found.probability[negative] == 0).all()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"attack": "cubic"}, "one of gaussian, linear, not 'cubic'"),
        ({"max_iterations": 0}, "at least 1 round, not 0"),
        ({"radius": -1}, "at least 0, not -1"),
    ],
)
def test_options_out_of_range_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        GrowCut(**options)
