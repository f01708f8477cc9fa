"""Two programs on one target: the second is told, and a dead one blocks nobody."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support import one_sentence
from tutorial_lib.locking import only_one

HOLD = """
import sys, time
from pathlib import Path
from tutorial_lib.locking import only_one
with only_one(Path(sys.argv[1]), "evaluation"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Keep ``tmp_path / "target"`` in another process."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "target")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_process_is_told_in_one_sentence(holder, tmp_path):
    with (
        pytest.raises(BlockingIOError, match="Another training is writing") as caught,
        only_one(tmp_path / "target", "training"),
    ):
        pass
    assert one_sentence(caught.value)


def test_a_process_killed_without_warning_blocks_nobody(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with only_one(tmp_path / "target", "evaluation"):
        assert (tmp_path / ".target.lock").exists()  # left behind, and taken over


def test_two_calls_in_one_process_lock_each_other_out(tmp_path):
    target = tmp_path / "target"
    with only_one(target, "evaluation"):
        with pytest.raises(BlockingIOError), only_one(target, "evaluation"):
            pass
        with pytest.raises(BlockingIOError), only_one(target, "evaluation"):
            pass  # the refusal took nothing away


def test_all_names_of_a_target_have_one_lock(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with (
        only_one(tmp_path / "target", "evaluation"),
        pytest.raises(BlockingIOError),
        only_one(tmp_path / "link", "evaluation"),
    ):
        pass


def test_nothing_is_left_behind(tmp_path):
    with only_one(tmp_path / "target", "evaluation"):
        pass
    with pytest.raises(KeyError), only_one(tmp_path / "target", "evaluation"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
