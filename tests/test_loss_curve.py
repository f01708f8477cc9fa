"""The live loss curve: its caption, when it is drawn, and what a notebook stores."""

import base64
import io
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from tests.support import ROOT
from tutorial_lib.training.run import train
from tutorial_lib.training.task import TrainingStep
from tutorial_lib.widgets import LossCurve

pytestmark = pytest.mark.slow

PNG, WIDGET = "image/png", "application/vnd.jupyter.widget-view+json"


class Clock:
    """A clock that stands still, or advances a little with each call."""

    def __init__(self, passing=0.0):
        self.now, self.passing = 0.0, passing

    def __call__(self):
        self.now += self.passing
        return self.now


def step(number, of=100, loss=1.0, minutes=None, stage=8):
    passed = number / 60 if minutes is None else minutes  # a second a step
    return TrainingStep(number, loss, 1e-3, passed, number / of, stage, 8.0)


def pictures_of(curve, steps):
    """Return the steps at which the picture changed."""
    changed, before = [], curve.picture
    for taken in steps:
        curve(taken)
        if curve.picture != before:
            changed.append(taken.step)
            before = curve.picture
    return changed


def test_before_the_first_step_there_is_nothing():
    curve = LossCurve()
    assert (curve.picture, curve.caption, curve.history) == (b"", "", [])
    assert PNG not in curve._repr_mimebundle_()


def test_the_first_step_is_drawn_as_a_png():
    curve = LossCurve()
    curve(step(1))
    assert Image.open(io.BytesIO(curve.picture)).size == (576, 232)


def test_the_caption_shows_step_loss_and_time_left():
    curve = LossCurve()
    curve(step(1, loss=2.0))
    assert curve.caption == "step 1 of 100 · loss 2.00 · 99 s left"
    curve(step(50, of=100, loss=1.0, minutes=20))
    assert curve.caption.startswith("step 50 of 100 · loss 1.")
    assert curve.caption.endswith(" · 20 min left")


def test_the_last_caption_shows_the_duration():
    curve = LossCurve()
    curve(step(100, loss=0.5, minutes=0.75))
    assert curve.caption == "100 steps in 45 s · loss 0.50"


def test_without_progress_the_time_left_is_unknown():
    curve = LossCurve()
    curve(TrainingStep(1, 1.0, 1e-3, 0.0, 0.0, 8, 8.0))
    assert curve.caption == "step 1 of 1 · loss 1.00 · ? left"


def test_a_skipped_step_is_drawn_as_a_gap():
    curve = LossCurve(interval=0)
    curve(step(1, loss=float("nan")))
    assert curve.picture
    curve(step(2, loss=0.5))
    assert "loss 0.50" in curve.caption


def test_it_is_drawn_only_when_its_time_has_come():
    clock = Clock()
    curve = LossCurve(interval=10, clock=clock)
    assert pictures_of(curve, map(step, range(1, 5))) == [1]
    clock.now = 10
    assert pictures_of(curve, map(step, range(5, 9))) == [5]


def test_the_last_step_is_drawn_whenever_it_comes():
    curve = LossCurve(interval=10, clock=Clock())
    assert pictures_of(curve, (step(number, of=4) for number in range(1, 5))) == [1, 4]


def test_drawing_takes_a_tenth_of_the_time_at_most():
    # Each look at the clock takes a second. So the first step is drawn from second 2 to 3, and the
    # next drawing may begin at 13.
    curve = LossCurve(interval=0, clock=Clock(passing=1))
    assert pictures_of(curve, map(step, range(1, 13))) == [1, 11]


def test_a_second_run_begins_a_new_curve():
    curve = LossCurve(interval=10, clock=Clock())
    for number in (1, 2, 3):
        curve(step(number))
    assert pictures_of(curve, [step(1, loss=0.1)]) == [1]
    assert [line["step"] for line in curve.history] == [1]


def test_without_a_kernel_readers_get_the_picture_and_a_constant_text():
    curve = LossCurve(interval=0, clock=Clock())
    bundles = []
    for number in (1, 2):
        curve(step(number))
        bundles.append(curve._repr_mimebundle_())
        assert base64.b64decode(bundles[-1][PNG]) == curve.picture
    assert bundles[0][PNG] != bundles[1][PNG]
    assert [bundle["text/plain"] for bundle in bundles] == ["LossCurve()"] * 2


def test_it_follows_a_training(tmp_path):
    settings = ["steps=2", "minutes=0", "crop=64", "batch=1", "workers=0", "pretrained=false"]
    curve = LossCurve()
    train("dos-toy", tmp_path, settings=[*settings, "device=cpu"], on_step=curve)
    assert [line["step"] for line in curve.history] == [1, 2]
    assert np.isfinite([line["loss"] for line in curve.history]).all()
    assert curve.caption.startswith("2 steps in ")


CELL = """
from tutorial_lib.training.task import TrainingStep
from tutorial_lib.widgets import LossCurve

curve = LossCurve(interval=1000)
for number in range(1, {end}):
    curve(TrainingStep(number, 1 / number, 1e-3, number / 60, number / 4, 8, 8.0))
"""


@pytest.mark.parametrize("end", [5, 4], ids=["finished", "stopped early"])
def test_a_notebook_keeps_one_output_with_the_last_state(end):
    cells = [CELL.format(end=end), "import base64; print(base64.b64encode(curve.picture).decode())"]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    metadata = {"metadata": {"path": str(ROOT)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=metadata).execute()
    (shown,) = notebook.cells[0].outputs
    assert shown.data["text/plain"] == "LossCurve()"
    assert WIDGET in shown.data
    assert shown.data[PNG].replace("\n", "") == notebook.cells[1].outputs[0].text.strip()


def test_importing_the_widget_does_not_load_torch():
    code = "import sys; from tutorial_lib.widgets import LossCurve; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
