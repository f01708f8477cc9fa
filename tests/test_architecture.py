"""ARCHITECTURE.md is one page, and every path it names exists."""

import re

from tests.support import ROOT
from tests.test_imports import PACKAGE

TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PATHS = re.findall(r"`([\w./-]+(?:/|\.(?:py|pyi|md|json|ipynb|toml)))`", TEXT)


def test_it_names_paths_and_all_exist():
    assert len(PATHS) > 30
    missing = [path for path in PATHS if not ((ROOT / path).exists() or (PACKAGE / path).exists())]
    assert missing == []


def test_it_draws_every_room():
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert {room for room in rooms if f"{room}/" not in TEXT} == set()


def test_it_is_one_page():
    assert len(TEXT.splitlines()) <= 120
