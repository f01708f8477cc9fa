"""Commands that errors, help and model cards tell people to run: each must exist."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import typer
from packaging.utils import canonicalize_name

from tests.support import ROOT
from tutorial_lib import cli
from tutorial_lib.training.recipes import RECIPES

PACKAGE = Path(cli.__file__).parent
APP = typer.main.get_command(cli.app)
END = r"[^`\"'\n;]*"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"].values()
PACKAGES = {
    canonicalize_name(re.match(r"[\w.-]+", text)[0])
    for texts in (PROJECT["dependencies"], *EXTRAS)
    for text in texts
}


def texts():
    """Yield every text in the package's code, f-strings joined, and every model card."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path.name, node.value
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "X" for p in node.values)
                yield path.name, "".join(parts)
    for path in sorted((ROOT / "assets" / "weights").glob("*.md")):
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        for name, value in re.findall(r'^([A-Z]+)="(.*)"$', text, re.MULTILINE):
            text = text.replace(f"${name}", value).replace(f'{name}="{value}"', "")
        yield path.name, text


def found(pattern):
    hits = {
        (name, m.group(1).strip()) for name, text in texts() for m in re.finditer(pattern, text)
    }
    return [pytest.param(hit, id=f"{name}: {hit[:60]}") for name, hit in sorted(hits)]


def problem(command):
    """Say what is wrong with a command of this package, as far as it is spelt out."""
    words = command.split()
    if words[0] not in APP.commands:
        return f"there is no command {words[0]}"
    if words[0] == "lab":
        return ""  # it hands further options on
    options = {name: each for each in APP.commands[words[0]].params for name in each.opts}
    positional = []
    rest = iter(words[1:])
    for word in rest:
        if word.startswith("--") and word not in options:
            return f"there is no option {word}"
        if not word.startswith("--"):
            positional.append(word)
        elif not options[word].is_flag:
            next(rest, None)
    recipe = positional[0] if words[0] == "train" and positional else ""
    return f"there is no recipe {recipe}" if recipe.islower() and recipe not in RECIPES else ""


@pytest.mark.parametrize("command", found(rf"python -m tutorial_lib ([a-z]{END})"))
def test_a_command_of_this_package_exists(command):
    assert problem(command) == ""


@pytest.mark.parametrize("script", found(r"python (tools/\w+\.py)"))
def test_a_script_exists(script):
    assert (ROOT / script).is_file()


@pytest.mark.parametrize("name", found(r"pip install (?:--\S+ )*'?([A-Za-z]\w[\w-]*)"))
def test_a_package_to_install_is_one_of_ours(name):
    assert canonicalize_name(name) in PACKAGES


@pytest.mark.parametrize("file", found(r"git restore (\S+/)X?"))
def test_a_folder_to_restore_exists(file):
    assert (ROOT / file).is_dir()


@pytest.mark.parametrize("target", found(r"(?:^|[`(])make ([a-z][\w-]*)`?"))
def test_a_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("fetsch davis", "no command fetsch"),
        ("train dos-8s --dta DATA", "no option --dta"),
        ("train dos-9s --data DATA", "no recipe dos-9s"),
        ("train dos-8s --data DATA --out RUN", ""),
    ],
)
def test_a_wrong_command_would_be_found(command, text):
    assert text in problem(command) and bool(text) == bool(problem(command))
