"""The widget in Notebook 7."""

from __future__ import annotations

from tests.browser.driver import (
    PHOTO,
    WIDGET,
    Clicker,
    free_port,
    run_all,
    serving,
    wait_until_ready,
    write_notebook,
)

TOKEN = "only-on-this-machine"


def test_the_widget_answers_clicks_in_notebook_7(browser, tmp_path):
    write_notebook(tmp_path / "page.ipynb", [PHOTO + WIDGET])
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        "notebook", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={tmp_path}",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]  # fmt: skip
    with serving(command, tmp_path, f"{url}/api?token={TOKEN}"):
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(f"{url}/notebooks/page.ipynb?token={TOKEN}")
        wait_until_ready(page)
        run_all(page)
        clicker = Clicker(page)
        clicker.wait_until_shown()
        clicker.click(300, 360)
        clicker.click(60, 60, button="right")
        clicker.wait_for_clicks([360, 300, True], [60, 60, False])
        clicker.wait("([x, y, r, g, b]) => b > 100 && b > r", 330, 380)
        page.close()
