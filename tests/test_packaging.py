"""The wheel holds everything, runs without the checkout, and the checkout betrays no machine."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import lazy_loader
import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import tutorial_lib
from tests.support import ROOT, easy_scene, forbidden, repository_files, text_of

BUILD = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
PHOTO, _, _ = easy_scene()


def clean_environment():
    """Return this environment without what would lead Python back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(command, folder):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Build from a copy of the checkout in which someone has already worked in JupyterLab."""
    source, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for path in repository_files():
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    checkpoint = source / "notebooks" / ".ipynb_checkpoints" / "draft.ipynb"
    checkpoint.parent.mkdir()
    checkpoint.write_text("{}")
    run([*BUILD, out, source], out)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def bare(wheel, tmp_path_factory):
    """Install the wheel and lazy_loader, and nothing else, into an environment of its own."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--quiet", "--no-input"]
    run([*pip, "install", "--no-deps", "--no-index", wheel], folder)
    shutil.copytree(Path(lazy_loader.__file__).parent, Path(site_packages(python), "lazy_loader"))
    return python


def site_packages(python):
    return run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], "/"
    ).strip()


@pytest.fixture
def furnished(bare, tmp_path):
    """Let the bare environment see the packages of this one, after its own."""
    # A plain line in a .pth file adds a folder, but does not read the .pth files in it: the
    # editable install of this environment stays unseen.
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    link = Path(site_packages(bare), "parent.pth")
    link.write_text("\n".join(sorted(ours)) + "\n")
    yield bare
    link.unlink()


def test_the_wheel_holds_library_assets_and_notebooks(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    library = {str(p.relative_to(ROOT)) for p in (ROOT / "tutorial_lib").rglob("*.py")}
    extras = {
        f"tutorial_lib/{path.relative_to(ROOT)}"
        for path in repository_files()
        if path.relative_to(ROOT).parts[0] in ("assets", "notebooks")
    }
    assert library <= packed
    assert extras <= packed
    assert len(extras) > 10


def test_the_wheel_holds_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        strays = [n for n in archive.namelist() if "__pycache__" in n or ".ipynb_checkpoints" in n]
    assert tops == {"tutorial_lib", f"tutorial_lib-{tutorial_lib.__version__}.dist-info"}
    assert strays == []


def test_the_bare_package_imports(bare, tmp_path):
    code = "import tutorial_lib; print(tutorial_lib.__version__)"
    assert run([bare, "-c", code], tmp_path).strip() == tutorial_lib.__version__


def test_the_bare_package_knows_what_it_needs(bare, tmp_path):
    code = "from importlib.metadata import requires; print(*requires('tutorial-lib'), sep='\\n')"
    needed = run([bare, "-c", code], tmp_path).splitlines()
    assert any(line.startswith("numpy") for line in needed)
    assert any(line.startswith("PyMaxflow") or line.startswith("pymaxflow") for line in needed)


def test_the_installed_package_comes_from_its_own_environment(furnished, tmp_path):
    code = "import tutorial_lib.segmenter as m; print(m.__file__)"
    assert run([furnished, "-c", code], tmp_path).startswith(site_packages(furnished))


def test_the_installed_package_lists_its_methods(furnished, tmp_path):
    listed = json.loads(run([furnished, "-m", "tutorial_lib", "methods", "--json"], tmp_path))
    assert [info["name"] for info in listed] == [i.name for i in tutorial_lib.methods()]


def test_the_installed_package_segments_a_photo(furnished, tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    clicks = ["--click", "24,32,+", "--click", "6,6,-"]
    run([furnished, "-m", "tutorial_lib", "segment", "photo.png", *clicks], tmp_path)
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.size == (64, 48)
        assert np.asarray(mask)[24, 32] == 255


def test_the_installed_package_brings_its_samples_and_notebooks(furnished, tmp_path):
    code = (
        "from tutorial_lib import load_sample; from tutorial_lib.paths import bundled;"
        "print(load_sample('flower').mask.any(), bundled('notebooks'))"
    )
    any_, notebooks = run([furnished, "-c", code], tmp_path).split()
    assert any_ == "True"
    assert notebooks.startswith(site_packages(furnished))


# -- the checkout ------------------------------------------------------------------------------

TEXTS = {
    path.relative_to(ROOT).as_posix(): text
    for path in repository_files()
    if (text := text_of(path)) is not None
}


def test_the_files_looked_at_are_those_of_the_repository():
    assert {"pyproject.toml", "tutorial_lib/images/reading.py", "tests/test_packaging.py"} <= set(
        TEXTS
    )
    assert not any("__pycache__" in name or name.startswith(".git/") for name in TEXTS)


@pytest.mark.parametrize("name", list(TEXTS))
def test_no_file_names_a_package_index_or_a_developers_folder(name):
    assert forbidden(TEXTS[name]) == []


@pytest.mark.parametrize(
    "text",
    [
        "pip install --index-url https://py" + "pi.org/simple",
        "see https://files.python" + "hosted.org/packages",
        "https://mirror.example/ro"
        + "ot/pypi/+sim"
        + "ple/ https://mirror.example/api/sim"
        + "ple/",
        'File "/ho' + 'me/ada/project/a.py", line 3',
        "cd /wo" + "rk/main",
        "C:\\Us" + "ers\\ada",
        "file:///Us" + "ers/ada",
    ],
)
def test_what_betrays_a_machine_is_found(text):
    assert forbidden(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/home/page",
        "a/wo" + "rk/b",
        "~/wo" + "rk",
        "/home/jovyan/wo" + "rk",
        "simple",
    ],
)
def test_what_betrays_no_machine_is_not(text):
    assert forbidden(text) == []


PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(lines):
    return {canonicalize_name(r.name): r.specifier for r in map(Requirement, lines)}


def test_the_installed_version_is_the_one_in_the_source():
    assert distribution("tutorial-lib").version == tutorial_lib.__version__


def test_the_tests_name_the_builder_they_need():
    assert "hatchling" in requirements(PYPROJECT["project"]["optional-dependencies"]["test"])


def test_the_constraints_are_pins_that_the_requirements_allow():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = requirements(line for line in lines if line and not line.startswith("#"))
    assert str(pins["torch"]) == "==2.13.0"
    allowed = requirements(PYPROJECT["project"]["dependencies"])
    for name, pin in pins.items():
        (exact,) = pin
        assert exact.operator == "=="
        assert name not in allowed or exact.version in allowed[name]


def test_the_conda_environment_installs_this_package():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"]
    assert any(isinstance(d, str) and d.startswith("python") for d in environment["dependencies"])
    pip = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert any(entry.startswith(("-e .", ".", "-r ")) for entries in pip for entry in entries)


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == tutorial_lib.__version__
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


def test_make_knows_the_two_promised_targets():
    targets = re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"lab", "test"} <= set(targets)
