"""Plays TensorRT and CUDA on a machine that has neither, bound to their real Python bindings.

The bindings are real and only what they would call is missing. So every attribute that is read or
set, every enum member, every argument, by place or by keyword, and every type of one is looked up
in the bindings' own signatures before a played answer is given. Engines are played by ONNX
Runtime, and the memory of the GPU by ordinary memory, so that wrong addresses, directions and
types of a copy come out as well. Run by `test_tensorrt_engine` with the bindings on its path.
"""

from __future__ import annotations

import ctypes
import inspect
import re
import sys
import types
from typing import Any

import numpy as np
import onnxruntime
import tensorrt_bindings as real
from cuda.bindings import runtime as real_cuda

ANSWERS: dict[str, Any] = {}
"""What a test wants answered, by ``Class.method``; a function receives the arguments."""
LOG: list[str] = []
"""Every call and every attribute that was set, in order."""
HELD: dict[int, Any] = {}
"""Memory of the played GPU, by its address."""
STREAM = 77
CLASSES = {kind: getattr(real, kind) for kind in dir(real) if inspect.isclass(getattr(real, kind))}
BUFFERS = ("typing_extensions.Buffer", "buffer")


def signatures(text: str) -> list[tuple[list[tuple[str, str, bool]], str]]:
    """Parameters (name, type, whether it may be left out) and result of each overload."""
    found = []
    for inside, result in re.findall(r"^(?:\d+\. )?\w*\((.*)\) -> (.+)$", text, re.MULTILINE):
        parts = re.split(r", (?=\w+: )", inside) if inside else []
        fields = [part.partition(": ") for part in parts]
        found.append(([(n, t.split(" = ")[0], " = " in t) for n, _, t in fields], result.strip()))
    return found


def fits(value: Any, annotation: str) -> bool:
    kind = annotation.rsplit(".", 1)[-1]
    if isinstance(value, Played):
        return kind in CLASSES and issubclass(value._kind, CLASSES[kind])
    if annotation in BUFFERS:
        return isinstance(value, bytes)
    if kind in CLASSES:
        return isinstance(value, CLASSES[kind])
    plain = {"SupportsInt": int, "int": int, "str": str, "bool": bool}[kind]
    return isinstance(value, plain)


def result_of(where: str, doc: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    """Check a call against every overload; the type that it gives."""
    overloads = signatures(doc)
    for parameters, result in overloads:
        names = [name for name, _, _ in parameters]
        given = dict(zip(names, arguments, strict=False)) | named
        missing = {name for name, _, optional in parameters if not optional} - given.keys()
        if len(arguments) > len(names) or given.keys() - set(names) or missing:
            continue
        if all(fits(given[name], kind) for name, kind, _ in parameters if name in given):
            return result
    raise TypeError(f"{where}{arguments}{named} fits none of {overloads}")


class Played:
    """Stands for one object of a class of the bindings, and has what that class has."""

    def __init__(self, kind: type, state: dict[str, Any]) -> None:
        self.__dict__.update(_kind=kind, _state=state)

    def __getattr__(self, name: str) -> Any:
        where = f"{self._kind.__name__}.{name}"
        member = inspect.getattr_static(self._kind, name)  # AttributeError where there is none
        if isinstance(member, property):
            LOG.append(where)
            return ANSWERS[where]

        def call(*arguments: Any, **named: Any) -> Any:
            doc = getattr(self._kind, name).__doc__
            result = result_of(where, doc, (self, *arguments), named)
            LOG.append(f"{where}{tuple(a for a in arguments if not isinstance(a, bytes))}")
            return answer(where, result, self, arguments)

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        member = inspect.getattr_static(self._kind, name)
        if not isinstance(member, property) or member.fset is None:
            raise AttributeError(f"{self._kind.__name__}.{name} cannot be set")
        LOG.append(f"{self._kind.__name__}.{name} = {value}")

    def __str__(self) -> str:
        return str(answer(f"{self._kind.__name__}.__str__", "str", self, ()))

    def __bytes__(self) -> bytes:
        if self._kind is not real.IHostMemory:  # the one class with Python's buffer protocol
            raise TypeError(f"{self._kind.__name__} holds no bytes")
        return bytes(self._state["bytes"])


def answer(where: str, result: str, player: Played, arguments: tuple[Any, ...]) -> Any:
    if where in ANSWERS:
        given = ANSWERS[where]
        return given(player, *arguments) if callable(given) else given
    kind = result.rsplit(".", 1)[-1].replace("nvonnxparser::IParserError", "ParserError")
    if kind in CLASSES and kind != "Dims":
        return Played(CLASSES[kind], {})
    return {"bool": True, "None": None}[kind]


def constructor(kind: type) -> Any:
    def construct(*arguments: Any, **named: Any) -> Any:
        made = Played(kind, {})
        result_of(kind.__name__, vars(kind)["__init__"].__doc__, (made, *arguments), named)
        LOG.append(kind.__name__)
        if kind.__name__ in ANSWERS:  # as the bindings answer where the library gives null
            raise TypeError("pybind11::init(): factory function returned nullptr")
        return made

    return construct


def memory(content: bytes) -> Played:
    return Played(real.IHostMemory, {"bytes": content})


class PlayedEngine:
    """What the library behind the bindings would do, done by ONNX Runtime."""

    def __init__(self) -> None:
        self.graph, self.addresses = b"", {}  # type: ignore[var-annotated]

    def parse(self, parser: Played, graph: bytes) -> bool:
        self.graph = graph
        return True

    def load(self, runtime: Played, plan: bytes) -> Played:
        self.session = onnxruntime.InferenceSession(plan, providers=["CPUExecutionProvider"])
        self.inputs = {v.name: v for v in self.session.get_inputs()}
        self.tensors = self.inputs | {v.name: v for v in self.session.get_outputs()}
        ANSWERS["ICudaEngine.num_io_tensors"] = len(self.tensors)
        return Played(real.ICudaEngine, {})

    def place(self, context: Played, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def run(self, context: Played, stream: int) -> bool:
        if stream != STREAM:
            raise ValueError(f"{stream} is no stream")
        feeds = {name: self.view(name) for name in self.inputs}
        outputs = [name for name in self.tensors if name not in self.inputs]
        for name, value in zip(outputs, self.session.run(outputs, feeds), strict=True):
            self.view(name)[:] = value
        return True

    def view(self, name: str) -> Any:
        shape = self.tensors[name].shape
        return np.frombuffer(HELD[self.addresses[name]], np.float32).reshape(shape)

    def answers(self) -> dict[str, Any]:
        modes = real.TensorIOMode
        return {
            "OnnxParser.parse": self.parse,
            "Builder.build_serialized_network": lambda *_: memory(self.graph),
            "IBuilderConfig.create_timing_cache": lambda _, kept: Played(
                real.ITimingCache, {"kept": kept}
            ),
            "ITimingCache.serialize": memory(b"times of kernels"),
            "Runtime.deserialize_cuda_engine": self.load,
            "ICudaEngine.get_tensor_name": lambda _, i: list(self.tensors)[i],
            "ICudaEngine.get_tensor_mode": lambda _, name: (
                modes.INPUT if name in self.inputs else modes.OUTPUT
            ),
            "ICudaEngine.get_tensor_dtype": real.DataType.FLOAT,
            "ICudaEngine.get_tensor_shape": lambda _, name: real.Dims(self.tensors[name].shape),
            "IExecutionContext.set_tensor_address": self.place,
            "IExecutionContext.execute_async_v3": self.run,
        }


def success(*values: Any) -> tuple[Any, ...]:
    return (real_cuda.cudaError_t.cudaSuccess, *values)


class PlayedCuda(types.ModuleType):
    """CUDA's runtime calls on ordinary memory, each checked against the real signature."""

    def __getattr__(self, name: str) -> Any:
        member = getattr(real_cuda, name)
        if not name.startswith("cuda") or inspect.isclass(member):
            return member

        def call(*arguments: Any, **named: Any) -> Any:
            inspect.signature(member).bind(*arguments, **named)
            LOG.append(name)
            return ANSWERS[name] if name in ANSWERS else getattr(self, f"_{name}")(*arguments)

        return call

    def _cudaGetDeviceProperties(self, device: int) -> Any:
        return success(types.SimpleNamespace(name=b"Played GPU"))

    def _cudaRuntimeGetVersion(self) -> Any:
        return success(12090)

    def _cudaStreamCreate(self) -> Any:
        HELD[STREAM] = None
        return success(real_cuda.cudaStream_t(STREAM))

    def _cudaStreamSynchronize(self, stream: Any) -> Any:
        return success()

    def _cudaStreamDestroy(self, stream: Any) -> Any:
        del HELD[int(stream)]
        return success()

    def _cudaMalloc(self, size: int) -> Any:
        block = ctypes.create_string_buffer(size)
        HELD[ctypes.addressof(block)] = block
        return success(ctypes.addressof(block))

    def _cudaFree(self, address: int) -> Any:
        del HELD[address]
        return success()

    def _cudaMemcpyAsync(self, to: int, of: int, size: int, kind: Any, stream: Any) -> Any:
        kinds = real_cuda.cudaMemcpyKind
        wanted = kinds.cudaMemcpyHostToDevice if to in HELD else kinds.cudaMemcpyDeviceToHost
        there = HELD[to if to in HELD else of]
        if kind != wanted or size != ctypes.sizeof(there) or int(stream) != STREAM:
            return (real_cuda.cudaError_t.cudaErrorInvalidValue,)
        ctypes.memmove(to, of, size)
        return success()


def play() -> None:
    """From here on ``import tensorrt`` and ``cuda.bindings.runtime`` give the played ones."""
    import cuda.bindings

    tensorrt = types.ModuleType("tensorrt")
    for name in dir(real):
        if not name.startswith("__") or name == "__version__":
            setattr(tensorrt, name, getattr(real, name))
    for name in ("Builder", "OnnxParser", "Runtime"):
        setattr(tensorrt, name, constructor(getattr(real, name)))
    sys.modules["tensorrt"] = tensorrt
    sys.modules["cuda.bindings.runtime"] = cuda.bindings.runtime = PlayedCuda("runtime")
    ANSWERS.update(PlayedEngine().answers())
