import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch

from tests.support import one_sentence
from tutorial_lib import plots

PICTURE = np.zeros((30, 60, 3), dtype=np.uint8)
BOXES = {"photo": (0, 0, PICTURE), "net": (1.5, 0, None), "map": (3, 0, PICTURE)}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def arrows_in(ax):
    """Return start and end of every arrow, from the left to the right."""
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    return [(arrow.xyann, arrow.xy) for arrow in arrows]


def test_pictures_are_one_wide_and_keep_their_proportions():
    ax = plots.draw_diagram(BOXES, [])
    extents = [image.get_extent() for image in ax.get_images()]
    assert extents == [pytest.approx([x - 0.5, x + 0.5, 0.25, -0.25]) for x in (0, 3)]
    assert ax.get_aspect() == 1


def test_names_stand_above_pictures_and_within_steps():
    ax = plots.draw_diagram(BOXES, [])
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert heights["photo"] < -0.25  # rows grow downwards
    assert heights["net"] == 0
    (frame,) = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    assert frame.get_x() + frame.get_width() / 2 == pytest.approx(1.5)


def test_an_arrow_in_a_row_runs_from_right_edge_to_left_edge():
    ax = plots.draw_diagram(BOXES, [("photo", "net")])
    ((leave, enter),) = arrows_in(ax)
    assert leave[1] == enter[1] == 0
    assert 0.5 < leave[0] < enter[0] < 1.5 - 0.4


def test_an_arrow_to_a_neighbour_in_another_row_enters_from_the_left():
    ax = plots.draw_diagram({**BOXES, "clicks": (0, 1, PICTURE)}, [("clicks", "net")])
    ((leave, enter),) = arrows_in(ax)
    assert leave[1] == 1
    assert enter[1] == 0
    assert enter[0] < 1.5 - 0.4


@pytest.mark.parametrize(("row", "sign"), [(-1, -1), (1, 1)])
def test_an_arrow_that_skips_a_box_enters_from_its_own_side(row, sign):
    ax = plots.draw_diagram({**BOXES, "clicks": (0, row, PICTURE)}, [("clicks", "map")])
    ((leave, enter),) = arrows_in(ax)
    assert leave[1] == row
    assert enter[0] == 3
    assert enter[1] * sign > 0.25


def test_everything_lies_within_the_axes():
    ax = plots.draw_diagram({**BOXES, "clicks": (0, 2, PICTURE)}, [])
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    assert left < -0.5
    assert right > 3.5
    assert top < -0.25
    assert bottom > 2.25


def test_a_diagram_can_share_a_figure():
    _, axes = plt.subplots(1, 2)
    assert plots.draw_diagram(BOXES, [("photo", "net")], ax=axes[1]) is axes[1]


@pytest.mark.parametrize(
    ("boxes", "arrows", "text"),
    [({}, [], "at least one box"), (BOXES, [("photo", "cut")], "no box 'cut'")],
)
def test_bad_input_gets_one_sentence(boxes, arrows, text):
    with pytest.raises(ValueError, match=text) as error:
        plots.draw_diagram(boxes, arrows)
    assert one_sentence(error.value)
