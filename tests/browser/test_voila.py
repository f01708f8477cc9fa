"""The first notebook as a Voila page: no Lab, no code, the same widget."""

from __future__ import annotations

from pathlib import Path

from tests.browser.driver import PHOTO, WIDGET, Clicker, free_port, serving, write_notebook


def test_the_widget_answers_clicks_in_voila(browser, tmp_path):
    write_notebook(tmp_path / "page.ipynb", [PHOTO + WIDGET])
    port = free_port()
    command = ["voila", "page.ipynb", "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    with serving(command, tmp_path, f"http://127.0.0.1:{port}/"):
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.goto(f"http://127.0.0.1:{port}/")
        clicker = Clicker(page)
        clicker.wait_until_shown()
        clicker.click(300, 360)
        clicker.click(60, 60, button="right")
        clicker.wait_for_clicks([360, 300, True], [60, 60, False])
        clicker.wait_for_status("graph-cut took")
        clicker.wait("([x, y, r, g, b]) => b > 100 && b > r", 330, 380)
        clicker.press("Save")
        with page.expect_download() as download:
            page.get_by_role("link", name="astronaut-mask.png").click()
        assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
        page.close()
