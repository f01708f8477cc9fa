"""One bad file, one failing method, one dead process: each costs one object, and is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.slow_methods import Fragile
from tests.support import easy_scene, one_sentence
from tutorial_lib import cli, registry
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.evaluation.accuracy import FailedObjects, evaluate
from tutorial_lib.evaluation.jobs import Answered, Failed
from tutorial_lib.evaluation.records import single_sentence
from tutorial_lib.evaluation.results import read_results
from tutorial_lib.evaluation.summaries import failures, report_lines, summarise_methods
from tutorial_lib.registry import MethodInfo

FRAGILE = MethodInfo("fragile", "classical", False, "Fails.", "Nobody", Fragile)
REASON = "The method m failed on dark: "
pytestmark = pytest.mark.filterwarnings("ignore::tutorial_lib.evaluation.accuracy.FailedObjects")


def write(root, name, image, truth):
    for part in ("images", "masks"):
        (root / part).mkdir(exist_ok=True)
    Image.fromarray(image).save(root / "images" / f"{name}.jpg")
    Image.fromarray(np.uint8(255 * truth)).save(root / "masks" / f"{name}.png")


def cut(path):
    """Leave of a file the header, which can be read, and some pixels, not all."""
    path.write_bytes(path.read_bytes()[:-20])


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Write four photos, the second of them dark, and register the method ``fragile``."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    registry.register(FRAGILE)
    folder = tmp_path / "photos"
    folder.mkdir()
    image, truth, _ = easy_scene(32, 40)
    for name in ("a", "b", "dark", "e"):
        write(folder, name, image // 8 if name == "dark" else image, truth)
    return folder


@pytest.fixture
def truncated(root):
    cut(root / "images" / "b.jpg")
    return root


def run(root, methods=("growcut",), out=None, **settings):
    settings = {"max_clicks": 1, "progress": False, **settings}
    methods = methods if isinstance(methods, dict) else list(methods)
    return evaluate(methods, load_dataset("folder", root), out, **settings)


def failed(results):
    return {name: method.failed for name, method in results.methods.items()}


def main(monkeypatch, capsys, root, out, *arguments):
    command = ["evaluate", "--dataset", "folder", "--root", root, "--out", out, "--max-clicks", 1]
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", *map(str, [*command, *arguments])])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, *capsys.readouterr()


def test_a_photo_that_cannot_be_read_costs_one_object(truncated):
    results = run(truncated, ["growcut", "geodesic-matting"])
    for method in results.methods.values():
        assert list(method.samples) == ["a", "dark", "e"]
        assert list(method.failed) == ["b"]
        assert "The object b cannot be read" in method.failed["b"]
        assert "b.jpg" in method.failed["b"]
        assert one_sentence(method.failed["b"])


def test_python_is_warned(truncated):
    with pytest.warns(FailedObjects, match="Left out 1 object, first b") as caught:
        run(truncated)
    assert one_sentence(caught[0].message)


def test_without_failures_there_is_no_warning_and_nothing_failed(root, recwarn):
    assert failed(run(root)) == {"growcut": {}}
    assert not [one for one in recwarn if one.category is FailedObjects]


def test_a_file_that_was_repaired_is_tried_again_and_nothing_else(truncated, tmp_path, monkeypatch):
    out, whole = tmp_path / "r.json", (truncated / "images" / "a.jpg").read_bytes()
    run(truncated, out=out)
    assert read_results(out).methods["growcut"].failed.keys() == {"b"}
    (truncated / "images" / "b.jpg").write_bytes(whole)
    results = run(truncated, out=out)
    assert failed(results) == {"growcut": {}}
    assert read_results(out) == results
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "r.json"]
    assert list(results.methods["growcut"].samples) == ["a", "b", "dark", "e"]


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("raise", "Too dark; Give me light."),
        ("exit", "enough."),
    ],
)
def test_a_method_that_fails_on_one_object_is_left_out_there_for_all(root, way, reason):
    results = run(root, {"m": ("fragile", {"way": way}), "other": ("growcut", {})})
    assert list(results.methods["m"].samples) == ["a", "b", "e"]
    assert list(results.methods["other"].samples) == ["a", "b", "e"]
    assert failed(results)["m"] == {"dark": REASON + reason}
    left_out = "Left out, for all methods are compared on the same objects: "
    assert failed(results)["other"] == {"dark": f"{left_out}{REASON}{reason}"}
    assert failures(results) == {"dark": REASON + reason}


def test_an_answer_of_the_wrong_shape_names_method_and_object(root):
    results = run(root, {"m": ("fragile", {"way": "shape"})})
    text = failed(results)["m"]["a"]
    assert "The method m failed on a: The method 'fragile' answered with a mask of 40x32" in text
    assert one_sentence(text)


def test_a_method_that_never_answers_costs_the_others_nothing(root, tmp_path):
    methods = {"m": ("fragile", {"way": "shape"}), "other": ("growcut", {})}
    results = run(root, methods, tmp_path / "r.json")
    assert read_results(tmp_path / "r.json") == results
    mine, other = results.methods["m"], results.methods["other"]
    assert (mine.noc, mine.miou, mine.samples) == ({"85": None, "90": None}, (), {})
    assert (mine.ms_prepare, mine.ms_click) == (None, None)
    assert list(other.samples) == ["a", "b", "dark", "e"]
    assert other.failed == {}
    alone = run(root, ["growcut"]).methods["growcut"]
    times = {"ms_prepare": other.ms_prepare, "ms_click": other.ms_click}
    assert other == alone.model_copy(update=times)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("way", ["die", "kill"])
def test_a_dead_process_costs_one_object(root, workers, way):
    methods = {"m": ("fragile", {"way": way}), "other": ("growcut", {})}
    results = run(root, methods, workers=workers)
    assert list(results.methods["m"].samples) == ["a", "b", "e"]
    assert failed(results)["m"].keys() == {"dark"}
    assert failed(results)["m"]["dark"].startswith(f"{REASON}its process died")
    assert one_sentence(failed(results)["m"]["dark"])


DIE = """
import sys
from tests.test_failed_objects import FRAGILE, run
from tutorial_lib.registry import register
register(FRAGILE)
run(sys.argv[1], {"m": ("fragile", {"way": "die"})}, sys.argv[2])
"""


def test_a_method_that_took_this_process_down_costs_one_object_the_next_time(root, tmp_path):
    out = tmp_path / "r.json"
    command = [sys.executable, "-W", "ignore", "-c", DIE, str(root), str(out)]
    codes = [subprocess.run(command, capture_output=True).returncode for _ in range(2)]
    assert codes == [9, 0]
    found = read_results(out).methods["m"]
    assert list(found.samples) == ["a", "b", "e"]
    assert found.failed["dark"].startswith(f"{REASON}its process died")


class Unpicklable(Fragile):
    """Cannot be sent anywhere."""

    def __reduce__(self):
        raise TypeError("I stay here")


def test_what_cannot_be_sent_to_another_process_is_said(root):
    stuck = Unpicklable()
    registry.register(MethodInfo("stuck", "classical", False, "S.", "N.", lambda: stuck))
    for workers in (1, 2):
        with pytest.raises(ValueError, match="cannot be sent to another process") as caught:
            run(root, ["stuck"], workers=workers)
        assert one_sentence(caught.value)
    assert failed(run(root, ["stuck"]))["stuck"].keys() == {"dark"}


def test_what_a_dataset_skipped_or_could_not_open_is_counted(root):
    data = load_dataset("folder", root)
    data.skipped = {"empty": "The mask of empty is empty."}
    data.broken = {"c": "The file c.png holds no picture."}
    results = evaluate(["growcut"], data, max_clicks=1, progress=False)
    assert results.skipped == data.skipped
    assert failed(results) == {"growcut": data.broken}
    assert list(results.methods["growcut"].samples) == ["a", "b", "dark", "e"]
    assert list(report_lines(results))[-3:] == [
        "skipped: empty: The mask of empty is empty.",
        "failed: c: The file c.png holds no picture.",
        "4 objects, 1 failed, 1 skipped, robot center.",
    ]


def test_a_file_that_changes_during_the_evaluation_is_noticed(root):
    class Changing(type(load_dataset("folder", root))):
        def __getitem__(self, place):
            if place == 1:
                path = root / "images" / "b.jpg"
                path.write_bytes(path.read_bytes() + b"!")
            return super().__getitem__(place)

    results = evaluate(["growcut"], Changing(root), max_clicks=1, progress=False)
    assert failed(results) == {"growcut": {"b": "The files of b changed during the evaluation."}}


def test_an_object_that_leaves_nothing_to_click_costs_one_object(root):
    class Empty(type(load_dataset("folder", root))):
        def _mask(self, entry):
            truth, ignore = super()._mask(entry)
            return truth, (truth if entry.id == "b" else ignore)

        def __getitem__(self, place):
            example = super().__getitem__(place) if place != 1 else super().__getitem__(0)
            if place == 1:
                object.__setattr__(example, "ignore", np.ones_like(example.truth))
            return example

    results = evaluate(["growcut"], Empty(root), max_clicks=1, progress=False)
    reason = "The method growcut failed on b: the object has no pixel to click."
    assert failed(results) == {"growcut": {"b": reason}}


def test_the_command_names_what_failed_and_exits_with_1(truncated, tmp_path, monkeypatch, capsys):
    out = tmp_path / "r.json"
    code, shown, error = main(monkeypatch, capsys, truncated, out, "--method", "growcut")
    assert code == 1
    *_, reason, last = shown.splitlines()
    assert reason.startswith("failed: b: The object b cannot be read: ")
    assert last == f"{out}: 3 objects, 1 failed, robot center."
    assert "Traceback" not in shown + error


def test_the_command_exits_with_1_where_every_object_failed(root, tmp_path, monkeypatch, capsys):
    for path in (root / "images").iterdir():
        cut(path)
    out = tmp_path / "r.json"
    code, shown, _ = main(monkeypatch, capsys, root, out, "--method", "growcut")
    assert code == 1
    assert shown.splitlines()[-1] == f"{out}: 0 objects, 4 failed, robot center."
    assert read_results(out).methods["growcut"].samples == {}


def test_long_lists_are_cut_and_counted(root):
    results = run(root)
    skipped = {f"photo-{place}": "Empty." for place in range(25)}
    lines = list(report_lines(results.model_copy(update={"skipped": skipped})))
    assert lines[2] == "skipped: photo-0: Empty."
    assert lines[-2] == "skipped: 5 more, which the results name."
    assert lines[-1] == "4 objects, 25 skipped, robot center."


def test_one_object_is_one_object(root, tmp_path, monkeypatch, capsys):
    out = tmp_path / "r.json"
    arguments = ["--method", "growcut", "--limit", 1]
    code, shown, _ = main(monkeypatch, capsys, root, out, *arguments)
    assert (code, shown.splitlines()[-1]) == (0, f"{out}: 1 object, robot center.")


def test_an_odd_name_is_printed_whatever_the_console_can(root, tmp_path):
    image, truth, _ = easy_scene(32, 40)
    name = os.fsdecode(b"caf\xe9 \xe5\x9b\xbe")
    write(root, name, image, truth)
    cut(root / "images" / f"{name}.jpg")
    command = [sys.executable, "-m", "tutorial_lib", "evaluate", "--dataset", "folder"]
    command += ["--root", str(root), "--out", str(tmp_path / "r.json"), "--method", "growcut"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*command, "--max-clicks", "1"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 1, done.stderr
    assert "failed: caf\\udce9 \\u56fe: The object" in done.stdout


NAME = {"method": "m", "options": {}, "made_from": {}}


def one(identifier, iou=0.5, precision="float32"):
    found = {"clicks": [[0, 0, True]], "iou": [iou], "ms_prepare": 1.0, "ms_clicks": [1.0]}
    return Answered(**NAME, **found, id=identifier, precision=precision)


def test_means_are_over_objects_that_all_methods_answered():
    found = summarise_methods(
        {
            "x": [one("a", 0.5), one("b", 0.9)],
            "y": [one("a", 0.7), Failed(**NAME, id="b", failed="No.")],
        },
        {"c": "Broken."},
        2,
        {"x": {}, "y": {}},
    )
    assert (found["x"].miou, found["y"].miou) == ((0.5, 0.5), (0.7, 0.7))
    assert found["y"].failed == {"b": "No.", "c": "Broken."}
    assert found["x"].failed.keys() == {"b", "c"}


@pytest.mark.parametrize(
    ("precisions", "expected"),
    [(["bfloat16"] * 2, "bfloat16"), (["float32", "bfloat16"], "mixed"), ([], "float32")],
)
def test_the_precision_is_that_of_all_answers(precisions, expected):
    records = [one(str(place), precision=text) for place, text in enumerate(precisions)]
    broken = {"c": "Broken."}
    assert summarise_methods({"x": records}, broken, 1, {"x": {}})["x"].precision == expected


def test_methods_of_two_precisions_are_mixed_and_each_says_its_own(root):
    class Half(Fragile):
        precision = "bfloat16"

    registry.register(MethodInfo("half", "deep", False, "H.", "N.", Half))
    results = run(root, ["half", "growcut"], limit=1)
    assert results.precision == "mixed"
    assert results.methods["half"].precision == "bfloat16"
    assert results.methods["growcut"].precision == "float32"
    assert run(root, ["half"], limit=1).precision == "bfloat16"
    assert run(root, ["growcut"], limit=1).precision == "float32"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fine.", "Fine."),
        ("no end", "no end."),
        ("Two. Of them.\nAnd a line", "Two; Of them; And a line."),
        ("Version 1.5 of a.b", "Version 1.5 of a.b."),
        ("x" * 600, "x" * 500 + " ...."),
    ],
)
def test_any_text_becomes_one_sentence(text, expected):
    assert single_sentence(text) == expected


def test_every_result_is_json_others_can_read(root, tmp_path):
    run(root, out=tmp_path / "r.json", seed=np.int64(3), max_clicks=np.int32(1), limit=np.int8(2))
    text = (tmp_path / "r.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["seed"] == 3
    assert Path(tmp_path / "r.json").read_bytes().isascii()
