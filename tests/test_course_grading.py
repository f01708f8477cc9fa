"""Handing in and grading: honest work is confirmed, and hostile work changes nothing."""

import json
import os
import platform
import socket
import zipfile

import numpy as np
import pytest
from typer.testing import CliRunner

from tutorial_lib import Click, Clicks, Session
from tutorial_lib.cli import app
from tutorial_lib.course import challenge_object, check, grade_folder, record_answers
from tutorial_lib.course.encoding import NotPlain, decode_answer, encode_answer
from tutorial_lib.course.grading import MOST_BYTES
from tutorial_lib.course.portable import portable
from tutorial_lib.course.report import write_reports
from tutorial_lib.course.sandbox import Sandbox
from tutorial_lib.course.submission import KIND, collect, pack, read_submission

needs_confinement = pytest.mark.skipif(
    platform.system() != "Linux", reason="only Linux can confine student code"
)
FACTOR = np.array([2.0, 3.0])


def doubled(x):
    return x * FACTOR[0]


def row(left, right, weak):
    steps = np.concatenate([np.ones(left), [1 / weak], np.ones(right)])
    return np.array([1 - steps[:i].sum() / steps.sum() for i in range(len(steps) + 1)])


def function(source, name="f"):
    return {"kind": "function", "name": name, "source": source, "constants": {}}


def submission(name="Ada", answers=None, logs=()):
    entries = {k: {"tries": 1, "right": True, "answer": v} for k, v in (answers or {}).items()}
    return {"kind": KIND, "schema": 1, "name": name, "answers": entries, "logs": list(logs)}


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [3, -0.5, "text", None, True, [1, (2, {3})], {"a": 1, (1, 2): [0.5]}, float("inf")],
)
def test_plain_values_come_back(value):
    assert decode_answer(json.loads(json.dumps(encode_answer(value)))) == value


def test_arrays_and_clicks_come_back():
    for array in (np.eye(3) > 0, np.float32([[1, np.nan]]), np.zeros((0, 2), np.int8)):
        back = decode_answer(json.loads(json.dumps(encode_answer(array))))
        assert back.dtype == array.dtype and np.array_equal(
            back, array, equal_nan=array.dtype != bool
        )
    clicks = Clicks([Click(1, 2), Click(3, 4, False)])
    assert decode_answer(encode_answer(clicks)) == clicks


@pytest.mark.parametrize(
    "hostile",
    [
        {"kind": "array", "dtype": "object", "shape": [1], "data": ""},
        {"kind": "array", "dtype": "float64", "shape": [10**9, 10**9], "data": ""},
        {"kind": "array", "dtype": "float64", "shape": [-1], "data": ""},
        {"kind": "float", "value": "__import__('os')"},
        {"kind": "pickle", "value": "gASVCg=="},
        {"kind": "function", "source": "x"},
        {"kind": "set", "value": [{"kind": "list", "value": []}]},
        {"kind": "list", "value": [0] * 300_000},
        {"kind": []}, [], {},
    ],
)  # fmt: skip
def test_malformed_values_are_refused(hostile):
    with pytest.raises(NotPlain):
        decode_answer(hostile)


def test_deep_values_are_refused():
    value = 1
    for _ in range(50):
        value = {"kind": "list", "value": [value]}
    with pytest.raises(NotPlain):
        decode_answer(value)


def test_a_function_is_handed_in_with_what_it_uses():
    found = portable(doubled)
    scope = {k: decode_answer(v) for k, v in found["constants"].items()}
    exec(found["source"], scope)
    assert scope["doubled"](4) == 8
    for bad in (lambda x: x, np.sum, test_deep_values_are_refused.__class__):
        with pytest.raises(NotPlain):
            portable(bad)


# -- confinement -----------------------------------------------------------------------------------

ATTACKS = {
    "write": "open({target!r}, 'w').write('x')",
    "append": "open({target!r}, 'ab')",
    "low level": "import os; os.open({target!r}, os.O_RDWR)",
    "new file": "import os; os.open({target!r} + '.new', os.O_CREAT)",
    "delete": "import os; os.unlink({target!r})",
    "rename": "import os; os.rename({target!r}, {target!r} + '.new')",
    "link": "import os; os.symlink('/etc', {target!r} + '.new')",
    "mode": "import os; os.chmod({target!r}, 0)",
    "truncate": "import os; os.truncate({target!r}, 0)",
    "folder": "import os; os.mkdir({target!r} + '.new')",
    "time": "import os; os.utime({target!r})",
    "network": "import socket; socket.create_connection(('127.0.0.1', {port}))",
    "datagram": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "name": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/')",
    "program": "import subprocess; subprocess.run(['touch', {target!r}])",
    "shell": "import os; assert os.system('touch ' + {target!r}) == 0",
    "fork": "import os; os.fork()",
    "kill": "import os; os.kill(os.getppid(), 9)",
    "thread": "import threading; threading.Thread(target=print).start()",
    "raw call": "import ctypes; assert ctypes.CDLL(None).syscall(41, 2, 1, 0) >= 0",
    "memory file": "import os; os.memfd_create('x')",
    "debugger": "import ctypes; assert ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0",
    "more memory": "bytearray(3_000_000_000)",
    "more time": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (9999, 9999))",
    "leave": "raise SystemExit",
}


@needs_confinement
def test_no_attack_gets_out(tmp_path):
    target = tmp_path / "grades.csv"
    target.write_text("mine")
    before = sorted(tmp_path.iterdir()), target.stat()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        sandbox = Sandbox(seconds=60, memory=1_500_000_000)
        for name, attack in ATTACKS.items():
            code = attack.format(target=str(target), port=server.getsockname()[1])
            attacker = sandbox.function(function(f"def f():\n    {code}\n    return 'got out'"))
            with pytest.raises(Exception) as caught:  # noqa: B017  any: which one is Python's choice
                attacker()
            assert type(caught.value).__name__ != "SandboxGone", name
        with pytest.raises(TimeoutError):
            server.accept()
    assert (sorted(tmp_path.iterdir()), target.stat()) == before
    assert target.read_text() == "mine"
    honest = sandbox.function(portable(row))  # it still computes
    assert np.allclose(honest(2, 2, 1.0), [1, 0.8, 0.6, 0.4, 0.2, 0])


# -- files -----------------------------------------------------------------------------------------


@pytest.fixture
def handed_in(tmp_path):
    """Write a folder of good, broken and hostile files."""
    folder = tmp_path / "in"
    folder.mkdir()

    def put(name, content):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    forged = {"kind": "dict", "value": [["shortest", 5], ["crooked", 5]]}
    put(
        "honest/ada.json",
        submission("Ada", {"03.1": portable(row), "01.4": encode_answer((2, 2000))}),
    )
    put("forged.json", submission("=cmd()", {"01.4": forged}))
    loop = function("def row(left, right, weak):\n    while True:\n        pass", "row")
    later = encode_answer((2, 2000))
    put("loop.json", submission("<script>alert(1)</script>", {"03.1": loop, "01.4": later}))
    outside = tmp_path / "secret.json"
    outside.write_text(json.dumps(submission("Eve")))
    (folder / "link.json").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.json")
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../escaped.json", b"0" * 50_000_000)
    put("half.json", json.dumps(submission())[:40].encode())
    put("deep.json", b"[" * 100_000)
    put("binary.json", b"\xff\xfe\x00\x80")
    put("other.json", {"hello": 1})
    put("nameless.json", submission("  "))
    put("large.json", b" " * (MOST_BYTES + 1))
    return folder


@needs_confinement
def test_a_folder_of_everything_is_graded(handed_in, tmp_path):
    before = {p: p.lstat().st_mtime_ns for p in sorted(tmp_path.rglob("*"))}
    graded, unread = grade_folder(handed_in, seconds=300, call=2)
    assert {p: p.lstat().st_mtime_ns for p in sorted(tmp_path.rglob("*"))} == before
    by_file = {one.file: one for one in graded}
    assert set(by_file) == {"honest/ada.json", "forged.json", "loop.json"}
    assert by_file["honest/ada.json"].right == {"03.1": True, "01.4": True}
    assert by_file["forged.json"].right == {"01.4": False}  # whatever the file says
    assert by_file["loop.json"].right == {"03.1": False, "01.4": True}  # one loop costs one answer
    assert "longer" in by_file["loop.json"].sentences["03.1"]
    why = {one.file: one.why for one in unread}
    expected = {
        "link.json": "link", "linked": "link", "pipe.json": "regular", "bomb.zip": "archive",
        "half.json": "JSON", "deep.json": "JSON", "binary.json": "text", "other.json": "submission",
        "nameless.json": "name", "large.json": "larger",
    }  # fmt: skip
    assert set(why) == set(expected)
    assert all(word in why[name] for name, word in expected.items()), why
    write_reports(graded, unread, tmp_path / "out")
    table = (tmp_path / "out" / "grades.csv").read_text("utf-8-sig")
    assert "'=cmd()" in table and "\n=cmd()" not in table
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page and "robot, " in page


def test_work_goes_in_one_file_without_paths(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    record_answers("answers")
    try:
        check("01.4", (2, 7))
        check("01.4", (2, 2000))
        check("01.4", (2, 9))  # a right answer stays
        check("01.4", f"Each crooked path pushes one, as the file {tmp_path}/home/notes.txt says.")
        check("03.1", row)
        check("03.1", lambda a, b, w: row(a, b, w))
    finally:
        record_answers(None)
    image, truth = challenge_object("challenge-coffee-cup-and-saucer")
    session = Session(image, truth=truth, name="challenge-coffee-cup-and-saucer")
    session.add(Click(135, 288))
    session.add(Click(20, 20, False))
    session.export("exports")
    own = Session(np.zeros((30, 40, 3), np.uint8), name="family")
    own.add(Click(3, 3))
    own.export("exports")
    done = CliRunner().invoke(app, ["submit", "--out", "mine.json", "--name", "Ada  Lovelace"])
    assert done.exit_code == 0, done.output
    assert "2 answers (2 right, 1 in words), 1 click logs" in done.output
    text = (tmp_path / "mine.json").read_text()
    assert str(tmp_path) not in text and "family" not in text
    found = read_submission(text.encode())
    assert found.name == "Ada Lovelace" and found.answers["01.4"]["tries"] == 3
    assert found.logs[0]["clicks"] == [[135, 288, True], [20, 20, False]]
    assert read_submission(pack(collect(tmp_path, "Ada Lovelace"), tmp_path)) == found


def test_nothing_to_hand_in_is_said(tmp_path):
    with pytest.raises(ValueError, match="nothing to hand in"):
        collect(tmp_path, "Ada")
    with pytest.raises(ValueError, match="Type a name"):
        collect(tmp_path, " ")
