import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.widgets.viewport import MAX_FACTOR, SMALLEST_WINDOW, Viewport

SHAPES = st.tuples(st.integers(1, 1500), st.integers(1, 1500))
MOVES = st.lists(
    st.one_of(
        st.sampled_from([("zoom", 1), ("zoom", -1)]),
        st.tuples(st.just("move"), st.tuples(st.integers(-3, 3), st.integers(-3, 3))),
        st.tuples(st.just("follow"), st.tuples(st.floats(0, 0.999), st.floats(0, 0.999))),
    ),
    max_size=8,
)


def wander(view, moves):
    for kind, how in moves:
        if kind == "zoom":
            view = view.zoomed(how)
        elif kind == "move":
            view = view.moved(*how)
        else:
            view = view.follow((int(how[0] * view.shape[0]), int(how[1] * view.shape[1])))
    return view


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((480, 640), (640, 480)),
        ((960, 1280), (640, 480)),
        ((1280, 960), (480, 640)),
        ((400, 600), (600, 400)),
        ((32, 64), (320, 160)),
        ((1, 5000), (640, 1)),
    ],
)
def test_a_photo_fits_its_canvas_and_is_enlarged_only_if_tiny(shape, size):
    view = Viewport(shape)
    assert (view.width, view.height) == size


def test_a_width_enlarges_as_well_as_shrinks():
    assert [Viewport((120, 240), width).width for width in (120, 468, 900)] == [120, 468, 900]
    assert Viewport((240, 120), 468).height == 468


def test_the_whole_photo_is_shown_at_first():
    view = Viewport((480, 640))
    assert view.window == (480, 640)
    assert view.scale == 1
    assert view.centre == (240, 320)


def test_corners_of_the_canvas_are_corners_of_the_photo():
    view = Viewport((960, 1280))
    assert view.to_pixel(0, 0) == (0, 0)
    assert view.to_pixel(639.9, 479.9) == (959, 1279)


def test_positions_outside_the_canvas_become_pixels_of_the_photo():
    view = Viewport((48, 64))
    assert view.to_pixel(-5, -5) == (0, 0)
    assert view.to_pixel(1e6, 1e6) == (47, 63)


def test_to_canvas_is_the_middle_of_the_pixel():
    assert Viewport((32, 64)).to_canvas(0, 0) == (2.5, 2.5)  # five canvas pixels a photo pixel


@given(SHAPES, MOVES, st.floats(0, 0.999), st.floats(0, 0.999))
def test_a_pixel_survives_the_way_to_the_canvas_and_back(shape, moves, down, right):
    view = wander(Viewport(shape), moves)
    rows, cols = view.window
    pixel = view.top + int(down * rows), view.left + int(right * cols)
    assert view.to_pixel(*view.to_canvas(*pixel)) == pixel


@given(SHAPES, MOVES)
def test_the_window_never_leaves_the_photo(shape, moves):
    view = wander(Viewport(shape), moves)
    rows, cols = view.window
    assert 0 <= view.top <= view.top + rows <= shape[0]
    assert 0 <= view.left <= view.left + cols <= shape[1]
    assert 1 <= view.factor <= MAX_FACTOR


@given(SHAPES, MOVES, st.floats(0, 0.999), st.floats(0, 0.999))
def test_following_shows_the_pixel(shape, moves, down, right):
    pixel = int(down * shape[0]), int(right * shape[1])
    view = wander(Viewport(shape), moves).follow(pixel)
    x, y = view.to_canvas(*pixel)
    assert 0 <= x <= view.width
    assert 0 <= y <= view.height


def test_following_a_visible_pixel_moves_nothing():
    view = Viewport((480, 640)).zoomed(1, (100, 100))
    assert view.follow(view.centre) is view


def test_zooming_in_halves_the_window_around_a_pixel():
    view = Viewport((480, 640)).zoomed(1, (200, 300))
    assert view.window == (240, 320)
    assert view.centre == (200, 300)
    assert view.scale == 2


def test_half_of_an_odd_size_is_rounded_up():
    assert Viewport((481, 641)).zoomed(1).window == (241, 321)


def test_zooming_in_at_a_corner_stays_inside():
    view = Viewport((480, 640)).zoomed(1, (0, 639))
    assert (view.top, view.left) == (0, 320)


def test_zooming_out_again_shows_everything():
    view = Viewport((480, 640))
    assert view.zoomed(1, (9, 9)).zoomed(-1) == view


def test_zooming_out_of_the_whole_photo_changes_nothing():
    view = Viewport((480, 640))
    assert view.zoomed(-1) == view


def test_zooming_stops_before_there_is_nothing_to_see():
    view = Viewport((480, 640))
    for _ in range(20):
        view = view.zoomed(1)
    assert not view.can_zoom_in
    assert min(view.window) >= SMALLEST_WINDOW
    assert view.zoomed(1) is view


def test_moving_goes_by_quarters_of_the_window():
    view = Viewport((480, 640)).zoomed(1, (240, 320))
    assert (view.top, view.left) == (120, 160)
    moved = view.moved(1, -1)
    assert (moved.top, moved.left) == (180, 80)


def test_cutting_at_scale_one_gives_the_pixels_themselves():
    photo = np.random.default_rng(0).integers(0, 256, (40, 400, 3), dtype=np.uint8)
    assert np.array_equal(Viewport((40, 400)).cut(photo), photo)


def test_zoomed_pixels_keep_hard_edges():
    photo = np.arange(16, dtype=np.uint8).reshape(4, 4)
    expected = photo.repeat(80, axis=0).repeat(80, axis=1)
    assert np.array_equal(Viewport((4, 4)).cut(photo), expected)


@given(SHAPES, MOVES)
def test_a_cut_has_the_size_of_the_canvas_and_the_type_of_its_array(shape, moves):
    view = wander(Viewport(shape, limit=100), moves)
    for kind, tail in ((np.uint8, (3,)), (np.float32, ()), (bool, ())):
        part = view.cut(np.zeros((*shape, *tail), dtype=kind))
        assert part.shape == (view.height, view.width, *tail)
        assert part.dtype == kind


def test_a_cut_mask_is_where_the_mask_is():
    mask = np.zeros((480, 640), bool)
    mask[100:200, 300:400] = True
    view = Viewport((480, 640)).zoomed(1, (150, 350))
    part = view.cut(mask)
    row, col = view.to_canvas(150, 350)[::-1]
    assert part[int(row), int(col)]
    assert part.sum() == 4 * mask.sum()
