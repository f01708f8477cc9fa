"""Evaluation: right figures, nothing lost, the same on one worker, on two, and on a cluster."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image

from tests.support import disc_mask, easy_scene, one_sentence
from tutorial_lib import cli
from tutorial_lib import segmenter as registry
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.evaluation.benchmark import evaluate, summarise
from tutorial_lib.evaluation.journal import Journal
from tutorial_lib.evaluation.results import read_results, write_results
from tutorial_lib.evaluation.robots import simulate
from tutorial_lib.segmenter import MethodError, MethodInfo, Segmentation, get_segmenter

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
    return {
        name: {key: value for key, value in method.items() if not key.startswith("ms_")}
        for name, method in results["methods"].items()
    }


def test_results_are_what_the_robot_did_on_each_object(dataset):
    results = evaluate(["growcut"], dataset, max_clicks=4, progress=False)
    assert list(results["methods"]) == ["growcut"]
    samples = results["methods"]["growcut"]["samples"]
    assert list(samples) == list(dataset.ids)
    for place, identifier in enumerate(dataset.ids):
        one = dataset[place]
        expected = simulate(
            get_segmenter("growcut"), one.image, one.truth, one.ignore, "center", max_clicks=4
        )
        clicks = [[click.row, click.col, click.positive] for click in expected.clicks]
        assert samples[identifier] == {"clicks": clicks, "iou": list(expected.ious)}


def test_the_head_says_what_was_run(dataset):
    results = evaluate(["growcut"], dataset, robot="geodesic", max_clicks=2, seed=5, progress=False)
    head = {key: results[key] for key in ("schema", "dataset", "robot", "seed", "max_clicks")}
    assert head == {
        "schema": 1,
        "dataset": "folder",
        "robot": "geodesic",
        "seed": 5,
        "max_clicks": 2,
    }
    assert results["root_name"].startswith("three-photos")
    assert "/" not in results["root_name"]


def test_summary_of_two_objects_done_by_hand():
    records = [
        {"id": "a", "clicks": [[1, 1, True]], "iou": [0.95], "ms_prepare": 1.0, "ms_clicks": [8.0]},
        {
            "id": "b",
            "clicks": [[1, 1, True], [2, 2, False]],
            "iou": [0.25, 0.875],
            "ms_prepare": 3.0,
            "ms_clicks": [2.0, 6.0],
        },
    ]
    summary = summarise(records, max_clicks=3)
    assert summary["noc"] == {"85": (1 + 2) / 2, "90": (1 + 3) / 2}
    assert summary["miou"] == [0.6, 0.9125, 0.9125]
    assert (summary["ms_prepare"], summary["ms_click"]) == (2.0, 6.0)
    assert summary["samples"]["a"] == {"clicks": [[1, 1, True]], "iou": [0.95]}


def test_variants_of_one_method_stand_beside_each_other(dataset):
    methods = evaluate(FAST, dataset, max_clicks=3, progress=False)["methods"]
    assert list(methods) == ["near", "far"]
    assert methods["near"]["samples"] != methods["far"]["samples"]


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
    assert list(results["methods"]["growcut"]["samples"]) == list(dataset.ids[:2])


class Failing:
    """Counts its photos in a file, and fails on one if it is told to."""

    def __init__(self, log="", fail_at=-1):
        self.log, self.fail_at = Path(log), fail_at

    def prepare(self, image):
        done = len(self.log.read_text().splitlines())
        if done == self.fail_at:
            raise ZeroDivisionError("the photo is not to my taste")
        self.log.write_text(self.log.read_text() + "photo\n")
        return image

    def segment(self, prepared, clicks):
        return Segmentation(np.zeros(prepared.shape[:2]))


@pytest.fixture
def failing(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    registry.register(MethodInfo("failing", "classical", False, "Fails.", "Nobody", Failing))
    log = tmp_path / "log"
    log.write_text("")
    return log


def test_a_failing_method_is_named_and_what_was_finished_is_kept(dataset, failing, tmp_path):
    out = tmp_path / "results.json"
    first = {"m": ("failing", {"log": str(failing), "fail_at": 2})}
    with pytest.raises(MethodError, match=r"m failed on photo-2: the photo is not to my taste"):
        evaluate(first, dataset, out, max_clicks=1, progress=False)
    assert not out.exists()
    kept = (tmp_path / "results.json.partial").read_text().splitlines()
    assert [json.loads(line)["id"] for line in kept[1:]] == ["photo-0", "photo-1"]


def test_finished_objects_are_not_computed_again(dataset, failing, tmp_path):
    out = tmp_path / "results.json"
    variants = {"m": ("failing", {"log": str(failing)})}
    with Journal(Path(f"{out}.partial"), head_of(dataset)) as journal:
        for identifier in dataset.ids[:2]:
            journal.append(
                {
                    "id": identifier,
                    "method": "m",
                    "options": variants["m"][1],
                    "clicks": [[0, 0, True]],
                    "iou": [0.5],
                    "ms_prepare": 1.0,
                    "ms_clicks": [1.0],
                }
            )
    results = evaluate(variants, dataset, out, max_clicks=1, progress=False)
    assert failing.read_text() == "photo\n"  # the third object only
    assert [s["iou"] for s in results["methods"]["m"]["samples"].values()] == [[0.5], [0.5], [0.0]]
    assert not Path(f"{out}.partial").exists()
    assert read_results(out)["methods"].keys() == {"m"}


def head_of(dataset, **changes):
    head = evaluate(["growcut"], dataset, limit=1, max_clicks=1, progress=False)
    del head["machine"], head["methods"]
    return {**head, **changes}


def test_the_same_name_with_other_options_is_other_work(dataset, failing, tmp_path):
    out = tmp_path / "results.json"
    other = {
        "id": dataset.ids[0],
        "method": "m",
        "options": {"log": "elsewhere"},
        "clicks": [[0, 0, True]],
        "iou": [0.5],
        "ms_prepare": 1.0,
        "ms_clicks": [1.0],
    }
    with Journal(Path(f"{out}.partial"), head_of(dataset)) as journal:
        journal.append(other)
    evaluate({"m": ("failing", {"log": str(failing)})}, dataset, out, max_clicks=1, progress=False)
    assert failing.read_text() == "photo\n" * 3


def test_a_run_with_other_settings_is_not_overwritten(dataset, tmp_path):
    out = tmp_path / "results.json"
    partial = Path(f"{out}.partial")
    Journal(partial, head_of(dataset, seed=7)).close()
    before = partial.read_bytes()
    with pytest.raises(ValueError, match="unfinished run with seed 7, this one has 0") as caught:
        evaluate(["growcut"], dataset, out, max_clicks=1, progress=False)
    assert str(caught.value).endswith("delete that file to give the run up.")
    assert partial.read_bytes() == before


def test_a_line_torn_by_a_kill_is_dropped(tmp_path):
    path = tmp_path / "journal"
    with Journal(path, {"seed": 0}) as journal:
        journal.append({"id": "a"})
    path.write_bytes(path.read_bytes() + b'{"id": "b", "io')
    with Journal(path, {"seed": 0}) as journal:
        assert journal.records == [{"id": "a"}]
        journal.append({"id": "c"})
    with Journal(path, {"seed": 0}) as journal:
        assert journal.records == [{"id": "a"}, {"id": "c"}]


def test_a_file_that_is_no_journal_is_left_alone(tmp_path):
    path = tmp_path / "thesis.txt"
    path.write_text("Chapter 1\n")
    with pytest.raises(ValueError, match=r"is no journal .* choose another --out"):
        Journal(path, {})
    assert path.read_text() == "Chapter 1\n"


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
        sample = results["methods"][record["method"]]["samples"][record["id"]]
        assert sample == {"clicks": record["clicks"], "iou": record["iou"]}
    assert [len(method["samples"]) for method in results["methods"].values()] == [3, 3, 3]
    assert "NoC@90" in again.stdout
    whole = evaluate(
        list(results["methods"]), load_dataset("folder", root), max_clicks=12, progress=False
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
    assert not list(out.parent.glob("*.new"))


def test_results_that_do_not_fit_the_schema_are_not_written(dataset, tmp_path):
    import jsonschema

    results = evaluate(["growcut"], dataset, max_clicks=1, progress=False)
    results["methods"]["growcut"]["miou"] = [1.5]
    with pytest.raises(jsonschema.ValidationError):
        write_results(results, tmp_path / "results.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "no results file"),
        ("{", "is not JSON"),
        ("{}", r"holds no results at \$: 'schema' is a required property"),
    ],
)
def test_files_that_are_no_results(tmp_path, content, text):
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises((ValueError, FileNotFoundError), match=text):
        read_results(path)


def test_a_bar_counts_objects_of_an_earlier_run_as_done(dataset, tmp_path, capsys):
    out = tmp_path / "results.json"
    done = evaluate(["growcut"], dataset, max_clicks=1, progress=False)
    records = [
        {"id": key, "method": "growcut", "options": {}, "ms_prepare": 1.0, "ms_clicks": [1.0], **s}
        for key, s in done["methods"]["growcut"]["samples"].items()
    ]
    with Journal(Path(f"{out}.partial"), head_of(dataset)) as journal:
        journal.append(records[0])
        journal.append(records[1])
    evaluate(["growcut"], dataset, out, max_clicks=1)
    assert "2/3" in capsys.readouterr().err


def test_the_command_measures_every_method_it_is_given(root, tmp_path, monkeypatch, capsys):
    out = tmp_path / "results.json"
    command = ["evaluate", "--dataset", "folder", "--root", root, "--out", out, "--max-clicks", 2]
    command += ["--method", "growcut", "--method", "geodesic-matting", "--robot", "geodesic"]
    code, shown, _ = main(monkeypatch, capsys, *command, "--seed", 3, "--limit", 2)
    assert (code, shown.splitlines()[-1]) == (0, f"{out}: 2 objects, robot geodesic.")
    results = read_results(out)
    assert list(results["methods"]) == ["growcut", "geodesic-matting"]
    assert (results["seed"], results["max_clicks"], results["robot"]) == (3, 2, "geodesic")
    for method in results["methods"].values():
        assert len(method["samples"]) == 2
        assert len(method["miou"]) == 2


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


def test_the_command_names_the_object_a_method_failed_on(
    root, failing, tmp_path, monkeypatch, capsys
):
    command = ["evaluate", "--dataset", "folder", "--root", root, "--out", tmp_path / "r.json"]
    failing.unlink()
    code, _, error = main(monkeypatch, capsys, *command, "--method", "failing")
    assert code == 2
    assert "tutorial_lib: failing failed on photo-0: " in error
