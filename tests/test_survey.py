"""What doctor --data says about a folder of photos and masks."""

import numpy as np
import pytest
from PIL import Image

from tests.support import disc_mask, easy_scene
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.survey import open_guessed, survey
from tutorial_lib.doctor import examine_data


@pytest.fixture
def root(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    add(tmp_path, "a", easy_scene()[0], easy_scene()[1])
    return tmp_path


def add(root, name, image, mask):
    Image.fromarray(image).save(root / "images" / f"{name}.png")
    Image.fromarray(mask.astype(np.uint8) * 255).save(root / "masks" / f"{name}.png")


def wrong(root):
    return {f.name: f.text for f in survey(load_dataset("folder", root)) if f.state == "fail"}


def other():
    return easy_scene()[0][:, ::-1]


def test_a_good_folder_is_guessed_and_has_nothing_wrong(root, capsys):
    assert examine_data(root) == 0
    printed = capsys.readouterr().out
    assert "read as folder (guessed" in printed
    assert "1 on 1 photos" in printed and "0, 255: 1" in printed


def test_a_photo_that_is_there_twice_is_found(root):
    add(root, "b", easy_scene()[0], disc_mask((48, 64), 20, 20, 5))
    assert "a.png = b.png" in wrong(root)["duplicates"]


@pytest.mark.parametrize(
    ("name", "mask"),
    [("left out", np.zeros((48, 64))), ("whole photo", np.ones((48, 64))),
     ("tiny", disc_mask((48, 64), 9, 9, 1)), ("cannot be read", np.ones((48, 60)))],
)  # fmt: skip
def test_an_odd_mask_is_found(root, name, mask):
    add(root, "b", other(), mask)
    assert list(wrong(root)) == [name]
    assert "b" in wrong(root)[name]
    assert examine_data(root, "folder") == 1


def test_a_photo_that_is_cut_short_is_found(root):
    add(root, "b", other(), easy_scene()[1])
    path = root / "images" / "b.png"
    path.write_bytes(path.read_bytes()[:300])
    assert "b.png" in wrong(root)["cannot be read"]


def test_a_photo_may_be_there_once_for_each_of_its_objects(root):
    for kind, suffixes in (("images", ("dog00_1", "dog01_1")), ("masks", ("dog00_1", "dog01_1"))):
        for name in suffixes:
            (root / kind / f"{name}.png").write_bytes((root / kind / "a.png").read_bytes())
        (root / kind / "a.png").unlink()
    assert open_guessed(root).name == "folder"
    states = {finding.name: finding.state for finding in survey(load_dataset("coco", root))}
    assert states["duplicates"] == "note"


def test_a_folder_of_no_layout_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="none of berkeley"):
        open_guessed(tmp_path)


def test_a_contact_sheet_is_written_but_never_over_the_dataset(root, tmp_path_factory):
    sheet = tmp_path_factory.mktemp("out") / "sheet.png"
    examine_data(root, show=sheet)
    assert Image.open(sheet).size == (248, 268)
    with pytest.raises(ValueError, match="would replace"):
        examine_data(root, show=root / "images" / "a.png")
    with pytest.raises(ValueError, match="does not end in .png"):
        examine_data(root, show=root / "a.jpg")
