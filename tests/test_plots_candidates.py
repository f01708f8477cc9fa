"""All candidates of an answer in one figure."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from tests.support import Growing, easy_scene, one_sentence
from tutorial_lib import plots, render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.segmenter import Segmentation

PHOTO, MASK, _ = easy_scene()
CLICKS = Clicks([Click(24, 32)])
ANSWER = Growing().segment(PHOTO, CLICKS)
BLUE, PURPLE = (render.hex_colour(colour) for colour in (render.SELECTED, render.PREFERRED))


def titles(figure):
    return [ax.get_title() for ax in figure.axes]


def frames(figure):
    """Return the panel, the colour and the dashes of every frame."""
    return [
        (place, to_hex(patch.get_edgecolor()), patch.get_linestyle())
        for place, ax in enumerate(figure.axes)
        for patch in ax.patches
        if isinstance(patch, Rectangle) and not patch.get_fill()
    ]


def picture_in(ax):
    return np.asarray(ax.get_images()[0].get_array())


def test_every_candidate_has_a_panel_with_its_number_and_score():
    figure = plots.draw_candidates(PHOTO, ANSWER, CLICKS)
    assert titles(figure) == ["candidate 0: 60 %", "candidate 1: 30 %", "candidate 2: 10 %"]
    bare = plots.draw_candidates(PHOTO, ANSWER)
    over = render.layer(ANSWER.candidates[2] >= 0.5)
    assert np.array_equal(picture_in(bare.axes[2]), render.blend(PHOTO, over))
    assert (picture_in(figure.axes[2])[24, 32] != picture_in(bare.axes[2])[24, 32]).any()


def test_the_selected_candidate_is_framed():
    assert frames(plots.draw_candidates(PHOTO, ANSWER)) == [(0, BLUE, "-")]


def test_a_candidate_preferred_to_the_best_one_has_another_frame():
    chosen = Growing().segment(PHOTO, CLICKS.prefer(2))
    assert frames(plots.draw_candidates(PHOTO, chosen)) == [(0, BLUE, "--"), (2, PURPLE, "-")]


def test_the_map_of_disagreement_comes_last_and_brings_its_scale():
    figure = plots.draw_candidates(PHOTO, ANSWER, disagreement=True)
    assert titles(figure)[3] == "where they differ"
    seen = picture_in(figure.axes[3])
    assert seen[0, 0].tolist() == render.disagreement_colours(np.zeros((1, 1)))[0, 0].tolist()
    share = 4 * (2 / 3) * (1 / 3)  # two of three discs reach six pixels from the click
    assert (
        seen[24, 38].tolist() == render.disagreement_colours(np.full((1, 1), share))[0, 0].tolist()
    )
    assert [text.get_text() for text in figure.axes[3].texts] == ["agree", "differ"]


@pytest.mark.parametrize(
    ("count", "columns", "grid"),
    [(1, None, (1, 1)), (4, None, (1, 4)), (6, None, (2, 3)), (9, None, (3, 3)), (6, 2, (3, 2))],
)
def test_rows_are_of_like_length(count, columns, grid):
    answer = Segmentation(MASK, None, np.stack([MASK] * count), np.ones(count))
    figure = plots.draw_candidates(PHOTO, answer, columns=columns)
    assert figure.axes[0].get_gridspec().get_geometry() == grid


def test_an_answer_without_candidates_is_refused():
    with pytest.raises(ValueError, match="no candidates to draw") as caught:
        plots.draw_candidates(PHOTO, Segmentation(MASK))
    assert one_sentence(caught.value)
