import json
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.sign import NotebookNotary
from PIL import Image
from typer.testing import CliRunner

from tests.support import easy_scene, one_sentence
from tutorial_lib import cli, doctor, paths, registry, working_copies
from tutorial_lib.doctor import Check
from tutorial_lib.evaluation.results import read_results
from tutorial_lib.metrics import iou
from tutorial_lib.registry import MethodInfo, methods
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.working_copies import begin_afresh, copy_notebooks

PHOTO, TRUTH, CLICKS = easy_scene()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(PHOTO).save(path)
    return path


def run(*arguments, **settings):
    """Run the command line as a user does, in a process of its own."""
    command = [sys.executable, "-m", "tutorial_lib", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **settings)


def main(monkeypatch, capsys, *arguments):
    """Run the command line in this process; return exit code, output and error."""
    monkeypatch.setattr(sys, "argv", ["tutorial_lib", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, *capsys.readouterr()


def mask_in(path):
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("PNG", "L")
        pixels = np.asarray(picture)
    assert set(np.unique(pixels)) <= {0, 255}
    return pixels == 255


def test_methods_as_json():
    done = run("methods", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    listed = json.loads(done.stdout)
    assert [entry["name"] for entry in listed] == [info.name for info in methods()]
    assert {"name": "graph-cut", "kind": "classical", "needs_negative": True}.items() <= listed[
        0
    ].items()


def test_segment_writes_the_mask_and_its_candidates(photo, tmp_path):
    out, folder = tmp_path / "new" / "mask.png", tmp_path / "candidates"
    done = run(
        "segment", photo, "--method", "graph-cut", "--click", "24,32,+", "--click", "6,6,-",
        "--out", out, "--candidates", folder,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    mask = mask_in(out)
    assert mask.shape == (48, 64)
    assert iou(mask, TRUTH) > 0.9
    assert [path.name for path in folder.iterdir()] == ["candidate-00.png"]
    assert np.array_equal(mask_in(folder / "candidate-00.png"), mask)


def test_a_bad_command_ends_in_one_line_and_exit_code_2(tmp_path):
    done = run("segment", tmp_path / "gone.png", "--click", "1,1,+")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tutorial_lib: There is no file {tmp_path / 'gone.png'}.\n"


def test_doctor_is_content_here():
    done = run("doctor")
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("Ready: start with `python -m tutorial_lib lab`.")


def test_the_installed_script_is_the_same_program():
    script = Path(sys.executable).parent / "tutorial-lib"
    done = subprocess.run([script, "methods"], capture_output=True, text=True, check=True)
    assert done.stdout == run("methods").stdout


def test_methods_as_a_table():
    lines = CliRunner().invoke(cli.app, ["methods"]).stdout.splitlines()
    assert len(lines) == len(methods())
    assert lines[0].startswith("graph-cut")
    assert "classical" in lines[0]
    assert "[Boykov and Jolly, ICCV 2001]" in lines[0]


def test_a_method_that_cannot_run_says_what_it_needs(monkeypatch):
    info = MethodInfo("dream", "deep", False, "Dreams.", "Nobody", "a:b", ("no_such_package",))
    monkeypatch.setitem(registry._REGISTRY, "dream", info)
    output = CliRunner().invoke(cli.app, ["methods"]).stdout
    assert output.splitlines()[-1].endswith("(needs no_such_package)")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--click", "1,1,+", "--method", "magic"], "no method 'magic'; choose one of: graph-cut"),
        (["--click", "1,1"], "written ROW,COL,+ or ROW,COL,-"),
        (["--click", "a,1,+"], "whole numbers"),
        (["--click", "48,1,+"], "row 48, column 1 lies outside"),
        (["--click", "1,1,+", "--out", "mask.jpg"], "does not end in .png"),
        ([], "at least one --click"),
        (
            ["--click", "1,1,+", "--set", "lam"],
            "option is written key=value, such as size=384, not 'lam'",
        ),
        (["--click", "1,1,+", "--set", "lamp=1"], "has no option lamp; it has: lam"),
        (["--click", "1,1,+", "--set", "exact=maybe"], "is true or false, not 'maybe'"),
        (["--click", "1,1,+", "--set", "lam=1", "--set", "lam=2"], "'lam' is given twice"),
    ],
)
def test_bad_input_ends_in_one_sentence(monkeypatch, capsys, photo, arguments, text):
    code, out, error = main(monkeypatch, capsys, "segment", photo, *arguments)
    assert (code, out) == (2, "")
    assert error.startswith("tutorial_lib: ")
    assert text in error
    assert one_sentence(error.removeprefix("tutorial_lib: ").rstrip("\n"))


def test_options_of_a_method_are_set(monkeypatch, photo, tmp_path):
    found = []

    class Three:
        def __init__(self, weights="none", size=448, zoom=True):
            found.append((weights, size, zoom))

        def prepare(self, image):
            return image

        def segment(self, prepared, clicks):
            return Segmentation(np.zeros((48, 64), np.float32))

    info = MethodInfo("three", "deep", False, "Three.", "Nobody", Three)
    monkeypatch.setitem(registry._REGISTRY, "three", info)
    arguments = ["segment", photo, "--method", "three", "--click", "1,1,+"]
    arguments += ["--out", tmp_path / "m.png"]
    arguments += ["--set", "weights=runs/a.safetensors", "--set", "size=0", "--set", "zoom=false"]
    assert CliRunner().invoke(cli.app, list(map(str, arguments))).exit_code == 0
    assert found == [("runs/a.safetensors", 0, False)]


def test_evaluate_says_which_options_its_figures_are_of(monkeypatch, capsys, photo, tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    photo.rename(tmp_path / "images" / photo.name)
    Image.fromarray(np.uint8(255 * TRUTH)).save(tmp_path / "masks" / photo.name)
    arguments = ["evaluate", "--dataset", "folder", "--root", tmp_path, "--max-clicks", "2"]
    arguments += ["--method", "growcut", "--set", "max_iterations= +3"]
    result = CliRunner().invoke(cli.app, [*map(str, arguments), "--out", str(tmp_path / "a.json")])
    assert result.exit_code == 0
    assert "growcut max_iterations=3" in result.stdout
    assert [*read_results(tmp_path / "a.json").methods] == ["growcut max_iterations=3"]
    arguments += ["--method", "graph-cut", "--out", tmp_path / "b.json"]
    code, _, error = main(monkeypatch, capsys, *arguments)
    assert (code, error) == (
        2, "tutorial_lib: --set changes options of one method: name one by --method.\n"
    )  # fmt: skip
    assert not (tmp_path / "b.json").exists()


def test_an_answer_of_another_shape_is_refused_with_the_methods_name(
    monkeypatch, capsys, photo, tmp_path
):
    class Turned:
        def prepare(self, image):
            return image

        def segment(self, prepared, clicks):
            return Segmentation(np.zeros((64, 48), np.float32))

    info = MethodInfo("turned", "deep", False, "Turned.", "Nobody", Turned)
    monkeypatch.setitem(registry._REGISTRY, "turned", info)
    out = tmp_path / "m.png"
    arguments = ["--method", "turned", "--click", "1,1,+", "--out", out]
    code, _, error = main(monkeypatch, capsys, "segment", photo, *arguments)
    assert code == 2
    assert "'turned' answered with a mask of 64x48 pixels" in error
    assert not out.exists()


def test_a_setting_of_a_recipe_is_given_once(monkeypatch, capsys, tmp_path):
    arguments = ["dos-toy", "--out", tmp_path / "run", "--set", "batch=4", "--set", "batch=8"]
    code, _, error = main(monkeypatch, capsys, "train", *arguments)
    assert (code, error) == (
        2, "tutorial_lib: The setting 'batch' is given twice: give it once.\n"
    )  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_nothing_is_written_when_the_input_is_bad(monkeypatch, capsys, photo, tmp_path):
    out = tmp_path / "mask.png"
    main(monkeypatch, capsys, "segment", photo, "--click", "99,99,+", "--out", out)
    assert not out.exists()


def test_a_file_that_is_no_photo_ends_in_one_sentence(monkeypatch, capsys, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    code, _, error = main(monkeypatch, capsys, "segment", path, "--click", "1,1,+")
    assert code == 2
    assert error.count("\n") == 1
    assert "hold no picture" in error


def test_an_output_that_cannot_be_written_ends_in_one_line(monkeypatch, capsys, photo):
    out = photo / "mask.png"  # inside a file
    code, _, error = main(monkeypatch, capsys, "segment", photo, "--click", "1,1,+", "--out", out)
    assert code == 2
    assert error.count("\n") == 1


def test_a_missing_package_ends_in_one_line(monkeypatch, capsys, photo):
    info = MethodInfo("dream", "deep", False, "Dreams.", "Nobody", "a:b", ("no_such_package",))
    monkeypatch.setitem(registry._REGISTRY, "dream", info)
    code, _, error = main(
        monkeypatch, capsys, "segment", photo, "--click", "1,1,+", "--method", "dream"
    )
    assert code == 2
    assert "no_such_package" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["segment"], ["segment", "a.png", "--nonsense"]]
)
def test_misuse_exits_with_2(monkeypatch, capsys, arguments):
    code, out, error = main(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in error


def test_candidates_are_written_best_first(monkeypatch, photo, tmp_path):
    class Three:
        def prepare(self, image):
            return image

        def segment(self, prepared, clicks):
            masks = np.zeros((3, 48, 64))
            for index in range(3):
                masks[index, : index + 1] = 1
            return Segmentation(masks[1], None, masks, np.array([0.2, 0.9, 0.5]))

    info = MethodInfo("three", "deep", False, "Three.", "Nobody", Three)
    monkeypatch.setitem(registry._REGISTRY, "three", info)
    out, folder = tmp_path / "m.png", tmp_path / "c"
    arguments = ["segment", photo, "--method", "three", "--click", "1,1,+", "--out", out]
    result = CliRunner().invoke(cli.app, [*map(str, arguments), "--candidates", str(folder)])
    assert result.exit_code == 0
    rows = [mask_in(path).any(axis=1).sum() for path in sorted(folder.iterdir())]
    assert rows == [2, 3, 1]
    assert "3 candidates, best first" in result.stdout


def test_bench_prints_json_alone():
    done = run("bench", "--json", "--size", "64x48", "--runs", "1", "--method", "grabcut")
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert result["schema"] == 1
    assert list(result["methods"]) == ["grabcut"]
    assert result["methods"]["grabcut"]["peer"]["name"] == "cv2.grabCut"
    assert done.stderr.startswith("1/1 grabcut\n")


def test_bench_prints_a_table_otherwise(monkeypatch):
    from tutorial_lib.evaluation.speed import bench

    asked = []
    monkeypatch.setattr(bench, "bench", lambda *given, log: asked.append(given))
    monkeypatch.setattr(bench, "as_table", lambda results: "a table")
    done = CliRunner().invoke(cli.app, ["bench", "--method", "b", "--method", "a", "--runs", "2"])
    assert done.stdout == "a table\n"
    assert asked == [((640, 480), ["b", "a"], 2)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--method", "magic"], "no method 'magic'; choose one of: graph-cut"),
        (["--size", "big"], "such as 640x480, not 'big'"),
        (["--size", "1x1"], "between 32 and 4096 pixels"),
        (["--runs", "0"], "between 1 and 100, not 0"),
    ],
)
def test_a_bad_bench_ends_in_one_sentence(monkeypatch, capsys, arguments, text):
    code, out, error = main(monkeypatch, capsys, "bench", *arguments)
    assert (code, out) == (2, "")
    assert text in error
    assert one_sentence(error.removeprefix("tutorial_lib: ").rstrip("\n"))


def test_doctor_exits_with_1_when_something_is_wrong(monkeypatch):
    checks = [Check("Python", "ok", "3.11"), Check("torch", "fail", "missing")]
    monkeypatch.setattr(doctor, "examine", lambda: checks)
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "ok    Python             3.11",
        "FAIL  torch              missing",
        "",
        "1 problem(s): torch.",
    ]


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Pretend that the package was installed from a wheel with three notebooks in it."""
    source = tmp_path / "package" / "notebooks"
    for name in ("00_a.ipynb", "solutions/00_a.ipynb", ".ipynb_checkpoints/00_a.ipynb"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"fresh {name}")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setattr(paths, "_PACKAGE", source.parent)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return source


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_installed_notebooks_are_copied_out(installed, tmp_path):
    folder = copy_notebooks()
    assert folder == tmp_path / "work" / "tutorial-notebooks"
    assert files_below(folder) == ["00_a.ipynb", "solutions/00_a.ipynb"]


def test_installed_notebooks_are_copied_where_asked(installed, tmp_path):
    folder = copy_notebooks(tmp_path / "mine")
    assert folder == tmp_path / "mine"
    assert files_below(folder) == ["00_a.ipynb", "solutions/00_a.ipynb"]


def test_the_readers_own_changes_are_never_overwritten(installed):
    folder = copy_notebooks()
    (folder / "00_a.ipynb").write_text("mine")
    (folder / "solutions" / "00_a.ipynb").unlink()
    copy_notebooks()
    assert (folder / "00_a.ipynb").read_text() == "mine"
    assert (folder / "solutions" / "00_a.ipynb").read_text() == "fresh solutions/00_a.ipynb"


def test_in_a_checkout_the_originals_stay_as_they_are(installed, monkeypatch):
    monkeypatch.setattr(working_copies, "in_checkout", lambda: True)
    assert copy_notebooks() == installed.parent / "tutorial-notebooks"


def test_a_copy_is_signed_and_can_be_started_afresh(installed):
    nbformat.write(nbformat.v4.new_notebook(), installed / "01_b.ipynb")
    folder = copy_notebooks()
    assert NotebookNotary().check_signature(nbformat.read(folder / "01_b.ipynb", as_version=4))
    (folder / "00_a.ipynb").write_text("mine")
    assert "your copy is now 00_a-old-1.ipynb" in begin_afresh(folder, "00")
    assert (folder / "00_a.ipynb").read_text() == "fresh 00_a.ipynb"
    assert (folder / "00_a-old-1.ipynb").read_text() == "mine"
    with pytest.raises(ValueError, match="not '0': 00_a, 01_b"):
        begin_afresh(folder, "0")


def test_the_lab_opens_the_first_notebook_and_passes_options_on(installed, monkeypatch):
    calls = []
    monkeypatch.setattr(
        cli.subprocess, "call", lambda command, cwd, env: calls.append((command, cwd)) or 7
    )
    result = CliRunner().invoke(cli.app, ["lab", "--no-browser", "--port=8899"])
    ((command, folder),) = calls
    assert result.exit_code == 7
    assert folder == copy_notebooks()
    assert str(folder) in result.stdout.replace("\n", "")
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert command[3] == f"--ServerApp.root_dir={folder}"
    assert command[4] == "--LabApp.default_url=/lab/tree/00_first_click.ipynb"
    assert command[-2:] == ["--no-browser", "--port=8899"]
