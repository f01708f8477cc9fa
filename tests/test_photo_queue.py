"""PhotoQueue without a browser: a folder of photos, one after the other."""

import json

import numpy as np
import pytest

from tests.support import easy_scene, one_sentence
from tutorial_lib import working_photo
from tutorial_lib.exports import read_mask
from tutorial_lib.render import encode_png
from tutorial_lib.widgets import PhotoQueue


@pytest.fixture
def photos(tmp_path):
    image, _, _ = easy_scene()
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("b.png", "a.png", "c.PNG"):
        (folder / name).write_bytes(encode_png(image))
    (folder / "notes.txt").write_text("no photo")
    return folder


def queue_of(photos, **options):
    options = {"method": "graph-cut", "out": photos.parent / "out", **options}
    return PhotoQueue(photos, **options)


def select(queue):
    image, mask, _ = easy_scene()
    rows, cols = np.nonzero(mask)
    queue.canvas.click(int(rows.mean()), int(cols.mean()))
    queue.canvas.click(2, 2, positive=False)


def listed(queue):
    return [label for label, _ in queue.photos.options]


def test_photos_are_listed_by_name_and_ticked_when_they_are_saved(photos):
    queue = queue_of(photos)
    assert listed(queue) == ["\u2007 a.png", "\u2007 b.png", "\u2007 c.PNG"]
    select(queue)
    queue.save_and_next()
    assert listed(queue)[0] == "✓ a.png"
    assert (queue.place, queue.photos.value) == (1, 1)
    assert queue.canvas.session.name == "b"
    assert not queue.canvas.clicks.actions
    assert "1 of 3 done. b.png is on the screen." in queue._words.value
    mask = read_mask(photos.parent / "out" / "a-mask.png")
    assert 0 < mask.sum() < mask.size
    coco = json.loads((photos.parent / "out" / "a-coco.json").read_text())
    assert coco["images"][0]["width"] == mask.shape[1]
    assert coco["images"][0]["file_name"] == "a.png"
    assert queue.canvas.session.file_name == "b.png"


def test_there_is_one_button_to_save(photos):
    panel = queue_of(photos).canvas.panel
    assert [each.layout.display for each in (panel.upload, panel.save)] == ["none", "none"]


def test_a_new_queue_goes_on_with_what_is_to_do(photos):
    first = queue_of(photos)
    select(first)
    first.save_and_next()
    again = queue_of(photos)
    assert (again.done, again.place) == ((True, False, False), 1)
    assert repr(again) == "PhotoQueue(1 of 3 done)"


def test_after_the_last_photo_comes_the_first_that_is_to_do(photos):
    queue = queue_of(photos)
    queue.skip.click()
    queue.skip.click()
    assert queue.place == 2
    select(queue)
    queue.next.click()
    assert queue.place == 0
    for _ in range(2):
        select(queue)
        queue.next.click()
    assert queue.done == (True, True, True)
    assert "3 of 3 done. There is no other photo to do." in queue._words.value


def test_a_done_photo_can_be_chosen_and_its_files_replaced(photos):
    queue = queue_of(photos)
    select(queue)
    queue.save_and_next()
    names = sorted(path.name for path in (photos.parent / "out").iterdir())
    queue.photos.value = 0
    assert queue.canvas.session.name == "a"
    select(queue)
    queue.save()
    assert sorted(path.name for path in (photos.parent / "out").iterdir()) == names


def test_nothing_selected_is_said_and_nothing_is_written(photos):
    queue = queue_of(photos)
    queue.next.click()
    assert "There is nothing to save" in queue._words.value
    assert queue.place == 0
    assert not (photos.parent / "out").exists()


def test_photos_that_cannot_be_read_are_named_and_passed_over(photos):
    (photos / "a.png").write_bytes(b"broken")
    (photos / "b.jpg").write_bytes(b"broken, too")
    queue = queue_of(photos)
    assert queue.paths[queue.place].name == "b.png"
    assert queue.canvas.session.name == "b.png"  # b.jpg has the same stem
    queue.skip.click()
    assert queue.paths[queue.place].name == "c.PNG"
    queue.photos.value = 1
    assert queue.paths[queue.place].name == "c.PNG"
    assert listed(queue)[:2] == ["✗ a.png", "✗ b.jpg"]
    assert queue.photos.value == queue.place


@pytest.mark.parametrize("kind", ["missing", "empty", "broken"])
def test_a_folder_without_photos_is_refused_in_a_sentence(kind, tmp_path):
    folder = tmp_path / "photos"
    if kind != "missing":
        folder.mkdir()
    if kind == "broken":
        (folder / "a.png").write_bytes(b"broken")
    with pytest.raises(ValueError) as caught:
        queue_of(folder)
    assert one_sentence(caught.value)


def test_a_large_photo_is_shown_smaller_and_saved_in_its_own_size(photos):
    image, _, _ = easy_scene()
    large = np.kron(image, np.ones((20, 20, 1), np.uint8))
    (photos / "a.png").write_bytes(encode_png(large))
    queue = queue_of(photos)
    assert max(queue.canvas.session.shape) == 1024 < max(large.shape)
    height, width = queue.canvas.session.shape
    queue.canvas.click(height // 2, width // 2)
    queue.canvas.click(2, 2, positive=False)
    queue.save()
    assert read_mask(photos.parent / "out" / "a-mask.png").shape == large.shape[:2]


def test_its_still_picture_is_that_of_the_photo(photos):
    data, metadata = queue_of(photos)._repr_mimebundle_()
    assert data["image/jpeg"][:2] == b"\xff\xd8"
    assert metadata["image/jpeg"]["alt"]
    assert data["text/plain"] == "PhotoQueue(0 of 3 done)"


def test_a_photo_saved_again_with_fewer_objects_leaves_no_mask_behind(photos):
    (photos / "a-1-object.png").write_bytes((photos / "a.png").read_bytes())
    queue = queue_of(photos)
    queue.show(1)
    select(queue)
    queue.canvas.next_object("spoon")
    queue.canvas.click(4, 4)
    first = {path.name for path in queue.save()}
    assert {"a-1-object-mask.png", "a-2-spoon-mask.png", "a-labels.png"} <= first
    queue.canvas.change_objects(lambda session: session.delete_object("spoon"))
    queue.save()
    left = {path.name for path in (photos.parent / "out").iterdir()}
    assert "a-mask.png" in left and not {"a-2-spoon-mask.png", "a-labels.png"} & left
    assert "a-1-object-mask.png" in left, "it may be the mask of another photo"


def test_a_queue_reads_its_first_photo_once(photos, monkeypatch):
    read = []
    shrink = working_photo.shrink_photo
    monkeypatch.setattr(
        working_photo, "shrink_photo", lambda *given: read.append(given[0]) or shrink(*given)
    )
    queue = queue_of(photos)
    assert read == [queue.paths[0]] and queue.canvas.session.file_name == "a.png"
