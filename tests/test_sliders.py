import base64
import io

import ipywidgets as ipw
import numpy as np
import pytest
from PIL import Image

from tutorial_lib.widgets import Explorer, Frames


def flat(level):
    return np.full((20, 30, 3), level, dtype=np.uint8)


def size_of(png):
    return Image.open(io.BytesIO(png)).size


def figure_of(width):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(width, 1), dpi=50)
    ax.plot([0, 1])
    return figure


def test_moving_a_slider_redraws_the_picture():
    explorer = Explorer(flat, level=(0, 250, 50))
    shown = explorer.children[-1]
    before = shown.value
    explorer.controls["level"].value = 50
    assert shown.value != before
    assert shown.value == explorer.picture
    assert (explorer.image == 50).all()


def test_set_does_what_moving_the_slider_does():
    by_hand, by_code = (Explorer(flat, level=(0, 250, 50)) for _ in range(2))
    by_hand.controls["level"].value = 200
    assert by_code.set(level=200) is by_code
    assert by_code.picture == by_hand.picture


def test_set_draws_once_for_several_values():
    calls = []

    def draw(a, b):
        calls.append((a, b))
        return flat(a + b)

    explorer = Explorer(draw, a=(0, 10, 1), b=(0, 10, 1))
    explorer.set(a=3, b=4)
    assert calls == [(5, 5), (3, 4)]


def test_a_slider_starts_at_the_default_of_draw_else_in_the_middle():
    explorer = Explorer(lambda a, b=2: flat(a), a=(0, 10, 1), b=(0, 10, 1))
    assert explorer.values == {"a": 5, "b": 2}


def test_whole_limits_make_whole_numbers_and_others_do_not():
    explorer = Explorer(lambda a, b: flat(0), a=(0, 4, 1), b=(0.0, 1.0, 0.25))
    assert isinstance(explorer.values["a"], int)
    assert explorer.values["b"] == 0.5


def test_a_list_becomes_a_dropdown_and_a_widget_is_used_unchanged():
    box = ipw.Checkbox(description="invert")
    explorer = Explorer(lambda level, invert: flat(255 - level if invert else level),
                        level=[10, 20], invert=box)  # fmt: skip
    assert explorer.set(level=20, invert=True).image[0, 0, 0] == 235
    assert box.value is True


def test_controls_have_names_and_tooltips():
    explorer = Explorer(lambda pair_strength: flat(0), pair_strength=(0, 9, 1))
    control = explorer.controls["pair_strength"]
    assert control.description == "pair strength"
    assert "arrow keys" in control.tooltip
    assert control.continuous_update is False


def test_a_figure_is_painted_and_closed():
    import matplotlib.pyplot as plt

    open_before = plt.get_fignums()
    explorer = Explorer(figure_of, width=(1, 4, 1))
    assert size_of(explorer.set(width=4).picture) == (200, 50)
    assert explorer.image.shape == (50, 200, 3)
    assert plt.get_fignums() == open_before


def test_an_exception_becomes_a_sentence_and_the_last_picture_stays():
    def draw(level):
        if level > 100:
            raise RuntimeError("level <100> is the most")
        return flat(level)

    explorer = Explorer(draw, level=(0, 200, 50))
    good = explorer.picture
    explorer.controls["level"].value = 150
    assert explorer.error == "This picture could not be drawn: level <100> is the most"
    shown = "".join(child.value for child in explorer.children if isinstance(child, ipw.HTML))
    assert "level &lt;100&gt; is the most" in shown
    assert explorer.picture == good
    explorer.controls["level"].value = 50
    assert explorer.error == ""


def test_an_unfinished_figure_is_closed():
    import matplotlib.pyplot as plt

    def draw(level):
        plt.figure()
        raise RuntimeError("no")

    open_before = plt.get_fignums()
    assert Explorer(draw, level=(0, 2, 1)).picture == b""
    assert plt.get_fignums() == open_before


def test_without_any_picture_the_image_says_why():
    explorer = Explorer(lambda level: None, level=(0, 2, 1))
    assert "image/png" not in explorer._repr_mimebundle_()
    with pytest.raises(ValueError, match="could not be drawn"):
        _ = explorer.image


def test_the_bundle_holds_a_png_beside_the_widget():
    bundle = Explorer(flat, level=(0, 250, 50))._repr_mimebundle_()
    assert size_of(base64.b64decode(bundle["image/png"])) == (30, 20)
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_text_is_short_and_the_same_every_time():
    texts = [
        Explorer(lambda a, b: flat(0), a=(0.0, 0.4, 0.1), b=["x"])._repr_mimebundle_()["text/plain"]
        for _ in range(2)
    ]
    assert texts == ["Explorer(a=0.2, b='x')"] * 2


def click_at(explorer, x, y, scale=1.0):
    """Click where the browser shows the picture in another size."""
    height, width = explorer.image.shape[:2]
    size = {"boundingRectWidth": scale * width, "boundingRectHeight": scale * height}
    explorer._clicks._handle_mouse_msg(
        explorer, {"event": "click", "relativeX": scale * x, "relativeY": scale * y, **size}, []
    )


def test_a_click_on_any_photo_of_the_picture_sets_row_and_column():
    import matplotlib.pyplot as plt

    photo = np.zeros((40, 80, 3), np.uint8)
    drawn = []

    def draw(row=50, col=50):
        figure, axes = plt.subplots(1, 2, figsize=(8, 4), dpi=50, layout="constrained")
        for ax in axes:
            ax.imshow(photo).axes.set_axis_off()
        drawn.append(axes)
        return figure

    explorer = Explorer(draw, point=("row", "col"), row=(1, 99, 1), col=(1, 99, 1))
    for number, scale in ((0, 1.0), (1, 0.5)):
        x, y = drawn[-1][number].transData.transform((59.5, 9.5))  # right of the middle, above it
        click_at(explorer, x, explorer.image.shape[0] - y, scale)
        assert explorer.values == {"row": 25, "col": 75}
        explorer.set(row=50, col=50)
    count = len(drawn)
    click_at(explorer, 1, 1)  # beside the photos
    assert explorer.values == {"row": 50, "col": 50} and len(drawn) == count
    whole = Explorer(lambda r, c: photo, point=("r", "c"), r=(0, 90, 10), c=(5, 95, 30))
    click_at(whole, 80, 13)
    assert whole.values == {"r": 30, "c": 95}
    with pytest.raises(ValueError, match="two sliders"):
        Explorer(draw, point=("row", "photo"), row=(1, 99, 1), photo=["coffee"])


@pytest.mark.parametrize("value", [300, -1, "many"])
def test_set_refuses_what_the_slider_cannot_show_and_changes_nothing(value):
    explorer = Explorer(lambda level, other: flat(level), level=(0, 250, 50), other=(0, 2, 1))
    before = explorer.values
    with pytest.raises(ValueError, match="level takes a value from 0 to 250"):
        explorer.set(other=0, level=value)
    assert explorer.values == before


def test_set_names_the_controls_there_are():
    with pytest.raises(ValueError, match="no control lvel; there is: level"):
        Explorer(flat, level=(0, 250, 50)).set(lvel=3)


def test_a_choice_names_its_options():
    with pytest.raises(ValueError, match="one of 1, 2, not 3"):
        Explorer(flat, level=[1, 2]).set(level=3)


@pytest.mark.parametrize(
    ("controls", "error"),
    [
        ({}, ValueError),
        ({"level": (3, 1, 1)}, ValueError),
        ({"level": (0, 1, 0)}, ValueError),
        ({"level": 7}, TypeError),
        ({"level": []}, TypeError),
    ],
)
def test_bad_controls_are_refused(controls, error):
    with pytest.raises(error, match="control|slider"):
        Explorer(flat, **controls)


def test_frames_step_by_slider_buttons_and_play():
    frames = Frames([flat(10), flat(20), flat(30)], captions=["one", "<two>", "three"])
    play, back, forward, slider = frames.children[0].children
    forward.click()
    assert (frames.image == 20).all()
    assert frames.caption == "<two>"
    assert "&lt;two&gt;" in frames.children[1].value
    play.value = 2
    assert (frames.image == 30).all()
    forward.click()
    assert slider.value == 2
    back.click()
    assert play.value == 1
    assert (frames.set(frame=0).image == 10).all()


def test_without_a_kernel_frames_show_the_last_picture():
    frames = Frames([flat(10), np.zeros((5, 7, 3), np.uint8)])
    bundle = frames._repr_mimebundle_()
    assert size_of(base64.b64decode(bundle["image/png"])) == (7, 5)
    assert bundle["text/plain"] == "Frames(2 pictures)"
    assert len(frames) == 2


def test_frames_close_the_figures_they_are_given():
    import matplotlib.pyplot as plt

    open_before = plt.get_fignums()
    frames = Frames(figure_of(width) for width in (1, 2))
    assert frames.image.shape == (50, 50, 3)
    assert plt.get_fignums() == open_before


def test_frames_need_pictures_and_one_caption_each():
    with pytest.raises(ValueError, match="at least one picture"):
        Frames([])
    with pytest.raises(ValueError, match="2 frames need 2 captions, not 1"):
        Frames([flat(1), flat(2)], captions=["one"])
