import json
import math
import statistics

import pytest

from tests.support import ROOT, one_sentence
from tutorial_lib.evaluation.published import (
    LATER_METHODS,
    LI,
    LI_FIGURE_3,
    LI_TABLE_2,
    LI_TABLE_3,
    LI_TABLE_4,
    LI_TIMES,
    LI_USER_STUDY,
    TABLES,
    XU,
    XU_TABLE_1,
    XU_TABLE_2,
    PublishedTable,
    noc_by_year,
    published_ms,
    published_noc,
)

pytestmark = pytest.mark.slow  # it names networks, and none answers

# Printed means that are not the means of their rows; the module's text says so.
MISPRINTS = {("euclidean-star", 85), ("geodesic-star", 90)}
FOUR = ("davis", "grabcut", "sbd", "coco")


def test_both_papers_figures_where_both_exist():
    assert published_noc("grabcut", 90, "graph-cut") == {XU: 11.10, LI: 10.00}
    assert published_noc("grabcut", 90, "dos") == {XU: 6.04, LI: 6.08}


@pytest.mark.parametrize(
    ("dataset", "threshold", "method", "expected"),
    [
        ("voc", 85, "random-walker", {XU: 11.37}),
        ("berkeley", 90, "growcut", {XU: 18.25}),
        ("coco-unseen", 85, "dos", {XU: 7.82}),
        ("davis", 85, "latent-diversity", {LI: 5.95}),
        ("davis", 85, "latent-diversity-rdl", {LI: 6.13}),
        ("coco", 90, "dos-no-graph-cut", {LI: 16.88}),
        ("sbd", 90, "geodesic-matting", {LI: 17.60}),
        ("mean", 90, "latent-diversity", {LI: 9.39}),
        ("grabcut", 90, "grabcut", {}),
        ("folder", 85, "graph-cut", {}),
    ],
)
def test_one_papers_figure_or_none(dataset, threshold, method, expected):
    assert published_noc(dataset, threshold, method) == expected


@pytest.mark.parametrize("threshold", [0.85, 80, 100])
def test_another_threshold_is_refused(threshold):
    with pytest.raises(ValueError, match="85 and 90") as caught:
        published_noc("grabcut", threshold, "dos")
    assert one_sentence(caught.value)


def test_published_times():
    assert published_ms("graph-cut") == 1348
    assert published_ms("latent-diversity") == 236
    assert published_ms("growcut") is None


def test_the_ratios_the_text_reads_off_figure_3():
    assert LI_FIGURE_3.get("dos", "1 click") == 87
    assert LI_FIGURE_3.get("dos", "2 clicks") == 81


def test_the_single_click_table():
    assert XU_TABLE_2.get("semantic-crf-rnn", "coco-unseen") == 13.28
    assert XU_TABLE_2.source == "Xu et al., CVPR 2016, Table 2"


def test_what_a_table_does_not_hold_is_none():
    assert XU_TABLE_1.get("grabcut", ("voc", 85)) is None
    assert XU_TABLE_1.get("dos", ("voc", 90)) is None


@pytest.mark.parametrize("method", LI_TABLE_2.rows)
@pytest.mark.parametrize("threshold", [85, 90])
def test_the_printed_means_are_the_means_of_their_rows(method, threshold):
    """Four values rounded to 0.01, and their mean too: at most 0.01 apart."""
    values = [LI_TABLE_2.get(method, (dataset, threshold)) for dataset in FOUR]
    printed = LI_TABLE_2.get(method, ("mean", threshold))
    agrees = abs(statistics.mean(values) - printed) <= 0.01
    assert agrees == ((method, threshold) not in MISPRINTS)


def test_the_full_model_is_the_same_in_every_table():
    full = LI_TABLE_2.rows["latent-diversity"]
    assert LI_TABLE_3.rows["latent-diversity"] == full[:1]
    assert LI_TABLE_4.rows["CAN"] == full[:4]


def test_the_ratios_in_the_text_follow_from_table_2():
    def ratio(column, method, other="latent-diversity"):
        return LI_TABLE_2.get(method, column) / LI_TABLE_2.get(other, column)

    assert round(ratio(("grabcut", 85), "dos"), 2) == 1.59  # "by 59%"
    assert round(ratio(("grabcut", 85), "dos-no-graph-cut"), 2) == 2.51  # "151% more"
    assert round(ratio(("mean", 85), "dos-no-graph-cut"), 2) == 2.00  # "100% more"
    assert round(published_ms("dos") / published_ms("latent-diversity"), 1) == 2.3


@pytest.mark.parametrize("method", LI_TABLE_2.rows)
def test_a_higher_threshold_never_takes_fewer_clicks(method):
    values = LI_TABLE_2.rows[method]
    assert all(low <= high for low, high in zip(values[::2], values[1::2], strict=True))


def test_the_papers_winners_win():
    for table, best in ((XU_TABLE_1, "dos"), (LI_TABLE_2, "latent-diversity"), (LI_TABLE_4, "CAN")):
        for index in range(len(table.columns)):
            assert min(table.rows, key=lambda name: table.rows[name][index]) == best  # noqa: B023


def test_every_timed_method_was_counted():
    assert set(LI_TIMES.rows) == set(LI_TABLE_2.rows)
    assert set(LI_USER_STUDY.rows) <= set(LI_TABLE_2.rows)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.source)
def test_a_table_cannot_be_changed(table):
    with pytest.raises(TypeError):
        table.rows["dos"] = (1.0,)


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="needs 2 values") as caught:
        PublishedTable(XU, "Table 9", "clicks", ("a", "b"), {"dos": (1.0,)})
    assert one_sentence(caught.value)


# -- since 2019 ------------------------------------------------------------------------------------


def test_later_figures_are_plausible_and_name_their_source():
    assert len({one.label for one in LATER_METHODS}) == len(LATER_METHODS)
    assert [one.year for one in LATER_METHODS] == sorted(one.year for one in LATER_METHODS)
    for one in LATER_METHODS:
        assert one.source
        assert one.noc
        assert {dataset for dataset, _ in one.noc} <= {
            "grabcut",
            "berkeley",
            "davis",
            "sbd",
            "coco",
        }
        assert all(1 < value < 10 for value in one.noc.values())
        for dataset, percent in one.noc:
            if percent == 85 and (dataset, 90) in one.noc:
                assert one.noc[dataset, 85] < one.noc[dataset, 90]


@pytest.mark.parametrize("name", ["RITM", "SimpleClick"])
def test_more_training_data_helps_except_on_the_data_that_others_learned_from(name):
    few, many = [  # as notebook 10 says
        next(one for one in LATER_METHODS if (one.name, one.training) == (name, training))
        for training in ("SBD", "COCO+LVIS")
    ]
    assert all(many.noc[one, 90] < few.noc[one, 90] for one in ("grabcut", "berkeley", "davis"))
    assert many.noc["sbd", 90] > few.noc["sbd", 90]


def test_every_dataset_has_the_same_rows_by_year():
    rows = {dataset: noc_by_year(dataset) for dataset in ("grabcut", "berkeley", "davis", "coco")}
    assert len({tuple(found) for found in rows.values()}) == 1
    names = list(rows["davis"])
    assert [name[:4] for name in names] == sorted(name[:4] for name in names)
    assert names[0].startswith("2016 Deep Object Selection")
    assert rows["grabcut"][names[0]] == 6.08
    assert math.isnan(rows["berkeley"][names[0]])  # Li et al. did not measure it on Berkeley
    assert noc_by_year("coco", 85)["2022 FocalClick (SegFormer-B3-S2, COCO+LVIS)"] == 2.32


def test_notebook_10_shows_every_later_method_with_its_source():
    text = (ROOT / "notebooks" / "10_reproducing_the_papers.ipynb").read_text(encoding="utf-8")
    shown = "".join(
        "".join(output["text"])
        for cell in json.loads(text)["cells"]
        for output in cell.get("outputs", [])
        if "text" in output
    )
    assert [name for name in noc_by_year("davis") if name not in shown] == []
    assert [one.source for one in LATER_METHODS if one.source not in shown] == []
