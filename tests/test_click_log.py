"""Click logs come from outside: what they say is checked, and what they set is limited."""

import io
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Literal, Optional

import numpy as np
import pytest
from PIL import Image

from tests.support import Growing, easy_scene, one_sentence
from tutorial_lib import registry
from tutorial_lib.click_log import dump, read_log
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.images import as_rgb, shrink_photo
from tutorial_lib.registry import MethodInfo, register
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.session import Session
from tutorial_lib.study import read_observed

pytestmark = pytest.mark.slow  # it names networks, and few answer
PHOTO, TRUTH, CLICKS = easy_scene()
LARGE, _, _ = easy_scene(400, 600)


def played(photo=PHOTO, clicks=CLICKS, **settings):
    session = Session(photo, **settings)
    for click in clicks:
        session.click(click.row, click.col, click.positive)
    return session


LOG = played().log()
OLD = {**LOG, "image": {name: LOG["image"][name] for name in ("sha256", "shape")}}


def png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def jpeg(image, quality=85):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


# -- a log sets nothing but the method's harmless options ------------------------------------------


def outcome(log, **given):
    try:
        Session.replay(PHOTO, log, **given)
    except ValueError as error:
        assert one_sentence(error)
        return str(error)
    return ""


SESSIONS_OWN = ["autosave", "name", "truth", "ignore", "longest", "method", "image", "strict"]


@pytest.mark.parametrize("name", [*SESSIONS_OWN, "self", "cls", "log", "__class__", "", "a b"])
def test_a_log_sets_nothing_of_the_sessions_own(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert "not an option of the method" in outcome(LOG | {"options": {name: "victim.txt"}})
    assert list(tmp_path.iterdir()) == []


def test_a_method_cannot_open_a_back_door_to_the_sessions_own(tmp_path, restored_registry):
    class Saving(Growing):
        def __init__(self, autosave: bool = False) -> None:
            pass

    register(MethodInfo("saving", "classical", False, "", "", Saving))
    log = LOG | {"method": "saving", "options": {"autosave": True}}
    assert "not an option of the method" in outcome(log)


@pytest.mark.parametrize("name", ["weights", "device"])
@pytest.mark.parametrize("method", ["dos", "dos-no-graph-cut", "semantic-fcn", "latent-diversity"])
def test_a_log_names_no_file_and_no_device(method, name):
    log = LOG | {"method": method, "options": {name: "victim.bin"}}
    assert f"sets the option '{name}', which a log may not" in outcome(log)


@pytest.mark.parametrize("value", ["victim.bin", True, 5, ["x"], {"x": 1}])
def test_a_log_names_no_backbone(value):
    log = LOG | {"method": "latent-diversity", "options": {"backbone": value}}
    refused = outcome(log)
    assert refused == "" if value is True else "sets the option 'backbone'" in refused


@pytest.fixture
def restored_registry(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


class Taking(Growing):
    def __init__(
        self,
        number: int = 1,
        share: float | None = None,
        on: bool = False,
        way: Literal["a", "b"] = "a",
        box: tuple[int, int] | None = None,
        text: str = "usual",
        file: Path | None = None,
        either: Optional["str | Path"] = None,
        pairs: tuple[int, str] = (1, "x"),
        anything: Any = None,
        bare=None,
        **others: Any,
    ) -> None:
        pass


@pytest.mark.parametrize(
    ("option", "taken"),
    [
        ({"number": 3}, True),
        ({"share": 0.5}, True),
        ({"share": None}, True),
        ({"on": True}, True),
        ({"way": "b"}, True),
        ({"box": [1, 2]}, True),
        ({"text": "usual"}, True),  # the default: nothing is set
        ({"bare": 3}, True),
        ({"anything": 0.5}, True),
        ({"text": "victim.txt"}, False),
        ({"file": "victim.txt"}, False),
        ({"either": "victim.txt"}, False),
        ({"pairs": [1, "victim.txt"]}, False),
        ({"anything": "victim.txt"}, False),
        ({"anything": ["victim.txt"]}, False),
        ({"bare": "victim.txt"}, False),
        ({"unheard_of": 3}, False),
        ({"way": "victim.txt"}, False),
        ({"number": "victim.txt"}, False),
    ],
    ids=str,
)
def test_the_declared_type_decides_what_a_log_may_set(restored_registry, option, taken):
    register(MethodInfo("taking", "classical", False, "", "", Taking))
    refused = outcome(LOG | {"method": "taking", "options": option})
    assert (refused == "") is taken, refused


@pytest.mark.parametrize(
    ("method", "option"),
    [
        ("graph-cut", {"lam": 0.5, "sigma": 3, "colour": "gmm", "clip": 0.1, "exact": True}),
        ("grabcut", {"iterations": 1, "box": [1, 1, 40, 60], "seed": 3}),
        ("random-walker", {"beta": 90.0, "pixels": 500}),
        ("geodesic-matting", {"step": 0.1, "colour": "gmm", "pixels": 900, "radius": 3}),
        ("geodesic-star", {"gamma": 0.5, "colour": "gmm"}),
        ("growcut", {"attack": "linear", "max_iterations": 3}),
    ],
)
def test_a_log_sets_every_option_that_is_no_path(method, option):
    log = LOG | {"method": method, "options": option}
    session = Session.replay(PHOTO, log)
    assert session.options == option
    assert session.log()["options"] == option


def test_the_caller_may_set_what_a_log_may_not(restored_registry):
    register(MethodInfo("taking", "classical", False, "", "", Taking))
    log = LOG | {"method": "taking", "options": {"text": "own.bin", "number": 3}}
    assert "pass it in code, for example text='own.bin'" in outcome(log)
    session = Session.replay(PHOTO, log, text="mine.bin")
    assert session.options == {"text": "mine.bin", "number": 3}


def test_a_study_takes_no_path_from_a_log_either(tmp_path, restored_registry):
    from tutorial_lib.data.layouts.dataset import Example

    register(MethodInfo("taking", "classical", False, "", "", Taking))
    path, examples = tmp_path / "x-clicks.json", [Example("x", PHOTO, TRUTH)]
    for options in ({"autosave": str(tmp_path / "victim.txt")}, {"text": "victim.txt"}):
        path.write_text(json.dumps(LOG | {"method": "taking", "options": options}))
        found = read_observed([path], examples)
        assert not found.clicks and one_sentence(found.bad[str(path)])
        assert "x-clicks.json" in found.bad[str(path)]
    assert not (tmp_path / "victim.txt").exists()
    found = read_observed([path], examples, {"taking": {"text": "mine"}})
    assert len(found.clicks) == len(CLICKS) and not found.bad


# -- damaged logs ----------------------------------------------------------------------------------

DAMAGED = [
    {"schema": 2},
    {"schema": True},
    {"schema": None},
    {"name": 5},
    {"name": None},
    {"image": []},
    {"image": {}},
    {"image": {**LOG["image"], "sha256": 5}},
    {"image": {**LOG["image"], "shape": "large"}},
    {"image": {**LOG["image"], "shape": [48, 64]}},
    {"image": {**LOG["image"], "shape": [48, "64", 3]}},
    {"image": {**LOG["image"], "shape": [-48, 64, 3]}},
    {"image": {**LOG["image"], "shape": [48.5, 64, 3]}},
    {"image": {**LOG["image"], "shape": [True, True, 3]}},
    {"image": {**LOG["image"], "original_shape": None}},
    {"image": {**LOG["image"], "sketch": "AAAA"}},
    {"image": {**LOG["image"], "sketch": 5}},
    {"method": None},
    {"method": "magic"},
    {"options": []},
    {"options": {"lam": -1}},
    {"options": {"lam": [1]}},
    {"options": {"lam": "much"}},
    {"options": {"exact": "yes"}},
    {"clicks": {}},
    {"clicks": "many"},
    {"clicks": [5]},
    {"clicks": [[1, 2]]},
    {"clicks": [[1, 2, 1]]},
    {"clicks": [[1.5, 2, True]]},
    {"clicks": [["1", 2, True]]},
    {"clicks": [[-1, 2, True]]},
    {"clicks": [[48, 2, True]]},
    {"clicks": [[10**400, 2, True]]},
    {"clicks": [[True, 2, True]]},
    {"clicks": [[None, 2, True]]},
    {"seconds": "soon"},
    {"seconds": 5},
    {"seconds": {}},
    {"seconds": ["soon", 2.0]},
    {"seconds": [-1.0, 2.0]},
    {"seconds": [float("nan"), 2.0]},
    {"seconds": [float("inf"), 2.0]},
    {"seconds": [True, 2.0]},
    {"seconds": [[1.0], 2.0]},
    {"seconds": [1.0]},
    {"seconds": [1.0, 2.0, 3.0]},
    {"choices": 5},
    {"choices": None},
    {"choices": [[3, 0]]},
    {"choices": [[1, "2"]]},
]


@pytest.mark.parametrize("change", DAMAGED, ids=str)
def test_a_damaged_log_is_refused_with_its_file(tmp_path, change):
    path = tmp_path / "disc-clicks.json"
    path.write_text(json.dumps(LOG | change))
    for replayed in (lambda: Session.replay(PHOTO, path), lambda: Session.replay(PHOTO, str(path))):
        with pytest.raises(ValueError, match=r"disc-clicks\.json") as caught:
            replayed()
        assert one_sentence(caught.value)


@pytest.mark.parametrize("change", DAMAGED, ids=str)
def test_a_damaged_log_in_memory_is_refused_too(change):
    with pytest.raises(ValueError) as caught:
        Session.replay(PHOTO, LOG | change)
    assert one_sentence(caught.value)


@pytest.mark.parametrize("field", ["schema", "name", "image", "method", "options", "clicks"])
def test_a_log_that_lacks_a_field_is_refused(tmp_path, field):
    path = tmp_path / "disc-clicks.json"
    path.write_text(json.dumps({name: value for name, value in LOG.items() if name != field}))
    with pytest.raises(ValueError, match=r"disc-clicks\.json") as caught:
        read_log(path)
    assert one_sentence(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"3", b"null", b"\xff\xfe\x00", b"[" * 100_000, b'{"schema":' * 100_000,
        b'{"schema":\n' * 100_000, b'{"schema": 1, "clicks": [' + b"9" * 5000 + b"]}",
        json.dumps(LOG).encode()[:-5], b'"' + json.dumps(LOG).encode(),
    ],
    ids=lambda content: repr(content[:12]),
)  # fmt: skip
def test_a_file_that_is_no_log_is_named(tmp_path, content):
    path = tmp_path / "disc-clicks.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"disc-clicks\.json") as caught:
        read_log(path)
    assert one_sentence(caught.value)


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "gone.json"):
        with pytest.raises(ValueError, match=f"{path.name}' cannot be read") as caught:
            read_log(path)
        assert one_sentence(caught.value)


@pytest.mark.parametrize("log", [5, None, ["a"], "a\0b"])
def test_what_is_no_log_at_all_is_refused(log):
    with pytest.raises(ValueError) as caught:
        read_log(log)
    assert one_sentence(caught.value)


def test_a_log_of_another_program_is_read(tmp_path):
    path = tmp_path / "log.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(LOG, sort_keys=True, indent=2).encode())
    assert read_log(path).items() >= LOG.items()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [-float("inf")]}])
def test_nan_is_never_written(value):
    with pytest.raises(ValueError):
        dump(value)
    assert dump({"a": np.float32(0.5), "b": np.arange(2)}) == '{"a": 0.5, "b": [0, 1]}'


# -- which photo -----------------------------------------------------------------------------------


def quietly(image, log, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Session.replay(image, log, **settings)


def noted(image, log, **settings):
    with pytest.warns(UserWarning, match="another copy of this photo") as caught:
        session = Session.replay(image, log, **settings)
    assert one_sentence(caught[0].message)
    return session


FEW = Clicks([Click(60, 90), Click(9, 9, False)])


@pytest.fixture(scope="module")
def uploaded():
    return played(png(LARGE), FEW, longest=180)


def test_a_log_replays_on_the_photo_it_was_shrunk_from(uploaded):
    assert uploaded.shape == (120, 180)
    for photo in (LARGE, png(LARGE), shrink_photo(LARGE, 180)[0]):
        again = quietly(photo, uploaded.log(), strict=True)
        assert np.array_equal(again.mask, uploaded.mask)
    assert quietly(LARGE, uploaded.log()).full_shape == (400, 600)


def test_a_log_says_how_large_the_photo_was(uploaded):
    image = uploaded.log()["image"]
    assert (image["shape"], image["original_shape"]) == ([120, 180, 3], [400, 600, 3])


def agreement(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize(
    "size", [(600, 400), (300, 200), (1200, 800), (180, 120), (90, 60), (599, 400)]
)
def test_a_log_replays_on_a_copy_of_another_size(uploaded, size):
    copy = np.asarray(Image.fromarray(LARGE).resize(size, Image.Resampling.BICUBIC))
    if size == (600, 400):
        copy = as_rgb(jpeg(LARGE))
    again = noted(copy, uploaded.log())
    assert again.full_shape == size[::-1]
    full = [np.asarray(Image.fromarray(s.mask).resize((600, 400))) for s in (uploaded, again)]
    assert agreement(*full) > 0.9


def test_a_log_of_a_large_photo_replays_on_a_small_one_with_its_clicks_moved():
    log = played(LARGE, Clicks([Click(201, 299), Click(399, 599, False)])).log()
    copy, _ = shrink_photo(LARGE, 60)
    again = noted(copy, log)
    assert again.clicks == Clicks([Click(20, 29), Click(39, 59, False)])


def test_one_value_off_by_one_is_the_same_photo():
    other = PHOTO.copy()
    other[3, 4, 1] ^= 1
    assert np.array_equal(noted(other, LOG).mask, Session.replay(PHOTO, LOG).mask)


def test_the_same_jpeg_decoded_elsewhere_is_the_same_photo():
    photo = as_rgb(jpeg(LARGE))
    log = played(photo, FEW).log()
    rng = np.random.default_rng(0)
    elsewhere = np.clip(photo.astype(int) + rng.integers(-2, 3, photo.shape), 0, 255)
    noted(elsewhere.astype(np.uint8), log)


@pytest.mark.parametrize("log", [LOG, OLD], ids=["log", "log of the first version"])
def test_strict_wants_the_same_pixels(log):
    other = PHOTO.copy()
    other[3, 4, 1] ^= 1
    with pytest.raises(ValueError, match="belongs to") as caught:
        Session.replay(other, log, strict=True)
    assert one_sentence(caught.value)
    assert quietly(PHOTO, log, strict=True).clicks == CLICKS


@pytest.mark.parametrize(
    "other",
    [255 - PHOTO, PHOTO[::-1], np.rot90(PHOTO), PHOTO[:, :48], PHOTO[..., ::-1], LARGE[:48, :64]],
)
def test_another_photo_is_refused(other):
    with pytest.raises(ValueError, match="belongs to another photo") as caught:
        Session.replay(np.ascontiguousarray(other), LOG)
    assert one_sentence(caught.value)


def test_a_log_of_the_first_version_still_replays():
    again = quietly(PHOTO, json.loads(json.dumps(OLD)))
    assert np.array_equal(again.mask, Session.replay(PHOTO, LOG).mask)


def test_a_log_of_the_first_version_replays_on_the_photo_of_an_upload(uploaded):
    log = uploaded.log()
    log["image"] = {name: log["image"][name] for name in ("sha256", "shape")}
    assert np.array_equal(quietly(LARGE, log).mask, uploaded.mask)


def test_a_known_mask_may_have_the_photos_own_size(uploaded):
    _, truth, _ = easy_scene(400, 600)
    session = quietly(LARGE, uploaded.log(), truth=truth)
    assert session.truth.shape == session.shape
    assert session.iou > 0.9


def test_an_autosave_replays_the_session_of_the_photo(tmp_path):
    path = tmp_path / "log.json"
    played(LARGE, [*FEW, Click(1, 1, False)], autosave=path)
    played(autosave=path)
    assert quietly(PHOTO, path).clicks == CLICKS
    assert len(quietly(LARGE, path).clicks) == 3


# -- exports at the photo's own size ---------------------------------------------------------------


def test_exports_have_the_photos_own_size(uploaded, tmp_path):
    mask, cutout, coco, _ = uploaded.export(tmp_path)
    pixels = np.asarray(Image.open(mask)) == 255
    assert pixels.shape == (400, 600)
    assert agreement(pixels, easy_scene(400, 600)[1]) > 0.95
    assert np.array_equal(np.asarray(Image.open(cutout))[..., :3], LARGE)
    content = json.loads(coco.read_text())
    assert (content["images"][0]["height"], content["images"][0]["width"]) == (400, 600)
    assert content["annotations"][0]["area"] == pixels.sum()


def test_a_replay_on_the_photo_exports_what_was_exported_first(uploaded, tmp_path):
    first = uploaded.export(tmp_path / "first")
    again = Session.replay(png(LARGE), first[3]).export(tmp_path / "second")
    assert first[0].read_bytes() == again[0].read_bytes()


# -- from another thread ---------------------------------------------------------------------------


def test_the_history_holds_an_answer_before_it_can_be_seen():
    session, seen = Session(PHOTO), []

    class Watched(list):
        def append(self, step):
            seen.append((session.stale, session.result))
            super().append(step)

    session._object.history = Watched()
    session.add(CLICKS[0])
    session.refresh()
    assert seen == [(True, None)]


class Narrow:
    def prepare(self, image):
        return image

    def segment(self, image, clicks):
        return Segmentation(np.zeros((3, 5)))


def test_an_answer_of_the_wrong_shape_is_refused_with_the_methods_name():
    session = Session(PHOTO, Narrow())
    with pytest.raises(registry.MethodError, match="Narrow") as caught:
        session.click(1, 1)
    assert one_sentence(caught.value)
    assert (session.history, session.result) == ([], None)


KILLED = """
import sys, numpy as np
from tutorial_lib.session import Session
session = Session(np.load(sys.argv[1]), autosave=sys.argv[2])
row = 0
while True:
    session.click(row % 48, 5, False)
    row += 1
    print(row, flush=True)
"""


def test_a_process_killed_at_work_loses_no_click_it_has_answered(tmp_path):
    np.save(tmp_path / "photo.npy", PHOTO)
    path = tmp_path / "log.json"
    command = [sys.executable, "-c", KILLED, str(tmp_path / "photo.npy"), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) == 20:
                process.kill()
                break
    assert len(Session(PHOTO, autosave=path).saved()) >= 20
