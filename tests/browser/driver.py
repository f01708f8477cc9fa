"""Start JupyterLab or Voila and drive the widget in a browser as a person would."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tutorial_lib.doctor import BROWSER_VARIABLE, find_browser

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
START_SECONDS = 90
# On a busy machine a page is shown long before it is ready. Without a kernel, Run All Cells does
# nothing; and a cell that runs before the widgets' extension is loaded shows text and keeps it.
READY = """() => {
  const app = window.jupyterapp, session = app?.shell.currentWidget?.sessionContext;
  const kernel = session?.session?.kernel;
  return app?.isPluginActivated('@jupyter-widgets/jupyterlab-manager:plugin') && session?.isReady
    && kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""


VIEWPORT = {"width": 1200, "height": 1000}
# In a page that shows Lab already, a notebook opens in a second; Lab itself needs several.
OPEN = """async ([path, theme]) => {
  const app = window.jupyterapp;
  await app.restored;
  app.shell.expandLeft();
  if (document.body.dataset.jpThemeName !== theme)
    await app.commands.execute('apputils:change-theme', { theme });
  const panel = await app.commands.execute('docmanager:open', { path });
  app.shell.activateById(panel.id);
}"""
# Lab itself ends the kernels. If only the server does, Lab may take the next kernel for dead.
CLOSE = """async () => {
  for (const panel of [...window.jupyterapp.shell.widgets('main')]) {
    await panel.sessionContext?.shutdown();
    panel.dispose();
  }
}"""
LOST_SECONDS = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def isolated_environment(folder: Path) -> dict[str, str]:
    names = (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
        "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "TUTORIAL_LIB_HOME",
    )  # fmt: skip
    for name in names:
        (folder / name).mkdir(exist_ok=True)
    return {**os.environ, **{name: str(folder / name) for name in names}}


@contextmanager
def serving(command: list[str], folder: Path, url: str) -> Iterator[None]:
    """Run ``python -m COMMAND`` in a folder while the block runs, once it answers at a URL."""
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder, env=isolated_environment(folder),
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(url, process, log)
        yield
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """End a server and the processes it started."""
    if not hasattr(os, "killpg"):  # Windows has no process groups to signal
        process.kill()
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(f"{url} never answered:\n{log.read_text()[-3000:]}")


@dataclass
class Server:
    url: str
    token: str
    root: Path

    def run(self, page: Page, notebook: str, theme: str = "JupyterLab Light") -> None:
        """Open a notebook of the root folder, and run all its cells."""
        self._show(page, notebook, theme)
        try:
            wait_until_ready(page, LOST_SECONDS)
        except PlaywrightError:  # Lab has lost the kernel: load it anew, as a person would
            page.goto("about:blank")
            self._show(page, notebook, theme)
            wait_until_ready(page)
        run_all(page)

    def _show(self, page: Page, notebook: str, theme: str) -> None:
        if not page.url.startswith(f"{self.url}/lab"):
            page.goto(f"{self.url}/lab?token={self.token}&reset")
            page.wait_for_function("window.jupyterapp", timeout=START_SECONDS * 1000)
        page.evaluate(OPEN, [notebook, theme])
        page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")

    def open(self, page: Page, notebook: str, **options) -> Clicker:
        """Run a notebook, and wait for its widget."""
        self.run(page, notebook, **options)
        clicker = Clicker(page)
        clicker.wait_until_shown()
        return clicker

    def end_kernels(self) -> None:
        """End the kernels of all notebooks, which else stay when their page is closed."""
        for session in self._ask("GET", "/api/sessions"):
            self._ask("DELETE", f"/api/sessions/{session['id']}")

    def _ask(self, method: str, path: str) -> list | None:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")


def wait_until_ready(page: Page, seconds: float = START_SECONDS) -> None:
    """Wait until the open notebook, in Lab or Notebook 7, has a kernel and can show widgets."""
    page.wait_for_function(READY, timeout=seconds * 1000)


def close_notebooks(page: Page) -> None:
    """Close all notebooks of a page that goes on with others."""
    page.evaluate(CLOSE)


def run_all(page: Page) -> None:
    """Run all cells of the open notebook, in Lab or Notebook 7."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


@contextmanager
def jupyter_lab(folder: Path) -> Iterator[Server]:
    """Serve a folder in JupyterLab while the block runs."""
    port, token = free_port(), secrets.token_hex(8)
    url = f"http://127.0.0.1:{port}"
    command = [
        "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    with serving(command, folder, f"{url}/api?token={token}"):
        yield Server(url, token, folder)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser while the block runs; one that is missing is an error, never a skip."""
    with sync_playwright() as playwright:
        path = find_browser() or playwright.chromium.executable_path
        if not Path(path).exists():
            raise RuntimeError(
                "The browser tests need Chromium: `apt-get install chromium`, or `python -m "
                f"playwright install chromium`, or set {BROWSER_VARIABLE} to its path."
            )
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


PHOTO = """
import cv2, numpy as np, ipywidgets
from skimage import data
from tutorial_lib import ClickCanvas
photo = cv2.resize(data.astronaut(), (640, 480), interpolation=cv2.INTER_AREA)
"""
WIDGET = """
canvas = ClickCanvas(photo, name="astronaut")
probe = ipywidgets.HTML()
probe.add_class("probe")
def tell(_=None):
    probe.value = canvas.session.clicks.to_json()
canvas.panel.status.observe(tell, "value")
tell()
ipywidgets.VBox([canvas, probe])
"""


def write_notebook(path: Path, cells: list[str], before: int = 0) -> None:
    """Write a notebook of code cells, below as many tall markdown cells as asked for."""
    tall = [nbformat.v4.new_markdown_cell("filler\n\n" * 12) for _ in range(before)]
    notebook = nbformat.v4.new_notebook(
        cells=[*tall, *map(nbformat.v4.new_code_cell, cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}},
    )
    nbformat.write(notebook, path)


class Clicker:
    """The widget as a person sees it: a canvas, a status line, some buttons."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.canvas = page.locator("canvas.tutorial-photo").first
        self.status = page.locator(".tutorial-click-canvas div[role=status]").first
        self.probe = page.locator(".probe").first

    def wait_until_shown(self) -> None:
        try:
            self.canvas.wait_for(timeout=90_000)
            self.wait("([x, y, r, g, b, a]) => a === 255", 100, 100)
        except PlaywrightError as error:
            words = self.page.locator(".jp-OutputArea").all_inner_texts()
            raise AssertionError(f"The widget never appeared; the page says: {words}") from error

    def pixel(self, x: int, y: int) -> list[int]:
        return self.canvas.evaluate(
            "(c, [x, y]) => [...c.getContext('2d').getImageData(x, y, 1, 1).data]", [x, y]
        )

    def wait(self, condition: str, x: int, y: int, timeout: float = 20_000) -> None:
        """Wait until a condition on ``[x, y, r, g, b, a]`` of one canvas pixel holds."""
        self.page.wait_for_function(
            "([x, y, condition]) => { const c = document.querySelector('canvas.tutorial-photo');"
            " if (!c) return false;"
            " const d = c.getContext('2d').getImageData(x, y, 1, 1).data;"
            " return eval(condition)([x, y, ...d]); }",
            arg=[x, y, condition],
            timeout=timeout,
        )

    def clicks(self) -> list[list]:
        return json.loads(self.probe.inner_text())

    def wait_for_kernel(self, fits: Callable[[list], object], what: str) -> list:
        """Wait until the kernel's clicks fit, and return them; they come after the status line."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if fits(got := self.clicks()):
                return got
            self.page.wait_for_timeout(50)
        raise AssertionError(f"The kernel has {self.clicks()}, not {what}.")

    def wait_for_clicks(self, *expected: list) -> None:
        """Wait until the kernel has these clicks; a screen position may round to the next pixel."""

        def fits(got: list) -> bool:
            return len(got) == len(expected) and all(
                abs(a[0] - b[0]) <= 1 and abs(a[1] - b[1]) <= 1 and a[2] == b[2]
                for a, b in zip(got, expected, strict=True)
            )

        self.wait_for_kernel(fits, f"the clicks {list(expected)}")

    def wait_for_box(self, *expected: int) -> None:
        """Wait until all that the kernel has is a box: its top, left, bottom and right."""

        def fits(got: list) -> bool:
            sides = got[0].get("box", []) if len(got) == 1 and isinstance(got[0], dict) else []
            return len(sides) == 4 and all(
                abs(a - b) <= 1 for a, b in zip(sides, expected, strict=True)
            )

        self.wait_for_kernel(fits, f"the box {expected}")

    def wait_for_status(self, text: str) -> None:
        self.page.wait_for_function(
            "text => [...document.querySelectorAll('.tutorial-click-canvas div[role=status]')]"
            ".some(line => line.innerText.includes(text))",
            arg=text,
            timeout=20_000,
        )

    def click(self, x: int, y: int, **options) -> None:
        self.canvas.click(position={"x": x, "y": y}, **options)

    def wait_until_lower_than(self, y: float) -> None:
        """Wait until the page has scrolled the canvas down."""
        self.page.wait_for_function(
            "y => document.querySelector('canvas.tutorial-photo').getBoundingClientRect().y > y",
            arg=y,
            timeout=10_000,
        )

    def drag(self, start: tuple[int, int], end: tuple[int, int], button: str = "left") -> None:
        box, mouse = self.canvas.bounding_box(), self.page.mouse
        mouse.move(box["x"] + start[0], box["y"] + start[1])
        mouse.down(button=button)
        for step in (0.3, 0.6, 1.0):
            x, y = (a + step * (b - a) for a, b in zip(start, end, strict=True))
            mouse.move(box["x"] + x, box["y"] + y)
            self.page.wait_for_timeout(60)
        mouse.up(button=button)

    def press(self, label: str) -> None:
        self.page.locator(".tutorial-click-canvas button", has_text=label).first.click()

    def upload(self, file) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.press("Open a photo")
        chooser.value.set_files(file)
