"""A file that cannot be written is refused before the work that it is for."""

import errno
import os
import tempfile
from pathlib import Path

import pytest

from tests.support import one_sentence
from tutorial_lib.targets import check_folder, check_target, same_file


@pytest.fixture
def odd(tmp_path):
    """Targets that cannot be written, each with what is to be said of it."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    return {
        "a folder": (tmp_path / "folder", "There is a folder .*folder; name a file"),
        "in a file": (
            tmp_path / "file" / "a",
            "The file .*file is no folder",
        ),
        "deep in a file": (
            tmp_path / "file" / "a" / "b",
            "The file .*file is no folder",
        ),
        "a pipe": (tmp_path / "pipe", "There is a device or a pipe"),
        "a device": (Path(os.devnull), "There is a device or a pipe"),
        "no name": (Path("a\0b"), "A file or folder cannot be named"),
        "no name of a folder": (tmp_path / "a\0b" / "c", "A file or folder cannot be named"),
        "a long name": (tmp_path / ("a" * 300), "Nothing can be written to .*: File name too long"),
        "not on a disk": (Path("/proc/a/b"), "Nothing can be written to "),
        "nothing": (Path(), "There is a folder"),
    }


@pytest.mark.parametrize(
    "name",
    ["a folder", "in a file", "deep in a file", "a pipe", "a device", "no name"]
    + ["no name of a folder", "a long name", "not on a disk", "nothing"],
)
def test_what_cannot_be_written_is_refused_in_one_sentence(odd, name):
    path, text = odd[name]
    with pytest.raises(OSError, match=text) as caught:
        check_target(path)
    assert one_sentence(caught.value)


def test_a_protected_file_and_folder_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(PermissionError, match="write-protected"):
        check_target(path)

    def refuse(dir):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(dir))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(OSError, match="Permission denied"):
        check_target(tmp_path / "new")


def test_looking_makes_nothing(tmp_path):
    check_target(tmp_path / "new" / "folder" / "file")
    check_folder(tmp_path / "new" / "folder")
    check_target(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_file_has_many_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo = tmp_path / "photo.png"
    photo.write_text("photo")
    (tmp_path / "link").symlink_to(photo)
    os.link(photo, tmp_path / "hard")
    (tmp_path / "other").write_text("photo")
    names = ["photo.png", "./photo.png", "link", "hard"]
    assert all(same_file(photo, Path(name)) for name in names)
    assert not any(same_file(photo, Path(name)) for name in ("other", "gone", "a\0"))
