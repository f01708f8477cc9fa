"""What `make lab` starts: the first notebook itself, from the command to the mask."""

from __future__ import annotations

import shutil

from tests.browser.driver import Clicker, free_port, serving, wait_until_ready
from tutorial_lib.paths import bundled

TOKEN = "only-on-this-machine"


def test_the_lab_command_opens_the_first_notebook_and_it_answers_clicks(browser, tmp_path):
    notebooks = tmp_path / "course"
    shutil.copytree(bundled("notebooks"), notebooks)
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [
        "tutorial_lib", "lab", "--folder", str(notebooks), "--no-browser",
        "--ServerApp.ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}",
        "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    with serving(command, tmp_path, f"{url}/api?token={TOKEN}"):
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(f"{url}/?token={TOKEN}")  # where the browser is sent to: Lab's default address
        wait_until_ready(page)
        assert "00_first_click.ipynb" in page.url
        page.get_by_role("heading", name="First click").first.wait_for()
        page.locator(".jp-CodeCell").first.click()
        page.keyboard.press("Shift+Enter")
        clicker = Clicker(page)
        clicker.wait_until_shown()
        clicker.click(310, 222)
        clicker.click(100, 100, button="right")
        clicker.wait_for_status("1 object click, 1 background click; graph-cut took")
        clicker.wait_for_status("; IoU 0.")
        clicker.wait("([x, y, r, g, b]) => b > 90", 330, 250)
        page.close()
