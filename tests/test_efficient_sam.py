"""EfficientSAM and MobileSAM from tiny ONNX files with the inputs and outputs of published ones."""

import hashlib
import os

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from tests import tiny_onnx
from tutorial_lib.actions import Box, Stroke
from tutorial_lib.cli import app
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.deep.efficient_sam import CHECKSUM_VARIABLE, EfficientSAM
from tutorial_lib.evaluation import read_results
from tutorial_lib.registry import get_segmenter, method_info
from tutorial_lib.widgets import CandidatePicker

VARIABLE = method_info("efficient-sam").variable
FORMS = {
    "two files": tiny_onnx.efficient_sam,
    "one file": lambda folder: tiny_onnx.efficient_sam(folder, side=32),
    "MobileSAM": tiny_onnx.mobile_sam,
    "MobileSAM, planes": lambda folder: tiny_onnx.mobile_sam(folder, planes=True),
}
IMAGE = np.full((48, 64, 3), 20, np.uint8)  # three squares in one another
for LEVEL, EDGE in ((100, 4), (140, 10), (235, 16)):
    IMAGE[EDGE:-EDGE, EDGE : 64 - EDGE] = LEVEL
CENTRE, RING = Click(24, 32), Click(24, 12, False)


def name_files(monkeypatch, paths):
    monkeypatch.setenv(VARIABLE, os.pathsep.join(map(str, paths)))
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    monkeypatch.setenv(CHECKSUM_VARIABLE, ", ".join(sums))


@pytest.fixture
def named(monkeypatch, tmp_path):
    name_files(monkeypatch, tiny_onnx.efficient_sam(tmp_path))


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_files_answers_with_three_masks_and_their_predicted_iou(
    form, monkeypatch, tmp_path
):
    name_files(monkeypatch, FORMS[form](tmp_path))
    method = get_segmenter("efficient-sam", engine="opencv")
    prepared = method.prepare(IMAGE)
    first = method.segment(prepared, Clicks([CENTRE]))
    assert first.candidates.shape == (3, 48, 64) and first.selected == 1
    areas = (first.candidates >= 0.5).sum(axis=(1, 2))
    assert (np.diff(areas) < 0).all()  # the squares, from the largest to the smallest
    assert first.mask[24, 32] and not first.mask[0, 0]
    assert np.argsort(first.scores).tolist() == [0, 2, 1]
    following = Clicks([CENTRE]).prefer(2).add(RING)
    answers = [method.segment(p, following) for p in (prepared, method.prepare(IMAGE))]
    assert np.array_equal(answers[0].probability, answers[1].probability)
    for wanted in range(3):
        shown = method.segment(prepared, Clicks([CENTRE]).prefer(wanted))
        assert np.array_equal(shown.probability, first.candidates[wanted])


def test_points_are_given_in_the_pixels_that_the_file_reads(named):
    method = get_segmenter("efficient-sam")
    prepared = method.prepare(IMAGE)
    worth = np.array(tiny_onnx.WORTH)
    scores = method.segment(prepared, Clicks([Click(10, 30)])).scores
    assert np.allclose(scores, 20 * worth + 1)  # the mean of row and column, and the label 1
    stroke = Stroke([(8, 20), (8, 40)])
    assert np.allclose(method.segment(prepared, Clicks([stroke])).scores, 19 * worth + 1)
    many = Clicks(Click(row, 30) for row in range(0, 40, 4))  # more than EfficientSAM reads
    kept = np.mean([0, 20, 24, 28, 32, 36]) / 2 + 15
    assert np.allclose(method.segment(prepared, many).scores, kept * worth + 1)


def test_a_negative_click_chooses_among_masks_if_the_network_does_not_read_it(named):
    method = get_segmenter("efficient-sam")
    prepared = method.prepare(IMAGE)
    both = method.segment(prepared, Clicks([CENTRE, RING]))
    assert both.selected == 2 and not both.mask[24, 12]
    assert both.scores.argmax() == 1


def test_boxes_and_start_masks(named):
    method = get_segmenter("efficient-sam")
    prepared = method.prepare(IMAGE)
    box = Box(8, 8, 40, 32)
    boxed = method.segment(prepared, Clicks([box]))
    assert boxed.mask[24, 24] and not boxed.mask[~box.inside((48, 64))].any()
    start = IMAGE[..., 0] > 200
    begun = Clicks().starting_from(start)
    assert np.array_equal(method.segment(prepared, begun).mask, start)
    assert not np.array_equal(method.segment(prepared, begun.add(CENTRE)).mask, start)
    assert not method.segment(prepared, Clicks([RING])).mask.any()
    with pytest.raises(ValueError, match="lies outside"):
        method.segment(prepared, Clicks([Click(48, 3)]))
    with pytest.raises(ValueError, match="candidate"):
        method.segment(prepared, Clicks([CENTRE]).prefer(3))


def test_what_is_wrong_with_files_is_said(monkeypatch, tmp_path):
    def refused(error=ValueError):
        with pytest.raises(error) as caught:
            EfficientSAM()
        return str(caught.value)

    monkeypatch.delenv(VARIABLE, raising=False)
    assert not method_info("efficient-sam").available
    assert VARIABLE in refused(FileNotFoundError)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.onnx"))
    assert "none.onnx does not exist" in refused(FileNotFoundError)
    encoder, decoder = tiny_onnx.efficient_sam(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path))  # a folder
    assert hashlib.sha256(decoder.read_bytes()).hexdigest() in refused()
    name_files(monkeypatch, [encoder])
    assert "one is missing: encoder.onnx takes batched_images" in refused()
    decoder.write_bytes(decoder.read_bytes()[:-40])
    name_files(monkeypatch, [encoder, decoder])
    assert "decoder.onnx cannot be used: it is not an ONNX file" in refused()
    with pytest.raises(ValueError, match="float32, not 'bfloat16'"):
        get_segmenter("efficient-sam", precision="bfloat16")


def test_robot_and_picker_use_it_like_any_other_method(named, tmp_path):
    for name, picture in (("images", IMAGE), ("masks", np.uint8(IMAGE[..., 0] > 200) * 255)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "squares.png"), picture)
    out = tmp_path / "results.json"
    asked = ["evaluate", "--method", "efficient-sam", "--dataset", "folder", "--max-clicks", "3"]
    done = CliRunner().invoke(app, [*asked, "--root", str(tmp_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    (ious,) = [s.iou for s in read_results(out).methods["efficient-sam"].samples.values()]
    assert ious[0] < ious[1] == 1  # the second click is negative, and chooses
    picker = CandidatePicker(IMAGE, "efficient-sam")
    picker.click(CENTRE.row, CENTRE.col)
    assert len(picker.thumbnails.all) == 3
