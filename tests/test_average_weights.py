"""Averaging two files of weights."""

import pytest
import torch
import typer
from typer.testing import CliRunner

from tools.average_weights import average, main
from tutorial_lib.deep.weights import open_weights, save_weights

pytestmark = pytest.mark.slow  # it averages files, and no network answers
ONE = {"f.a": torch.tensor([1.0, 2.0]), "g.a": torch.tensor([0.0]), "f.n": torch.tensor(3)}
TWO = {"f.a": torch.tensor([3.0, 0.0]), "g.a": torch.tensor([1.0]), "f.n": torch.tensor(5)}


def test_floats_are_averaged_and_counts_are_those_of_the_second():
    mean = average(ONE, TWO)
    assert mean["f.a"].tolist() == [2.0, 1.0]
    assert mean["g.a"].tolist() == [0.5]
    assert mean["f.n"] == 5


def test_one_part_alone_is_averaged_and_the_first_file_need_have_no_other():
    mean = average({"f.a": ONE["f.a"], "f.n": ONE["f.n"]}, TWO, part="f")
    assert mean["f.a"].tolist() == [2.0, 1.0]
    assert mean["g.a"].tolist() == [1.0]


@pytest.mark.parametrize("other", [{}, TWO | {"f.a": torch.zeros(3)}])
def test_other_networks_have_no_mean(other):
    with pytest.raises(ValueError, match=r"of the same network have a mean: f\.a differs"):
        average(other, TWO)


def test_a_part_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="h"):
        average(ONE, TWO, part="h")


def test_the_command_writes_what_the_second_file_says_about_itself(tmp_path):
    for name, state in {"one": ONE, "two": TWO}.items():
        save_weights(state, tmp_path / f"{name}.safetensors", {"who": name})
    app = typer.Typer()
    app.command()(main)
    paths = [str(tmp_path / f"{name}.safetensors") for name in ("one", "two", "mean")]
    result = CliRunner().invoke(app, [*paths[:2], "--out", paths[2]])
    assert result.exit_code == 0
    state, about = open_weights(paths[2])
    assert state["f.a"].tolist() == [2.0, 1.0]
    names = [f"{tmp_path.name}/{name}.safetensors" for name in ("one", "two")]
    assert about == {"who": "two", "mean_of": names}
    refused = CliRunner().invoke(app, [*paths[:2], "--part", "h", "--out", paths[2]])
    assert refused.exit_code == 2


def test_a_shared_g_can_decide_by_intent(tmp_path):
    app = typer.Typer()
    app.command()(main)
    for name in ("shared", "paper"):
        save_weights(ONE, tmp_path / f"{name}.safetensors", {"selector": name})
        twice = 2 * [str(tmp_path / f"{name}.safetensors")]
        out = tmp_path / f"{name}-intent.safetensors"
        result = CliRunner().invoke(app, [*twice, "--selector", "intent", "--out", str(out)])
        assert (result.exit_code, out.exists()) == ((0, True) if name == "shared" else (2, False))
    assert open_weights(tmp_path / "shared-intent.safetensors")[1]["selector"] == "intent"
