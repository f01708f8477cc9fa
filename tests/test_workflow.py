"""What is claimed was run: no test is skipped in silence, and untried systems are called so."""

import ast

import pytest
import yaml

from tests.support import ROOT

TESTS = sorted((ROOT / "tests").rglob("*.py"))
JOBS = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]["test"]
TRIED = {("Linux", "3.11")}  # where `make test` has been run; extend it when it has


def skips(tree):
    """Return what lets a test be skipped for another reason than its system or processor."""
    asked = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "skipif"
        and ast.unparse(node.args[0]).startswith(("platform.system()", "platform.machine()"))
    }
    words = ("importorskip", "skip", "skipif", "xfail")
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in words
        and ast.unparse(node.value) in ("pytest", "pytest.mark")
        and id(node) not in asked
    ]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_what_is_missing_fails_and_is_not_skipped(path):
    assert skips(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("pytest.importorskip('torch')", ["pytest.importorskip"]),
        ("if not browser: pytest.skip('no browser')", ["pytest.skip"]),
        (
            "@pytest.mark.skipif(not weights.exists(), reason='')\ndef test(): pass",
            ["pytest.mark.skipif"],
        ),
        ("@pytest.mark.xfail\ndef test(): pass", ["pytest.mark.xfail"]),
        ("@pytest.mark.skipif(platform.system() == 'Windows', reason='')\ndef test(): pass", []),
    ],
)
def test_a_skip_is_noticed(code, found):
    assert skips(ast.parse(code)) == found


def test_the_workflow_says_what_was_never_run():
    for job in JOBS["strategy"]["matrix"]["include"]:
        assert job["untried"] is ((job["system"], job["python"]) not in TRIED)
    assert "untried" in JOBS["name"]
    assert JOBS["continue-on-error"] == "${{ matrix.untried }}"


def test_the_readme_claims_no_more():
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert (
        "has been run on Linux (x86-64, Python 3.11); nobody has tried macOS or Windows yet."
        in text
    )


def test_the_package_claims_no_more():
    assert "Operating System" not in (ROOT / "pyproject.toml").read_text()
