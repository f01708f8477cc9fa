"""Where networks run: the best there is, or exactly what was asked for."""

import pytest
import torch

from tutorial_lib.deep.device import autocast, pick_device

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be a machine with some GPUs."""

    def pretend(cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(1, True, "cuda"), (1, False, "cuda"), (0, True, "mps"), (0, False, "cpu")],
)
def test_auto_takes_the_best_there_is(machine, cuda, mps, expected):
    machine(cuda, mps)
    assert pick_device("auto") == pick_device() == torch.device(expected)


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:1", "mps"])
def test_a_device_that_is_there_can_be_insisted_on(machine, name):
    machine(cuda=2, mps=True)
    assert pick_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_there_is_refused(machine, name):
    machine(cuda=0, mps=False)
    with pytest.raises(ValueError, match=f"'{name}' is not available here; use 'auto' or 'cpu'"):
        pick_device(name)


def test_a_second_gpu_where_there_is_one_is_refused(machine):
    machine(cuda=1)
    with pytest.raises(ValueError, match="'cuda:1' is not available"):
        pick_device("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "", "meta", "cuda:x"])
def test_a_name_that_means_nothing_is_answered_with_those_that_do(name):
    with pytest.raises(ValueError, match="choose auto, cuda, cuda:<number>, mps or cpu"):
        pick_device(name)


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return torch.nn.Conv2d(8, 8, 3)


@pytest.mark.parametrize("instruction", ["avx512_bf16", "amx_bf16"])
def test_a_cpu_with_bfloat16_uses_it_within_its_precision(monkeypatch, layer, instruction):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instruction: True}, raising=False)
    x = torch.randn(1, 8, 16, 16)
    with torch.no_grad(), autocast(CPU):
        found = layer(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), layer(x), rtol=0.02, atol=0.02)


def test_a_cpu_without_bfloat16_stays_with_float32(monkeypatch, layer):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    x = torch.randn(1, 8, 16, 16)
    with autocast(CPU):
        assert torch.equal(layer(x), layer(x).float())
        assert layer(x).dtype == torch.float32


def test_an_older_torch_that_cannot_tell_stays_with_float32(monkeypatch, layer):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    with autocast(CPU):
        assert layer(torch.randn(1, 8, 16, 16)).dtype == torch.float32


def test_apples_gpu_stays_with_float32():
    with autocast(torch.device("mps")):
        assert not torch.is_autocast_enabled("mps")
