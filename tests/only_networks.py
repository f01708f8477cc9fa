"""A pytest plugin that leaves only what computes with networks, and says on which processor.

``make plain-tests`` runs tests and notebooks of networks again while torch is told to use fewer
instructions than the processor has. A file is about networks if it imports torch or the parts of
the package that need it, or names one of its methods: nobody has to keep a list. Test files that
train networks are left out, because only answers are compared across processors. So is a test of
each method for methods without a network. A file that is found although its networks answer little
says so itself: it is marked ``slow``.
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import pytest
import torch

from tests.support import text_of
from tutorial_lib.registry import methods

NAMES = "|".join(info.name for info in methods() if info.kind == "deep")
CLASSICAL = {info.name for info in methods() if info.kind == "classical"}
ABOUT_NETWORKS = re.compile(
    rf"""^\s*(from|import)\s(torch|tutorial_lib\.(deep|training))\b
    |^\s*from\stutorial_lib\simport\s.*\b(deep|training)\b
    |["']({NAMES})["']""",
    re.MULTILINE | re.VERBOSE,
)


TRAINS = re.compile(r"^\s*(from|import)\stutorial_lib\.training\b", re.MULTILINE)


def about_networks(path: Path) -> bool:
    """Whether networks answer in a test file or a notebook."""
    text = text_of(path) or ""
    trains = path.suffix == ".py" and TRAINS.search(text)
    return bool(ABOUT_NETWORKS.search(text)) and not trains


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out files that are not about networks."""
    if collection_path.suffix in (".py", ".ipynb") and not collection_path.name.startswith("_"):
        return None if about_networks(collection_path) else True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests whose parameter is a method without a network."""
    others = [item for item in items if of_classical_method(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


def of_classical_method(item: pytest.Item) -> bool:
    """Whether a test is parametrised with the name of a classical method."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return any(isinstance(value, str) and value in CLASSICAL for value in values)


def pytest_configure() -> None:
    """Stop where torch does not compute as it was asked to; elsewhere names are other ones."""
    asked, used = os.environ.get("ATEN_CPU_CAPABILITY"), torch.backends.cpu.get_cpu_capability()
    if asked and platform.machine() in ("x86_64", "AMD64") and asked.upper() != used:
        raise pytest.UsageError(f"torch was asked to compute with {asked}, but takes {used}.")


def pytest_report_header() -> str:
    """Say with what torch computes."""
    used, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
    return f"networks: computed with {used}, threads: {threads}"
