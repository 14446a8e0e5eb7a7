"""A TensorRT engine is built from an ONNX graph, by TensorRT 10 or 11, and described beside it.

Networks are strongly typed: the graph alone says what is computed in which precision. An engine
fits one TensorRT and one GPU, so a sidecar says which, and `read_engine` refuses all others.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

import edge
from edge.errors import ArtifactRefused, DataRefused, WorkFailed
from optimize.files import write_result
from optimize.gpu import Gpu, find_gpu
from optimize.half_precision import to_float16

PRECISIONS = ("fp32", "fp16", "int8")
MAJORS = (10, 11)
"""Versions of TensorRT whose Python interface this module is checked against."""


@dataclass(frozen=True)
class EngineSettings:
    """How to build an engine.

    Attributes:
        precision: ``"fp32"``; ``"fp16"``, for which a float32 graph is cast; or ``"int8"``, for a
            graph that holds Q/DQ nodes.
        sparse: let TensorRT use 2:4 sparse kernels where weights are so (Ampere and later). With
            int8 by Q/DQ others saw none chosen.
        workspace_mib: memory that a layer may use while it runs, in MiB.
        timing_cache: file that keeps the times of kernels from one build to the next.
        version_compatible: let later versions of the same major TensorRT load the engine.
    """

    precision: str = "fp32"
    sparse: bool = False
    workspace_mib: int = 1024
    timing_cache: Path | None = None
    version_compatible: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that no engine has, as ``invalid_engine``."""
        if self.precision not in PRECISIONS:
            raise DataRefused(
                "invalid_engine",
                f"precision must be one of {', '.join(PRECISIONS)}. Received: {self.precision}.",
            )
        if self.workspace_mib < 1:
            raise DataRefused(
                "invalid_engine",
                f"workspace_mib must be at least 1. Received: {self.workspace_mib}.",
            )


@dataclass(frozen=True)
class Sidecar:
    """What stands beside an engine.

    Attributes:
        tensorrt, cuda, gpu: that it was built with and for.
        onnx_sha256: of the graph that it was built from.
        engine_sha256: of the engine itself.
        precision, sparse, workspace_mib, version_compatible: as in `EngineSettings`.
        created: ISO 8601 time.
        pneumokiosk: version that built it.
    """

    tensorrt: str
    cuda: str
    gpu: str
    onnx_sha256: str
    engine_sha256: str
    precision: str
    sparse: bool
    workspace_mib: int
    version_compatible: bool
    created: str
    pneumokiosk: str


def sidecar_path(engine: Path) -> Path:
    """Where the sidecar of an engine stands: ``FILE.json``."""
    return engine.with_name(f"{engine.name}.json")


def load_tensorrt() -> Any:
    """The module ``tensorrt``.

    Raises:
        WorkFailed: ``tensorrt_missing`` or ``tensorrt_version``.
    """
    try:
        import tensorrt
    except (ImportError, OSError) as error:  # the module, or a library that it needs
        raise WorkFailed(
            "tensorrt_missing", f"TensorRT is not installed on this machine: {error}."
        ) from error
    if _major(tensorrt.__version__) not in MAJORS:
        raise WorkFailed(
            "tensorrt_version",
            f"TensorRT must be of version {MAJORS[0]} or {MAJORS[1]}. "
            f"Received: {tensorrt.__version__}",
        )
    return tensorrt


def made(make: Callable[[], Any], what: str) -> Any:
    """Call TensorRT, which answers with nothing, or with a null pointer, where it failed.

    Raises:
        WorkFailed: ``tensorrt_failed``; TensorRT's own logger has printed the reason.
    """
    try:
        value = make()
    except TypeError as error:
        if "nullptr" not in str(error):
            raise
        value = None
    if value is None:
        raise WorkFailed(
            "tensorrt_failed", f"TensorRT could not {what}; what it printed above says why."
        )
    return value


def build_engine(graph: Path, out: Path, settings: EngineSettings) -> Sidecar:
    """Build an engine and write it beside its sidecar; each file appears whole or not at all.

    Args:
        graph: an ONNX file, as `optimize.onnx_graph.export_onnx` writes it.
        out: the engine to write.
        settings: how.

    Raises:
        DataRefused: ``missing_onnx``, ``invalid_onnx``, ``other_precision`` or ``timing_cache``.
        WorkFailed: ``tensorrt_missing``, ``tensorrt_version``, ``cuda_missing``, ``no_gpu``,
            ``onnx_refused`` with every error of the parser, ``tensorrt_failed`` or
            ``cannot_write``.
    """
    content = _read_graph(graph)
    typed = _typed(content, settings.precision)
    trt = load_tensorrt()
    gpu = find_gpu()
    plan = _build(trt, typed, settings)
    sidecar = Sidecar(
        tensorrt=trt.__version__,
        cuda=gpu.cuda,
        gpu=gpu.name,
        onnx_sha256=_sha256(content),
        engine_sha256=_sha256(plan),
        precision=settings.precision,
        sparse=settings.sparse,
        workspace_mib=settings.workspace_mib,
        version_compatible=settings.version_compatible,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        pneumokiosk=edge.__version__,
    )
    write_result(out, plan)
    write_result(sidecar_path(out), (json.dumps(asdict(sidecar), indent=2) + "\n").encode())
    return sidecar


def read_engine(path: Path, graph: Path | None = None) -> tuple[bytes, Sidecar]:
    """Read an engine with its sidecar and check that both fit each other and this machine.

    Args:
        path: of the engine.
        graph: the ONNX file that it must have been built from; None accepts any.

    Raises:
        ArtifactRefused: ``file_missing``, ``sidecar_invalid``, ``hash_mismatch``,
            ``other_graph`` or ``other_machine``.
        WorkFailed: TensorRT, CUDA or the GPU are missing, as for `build_engine`.
    """
    try:
        plan, text = path.read_bytes(), sidecar_path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ArtifactRefused("file_missing", f"{path} or its sidecar is missing.") from error
    try:
        sidecar = Sidecar(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise ArtifactRefused(
            "sidecar_invalid", f"{sidecar_path(path)} is not the sidecar of an engine: {error}"
        ) from error
    if _sha256(plan) != sidecar.engine_sha256:
        raise ArtifactRefused("hash_mismatch", f"{path} does not match its sidecar's hash.")
    if graph is not None and _sha256(_read_graph(graph)) != sidecar.onnx_sha256:
        raise ArtifactRefused("other_graph", f"{path} was built from another graph than {graph}.")
    _refuse_other_machine(sidecar, load_tensorrt().__version__, find_gpu())
    return plan, sidecar


def _refuse_other_machine(sidecar: Sidecar, tensorrt: str, gpu: Gpu) -> None:
    built = {"TensorRT": sidecar.tensorrt, "CUDA": sidecar.cuda, "GPU": sidecar.gpu}
    here = {"TensorRT": tensorrt, "CUDA": gpu.cuda, "GPU": gpu.name}
    if sidecar.version_compatible and _later(sidecar.tensorrt, tensorrt):
        built = {"GPU": sidecar.gpu}
    for part, wanted in built.items():
        if here[part] != wanted:
            raise ArtifactRefused(
                "other_machine",
                f"The engine was built for {part} {wanted}, and here is {here[part]}; "
                "build it again on this machine.",
            )


def _later(built: str, here: str) -> bool:
    """Whether this TensorRT may load what an earlier one of its major version built."""

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(".")[:3]]

    return _major(built) == _major(here) and numbers(here) >= numbers(built)


def _read_graph(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataRefused("missing_onnx", f"{path} cannot be read: {error}") from error


def _typed(content: bytes, precision: str) -> bytes:
    """The graph with the types of a precision; a strongly typed network takes them from there."""
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise DataRefused("invalid_onnx", f"This is not an ONNX file: {error}") from error
    quantized = any(node.op_type == "QuantizeLinear" for node in model.graph.node)
    if quantized != (precision == "int8"):
        holds = "Q/DQ nodes" if quantized else "no Q/DQ nodes"
        raise DataRefused(
            "other_precision",
            "int8 needs a graph with Q/DQ nodes, fp32 and fp16 one without. "
            f"Received: {precision}, and a graph with {holds}.",
        )
    if precision != "fp16":
        return content
    return bytes(to_float16(model).SerializeToString())


def _build(trt: Any, graph: bytes, settings: EngineSettings) -> bytes:
    logger = trt.Logger(trt.Logger.WARNING)
    builder = made(lambda: trt.Builder(logger), "start")
    # TensorRT 11 types every network strongly and ignores the flag.
    typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = made(lambda: builder.create_network(typed), "make a network")
    parser = made(lambda: trt.OnnxParser(network, logger), "start its ONNX parser")
    if not parser.parse(graph):
        errors = [str(parser.get_error(i)) for i in range(parser.num_errors)]
        raise WorkFailed(
            "onnx_refused", "TensorRT's parser refused the graph:\n" + "\n".join(errors)
        )
    config = made(builder.create_builder_config, "make a configuration")
    _configure(trt, config, settings)
    plan = made(lambda: builder.build_serialized_network(network, config), "build the engine")
    if settings.timing_cache is not None:
        cache = made(config.get_timing_cache, "give its timing cache")
        write_result(settings.timing_cache, bytes(made(cache.serialize, "write the cache")))
    return bytes(plan)


def _configure(trt: Any, config: Any, settings: EngineSettings) -> None:
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace_mib << 20)
    config.clear_flag(trt.BuilderFlag.TF32)  # fp32 means float32, not its first ten bits
    if settings.sparse:
        config.set_flag(trt.BuilderFlag.SPARSE_WEIGHTS)
    if settings.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    path = settings.timing_cache
    if path is None:
        return
    try:
        kept = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise DataRefused("timing_cache", f"{path} cannot be read: {error}") from error
    cache = made(lambda: config.create_timing_cache(kept), "read the timing cache")
    if not config.set_timing_cache(cache, False):
        raise DataRefused(
            "timing_cache", f"{path} is of another GPU or TensorRT; name another file."
        )


def _major(version: str) -> int:
    return int(version.split(".")[0])


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
