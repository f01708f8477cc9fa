import json
import platform
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support import forbidden
from tutorial_lib.evaluation import machine as module
from tutorial_lib.evaluation.machine import commit, cores, machine, peak_megabytes


def test_the_machine_is_described_for_json():
    found = machine()
    assert json.loads(json.dumps(found)) == found
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["cores"] == cores() >= 1


def test_neither_user_nor_host_nor_folder_is_named():
    text = json.dumps(machine())
    assert forbidden(text) == []
    assert platform.node() == "" or platform.node() not in text


def test_describing_the_machine_imports_no_torch():
    code = (
        "from tutorial_lib.evaluation.machine import machine; machine();"
        "import sys; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_processor_is_read_from_linux_own_list(monkeypatch, tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("processor : 0\nmodel name\t: Abacus 9 @ 1 Hz\nmodel name\t: other\n")
    monkeypatch.setattr(module, "_CPU_FILE", path)
    assert machine()["cpu"] == "Abacus 9 @ 1 Hz"
    path.write_text("processor : 0\nBogoMIPS : 48.00\n")  # as on ARM
    assert machine()["cpu"] is None


def test_a_package_that_is_not_installed_has_no_version():
    assert module._version("no-such-package") is None


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    """Return a repository that holds the one file of a package, and git to use in it."""
    source = tmp_path / "tutorial_lib" / "evaluation" / "machine.py"
    source.parent.mkdir(parents=True)
    source.write_text("pass\n")
    monkeypatch.setattr(module, "__file__", str(source))
    monkeypatch.setattr(module, "in_checkout", lambda: True)

    def git(*arguments):
        names = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", tmp_path, *names, *arguments], check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    return source


def test_the_commit_of_a_clean_checkout(checkout):
    assert re.fullmatch("[0-9a-f]{7,40}", commit())


@pytest.mark.parametrize("name", ["machine.py", "new.py"])
def test_changed_and_new_code_is_marked(checkout, name):
    clean = commit()
    (checkout.parent / name).write_text("changed\n")
    assert commit() == f"{clean}+"


def test_a_file_that_moves_no_measurement_is_not_marked(checkout):
    clean = commit()
    (checkout.parents[2] / "notes.txt").write_text("hello\n")
    assert commit() == clean


def test_an_installed_package_has_no_commit(checkout, monkeypatch):
    monkeypatch.setattr(module, "in_checkout", lambda: False)
    assert commit() is None


def test_without_git_there_is_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit() is None


@pytest.mark.skipif(platform.system() == "Windows", reason="Windows does not tell")
def test_the_peak_of_memory_counts_what_was_held_and_given_back():
    code = (
        "from tutorial_lib.evaluation.machine import peak_megabytes as peak\n"
        "before = peak(); held = bytearray(b'1') * 100_000_000; del held\n"
        "print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 90 < float(done.stdout) < 120


def test_a_large_parent_does_not_count():
    held = np.ones(25_000_000)  # 200 MB
    code = "from tutorial_lib.evaluation.machine import peak_megabytes; print(peak_megabytes())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None" or float(done.stdout) < held.nbytes / 1e6


def test_without_the_file_of_linux_the_system_is_asked(monkeypatch, tmp_path):
    usage = SimpleNamespace(ru_maxrss=3_000_000)
    resource = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: usage)
    monkeypatch.setitem(sys.modules, "resource", resource)  # Windows has none
    monkeypatch.setattr(module, "_STATUS_FILE", tmp_path / "gone")
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    assert peak_megabytes() == 3072.0
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert peak_megabytes() == 3.0


def test_where_nothing_tells_the_peak_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_STATUS_FILE", tmp_path / "gone")
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert peak_megabytes() is None
