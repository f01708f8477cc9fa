"""A real JupyterLab and a real browser, all on this machine alone."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

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


@pytest.fixture(scope="session")
def context_with(browser: Browser) -> Callable[..., BrowserContext]:
    """Return one context for each kind of person: Lab's scripts are loaded once in each."""

    @functools.cache
    def context(**settings) -> BrowserContext:
        return browser.new_context(viewport={"width": 1200, "height": 1000}, **settings)

    return context


@pytest.fixture
def open_in_lab(
    lab: Server, context_with: Callable[..., BrowserContext]
) -> Iterator[Callable[..., Clicker]]:
    pages = []

    def open_(cells: list[str] | None = None, before: int = 0, **settings) -> Clicker:
        name = f"test-{secrets.token_hex(3)}.ipynb"
        write_notebook(lab.root / name, cells or [PHOTO + WIDGET], before)
        pages.append(context_with(**settings).new_page())
        return lab.open(pages[-1], name)

    yield open_
    for page in pages:
        page.close()
    lab.end_kernels()
