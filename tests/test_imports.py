"""Which module may import which, what is loaded when, and that everything public is explained."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tutorial_lib

PACKAGE = Path(tutorial_lib.__file__).parent
HEAVY = ["torch", "cv2", "matplotlib", "ipywidgets", "sklearn", "skimage", "maxflow"]
BROWSER_PARTS = {"ipywidgets", "ipycanvas", "ipyevents"}

# Data flows one way, and imports follow it: each module may import those of earlier rows, and
# those of its own folder. A new module or folder takes its place here.
LAYERS = [
    ["paths", "option_types", "locking", "targets", "clock"],
    ["images", "actions"],
    ["clicks", "metrics", "options"],
    ["guidance", "history", "render"],
    ["segmenter"],
    ["registry"],
    ["working_photo", "exports", "objects"],
    ["click_log"],
    ["autosave"],
    ["session", "users", "classical"],
    ["deep"],
    ["data"],
    ["evaluation"],
    ["plots", "training"],
    ["course"],
    ["study"],
    ["widgets"],
    ["checkup", "doctor", "working_copies"],
    ["cli"],
    ["__main__"],
]


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {
    name_of(path): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}
MODULES = [name for name in TREES if name != "tutorial_lib"]


def imports_of(name):
    """Return every module a module imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in TREES else node.module)
    return found


def own_imports(name):
    return {other for other in imports_of(name) if other.split(".")[0] == "tutorial_lib"}


def part(name):
    return name.split(".")[1]


def layer(name):
    for index, parts in enumerate(LAYERS):
        if part(name) in parts:
            return index
    pytest.fail(f"{name} has no place in LAYERS yet")


def loaded_by(statement):
    code = f"{statement}; import sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_by("import tutorial_lib") & {*HEAVY, "numpy", "PIL", "scipy"} == set()


def test_clicks_and_the_list_of_methods_load_nothing_heavy():
    statement = "from tutorial_lib import Click, Clicks, as_rgb, methods; methods()"
    assert loaded_by(statement) & set(HEAVY) == set()


def test_a_session_needs_no_browser_parts_and_no_torch():
    loaded = loaded_by(
        "from tutorial_lib import Session, get_segmenter; get_segmenter('graph-cut')"
    )
    assert loaded & {*BROWSER_PARTS, "torch", "matplotlib"} == set()


def test_imports_follow_the_data():
    wrong = [
        f"{name} imports {other}"
        for name in MODULES
        for other in own_imports(name) - {"tutorial_lib"}
        if part(other) != part(name) and layer(other) >= layer(name)
    ]
    assert wrong == []


def test_no_module_takes_names_from_the_package_itself():
    modules = [name for name in MODULES if name != "tutorial_lib.__main__"]
    assert [name for name in modules if "tutorial_lib" in own_imports(name)] == []


def test_there_are_no_circles():
    waiting = {name: own_imports(name) - {name} for name in MODULES}
    while free := [name for name, needs in waiting.items() if not needs & set(waiting)]:
        for name in free:
            del waiting[name]
    assert waiting == {}


def test_only_widgets_import_browser_parts():
    packages = {name: {other.split(".")[0] for other in imports_of(name)} for name in TREES}
    importers = {name for name, others in packages.items() if others & BROWSER_PARTS}
    assert importers
    assert [name for name in importers if not name.startswith("tutorial_lib.widgets")] == []


def test_methods_know_nothing_of_sessions_widgets_or_plots():
    methods = [name for name in MODULES if name.startswith("tutorial_lib.classical")]
    parts = {name: {part(other) for other in own_imports(name)} for name in methods}
    assert methods
    assert [name for name in methods if parts[name] & {"session", "widgets", "plots"}] == []


def test_nothing_imports_the_command_line():
    importers = [name for name in MODULES if "tutorial_lib.cli" in own_imports(name)]
    assert importers == ["tutorial_lib.__main__"]


def is_public(name):
    return not name.startswith("_")


def public_definitions(tree):
    """Yield every public function, class, and method of a public class, with its full name."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and is_public(node.name):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{inner}", child) for inner, child in methods_of(node))


def methods_of(node):
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and is_public(child.name):
            decorators = {getattr(mark, "id", "") for mark in child.decorator_list}
            if "overload" not in decorators:
                yield child.name, child


PUBLIC = [
    (f"{name}.{inner}", node)
    for name, tree in TREES.items()
    if not any(piece.startswith("_") for piece in name.split("."))
    for inner, node in public_definitions(tree)
]


def test_every_module_says_what_it_is_for():
    assert [name for name, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_everything_public_has_a_docstring():
    firsts = [(name, (ast.get_docstring(node) or "").partition("\n")[0]) for name, node in PUBLIC]
    assert len(firsts) > 500
    assert [name for name, line in firsts if not line.endswith((".", "?", ":"))] == []


def bare_names(node):
    """Return what a function's signature leaves without a type."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
    bare = {a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")}
    untyped = {"prepared"} if node.name == "segment" else set()
    return bare - untyped | ({"return"} if node.returns is None else set())


def test_everything_public_is_annotated():
    functions = [(name, node) for name, node in PUBLIC if isinstance(node, ast.FunctionDef)]
    assert len(functions) > 500
    assert [(name, bare_names(node)) for name, node in functions if bare_names(node)] == []
