"""Downloads from a small server on this machine, and archives that mean harm."""

import dataclasses
import hashlib
import io
import logging
import socket
import stat
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from tests.support import one_sentence, png
from tutorial_lib.data import fetch as fetching
from tutorial_lib.data.archives import unpack
from tutorial_lib.data.catalogue import DATASETS, Archive, DatasetInfo
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.fetch import download, fetch

CONTENT = bytes(range(256)) * 4000  # about a megabyte


class Server(ThreadingHTTPServer):
    """Serves ``files``; ``cut`` ends answers early, ``shift`` misplaces them."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.cut, self.tag, self.ranges, self.asked = {}, [], '"one"', True, []
        self.shift = 0

    def url(self, name):
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        body = server.files.get(self.path[1:])
        if body is None:
            return self.send_error(404)
        start = self.start_of(wanted, body)
        if start is not None and start >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(200 if start is None else 206)
        if start is not None:
            self.send_header(
                "Content-Range", f"bytes {start + server.shift}-{len(body) - 1}/{len(body)}"
            )
        body = body[start or 0 :]
        self.send_header("Content-Length", str(len(body)))
        if server.tag:
            self.send_header("ETag", server.tag)
        self.end_headers()
        self.wfile.write(body[: server.cut.pop(0)] if server.cut else body)
        return None

    def start_of(self, wanted, body):
        same = self.headers.get("If-Range", self.server.tag) == self.server.tag
        if not (wanted and self.server.ranges and same):
            return None
        return int(wanted.removeprefix("bytes=").rstrip("-"))


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def zipped(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(*members, mode="w:gz"):
    """Pack (name, content) pairs, or ready TarInfo objects."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return stream.getvalue()


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def offer(server, monkeypatch):
    """Put a made-up dataset of some archives into the catalogue."""

    def put(files, known=True, splits=()):
        server.files.update(files)
        archives = [
            Archive(server.url(name), sha(content) if known else None, split)
            for (name, content), split in zip(
                files.items(), splits or [None] * len(files), strict=True
            )
        ]
        info = DatasetInfo("toy", "Toy", "a", "http://home", "", "", splits, tuple(archives))
        monkeypatch.setitem(DATASETS, "toy", info)

    return put


def get(root, **options):
    return fetch("toy", root, progress=False, **options)


def broken(kind, action, *texts):
    with pytest.raises(kind) as caught:
        action()
    assert one_sentence(caught.value), str(caught.value)
    assert [text for text in texts if text not in str(caught.value)] == []


# -- downloading ---------------------------------------------------------------------------------


def test_a_download_is_unpacked_and_nothing_half_done_stays(offer, tmp_path):
    offer({"toy.zip": zipped({"toy/a.txt": "A", "toy/b/c.txt": "C"})})
    root = tmp_path / "new" / "folder"
    assert get(root) == root
    assert (root / "toy" / "b" / "c.txt").read_text() == "C"
    assert sorted(p.name for p in root.iterdir()) == ["toy", "toy.zip", "toy.zip.unpacked"]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_tar_archives_are_unpacked_too(offer, tmp_path, mode):
    offer({"toy.tar": tarred(("toy/a.txt", b"A"), mode=mode)})
    get(tmp_path)
    assert (tmp_path / "toy" / "a.txt").read_text() == "A"


def test_a_second_fetch_asks_the_server_nothing(offer, server, tmp_path):
    offer({"toy.zip": zipped({"toy/a.txt": "A"})})
    get(tmp_path)
    get(tmp_path)
    assert len(server.asked) == 1


def test_what_was_deleted_is_unpacked_again(offer, server, tmp_path):
    offer({"toy.zip": zipped({"a.txt": "A"})})
    get(tmp_path)
    (tmp_path / "a.txt").unlink()
    get(tmp_path)
    assert (tmp_path / "a.txt").exists()
    assert len(server.asked) == 1


def test_archives_can_be_thrown_away(offer, server, tmp_path):
    offer({"toy.zip": zipped({"a.txt": "A"})})
    get(tmp_path, keep_archives=False)
    get(tmp_path, keep_archives=False)
    assert not (tmp_path / "toy.zip").exists()
    assert (tmp_path / "a.txt").exists()
    assert len(server.asked) == 1


def test_a_file_put_there_by_hand_is_taken(offer, server, tmp_path):
    content = zipped({"a.txt": "A"})
    offer({"toy.zip": content})
    (tmp_path / "toy.zip").write_bytes(content)
    get(tmp_path)
    assert (tmp_path / "a.txt").exists()
    assert server.asked == []


def test_only_the_archives_of_the_split_are_fetched(offer, tmp_path):
    offer({"1.zip": zipped({"1": ""}), "2.zip": zipped({"2": ""})}, splits=("train", "test"))
    get(tmp_path)
    assert (tmp_path / "1").exists() and not (tmp_path / "2").exists()
    get(tmp_path, split="test")
    assert (tmp_path / "2").exists()
    broken(ValueError, lambda: get(tmp_path, split="val"), "train, test", "not 'val'")


def test_an_interrupted_download_goes_on_by_itself(server, tmp_path):
    server.files["file"], server.cut = CONTENT, [300_000, 200_000]
    part = tmp_path / "file.part"
    download(server.url("file"), part, by_hand=tmp_path / "file", progress=False)
    assert part.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=500000-"]
    assert list(tmp_path.iterdir()) == [part]


def test_an_interrupted_download_goes_on_in_the_next_call(offer, server, tmp_path):
    content = zipped({"a.bin": CONTENT})
    offer({"toy.zip": content})
    server.cut = [100_000, 0]
    broken(ConnectionError, lambda: get(tmp_path), "broke off", "call fetch again to go on")
    assert (tmp_path / "toy.zip.part").stat().st_size == 100_000
    get(tmp_path)
    assert server.asked[-1] == "bytes=100000-"
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert (tmp_path / "toy.zip").read_bytes() == content
    assert not list(tmp_path.glob("*.part*"))


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(server, tmp_path):
    part = tmp_path / "file.part"
    part.write_bytes(b"old" * 100)
    (tmp_path / "file.part.tag").write_text('"zero"')
    server.files["file"] = CONTENT
    download(server.url("file"), part, by_hand=tmp_path / "file", progress=False)
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize(("tag", "ranges"), [(None, True), ('W/"weak"', True), ('"one"', False)])
def test_without_a_safe_way_to_resume_a_download_starts_anew(server, tmp_path, tag, ranges):
    server.files["file"], server.cut, server.tag, server.ranges = CONTENT, [500_000], tag, ranges
    part = tmp_path / "file.part"
    download(server.url("file"), part, by_hand=tmp_path / "file", progress=False)
    assert part.read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_part_that_was_complete_is_recognised(server, tmp_path):
    server.files["file"] = CONTENT
    part = tmp_path / "file.part"
    part.write_bytes(CONTENT)
    (tmp_path / "file.part.tag").write_text(server.tag)
    download(server.url("file"), part, by_hand=tmp_path / "file", progress=False)
    assert server.asked == [f"bytes={len(CONTENT)}-"]
    assert part.read_bytes() == CONTENT


def test_another_part_than_was_asked_for_is_not_appended(server, tmp_path):
    server.files["file"], server.cut, server.shift = CONTENT, [500_000], 1
    part = tmp_path / "file.part"

    def receive():
        download(server.url("file"), part, by_hand=tmp_path / "file", progress=False)

    broken(ConnectionError, receive, "another part than was asked for")
    assert part.read_bytes() == CONTENT[:500_000]


def test_a_part_that_is_too_long_starts_anew(server, tmp_path):
    server.files["file"] = CONTENT
    part = tmp_path / "file.part"
    part.write_bytes(CONTENT + b"more")
    (tmp_path / "file.part.tag").write_text(server.tag)
    download(server.url("file"), part, by_hand=tmp_path / "file", progress=False)
    assert part.read_bytes() == CONTENT


def test_no_network_names_the_address_and_the_place(tmp_path, monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/toy.zip"
    info = DatasetInfo("toy", "Toy", "a", "http://home", "", "", archives=(Archive(url),))
    monkeypatch.setitem(DATASETS, "toy", info)
    broken(ConnectionError, lambda: get(tmp_path), url, str(tmp_path / "toy.zip"), "refused")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_told_with_the_servers_answer(offer, server, tmp_path):
    offer({"toy.zip": b""})
    server.files.clear()
    broken(ConnectionError, lambda: get(tmp_path), "the server answered 404 Not Found")
    assert len(server.asked) == 1


def test_progress_is_shown_unless_unwanted(offer, tmp_path, capsys):
    offer({"toy.zip": zipped({"a.txt": "A"})})
    fetch("toy", tmp_path / "loud")
    assert "toy.zip" in capsys.readouterr().err
    get(tmp_path / "silent")
    assert capsys.readouterr().err == ""


def test_what_was_fetched_can_be_opened(server, tmp_path, monkeypatch):
    picture = png(np.full((4, 6), 255, np.uint8))
    server.files["b.zip"] = zipped(
        {"Berkeley/images/1.png": picture, "Berkeley/masks/1#0.png": picture}
    )
    info = dataclasses.replace(DATASETS["berkeley"], archives=(Archive(server.url("b.zip")),))
    monkeypatch.setitem(DATASETS, "berkeley", info)
    assert load_dataset("berkeley", fetch("berkeley", tmp_path, progress=False)).ids == ("1#0",)


# -- checksums -----------------------------------------------------------------------------------


def test_a_wrong_checksum_is_refused_and_the_file_removed(offer, server, tmp_path):
    offer({"toy.zip": zipped({"a.txt": "A"})})
    server.files["toy.zip"] = other = zipped({"a.txt": "B"})
    broken(ValueError, lambda: get(tmp_path), sha(other), "was expected", "it was deleted")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_file_put_there_by_hand_is_refused_and_kept(offer, tmp_path):
    offer({"toy.zip": zipped({"a.txt": "A"})})
    (tmp_path / "toy.zip").write_bytes(b"other")
    broken(ValueError, lambda: get(tmp_path), sha(b"other"), f"delete {tmp_path / 'toy.zip'}")
    assert [path.name for path in tmp_path.iterdir()] == ["toy.zip"]


def test_the_first_use_is_trusted_and_the_second_compared(offer, server, tmp_path, caplog):
    content = zipped({"a.txt": "A"})
    offer({"toy.zip": content}, known=False)
    with caplog.at_level(logging.WARNING):
        get(tmp_path, keep_archives=False)
    assert sha(content) in caplog.text
    assert (tmp_path / "toy.zip.sha256").read_text() == f"{sha(content)}  toy.zip\n"
    (tmp_path / "a.txt").unlink()
    server.files["toy.zip"] = zipped({"a.txt": "changed"})
    broken(ValueError, lambda: get(tmp_path), sha(content), "was expected")
    assert not (tmp_path / "a.txt").exists()


# -- the catalogue -------------------------------------------------------------------------------


def test_a_plain_folder_has_no_download(tmp_path):
    broken(ValueError, lambda: fetch("folder", tmp_path), "no download", "your own photos")


def test_an_unknown_dataset_lists_those_there_are(tmp_path):
    broken(ValueError, lambda: fetch("imagenet", tmp_path), "grabcut", "no 'imagenet'")


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "folder"])
def test_every_download_has_an_address_and_no_or_a_whole_checksum(name):
    for archive in DATASETS[name].archives:
        assert archive.url.startswith(("http://", "https://"))
        assert archive.file_name.endswith((".zip", ".tar", ".tgz"))
        assert archive.sha256 is None or len(bytes.fromhex(archive.sha256)) == 32
        assert archive.split is None or archive.split in DATASETS[name].splits


def test_coco_downloads_the_annotations_of_the_right_year():
    names = [archive.file_name for archive in fetching._wanted("coco", "val2014")]
    assert names == ["annotations_trainval2014.zip", "val2014.zip"]
    assert [a.split for a in fetching._wanted("coco", None)] == ["val2017", "val2017"]


# -- archives ------------------------------------------------------------------------------------


@pytest.fixture
def inside(tmp_path):
    """A folder to unpack to, beside which nothing may appear."""
    folder = tmp_path / "inside"
    folder.mkdir()
    yield folder
    assert {path.name for path in tmp_path.iterdir()} <= {"inside", "bad.zip", "bad.tar"}
    assert list(folder.iterdir()) == []


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def device(kind):
    info = tarfile.TarInfo("device")
    info.type = kind
    return info


HARMFUL_TARS = {
    "above": [("../out.txt", b"x")],
    "above, hidden": [("a/../../out.txt", b"x")],
    "absolute": [("/outside/out.txt", b"x")],
    "drive": [("C:/out.txt", b"x")],
    "link above": [link("a", "../out.txt")],
    "absolute link": [link("a", "/etc/passwd")],
    "hard link above": [link("a", "../bad.tar", tarfile.LNKTYPE)],
    "through a link": [link("a", ".."), ("a/out.txt", b"x")],
    "pipe": [device(tarfile.FIFOTYPE)],
    "character device": [device(tarfile.CHRTYPE)],
}


@pytest.mark.parametrize("case", HARMFUL_TARS)
def test_harmful_tars_are_refused_as_a_whole(inside, case):
    archive = inside.parent / "bad.tar"
    archive.write_bytes(tarred(("good.txt", b"x"), *HARMFUL_TARS[case]))
    broken(ValueError, lambda: unpack(archive, inside), "was not unpacked: its entry")


@pytest.mark.parametrize(
    "name", ["../out.txt", "a/../../out.txt", "/out.txt", "C:/out.txt", "..\\b"]
)
def test_harmful_zips_are_refused_as_a_whole(inside, name):
    archive = inside.parent / "bad.zip"
    archive.write_bytes(zipped({"good.txt": "x", name: "x"}))
    broken(ValueError, lambda: unpack(archive, inside), "was not unpacked", repr(name))


def test_a_python_that_cannot_unpack_safely_does_not(inside, monkeypatch):
    monkeypatch.delattr(tarfile, "data_filter")
    archive = inside.parent / "bad.tar"
    archive.write_bytes(tarred(("good.txt", b"x")))
    broken(ImportError, lambda: unpack(archive, inside), "needs Python 3.11.4")


def test_a_zip_with_a_link_is_refused(inside):
    archive, info = inside.parent / "bad.zip", zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr(info, "/etc")
    broken(ValueError, lambda: unpack(archive, inside), "'link' is a link")


@pytest.mark.parametrize("name", ["bad.zip", "bad.tar"])
@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", tarred(("a", CONTENT))[:300]])
def test_damaged_archives_are_named(inside, name, content):
    archive = inside.parent / name
    archive.write_bytes(content)
    broken(ValueError, lambda: unpack(archive, inside), name, "delete it and fetch it again")


def test_unpacking_merges_with_what_is_there(tmp_path):
    archive, folder = tmp_path / "a.zip", tmp_path / "data"
    for files in ({"all/1": "one", "x": "old"}, {"all/2": "two", "x": "new"}):
        archive.write_bytes(zipped(files))
        assert unpack(archive, folder) == ["all", "x"]
    assert sorted(p.name for p in (folder / "all").iterdir()) == ["1", "2"]
    assert (folder / "x").read_text() == "new"


def test_a_link_within_the_archive_is_kept(tmp_path):
    archive = tmp_path / "a.tar"
    archive.write_bytes(tarred(("d/a.txt", b"A"), link("d/b.txt", "a.txt"), link("e", "d")))
    unpack(archive, tmp_path)
    assert (tmp_path / "d" / "b.txt").read_text() == "A"
    assert (tmp_path / "e" / "a.txt").read_text() == "A"


def test_a_place_that_is_taken_is_named(tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"x": "file"}))
    (tmp_path / "x").mkdir()
    broken(OSError, lambda: unpack(archive, tmp_path), "could not be unpacked into")
