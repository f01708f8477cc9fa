"""Files that are written whole or not at all, and names that stay in their folder."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.paths import LONGEST_STEM, safe_stem, write_atomically

# -- writing ---------------------------------------------------------------------------------------


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def limited_to(count):
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, count))


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    code = (
        "import sys; from tutorial_lib.paths import write_atomically; "
        "write_atomically(sys.argv[1], bytes(1000))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, str(path)], capture_output=True,
        preexec_fn=lambda: limited_to(500), check=False,
    )  # fmt: skip
    assert b"OSError" in done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_interrupts_leaves_the_old_file(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_it_takes_the_place(tmp_path, monkeypatch):
    path, seen = tmp_path / "file", []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.exists()))
    write_atomically(path, b"new")
    assert seen == [False]


def test_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    link.symlink_to(path)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


def test_permissions_stay(tmp_path):
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"old")
    other.write_bytes(b"usual")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    write_atomically(tmp_path / "fresh", b"new")
    assert (tmp_path / "fresh").stat().st_mode == other.stat().st_mode


def test_a_device_is_not_replaced():
    write_atomically(os.devnull, b"nothing")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_atomically(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path):
    write_atomically(tmp_path / ("a" * 255), b"new")
    assert (tmp_path / ("a" * 255)).read_bytes() == b"new"


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("photo", "photo"),
        ("photo 1 (copy)", "photo 1 (copy)"),
        ("my.holiday", "my.holiday"),
        ("класс 3", "класс 3"),
        ("猫", "猫"),
        ("class 3/cat", "class 3-cat"),
        ("../escaped", "escaped"),
        ("..\\..\\escaped", "escaped"),
        ("/etc/passwd", "etc-passwd"),
        ("C:\\cat", "C--cat"),
        ("cat:stream", "cat-stream"),
        ("a\0b\nc\x7fd\x85e", "abcde"),
        ("gpj\u202ecat", "gpjcat"),
        ("\udc80cat", "cat"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("cat. . ", "cat"),
        ("CON", "_CON"),
        ("nul.png", "_nul.png"),
        ("com1 .x", "_com1 .x"),
        ("lpt¹", "_lpt¹"),
        ("console", "console"),
        ("", "photo"),
        ("...", "photo"),
        ("\0/\0", "photo"),
        ("e\u0301", "\xe9"),
        (3, "3"),
    ],
)
def test_names_become_stems(name, stem):
    assert safe_stem(name) == stem


def test_a_long_name_ends_between_letters():
    assert safe_stem("é" * 300) == "é" * (LONGEST_STEM // 2)
    assert safe_stem("猫" * 300) == "猫" * (LONGEST_STEM // 3)


def test_a_nameless_thing_gets_the_name_it_is_given():
    assert safe_stem("..", default="candidate") == "candidate"


@given(st.text(max_size=200) | st.text(st.sampled_from("./\\-: aCON\0é猫"), max_size=200))
def test_every_stem_is_safe_and_stays_as_it_is(name):
    stem = safe_stem(name)
    assert stem == safe_stem(stem)
    assert 0 < len(stem.encode("utf-8")) <= LONGEST_STEM
    assert not set(stem) & set('/\\:*?"<>|\0\n')
    assert stem[0] not in ".- "
    assert stem[-1] not in ". "
