import json
import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.slow_methods import Deadly, Flat, Forward, Greedy, Half, Slow
from tests.support import disc_mask, easy_scene, one_sentence
from tutorial_lib import registry
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.clock import timed
from tutorial_lib.data.samples import load_sample
from tutorial_lib.evaluation.records import to_plain
from tutorial_lib.evaluation.speed import timing
from tutorial_lib.evaluation.speed.bench import TIMED_PHOTOS, as_table, bench, parse_size
from tutorial_lib.evaluation.speed.peers import (
    PEERS,
    Peer,
    opencv_grab_cut,
    scikit_image_random_walker,
)
from tutorial_lib.evaluation.speed.results import BenchResults, MethodTimes, read_bench
from tutorial_lib.evaluation.speed.scripted_photos import crop_to, scripted_photo
from tutorial_lib.evaluation.speed.timing import ScriptedPhoto, measure, measure_in_bfloat16
from tutorial_lib.metrics import iou
from tutorial_lib.registry import MethodInfo
from tutorial_lib.segmenter import MethodError

pytestmark = pytest.mark.slow


def info(target, name="slow", requires=()):
    return MethodInfo(name, "deep", False, "Waits.", "Nobody", target, requires)


@pytest.fixture
def alone(monkeypatch):
    """Make one method the only one registered."""

    def only(*infos):
        monkeypatch.setattr(registry, "_REGISTRY", {entry.name: entry for entry in infos})

    only(info(Slow))
    return only


IMAGE, TRUTH, TWO = easy_scene()
PHOTO = ScriptedPhoto("disc", IMAGE, TWO.add(Click(24, 36)))


@pytest.mark.parametrize(
    ("text", "size"),
    [("640x480", (640, 480)), (" 320 X 240 ", (320, 240)), ("128x32", (128, 32))],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("big", "WIDTHxHEIGHT"),
        ("640", "WIDTHxHEIGHT"),
        ("-640x480", "WIDTHxHEIGHT"),
        ("640x480x3", "WIDTHxHEIGHT"),
        ("٦٤x٤٨", "WIDTHxHEIGHT"),
        ("9999999999x2", "WIDTHxHEIGHT"),
    ],
)
def test_what_is_no_size_is_refused(text, part):
    with pytest.raises(ValueError, match=part) as caught:
        parse_size(text)
    assert one_sentence(caught.value)


@pytest.mark.parametrize(
    ("size", "part"),
    [
        ((0, 0), "between 32 and 4096 pixels, unlike 0x0"),
        ((640, 31), "between 32 and 4096"),
        ((5000, 4000), "between 32 and 4096"),
        ((640, 40), "at most 4 times"),
    ],
)
def test_an_absurd_size_is_refused(size, part):
    with pytest.raises(ValueError, match=part) as caught:
        bench(size)
    assert one_sentence(caught.value)


def test_a_photo_is_cut_never_squashed():
    mask = disc_mask((100, 200), 50, 60, 20)
    image = np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * 255
    small, cut = crop_to(image, mask, (50, 50))  # a square of 100 around the disc, halved
    assert small.shape == (50, 50, 3)
    assert iou(cut, disc_mask((50, 50), 25, 25, 10)) > 0.9
    assert iou(small[..., 0] > 127, cut) > 0.9


def test_the_cut_stays_inside_the_photo():
    mask = disc_mask((100, 200), 50, 5, 3)  # near the left border
    image = np.arange(200, dtype=np.uint8)[None, :, None].repeat(100, 0).repeat(3, 2)
    cut, _ = crop_to(image, mask, (100, 100))
    assert np.array_equal(cut, image[:, :100])


@pytest.mark.parametrize("name", TIMED_PHOTOS)
@pytest.mark.parametrize("size", [(640, 480), (32, 32), (32, 128), (128, 32)])
def test_every_size_leaves_object_and_background_to_click(name, size):
    photo = scripted_photo(name, size)
    assert photo.image.shape == (size[1], size[0], 3)
    signs = [click.positive for click in photo.clicks]
    assert len(signs) == 5
    assert signs[:2] == [True, False]


def test_the_clicks_tell_the_truth_and_are_always_the_same():
    sample = load_sample("flower")
    _, mask = crop_to(sample.image, sample.mask, (64, 48))
    clicks = scripted_photo("flower", (64, 48)).clicks
    assert all(mask[click.row, click.col] == click.positive for click in clicks)
    assert clicks.to_list() == scripted_photo("flower", (64, 48)).clicks.to_list()


def test_an_action_is_timed():
    value, milliseconds = timed(lambda: time.sleep(0.02) or 7)
    assert value == 7
    assert 20 <= milliseconds < 2000


def test_the_first_click_is_timed_on_its_own(alone):
    """It takes no time here, and would pull the median below 10 ms."""
    found = measure(info(Slow), [ScriptedPhoto("disc", IMAGE, TWO)], runs=3)
    assert found.ms_first < 10
    assert 10 <= found.ms_click <= found.ms_click_worst
    assert found.ms_prepare >= 30
    assert found.peer is None


def pretend(monkeypatch, native):
    """Let ``Half`` be built as on a processor with or without bfloat16."""
    monkeypatch.setattr(Half, "native", native)
    return info(Half)


def test_a_method_that_does_not_say_computes_in_float32(alone):
    assert measure(info(Slow), [PHOTO], runs=1).precision == "float32"
    assert measure_in_bfloat16(info(Slow), [PHOTO], runs=1) is None


def test_a_network_is_measured_in_bfloat16_where_that_is_native(alone, monkeypatch):
    network = pretend(monkeypatch, native=True)
    alone(network)
    assert measure(network, [PHOTO], runs=1).precision == "float32"
    half = measure_in_bfloat16(network, [PHOTO], runs=1)
    assert half.precision == "bfloat16"
    assert half.ms_click >= 5
    assert half.peer is None


def test_bfloat16_is_not_measured_where_it_is_emulated(alone, monkeypatch):
    network = pretend(monkeypatch, native=False)
    alone(network)
    assert measure_in_bfloat16(network, [PHOTO], runs=1) is None


def test_both_precisions_stand_side_by_side(alone):
    shared = {
        "ms_prepare": 1.0,
        "ms_first": 7.0,
        "ms_click_worst": 1.0,
        "peak_mb": 1.0,
        "peer": None,
    }
    half = {**shared, "precision": "bfloat16", "ms_click": 52.3}
    row = {**shared, "precision": "float32", "published_ms": 1.0}
    rows = {
        "fast": MethodTimes(**row, ms_click=213.4, ms_ahead=44.0, bfloat16=half),
        "plain": MethodTimes(**row, ms_click=99.9, ms_ahead=None, bfloat16=None),
    }
    results = bench((64, 48), ["slow"], runs=1).model_copy(update={"methods": rows})
    table = as_table(results).splitlines()
    fast, plain = (next(line for line in table if line.startswith(name)) for name in rows)
    assert fast.split() == ["fast", "1.0", "7.0", "213.4", "1.0", "52.3", "44.0", "1.0", "1.0"]
    assert plain.split() == ["plain", "1.0", "7.0", "99.9", "1.0", "-", "-", "1.0", "1.0"]


def test_what_is_done_while_a_person_looks_is_no_part_of_a_clicks_time(alone):
    found = measure(info(Forward, "forward"), [PHOTO], runs=1)
    assert found.ms_ahead >= 40
    assert found.ms_click < 40
    assert measure(info(Slow), [PHOTO], runs=1).ms_ahead is None


def test_a_method_of_no_memory_adds_none(alone):
    found = measure(info(Slow), [PHOTO], runs=1)
    assert found.peak_mb is None or 0 <= found.peak_mb < 20


def fake_peer(seconds, calls):
    def segment(image, clicks):
        calls.append((image.shape, len(clicks)))
        time.sleep(seconds)
        return image[..., 0] > 0

    return Peer("fake.peer", "numpy", "none", segment)


def test_a_quick_peer_makes_us_slower(alone, monkeypatch):
    calls = []
    monkeypatch.setitem(PEERS, "slow", fake_peer(0, calls))
    peer = measure(info(Slow), [PHOTO], runs=3).peer
    assert peer.name == "fake.peer"
    assert peer.version == np.__version__
    assert peer.clicks == 2
    assert peer.we_are_slower is True
    assert peer.ms_click < 10 <= peer.ms_click_ours
    assert calls[1:] == [((48, 64, 3), 2), ((48, 64, 3), 3)] * 3  # after the small warm-up


def test_a_slow_peer_does_not_and_soon_gets_no_more_clicks(alone, monkeypatch):
    calls = []
    monkeypatch.setitem(PEERS, "slow", fake_peer(0.2, calls))
    monkeypatch.setattr(timing, "PEER_SECONDS", 0.1)
    peer = measure(info(Slow), [PHOTO], runs=3).peer
    assert peer.we_are_slower is False
    assert peer.clicks == 1
    assert len(calls) == 2


def test_a_peer_that_is_not_installed_is_left_out(alone, monkeypatch):
    monkeypatch.setitem(PEERS, "slow", Peer("no.peer", "no_such_package", "none", None))
    assert measure(info(Slow), [PHOTO], runs=1).peer is None


@pytest.mark.parametrize("function", [scikit_image_random_walker, opencv_grab_cut])
def test_the_peers_solve_the_same_task(function):
    assert iou(function(IMAGE, TWO), TRUTH) > 0.9


def test_every_peer_belongs_to_a_method():
    assert set(PEERS) == {"random-walker", "grabcut", "graph-cut"}
    assert all(registry.method_info(name) for name in PEERS)
    assert all(peer.available and peer.version for peer in PEERS.values())


def test_the_result_is_json_and_what_a_method_prints_stays_out(alone, capfd, tmp_path):
    lines = []
    alone(info(Slow), info("a:b", "dream", ("no_such_package",)))
    result = bench((64, 48), runs=1, log=lines.append)
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(to_plain(result), allow_nan=False))
    assert read_bench(path) == result
    assert list(result.methods) == ["slow"]
    assert "no_such_package" in result.skipped["dream"]
    assert result.size == "64x48"
    assert result.photos == tuple(result.clicks) == TIMED_PHOTOS
    assert lines[:2] == ["1/2 slow", "2/2 dream"]
    out, error = capfd.readouterr()
    assert out == ""
    assert "noise" in error


def test_memory_is_each_methods_own(alone):
    alone(info(Greedy, "greedy"), info(Slow))
    found = bench((32, 32), runs=1).methods
    if found["slow"].peak_mb is not None:
        assert 90 < found["greedy"].peak_mb < 150
        assert found["slow"].peak_mb < 40


def test_a_process_that_dies_is_one_sentence(alone):
    alone(info(Deadly, "deadly"))
    with pytest.raises(OSError, match="'deadly' was killed") as caught:
        bench((32, 32), ["deadly"], runs=1)
    assert "\n" not in str(caught.value)


def test_answers_of_another_shape_are_not_timed_but_refused(alone):
    alone(info(Flat, "flat"))
    text = r"'flat' answered with a mask of 1x32 pixels .*, but the photo has 32x32"
    with pytest.raises(MethodError, match=text):
        bench((32, 32), ["flat"], runs=1)
    assert re.search(text, bench((32, 32), runs=1).skipped["flat"])


def test_a_method_asked_for_by_name_must_be_able_to_run(alone):
    alone(info("a:b", "dream", ("no_such_package",)))
    with pytest.raises(ImportError, match="no_such_package"):
        bench((32, 32), ["dream"])


def test_a_method_a_fresh_process_cannot_import_is_refused(alone):
    class Local(Slow):
        pass

    alone(info(Local, "local"))
    with pytest.raises(ValueError, match="module of its own") as caught:
        bench((32, 32), ["local"])
    assert one_sentence(caught.value)


@pytest.mark.parametrize("runs", [0, -1, 101])
def test_an_absurd_number_of_runs_is_refused(runs):
    with pytest.raises(ValueError, match="between 1 and 100") as caught:
        bench(runs=runs)
    assert one_sentence(caught.value)


def row(ours, theirs=None):
    peer = theirs and {
        "name": "cv2.grabCut",
        "version": "5.0",
        "settings": "defaults",
        "clicks": 12,
        "ms_click": theirs,
        "ms_click_ours": ours,
        "we_are_slower": ours > theirs,
    }
    numbers = {
        "ms_prepare": 1.0,
        "ms_first": 1.0,
        "ms_click": ours,
        "ms_click_worst": 9.0,
        "peak_mb": None,
    }
    return {"precision": "float32", **numbers, "published_ms": 1348, "peer": peer}


def result(rows, **skipped):
    return BenchResults(
        schema=1,
        size="64x48",
        runs=3,
        commit=None,
        machine={"cpu": "Abacus", "cores": 2, "platform": "Linux", "python": "3.11.7"},
        threads=2,
        photos=["flower"],
        clicks={"flower": [[1, 2, True]]},
        published_source="A paper, Table 2",
        methods=rows,
        skipped=skipped,
    )


def test_the_table_says_who_is_slower_than_which_peer():
    text = as_table(result({"graph-cut": row(20.0, 10.0), "grabcut": row(10.0, 40.0)}))
    assert "graph-cut 1.0 1.0 20.0 9.0 - - - 1348.0" in " ".join(text.split())
    assert "Peer of graph-cut: cv2.grabCut 5.0, 10 ms" in text
    assert "graph-cut on the same clicks (12), 20 ms: SLOWER by a factor of 2.0." in text
    assert "grabcut on the same clicks (12), 10 ms: 4.0 times as fast." in text


def test_the_table_says_what_was_skipped_and_what_the_numbers_mean():
    text = as_table(result({"growcut": row(3.0)}, dream="It needs sleep."))
    assert "dream: skipped. It needs sleep." in text
    assert "Peer of" not in text
    assert "With the first click, which is of one kind, most methods only show a disc." in text
    assert "Published: A paper, Table 2." in text


@given(st.integers(32, 128), st.integers(32, 128))
def test_any_size_gets_exactly_that_size(width, height):
    image, mask = crop_to(IMAGE, TRUTH, (width, height))
    assert image.shape == (height, width, 3)
    assert mask.shape == (height, width)
    assert mask.any()
    assert not mask.all()


def test_a_photo_is_timed_from_the_second_click_on():
    assert [len(clicks) for clicks in PHOTO.timed_clicks] == [2, 3]
    assert ScriptedPhoto("one", IMAGE, Clicks(TWO[:1])).timed_clicks == []
