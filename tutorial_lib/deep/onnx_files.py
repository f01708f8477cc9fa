"""Run an ONNX file: with ONNX Runtime if it is installed, and otherwise with OpenCV.

OpenCV is a requirement of the package, so no other package is needed. From version 5 on it runs
files whose inputs have any size; older versions run files of a fixed size only.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np

Engine = Literal["auto", "onnxruntime", "opencv"]

# Numbers of fields in onnx.proto.
_GRAPH, _INITIALIZER, _INPUT, _OUTPUT = 7, 5, 11, 12
_NAME, _TYPE, _TENSOR, _SHAPE, _DIMENSION, _SIZE = 1, 2, 1, 2, 1, 1
_TENSOR_NAME = 8


@dataclass(frozen=True)
class OnnxSignature:
    """What an ONNX file takes and returns.

    Parameters
    ----------
    inputs : dict of str to tuple
        The shape of each input. A size that may vary is None.
    outputs : tuple of str
        The names of the outputs, in order.
    """

    inputs: dict[str, tuple[int | None, ...]]
    outputs: tuple[str, ...]


def onnx_signature(data: bytes) -> OnnxSignature:
    """Read the inputs and outputs of an ONNX file, without running it.

    Parameters
    ----------
    data : bytes
        The content of the file.

    Returns
    -------
    OnnxSignature
        Names, and shapes of the inputs.

    Raises
    ------
    ValueError
        If this is not an ONNX file.
    """
    inputs: dict[str, tuple[int | None, ...]] = {}
    outputs, weights = [], set()
    try:
        for graph in _messages(memoryview(data), _GRAPH):
            for number, value in _fields(graph):
                if number == _INITIALIZER:
                    weights.add(_text(value, _TENSOR_NAME))
                elif number == _INPUT:
                    inputs[_text(value, _NAME)] = _shape(value)
                elif number == _OUTPUT:
                    outputs.append(_text(value, _NAME))
    except (IndexError, ValueError, TypeError) as error:
        raise ValueError("it is not an ONNX file, or it is damaged") from error
    if not outputs:
        raise ValueError("it is not an ONNX file, or it is damaged")
    return OnnxSignature({n: s for n, s in inputs.items() if n not in weights}, tuple(outputs))


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Yield the number and value of each field of a protocol buffer."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
        else:
            size, at = _varint(message, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = message[at : at + size], at + size
            if at > len(message):
                raise ValueError("a field is cut off")
        yield number, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def _messages(message: memoryview, *path: int) -> Iterator[memoryview]:
    """Yield the messages that a path of field numbers leads to."""
    for number, value in _fields(message):
        if number == path[0]:
            if path[1:]:
                yield from _messages(value, *path[1:])
            else:
                yield value


def _text(message: memoryview, number: int) -> str:
    return next((bytes(v).decode() for n, v in _fields(message) if n == number), "")


def _shape(value: memoryview) -> tuple[int | None, ...]:
    sizes = _messages(value, _TYPE, _TENSOR, _SHAPE, _DIMENSION)
    return tuple(next((v for n, v in _fields(size) if n == _SIZE), None) for size in sizes)


class OnnxFile:
    """An ONNX file that is ready to run.

    Parameters
    ----------
    path : Path
        The file.
    engine : str
        ``"onnxruntime"``, ``"opencv"``, or ``"auto"``: ONNX Runtime if it is installed.

    Attributes
    ----------
    path : Path
        The file.
    signature : OnnxSignature
        Its inputs and outputs.

    Raises
    ------
    ValueError
        If the file is not an ONNX file, or OpenCV cannot run it. The message says what to do.
    ImportError
        If ONNX Runtime is asked for and not installed.
    """

    def __init__(self, path: Path, engine: Engine = "auto") -> None:
        self.path = path
        try:
            self.signature = onnx_signature(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path.name} cannot be used: {error}.") from error
        if engine == "auto":
            engine = "onnxruntime" if importlib.util.find_spec("onnxruntime") else "opencv"
        self._forward = _with_opencv(path) if engine == "opencv" else _with_onnxruntime(path)

    @property
    def only_input(self) -> str:
        """The name of the input, if there is only one."""
        (name,) = self.signature.inputs
        return name

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute the outputs.

        Parameters
        ----------
        inputs : mapping of str to np.ndarray
            All inputs, by name.

        Returns
        -------
        dict of str to np.ndarray
            All outputs, by name.

        Raises
        ------
        ValueError
            If the file cannot be run with inputs of these sizes.
        """
        return self._forward(inputs)


def _with_onnxruntime(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            "ONNX Runtime is not installed; run: pip install onnxruntime, or choose engine=opencv."
        ) from error
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def forward(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return forward


def _with_opencv(path: Path) -> Any:
    import cv2

    remedy = (
        f"OpenCV {cv2.__version__} cannot run {path.name} ({{}}); run: pip install onnxruntime, "
        "or update opencv-python to version 5."
    )
    try:
        network, lock = cv2.dnn.readNetFromONNX(str(path)), Lock()
    except cv2.error as error:
        raise ValueError(remedy.format(_first_line(error))) from error
    names = list(network.getUnconnectedOutLayersNames())

    def forward(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with lock:  # a network holds its inputs, so threads take turns
            try:
                for name, value in inputs.items():
                    network.setInput(value, name)
                outputs = network.forward(names)
            except cv2.error as error:
                raise ValueError(remedy.format(_first_line(error))) from error
        return {name: np.array(value) for name, value in zip(names, outputs, strict=True)}

    return forward


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rpartition("error: ")[2].rstrip(".")
