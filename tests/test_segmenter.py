import json

import numpy as np
import pytest

from tests.support import one_sentence
from tutorial_lib import registry
from tutorial_lib.classical.graph_cut import GraphCut
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.registry import (
    MethodInfo,
    check_answer,
    get_segmenter,
    method_info,
    method_options,
    methods,
    register,
    registered,
)
from tutorial_lib.segmenter import MethodError, Segmentation, Segmenter

HALF = np.full((2, 3), 0.5, dtype=np.float32)


class Nearest:
    """A method a learner might write: the nearest click decides."""

    def __init__(self, reach=3):
        self.reach = reach

    def prepare(self, image):
        return image

    def segment(self, prepared, clicks):
        return Segmentation(clicks.discs(prepared.shape, self.reach)[0].astype(np.float32))


@pytest.fixture
def clean_registry(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def info(**changes):
    fields = dict(
        name="nearest",
        kind="classical",
        needs_negative=False,
        summary="The nearest click decides.",
        source="this test",
        target=Nearest,
    )
    return MethodInfo(**{**fields, **changes})


def test_the_first_methods_are_listed_in_teaching_order():
    assert [entry.name for entry in methods()][:2] == ["graph-cut", "grabcut"]


@pytest.mark.parametrize("entry", methods(), ids=lambda entry: entry.name)
def test_every_method_is_described(entry):
    assert entry.kind in ("classical", "deep")
    assert all(map(one_sentence, (entry.summary, entry.box, entry.start)))
    assert entry.source
    assert entry.available == entry.expected
    assert not entry.expected or isinstance(get_segmenter(entry.name), Segmenter)


def test_what_a_method_tells_about_itself_goes_into_json():
    entry = method_info("graph-cut")
    assert json.loads(json.dumps(entry.to_dict())) == {
        "name": "graph-cut",
        "kind": "classical",
        "needs_negative": True,
        "summary": entry.summary,
        "source": "Boykov and Jolly, ICCV 2001",
        "box": entry.box,
        "start": entry.start,
        "available": True,
    }


def test_a_name_gives_its_class_with_its_options():
    built = get_segmenter("graph-cut", lam=0.5)
    assert isinstance(built, GraphCut)
    assert built.lam == 0.5


@pytest.mark.parametrize("ask", [get_segmenter, method_info])
def test_an_unknown_name_lists_the_names(ask):
    with pytest.raises(ValueError, match=r"no method 'magic'.*graph-cut, grabcut") as caught:
        ask("magic")
    assert one_sentence(caught.value)


def test_an_unknown_option_lists_the_options():
    with pytest.raises(ValueError, match=r"no option lambda; it has: lam, sigma, colour") as caught:
        get_segmenter("graph-cut", **{"lambda": 1})
    assert one_sentence(caught.value)


def test_a_learners_own_method_is_found_by_its_name(clean_registry):
    register(info())
    assert methods()[-1].name == "nearest"
    assert get_segmenter("nearest", reach=1).segment(
        np.zeros((3, 3)), Clicks([Click(1, 1)])
    ).mask.astype(int).tolist() == [[0, 1, 0], [1, 1, 1], [0, 1, 0]]


def test_a_method_that_takes_any_option_gets_it(clean_registry):
    register(info(target=lambda **options: options))
    assert get_segmenter("nearest", anything=3) == {"anything": 3}


def test_a_name_is_given_once(clean_registry):
    register(info())
    with pytest.raises(ValueError, match="'nearest' is registered already"):
        register(info(source="another test"))
    assert method_info("nearest").source == "this test"


def test_registering_the_same_method_again_changes_nothing(clean_registry):
    register(info())
    register(info())
    assert [entry.name for entry in methods()].count("nearest") == 1


def test_a_missing_package_is_named(clean_registry):
    register(info(requires=("json", "no_such_package")))
    assert method_info("nearest").missing == ["no_such_package"]
    assert method_info("nearest").to_dict()["available"] is False
    with pytest.raises(ImportError, match=r"'nearest' needs .* no_such_package") as caught:
        get_segmenter("nearest")
    assert one_sentence(caught.value)


def test_half_a_chance_is_object():
    answer = Segmentation(np.array([[0.49, 0.5, 0.51]]))
    assert answer.mask.tolist() == [[False, True, True]]


def test_a_method_may_decide_otherwise():
    mask = np.zeros((2, 3), dtype=bool)
    assert not Segmentation(HALF, mask=mask).mask.any()


def test_the_highest_score_is_selected_unless_the_method_decides_otherwise():
    candidates = np.stack([HALF] * 3)
    assert Segmentation(HALF, None, candidates, [0.2, 0.5, 0.3]).selected == 1
    assert Segmentation(HALF, None, candidates, [0.2, 0.5, 0.3], 2).selected == 2
    assert Segmentation(HALF).selected is None


def test_types_are_those_promised():
    answer = Segmentation([[0, 1]], [[0, 1]], [[[1, 0]]], [2])
    assert answer.probability.dtype == answer.candidates.dtype == answer.scores.dtype == np.float32
    assert answer.mask.dtype == bool


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((HALF, np.zeros((3, 2), bool)), "must both be"),
        ((np.zeros(3),), "must both be"),
        ((np.array([[1.1]]),), "lie in .0, 1."),
        ((np.array([[-0.1]]),), "lie in .0, 1."),
        ((np.array([[np.nan]]),), "never NaN"),
        ((HALF, None, HALF[None]), "both or neither"),
        ((HALF, None, None, np.ones(1)), "both or neither"),
        ((HALF, None, HALF[None], np.ones(2)), "2 scores"),
        ((HALF, None, np.zeros((2, 3, 3)), np.ones(2)), "need candidates of shape"),
        ((HALF, None, HALF[None] * 3, np.ones(1)), "Candidates are probabilities"),
        ((HALF, None, HALF[None], np.ones(1), 1), "Of 1 candidates, number 1"),
        ((HALF, None, HALF[None], np.ones(1), -1), "number -1 cannot be selected"),
        ((HALF, None, None, None, 0), "selected must be None"),
    ],
)
def test_answers_that_do_not_fit_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        Segmentation(*arguments)


def test_candidates_given_as_a_function_are_computed_once_and_only_if_read():
    calls = []

    def compute():
        calls.append(1)
        return np.stack([HALF, HALF])

    answer = Segmentation(HALF, None, compute, [0.2, 0.8])
    assert answer.selected == 1
    assert not calls
    assert answer.candidates.shape == (2, 2, 3)
    assert answer.candidates is answer.candidates
    assert calls == [1]


@pytest.mark.parametrize("wrong", [HALF, np.stack([HALF] * 3), np.full((2, 2, 3), np.nan)])
def test_candidates_that_are_computed_late_are_checked_like_others(wrong):
    answer = Segmentation(HALF, None, lambda: wrong, [0.2, 0.8])
    with pytest.raises(ValueError, match="candidates of shape|Candidates are probabilities"):
        _ = answer.candidates


def test_candidates_need_scores_even_if_they_are_computed_late():
    with pytest.raises(ValueError, match="one score each"):
        Segmentation(HALF, None, lambda: np.stack([HALF]))


@pytest.mark.parametrize(
    ("method", "name"),
    [("my-method", "my-method"), (Nearest(), "Nearest"), (GraphCut(), "graph-cut")],
    ids=["name", "own", "registered"],
)
def test_an_answer_of_another_shape_is_refused_with_the_methods_name(method, name):
    with pytest.raises(MethodError, match=f"'{name}' .* 2x3 .* the photo has 3x2") as caught:
        check_answer(method, (3, 2), Segmentation(HALF))
    assert one_sentence(caught.value)


@pytest.mark.parametrize("answer", [HALF, HALF >= 0.5, None, (HALF, HALF)])
def test_what_is_no_segmentation_is_no_answer(answer):
    with pytest.raises(
        MethodError, match="'nearest' must answer with a Segmentation, not"
    ) as caught:
        check_answer("nearest", (2, 3), answer)
    assert one_sentence(caught.value)


def test_an_answer_that_fits_comes_back_as_it_is():
    answer = Segmentation(HALF)
    assert check_answer("nearest", (2, 3), answer) is answer


def test_a_built_method_is_found_in_the_registry(clean_registry):
    assert registered(GraphCut()) is method_info("graph-cut")
    assert registered(Nearest()) is None
    own = register(info())
    assert registered(Nearest()) is own


def test_a_method_may_be_a_class_with_another_default(clean_registry):
    class Sized:
        def __init__(self, size: int = 1) -> None:
            self.size = size

        def prepare(self, image):
            return image

        def segment(self, image, clicks):
            return Segmentation(np.full(image.shape[:2], self.size / 10))

    small = register(MethodInfo("small", "classical", False, "", "", Sized))
    large = register(MethodInfo("large", "classical", False, "", "", Sized, defaults={"size": 9}))
    assert (get_segmenter("small").size, get_segmenter("large").size) == (1, 9)
    assert get_segmenter("large", size=4).size == 4
    assert method_options("large").known["size"].default == 9
    assert registered(get_segmenter("large")) is large
    assert registered(get_segmenter("small")) is registered(Sized(3)) is small
    with pytest.raises(ValueError, match="whole number"):
        get_segmenter("large", size="many")
    assert "defaults" not in large.to_dict()
