"""Student notebooks, quizzes, routes and the guide fit the notebooks that they are made from."""

import json
import re

import nbformat
import pytest
from typer.testing import CliRunner

from tests.support import ROOT
from tutorial_lib.cli import app
from tutorial_lib.course import exercises, quiz_sheet, read_routes, write_student_notebooks
from tutorial_lib.course.checking import judged
from tutorial_lib.course.routes import cell_ids, routes_as_markdown
from tutorial_lib.widgets import Quiz

INSTRUCTOR = ROOT / "notebooks" / "instructor"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def source(cell):
    return "".join(cell["source"])


# -- student notebooks -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def students(tmp_path_factory):
    paths = write_student_notebooks(tmp_path_factory.mktemp("student"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def test_every_notebook_has_a_valid_student_version_without_outputs(students):
    assert set(students) == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for notebook in students.values():
        nbformat.validate(nbformat.from_dict(notebook))
        assert not any(cell.get("outputs") for cell in notebook["cells"])


def test_every_exercise_is_there_with_statement_hint_gap_and_check(students):
    cells = {cell["id"]: source(cell) for book in students.values() for cell in book["cells"]}
    for name, exercise in exercises().items():
        stem = f"gap-{name.replace('.', '-')}"
        statement = cells[f"{stem}-statement"]
        assert exercise.hint in statement and exercise.form in statement
        asked = statement.partition("\n\n")[2].partition("**The answer.**")[0]
        assert len(asked.split()) > 8, name
        if f"{stem}-code" in cells:
            assert "# YOUR CODE" in cells[f"{stem}-code"]
        assert any(f'check("{name}"' in cells.get(f"{stem}-{k}", "") for k in ("check", "words"))


def test_a_fresh_gap_is_open_and_its_names_are_explained(students):
    said = {}
    for book in students.values():
        found = {cell["id"]: source(cell) for cell in book["cells"]}
        for stem in (key[:-5] for key in found if key.startswith("gap-") and key.endswith("-code")):
            scope = {"check": lambda name, answer: said.update({name: answer})}
            exec(found[f"{stem}-code"], scope)
            exec(found[f"{stem}-check"], scope)
            names = re.findall(r"^(?:def )?(\w+)(?: = |\()", found[f"{stem}-code"], re.MULTILINE)
            statement = found[f"{stem}-statement"]
            assert all(f"`{n}`" in statement or f"`{n}(" in statement for n in names), (stem, names)
    assert set(said) == {name for name in exercises() if not name.startswith("00")}
    for name, answer in said.items():
        right, sentence = judged(name, answer)
        assert not right and "open" in sentence, (name, sentence)


def test_no_student_notebook_tells_an_answer(students):
    for path in sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")):
        text = "\n".join(source(cell) for cell in students[path.stem]["cells"])
        assert "solutions/" not in text
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["id"].startswith("exercise-") and cell["id"].endswith("-reading"):
                assert source(cell)[:200] not in text, cell["id"]


# -- quizzes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("session", [1, 2, 3])
def test_a_quiz_has_ten_questions_with_key_and_explanation(session, tmp_path):
    sheet = quiz_sheet(session)
    assert len(sheet.questions) == 10
    for question in sheet.questions:
        assert len(set(question.options)) == 4 and question.why
    assert len({question.right for question in sheet.questions}) > 2
    out = tmp_path / "quiz.html"
    for extra in ([], ["--key"]):
        done = CliRunner().invoke(app, ["quiz", str(session), "--out", str(out), *extra])
        assert done.exit_code == 0, done.output
        page = out.read_text(encoding="utf-8")
        assert "http:" not in page and "https:" not in page and "<script" not in page
        assert ("Key" in page) == bool(extra)


def test_the_widget_counts_first_tries_and_explains():
    quiz = Quiz(1)
    first = quiz.sheet.questions[0]
    quiz.answer((first.right + 1) % 4)
    quiz.answer(first.right)
    quiz.go(1)
    quiz.answer(quiz.sheet.questions[1].right)
    assert quiz.score == 1 and len(quiz.given) == 2
    assert "Right." in quiz.children[-1].value
    bundle = quiz._repr_mimebundle_()
    assert quiz.sheet.questions[9].text in bundle["text/markdown"]
    assert bundle["text/plain"] == "Quiz(1)"
    with pytest.raises(ValueError, match="no session 4"):
        Quiz(4)


# -- routes and guide ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(read_routes()))
def test_a_route_adds_up_and_names_cells_that_exist(name):
    route = read_routes()[name]
    assert sum(step.read + step.work for step in route.steps) == route.minutes
    assert sum(step.last for step in route.steps) == 1
    places = {}
    for step in route.steps:
        assert step.do in ("show", "run", "skip")
        assert (step.read + step.work > 0) == (step.do != "skip"), step
        places.setdefault(step.notebook, []).append(cell_ids(step.notebook).index(step.start))
    for notebook, starts in places.items():
        assert starts == sorted(set(starts)), f"{notebook}: the steps are not in order"
        assert starts[0] == 0 or notebook == "quizzes", (
            f"{notebook} does not begin at its first cell"
        )


def test_the_three_sessions_have_ninety_minutes_each():
    assert [read_routes()[f"session-{n}"].minutes for n in (1, 2, 3)] == [90, 90, 90]


TIMES = re.compile(r"About (\d+) minutes to read and (\d+) for the exercises")
NUMBERED = {
    path.name.partition("_")[0]: path
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]*_*.ipynb"))
}
CORE = {number: path for number, path in NUMBERED.items() if number != "00"}  # 00 says no times


def reading_minutes(cells):
    """Estimate: 150 words a minute, four seconds a line of code, half a minute a picture."""
    words = lines = pictures = 0
    exercise = False
    for cell in cells:
        text = source(cell)
        exercise = (exercise or "## Exercises" in text) and "## Summary" not in text
        if cell["cell_type"] == "markdown":
            words += 0 if exercise else len(re.sub(r"\]\([^)]*\)", "]", text).split())
        elif not exercise:
            lines += len(text.splitlines())
            kinds = [output.get("data", {}) for output in cell["outputs"]]
            pictures += sum("image/png" in data or "image/jpeg" in data for data in kinds)
    return words / 150 + lines * 4 / 60 + pictures / 2


@pytest.mark.parametrize("number", CORE)
def test_a_notebook_says_how_long_reading_and_exercises_take(number):
    path = CORE[number]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    read, work = (int(minutes) for minutes in TIMES.search(source(cells[0])).groups())
    assert read == pytest.approx(reading_minutes(cells), rel=0.15)
    mine = [one for one in exercises().values() if one.id.partition(".")[0] == number]
    assert work == sum(one.minutes for one in mine)
    (row,) = re.findall(rf"^.*\(notebooks/{path.name}\).*$", README, re.MULTILINE)
    assert row.endswith(f"| {read} + {work} min |")
    for step in read_routes()["project"].steps:
        if step.notebook == path.stem:
            assert step.read == read


def test_the_page_of_routes_is_up_to_date():
    """If this fails, run ``python tools/write_routes.py``."""
    assert (INSTRUCTOR / "routes.md").read_text(encoding="utf-8") == routes_as_markdown()


def test_the_guide_has_a_section_for_each_notebook_and_names_its_cells():
    sections = (INSTRUCTOR / "guide.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert [section.split()[0] for section in sections] == list(NUMBERED)
    for section in sections:
        ids = cell_ids(NUMBERED[section.split()[0]].stem)
        for part in (
            "Goal",
            "On the board",
            "Ask before running",
            "Misconceptions",
            "Mixed groups",
        ):
            assert f"**{part}" in section
        assert "**On students' machines.**" in section
        named = re.findall(r"^\| `([\w-]+)`", section, re.MULTILINE)
        assert named and not set(named) - set(ids), section[:30]
