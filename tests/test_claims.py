"""Whether a claim holds is decided by a paired interval, on the benchmarks that were measured."""

import json

import pytest

from tests.support import ROOT, one_sentence
from tutorial_lib.evaluation import (
    BENCHMARKS,
    LI_COLUMNS,
    XU_COLUMNS,
    Difference,
    fewer_clicks,
    in_words,
    paired,
    smaller_error,
)
from tutorial_lib.evaluation.oracle import summarise_curves
from tutorial_lib.evaluation.published import LI_TABLE_2, XU_TABLE_1

SEEN, UNSEEN = XU_COLUMNS[3:]


def results(**methods):
    """Return a result file in which every object has its own row of IoUs."""
    source = json.loads((ROOT / "assets/results/grabcut_geodesic.json").read_text())
    one = source["methods"]["graph-cut"]
    source["methods"] = {
        name: one
        | {
            "samples": {
                key: {"clicks": [[0, 0, True]] * len(ious), "iou": ious}
                for key, ious in samples.items()
            }
        }
        for name, samples in methods.items()
    }
    return json.dumps(source)


@pytest.fixture
def folder(tmp_path):
    network = {f"cat0{k}_000000000001": [0.5, 0.9] for k in range(9)}
    network |= {"dining-table00_000000000007": [0.95]}
    network |= {f"teddy-bear0{k}_000000000002": [0.6] * 20 for k in range(9)}
    classical = {key: [0.0] * 20 for key in [*network][:9]}  # only some of the objects
    (tmp_path / "coco-800_center.json").write_text(results(**{"graph-cut": classical}))
    (tmp_path / "coco-800_center_networks.json").write_text(results(dos=network))
    return tmp_path


def test_both_files_are_read_and_halves_follow_from_their_own_objects(folder):
    seen, unseen = SEEN.read("center", folder), UNSEEN.read("center", folder)
    assert set(seen) == {"dos", "graph-cut"}
    assert seen["dos"].noc["85"] == pytest.approx(1.9)
    assert set(unseen) == {"dos"}
    assert unseen["dos"].noc["85"] == 20 and len(unseen["dos"].samples) == 9


def test_a_file_that_is_missing_is_not_measured_yet(folder):
    assert SEEN.read("geodesic", folder) == {} == LI_COLUMNS[0].read("center", folder)
    assert fewer_clicks({}, "dos", "graph-cut") is None
    assert in_words({"DAVIS": None}) == "not measured yet on DAVIS"


def test_a_claim_is_tested_on_the_objects_that_both_methods_have(folder):
    methods = SEEN.read("center", folder)
    found = fewer_clicks(methods, "dos", "graph-cut", 85)
    assert (found.mean, found.objects, found.verdict) == (-18, 9, "holds")
    assert fewer_clicks(methods, "graph-cut", "dos").verdict == "does not hold"
    error = smaller_error(methods, "dos", "graph-cut", 1)
    assert (error.mean, error.verdict) == (-0.5, "holds")


def test_an_interval_that_touches_zero_decides_nothing():
    assert paired([1, 2, 3], [1, 2, 3]).verdict == "undecided"
    assert Difference(-1, -2, 0, 5).verdict == "undecided"
    assert not Difference(0.3, -0.4, 1.0, 49).contains(-1.88)


def test_files_of_means_keep_the_counts_that_an_interval_needs():
    found = summarise_curves([[0.5, 0.87, 0.95], [0.95]], 20)
    assert found["counts"] == {"85": [2, 1], "90": [3, 1]}
    assert found["noc"] == {"85": 1.5, "90": 2.0}


@pytest.mark.parametrize("rows", [([], []), ([1], [1, 2])])
def test_numbers_that_do_not_pair_are_refused(rows):
    with pytest.raises(ValueError, match="equally many") as caught:
        paired(*rows)
    assert one_sentence(caught.value)


def test_every_column_of_both_papers_has_a_counterpart():
    printed = {column for column, _ in LI_TABLE_2.columns} - {"mean"}
    assert {benchmark.column for benchmark in LI_COLUMNS} == printed
    assert tuple(one.column for one in XU_COLUMNS) == tuple(c for c, _ in XU_TABLE_1.columns)
    assert len({benchmark.name for benchmark in BENCHMARKS}) == 4
