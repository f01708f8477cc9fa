import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import one_sentence
from tutorial_lib.actions import Stroke
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.guidance import click_masks, distance_map, distance_maps

SHAPE = (9, 11)


@st.composite
def strokes(draw, shape=SHAPE, most=4):
    rows, cols = st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1)
    points = st.lists(st.tuples(rows, cols), min_size=1, max_size=most)
    return Stroke(draw(points), draw(st.booleans()))


@st.composite
def click_lists(draw, shape=SHAPE, most=6):
    rows, cols = st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1)
    return Clicks(draw(st.lists(st.builds(Click, rows, cols, st.booleans()), max_size=most)))


def brute_force_discs(clicks, shape, radius):
    """Say for every pixel which click owns it: the nearest within the radius, then the latest."""
    owner = np.zeros(shape, dtype=int)
    for row, col in np.ndindex(shape):
        best = None
        for click in clicks:
            distance = (row - click.row) ** 2 + (col - click.col) ** 2
            if distance <= radius**2 and (best is None or distance <= best):
                best, owner[row, col] = distance, 1 if click.positive else -1
    return owner == 1, owner == -1


def test_a_click_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Click(1, 2).row = 5


def test_clicks_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Clicks().items = (Click(1, 2),)


def test_add_leaves_the_old_clicks_alone():
    old = Clicks([Click(1, 1)])
    assert old.add(Click(2, 2)) == Clicks([Click(1, 1), Click(2, 2)])
    assert old == Clicks([Click(1, 1)])


def test_a_list_changed_afterwards_does_not_change_the_clicks():
    source = [Click(1, 1)]
    clicks = Clicks(source)
    source.append(Click(2, 2))
    assert len(clicks) == 1


@given(click_lists(), st.builds(Click, st.integers(0, 99), st.integers(0, 99), st.booleans()))
def test_undo_takes_back_what_add_added(clicks, click):
    assert clicks.add(click).undo() == clicks


def test_undo_of_nothing_is_nothing():
    assert Clicks().undo() == Clicks()


@given(click_lists())
def test_equal_clicks_have_equal_hashes(clicks):
    assert hash(clicks) == hash(Clicks(list(clicks)))


def test_a_slice_is_clicks_and_an_index_a_click():
    clicks = Clicks([Click(0, 0), Click(1, 1), Click(2, 2, False)])
    assert clicks[1:] == Clicks([Click(1, 1), Click(2, 2, False)])
    assert clicks[-1] == Click(2, 2, False)


def test_from_xy_swaps():
    assert Click.from_xy(3, 7) == Click(row=7, col=3)
    assert Clicks.from_xy([(3, 7, False)]) == Clicks([Click(7, 3, False)])


def test_from_xy_cuts_fractions_off():
    assert Click.from_xy(3.99, 7.5, positive=False) == Click(7, 3, False)


@pytest.mark.parametrize(("x", "y"), [(-0.5, 3), (3, -0.1)])
def test_from_xy_refuses_what_is_left_of_or_above_the_image(x, y):
    with pytest.raises(ValueError, match="at least 0, not -1"):
        Click.from_xy(x, y)


def test_numpy_integers_become_plain_ones():
    click = Click(np.int64(3), np.uint8(4), np.bool_(False))
    assert (type(click.row), type(click.col), click.positive) == (int, int, False)


@pytest.mark.parametrize("row", [1.0, 1.5, "1", None])
def test_coordinates_are_whole_numbers(row):
    with pytest.raises(TypeError, match="row is a whole number") as caught:
        Click(row, 0)
    assert one_sentence(caught.value)


def test_negative_coordinates_are_refused():
    with pytest.raises(ValueError, match="col is at least 0, not -1"):
        Click(0, -1)


def test_clicks_hold_clicks_only():
    with pytest.raises(TypeError, match="holds Click objects"):
        Clicks([(1, 2, True)])


@pytest.mark.parametrize(
    ("text", "click"),
    [("120,80,+", Click(120, 80)), (" 1 , 2 , - ", Click(1, 2, False)), ("0,0,+", Click(0, 0))],
)
def test_parse(text, click):
    assert Click.parse(text) == click


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_parse_reads_what_str_writes(row, col, positive):
    click = Click(row, col, positive)
    assert Click.parse(str(click)) == click


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3", "1,2,+,4", "a,2,+", "1.5,2,+", "-1,2,+"])
def test_parse_refuses_other_forms_in_one_sentence(text):
    with pytest.raises(ValueError) as caught:
        Click.parse(text)
    assert one_sentence(caught.value)


@given(click_lists())
def test_json_round_trip(clicks):
    assert Clicks.from_json(clicks.to_json()) == clicks


def test_json_form():
    assert Clicks([Click(1, 2), Click(3, 4, False)]).to_json() == "[[1, 2, true], [3, 4, false]]"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "3",
        "null",
        "[1]",
        "[[1, 2]]",
        "[[1, 2, 1]]",
        '[[1, 2, "+"]]',
        "[[1.5, 2, true]]",
        "[[-1, 2, true]]",
        "[[1, 2, true, 4]]",
        "[null]",
    ],
)
def test_bad_json_is_refused_in_one_sentence(text):
    with pytest.raises(ValueError) as caught:
        Clicks.from_json(text)
    assert one_sentence(caught.value)


@pytest.mark.parametrize("click", [Click(9, 0), Click(0, 11), Click(9, 11), Click(500, 500)])
def test_clicks_outside_the_image_are_named(click):
    with pytest.raises(ValueError, match=f"row {click.row}, column {click.col} lies outside"):
        Clicks([Click(8, 10), click]).check(SHAPE)


def test_the_last_pixel_is_inside():
    assert Clicks([Click(8, 10)]).check((*SHAPE, 3)) is None


@pytest.mark.parametrize("method", ["discs", "distance_maps", "click_masks"])
def test_every_map_refuses_clicks_outside(method):
    calls = {
        "discs": lambda clicks: clicks.discs(SHAPE),
        "distance_maps": lambda clicks: distance_maps(clicks, SHAPE),
        "click_masks": lambda clicks: click_masks(clicks, SHAPE),
    }
    with pytest.raises(ValueError, match="lies outside"):
        calls[method](Clicks([Click(9, 0)]))


def test_positives_and_negatives_are_rows_and_columns():
    clicks = Clicks([Click(1, 2), Click(3, 4, False), Click(5, 6)])
    assert clicks.positives.tolist() == [[1, 2], [5, 6]]
    assert clicks.negatives.tolist() == [[3, 4]]


def test_no_clicks_are_empty_lists_of_points():
    assert Clicks().positives.shape == Clicks().negatives.shape == (0, 2)


@pytest.mark.parametrize("last", [True, False])
def test_the_last_click_on_a_pixel_wins_everywhere(last):
    clicks = Clicks([Click(4, 5, not last), Click(4, 5, last)])
    kept, lost = (0, 1) if last else (1, 0)
    points = (clicks.positives, clicks.negatives)
    discs = clicks.discs(SHAPE, 2)
    maps = distance_maps(clicks, SHAPE)
    assert points[kept].tolist() == [[4, 5]]
    assert len(points[lost]) == 0
    assert discs[kept].sum() == 13
    assert not discs[lost].any()
    assert maps[kept, 4, 5] == 0
    assert (maps[lost] == 255).all()


def test_a_click_that_returns_to_its_first_meaning():
    clicks = Clicks([Click(4, 5), Click(4, 5, False), Click(4, 5)])
    assert clicks.positives.tolist() == [[4, 5]]
    assert clicks.discs(SHAPE, 1)[0].sum() == 5


def test_a_disc_of_radius_two():
    positive, negative = Clicks([Click(2, 2)]).discs((5, 5), 2)
    assert positive.astype(int).tolist() == [
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0],
    ]
    assert not negative.any()


def test_a_disc_of_radius_zero_is_one_pixel():
    positive, _ = Clicks([Click(1, 2)]).discs((3, 4), 0)
    assert np.argwhere(positive).tolist() == [[1, 2]]


def test_a_negative_radius_is_refused():
    with pytest.raises(ValueError, match="at least 0, not -1"):
        Clicks().discs(SHAPE, -1)


def test_discs_are_clipped_at_borders():
    positive, _ = Clicks([Click(0, 0)]).discs((3, 3), 1)
    assert positive.astype(int).tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_a_disc_may_cover_the_whole_image():
    assert Clicks([Click(0, 0)]).discs((2, 3), 50)[0].all()


def test_overlap_goes_to_the_nearer_centre():
    positive, negative = Clicks([Click(0, 1), Click(0, 4, False)]).discs((1, 6), 5)
    assert positive.astype(int).tolist() == [[1, 1, 1, 0, 0, 0]]
    assert negative.astype(int).tolist() == [[0, 0, 0, 1, 1, 1]]


@pytest.mark.parametrize("first", [True, False])
def test_a_tie_goes_to_the_later_click(first):
    positive, negative = Clicks([Click(0, 0, first), Click(0, 2, not first)]).discs((1, 3), 5)
    later = negative if first else positive
    assert later[0, 1]


@given(click_lists())
def test_every_click_keeps_its_own_pixel(clicks):
    positive, negative = clicks.discs(SHAPE)
    last_word = {(click.row, click.col): click.positive for click in clicks}
    for pixel, sign in last_word.items():
        assert positive[pixel] == sign
        assert negative[pixel] != sign


@given(click_lists(), st.integers(0, 6))
def test_discs_equal_brute_force(clicks, radius):
    expected = brute_force_discs(clicks, SHAPE, radius)
    assert np.array_equal(clicks.discs(SHAPE, radius), expected)


@given(click_lists(), st.integers(0, 6))
def test_no_pixel_is_in_both_discs(clicks, radius):
    positive, negative = clicks.discs((*SHAPE, 3), radius)
    assert positive.shape == SHAPE
    assert not (positive & negative).any()


# -- strokes ---------------------------------------------------------------------------------------


@given(strokes())
def test_a_stroke_is_one_unbroken_line_through_its_points(stroke):
    steps = np.abs(np.diff(stroke.pixels, axis=0))
    assert steps.max(initial=0) <= 1
    assert set(stroke.points) <= set(map(tuple, stroke.pixels.tolist()))
    assert Stroke.parse(str(stroke)) == stroke == Clicks.from_json(Clicks([stroke]).to_json())[0]
    assert hash(Stroke([*stroke.points], stroke.positive)) == hash(stroke)


@given(click_lists(), strokes(), st.integers(0, 4))
def test_a_stroke_is_drawn_as_a_click_on_each_of_its_pixels(clicks, stroke, radius):
    each = Clicks([*clicks, *(Click(r, c, stroke.positive) for r, c in stroke.pixels)])
    both = clicks.add(stroke)
    assert len(both) == len(clicks) + 1 and both.undo() == clicks
    assert np.array_equal(both.discs(SHAPE, radius), each.discs(SHAPE, radius))
    assert np.array_equal(distance_maps(both, SHAPE), distance_maps(each, SHAPE))


def test_many_points_are_measured_as_exactly_as_few():
    rng = np.random.default_rng(0)
    points = np.stack([rng.integers(0, 300, 40), rng.integers(0, 500, 40)], axis=1)
    parts = [distance_map(points[place : place + 4], (300, 500)) for place in range(0, 40, 4)]
    assert np.array_equal(distance_map(points, (300, 500)), np.min(parts, axis=0))


def test_a_part_of_the_photo_keeps_the_parts_of_a_stroke_inside():
    bent = Stroke([(2, 2), (2, 12), (6, 12), (6, 2)], positive=False)
    found = Clicks([bent, Click(3, 3), Click(9, 9)]).moved((2, 2), corner=(1, 1), extent=(6, 6))
    assert found.items == (
        Stroke([(3, 2 * col - 1) for col in range(2, 7)], False),
        Stroke([(11, 2 * col - 1) for col in range(6, 1, -1)], False),
        Click(5, 5),
    )
    assert Clicks([bent]).moved((2, 2))[0].points == ((5, 5), (5, 25), (13, 25), (13, 5))


@pytest.mark.parametrize(
    ("draw", "error", "text"),
    [
        (lambda: Stroke([]), ValueError, "at least one point"),
        (lambda: Stroke([(1, 2, 3)]), ValueError, r"is \(row, col\), not"),
        (lambda: Stroke([(1, 2.5)]), TypeError, "col is a whole number, not 2.5"),
        (lambda: Stroke([(1, 2), (-1, 2)]), ValueError, "row is at least 0, not -1"),
        (lambda: Stroke.from_xy([(-0.5, 1)]), ValueError, "col is at least 0"),
        (lambda: Stroke.parse("1,2 3,4"), ValueError, "A stroke is written"),
        (lambda: Stroke.parse("1,2 3,+"), ValueError, "A stroke is written"),
        (lambda: Stroke.parse(",+"), ValueError, "at least one point"),
        (lambda: Clicks([Stroke([(8, 9), (8, 11)])]).check(SHAPE), ValueError, "row 8, column 11"),
        (lambda: Clicks.from_list([{"stroke": [], "positive": True}]), ValueError, "stored stroke"),
        (lambda: Clicks.from_list([{"stroke": [[1, 2]]}]), ValueError, "stored stroke"),
    ],
)
def test_strokes_that_make_no_sense_are_refused_in_one_sentence(draw, error, text):
    with pytest.raises(error, match=text) as caught:
        draw()
    assert one_sentence(caught.value)


# -- what a person prefers -------------------------------------------------------------------------

ONE, OTHER = Click(1, 2), Click(3, 4, False)


def test_a_preference_is_part_of_the_value():
    clicks = Clicks().add(ONE).prefer(3)
    assert (len(clicks), [*clicks], clicks.preferred) == (1, [ONE], 3)
    assert clicks != Clicks([ONE]) and clicks == Clicks(clicks) == Clicks([ONE]).prefer(3)
    assert hash(clicks) == hash(Clicks([ONE]).prefer(3)) != hash(Clicks([ONE]))
    assert repr(clicks) == "Clicks(1,2,+ prefer(3))"


def test_undo_takes_back_what_was_said_last():
    clicks = Clicks([ONE]).prefer(3).add(OTHER)
    assert clicks.preferred is None
    assert clicks.undo() == Clicks([ONE]).prefer(3)
    assert clicks.undo().undo() == Clicks([ONE])


def test_the_later_preference_counts_and_none_leaves_the_choice_to_the_method():
    clicks = Clicks([ONE])
    assert clicks.prefer(3).prefer(0) == clicks.prefer(np.int64(0))
    assert clicks.prefer(3).prefer(None) == clicks.prefer(None) == clicks
    assert Clicks().prefer(None) == Clicks()


def test_preferences_are_counted_by_the_clicks_before_them():
    clicks = Clicks([ONE]).prefer(3).add(OTHER).prefer(1).add(ONE)
    assert clicks.preferences == {1: 3, 2: 1}
    assert clicks.without_preferences() == Clicks([ONE, OTHER, ONE])
    assert clicks[:2] == Clicks([ONE]).prefer(3).add(OTHER).prefer(1)
    assert clicks[1:] == Clicks([OTHER]).prefer(1).add(ONE)
    assert clicks[:0] == Clicks()


def test_preferences_survive_json():
    clicks = Clicks([ONE]).prefer(3).add(OTHER)
    assert clicks.to_list() == [[1, 2, True], {"prefer": 3}, [3, 4, False]]
    assert Clicks.from_json(clicks.to_json()) == clicks


@pytest.mark.parametrize(
    ("say", "error", "text"),
    [
        (lambda: Clicks().prefer(0), ValueError, "nothing to prefer before the first click"),
        (lambda: Clicks([ONE]).prefer(-1), ValueError, "at least 0, not -1"),
        (lambda: Clicks([ONE]).prefer(1.5), TypeError, "whole number, not 1.5"),
        (lambda: Clicks([ONE]).prefer(3).check_candidates(3), ValueError, "0 to 2; none is 3"),
        (lambda: Clicks.from_list([[1, 2, True], {"prefer": "x"}]), ValueError, "stored click"),
        (lambda: Clicks.from_list([[1, 2, True], {"like": 1}]), ValueError, "stored click"),
        (lambda: Clicks.from_list([{"prefer": 1}]), ValueError, "before the first click"),
    ],
)
def test_preferences_that_make_no_sense_are_refused_in_one_sentence(say, error, text):
    with pytest.raises(error, match=text) as caught:
        say()
    assert one_sentence(caught.value)
