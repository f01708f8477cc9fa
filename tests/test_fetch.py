"""Downloads from a small server on this machine, and archives that mean harm."""

import dataclasses
import gzip
import hashlib
import io
import logging
import shutil
import socket
import stat
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from tests.support import one_sentence, png
from tutorial_lib.cli import main
from tutorial_lib.data import archives
from tutorial_lib.data import fetching as fetching
from tutorial_lib.data.archives import unpack
from tutorial_lib.data.catalogue import DATASETS, Archive, DatasetInfo, Mirror
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.downloads import download
from tutorial_lib.data.fetching import fetch

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


def mirrored(server, monkeypatch, mirror, **checks):
    places = (Mirror(server.url(mirror), "reported working on 2026-01-09"),)
    archive = Archive(server.url("gone.zip"), name="toy.zip", mirrors=places, **checks)
    info = DatasetInfo("toy", "Toy", "a", "http://home", "", "", archives=(archive,))
    monkeypatch.setitem(DATASETS, "toy", info)


def test_a_mirror_is_tried_if_the_first_address_fails(server, tmp_path, monkeypatch):
    server.files["copy.zip"] = content = zipped({"a.txt": "A"})
    mirrored(server, monkeypatch, "copy.zip", sha256=sha(content))
    get(tmp_path)
    assert (tmp_path / "a.txt").read_text() == "A"
    server.files["copy.zip"] = zipped({"a.txt": "B"})
    broken(ValueError, lambda: get(tmp_path / "b"), server.url("copy.zip"), "was expected")


def test_all_addresses_are_named_if_none_works(server, tmp_path, monkeypatch, capsys):
    mirrored(server, monkeypatch, "gone-too.zip", md5="0" * 32)
    texts = (server.url("gone.zip"), server.url("gone-too.zip"), "reported working on 2026-01-09")
    broken(ConnectionError, lambda: get(tmp_path), *texts)
    monkeypatch.setattr("sys.argv", ["tutorial_lib", "fetch", "toy", "x", "--addresses"])
    with pytest.raises(SystemExit):
        main()
    listed = capsys.readouterr().out
    assert [
        text for text in (*texts, f"MD5 {'0' * 32}", "no report known") if text not in listed
    ] == []


def test_a_documented_md5_must_fit(server, tmp_path, monkeypatch):
    server.files["gone.zip"] = content = zipped({"a.txt": "A"})
    mirrored(server, monkeypatch, "copy.zip", md5="0" * 32)
    found = hashlib.md5(content).hexdigest()
    broken(ValueError, lambda: get(tmp_path), f"has MD5 {found}", "it was deleted")


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


def berkeley(server, monkeypatch, content):
    """Serve an archive as Berkeley, of which nobody documents a checksum."""
    server.files["b.zip"] = content
    info = dataclasses.replace(DATASETS["berkeley"], archives=(Archive(server.url("b.zip")),))
    monkeypatch.setitem(DATASETS, "berkeley", info)


def berkeley_archive(value=255):
    picture = png(np.full((4, 6), value, np.uint8))
    return zipped({"Berkeley/images/1.png": picture, "Berkeley/masks/1#0.png": picture})


def get_berkeley(root, **options):
    return fetch("berkeley", root, progress=False, **options)


def test_the_first_use_is_trusted_and_the_second_compared(server, tmp_path, monkeypatch, caplog):
    content, other = berkeley_archive(), berkeley_archive(200)
    berkeley(server, monkeypatch, content)
    with caplog.at_level(logging.WARNING):
        get_berkeley(tmp_path, keep_archives=False)
    assert sha(content) in caplog.text
    assert (tmp_path / "b.zip.sha256").read_text() == f"{sha(content)}  b.zip\n"
    shutil.rmtree(tmp_path / "Berkeley")
    server.files["b.zip"] = other
    note = str(tmp_path / "b.zip.sha256")
    broken(
        ValueError, lambda: get_berkeley(tmp_path), sha(content), "was expected", f"delete {note}"
    )
    assert not (tmp_path / "Berkeley").exists()
    assert (tmp_path / "b.zip.part").read_bytes() == other  # a good download is not thrown away


PAGE = b"\n<!DOCTYPE html><html><body>Please log in.</body></html>"


def test_a_login_page_is_not_trusted(server, tmp_path, monkeypatch):
    berkeley(server, monkeypatch, PAGE)
    place = str(tmp_path / "b.zip")
    broken(ConnectionError, lambda: get_berkeley(tmp_path), "a web page", server.url(""), place)
    assert list(tmp_path.iterdir()) == []
    server.files["b.zip"] = berkeley_archive()
    get_berkeley(tmp_path)
    assert load_dataset("berkeley", tmp_path).ids == ("1#0",)


def test_a_login_page_does_not_replace_what_was_received_before(server, tmp_path, monkeypatch):
    content = zipped({"Berkeley/a.bin": CONTENT})
    berkeley(server, monkeypatch, content)
    server.cut = [100_000, 0]
    broken(ConnectionError, lambda: get_berkeley(tmp_path), "broke off")
    server.files["b.zip"], server.tag = PAGE, '"login"'
    broken(ConnectionError, lambda: get_berkeley(tmp_path), "a web page")
    assert (tmp_path / "b.zip.part").read_bytes() == content[:100_000]
    server.files["b.zip"], server.tag = content, '"one"'
    broken(ValueError, lambda: get_berkeley(tmp_path), "cannot be read as Berkeley")
    assert server.asked[-1] == "bytes=100000-"


def test_a_page_put_there_by_hand_is_named_and_kept(server, tmp_path, monkeypatch):
    berkeley(server, monkeypatch, berkeley_archive())
    (tmp_path / "b.zip").write_bytes(PAGE)
    broken(ValueError, lambda: get_berkeley(tmp_path), f"{tmp_path / 'b.zip'} is a web page")
    assert (tmp_path / "b.zip").read_bytes() == PAGE


@pytest.mark.parametrize(
    "content",
    [b'{"error": "not found"}', zipped({"notes.txt": "x"}), berkeley_archive(0)],
    ids=["no archive", "another archive", "masks without an object"],
)
def test_only_what_is_read_as_the_dataset_is_trusted(server, tmp_path, monkeypatch, content):
    berkeley(server, monkeypatch, content)
    broken(ValueError, lambda: get_berkeley(tmp_path), "b.zip", "delete it and fetch")
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]
    (tmp_path / "b.zip").unlink()
    server.files["b.zip"] = berkeley_archive()
    get_berkeley(tmp_path)
    assert (tmp_path / "b.zip.sha256").exists()


def test_what_is_no_dataset_replaces_nothing(server, tmp_path, monkeypatch):
    berkeley(server, monkeypatch, zipped({"Berkeley/images/1.png": "no picture"}))
    kept = tmp_path / "Berkeley" / "images" / "1.png"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"mine")
    broken(ValueError, lambda: get_berkeley(tmp_path), "cannot be read as Berkeley")
    assert kept.read_bytes() == b"mine"


@pytest.mark.parametrize("note", ["0" * 64 + "  b.zip\n", "", "\xff"])
def test_a_checksum_kept_before_anything_was_unpacked_counts_for_nothing(
    server, tmp_path, monkeypatch, note
):
    content = berkeley_archive()
    berkeley(server, monkeypatch, content)
    (tmp_path / "b.zip.sha256").write_text(note, "latin-1")
    get_berkeley(tmp_path)
    assert (tmp_path / "b.zip.sha256").read_text() == f"{sha(content)}  b.zip\n"


def test_what_nobody_documents_a_checksum_of_is_one_archive():
    # Such an archive is trusted when it alone can be read as the dataset.
    for info in DATASETS.values():
        for split in {archive.split for archive in info.archives}:
            wanted = fetching._wanted(info.name, split)
            assert len(wanted) == 1 or all(archive.sha256 for archive in wanted)


# -- the catalogue -------------------------------------------------------------------------------


def test_a_plain_folder_has_no_download(tmp_path):
    broken(ValueError, lambda: fetch("folder", tmp_path), "no download", "your own photos")


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "folder"])
def test_a_split_that_is_not_there_is_refused_before_anything_is_fetched(
    tmp_path, monkeypatch, name
):
    monkeypatch.setattr(fetching, "download", lambda *_, **__: pytest.fail("it was fetched"))
    broken(ValueError, lambda: fetch(name, tmp_path / "new", split="x"), name, "'x'")
    assert not (tmp_path / "new").exists()


def test_the_command_line_says_so_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "sys.argv", ["tutorial_lib", "fetch", "davis", str(tmp_path), "--split", "x"]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    error = capsys.readouterr().err
    known = ", ".join(DATASETS["davis"].splits)
    assert error == f"tutorial_lib: The splits of davis are {known}, not 'x'.\n"


@pytest.mark.parametrize("split", [None, "trainval", "train", "val", "val-tenth"])
def test_splits_that_lie_in_one_archive_are_all_fetched_with_it(split):
    (archive,) = fetching._wanted("davis", split)
    assert archive.file_name == "DAVIS-data.zip"


def test_frames_and_objects_of_f_brs_are_downloads_of_their_own():
    for name, split, file in (
        ("davis", "345-frames", "DAVIS.zip"), ("coco", "800-objects", "COCO_MVal.zip"),
    ):  # fmt: skip
        (archive,) = fetching._wanted(name, split)
        assert archive.file_name == file


def test_a_root_that_is_a_file_is_named(tmp_path):
    path = tmp_path / "data"
    path.write_text("mine")
    broken(OSError, lambda: fetch("davis", path), str(path), "cannot be made")


def test_an_unknown_dataset_lists_those_there_are(tmp_path):
    broken(ValueError, lambda: fetch("imagenet", tmp_path), "grabcut", "no 'imagenet'")


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "folder"])
def test_every_download_has_an_address_and_no_or_a_whole_checksum(name):
    for archive in DATASETS[name].archives:
        assert archive.url.startswith(("http://", "https://"))
        assert archive.file_name.endswith((".zip", ".tar", ".tgz"))
        assert archive.sha256 is None or len(bytes.fromhex(archive.sha256)) == 32
        assert archive.md5 is None or len(bytes.fromhex(archive.md5)) == 16
        assert all(place.url.startswith("http") and place.report for place in archive.addresses)
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
    "link through a link": [link("a", "."), link("b", "a/..")],
    "file through a link within": [link("a", "."), ("a/out.txt", b"x")],
    "file in the place of a link": [link("a", "good.txt"), ("a", b"x")],
    "hard link to a link": [link("a", "good.txt"), link("b", "a", tarfile.LNKTYPE)],
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


PACKED = {
    mode: tarred(("a.bin", CONTENT[:60_000]), mode=f"w:{mode}") for mode in ("gz", "bz2", "xz")
}


@pytest.mark.parametrize("mode", PACKED)
def test_every_compression_is_unpacked(tmp_path, mode):
    archive = tmp_path / "a.tar"
    archive.write_bytes(PACKED[mode])
    unpack(archive, tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT[:60_000]


@pytest.mark.parametrize("mode", PACKED)
@pytest.mark.parametrize("place", [0.3, 0.6, 0.99])
def test_a_tar_with_wrong_bytes_is_named(inside, mode, place):
    content = bytearray(PACKED[mode])
    start = int(len(content) * place)
    content[start : start + 2] = bytes(byte ^ 0xFF for byte in content[start : start + 2])
    archive = inside.parent / "bad.tar"
    archive.write_bytes(content)
    broken(ValueError, lambda: unpack(archive, inside), "bad.tar", "delete it and fetch it again")


@pytest.mark.parametrize("mode", PACKED)
def test_a_tar_cut_short_is_named(inside, mode):
    archive = inside.parent / "bad.tar"
    archive.write_bytes(PACKED[mode][:-10])
    broken(ValueError, lambda: unpack(archive, inside), "bad.tar", "delete it and fetch it again")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_with_wrong_bytes_is_named(inside, method):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as content:
        content.writestr("a.bin", CONTENT[:60_000])
    damaged = bytearray(stream.getvalue())
    damaged[60:80] = bytes(20)
    archive = inside.parent / "bad.zip"
    archive.write_bytes(damaged)
    broken(ValueError, lambda: unpack(archive, inside), "bad.zip", "delete it and fetch it again")


def large_member(size):
    info = tarfile.TarInfo("zeros")
    info.size = size
    return info


def growing(kind):
    """Pack two megabytes of zeros into a few kilobytes."""
    stream, zeros = io.BytesIO(), bytes(2_000_000)
    if kind == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as content:
            content.writestr("zeros", zeros)
    elif kind == "gz":
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as content:
            content.addfile(large_member(len(zeros)), io.BytesIO(zeros))
    else:  # a header of a name of this length, which tarfile would keep in memory
        name = tarfile.TarInfo("././@LongLink")
        name.type, name.size = tarfile.GNUTYPE_LONGNAME, len(zeros)
        with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as content:
            content.write(name.tobuf() + zeros)
    return stream.getvalue()


@pytest.mark.parametrize(("kind", "name"), [("zip", "zip"), ("gz", "tar"), ("name", "tar")])
def test_an_archive_that_grows_without_limit_is_refused(inside, monkeypatch, kind, name):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1_500_000)
    archive = inside.parent / f"bad.{name}"
    archive.write_bytes(growing(kind))
    broken(ValueError, lambda: unpack(archive, inside), "was not unpacked", "1,500,000 bytes")


def test_a_large_archive_may_hold_a_hundred_times_its_size(inside, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 10)
    archive = inside.parent / "bad.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr("zeros", bytes(1_000_000))
    broken(
        ValueError, lambda: unpack(archive, inside), f"the {100 * archive.stat().st_size:,} bytes"
    )
    monkeypatch.setattr(archives, "MAX_RATIO", 1000)
    unpack(archive, inside)
    (inside / "zeros").unlink()


@pytest.mark.parametrize("name", ["bad.zip", "bad.tar"])
def test_an_archive_of_very_many_files_is_refused(inside, monkeypatch, name):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    members = {f"{number}": "" for number in range(4)}
    packed = zipped(members) if name == "bad.zip" else tarred(*((key, b"") for key in members))
    archive = inside.parent / name
    archive.write_bytes(packed)
    broken(ValueError, lambda: unpack(archive, inside), "more than 3 files")


def test_unpacking_merges_with_what_is_there(tmp_path):
    archive, folder = tmp_path / "a.zip", tmp_path / "data"
    for files in ({"all/1": "one", "x": "old"}, {"all/2": "two", "x": "new"}):
        archive.write_bytes(zipped(files))
        assert unpack(archive, folder) == ["all", "x"]
    assert sorted(p.name for p in (folder / "all").iterdir()) == ["1", "2"]
    assert (folder / "x").read_text() == "new"


def chain_of_links():
    """Long folders behind short links: with them os.path.realpath gives up on Python 3.11.7."""
    members, step = [], ""
    for letter in "abcdefghijklmnop":
        folder = tarfile.TarInfo(f"{step}{'d' * 247}")
        folder.type = tarfile.DIRTYPE
        members += [folder, link(f"{step}{letter}", "d" * 247)]
        step += f"{letter}/"
    members += [link(f"{step}{'l' * 254}", "../" * 16), link("out", f"{step}{'l' * 254}/../..")]
    return tarred(*members, ("out/out.txt", b"x"))


def test_a_chain_of_links_leads_nowhere(inside):
    archive = inside.parent / "bad.tar"
    archive.write_bytes(chain_of_links())
    broken(ValueError, lambda: unpack(archive, inside), "goes through a link")


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
