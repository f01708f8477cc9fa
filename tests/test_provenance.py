"""A figure knows its source: what changes an answer changes the hash, and nothing else does."""

import functools
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from tests.support import one_sentence
from tutorial_lib.classical.graph_cut import GraphCut
from tutorial_lib.evaluation import provenance
from tutorial_lib.evaluation.provenance import made_from, option_files, plain_options, source_of

pytestmark = pytest.mark.slow  # it names networks, and none answers
METHOD = """
from math import sqrt
HALF = 0.5
STEPS = {"coarse": 4}
KINDS = {"a", "b", "c"}
CACHE = {}
def helper(x):
    return x * 2
def unused(x):
    return x
class Base:
    def prepare(self, image):
        return helper(image)
class Mine(Base):
    size = 3
    def __init__(self, lam=0.5):
        self.lam = lam
    @staticmethod
    def rule(x):
        return x > HALF
    def segment(self, prepared, clicks):
        return [self.rule(x) and x in KINDS for x in prepared] + [STEPS["coarse"], CACHE, sqrt(4)]
"""


@pytest.fixture
def source(monkeypatch):
    """Run a text as somebody's own module, and hash the class ``Mine`` in it."""

    def of(text):
        module = types.ModuleType("mine")
        monkeypatch.setitem(sys.modules, "mine", module)
        exec(compile(text, "<a notebook cell>", "exec"), module.__dict__)
        return source_of(module.Mine)

    return of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x > HALF", "x >= HALF"),
        ("HALF = 0.5", "HALF = 0.4"),
        ('{"coarse": 4}', '{"coarse": 5}'),
        ('"c"}', '"d"}'),
        ("x * 2", "x * 3"),
        ("helper(image)", "helper(image) + 1"),
        ("size = 3", "size = 4"),
        ("lam=0.5", "lam=0.6"),
        ("sqrt(4)", "sqrt(5)"),
        ("    @staticmethod\n    def rule(x)", "    @staticmethod\n    def rule(x, y=1)"),
    ],
)
def test_code_that_was_mended_has_another_hash(source, old, new):
    assert source(METHOD.replace(old, new)) != source(METHOD)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("HALF = 0.5", "\n\n# One half.\nHALF = 0.5"),
        ("    return x\nclass", "    return -x\nclass"),
        ("CACHE = {}", "CACHE = {1: object()}"),
    ],
)
def test_layout_caches_and_code_that_is_not_used_do_not_count(source, old, new):
    changed = METHOD.replace(old, new)
    assert changed != METHOD
    assert source(changed) == source(METHOD)


def test_other_modules_of_the_author_are_followed(source, monkeypatch):
    def with_helper(body):
        tools = types.ModuleType("my_tools")
        exec(f"def twice(x):\n    return {body}", tools.__dict__)
        monkeypatch.setitem(sys.modules, "my_tools", tools)
        text = "import my_tools\nclass Mine:\n    def prepare(self, x): return my_tools.twice(x)"
        return source(text)

    assert with_helper("2 * x") != with_helper("3 * x")
    assert with_helper("2 * x") == with_helper("2 * x")


def test_closures_and_partials_are_followed():
    def make(factor):
        def build(lam=1):
            return factor * lam

        return build

    assert source_of(make(2)) != source_of(make(3))
    assert source_of(functools.partial(make(2), lam=2)) != source_of(make(2))
    assert source_of(functools.partial(make(2), 2)) == source_of(functools.partial(make(2), 2))


def test_constant_arrays_count(source):
    text = (
        "import numpy as np\nA = np.array([1, {}])\nclass Mine:\n    def prepare(self, x): return A"
    )
    assert source(text.format(2)) != source(text.format(3))


def test_the_hash_is_the_same_in_every_process(tmp_path):
    (tmp_path / "mine.py").write_text(METHOD)
    code = (
        "import mine; from tutorial_lib.evaluation.provenance import source_of;"
        "print(source_of(mine.Mine))"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": f"{tmp_path}:{Path.cwd()}", "PYTHONHASHSEED": seed},
        ).stdout
        for seed in "12"
    }
    assert len(hashes) == 1


def test_our_own_methods_are_hashed_as_a_whole(monkeypatch, tmp_path):
    assert source_of(GraphCut) == source_of(object)
    (tmp_path / "part.py").write_text("a = 1")
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path)
    first = made_from()["library"]
    (tmp_path / "part.py").write_text("a = 2")
    second = made_from()["library"]
    (tmp_path / "part.py").rename(tmp_path / "peace.py")
    assert len({first, second, made_from()["library"]}) == 3


def test_versions_of_what_computes_are_known():
    packages = made_from()["packages"]
    assert packages["numpy"] == np.__version__
    assert packages["python"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Path("a") / "b", "a/b"),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.arange(3), [0, 1, 2]),
        (float("inf"), "inf"),
        (np.float64("nan"), "nan"),
        ((1, {2: {"x"}}), [1, {"2": ["x"]}]),
        (np.str_("text"), "text"),
        (None, None),
    ],
)
def test_options_become_values_of_json(value, plain):
    found = plain_options("m", {"option": value})
    assert found == {"option": plain}
    assert type(found["option"]) is type(plain)


@pytest.mark.parametrize("value", [object(), b"bytes", [lambda: 1], {"a": object()}])
def test_an_option_that_cannot_be_recorded_is_named(value):
    with pytest.raises(ValueError, match="option lam of the method graph-cut is a") as caught:
        plain_options("graph-cut", {"lam": value})
    assert one_sentence(caught.value)


def test_files_that_options_name_are_hashed(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"one")
    options = {"weights": str(path), "same": "~/weights.safetensors", "size": 3, "name": "dos"}
    options |= {"empty": "", "folder": str(tmp_path), "odd": "\0"}
    before = option_files(options)
    assert list(before) == ["weights", "same"]
    assert before["weights"] == before["same"]
    path.write_bytes(b"two")
    assert option_files(options)["weights"] != before["weights"]
