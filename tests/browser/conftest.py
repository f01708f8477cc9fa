"""A real JupyterLab and a real browser, all on this machine alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.driver import (
    PHOTO,
    VIEWPORT,
    WIDGET,
    Clicker,
    Server,
    chromium,
    close_notebooks,
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
def pages() -> dict[frozenset, Page]:
    """A page that shows Lab for each kind of person: Lab is loaded once for each."""
    return {}


@pytest.fixture
def open_in_lab(
    lab: Server, browser: Browser, pages: dict[frozenset, Page], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Clicker]]:
    used, failed_before = set(), request.session.testsfailed

    def open_(
        cells: list[str] | None = None, before: int = 0, theme: str = "JupyterLab Light", **person
    ) -> Clicker:
        name = f"test-{secrets.token_hex(3)}.ipynb"
        write_notebook(lab.root / name, cells or [PHOTO + WIDGET], before)
        used.add(kind := frozenset(person.items()))
        page = pages.get(kind) or browser.new_page(viewport=VIEWPORT, **person)
        pages[kind] = page
        page.set_viewport_size(VIEWPORT)
        page.mouse.move(0, 0)
        return lab.open(page, name, theme=theme)

    yield open_
    for kind in used:
        if request.session.testsfailed > failed_before:
            pages.pop(kind).close()  # nobody knows what a failed test has left there
        else:
            close_notebooks(pages[kind])
    lab.end_kernels()
