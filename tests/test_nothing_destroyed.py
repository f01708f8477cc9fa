"""Commands replace nothing that they did not write, and look before they work."""

import os
import platform
import signal
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.support import easy_scene, one_sentence
from tutorial_lib import cli, registry
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.evaluation import jobs
from tutorial_lib.evaluation.accuracy import evaluate
from tutorial_lib.evaluation.results import read_results
from tutorial_lib.locking import only_one
from tutorial_lib.registry import MethodInfo
from tutorial_lib.segmenter import Segmentation

pytestmark = pytest.mark.slow


class Answers:
    """Answers at once, with as many candidates as it was told."""

    def __init__(self, count=3):
        self.count = count

    def prepare(self, image):
        return np.asarray(image)

    def segment(self, prepared, clicks):
        masks = np.zeros((self.count, *prepared.shape[:2]))
        return Segmentation(masks[0], None, masks, np.arange(self.count)[::-1] / 9)


@pytest.fixture(autouse=True)
def _answers(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    registry.register(MethodInfo("answers", "classical", False, "A.", "Nobody", Answers))


@pytest.fixture
def photo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "p.png"
    Image.fromarray(easy_scene(32, 40)[0]).save(path)
    return path


def files_in(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def segment(photo, *arguments):
    command = ["segment", photo, "--method", "answers", "--click", "1,1,+", *arguments]
    return CliRunner().invoke(cli.app, list(map(str, command)))


def refused(photo, text, *arguments):
    """Check that nothing at all was changed, and one sentence says why."""
    before = files_in(photo.parent)
    result = segment(photo, *arguments)
    assert isinstance(result.exception, (ValueError, OSError)), result.output
    assert text in str(result.exception)
    assert one_sentence(str(result.exception).replace("--out", "Out", 1))
    assert files_in(photo.parent) == before


@pytest.mark.parametrize("name", ["p.png", "./p.png", "folder/../p.png", "link.png", "hard.png"])
def test_a_mask_never_replaces_its_photo(photo, name):
    (photo.parent / "folder").mkdir()
    (photo.parent / "link.png").symlink_to(photo)
    os.link(photo, photo.parent / "hard.png")
    refused(photo, "would replace the photo", "--out", name)
    refused(photo.parent / name, "would replace the photo", "--out", photo)


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("kind", ["itself", "link", "hard link"])
def test_a_candidate_never_replaces_the_photo(photo, kind, marked):
    folder = photo.parent / "c"
    folder.mkdir()
    if marked:  # the photo is a candidate of an earlier run
        photo.write_bytes(cli._marked_png(np.ones((32, 40), bool)))
    first = folder / "candidate-00.png"
    {"itself": photo.rename, "link": lambda path: path.symlink_to(photo)}.get(
        kind, lambda path: os.link(photo, path)
    )(first)
    image = first if kind == "itself" else photo
    text = "candidate-00.png was not written by this command"
    refused(image, text, "--candidates", folder)


def test_a_photo_among_old_candidates_is_kept(photo):
    segment(photo, "--candidates", "c")
    last = photo.parent / "c" / "candidate-02.png"
    before = last.read_bytes()
    result = segment(last, "--candidates", "c", "--set", "count=2")
    assert result.exit_code == 0
    assert last.read_bytes() == before


def test_only_candidates_of_an_earlier_run_are_deleted(photo):
    folder = photo.parent / "c"
    assert segment(photo, "--candidates", folder).exit_code == 0
    mine = ["candidate-anna.png", "candidate-07.png", "candidate-08.png", "candidate-1.png"]
    for name in mine[:2]:
        photo_copy = photo.read_bytes()
        (folder / name).write_bytes(photo_copy)
    (folder / mine[2]).write_bytes(b"no picture")
    (folder / mine[3]).write_bytes((folder / "candidate-01.png").read_bytes())
    assert segment(photo, "--candidates", folder, "--set", "count=1").exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"candidate-00.png", *mine}


def test_a_picture_of_the_users_own_is_not_replaced_by_a_candidate(photo):
    folder = photo.parent / "c"
    folder.mkdir()
    (folder / "candidate-01.png").write_bytes(photo.read_bytes())
    text = "candidate-01.png was not written by this command"
    refused(photo, text, "--candidates", folder)


def test_masks_are_replaced_by_newer_ones(photo):
    for _ in range(2):
        result = segment(photo, "--out", "m.png", "--candidates", "c")
        assert result.exit_code == 0
    assert len(list((photo.parent / "c").iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--out", "folder.png"], "There is a folder folder.png"),
        (["--out", "p.png/m.png"], "The file p.png is no folder"),
        (["--candidates", "p.png"], "The file p.png is no folder"),
        (["--out", "c/candidate-00.png", "--candidates", "c"], "would be one of --candidates"),
        (["--out", "a" * 300 + ".png"], "File name too long"),
    ],
)
def test_targets_are_checked_before_the_work(photo, monkeypatch, arguments, text):
    (photo.parent / "folder.png").mkdir()
    monkeypatch.setattr(Answers, "prepare", lambda *_: pytest.fail("it began to work"))
    refused(photo, text, *arguments)


@pytest.mark.skipif(platform.system() == "Windows", reason="no limit on files there")
def test_a_full_disk_leaves_the_old_mask_and_one_sentence(photo, monkeypatch):
    import resource

    (photo.parent / "mask.png").write_bytes(b"an older mask")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limit[1]))
    try:
        result = segment(photo, "--out", "mask.png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert str(result.exception) == "Nothing was written to mask.png: File too large."
    assert (photo.parent / "mask.png").read_bytes() == b"an older mask"
    assert sorted(path.name for path in photo.parent.iterdir()) == ["mask.png", "p.png"]


# -- evaluate ------------------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "photos"
    image, truth, _ = easy_scene(32, 40)
    for part, pixels in (("images", image), ("masks", np.uint8(255 * truth))):
        (folder / part).mkdir(parents=True)
        for name in ("a", "@line 1@"):
            Image.fromarray(pixels).save(folder / part / f"{name}.png")
    return load_dataset("folder", folder)


def run(dataset, out, **settings):
    return evaluate(["answers"], dataset, out, **{"max_clicks": 1, "progress": False, **settings})


def test_any_name_of_a_photo_is_a_name_in_the_results(dataset, tmp_path):
    results = run(dataset, tmp_path / "r.json")
    assert list(results.methods["answers"].samples) == ["@line 1@", "a"]
    assert read_results(tmp_path / "r.json") == results


class Listed:
    """A sequence with the names of a dataset's objects of its own choice."""

    def __init__(self, dataset, ids):
        self.dataset, self.ids = dataset, ids
        self.name, self.root = dataset.name, dataset.root

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, place):
        return self.dataset[place]


@pytest.mark.parametrize(
    "names", [(7, 8), ("", "\ud800\n"), (None, ("a", 1)), ("0@line", "x" * 999)]
)
def test_names_that_are_no_text_become_one(dataset, tmp_path, names):
    run(Listed(dataset, names), tmp_path / "r.json")
    samples = read_results(tmp_path / "r.json").methods["answers"].samples
    assert list(samples) == [str(name) for name in names]


def test_two_objects_of_one_name_are_refused(dataset):
    with pytest.raises(ValueError, match="two objects of one name"):
        run(Listed(dataset, ("1", 1)), None)


def test_the_very_same_run_is_not_measured_again(dataset, tmp_path, monkeypatch, capsys):
    first = run(dataset, tmp_path / "r.json")
    before = (tmp_path / "r.json").read_bytes()
    monkeypatch.setattr(jobs, "simulate", lambda *_: pytest.fail("it was measured again"))
    assert run(dataset, tmp_path / "r.json") == first
    assert (tmp_path / "r.json").read_bytes() == before
    assert "measured already" in capsys.readouterr().err


def other_photo(dataset, monkeypatch):
    path = dataset.root / "images" / "a.png"
    path.write_bytes(path.read_bytes() + b"!")


def other_code(dataset, monkeypatch):
    monkeypatch.setattr(Answers, "segment", lambda self, image, clicks: Segmentation(image[..., 0]))


@pytest.mark.parametrize(
    ("change", "settings", "text"),
    [
        (None, {"seed": 4}, "differs in seed"),
        (None, {"limit": 1}, "differs in its objects"),
        (other_photo, {}, "differs in its photos or masks"),
        (other_code, {}, "differs in its methods, or their options, code or weights"),
    ],
)
def test_finished_results_of_another_run_are_kept(
    dataset, tmp_path, monkeypatch, change, settings, text
):
    out = tmp_path / "r.json"
    run(dataset, out)
    before = out.read_bytes()
    if change:
        change(dataset, monkeypatch)
    with pytest.raises(ValueError, match=text) as caught:
        run(dataset, out, **settings)
    assert one_sentence(caught.value)
    assert out.read_bytes() == before
    if change != other_code:
        assert run(dataset, out, **settings, force=True).seed == settings.get("seed", 0)
        assert out.read_bytes() != before


@pytest.mark.parametrize("content", [b"", b"my thesis", b"[]", b"\xff", b"[" * 100_000, b"{}"])
@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_result_is_never_replaced(dataset, tmp_path, content, force):
    out = tmp_path / "r.json"
    out.write_bytes(content)
    with pytest.raises(ValueError, match="holds no results of an evaluation") as caught:
        run(dataset, out, force=force)
    assert one_sentence(caught.value)
    assert out.read_bytes() == content


@pytest.mark.parametrize(
    "name", ["photos", "photos/masks/a.png/r.json", "x" * 300, "a\0b", "x" * 250]
)
def test_a_target_that_cannot_be_written_is_refused_before_the_night(
    dataset, tmp_path, monkeypatch, name
):
    monkeypatch.setattr(Answers, "prepare", lambda *_: pytest.fail("it began to work"))
    before = files_in(tmp_path)
    with pytest.raises(OSError) as caught:
        run(dataset, tmp_path / name)
    assert one_sentence(caught.value)
    assert files_in(tmp_path) == before


def test_the_home_folder_may_be_abbreviated(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    run(dataset, "~/r.json")
    assert (tmp_path / "r.json").exists()


def test_two_evaluations_on_one_target_lock_each_other_out(dataset, tmp_path):
    out = tmp_path / "r.json"
    with only_one(out, "evaluation"):
        with pytest.raises(OSError, match="Another evaluation is writing") as caught:
            run(dataset, out)
        assert one_sentence(caught.value)
        assert not (tmp_path / "r.json.partial").exists()
    run(dataset, out)


def test_a_full_disk_at_the_end_costs_nothing(dataset, tmp_path, monkeypatch):
    out = tmp_path / "r.json"

    def full(path, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("tutorial_lib.evaluation.records.write_atomically", full)
        with pytest.raises(OSError, match="cannot be written: No space left on device") as caught:
            run(dataset, out)
    assert one_sentence(caught.value)
    monkeypatch.setattr(jobs, "simulate", lambda *_: pytest.fail("it was measured again"))
    assert len(run(dataset, out).methods["answers"].samples) == 2


def test_the_command_refuses_and_replaces_as_python_does(dataset, tmp_path, monkeypatch, capsys):
    out = tmp_path / "r.json"
    run(dataset, out, seed=3)
    command = ["evaluate", "--dataset", "folder", "--root", dataset.root, "--out", out]
    command += ["--method", "growcut", "--max-clicks", "1", "--limit", "1"]
    codes = []
    for more in ([], ["--force"]):
        monkeypatch.setattr(sys, "argv", ["tutorial_lib", *map(str, [*command, *more])])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        codes.append(stopped.value.code)
    assert codes == [2, 0]
    assert "choose another --out, or replace them with --force." in capsys.readouterr().err
    assert [*read_results(out).methods] == ["growcut"]
