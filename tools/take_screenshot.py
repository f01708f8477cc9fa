"""Take the README's screenshot: the first notebook in JupyterLab after two real clicks.

``python tools/take_screenshot.py`` (or ``make figures``) writes ``assets/figures/first_click.png``.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.driver import chromium, jupyter_lab  # noqa: E402

NOTEBOOK = "00_first_click.ipynb"
# True when the kernel has run every cell: only then does it answer clicks.
ALL_RUN = """() => {
  const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
  const cells = content.widgets.filter((cell) => cell.model.type === 'code');
  return cells.every((cell) => cell.model.executionCount)
    && sessionContext.session.kernel.status === 'idle';
}"""
TARGET = ROOT / "assets" / "figures" / "first_click.png"


def main() -> None:
    """Open the notebook, click on the flower and on a leaf, and save a screenshot."""
    with tempfile.TemporaryDirectory() as name, jupyter_lab(Path(name)) as lab, chromium() as b:
        shutil.copy(ROOT / "notebooks" / NOTEBOOK, name)
        page = b.new_page(viewport={"width": 1040, "height": 960})
        clicker = lab.open(page, NOTEBOOK)
        page.wait_for_function(ALL_RUN, timeout=180_000)
        page.keyboard.press("Control+b")  # close the file list
        if page.get_by_role("button", name="No", exact=True).count():
            page.get_by_role("button", name="No", exact=True).click()
        clicker.canvas.scroll_into_view_if_needed()
        clicker.click(310, 222)
        clicker.click(100, 100, button="right")
        clicker.wait_for_status("1 background click; graph-cut took")
        buttons = page.locator(".tutorial-click-canvas button")
        buttons.filter(has_text="Save").first.scroll_into_view_if_needed()
        page.mouse.move(900, 900)
        page.wait_for_timeout(500)
        picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(TARGET, optimize=True)
    print(TARGET)


if __name__ == "__main__":
    main()
