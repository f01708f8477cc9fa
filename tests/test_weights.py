"""Shipped weights: small files that are checked before they are read, with complete cards."""

import hashlib
import json
import math
import struct

import pytest
import torch

from tests.support import one_sentence
from tutorial_lib.deep import weights
from tutorial_lib.deep.latent_diversity.networks import load_networks
from tutorial_lib.deep.object_selection import load_network
from tutorial_lib.deep.semantic.network import load_semantic
from tutorial_lib.deep.weights import (
    CARD_SECTIONS,
    WEIGHTS,
    Shipped,
    card_problems,
    load_weights,
    open_weights,
    read_metadata,
    read_weights,
    save_weights,
    shipped_problems,
)

pytestmark = pytest.mark.slow  # it checks files, and few networks answer
STATE = {
    "layer.weight": torch.tensor([[0.5, -1.25], [3.0, 0.1]]),
    "norm.num_batches_tracked": torch.tensor(7),
}
COMMAND = "python -m tutorial_lib train tiny --data DIR --out DIR"
CARD = f"""# tiny

## Data and licence terms
Nothing at all; MIT.

## Recipe
`{COMMAND}`

## Minutes
0.1 on two cores.

## Metrics
NoC@85 20.00 on nothing.

## Known failures
Everything.
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Let the package's assets be an empty folder, and the registry empty."""
    monkeypatch.setattr(weights, "bundled", lambda _: tmp_path / "assets")
    monkeypatch.setattr(weights, "WEIGHTS", {})
    (tmp_path / "assets" / "weights").mkdir(parents=True)
    return tmp_path / "assets" / "weights"


@pytest.fixture
def tiny(folder):
    """Ship weights named tiny, card included; return where they lie."""
    path = folder / "tiny.safetensors"
    weights.WEIGHTS["tiny"] = Shipped(path.name, save_weights(STATE, path))
    path.with_suffix(".md").write_text(CARD, "utf-8")
    return path


def test_what_is_shipped_is_intact_and_has_a_complete_card():
    assert shipped_problems() == []
    assert all(len(shipped.sha256) == 64 for shipped in WEIGHTS.values())


def test_weights_come_back_in_float32_as_float16_kept_them(tiny):
    loaded = load_weights("tiny")
    assert loaded["layer.weight"].dtype == torch.float32
    assert loaded["layer.weight"].tolist() == [[0.5, -1.25], [3.0, 0.0999755859375]]


def test_integers_stay_as_they_are(tiny):
    counted = load_weights("tiny")["norm.num_batches_tracked"]
    assert counted.dtype == torch.int64
    assert counted.item() == 7


def test_a_float_takes_two_bytes(folder):
    save_weights({"w": torch.zeros(10_000)}, folder / "w.safetensors")
    assert 20_000 < (folder / "w.safetensors").stat().st_size < 20_500


def test_a_network_can_load_them(folder):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    path = folder / "network.safetensors"
    weights.WEIGHTS["network"] = Shipped(path.name, save_weights(network.state_dict(), path))
    other = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    other.load_state_dict(load_weights("network"))
    torch.testing.assert_close(other[0].weight, network[0].weight, rtol=2**-11, atol=1e-7)


def test_the_same_weights_make_the_same_bytes(folder):
    metadata = {name: name for name in "abcdefgh"}
    save_weights(STATE, folder / "a.safetensors", metadata)
    backwards = dict(reversed(STATE.items()))
    save_weights(backwards, folder / "b.safetensors", dict(reversed(metadata.items())))
    assert (folder / "a.safetensors").read_bytes() == (folder / "b.safetensors").read_bytes()


def test_saving_returns_the_files_checksum(folder):
    path = folder / "w.safetensors"
    assert save_weights(STATE, path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_saving_makes_the_folder_and_leaves_nothing_else(tmp_path):
    save_weights(STATE, tmp_path / "new" / "w.safetensors")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["w.safetensors"]


def test_weights_that_share_memory_or_are_views_are_saved_whole(folder):
    base = torch.arange(6.0).view(2, 3)
    path = folder / "views.safetensors"
    checksum = save_weights({"w": base.T, "same": base.T}, path)
    weights.WEIGHTS["views"] = Shipped(path.name, checksum)
    assert load_weights("views")["w"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert load_weights("views")["same"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_metadata_comes_back(folder):
    metadata = {"recipe": "dos", "seed": 3, "settings": {"stride": 8}}
    save_weights(STATE, folder / "w.safetensors", metadata)
    assert read_metadata(folder / "w.safetensors") == metadata


def test_without_metadata_there_is_none(tiny):
    assert read_metadata(tiny) == {}


# -- what can be wrong -------------------------------------------------------------------------


def test_weights_are_opened_by_name_or_by_path_with_what_belongs_to_them(tiny, tmp_path):
    own = tmp_path / "own.safetensors"
    save_weights(STATE, own, {"stride": 8})
    for name, about in (("tiny", {}), (own, {"stride": 8}), (str(own), {"stride": 8})):
        state, found = open_weights(name)
        assert state["layer.weight"][1, 0] == 3
        assert found == about


def test_an_unknown_name_is_answered_with_those_there_are(tiny):
    with pytest.raises(ValueError, match="no weights 'huge'; the package contains: tiny"):
        load_weights("huge")


def test_with_nothing_shipped_the_error_says_so(folder):
    with pytest.raises(ValueError, match="the package contains: none yet"):
        load_weights("tiny")


def test_a_missing_file_is_named_with_what_to_do(tiny):
    tiny.unlink()
    with pytest.raises(FileNotFoundError, match="'tiny' are missing at .*: install") as error:
        load_weights("tiny")
    assert one_sentence(error.value)


def test_in_a_repository_a_command_brings_a_missing_file_back(tiny, tmp_path):
    tiny.unlink()
    (tmp_path / ".git").mkdir()
    command = "git restore assets/weights/tiny.safetensors"
    with pytest.raises(FileNotFoundError, match=f": run `{command}` in the repository") as error:
        load_weights("tiny")
    assert one_sentence(error.value)


def test_a_changed_file_is_refused_before_it_is_parsed(tiny, monkeypatch):
    import safetensors.torch

    parsed = []
    monkeypatch.setattr(safetensors.torch, "load", parsed.append)
    tiny.write_bytes(tiny.read_bytes()[:-1] + b"\0")
    with pytest.raises(ValueError, match="are damaged: their SHA-256 begins with .*; ") as error:
        load_weights("tiny")
    assert one_sentence(error.value)
    assert parsed == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 70_000.0])
def test_a_weight_that_float16_cannot_hold_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match="The weight w is not finite, or larger"):
        save_weights({"w": torch.tensor([1.0, value])}, tmp_path / "w.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.safetensors, not as w\.pth"):
        save_weights(STATE, tmp_path / "w.pth")


def test_metadata_of_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file of weights at .*gone\.safetensors"):
        read_metadata(tmp_path / "gone.safetensors")


def test_metadata_of_another_file(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"something else altogether")
    with pytest.raises(ValueError, match=r"photo\.png is not a safetensors file"):
        read_metadata(tmp_path / "photo.png")


# -- model cards -------------------------------------------------------------------------------


def test_a_complete_card_has_no_problems():
    assert card_problems(CARD) == []


@pytest.mark.parametrize("section", CARD_SECTIONS)
def test_a_missing_section_is_named(section):
    card = CARD.replace(f"## {section}\n", f"### {section}\n")
    assert f"The section '{section}' is missing." in card_problems(card)


def test_an_empty_card_lacks_every_section_once():
    assert card_problems("") == [f"The section '{name}' is missing." for name in CARD_SECTIONS]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Everything.", "The section 'Known failures' is empty."),
        (f"`{COMMAND}`", "The section 'Recipe' is empty."),
        ("0.1 on two cores.", "The section 'Minutes' is empty."),
    ],
)
def test_an_empty_section_is_named(text, problem):
    assert card_problems(CARD.replace(text, "")) == [problem]


@pytest.mark.parametrize(
    ("text", "instead", "problem"),
    [
        (COMMAND, "We trained it.", "The section 'Recipe' lacks the command"),
        ("0.1 on two cores.", "Not long.", "The section 'Minutes' has no number."),
        ("NoC@85 20.00 on nothing.", "Good.", "The section 'Metrics' has no number."),
    ],
)
def test_a_section_that_says_nothing_definite_is_named(text, instead, problem):
    (found,) = card_problems(CARD.replace(text, instead))
    assert found.startswith(problem)


def test_shipped_weights_without_a_card_are_found(tiny):
    tiny.with_suffix(".md").unlink()
    assert shipped_problems() == ["The weights 'tiny' have no card tiny.md."]


def test_shipped_weights_with_a_changed_file_and_a_poor_card_are_found(tiny):
    tiny.write_bytes(b"changed")
    tiny.with_suffix(".md").write_text(CARD.replace("Everything.", ""), "utf-8")
    changed, poor = shipped_problems()
    assert "SHA-256" in changed
    assert poor == "tiny.md: The section 'Known failures' is empty."


def test_shipped_weights_in_order_are_in_order(tiny):
    assert shipped_problems() == []


def test_weights_of_ones_own_are_read_back_as_float32(tmp_path):
    save_weights(STATE, tmp_path / "mine.safetensors")
    read = read_weights(tmp_path / "mine.safetensors")
    assert read["layer.weight"].dtype == torch.float32
    assert read["layer.weight"].tolist()[0] == [0.5, -1.25]
    assert read["norm.num_batches_tracked"] == 7


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    (tmp_path / "mine.safetensors").write_text("hello")
    with pytest.raises(ValueError, match="is not a safetensors file"):
        read_weights(tmp_path / "mine.safetensors")
    with pytest.raises(FileNotFoundError, match="no file of weights"):
        read_weights(tmp_path / "gone.safetensors")


# -- what a file from elsewhere can hold -----------------------------------------------------------

ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
FOUR = b"\0" * 4


def raw(header, body=b"", length=None):
    """Return the bytes of a safetensors file with any header."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + body


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\1\0", id="two bytes"),
        pytest.param(raw([]), id="a list"),
        pytest.param(raw(b"hello"), id="no JSON"),
        pytest.param(raw({}, length=2**62), id="a huge header"),
        pytest.param(raw({}, length=2**64 - 1), id="a header beyond all numbers"),
        pytest.param(raw(b"[" * 100_000), id="brackets"),
        pytest.param(raw(b'{"\xff": 1}'), id="no UTF-8"),
        pytest.param(raw({"__metadata__": []}), id="metadata that is a list"),
        pytest.param(raw({"__metadata__": {"tutorial_lib": 3}}), id="metadata that is no text"),
        pytest.param(raw({"w": {"dtype": "F32"}}), id="missing keys"),
        pytest.param(raw({"w": ENTRY | {"dtype": "F99"}}, FOUR), id="an unknown type"),
        pytest.param(raw({"w": ENTRY | {"shape": [10**9]}}, FOUR), id="too large a shape"),
        pytest.param(raw({"w": ENTRY | {"shape": [-1]}}, FOUR), id="a negative shape"),
        pytest.param(raw({"w": ENTRY | {"data_offsets": [0, 400]}}, FOUR), id="beyond the end"),
        pytest.param(raw({"w": ENTRY}, FOUR + FOUR), id="bytes left over"),
        pytest.param(raw({"w": ENTRY, "v": ENTRY}, FOUR), id="overlap"),
        pytest.param(
            raw({"w": ENTRY | {"dtype": "BOOL", "data_offsets": [0, 1]}}, b"\2"), id="bool"
        ),
        pytest.param(raw({"w": ENTRY | {"dtype": "F8_E4M3", "shape": [4]}}, FOUR), id="8 bits"),
        pytest.param(
            raw({"w": ENTRY | {"dtype": "F8_E8M0", "shape": [4]}}, FOUR), id="8 bits more"
        ),
        pytest.param(raw({"__metadata__": {"tutorial_lib": "[]"}}), id="about: a list"),
        pytest.param(raw({"__metadata__": {"tutorial_lib": "{"}}), id="about: no JSON"),
        pytest.param(raw({"__metadata__": {"tutorial_lib": "[" * 99_999}}), id="about: brackets"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"mine\.safetensors") as error:
        open_weights(path)
    assert one_sentence(error.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_that_are_not_finite_are_refused_when_they_are_loaded(tmp_path, value, kind):
    import safetensors.torch

    path = tmp_path / "mine.safetensors"
    safetensors.torch.save_file({"a": torch.ones(2), "b": torch.tensor([1, value]).to(kind)}, path)
    with pytest.raises(ValueError, match=r"weight b in .*mine\.safetensors is NaN or inf") as error:
        read_weights(path)
    assert one_sentence(error.value)


def test_a_double_that_is_too_large_for_a_float_is_refused(tmp_path):
    import safetensors.torch

    path = tmp_path / "mine.safetensors"
    safetensors.torch.save_file({"w": torch.tensor([1e300], dtype=torch.float64)}, path)
    with pytest.raises(ValueError, match="weight w in .* is NaN or infinite"):
        read_weights(path)


@pytest.mark.parametrize(
    ("load", "shipped"),
    [(load_network, "dos"), (load_semantic, "semantic-fcn"), (load_networks, "latent-diversity")],
)
def test_a_network_takes_all_its_weights_and_no_others(tmp_path, load, shipped):
    state, about = open_weights(shipped)
    first = min(name for name, tensor in state.items() if tensor.ndim == 4)  # no counter
    wrong = {
        f"{first} is missing": {k: v for k, v in state.items() if k != first},
        "the network has no more": state | {"more": torch.zeros(1)},
        r"has shape \(3,\), not": state | {first: torch.zeros(3)},
        "has the type torch.int64": state | {first: torch.zeros_like(state[first]).long()},
    }
    for text, changed in wrong.items():
        save_weights(changed, tmp_path / "mine.safetensors", about)
        with pytest.raises(ValueError, match=rf"mine\.safetensors do not fit .*{text}") as error:
            load(tmp_path / "mine.safetensors")
        assert one_sentence(error.value)


FCN = {"preset": "lite", "stride": 8}
NAMED = FCN | {"classes": ["a", "b"], "crf_steps": 0}
DIVERSE = {"design": {"preset": "lite"}, "selector": "shared"}


@pytest.mark.parametrize(
    ("load", "about"),
    [
        (load_network, {}),
        (load_network, FCN | {"preset": "huge"}),
        (load_network, FCN | {"preset": ["lite"]}),
        (load_network, FCN | {"stride": 7}),
        (load_network, FCN | {"stride": "8"}),
        (load_network, FCN | {"stride": math.nan}),
        (load_semantic, FCN),
        (load_semantic, NAMED | {"classes": 3}),
        (load_semantic, NAMED | {"classes": []}),
        (load_semantic, NAMED | {"classes": [1, 2]}),
        (load_semantic, NAMED | {"classes": ["a"] * 300}),
        (load_semantic, NAMED | {"crf_steps": 10**9}),
        (load_semantic, NAMED | {"crf_steps": None}),
        (load_networks, {"design": {}}),
        (load_networks, DIVERSE | {"design": []}),
        (load_networks, DIVERSE | {"design": {"heads": 10**9}}),
        (load_networks, DIVERSE | {"design": {"heads": "6"}}),
        (load_networks, DIVERSE | {"design": {"architecture": "cake"}}),
        (load_networks, DIVERSE | {"design": {"colour": "red"}}),
        (load_networks, DIVERSE | {"selector": "nobody"}),
        (load_networks, DIVERSE | {"selector": ["shared"]}),
    ],
)
def test_what_a_file_says_about_its_network_is_checked(tmp_path, load, about):
    save_weights(STATE, tmp_path / "mine{}.safetensors", about)
    with pytest.raises(ValueError, match=r"mine\{\}\.safetensors") as error:
        load(tmp_path / "mine{}.safetensors")
    assert one_sentence(error.value)
