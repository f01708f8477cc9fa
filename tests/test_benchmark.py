"""Evaluation: right figures, nothing lost, the same on one worker, on two, and on a cluster."""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
import typer
from PIL import Image
from pydantic import ValidationError
from typer.testing import CliRunner

from tests.support import disc_mask, easy_scene, one_sentence
from tools import evaluate_benchmark
from tutorial_lib import cli, registry
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.layouts.pairs import Folder
from tutorial_lib.evaluation import processes, provenance
from tutorial_lib.evaluation.accuracy import OtherRunError, evaluate
from tutorial_lib.evaluation.jobs import Answered, Failed, JobName
from tutorial_lib.evaluation.journal import Journal
from tutorial_lib.evaluation.results import (
    MethodResults,
    SampleResults,
    read_results,
    with_method,
    write_results,
)
from tutorial_lib.evaluation.seeds import over_seeds
from tutorial_lib.evaluation.summaries import summarise_method
from tutorial_lib.registry import MethodInfo, get_segmenter
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.users.simulation import simulate

pytestmark = pytest.mark.slow


class PretendedPython:
    """The module ``platform`` of another Python."""

    @staticmethod
    def python_version():
        return "2.7"


FAST = {"near": ("geodesic-matting", {}), "far": ("geodesic-matting", {"step": 0.05})}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Write three small photos with masks as a plain folder."""
    root = tmp_path_factory.mktemp("three-photos")
    (root / "images").mkdir()
    (root / "masks").mkdir()
    for place, size in enumerate([(40, 50), (44, 44), (36, 60)]):
        image, truth, _ = easy_scene(*size)
        mask = np.where(truth, 255, 0).astype(np.uint8)
        mask[disc_mask(size, *(side // 2 for side in size), size[0] // 4 + 1) & ~truth] = 128
        Image.fromarray(image).save(root / "images" / f"photo-{place}.png")
        Image.fromarray(mask).save(root / "masks" / f"photo-{place}.png")
    return root


def main(monkeypatch, capsys, *arguments):
    """Run the command line in this process; return exit code, output and error."""
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, *capsys.readouterr()


@pytest.fixture
def dataset(root):
    return load_dataset("folder", root)


def answers(results):
    """Return everything of some results that is not a time."""
    times = {"ms_prepare", "ms_click"}
    return {name: method.model_dump(exclude=times) for name, method in results.methods.items()}


def test_results_are_what_the_robot_did_on_each_object(dataset):
    results = evaluate(["growcut"], dataset, max_clicks=4, progress=False)
    assert list(results.methods) == ["growcut"]
    samples = results.methods["growcut"].samples
    assert list(samples) == list(dataset.ids)
    for place, identifier in enumerate(dataset.ids):
        one = dataset[place]
        expected = simulate(
            get_segmenter("growcut"), one.image, one.truth, one.ignore, "center", max_clicks=4
        )
        clicks = tuple((click.row, click.col, click.positive) for click in expected.clicks)
        assert samples[identifier] == SampleResults(clicks=clicks, iou=expected.ious)


def test_every_second_object_is_a_rule_that_the_file_names(dataset, tmp_path):
    out = tmp_path / "results.json"
    results = evaluate(["growcut"], dataset, out, every=2, max_clicks=1, progress=False)
    assert list(results.methods["growcut"].samples) == ["photo-0", "photo-2"]
    assert str(results.subset) == "one in 2 of 3"
    assert read_results(out) == results
    with pytest.raises(OtherRunError, match="differs in its objects"):
        evaluate(["growcut"], dataset, out, max_clicks=1, progress=False)


def test_the_head_says_what_was_run(dataset):
    results = evaluate(["growcut"], dataset, robot="geodesic", max_clicks=2, seed=5, progress=False)
    assert (results.version, results.dataset) == (1, "folder")
    assert (results.robot, results.seed, results.max_clicks) == ("geodesic", 5, 2)
    assert results.root_name.startswith("three-photos")
    assert "/" not in results.root_name


def test_summary_of_two_objects_done_by_hand():
    name = {"method": "m", "options": {}, "made_from": {}, "precision": "float32"}
    one, two = [[1, 1, True]], [[1, 1, True], [2, 2, False]]
    records = [
        Answered(**name, id="a", clicks=one, iou=[0.95], ms_prepare=1.0, ms_clicks=[8.0]),
        Answered(**name, id="b", clicks=two, iou=[0.25, 0.875], ms_prepare=3.0, ms_clicks=[2, 6]),
    ]
    summary = summarise_method(records, max_clicks=3)
    assert summary["noc"] == {"85": (1 + 2) / 2, "90": (1 + 3) / 2}
    assert summary["miou"] == (0.6, 0.9125, 0.9125)
    assert (summary["ms_prepare"], summary["ms_click"]) == (2.0, 6.0)
    assert summary["samples"]["a"] == SampleResults(clicks=one, iou=[0.95])


def test_variants_of_one_method_stand_beside_each_other(dataset):
    methods = evaluate(FAST, dataset, max_clicks=3, progress=False).methods
    assert list(methods) == ["near", "far"]
    assert methods["near"].samples != methods["far"].samples


def test_a_method_that_is_measured_later_names_its_own_commit(dataset, tmp_path, monkeypatch):
    both = evaluate(["graph-cut", "growcut"], dataset, max_clicks=2)
    monkeypatch.setattr("tutorial_lib.evaluation.accuracy.commit", lambda: "1234567")
    options = {"growcut": ("growcut", {"attack": "linear"})}
    later = evaluate(options, dataset, max_clicks=2)
    merged = with_method(both, later, "growcut")
    assert list(merged.methods) == ["graph-cut", "growcut"]
    assert merged.methods["graph-cut"] == both.methods["graph-cut"]
    assert merged.methods["growcut"].made_from["options"] == {"attack": "linear"}
    assert merged.methods["growcut"].commit == "1234567"
    assert (merged.commit, merged.methods["graph-cut"].commit) == (both.commit, None)
    assert merged.commits == (both.commit, "1234567")
    write_results(merged, tmp_path / "merged.json")
    assert read_results(tmp_path / "merged.json") == merged
    added = with_method(both, evaluate(["random-walker"], dataset, max_clicks=2), "random-walker")
    assert list(added.methods) == ["graph-cut", "growcut", "random-walker"]


def test_a_method_that_was_measured_otherwise_is_not_added(dataset):
    both = evaluate(["graph-cut", "growcut"], dataset, max_clicks=2)
    for changes, what in (
        ({"max_clicks": 3}, "max_clicks"),
        ({"robot": "geodesic"}, "robot"),
        ({"every": 2}, "subset"),
        ({"limit": 1}, "photos or masks"),
    ):
        later = evaluate(["growcut"], dataset, **{"max_clicks": 2, **changes})
        with pytest.raises(ValueError, match=f"other values of {what} than") as error:
            with_method(both, later, "growcut")
        assert one_sentence(error.value)


def test_the_tool_puts_a_method_into_the_file_of_its_group(root, tmp_path, monkeypatch):
    groups = {"classical": ("graph-cut", "growcut"), "networks": ("dos",)}
    monkeypatch.setattr(evaluate_benchmark, "GROUPS", groups)
    tool = typer.Typer()
    tool.command()(evaluate_benchmark.main)

    def run(*arguments):
        common = ["iseg-voc", "--root", str(root), "--out", str(tmp_path), "--robot", "center"]
        return CliRunner().invoke(tool, [*common, "--workers", "1", *arguments])

    path = tmp_path / "iseg-voc_center.json"
    assert run("--only", "classical", "--every", "2").exit_code == 0
    before = read_results(path)
    monkeypatch.setattr("tutorial_lib.evaluation.accuracy.commit", lambda: "1234567")
    again = run("--method", "growcut")
    assert again.exit_code == 0
    assert "iseg-voc_center.json" in again.stdout and "one in 2" in again.stdout
    after = read_results(path)
    assert after.subset == before.subset
    assert after.commits == (before.commit, "1234567")
    assert after.methods["growcut"].samples == before.methods["growcut"].samples
    assert [file.name for file in tmp_path.glob("*.json")] == [path.name]
    for arguments, words in (
        (("--method", "cake"), "there is no 'cake'"),
        (("--method", "growcut", "--every", "2"), "leave out --every"),
        (("--method", "growcut", "--only", "networks"), "not one of the group networks"),
    ):
        refused = run(*arguments)
        assert refused.exit_code == 2
        assert words in " ".join(refused.stderr.replace("│", " ").split())
    path.unlink()
    assert run("--method", "growcut").exit_code == 0
    assert list(read_results(path).methods) == ["growcut"]


def test_two_workers_answer_as_one_does(dataset):
    one, two = (
        evaluate(FAST, dataset, max_clicks=3, workers=workers, progress=False)
        for workers in (None, 2)
    )
    assert answers(one) == answers(two)


def test_a_dask_cluster_answers_as_one_process_does(dataset):
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        far = evaluate(FAST, dataset, max_clicks=3, progress=False)
        assert len(client.scheduler_info()["workers"]) == 2
    assert answers(far) == answers(evaluate(FAST, dataset, max_clicks=3, progress=False))


def test_limit_takes_the_first_objects(dataset):
    results = evaluate(["growcut"], dataset, limit=2, max_clicks=1, progress=False)
    assert list(results.methods["growcut"].samples) == list(dataset.ids[:2])


class Counted:
    """Counts the photos it prepares in a file, which every process finds by the environment."""

    def __init__(self, weights="", level=0.0, precision="float32"):
        self.level, self.precision = level, precision

    def prepare(self, image):
        with Path(os.environ["PHOTO_COUNT"]).open("a") as log:
            log.write("photo\n")
        return image

    def segment(self, prepared, clicks):
        return Segmentation(np.full(prepared.shape[:2], self.level))


class Mended(Counted):
    """The same, with other code."""

    def segment(self, prepared, clicks):
        return Segmentation(np.full(prepared.shape[:2], self.level / 2))


COUNTED = MethodInfo("counted", "classical", False, "Counts.", "Nobody", Counted)


@pytest.fixture
def photos_done(monkeypatch, tmp_path_factory):
    """Register the method ``counted``; return a function that tells how many photos it had."""
    log = tmp_path_factory.mktemp("log") / "photos"
    log.write_text("")
    monkeypatch.setenv("PHOTO_COUNT", str(log))
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    registry.register(COUNTED)
    return lambda: len(log.read_text().splitlines())


class Interrupted(Folder):
    """A folder whose reader presses Ctrl-C at one photo."""

    stop_at = 2

    def __getitem__(self, place):
        if place == self.stop_at:
            raise KeyboardInterrupt
        return super().__getitem__(place)


def interrupted(root, methods, out, **settings):
    """Leave the journal of a run that was interrupted at the third of three photos."""
    with pytest.raises(KeyboardInterrupt):
        evaluate(methods, Interrupted(root), out, max_clicks=1, progress=False, **settings)
    return Path(f"{out}.partial")


@pytest.fixture
def copy(root, tmp_path):
    """Return a copy of the photos that a test may change."""
    return shutil.copytree(root, tmp_path / root.name)


def refused(text, methods, dataset, out, **settings):
    """Check that an evaluation is refused in one sentence and leaves all files as they are."""
    before = {path: path.read_bytes() for path in out.parent.iterdir() if path.is_file()}
    with pytest.raises((ValueError, OSError), match=text) as caught:
        evaluate(methods, dataset, out, **{"max_clicks": 1, "progress": False, **settings})
    assert one_sentence(caught.value)
    assert {path: path.read_bytes() for path in before} == before


def test_finished_objects_are_not_computed_again(root, photos_done, tmp_path):
    out = tmp_path / "results.json"
    partial = interrupted(root, ["counted"], out)
    kept = [json.loads(line) for line in partial.read_text().splitlines()[1:]]
    assert [record["id"] for record in kept] == ["photo-0", "photo-1"]
    results = evaluate(["counted"], load_dataset("folder", root), out, max_clicks=1, progress=False)
    assert photos_done() == 3
    assert not partial.exists()
    assert read_results(out) == results
    assert len(results.methods["counted"].samples) == 3


def test_the_same_name_with_other_options_is_other_work(root, dataset, photos_done, tmp_path):
    out = tmp_path / "results.json"
    interrupted(root, {"m": ("counted", {"level": 0.25})}, out)
    evaluate({"m": ("counted", {"level": 0.0})}, dataset, out, max_clicks=1, progress=False)
    assert photos_done() == 5


def test_a_run_with_other_settings_is_not_overwritten(root, dataset, photos_done, tmp_path):
    out = tmp_path / "results.json"
    interrupted(root, ["counted"], out, seed=7)
    text = "unfinished run with seed 7, this one has 0: .* delete that file to give the run up"
    refused(text, ["counted"], dataset, out)


def test_other_photos_in_a_folder_of_the_same_name_are_refused(root, copy, photos_done, tmp_path):
    out = tmp_path / "results.json"
    interrupted(root, ["counted"], out)
    photo = copy / "images" / "photo-1.png"
    Image.fromarray(255 - np.asarray(Image.open(photo))).save(photo)
    refused(
        "answers on photo-1, whose photo or mask has changed",
        ["counted"],
        load_dataset("folder", copy),
        out,
    )


def test_a_mask_that_was_mended_is_refused(copy, photos_done, tmp_path):
    out = tmp_path / "results.json"
    interrupted(copy, ["counted"], out)
    mask = copy / "masks" / "photo-0.png"
    Image.fromarray(np.asarray(Image.open(mask))[::-1]).save(mask)
    refused("answers on photo-0", ["counted"], load_dataset("folder", copy), out)


def test_the_same_photos_elsewhere_are_the_same(root, copy, photos_done, tmp_path):
    out = tmp_path / "results.json"
    interrupted(root, ["counted"], out)
    evaluate(["counted"], load_dataset("folder", copy), out, max_clicks=1, progress=False)
    assert photos_done() == 3


def test_a_method_that_was_mended_is_refused(root, dataset, photos_done, tmp_path):
    out = tmp_path / "results.json"
    interrupted(root, ["counted"], out)
    del registry._REGISTRY["counted"]
    registry.register(replace(COUNTED, target=Mended))
    refused("answers of the method counted, whose code has changed", ["counted"], dataset, out)


def test_other_weights_of_the_same_name_are_refused(root, dataset, photos_done, tmp_path):
    out, weights = tmp_path / "results.json", tmp_path / "weights"
    methods = {"m": ("counted", {"weights": weights})}
    weights.write_bytes(b"one")
    interrupted(root, methods, out)
    weights.write_bytes(b"two")
    refused("answers of the method m, whose files, such as weights", methods, dataset, out)
    weights.write_bytes(b"one")
    results = evaluate(methods, dataset, out, max_clicks=1, progress=False)
    assert photos_done() == 3
    about = results.methods["m"].made_from
    assert about["options"] == {"weights": str(weights)}
    assert re.fullmatch("[0-9a-f]{16}", about["files"]["weights"])


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("library", lambda: "0" * 16, "made with other code of tutorial_lib"),
        ("platform", PretendedPython, "unfinished run with python '[0-9.]+', this one has '2.7'"),
    ],
)
def test_other_code_and_other_packages_are_refused(
    root, dataset, photos_done, tmp_path, monkeypatch, name, value, text
):
    out = tmp_path / "results.json"
    interrupted(root, ["counted"], out)
    monkeypatch.setattr(provenance, name, value)
    refused(text, ["counted"], dataset, out)


def test_a_precision_that_this_machine_does_not_have_is_refused(
    root, dataset, photos_done, tmp_path
):
    out = tmp_path / "results.json"
    partial = interrupted(root, {"m": ("counted", {"precision": "bfloat16"})}, out)
    partial.write_text(partial.read_text().replace('{"precision":"bfloat16"}', "{}"))
    refused("answers of the method m in another precision", {"m": ("counted", {})}, dataset, out)


def test_a_journal_of_an_earlier_version_is_refused(root, dataset, photos_done, tmp_path):
    out = tmp_path / "results.json"
    partial = interrupted(root, ["counted"], out)
    first, *records = partial.read_text().splitlines(keepends=True)
    settings = json.loads(first)
    del settings["journal"], settings["made_from"]
    partial.write_text(json.dumps(settings) + "\n" + "".join(records))
    refused("of another version of this package", ["counted"], dataset, out)


SETTINGS = {"seed": 0, "made_from": {"library": "0123", "packages": {"numpy": "2"}}}


def record(name):
    return Failed(id=name, method="m", options={}, made_from={}, failed="No.")


def test_a_line_torn_by_a_kill_is_dropped(tmp_path):
    path = tmp_path / "journal"
    with Journal(path, SETTINGS) as journal:
        journal.append(record("a"))
    path.write_bytes(path.read_bytes() + b'{"id": "b", "io')
    with Journal(path, SETTINGS) as journal:
        assert journal.records == [record("a")]
        journal.append(record("c"))
    with Journal(path, SETTINGS) as journal:
        assert journal.records == [record("a"), record("c")]
        assert journal.interrupted is None


def test_a_journal_knows_what_was_in_work_when_its_process_died(tmp_path):
    path, job = tmp_path / "journal", JobName(id="b", method="m", options={"lam": 1})
    journal = Journal(path, SETTINGS)
    journal.begin(job.model_copy(update={"id": "a"}))
    journal.append(record("a"))
    journal.begin(job)
    with Journal(path, SETTINGS) as again:
        assert (again.records, again.interrupted) == ([record("a")], job)
    with Journal(path, SETTINGS) as again:  # closed in good order: nothing was in work
        assert (again.records, again.interrupted) == ([record("a")], None)


@pytest.mark.parametrize(
    "content", [b"Chapter 1\n", b"[]\n", b"5\n", b"\xff\xfe\x00\n", b"[" * 100_000 + b"\n", b"\n"]
)
def test_a_file_that_is_no_journal_is_left_alone(tmp_path, content):
    path = tmp_path / "thesis.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is no journal .* choose another --out") as caught:
        Journal(path, SETTINGS)
    assert one_sentence(caught.value)
    assert path.read_bytes() == content


FINISHED = {
    **{"id": "a", "method": "m", "options": {}, "made_from": {}, "precision": "float32"},
    **{"clicks": [[1, 2, True]], "iou": [0.5], "ms_clicks": [1.0], "ms_prepare": 1.0},
}


@pytest.mark.parametrize(
    "line",
    [b"\x80\x81", b"[]", b"null", b"{}", b'{"id": "a"}', b'{"a": ', b"[" * 100_000]
    + [
        json.dumps({**FINISHED, **change}).encode()
        for change in (
            *({"id": 5}, {"options": None}, {"iou": []}, {"iou": [2.0]}, {"iou": ["1"]}),
            *({"iou": [float("nan")]}, {"iou": [0.5, 0.5]}, {"clicks": [[1, 2]]}, {"clicks": 7}),
            *({"ms_clicks": [float("inf")]}, {"ms_prepare": None}, {"precision": None}),
            *({"failed": 1}, {"made_from": 3}),
        )
    ],
)
def test_a_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "journal"
    with Journal(path, SETTINGS) as journal:
        journal.append(Answered(**FINISHED))
        journal.append(Answered(**FINISHED))
    head, first, second = path.read_bytes().splitlines()
    content = b"\n".join([head, first, line, second, b""])
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"Line 3 of {path} is damaged: delete that") as caught:
        Journal(path, SETTINGS)
    assert one_sentence(caught.value)
    assert path.read_bytes() == content


@pytest.mark.skipif(platform.system() == "Windows", reason="no limit on files there")
def test_a_full_disk_is_told_and_costs_nothing_that_was_kept(tmp_path):
    import resource

    path = tmp_path / "journal"
    journal = Journal(path, SETTINGS)
    journal.append(Answered(**FINISHED))
    kept = path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) + 10, limit[1]))
    try:
        with pytest.raises(OSError, match="cannot be written .* finished before is kept") as caught:
            journal.append(Answered(**FINISHED))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert one_sentence(caught.value)
    journal.close()
    assert path.read_bytes() == kept


def test_a_bar_counts_objects_of_an_earlier_run_as_done(
    root, dataset, photos_done, tmp_path, capsys
):
    out = tmp_path / "results.json"
    interrupted(root, ["counted"], out)
    evaluate(["counted"], dataset, out, max_clicks=1)
    assert "2/3" in capsys.readouterr().err


def test_kill_9_in_the_middle_loses_nothing(root, tmp_path):
    out = tmp_path / "results.json"
    command = [sys.executable, "-m", "tutorial_lib", "evaluate", "--dataset", "folder"]
    command += ["--root", str(root), "--out", str(out), "--method", "random-walker"]
    command += ["--method", "geodesic-matting", "--method", "growcut", "--max-clicks", "12"]
    partial = Path(f"{out}.partial")
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.read_bytes().count(b"\n") >= 3):
        assert run.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline, "nothing was finished in a minute"
        time.sleep(0.002)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    kept = [json.loads(line) for line in partial.read_bytes().splitlines(keepends=True)[1:-1]]
    assert not out.exists()
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    results = read_results(out)
    for record in kept:
        sample = results.methods[record["method"]].samples[record["id"]]
        assert sample == SampleResults(clicks=record["clicks"], iou=record["iou"])
    assert [len(method.samples) for method in results.methods.values()] == [3, 3, 3]
    assert "NoC@90" in again.stdout
    whole = evaluate(
        list(results.methods), load_dataset("folder", root), max_clicks=12, progress=False
    )
    assert answers(results) == answers(whole)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"methods": []}, "at least one method"),
        ({"methods": ["scissors"]}, "no method 'scissors'"),
        ({"methods": {"a": ("growcut", {"speed": 9})}}, "no option speed"),
        ({"robot": "marvin"}, "there is no 'marvin'"),
        ({"max_clicks": 0}, "at least 1 click"),
        ({"limit": 0}, "at least 1 object"),
        ({"every": 0}, "every n-th, not 0"),
        ({"workers": 0}, "at least 1 worker"),
        ({"seed": -1}, "at least 0"),
    ],
)
def test_bad_input_gets_one_sentence(dataset, changes, text):
    with pytest.raises(ValueError, match=text) as caught:
        evaluate(**{"methods": ["growcut"], "dataset": dataset, **changes})
    assert one_sentence(caught.value)


def test_what_was_written_can_be_read(dataset, tmp_path):
    out = tmp_path / "new" / "results.json"
    results = evaluate(["growcut"], dataset, out, max_clicks=2, progress=False)
    assert read_results(out) == results
    lines = [line for line in out.read_text().splitlines() if '"photo-1"' in line]
    assert len(lines) == 1  # a sample is a line: readable, and short where files are compared
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize(
    "change",
    [
        {"miou": (1.5,)},
        {"miou": ()},
        {"noc": {"85": 1.0}},
        {"noc": {"85": None, "90": None}},
        {"ms_click": None},
        {"samples": {}},
        {"speed": 9},
    ],
)
def test_results_that_do_not_fit_together_cannot_be_made(dataset, change):
    method = evaluate(["growcut"], dataset, max_clicks=1, progress=False).methods["growcut"]
    with pytest.raises(ValidationError):
        MethodResults(**{**dict(method), **change})
    with pytest.raises(ValidationError, match="frozen"):
        method.miou = (0.5,)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "no results file"),
        ("{", "is not JSON"),
        ("{}", "holds no results at schema: Field required"),
    ],
)
def test_files_that_are_no_results(tmp_path, content, text):
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises((ValueError, FileNotFoundError), match=text):
        read_results(path)


def test_the_command_measures_every_method_it_is_given(root, tmp_path, monkeypatch, capsys):
    out = tmp_path / "results.json"
    command = ["evaluate", "--dataset", "folder", "--root", root, "--out", out, "--max-clicks", 2]
    command += ["--method", "growcut", "--method", "geodesic-matting", "--robot", "geodesic"]
    code, shown, _ = main(monkeypatch, capsys, *command, "--seed", 3, "--limit", 2)
    assert (code, shown.splitlines()[-1]) == (0, f"{out}: 2 objects, robot geodesic.")
    results = read_results(out)
    assert list(results.methods) == ["growcut", "geodesic-matting"]
    assert (results.seed, results.max_clicks, results.robot) == (3, 2, "geodesic")
    for method in results.methods.values():
        assert len(method.samples) == 2
        assert len(method.miou) == 2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (["--dataset", "imagenet"], "there is no 'imagenet'"),
        (["--root", "nowhere"], "There is no folder nowhere"),
        (["--split", "val"], "has no splits"),
        (["--method", "scissors"], "no method 'scissors'"),
    ],
)
def test_the_command_answers_bad_input_in_one_sentence(
    root, tmp_path, monkeypatch, capsys, changes, text
):
    command = ["evaluate", "--dataset", "folder", "--root", root, "--out", tmp_path / "r.json"]
    code, shown, error = main(monkeypatch, capsys, *command, *changes)
    assert (code, shown) == (2, "")
    assert text in error
    assert error.count("\n") == 1


# -- several seeds of the robot --------------------------------------------------------------------


def test_several_seeds_give_a_file_each_and_a_table_of_mean_and_spread(
    monkeypatch, capsys, root, tmp_path
):
    monkeypatch.setattr(processes, "run_one_by_one", lambda todo, work: map(work, todo))
    command = ["evaluate", "--dataset", "folder", "--root", root, "--out", tmp_path / "human.json"]
    options = ["--method", "geodesic-matting", "--robot", "human outside=0", "--max-clicks", 4]
    code, output, _ = main(monkeypatch, capsys, *command, *options, "--seed", 5, "--seeds", 3)
    assert code == 0
    files = [tmp_path / f"human-seed{seed}.json" for seed in (5, 6, 7)]
    runs = [read_results(file) for file in files]
    assert [(run.seed, run.robot) for run in runs] == [(n, "human outside=0") for n in (5, 6, 7)]
    assert answers(runs[0]) != answers(runs[1])
    found = over_seeds(runs)["geodesic-matting"]
    counts = [run.methods["geodesic-matting"].noc["85"] for run in runs]
    assert (found.objects, found.noc["85"]) == (3, tuple(counts))
    assert found.mean(85) == pytest.approx(np.mean(counts))
    assert found.spread(85) == pytest.approx(np.std(counts, ddof=1))
    assert f"{found.mean(90):.2f} ± {found.spread(90):.2f}" in output
    assert "over 3 seeds (5, 6, 7)" in output
    for wrong, message in [
        ([], "at least one run"),
        ([runs[0], runs[0]], "same seed"),
        ([runs[0], runs[1].model_copy(update={"robot": "center"})], "have one robot"),
    ]:
        with pytest.raises(ValueError, match=message) as error:
            over_seeds(wrong)
        assert one_sentence(error.value)
