import builtins
import importlib.metadata
import sys

import pytest

from tutorial_lib import doctor
from tutorial_lib.doctor import Check, device, examine, find_browser
from tutorial_lib.paths import bundled, data_folder, user_folder


def finding(name):
    (check,) = [check for check in examine() if check.name == name]
    return check


def test_here_all_is_well():
    assert [check for check in examine() if check.state == "fail"] == []


def test_every_package_is_looked_at():
    names = [check.name for check in examine()]
    assert set(doctor.PACKAGES) <= set(names)
    assert len(names) == len(set(names))


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    version = importlib.metadata.version

    def without_torch(name):
        if name == "torch":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_torch)
    assert finding("torch") == Check("torch", "fail", "missing; run: pip install torch")


def test_an_old_python_fails(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 9))
    assert finding("Python").state == "fail"


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
    assert expected in finding("device").finding


def test_a_named_browser_is_taken(monkeypatch, tmp_path):
    browser = tmp_path / "browser"
    browser.touch()
    monkeypatch.setenv(doctor.BROWSER_VARIABLE, str(browser))
    assert find_browser() == str(browser)
    assert finding("test browser") == Check("test browser", "ok", str(browser))


def test_a_named_browser_that_is_not_there_is_not_taken(monkeypatch, tmp_path):
    monkeypatch.setenv(doctor.BROWSER_VARIABLE, str(tmp_path / "gone"))
    assert find_browser() is None


def test_without_a_browser_there_is_a_note(monkeypatch):
    monkeypatch.delenv(doctor.BROWSER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "")
    assert finding("test browser").state == "note"


def test_missing_notebooks_fail(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "bundled", lambda name: tmp_path)
    assert finding("notebooks") == Check("notebooks", "fail", "0 found")


def test_a_broken_sample_fails(monkeypatch):
    def broken(name):
        raise FileNotFoundError("The photo is missing.")

    monkeypatch.setattr("tutorial_lib.data.samples.load_sample", broken)
    assert finding("sample photos") == Check("sample photos", "fail", "The photo is missing.")


def test_no_datasets_is_a_note():
    assert data_folder() is None
    assert finding("datasets").state == "note"


def test_datasets_are_listed(monkeypatch, tmp_path):
    for name in ("grabcut", "davis"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TUTORIAL_LIB_DATA", str(tmp_path))
    assert finding("datasets") == Check("datasets", "ok", f"{tmp_path}: davis, grabcut")


def test_a_datasets_folder_that_is_not_there_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("TUTORIAL_LIB_DATA", str(tmp_path / "gone"))
    assert finding("datasets").state == "fail"


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
