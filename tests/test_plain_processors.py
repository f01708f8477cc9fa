"""Networks are tried again as on a plain processor; the settings really take effect."""

import os
import platform
import subprocess
import sys

import pytest

from tests.only_networks import about_networks
from tests.support import ROOT

pytestmark = pytest.mark.slow  # it starts Python again and again
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
only_x86 = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="other processors have other names"
)


SETTINGS = [
    ({"ATEN_CPU_CAPABILITY": "avx2", "OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": "AVX2"},
     ["torch: AVX2", "threads: 1", "isa:Intel AVX2"]),
    ({"ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "2", "ONEDNN_MAX_CPU_ISA": "SSE41"},
     ["torch: DEFAULT", "threads: 2", "isa:Intel SSE4.1"]),
]  # fmt: skip


@only_x86
@pytest.mark.parametrize(("settings", "said"), SETTINGS)
def test_torch_computes_as_it_is_told_to(settings, said):
    code = (
        "import torch\n"
        "print('torch:', torch.backends.cpu.get_cpu_capability())\n"
        "print('threads:', torch.get_num_threads())\n"
        "torch.conv2d(torch.ones(1, 32, 64, 64), torch.ones(32, 32, 3, 3))  # by oneDNN\n"
    )
    environment = {**os.environ, **settings, "ONEDNN_VERBOSE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [text for text in said if not any(line.endswith(text) for line in lines)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import torch",
        "import numpy as np\nimport torch.nn as nn",
        "from torch.nn import functional as F",
        "    from tutorial_lib.deep.device import autocast",
        "from tutorial_lib import deep",
        'method = get_segmenter("latent-diversity")',
        "Session(photo, 'dos')",
    ],
)
def test_what_computes_with_networks_is_found(text, tmp_path):
    (tmp_path / "test_it.py").write_text(text)
    assert about_networks(tmp_path / "test_it.py")


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np",
        "# torch is not needed here",
        "from tutorial_lib import get_segmenter",
        'get_segmenter("graph-cut")',
        "from torchlight import lamp",
        "import torch\nfrom tutorial_lib.training.run import train",  # trains, and answers nobody
    ],
)
def test_what_does_not_is_left_out(text, tmp_path):
    (tmp_path / "test_it.py").write_text(text)
    assert not about_networks(tmp_path / "test_it.py")


def test_notebooks_of_networks_are_found():
    found = {path.relative_to(ROOT / "notebooks").as_posix() for path in NOTEBOOKS
             if about_networks(path)}  # fmt: skip
    assert {name[:-6] for name in found} >= {
        "06_fully_convolutional_networks",
        "07_deep_object_selection",
        "08_one_click_many_answers",
        "09_latent_diversity",
        "10_reproducing_the_papers",
        "solutions/07_deep_object_selection",
        "solutions/09_latent_diversity",
    }
    assert not any("min_cut" in name or "minimum_cut" in name for name in found)


def test_a_run_that_is_not_what_it_claims_to_be_is_stopped():
    command = [sys.executable, "-m", "pytest", "-p", "tests.only_networks", "--collect-only",
               "-q", "tests/test_device.py"]  # fmt: skip
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "none of these"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "torch was asked to compute with none of these, but takes " in done.stderr


def test_of_tests_of_every_method_those_of_networks_are_left(tmp_path):
    text = (
        "import pytest, torch\n"
        "@pytest.mark.parametrize('name', ['dos', 'graph-cut', 'anything'])\n"
        "def test_it(name): pass\n"
    )
    (tmp_path / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "tests.only_networks", "--collect-only",
               "-q", str(tmp_path)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert "test_it[dos]" in done.stdout
    assert "test_it[anything]" in done.stdout
    assert "test_it[graph-cut]" not in done.stdout


def recipe(target):
    """Return what make would run for a target, without running it."""
    command = ["make", "-n", target, "VENV=no-such-folder"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout


@pytest.mark.parametrize(
    ("instructions", "threads", "what"),
    [
        ("default", "2", " tests "),
        ("avx2", "1", " notebooks/09_"),
        ("avx2", "1", " notebooks/solutions/09_"),
    ],
)
def test_make_runs_tests_and_notebooks_as_on_plain_processors(instructions, threads, what):
    runs = [line for line in recipe("test").splitlines() if "tests.only_networks" in line]
    settings = (
        f"ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY={instructions} OMP_NUM_THREADS={threads} "
    )
    assert [line for line in runs if settings in line and what in line]
