import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.support import easy_scene
from tutorial_lib import plots
from tutorial_lib.classical.graph_cut import pairwise_weights
from tutorial_lib.clicks import Clicks
from tutorial_lib.render import composite, draw_clicks, probability_colours
from tutorial_lib.segmenter import Segmentation

PHOTO, MASK, CLICKS = easy_scene()
ANSWER = Segmentation(np.where(MASK, 0.8, 0.3))


def picture_in(ax):
    (image,) = ax.get_images()
    return np.asarray(image.get_array())


def test_the_package_offers_its_figures():
    assert set(plots.__all__) >= {"grid", "show", "show_answer", "show_probability", "style"}
    assert all(callable(getattr(plots, name)) for name in plots.__all__)


def test_style_makes_small_figures():
    with mpl.rc_context():
        plots.style()
        assert mpl.rcParams["figure.dpi"] == 80


def test_a_photo_is_shown_under_its_title_without_axes():
    ax = plots.show(PHOTO, title="a disc")
    assert isinstance(ax, Axes)
    assert ax.get_title() == "a disc"
    assert not ax.axison
    assert np.array_equal(picture_in(ax), PHOTO)


def test_clicks_are_drawn_on_the_photo():
    assert np.array_equal(picture_in(plots.show(PHOTO, CLICKS)), draw_clicks(PHOTO, CLICKS))


def test_showing_leaves_the_photo_alone():
    photo = PHOTO.copy()
    plots.show_answer(photo, ANSWER, CLICKS)
    assert np.array_equal(photo, PHOTO)


def test_a_map_is_shown_in_grey():
    ax = plots.show(MASK)
    assert ax.get_images()[0].get_cmap().name == "gray"
    assert np.array_equal(picture_in(ax), MASK)


def test_clicks_are_drawn_on_a_map_too():
    values = np.linspace(-3, 5, PHOTO[..., 0].size).reshape(MASK.shape)
    grey = np.rint(255 * (values + 3) / 8).astype(np.uint8)
    drawn = picture_in(plots.show(values, CLICKS))
    assert np.array_equal(drawn, draw_clicks(np.dstack([grey] * 3), CLICKS))


def test_a_constant_map_with_clicks_is_shown():
    drawn = picture_in(plots.show(np.full(MASK.shape, 255.0), CLICKS))
    assert np.array_equal(drawn, draw_clicks(np.zeros_like(PHOTO), CLICKS))


@pytest.mark.parametrize("view", ["mask", "contour", "cut-out", "probability"])
def test_an_answer_is_shown_as_the_widget_shows_it(view):
    ax = plots.show_answer(PHOTO, ANSWER, CLICKS, "answer", view)
    expected = composite(PHOTO, CLICKS, ANSWER.mask, ANSWER.probability, view)
    assert np.array_equal(picture_in(ax), expected)
    assert ax.get_title() == "answer"


def test_a_bare_mask_is_an_answer_too():
    expected = composite(PHOTO, Clicks(), MASK)
    assert np.array_equal(picture_in(plots.show_answer(PHOTO, MASK)), expected)


def test_a_bare_mask_has_no_probability():
    with pytest.raises(ValueError, match="needs a probability map"):
        plots.show_answer(PHOTO, MASK, view="probability")


def test_a_probability_has_its_scale_beside_it():
    ax = plots.show_probability(ANSWER.probability, CLICKS, "how sure")
    expected = draw_clicks(probability_colours(ANSWER.probability), CLICKS)
    assert np.array_equal(picture_in(ax), expected)
    main, scale = ax.figure.axes
    assert main is ax
    assert scale.get_ylabel() == "probability of object"
    assert scale.get_ylim() == (0, 1)


def test_the_scale_can_be_left_out():
    ax = plots.show_probability(ANSWER.probability, colourbar=False)
    assert ax.figure.axes == [ax]


def test_the_colours_of_scale_and_map_are_the_same():
    cividis = mpl.colormaps["cividis"]
    levels = np.linspace(0, 1, 11)[None]
    expected = np.rint(cividis(levels)[..., :3] * 255)
    assert np.abs(probability_colours(levels) - expected).max() <= 5  # a neighbouring level


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.show(PHOTO, ax=ax),
        lambda ax: plots.show_answer(PHOTO, ANSWER, ax=ax),
        lambda ax: plots.show_probability(ANSWER.probability, ax=ax),
    ],
    ids=["show", "show_answer", "show_probability"],
)
def test_a_given_axes_is_used_and_no_figure_opened(draw):
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert len(plt.get_fignums()) == 1


def test_a_grid_puts_pictures_under_their_titles_in_reading_order():
    figure = plots.grid({"photo": PHOTO, "mask": MASK, "inverse": ~MASK, "again": PHOTO})
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 6
    assert [ax.get_title() for ax in figure.axes] == ["photo", "mask", "inverse", "again", "", ""]
    assert [len(ax.get_images()) for ax in figure.axes] == [1, 1, 1, 1, 0, 0]
    assert not any(ax.axison for ax in figure.axes)


def test_a_grid_of_pairs_may_repeat_a_title():
    figure = plots.grid([("same", PHOTO), ("same", MASK)], columns=1)
    assert [ax.get_title() for ax in figure.axes] == ["same", "same"]
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == (2, 1)


def test_a_grid_of_one_has_one_panel():
    assert len(plots.grid({"photo": PHOTO}).axes) == 1


def test_an_empty_grid_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        plots.grid({})


def test_links_are_as_wide_as_their_weights_and_inside_the_window():
    from matplotlib.collections import LineCollection

    image = np.zeros((4, 5, 3), dtype=np.uint8)
    image[:, 3:] = 255  # an edge between columns 2 and 3
    weights = pairwise_weights(image, sigma=10)
    ax = plots.draw_links(image, weights, (slice(1, 3), slice(2, 5)))
    (links,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    across = {
        tuple(map(tuple, segment.astype(int))): width
        for segment, width in zip(links.get_segments(), links.get_linewidths(), strict=True)
    }
    assert len(across) == 11  # 2 x 3 pixels: 4 across, 3 down, 4 diagonal
    assert across[(2, 1), (3, 1)] < 0.01 < across[(3, 1), (4, 1)]
    assert across[(3, 1), (4, 1)] == pytest.approx(across[(4, 1), (4, 2)])
    assert across[(3, 1), (4, 2)] == pytest.approx(across[(3, 1), (4, 1)] / np.sqrt(2))
