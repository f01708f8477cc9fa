"""Where networks run, and in which precision: the best there is, or what was asked for."""

import numpy as np
import pytest
import torch

from tests.support import easy_scene, one_sentence
from tutorial_lib.deep.device import autocast, pick_device, resolve_precision
from tutorial_lib.registry import get_segmenter, methods

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


@pytest.fixture
def native(monkeypatch):
    """Pretend that this CPU has, or has not, an instruction for bfloat16."""

    def pretend(*instructions):
        capabilities = dict.fromkeys(instructions, True)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)

    return pretend


def test_float32_is_the_precision_unless_another_one_is_asked_for(native, layer):
    native("avx512_bf16", "amx_bf16")
    x = torch.randn(1, 8, 16, 16)
    with autocast(CPU):
        assert torch.equal(layer(x), layer(x).float())
        assert layer(x).dtype == torch.float32


def test_bfloat16_is_computed_on_request_on_any_cpu(native, layer):
    native()
    x = torch.randn(1, 8, 16, 16)
    with torch.no_grad(), autocast(CPU, "bfloat16"):
        found = layer(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), layer(x), rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [(["avx512_bf16"], "bfloat16"), (["amx_bf16"], "bfloat16"), (["avx512"], "float32")],
)
def test_auto_takes_bfloat16_where_the_cpu_computes_it(native, layer, instructions, expected):
    native(*instructions)
    assert resolve_precision("auto", CPU) == expected
    with autocast(CPU, "auto"):
        found = layer(torch.randn(1, 8, 16, 16))
    assert found.dtype == getattr(torch, expected)


def test_an_older_torch_that_cannot_tell_stays_with_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert resolve_precision("auto", CPU) == "float32"


def test_apples_gpu_computes_in_float32():
    mps = torch.device("mps")
    assert resolve_precision("auto", mps) == "float32"
    with autocast(mps, "auto"):
        assert not torch.is_autocast_enabled("mps")
    with pytest.raises(ValueError, match="Apple's GPU does not support .*; use float32") as error:
        resolve_precision("bfloat16", mps)
    assert one_sentence(error.value)


@pytest.mark.parametrize("name", ["float16", "", "Float32", "32"])
def test_a_precision_that_does_not_exist_is_answered_with_those_that_do(name):
    with pytest.raises(ValueError, match="float32, bfloat16, auto; there is no") as error:
        resolve_precision(name, CPU)
    assert one_sentence(error.value)


def test_float32_on_an_nvidia_gpu_is_not_rounded_to_tensor_float():
    places = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [place.allow_tf32 for place in places]
    with pytest.raises(RuntimeError), autocast(torch.device("cuda")):
        assert not any(place.allow_tf32 for place in places)
        raise RuntimeError
    assert [place.allow_tf32 for place in places] == before


OWN_NETWORKS = [info.name for info in methods() if info.kind == "deep" and info.expected]


@pytest.mark.parametrize("name", OWN_NETWORKS)
def test_every_network_method_has_a_precision(name, native):
    native("amx_bf16")
    assert get_segmenter(name).precision == "float32"
    assert get_segmenter(name, precision="auto").precision == "bfloat16"
    native()
    assert get_segmenter(name, precision="auto").precision == "float32"
    assert get_segmenter(name, precision="bfloat16").precision == "bfloat16"
    with pytest.raises(ValueError, match="'half'"):
        get_segmenter(name, precision="half")


@pytest.mark.parametrize("name", ["dos-no-graph-cut", "semantic-fcn", "latent-diversity"])
def test_bfloat16_answers_differ_from_float32_but_little(name):
    image, _, clicks = easy_scene()
    probabilities = []
    for precision in ("float32", "bfloat16"):
        method = get_segmenter(name, precision=precision, size=128)
        answer = method.segment(method.prepare(image), clicks[:1])
        probabilities.append(answer.probability)
    assert 0 < np.abs(probabilities[0] - probabilities[1]).mean() < 0.05
