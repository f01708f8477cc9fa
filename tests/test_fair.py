"""The fair comparison: its file, its differences, and the tool that trains every row alike."""

import json

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from pydantic import ValidationError

from tests.support import easy_scene
from tools import measure_fair as tool
from tutorial_lib.deep.networks.fcn import fcn
from tutorial_lib.deep.object_selection import load_network
from tutorial_lib.evaluation.fair import FairResults, fair_difference, read_fair, write_fair

pytestmark = pytest.mark.slow  # the tool trains networks


def row(method, selector, *counts):
    reached = {
        "counts": {"85": list(counts), "90": [20] * len(counts)},
        "noc": {"85": float(np.mean(counts)), "90": 20.0},
        "miou": [0.5],
    }
    return {
        "method": method, "backbone": "frozen", "selector": selector, "minutes": 0.5,
        "minutes_g": 0, "images": 8, "images_g": 0, "commit": None, "reached": reached,
    }  # fmt: skip


RESULT = {
    "schema": 1,
    "command": "python tools/measure_fair.py",
    "machine": {},
    "precision": "float32",
    "minutes": 0.5,
    "settings": [],
    "protocol": {
        "dataset": "folder", "root_name": "photos", "objects": 3, "robot": "center", "seed": 0,
        "max_clicks": 20, "size": 64,
    },
    "rows": {
        "DOS": row("dos", None, 4, 6, 8),
        "LD": row("latent-diversity", "ours", 2, 4, 6),
    },
}  # fmt: skip


def test_what_was_written_can_be_read_and_compared(tmp_path):
    results = FairResults(**RESULT)
    write_fair(results, tmp_path / "fair.json")
    found = read_fair(tmp_path / "fair.json")
    assert found == results
    assert json.loads((tmp_path / "fair.json").read_text()) == RESULT
    apart = fair_difference(found, "LD", "DOS")
    assert (apart.mean, apart.objects, apart.verdict) == (-2, 3, "holds")
    assert fair_difference(found, "LD", "LD, learned backbone") is None


def test_a_row_without_its_training_is_refused():
    rows = {"DOS": {**row("dos", None, 1, 1, 1), "images": 0}}
    with pytest.raises(ValidationError, match="images"):
        FairResults(**{**RESULT, "rows": rows})


def test_a_frozen_backbone_stays_as_it_is_and_every_row_gets_its_minutes(tmp_path):
    photo, truth, _ = easy_scene(64, 64)
    for part, picture in (("images", photo), ("masks", 255 * truth.astype(np.uint8))):
        (tmp_path / "set" / part).mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / "set" / part / "a.png")
    rows = ["DOS, frozen backbone", "LD, learned backbone, g of the paper"]
    options = {
        "data": tmp_path, "root": tmp_path / "set", "minutes": 0.05, "mixture": "toy-world::1",
        "settings": ["crop=64", "batch=2"], "row": rows, "size": 64, "limit": None,
        "work": tmp_path / "work", "out": tmp_path / "fair.json",
    }  # fmt: skip
    threads = torch.get_num_threads()
    tool.main(**options)
    torch.set_num_threads(threads)
    found = read_fair(tmp_path / "fair.json")
    assert list(found.rows) == rows
    for each in found.rows.values():
        assert each.minutes + each.minutes_g >= 0.05 and each.images >= 2
    assert found.rows[rows[1]].images_g >= 2 and found.rows[rows[0]].images_g == 0
    network, _ = load_network(tmp_path / "work" / "dos-frozen" / "weights.safetensors")
    original = fcn("lite", 32, pretrained=True).backbone.state_dict()
    for name, values in network.backbone.state_dict().items():
        assert torch.allclose(values, original[name], rtol=2e-3, atol=1e-3), name  # float16
    with pytest.raises(typer.BadParameter, match="of other minutes"):
        tool.main(**{**options, "minutes": 0.1})
