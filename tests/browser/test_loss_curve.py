"""The loss curve in a real JupyterLab: it moves while its cell runs, and stays."""

from __future__ import annotations

from tests.browser.driver import write_notebook

TRAINING = """
import time
from pathlib import Path
from tutorial_lib.training.task import TrainingStep
from tutorial_lib.widgets import LossCurve

curve = LossCurve()
for number in range(1, 1001):
    stage = 32 if number < 20 else 16
    curve(TrainingStep(number, 2 / number, 1e-3, number / 150, number / 1000, stage, 8.0))
    time.sleep(0.2)
    if Path("enough").exists():
        break
print("trained" + " to the end")
"""
SOURCE = "document.querySelector('.tutorial-loss-curve img')?.src"


def test_the_curve_moves_while_its_cell_runs_and_stays(lab, browser):
    write_notebook(lab.root / "curve.ipynb", [TRAINING])
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    lab.run(page, "curve.ipynb")
    done = page.locator(".jp-OutputArea", has_text="trained to the end")
    page.wait_for_function(f"{SOURCE} !== undefined", timeout=60_000)
    for _ in range(2):
        source = page.evaluate(SOURCE)
        page.wait_for_function(f"source => {SOURCE} !== source", arg=source, timeout=20_000)
    assert done.count() == 0  # it trains until it is told that it is enough
    (lab.root / "enough").touch()
    done.first.wait_for(timeout=60_000)
    page.wait_for_timeout(500)
    pictures = page.locator(".jp-OutputArea img")
    assert pictures.count() == 1
    assert pictures.first.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [
        576,
        232,
    ]
    page.close()
