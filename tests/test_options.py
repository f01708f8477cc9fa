"""Options have types: what is read from texts, what is checked, what a stranger may leave out."""

import enum
import functools
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional, Union

import numpy as np
import pytest

from tests.support import one_sentence
from tutorial_lib import registry
from tutorial_lib.options import OptionError, label, latest, options_of, split
from tutorial_lib.registry import MethodInfo, get_segmenter, methods, read_options, register

pytestmark = pytest.mark.slow  # it names networks, and none answers


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


Share = NewType("Share", float)


class Everything:
    """A method with a parameter of every type."""

    def __init__(
        self,
        truth: bool = False,
        count: int = 3,
        share: float = 0.5,
        text: str = "a",
        file: Path = Path("a"),
        weights: str | Path = "a",
        size: int | None = None,
        old: Optional[int] = 3,  # noqa: UP045 -- the older way to write it
        mixed: Union[bool, str] = True,  # noqa: UP007
        implied: float = None,
        word: Literal["histogram", "mixture", 3, None] = "mixture",
        box: tuple[int, int, int, int] | None = None,
        taps: tuple[str, ...] = (),
        levels: list[float] = (),
        bound: float = math.inf,
        part: Share = 0.5,
        noted: Annotated[int, "in pixels"] = 3,
        colour: Colour = Colour.RED,
        table: dict[str, int] | None = None,
        free=3,
        anything: Any = None,
    ):
        self.options = locals()


READER = options_of(Everything, "The method 'everything'", "The option {} of 'everything'")


def read(text):
    (value,) = READER.read([text]).values()
    return value


def check(name, value):
    return READER.check({name: value})[name]


def refused(action, *given):
    with pytest.raises(OptionError) as caught:
        action(*given)
    assert one_sentence(caught.value)
    return str(caught.value)


@pytest.fixture
def registered(monkeypatch):
    """Register a stranger's class or function under the name stranger, for one test."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))

    def add(target):
        register(MethodInfo("stranger", "classical", False, "Strange.", "a stranger", target))

    return add


# -- texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "yes", "Yes", "on", "1", " true "])
def test_what_is_true(text):
    assert read(f"truth={text}") is True


@pytest.mark.parametrize("text", ["false", "False", "FALSE", "no", "No", "off", "Off", "0"])
def test_what_is_false(text):
    assert read(f"truth={text}") is False


@pytest.mark.parametrize("text", ["", "maybe", "2", "none", "truee", "1.0", "Wahr"])
def test_what_is_neither_true_nor_false(text):
    sentence = refused(read, f"truth={text}")
    assert sentence == f"The option truth of 'everything' is true or false, not {text!r}."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("count=448", 448),
        ("count = -5", -5),
        ("count=40_000", 40_000),
        ("share=1", 1.0),
        ("share=1e-3", 0.001),
        ("text=5", "5"),
        ("text=false", "false"),
        ("text=", ""),
        ("text=a=b", "a=b"),
        ("file=a/b.png", Path("a/b.png")),
        ("weights=dos", "dos"),
        ("weights=5", "5"),
        ("size=448", 448),
        ("size=none", None),
        ("size=null", None),
        ("size=Empty", None),
        ("size=", None),
        ("old=None", None),
        ("mixed=no", False),
        ("mixed=auto", "auto"),
        ("implied=none", None),
        ("implied=2", 2.0),
        ("word=histogram", "histogram"),
        ("word=3", 3),
        ("word=null", None),
        ("box=1,2,3,4", (1, 2, 3, 4)),
        ("box=[1, 2, 3, 4]", (1, 2, 3, 4)),
        ("box=(1, 2, 3, 4)", (1, 2, 3, 4)),
        ("box=none", None),
        ("taps=a, b", ("a", "b")),
        ("taps=", ()),
        ("levels=1,2.5", [1.0, 2.5]),
        ("bound=inf", math.inf),
        ("part=0.25", 0.25),
        ("noted=4", 4),
        ("colour=BLUE", Colour.BLUE),
        ('table={"a": 1}', {"a": 1}),
        ("free=7", 7),
        ("free=False", False),
        ("free=[1, 2]", [1, 2]),
        ("free=runs/a.safetensors", "runs/a.safetensors"),
        ("anything=none", None),
    ],
)
def test_a_text_is_read_as_the_declared_type(text, value):
    found = read(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        ("count=448.0", "is a whole number, not '448.0'"),
        ("count=", "is a whole number, not ''"),
        ("count=1e3", "is a whole number"),
        ("count=٤٤٨", "is a whole number"),
        ("count=0x10", "is a whole number"),
        pytest.param("count=" + "9" * 5000, "is a whole number, not '999", id="many digits"),
        ("share=fast", "is a number, not 'fast'"),
        ("share=nan", "is a number, not 'nan'"),
        ("share=inf", "is a number, not 'inf'"),
        ("share=1e999", "is a number"),
        ("share=0,5", "is a number, not '0,5'"),
        ("size=big", "is a whole number or none, not 'big'"),
        ("size=1.0", "is a whole number or none, not '1.0'"),
        ("word=Histogram", "is one of histogram, mixture, 3, none, not 'Histogram'"),
        ("box=1,2,3", "is 4 values, each a whole number or none, not '1,2,3'"),
        ("box=1,2,3,4.5", "is 4 values, each a whole number"),
        ("levels=1,x", "is a row of values, each a number, not '1,x'"),
        ("bound=nan", "is a number"),
        ("colour=GREEN", "is one of RED, BLUE, not 'GREEN'"),
        ("table=[", "is of the type dict or none"),
        pytest.param("table=" + "[" * 100_000, "of the type dict or none, not '[[[", id="brackets"),
        ("count=a\nb", r"is a whole number, not 'a\nb'"),
    ],
)
def test_a_text_of_another_type_is_refused(text, takes):
    sentence = refused(read, text)
    assert takes in sentence
    assert sentence.startswith(f"The option {text.partition('=')[0]} of 'everything' ")
    assert len(sentence) < 250


def test_options_come_in_the_order_in_which_they_are_declared():
    assert list(READER.read(["size=3", "truth=no", "count=2"])) == ["truth", "count", "size"]


@pytest.mark.parametrize("text", ["lam", "", "=3", " =3", "lam:3"])
def test_what_is_not_written_key_value_is_refused(text):
    expected = f"Each option is written key=value, such as size=384, not {text!r}."
    assert refused(READER.read, [text]) == expected


def test_an_option_is_given_once():
    assert refused(READER.read, ["size=384", " size = 448"]) == (
        "The option 'size' is given twice: give it once."
    )
    assert refused(split, ["a=1", "a=1"], "setting").startswith("The setting 'a' is given twice")


def test_of_settings_given_one_after_the_other_the_latest_can_be_kept():
    assert latest(["a=1", "b=2", " a =3"]) == [" a =3", "b=2"]


def test_an_unknown_option_lists_those_there_are():
    sentence = refused(READER.read, ["lamp=1", "x y=2"])
    assert sentence.startswith("The method 'everything' has no option lamp, 'x y'; it has: truth,")


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("truth", np.True_, True),
        ("count", np.int64(448), 448),
        ("count", np.uint8(7), 7),
        ("share", np.float32(0.5), 0.5),
        ("share", 1, 1.0),
        ("share", np.int32(2), 2.0),
        ("text", np.str_("a"), "a"),
        ("file", "a/b", Path("a/b")),
        ("weights", Path("a"), Path("a")),
        ("weights", "a", "a"),
        ("size", None, None),
        ("size", np.int64(448), 448),
        ("implied", None, None),
        ("word", "histogram", "histogram"),
        ("word", np.int64(3), 3),
        ("box", [1, 2, 3, 4], (1, 2, 3, 4)),
        ("box", np.arange(4), (0, 1, 2, 3)),
        ("levels", (1, 2.5), [1.0, 2.5]),
        ("bound", math.inf, math.inf),
        ("colour", Colour.BLUE, Colour.BLUE),
        ("anything", math.inf, math.inf),
    ],
)
def test_a_value_of_the_right_kind_is_accepted(name, given, value):
    found = check(name, given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("truth", "False"),
        ("truth", 1),
        ("truth", None),
        ("count", 448.0),
        ("count", np.float64(448)),
        ("count", True),
        ("count", np.True_),
        ("count", "448"),
        ("count", np.array([448])),
        ("share", "0.5"),
        ("share", True),
        ("share", math.nan),
        ("share", np.float32("nan")),
        ("share", math.inf),
        ("share", 10**400),
        pytest.param("share", 10**5000, id="digits without end"),
        ("share", 1j),
        ("share", None),
        ("text", 3),
        ("text", b"a"),
        ("file", 3),
        ("weights", None),
        ("size", 1.0),
        ("word", True),
        ("word", 3.0),
        ("box", (1, 2, 3)),
        ("box", (1, 2, 3, True)),
        ("box", "1,2,3,4"),
        ("taps", "ab"),
        ("bound", math.nan),
        ("colour", "RED"),
        ("share", np.zeros((9, 9))),
    ],
)
def test_a_value_of_another_type_is_refused(name, value):
    sentence = refused(check, name, value)
    assert sentence.startswith(f"The option {name} of 'everything' is ")
    assert len(sentence) < 250


def test_an_object_that_cannot_be_shown_is_refused_all_the_same():
    class Broken:
        def __repr__(self):
            raise RuntimeError("no")

    assert "<Broken instance" in refused(check, "count", Broken())


def test_the_error_is_a_value_error_and_a_type_error():
    assert issubclass(OptionError, ValueError)
    assert issubclass(OptionError, TypeError)


# -- the methods of this package, and those of strangers -------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("graph-cut", {"exact": "False"}),
        ("graph-cut", {"lam": "0.5"}),
        ("graph-cut", {"lam": True}),
        ("graph-cut", {"lam": math.nan}),
        ("graph-cut", {"sigma": math.inf}),
        ("graph-cut", {"radius": 5.0}),
        ("grabcut", {"box": (1, 2, 3)}),
        ("dos", {"size": 448.0}),
        ("dos", {"weights": 3}),
        ("latent-diversity", {"show": 1.0}),
        ("latent-diversity", {"flip": "False"}),
        ("latent-diversity", {"zoom": "no"}),
    ],
)
def test_a_method_checks_the_types_of_its_options(name, options):
    (option,) = options
    sentence = refused(lambda: get_segmenter(name, **options))
    assert sentence.startswith(f"The option {option} of the method {name!r} is ")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("graph-cut", "exact=False", False),
        ("graph-cut", "exact=off", False),
        ("graph-cut", "sigma=none", None),
        ("grabcut", "box=4,5,20,30", (4, 5, 20, 30)),
        ("latent-diversity", "flip=False", False),
        ("latent-diversity", "zoom=no", False),
        ("latent-diversity", "show=1", 1),
        ("latent-diversity", "backbone=no", False),
        ("latent-diversity", "backbone=a.pth", "a.pth"),
    ],
)
def test_a_method_reads_its_options(name, text, value):
    assert read_options(name, [text]) == {text.partition("=")[0]: value}


def test_numpys_numbers_make_the_same_method():
    assert get_segmenter("graph-cut", radius=np.int64(7), lam=np.float64(0.5)).radius == 7
    assert type(get_segmenter("graph-cut", radius=np.int64(7)).radius) is int


@pytest.mark.parametrize("info", methods(), ids=lambda info: info.name)
def test_every_option_of_every_method_has_a_type_and_takes_its_default(info):
    options = registry._options_of(info.name, registry._factory(info))
    assert options.others is None
    assert all(option.kind is not Any for option in options.known.values())
    defaults = {name: option.default for name, option in options.known.items()}
    assert options.check(defaults) == defaults


def test_without_annotations_nothing_is_checked(registered):
    class Bare:
        def __init__(self, lam=0.5, exact=False, name="a"):
            self.given = lam, exact, name

    registered(Bare)
    assert get_segmenter("stranger", lam="x", exact=3).given == ("x", 3, "a")
    assert read_options("stranger", ["exact=no", "lam=2", "name=3"]) == {
        "lam": 2, "exact": False, "name": "3",
    }  # fmt: skip
    assert "has no option lamp; it has: lam, exact, name" in refused(
        lambda: get_segmenter("stranger", lamp=1)
    )


def test_a_function_with_any_options_is_a_method_too(registered):
    registered(lambda **options: options)
    assert get_segmenter("stranger", a=1, b="x") == {"a": 1, "b": "x"}
    assert read_options("stranger", ["a=1", "b=x", "c=False"]) == {"a": 1, "b": "x", "c": False}


def test_what_any_option_must_be_can_be_declared(registered):
    def build(size: int = 3, **weights: float):
        return size, weights

    registered(build)
    assert get_segmenter("stranger", size=4, lam=1) == (4, {"lam": 1.0})
    assert "lam" in refused(lambda: get_segmenter("stranger", lam="1"))


def test_annotations_written_as_texts_are_understood(registered):
    def build(size: "int | None" = None, odd: "NoSuchType" = 3):  # noqa: F821
        return size, odd

    registered(build)
    assert get_segmenter("stranger", size=None, odd="anything") == (None, "anything")
    refused(lambda: get_segmenter("stranger", size="3"))


def test_a_partly_filled_function_a_wrapped_one_and_an_object_are_methods(registered):
    def build(size: int = 3, lam: float = 0.5):
        return size, lam

    @functools.wraps(build)
    def wrapped(*args, **kwargs):
        return build(*args, **kwargs)

    class Factory:
        def __call__(self, size: int = 3):
            return size, 0.5

    for target in (functools.partial(build, lam=0.5), wrapped, Factory()):
        registered(target)
        assert get_segmenter("stranger", size=np.int8(5)) == (5, 0.5)
        refused(lambda: get_segmenter("stranger", size="5"))
        registry._REGISTRY.pop("stranger")


def test_a_dataclass_is_a_method(registered):
    @dataclass
    class Data:
        size: int = 3
        taps: tuple[str, ...] = field(default_factory=tuple)

    registered(Data)
    assert get_segmenter("stranger", taps=["a"]) == Data(3, ("a",))
    refused(lambda: get_segmenter("stranger", size=2.0))


def test_an_inherited_init_is_understood(registered):
    class Child(Everything):
        pass

    registered(Child)
    refused(lambda: get_segmenter("stranger", count=1.0))


def test_an_option_without_default_must_be_given(registered):
    def build(size: int, lam: float = 1):
        return size, lam

    registered(build)
    assert refused(lambda: get_segmenter("stranger")) == (
        "The method 'stranger' needs a value for: size."
    )


def test_a_class_that_is_not_where_it_should_be_is_named(registered):
    registered("tutorial_lib.clicks:Nothing")
    with pytest.raises(ImportError, match="'stranger' cannot be imported from .*:Nothing") as error:
        get_segmenter("stranger")
    assert one_sentence(error.value)


# -- labels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["exact=False"], "graph-cut exact=false"),
        (["exact=0"], "graph-cut exact=false"),
        (["exact=no", "radius= 7"], "graph-cut radius=7 exact=false"),
        (["sigma=null"], "graph-cut sigma=none"),
        (["lam=5e-1"], "graph-cut lam=0.5"),
        ([], "graph-cut"),
    ],
)
def test_a_label_does_not_depend_on_how_options_are_typed(typed, found):
    assert label("graph-cut", read_options("graph-cut", typed)) == found


def test_a_label_of_several_values_and_of_a_file():
    assert label("m", {"box": (1, 2), "weights": Path("a.safetensors")}) == (
        "m box=1,2 weights=a.safetensors"
    )
