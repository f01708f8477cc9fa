"""What the package offers comes through a front door, is explained, and has one name."""

import ast
import doctest
import importlib
import inspect
import re
import subprocess
import sys
from collections import defaultdict

import pytest

from tests.support import ROOT
from tests.test_imports import TREES, is_public
from tests.test_notebook_code import NOTEBOOKS, code_cells

PACKAGE = ROOT / "tutorial_lib"
DOORS = [
    ".".join(path.parent.relative_to(ROOT).parts) for path in sorted(PACKAGE.rglob("__init__.pyi"))
]
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def offered(door):
    """Return everything a front door offers but modules, by name."""
    module = importlib.import_module(door)
    found = {name: getattr(module, name) for name in module.__all__}
    return {name: value for name, value in found.items() if not inspect.ismodule(value)}


EVERYTHING = {f"{door}.{name}": value for door in DOORS for name, value in offered(door).items()}
FUNCTIONS = {name: value for name, value in EVERYTHING.items() if inspect.isfunction(value)}
CLASSES = {name: value for name, value in EVERYTHING.items() if inspect.isclass(value)}
METHODS = {
    f"{name}.{inner}": method
    for name, kind in CLASSES.items()
    for inner, method in vars(kind).items()
    if is_public(inner)
    and inspect.isfunction(method)
    and kind.__module__.startswith("tutorial_lib")
}
OWN = {
    name: value
    for name, value in {**FUNCTIONS, **CLASSES, **METHODS}.items()
    if (getattr(value, "__module__", "") or "").startswith("tutorial_lib")
}


def test_every_room_that_is_entered_has_a_front_door():
    rooms = {"classical", "data", "deep", "evaluation", "images", "plots", "training", "users"}
    assert set(DOORS) >= {"tutorial_lib", "tutorial_lib.widgets"}
    assert set(DOORS) >= {f"tutorial_lib.{room}" for room in rooms}


@pytest.mark.parametrize("door", DOORS)
def test_everything_a_front_door_promises_is_there(door):
    module = importlib.import_module(door)
    assert len(module.__all__) == len(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("door", DOORS)
def test_no_front_door_loads_anything_by_itself(door):
    code = f"import {door}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded & {"numpy", "torch", "cv2", "matplotlib", "ipywidgets", "ipycanvas"} == set()


@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_is_not_offered_is_named(door):
    with pytest.raises(AttributeError, match="nonsense"):
        _ = importlib.import_module(door).nonsense


# -- who comes in ----------------------------------------------------------------------------------


def imports_of(source):
    """Yield what a text imports from the package: module and name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from ((name, None) for name in names if name.split(".")[0] == "tutorial_lib")
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "tutorial_lib":
            yield from ((node.module, alias.name) for alias in node.names)


def through_a_door(module, name):
    return module in DOORS and (name is None or name in importlib.import_module(module).__all__)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_come_in_through_front_doors(name):
    sources = ["".join(cell.source) for cell in code_cells(name)]
    plain = ["\n".join(x for x in s.splitlines() if not x.startswith(("%", "!"))) for s in sources]
    found = [pair for source in plain for pair in imports_of(source)]
    assert [pair for pair in found if not through_a_door(*pair)] == []


def test_readme_comes_in_through_front_doors():
    blocks = FENCE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    found = [pair for block in blocks for pair in imports_of(block)]
    assert len(blocks) > 1 and found
    assert [pair for pair in found if not through_a_door(*pair)] == []


# -- one thing, one name ---------------------------------------------------------------------------


def test_no_two_public_things_share_a_name():
    homes = defaultdict(set)
    for module, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and is_public(node.name):
                homes[node.name].add(module)
    commands = {"tutorial_lib.cli", "tutorial_lib.checkup"}  # named as a person types them
    shared = {name: found - commands for name, found in homes.items() if len(found - commands) > 1}
    assert shared == {}


def test_two_front_doors_offer_the_same_thing_under_the_same_name():
    things = defaultdict(list)
    for full, value in EVERYTHING.items():
        things[full.rpartition(".")[2]].append(value)
    assert [name for name, values in things.items() if len(set(map(id, values))) > 1] == []


# -- explained -------------------------------------------------------------------------------------


def explained(name):
    return inspect.getdoc(OWN[name]) or ""


def overrides(name):
    """Whether a method stands in for one of a base class, which explains it."""
    if name not in METHODS:
        return False
    kind, inner = CLASSES[name.rpartition(".")[0]], name.rpartition(".")[2]
    return any(hasattr(base, inner) for base in kind.__mro__[1:])


@pytest.mark.parametrize("name", sorted(OWN))
def test_what_is_offered_is_explained(name):
    value, text = OWN[name], explained(name)
    assert text and text.splitlines()[0].endswith((".", "?"))
    if inspect.isclass(value) or overrides(name) or text.startswith("See :meth:"):
        return
    signature = inspect.signature(value)
    if named := [p for p in signature.parameters if p not in ("self", "cls")]:
        section = text.partition("\nParameters\n----------\n")[2]
        missing = [p for p in named if not re.search(rf"\b{p}\b", section)]
        assert not missing, f"parameters that are not explained: {missing}"
    returns = signature.return_annotation not in (None, "None", inspect.Signature.empty)
    if returns and (named or not text.startswith("Return ")):
        assert re.search(r"\n(Returns|Yields)\n-+\n", text), "no section Returns"


@pytest.mark.parametrize("name", sorted(name for name in OWN if ">>>" in explained(name)))
def test_examples_run(name, tmp_path, monkeypatch, registries):
    monkeypatch.chdir(tmp_path)
    value = OWN[name]
    scope = dict(vars(inspect.getmodule(value)))
    (example,) = doctest.DocTestFinder(recurse=False).find(value, name, globs=scope)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    report = []
    runner.run(example, out=report.append)
    assert runner.failures == 0, "".join(report)
