import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from tests.support import disc_mask
from tutorial_lib import render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.render import (
    CHECKS,
    CONTOUR,
    MASK,
    MASK_COLOURS,
    NEGATIVE,
    POSITIVE,
    RIM,
    SHADE,
    VIEWS,
    blend,
    composite,
    contour_of,
    disagreement_colours,
    disagreement_layer,
    draw_clicks,
    encode_png,
    hex_colour,
    layer,
    mask_colour,
    probability_colours,
    score_text,
)

DISC = disc_mask((40, 50), 20, 25, 12)
RIM_OF_DISC = cv2.dilate(DISC.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~DISC
PHOTO = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
SQUARE = np.zeros((7, 7), bool)
SQUARE[1:6, 1:6] = True
MASKS = hnp.arrays(bool, (6, 7))
PICTURES = hnp.arrays(np.uint8, (4, 5, 3))


def touches_outside(mask):
    """Say of each mask pixel whether a pixel above, below, left or right is not in the mask."""
    padded = np.pad(mask, 1, constant_values=True)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inside


def test_colours_in_hexadecimal():
    assert hex_colour((0, 158, 255)) == "#009eff"


def test_the_contour_of_a_square():
    expected = SQUARE.copy()
    expected[2:5, 2:5] = False
    assert np.array_equal(contour_of(SQUARE), expected)


def test_a_thicker_contour_grows_inwards():
    expected = SQUARE.copy()
    expected[3, 3] = False
    assert np.array_equal(contour_of(SQUARE, 2), expected)


def test_the_edge_of_the_photo_is_no_contour():
    assert not contour_of(np.ones((5, 6), bool)).any()


def test_no_mask_no_contour():
    assert not contour_of(np.zeros((5, 6), bool)).any()


@given(MASKS)
def test_a_contour_is_exactly_the_pixels_that_touch_the_outside(mask):
    assert np.array_equal(contour_of(mask), touches_outside(mask))


@given(MASKS, st.integers(2, 4))
def test_a_thicker_contour_stays_in_the_mask_and_keeps_the_thin_one(mask, width):
    thick = contour_of(mask, width)
    assert not (thick & ~mask).any()
    assert thick[contour_of(mask)].all()


def test_the_mask_view_tints_the_mask_and_nothing_else():
    painted = layer(DISC, opacity=0.4)
    tinted = DISC & ~contour_of(DISC, 2)
    assert (painted[tinted] == (*MASK, 102)).all()
    assert (painted[~DISC & ~RIM_OF_DISC] == 0).all()
    assert (painted[RIM_OF_DISC] == (*RIM, 255)).all(), "a yellow contour needs a dark rim"
    assert (layer(DISC, colour=MASK_COLOURS[1])[20, 25] == (*MASK_COLOURS[1], 128)).all()


def test_a_mask_is_blue_unless_the_photo_is_blue_there():
    blue, grey = np.full((40, 50, 3), (40, 58, 158), np.uint8), np.full((40, 50, 3), 128, np.uint8)
    assert mask_colour(grey, DISC) == MASK
    assert mask_colour(np.where(DISC[..., None], grey, blue), DISC) == MASK
    found = mask_colour(blue, DISC)
    assert found != MASK and found in MASK_COLOURS
    assert mask_colour(grey, DISC, [MASK]) != MASK
    assert mask_colour(grey, DISC, MASK_COLOURS) == MASK, "all are taken: begin again"
    assert mask_colour(blue, DISC & False) == MASK
    shown = composite(blue, Clicks(), DISC)
    assert np.abs(shown[20, 25].astype(int) - blue[20, 25]).max() > 80


def test_other_objects_lie_below_in_their_own_colours():
    square = np.zeros(DISC.shape, bool)
    square[5:20, 5:30] = True
    orange = MASK_COLOURS[1]
    painted = layer(DISC, others=[(square, orange)])
    assert (painted[8, 10] == (*orange, 128)).all()
    assert (painted[5, 10] == (*orange, 255)).all()
    assert (painted[18, 25] == (*MASK, 128)).all()
    spotlight = layer(DISC, view="spotlight", others=[(square, orange)])
    assert (spotlight[38, 2] == (0, 0, 0, SHADE)).all()
    assert (spotlight[[8, 28], [10, 25], 3] == 0).all()


@pytest.mark.parametrize("view", ["mask", "contour", "probability"])
def test_the_contour_is_opaque_in_every_view_that_has_one(view):
    painted = layer(DISC, DISC.astype(float), view, opacity=0.1)
    assert (painted[contour_of(DISC, 2)] == (*CONTOUR, 255)).all()


def test_the_contour_view_shows_the_contour_alone():
    painted = layer(DISC, view="contour")
    assert np.array_equal(painted[..., 3] > 0, contour_of(DISC, 2) | RIM_OF_DISC)


def test_the_cut_out_covers_the_background_with_checks():
    painted = layer(DISC, view="cut-out", opacity=0.1)
    assert (painted[~DISC][:, 3] == 255).all()
    assert set(np.unique(painted[~DISC][:, :3])) == set(CHECKS)
    assert (painted[DISC] == 0).all()


def test_the_probability_view_covers_everything():
    probability = np.linspace(0, 1, DISC.size).reshape(DISC.shape)
    painted = layer(DISC, probability, "probability", opacity=0.6)
    free = ~contour_of(DISC, 2) & ~RIM_OF_DISC
    assert (painted[free][:, 3] == 153).all()
    assert np.array_equal(painted[free][:, :3], probability_colours(probability)[free])


def test_the_probability_view_needs_a_probability():
    with pytest.raises(ValueError, match="needs a probability map"):
        layer(DISC, view="probability")


def test_an_unknown_view_lists_the_views():
    with pytest.raises(ValueError, match="cut-out, spotlight, probability, not 'x-ray'"):
        layer(DISC, view="x-ray")


def test_probabilities_go_from_dark_blue_to_bright_yellow():
    dark, middle, bright = probability_colours(np.array([[0, 0.5, 1]]))[0].astype(int)
    assert dark.sum() < middle.sum() < bright.sum()
    assert dark[2] == max(dark)
    assert bright[2] == min(bright)


def test_disagreement_goes_from_black_to_pale():
    agree, middle, differ = disagreement_colours(np.array([[0, 0.5, 1]]))[0].astype(int)
    assert agree.sum() < 10
    assert agree.sum() < middle.sum() < differ.sum()
    assert differ.min() > 180


def test_a_map_of_disagreement_lies_over_everything_and_keeps_the_contour():
    share = np.linspace(0, 1, SQUARE.size).reshape(SQUARE.shape)
    painted = disagreement_layer(share, SQUARE, opacity=0.4, width=1)
    line = contour_of(SQUARE)
    assert (painted[line] == (*CONTOUR, 255)).all()
    free = ~line & ~cv2.dilate(SQUARE.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    assert (painted[free, 3] == 102).all()
    assert np.array_equal(painted[free, :3], disagreement_colours(share)[free])


@pytest.mark.parametrize(
    ("score", "text"),
    [(0, "0 %"), (0.634, "63 %"), (np.float32(1), "100 %"), (1.25, "1.2"), (-3.2, "-3.2")],
)
def test_a_score_is_a_percentage_if_it_is_a_share(score, text):
    assert score_text(score) == text


@given(PICTURES, PICTURES, st.integers(0, 255))
def test_a_blend_is_a_weighted_mean(photo, over, alpha):
    painted = np.dstack([over, np.full(over.shape[:2], alpha, np.uint8)])
    exact = photo * (1 - alpha / 255) + over * (alpha / 255)
    assert np.abs(blend(photo, painted) - exact).max() <= 0.5 + 1e-3


@given(PICTURES, PICTURES)
def test_a_clear_layer_shows_the_photo_and_an_opaque_one_itself(photo, over):
    clear, opaque = (np.dstack([over, np.full(over.shape[:2], a, np.uint8)]) for a in (0, 255))
    assert np.array_equal(blend(photo, clear), photo)
    assert np.array_equal(blend(photo, opaque), over)


def test_a_positive_click_is_a_green_disc_with_a_plus():
    drawn = draw_clicks(PHOTO, Clicks([Click(20, 25)]))
    assert tuple(drawn[20, 25]) == (255, 255, 255)
    assert tuple(drawn[17, 25]) == tuple(drawn[20, 22]) == (255, 255, 255)
    assert tuple(drawn[16, 22]) == POSITIVE


def test_a_negative_click_is_a_red_square_with_a_minus():
    drawn = draw_clicks(PHOTO, Clicks([Click(20, 25, False)]))
    assert tuple(drawn[20, 22]) == (255, 255, 255)
    assert tuple(drawn[16, 25]) == tuple(drawn[15, 20]) == NEGATIVE


def test_the_last_click_lies_on_top():
    drawn = draw_clicks(PHOTO, Clicks([Click(20, 25), Click(20, 25, False)]))
    assert np.array_equal(
        drawn[14:27, 19:32], draw_clicks(PHOTO, Clicks([Click(20, 25, False)]))[14:27, 19:32]
    )


def test_drawing_leaves_the_photo_alone():
    photo = PHOTO.copy()
    drawn = draw_clicks(photo, Clicks([Click(20, 25), Click(0, 0, False)]))
    assert np.array_equal(photo, PHOTO)
    assert not np.array_equal(drawn, PHOTO)


def test_without_clicks_drawing_gives_a_copy():
    drawn = draw_clicks(PHOTO, Clicks())
    assert np.array_equal(drawn, PHOTO)
    assert not np.shares_memory(drawn, PHOTO)


def test_far_from_the_click_the_photo_stays():
    drawn = draw_clicks(PHOTO, Clicks([Click(20, 25)]))
    assert np.array_equal(drawn[:10], PHOTO[:10])


@pytest.mark.parametrize("corner", [Click(0, 0), Click(39, 49, False), Click(0, 49), Click(39, 0)])
def test_clicks_in_corners_are_drawn(corner):
    drawn = draw_clicks(PHOTO, Clicks([corner]))
    assert drawn.shape == PHOTO.shape
    assert tuple(drawn[corner.row, corner.col]) == (255, 255, 255)


@pytest.mark.parametrize("view", VIEWS)
def test_a_composite_is_photo_then_answer_then_clicks(view):
    clicks = Clicks([Click(20, 25), Click(3, 3, False)])
    probability = DISC * 0.9
    picture = composite(PHOTO, clicks, DISC, probability, view, opacity=0.3)
    below = blend(PHOTO, layer(DISC, probability, view, opacity=0.3))
    assert np.array_equal(picture, draw_clicks(below, clicks))


def test_without_a_mask_a_composite_is_photo_and_clicks():
    clicks = Clicks([Click(20, 25)])
    assert np.array_equal(composite(PHOTO, clicks), draw_clicks(PHOTO, clicks))


@pytest.mark.parametrize(
    "image",
    [PHOTO, PHOTO[..., 0], np.dstack([PHOTO, PHOTO[..., :1]]), PHOTO[::2, ::2]],
    ids=["rgb", "grey", "rgba", "strided"],
)
@pytest.mark.parametrize("compression", [0, 9])
def test_png_round_trip(image, compression):
    with Image.open(io.BytesIO(encode_png(image, compression))) as picture:
        assert picture.format == "PNG"
        assert np.array_equal(np.asarray(picture), image)


def test_a_mask_becomes_0_and_255():
    with Image.open(io.BytesIO(encode_png(SQUARE))) as picture:
        assert picture.mode == "L"
        assert np.array_equal(np.asarray(picture), SQUARE * np.uint8(255))


def test_more_compression_gives_smaller_files():
    assert len(encode_png(DISC, 9)) < len(encode_png(DISC, 0))


def test_an_image_that_cannot_be_encoded_is_refused(monkeypatch):
    monkeypatch.setattr(render.cv2, "imencode", lambda *_: (False, None))
    with pytest.raises(ValueError, match=r"shape \(7, 7\) cannot be written as PNG"):
        encode_png(SQUARE)


def test_a_map_of_clicks_goes_from_black_to_light_grey():
    shares = np.array([[-1.0, 0.0, 0.4, 1.0, 7.0]])
    expected = [[0] * 3, [0] * 3, [90] * 3, [render.LIGHT] * 3, [render.LIGHT] * 3]
    assert render.grey_colours(shares)[0].tolist() == expected
