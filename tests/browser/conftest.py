"""A real JupyterLab and a real browser, all on this machine alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.driver import (
    PHOTO,
    WIDGET,
    Clicker,
    Server,
    chromium,
    jupyter_lab,
    write_notebook,
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with jupyter_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def open_in_lab(lab: Server, browser: Browser) -> Iterator[Callable[..., Clicker]]:
    contexts = []

    def open_(cells: list[str] | None = None, before: int = 0, **context) -> Clicker:
        name = f"test-{secrets.token_hex(3)}.ipynb"
        write_notebook(lab.root / name, cells or [PHOTO + WIDGET], before)
        contexts.append(browser.new_context(viewport={"width": 1200, "height": 1000}, **context))
        return lab.open(contexts[-1].new_page(), name)

    yield open_
    for context in contexts:
        context.close()
