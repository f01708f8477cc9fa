"""The folder of a run: nothing in it is lost or mixed up, and whatever is wrong is one sentence."""

import errno
import importlib.metadata
import os
import platform
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch

from tests.support import ROOT, one_sentence
from tests.test_training import PLAIN, Dot
from tutorial_lib.deep.weights import read_metadata
from tutorial_lib.options import latest
from tutorial_lib.training import checkpoints
from tutorial_lib.training import loop as loops
from tutorial_lib.training.checkpoints import read_training_log
from tutorial_lib.training.folder import claimed
from tutorial_lib.training.loop import Loop
from tutorial_lib.training.run import train

pytestmark = pytest.mark.slow


def refused(kind, text, action, *arguments, **options):
    with pytest.raises(kind, match=text) as error:
        action(*arguments, **options)
    assert one_sentence(error.value)


# -- nothing is lost -------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", [(), ("checkpoint.pt",), ("checkpoint.pt", "log.jsonl")])
def test_a_finished_run_is_not_written_over_whatever_is_left_of_it(tmp_path, gone):
    weights = Loop(Dot(), tmp_path).run().weights
    before = weights.read_bytes()
    for name in gone:
        (tmp_path / name).unlink()
    refused(FileExistsError, "choose another --out", Loop(Dot("steps=1"), tmp_path).run)
    assert weights.read_bytes() == before


def test_resuming_is_advised_only_where_it_is_possible(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n')
    with pytest.raises(FileExistsError) as error:
        Loop(Dot(), tmp_path).run()
    assert "--resume" not in str(error.value)


def test_an_empty_log_is_no_run(tmp_path):
    (tmp_path / "log.jsonl").touch()
    assert Loop(Dot(), tmp_path).run().finished


def test_force_gives_the_run_up(tmp_path):
    first = Loop(Dot("steps=6"), tmp_path).run()
    second = Loop(Dot("seed=1"), tmp_path).run(force=True)
    assert [line["step"] for line in read_training_log(tmp_path)] == [1, 2, 3, 4]
    assert second.sha256 != first.sha256
    assert torch.load(tmp_path / "checkpoint.pt")["recipe"]["seed"] == 1


def test_force_does_not_mind_a_damaged_run(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"nonsense")
    (tmp_path / "log.jsonl").write_text("nonsense\n")
    assert Loop(Dot(), tmp_path).run(force=True).finished


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_weights_of_a_run_that_is_given_up_stay_until_there_are_new_ones(tmp_path):
    weights = Loop(Dot(), tmp_path).run().weights
    before = weights.read_bytes()
    nothing = Dot("steps=100", values=lambda step: float("nan"))
    refused(ValueError, "No gradient was finite", Loop(nothing, tmp_path).run, force=True)
    assert weights.read_bytes() == before


def test_resume_and_force_contradict_each_other(tmp_path):
    refused(ValueError, "choose one", Loop(Dot(), tmp_path).run, resume=True, force=True)


# -- the folder is looked at first -----------------------------------------------------------------


def no_data(out):
    """Train a recipe that would fail as soon as its data is opened."""
    return train("dos", out)


@pytest.mark.parametrize("inside", ["", "run"])
def test_a_file_is_no_folder(tmp_path, inside):
    (tmp_path / "file").write_text("mine")
    refused(OSError, str(tmp_path / "file"), no_data, tmp_path / "file" / inside)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["weights.safetensors", "checkpoint.pt", "log.jsonl"])
def test_a_folder_where_a_file_belongs_is_seen_at_once(tmp_path, name):
    (tmp_path / name).mkdir()
    refused(OSError, str(tmp_path / name), no_data, tmp_path)


@pytest.mark.skipif(platform.system() != "Linux", reason="needs a folder nobody can write to")
@pytest.mark.parametrize("out", ["/proc/self", "/proc/self/new/run"])
def test_a_folder_that_cannot_be_written_to_is_named(out):
    refused(OSError, "/proc/self", no_data, out)


def test_a_run_that_does_not_begin_leaves_no_folder(tmp_path):
    refused(ValueError, "--data DIR", no_data, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    refused(ValueError, "--data DIR", no_data, tmp_path)
    assert tmp_path.is_dir()


# -- one run at a time -----------------------------------------------------------------------------


def test_two_runs_in_one_folder_lock_each_other_out(tmp_path):
    found = []

    def second():
        try:
            Loop(Dot(), tmp_path).run()
        except OSError as error:
            found.append(error)

    with claimed(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert isinstance(found[0], BlockingIOError)
    assert one_sentence(found[0])
    assert not (tmp_path / "checkpoint.pt").exists()
    assert Loop(Dot(), tmp_path).run().finished


def test_processes_that_share_a_run_do_not_lock_each_other_out(monkeypatch, tmp_path):
    with claimed(tmp_path):
        monkeypatch.setenv("LOCAL_RANK", "1")
        with claimed(tmp_path):
            pass


def test_a_killed_run_leaves_no_lock_and_is_resumed(tmp_path):
    settings = latest([*PLAIN, "workers=1", "steps=100000", "save_minutes=0", "pretrained=false"])
    flags = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "tutorial_lib", "train", "dos-toy", "--out", str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed = subprocess.Popen([*command, *flags], cwd=ROOT, env=environment)
    until = time.monotonic() + 300
    while not (tmp_path / "checkpoint.pt").exists():
        assert killed.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    resumed = train("dos-toy", tmp_path, resume=True, settings=[*settings, "workers=0", "steps=1"])
    assert resumed.finished
    assert resumed.step >= 1


# -- damaged files ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the checkpoint of a run of two steps, as bytes."""
    place = tmp_path_factory.mktemp("whole")
    Loop(Dot("steps=2"), place).run()
    return (place / "checkpoint.pt").read_bytes()


def resume(place, content):
    (place / "checkpoint.pt").write_bytes(content)
    return Loop(Dot(), place).run(resume=True)


def refuse_checkpoint(place, content):
    refused(ValueError, r"checkpoint.pt is damaged", resume, place, content)
    assert (place / "checkpoint.pt").read_bytes() == content


class Evil:
    """What would write a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def bytes_of(value, path):
    torch.save(value, path)
    return path.read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"", b"PK nonsense", b"nonsense", b"\x80\x04N.", b"\x80\x02}.", b"[]", b"(" * 100_000],
    ids=["empty", "zip", "text", "pickled-none", "pickled-dict", "json", "brackets"],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    refuse_checkpoint(tmp_path, content)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_a_checkpoint_cut_short_is_refused(whole, tmp_path, share):
    refuse_checkpoint(tmp_path, whole[: int(share * len(whole))])


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_checkpoint_with_a_hole_is_refused(whole, tmp_path, share):
    start = int(share * len(whole))
    refuse_checkpoint(tmp_path, whole[:start] + bytes(400) + whole[start + 400 :])


def test_a_checkpoint_that_would_run_code_is_refused_and_runs_none(tmp_path):
    refuse_checkpoint(tmp_path, bytes_of({"step": Evil(tmp_path / "evil")}, tmp_path / "made"))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "value", [[], {}, 3, torch.zeros(2)], ids=["list", "dict", "int", "tensor"]
)
def test_another_content_is_refused(tmp_path, value):
    refuse_checkpoint(tmp_path, bytes_of(value, tmp_path / "made"))


@pytest.mark.parametrize(
    "key",
    ["recipe", "stage", "step", "minutes", "loss", "losses", "skipped", "network", "optimiser"],
)
def test_a_checkpoint_that_lacks_something_is_refused(whole, tmp_path, key):
    (tmp_path / "made").write_bytes(whole)
    saved = torch.load(tmp_path / "made")
    del saved[key]
    refuse_checkpoint(tmp_path, bytes_of(saved, tmp_path / "made"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("step", -1), ("step", 1.5), ("step", "2"), ("minutes", float("nan")), ("minutes", -1.0),
        ("skipped", -1), ("losses", {}), ("losses", ["a"]), ("recipe", []), ("network", {}),
        ("network", {"weight": torch.zeros(2, 1, 1, 1)}),
        ("network", {"weight": torch.full((1, 1, 1, 1), float("nan"))}), ("network", {"weight": 3}),
        ("optimiser", {}), ("optimiser", {"state": {}, "param_groups": []}),
        ("optimiser", {"state": {}, "param_groups": [{"params": [0]}]}),
        ("unreadable", []), ("unreadable", {"reasons": 3}), ("unreadable", {"draws": "x"}),
    ],
)  # fmt: skip
def test_a_checkpoint_with_a_senseless_value_is_refused(whole, tmp_path, key, value):
    (tmp_path / "made").write_bytes(whole)
    refuse_checkpoint(
        tmp_path, bytes_of(torch.load(tmp_path / "made") | {key: value}, tmp_path / "made")
    )


def test_a_memory_of_another_shape_is_refused(whole, tmp_path):
    (tmp_path / "made").write_bytes(whole)
    saved = torch.load(tmp_path / "made")
    saved["optimiser"]["state"][0]["exp_avg"] = torch.zeros(3)
    refuse_checkpoint(tmp_path, bytes_of(saved, tmp_path / "made"))


def test_a_checkpoint_of_an_older_release_is_resumed(whole, tmp_path):
    (tmp_path / "made").write_bytes(whole)
    saved = torch.load(tmp_path / "made")
    del saved["precision"], saved["unreadable"]
    saved |= {"rng": torch.get_rng_state(), "cuda_rng": []}
    assert resume(tmp_path, bytes_of(saved, tmp_path / "made")).step == 4


def test_a_run_of_another_recipe_is_named_by_it(whole, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(whole)
    action = train, "latent-diversity-toy", tmp_path
    refused(ValueError, "recipe 'dos-toy', not 'latent-diversity-toy'", *action, resume=True)


@pytest.mark.parametrize(
    "line",
    [b"[]", b"1", b"nonsense", b'{"loss": 1}', b'{"step": "1"}', b'{"step": true}', b"\xff\xfe",
     b"[" * 100_000, b'{"step": 1, "loss": "high"}', b""],
    ids=range(10),
)  # fmt: skip
def test_a_damaged_line_of_a_log_is_named_and_the_log_is_kept(whole, tmp_path, line):
    content = b'{"step": 1, "loss": 2.5}\n' + line + b'\n{"step": 3}\n'
    (tmp_path / "log.jsonl").write_bytes(content)
    refused(ValueError, "log.jsonl is damaged in line 2", read_training_log, tmp_path)
    refused(ValueError, "log.jsonl is damaged in line 2", resume, tmp_path, whole)
    assert (tmp_path / "log.jsonl").read_bytes() == content


# -- a full disk -----------------------------------------------------------------------------------


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("module", "name", "file"),
    [
        (checkpoints, "write_atomically", "log.jsonl"),
        (checkpoints.os, "fsync", "log.jsonl"),
        (loops, "save_weights", "weights.safetensors"),
    ],
)
def test_a_full_disk_is_one_sentence_and_costs_nothing(
    whole, monkeypatch, tmp_path, module, name, file
):
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n')
    monkeypatch.setattr(module, name, full)
    text = rf"{file} cannot be written \(No space left on device\): make room"
    refused(OSError, text, resume, tmp_path, whole)
    assert (tmp_path / "log.jsonl").read_text().startswith('{"step": 1}\n')


def test_a_checkpoint_that_does_not_fit_on_the_disk_leaves_the_one_before(monkeypatch, tmp_path):
    path = tmp_path / "checkpoint.pt"
    checkpoints.write_checkpoint({"step": 1}, path)
    monkeypatch.setattr(checkpoints.os, "fsync", full)
    refused(
        OSError, "checkpoint.pt cannot be written", checkpoints.write_checkpoint, {"step": 2}, path
    )
    assert torch.load(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


# -- what the files say ----------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_weights_and_log_say_in_which_precision_they_were_trained(tmp_path, precision):
    weights = Loop(Dot(f"precision={precision}"), tmp_path).run().weights
    about, first = read_metadata(weights), read_training_log(tmp_path)[0]
    assert about["precision"] == first["precision"] == precision
    assert about["device"] == first["device"] == "cpu"
    assert about["machine"]["torch"] == importlib.metadata.version("torch")
    assert about["minutes"] >= 0


def test_weights_do_not_hide_that_a_part_was_trained_in_bfloat16(tmp_path):
    Loop(Dot("precision=bfloat16"), tmp_path).run()
    weights = Loop(Dot("steps=6"), tmp_path).run(resume=True).weights
    assert read_metadata(weights)["precision"] == "bfloat16"
    assert [line.get("precision") for line in read_training_log(tmp_path)] == [
        "bfloat16", None, None, None, "float32", None,
    ]  # fmt: skip


def test_ctrl_c_frees_the_folder(tmp_path):
    def stop(step):
        os.kill(os.getpid(), signal.SIGINT)

    Loop(Dot(), tmp_path, stop).run()
    assert Loop(Dot(), tmp_path).run(resume=True).finished
