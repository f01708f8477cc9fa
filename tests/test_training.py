"""The loop: it ends when it should, survives being killed, and goes on bit for bit."""

import json
import os
import signal

import pytest
import torch
from torch import nn

from tests.support import one_sentence
from tests.test_cli import main
from tutorial_lib.deep.networks.fcn import fcn
from tutorial_lib.deep.weights import read_metadata, read_weights, save_weights
from tutorial_lib.options import latest
from tutorial_lib.training.checkpoints import read_training_log, write_checkpoint
from tutorial_lib.training.loop import MAX_SKIPPED_STEPS, Loop
from tutorial_lib.training.object_selection import ObjectSelectionTask
from tutorial_lib.training.recipes import get_recipe
from tutorial_lib.training.run import train
from tutorial_lib.training.setup import lr_factor, make_optimiser
from tutorial_lib.training.task import TrainingTask

pytestmark = pytest.mark.slow

TINY = ("minutes=0", "steps=4", "crop=64", "batch=2", "workers=0", "device=cpu", "log_steps=1")
PLAIN = (*TINY, "precision=float32", "warmup=0")


class Dot(TrainingTask):
    """One weight that shall become 3: the smallest thing that can be trained."""

    def __init__(self, *settings, values=lambda step: 1.0):
        super().__init__(get_recipe("dos-toy", [*PLAIN, *settings]))
        self.values = values
        self.first_steps = []

    def build(self, stage=None):
        network = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.zeros_(network.weight)
        return network

    def stage(self, network):
        return 8

    def groups(self, network):
        return [{"params": list(network.parameters()), "share": 1.0, "weight_decay": 0.0}]

    def batches(self, step, rank, world):
        self.first_steps.append(step)
        while True:
            yield [self.values(step)]
            step += 1

    def loss(self, model, batch, device):
        answer = model(torch.full((1, 1, 1, 1), float(batch[0]), device=device))
        return (answer - 3).square().mean()

    def metadata(self, network):
        return {}


class Clock:
    """Seconds that pass only when something is done: one at each look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1
        return self.now


def refused(kind, text):
    return pytest.raises(kind, match=text)


# -- schedule and optimiser ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("progress", "factor"),
    [(0, 0.01), (0.05, 0.5), (0.1, 1), (0.55, 0.505), (1, 0.01)],
)
def test_the_rate_rises_and_falls_along_a_cosine(progress, factor):
    recipe = get_recipe("dos", ["warmup=0.1", "final_lr=0.01"])
    assert lr_factor(recipe, progress) == pytest.approx(factor)


def test_a_constant_rate_stays():
    recipe = get_recipe("dos", ["warmup=0.1", "schedule=constant"])
    assert [lr_factor(recipe, progress) for progress in (0.1, 0.6, 1)] == [1, 1, 1]


@pytest.mark.parametrize(("name", "kind"), [("adamw", "AdamW"), ("sgd", "SGD")])
def test_the_optimiser_is_the_recipes(name, kind):
    recipe = get_recipe("dos", [f"optimiser={name}"])
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "share": 1.0}]
    assert type(make_optimiser(groups, recipe)).__name__ == kind


def test_the_backbone_learns_more_slowly_and_biases_do_not_decay():
    task = ObjectSelectionTask(get_recipe("dos-toy", [*TINY, "pretrained=false"]))
    network = task.build()
    groups = task.groups(network)
    assert {(g["share"], g["weight_decay"]) for g in groups} == {
        (0.3, 1e-4), (0.3, 0.0), (1.0, 1e-4), (1.0, 0.0),
    }  # fmt: skip
    counted = sum(p.numel() for group in groups for p in group["params"])
    assert counted == sum(p.numel() for p in network.parameters() if p.requires_grad)


# -- length of a run -------------------------------------------------------------------------------


def test_a_run_of_steps_ends_after_them(tmp_path):
    result = Loop(Dot(), tmp_path).run()
    assert (result.step, result.finished) == (4, True)


def test_a_run_of_minutes_ends_with_them_and_so_does_its_schedule(tmp_path):
    steps = []
    task = Dot("steps=0", "minutes=2", "save_minutes=9", "export_minutes=9")
    result = Loop(task, tmp_path, steps.append, Clock()).run()
    assert result.finished
    assert 2 <= result.minutes < 2.2
    assert steps[0].lr == pytest.approx(1e-3, rel=0.01)
    assert 1e-5 <= steps[-1].lr < 3e-5
    assert len(steps) > 10


def test_whichever_limit_comes_first_ends_the_run(tmp_path):
    result = Loop(Dot("minutes=100", "steps=3"), tmp_path, clock=Clock()).run()
    assert (result.step, result.finished) == (3, True)


def test_training_makes_the_loss_small(tmp_path):
    result = Loop(Dot("steps=60", "optimiser=sgd", "lr=0.1", "clip_norm=0"), tmp_path).run()
    weight = read_weights(result.weights)["weight"].item()
    assert weight == pytest.approx(3, abs=0.05)


def test_gradients_are_clipped(tmp_path):
    plain = Dot("steps=1", "optimiser=sgd", "lr=1", "clip_norm=0.5", "schedule=constant")
    result = Loop(plain, tmp_path).run()
    assert read_weights(result.weights)["weight"].item() == pytest.approx(0.5)


# -- steps that go wrong ---------------------------------------------------------------------------


def test_a_step_without_finite_gradient_is_skipped_with_a_warning(tmp_path):
    steps = []
    task = Dot(values=lambda step: float("nan") if step == 1 else 1.0)
    with pytest.warns(RuntimeWarning, match="Step 2 had no finite gradient and was skipped"):
        result = Loop(task, tmp_path, steps.append).run()
    assert [step.loss == step.loss for step in steps] == [True, False, True, True]
    assert read_weights(result.weights)["weight"].isfinite().all()
    assert read_training_log(tmp_path)[1]["loss"] is None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_too_many_such_steps_end_the_run_in_one_sentence(tmp_path):
    task = Dot("steps=100", values=lambda step: float("nan"))
    with refused(
        ValueError, f"No gradient was finite in {MAX_SKIPPED_STEPS} steps in a row"
    ) as error:
        Loop(task, tmp_path).run()
    assert one_sentence(error.value)


# -- what a run leaves -----------------------------------------------------------------------------


def test_the_log_says_how_it_goes(tmp_path):
    Loop(Dot("log_steps=2"), tmp_path, clock=Clock()).run()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 4]
    usual = ["step", "loss", "lr", "minutes", "images_per_second", "stage", "unreadable"]
    about = ["precision", "answering_precision", "device", "devices", "machine"]
    assert list(lines[0]) == [*usual, *about]
    assert list(lines[1]) == list(lines[2]) == usual
    assert lines == read_training_log(tmp_path)
    assert lines[0]["loss"] == 9


def test_a_log_line_cut_short_is_passed_over(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"st')
    assert read_training_log(tmp_path) == [{"step": 1}]


def test_no_log_is_an_empty_one(tmp_path):
    assert read_training_log(tmp_path) == []


def test_weights_are_written_now_and_then(tmp_path):
    seen = []

    def look(step):
        seen.append((tmp_path / "weights.safetensors").exists())

    task = Dot("save_minutes=0", "export_minutes=0")
    Loop(task, tmp_path, look).run()
    assert seen == [False, True, True, True]


def test_a_checkpoint_that_fails_half_way_leaves_the_one_before(tmp_path):
    path = tmp_path / "checkpoint.pt"
    write_checkpoint({"step": 1}, path)
    with pytest.raises(Exception, match="pickle"):
        write_checkpoint({"step": lambda: None}, path)
    assert torch.load(path) == {"step": 1}


# -- stopping and resuming -------------------------------------------------------------------------


def stop_at(number):
    def stop(step):
        if step.step == number:
            os.kill(os.getpid(), signal.SIGINT)

    return stop


def test_ctrl_c_ends_a_run_with_usable_weights(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    result = Loop(Dot(), tmp_path, stop_at(2)).run()
    assert (result.step, result.finished) == (2, False)
    assert result.weights.is_file()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_resumed_run_takes_up_the_stream_the_clock_and_the_log(tmp_path):
    Loop(Dot(), tmp_path, stop_at(2), Clock()).run()
    minutes = read_training_log(tmp_path)[-1]["minutes"]
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 3, "loss": 1}\n')  # trained, but lost with the crash
    task = Dot()
    result = Loop(task, tmp_path, clock=Clock()).run(resume=True)
    assert (result.step, task.first_steps) == (4, [2])
    assert [line["step"] for line in read_training_log(tmp_path)] == [1, 2, 3, 4]
    assert read_training_log(tmp_path)[-1]["minutes"] > minutes


def test_a_finished_run_that_is_resumed_trains_no_further(tmp_path):
    first = Loop(Dot(), tmp_path).run()
    again = Loop(Dot(), tmp_path).run(resume=True)
    assert (again.step, again.sha256, again.loss) == (4, first.sha256, first.loss)


def test_a_finished_run_can_be_made_longer(tmp_path):
    Loop(Dot(), tmp_path).run()
    assert Loop(Dot("steps=6"), tmp_path).run(resume=True).step == 6


STAGED = ("stages=16:0.5,8:0.5", "precision=auto", "corrections=1", "seed=3")


def toy(folder, *settings, resume=False, on_step=None):
    settings = [*PLAIN, *STAGED, *settings]
    return train("dos-toy", folder, resume=resume, settings=settings, on_step=on_step)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    return toy(tmp_path_factory.mktemp("straight"))


@pytest.mark.parametrize("number", [1, 3])
def test_steps_resume_steps_are_the_same_steps_bit_for_bit(straight, tmp_path, number):
    assert not toy(tmp_path, on_step=stop_at(number)).finished
    resumed = toy(tmp_path, resume=True)
    one, two = (torch.load(r.weights.with_name("checkpoint.pt")) for r in (straight, resumed))
    assert one["network"].keys() == two["network"].keys()
    assert all(torch.equal(one["network"][k], two["network"][k]) for k in one["network"])
    first, second = one["optimiser"]["state"], two["optimiser"]["state"]
    assert first.keys() == second.keys()
    assert all(torch.equal(first[k]["exp_avg"], second[k]["exp_avg"]) for k in first)
    losses = [
        [line["loss"] for line in read_training_log(r.weights.parent)] for r in (straight, resumed)
    ]
    assert losses[0] == losses[1]


def test_a_stage_goes_on_from_the_one_before(straight):
    assert [line["stage"] for line in read_training_log(straight.weights.parent)] == [16, 16, 8, 8]
    saved = torch.load(straight.weights.with_name("checkpoint.pt"))
    steps = {int(state["step"]) for state in saved["optimiser"]["state"].values()}
    assert steps == {4, 2}  # the new skip has learned for two steps, all else for four


def test_exported_weights_say_what_they_are(straight):
    about = read_metadata(straight.weights)
    assert (about["preset"], about["stride"], about["step"]) == ("lite", 8, 4)
    assert about["recipe"]["stages"] == "16:0.5,8:0.5"
    fcn("lite", 8, pretrained=False).load_state_dict(read_weights(straight.weights))


@pytest.mark.parametrize(
    ("resume", "settings", "kind", "text"),
    [
        (False, (), FileExistsError, "continue it by --resume"),
        (True, ("lr=7", "batch=3"), ValueError, "began with another batch and lr"),
    ],
)
def test_a_run_is_neither_written_over_nor_mixed_up(tmp_path, resume, settings, kind, text):
    Loop(Dot(), tmp_path).run()
    with refused(kind, text) as error:
        Loop(Dot(*settings), tmp_path).run(resume)
    assert one_sentence(error.value)


def test_nothing_to_resume_is_an_error(tmp_path):
    with refused(FileNotFoundError, "no run to resume") as error:
        Loop(Dot(), tmp_path).run(resume=True)
    assert one_sentence(error.value)


def test_a_damaged_checkpoint_is_an_error(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"PK nonsense")
    with refused(ValueError, "is damaged") as error:
        Loop(Dot(), tmp_path).run(resume=True)
    assert one_sentence(error.value)


# -- starting from weights -------------------------------------------------------------------------


def weights_of(folder, stride, preset="lite"):
    path = folder / f"fcn{stride}.safetensors"
    network = fcn("lite", stride, pretrained=False)
    nn.init.constant_(network.score32.weight, 0.25)
    save_weights(network.state_dict(), path, {"preset": preset, "stride": stride})
    return path


@pytest.mark.parametrize("stride", [32, 16])
def test_a_run_starts_from_weights_as_coarse_or_coarser(tmp_path, stride):
    start = weights_of(tmp_path, stride)
    task = ObjectSelectionTask(get_recipe("dos-toy", [*TINY, "stages=16:1", f"start={start}"]))
    network = task.build()
    assert network.stride == 16
    assert network.training
    assert (network.score32.weight == 0.25).all()
    assert task.metadata(network)["recipe"]["start"] == start.name


@pytest.mark.parametrize(
    ("stride", "preset", "text"),
    [(8, "lite", "those of an FCN-8s"), (16, "paper", "preset")],
)
def test_a_run_cannot_start_from_other_weights(tmp_path, stride, preset, text):
    start = weights_of(tmp_path, stride)
    settings = [*TINY, "stages=16:1", f"start={start}", f"preset={preset}"]
    with refused(ValueError, text) as error:
        ObjectSelectionTask(get_recipe("dos-toy", settings)).build()
    assert one_sentence(error.value)


# -- the command -----------------------------------------------------------------------------------


def run_cli(monkeypatch, capsys, folder, *settings, resume=()):
    flags = [part for setting in latest([*PLAIN, *settings]) for part in ("--set", setting)]
    return main(monkeypatch, capsys, "train", "dos-toy", "--out", folder, *flags, *resume)


def test_the_command_trains_and_resumes(monkeypatch, capsys, tmp_path):
    code, out, _ = run_cli(monkeypatch, capsys, tmp_path, "steps=1")
    assert code == 0
    assert out.startswith(f"{tmp_path / 'weights.safetensors'}: 1 steps in 0.")
    code, out, _ = run_cli(monkeypatch, capsys, tmp_path, "steps=2", resume=["--resume"])
    assert code == 0
    assert ": 2 steps in" in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["cake"], "there is no 'cake'"),
        (["dos"], "with --data DIR"),
        (["dos-toy", "--set", "lr=fast"], "lr is a number"),
        (["dos-toy", "--minutes", "0"], "more than 0 minutes"),
        (["dos-toy", "--resume"], "no run to resume"),
        (["dos-toy", "--set", "device=abacus"], "no device 'abacus'"),
        (["dos-toy", "--set", "start=gone.safetensors"], "no file of weights"),
    ],
)
def test_a_bad_command_ends_in_one_sentence(monkeypatch, capsys, tmp_path, arguments, text):
    code, out, error = main(monkeypatch, capsys, "train", *arguments, "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert text in error
    assert one_sentence(error.strip().removeprefix("tutorial_lib: "))
