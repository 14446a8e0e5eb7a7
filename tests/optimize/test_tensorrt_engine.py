"""Engines are built and run by names, arguments and types that both TensorRT versions have.

No GPU is needed: see `played_tensorrt`. Each version runs in a process of its own, on its real
bindings, which are downloaded; where they or a C compiler cannot be had, the tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edge.errors import DataRefused
from optimize.artifact import Samples
from optimize.onnx_graph import export_onnx
from optimize.onnx_runner import OnnxModel
from optimize.tensorrt_engine import EngineSettings, build_engine
from train.weights import Weights

ROOT = Path(__file__).parents[2]
VERSIONS = {"10.16.1.11": "12.9.0", "11.4.0.106": "13.5.0"}
"""CUDA's bindings for each version of TensorRT's."""
STUBS = """
void *createInferBuilder_INTERNAL(void *logger, int version) { return 0; }
void *createInferRefitter_INTERNAL(void *engine, void *logger, int version) { return 0; }
void *createInferRuntime_INTERNAL(void *logger, int version) { return 0; }
void *createNvOnnxParserRefitter_INTERNAL(void *refitter, void *logger, int version) { return 0; }
void *createNvOnnxParser_INTERNAL(void *network, void *logger, int version) { return 0; }
void *getBuilderPluginRegistry(int capability) { return 0; }
int getNvOnnxParserVersion(void) { return 0; }
void *getPluginRegistry(void) { return 0; }
_Bool initLibNvInferPlugins(void *logger, const char *space) { return 1; }
"""
"""The symbols that the bindings want of TensorRT's libraries; every object comes out as null."""


@dataclass(frozen=True)
class Bindings:
    """One version of the real bindings.

    Attributes:
        version: of TensorRT.
        environment: to run Python with them on its path.
    """

    version: str
    environment: dict[str, str]

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run Python where these bindings are."""
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def play(self, program: str, *arguments: object) -> Any:
        """Run a program with TensorRT and CUDA played; what it prints, from JSON."""
        done = self.run("-W", "error", "-c", PRELUDE + program, *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


PRELUDE = """
import json, sys
from pathlib import Path
import numpy as np
from played_tensorrt import ANSWERS, HELD, LOG, Played, memory, play, real, real_cuda
play()
from edge.errors import PneumoKioskError
from optimize.tensorrt_engine import EngineSettings, build_engine, read_engine, sidecar_path
from optimize.tensorrt_runner import EngineModel
folder = Path(sys.argv[1])
def build(settings=EngineSettings(), graph="fp32.onnx"):
    return build_engine(folder / graph, folder / "new" / "made.engine", settings)
def refused(work, *arguments):
    try:
        work(*arguments)
    except PneumoKioskError as refusal:
        return [refusal.code, refusal.exit_status, refusal.message]
    return None
"""


def wheel_files(folder: Path, requirement: str) -> Path:
    """Download the wheels of a requirement and unpack them."""
    download = ["-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(folder)]
    done = subprocess.run(
        [sys.executable, *download, requirement], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"{requirement} cannot be had: {done.stderr.strip().splitlines()[-1:]}")
    for wheel in folder.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="session", params=VERSIONS)
def bindings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bindings:
    version = request.param
    compiler = shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("the stand-ins for TensorRT's libraries need Linux and gcc")
    folder = tmp_path_factory.mktemp("bindings")
    paths = [
        wheel_files(folder / "tensorrt", f"tensorrt-cu12-bindings=={version}"),
        wheel_files(folder / "cuda", f"cuda-bindings=={VERSIONS[version]}"),
    ]
    (folder / "stubs.c").write_text(STUBS)
    for name in ("nvinfer", "nvinfer_plugin", "nvonnxparser"):
        library = folder / f"lib{name}.so.{version.split('.')[0]}"
        options = ["-shared", "-fPIC", "-o", str(library), str(folder / "stubs.c")]
        subprocess.run([compiler, *options], check=True)
    # The package that NVIDIA ships with its libraries does no more.
    (folder / "tensorrt.py").write_text(
        "from tensorrt_bindings import *\nfrom tensorrt_bindings import __version__\n"
    )
    path = os.pathsep.join(map(str, [*paths, folder, Path(__file__).parent, ROOT]))
    return Bindings(version, {**os.environ, "PYTHONPATH": path, "LD_LIBRARY_PATH": str(folder)})


@pytest.fixture(scope="session")
def graphs(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """``fp32.onnx`` and ``int8.onnx`` of one network, and an image."""
    folder = tmp_path_factory.mktemp("graphs")
    (folder / "fp32.onnx").write_bytes(export_onnx(tiny_weights))
    (folder / "int8.onnx").write_bytes(export_onnx(tiny_weights, tiny_samples.calibration))
    np.save(folder / "image.npy", tiny_samples.comparison[0])
    return folder


@pytest.fixture
def folder(graphs: Path, tmp_path: Path) -> Path:
    """A folder of its own with the graphs and the image."""
    for path in graphs.iterdir():
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_an_engine_is_built_and_run(bindings: Bindings, folder: Path, precision: str) -> None:
    graph = "int8.onnx" if precision == "int8" else "fp32.onnx"
    found = bindings.play(
        """
precision, graph = sys.argv[2:]
build(EngineSettings(precision), graph)
with EngineModel(folder / "new" / "made.engine", folder / graph) as model:
    first, shape = model.predict(np.load(folder / "image.npy")), model.input_shape
    model.predict(0 * np.load(folder / "image.npy"))  # must not change what was given before
    held = len(HELD)
print(json.dumps([first.margin, first.attention.tolist(), shape, held, len(HELD)]))
""",
        folder,
        precision,
        graph,
    )
    expected = OnnxModel((folder / graph).read_bytes()).predict(np.load(folder / "image.npy"))
    margin, attention, shape, held, left = found
    allowed = 0.02 if precision == "fp16" else 1e-4
    assert abs(margin - expected.margin) < allowed
    np.testing.assert_allclose(attention, expected.attention, atol=allowed)
    assert shape == [1, 32, 32, 1]
    assert held == 4  # three tensors and a stream, all given back at the end
    assert left == 0
    plan = onnx.load(folder / "new" / "made.engine").graph  # the played plan is the typed graph
    halves = sum(c.data_type == onnx.TensorProto.FLOAT16 for c in plan.initializer)
    assert bool(halves) == (precision == "fp16")


def test_settings_reach_the_builder(bindings: Bindings, folder: Path) -> None:
    calls = bindings.play(
        """
build(EngineSettings("fp32", True, 64, folder / "times.cache", True))
print(json.dumps(LOG))
""",
        folder,
    )
    strongly_typed = {"10": 2, "11": 1}[bindings.version.split(".")[0]]
    assert f"Builder.create_network({strongly_typed},)" in calls
    assert [call for call in calls if "memory_pool" in call and f"{64 << 20})" in call]
    flags = [call.partition(".")[2] for call in calls if "flag(" in call]
    assert [flag.split("(")[0] for flag in flags] == ["clear_flag", "set_flag", "set_flag"]
    for flag, name in zip(flags, ("TF32", "SPARSE_WEIGHTS", "VERSION_COMPATIBLE"), strict=True):
        assert f"BuilderFlag.{name}" in flag
    assert (folder / "times.cache").read_bytes() == b"times of kernels"


def test_plain_settings_set_no_flag(bindings: Bindings, folder: Path) -> None:
    calls = bindings.play("build()\nprint(json.dumps(LOG))", folder)
    assert not [call for call in calls if ".set_flag" in call or "timing_cache" in call]
    assert sorted(p.name for p in (folder / "new").iterdir()) == ["made.engine", "made.engine.json"]


def test_timing_cache_is_read_again(bindings: Bindings, folder: Path) -> None:
    kept = bindings.play(
        """
settings = EngineSettings(timing_cache=folder / "times.cache")
given = []
make = ANSWERS["IBuilderConfig.create_timing_cache"]
ANSWERS["IBuilderConfig.create_timing_cache"] = lambda c, k: given.append(k) or make(c, k)
build(settings), build(settings)
ANSWERS["IBuilderConfig.set_timing_cache"] = False  # of another GPU
print(json.dumps([[k.decode() for k in given], refused(build, settings)]))
""",
        folder,
    )
    given, refusal = kept
    assert given == ["", "times of kernels"]
    assert refusal[:2] == ["timing_cache", 2]


def test_every_parser_error_is_told(bindings: Bindings, folder: Path) -> None:
    code, status, message = bindings.play(
        """
errors = ["node 3: no such operator", "node 7: other shapes"]
ANSWERS.update({
    "OnnxParser.parse": False,
    "OnnxParser.num_errors": 2,
    "OnnxParser.get_error": lambda _, i: ANSWERS.__setitem__("ParserError.__str__", errors[i])
        or Played(real.ParserError, {}),
})
print(json.dumps(refused(build)))
""",
        folder,
    )
    assert (code, status) == ("onnx_refused", 3)
    assert "node 3: no such operator\nnode 7: other shapes" in message
    assert not (folder / "new").exists()


def test_null_results_are_errors(bindings: Bindings, folder: Path) -> None:
    """The whole way from the builder to the first prediction, failing at each step in turn."""
    found = bindings.play(
        """
settings = EngineSettings(timing_cache=folder / "times.cache")
building = ["Builder", "Builder.create_network", "OnnxParser", "Builder.create_builder_config",
    "IBuilderConfig.create_timing_cache", "Builder.build_serialized_network",
    "IBuilderConfig.get_timing_cache", "ITimingCache.serialize"]
running = ["Runtime", "Runtime.deserialize_cuda_engine", "ICudaEngine.create_execution_context"]
bad = {"IExecutionContext.set_tensor_address": False, "IExecutionContext.execute_async_v3": False}
cuda = ["cudaStreamCreate", "cudaMalloc", "cudaMemcpyAsync", "cudaStreamSynchronize"]
full = (real_cuda.cudaError_t.cudaErrorMemoryAllocation, None)
def attempt(name, value, work):
    usual = dict(ANSWERS)
    ANSWERS[name] = value
    found = refused(work)
    ANSWERS.clear(), ANSWERS.update(usual)
    return [name, found]
def run():
    with EngineModel(folder / "new" / "made.engine") as model:
        model.predict(np.load(folder / "image.npy"))
found = [attempt(name, None, lambda: build(settings)) for name in building]
left = sorted(p.name for p in folder.iterdir())
build()
steps = {**dict.fromkeys(running), **bad, **dict.fromkeys(cuda, full)}
found += [attempt(name, value, run) for name, value in steps.items()]
print(json.dumps([found, left, len(HELD)]))
""",
        folder,
    )
    refusals, left, held = found
    assert len(refusals) == 17
    for name, refusal in refusals:
        code = "cuda_failed" if name.startswith("cuda") else "tensorrt_failed"
        assert refusal is not None and refusal[:2] == [code, 3], name
    assert left == ["fp32.onnx", "image.npy", "int8.onnx"]  # nothing was written
    assert held == 0  # nothing on the GPU either


def test_sidecar_is_checked_on_load(bindings: Bindings, folder: Path) -> None:
    found = bindings.play(
        """
engine = folder / "new" / "made.engine"
build()
said = json.loads(sidecar_path(engine).read_text())
plan, sidecar = read_engine(engine, folder / "fp32.onnx")
def altered(**fields):
    sidecar_path(engine).write_text(json.dumps({**said, **fields}))
    return (refused(EngineModel, engine) or ["accepted"])[0]
major = said["tensorrt"].split(".")[0]
codes = {
    "other graph": refused(EngineModel, engine, folder / "int8.onnx")[0],
    "older": altered(tensorrt=major + ".0.0"),
    "older, compatible": altered(tensorrt=major + ".0.0", version_compatible=True),
    "newer, compatible": altered(tensorrt=major + ".99.0", version_compatible=True),
    "other major, compatible": altered(tensorrt="9.9.9", version_compatible=True),
    "other GPU": altered(gpu="Another GPU"),
    "other GPU, compatible": altered(gpu="Another GPU", version_compatible=True),
    "other CUDA": altered(cuda="1.0"),
    "unknown field": altered(more=1),
    "same": altered(),
}
sidecar_path(engine).write_text("{")
codes["broken"] = refused(EngineModel, engine)[0]
sidecar_path(engine).unlink()
codes["missing"] = refused(EngineModel, engine)[0]
build()
engine.write_bytes(plan[:-1] + bytes([plan[-1] ^ 1]))
codes["altered"] = refused(EngineModel, engine)[0]
print(json.dumps([said, codes]))
""",
        folder,
    )
    said, codes = found
    assert said["tensorrt"] == bindings.version
    assert (said["gpu"], said["cuda"], said["precision"]) == ("Played GPU", "12.9", "fp32")
    assert codes == {
        "other graph": "other_graph",
        "older": "other_machine",
        "older, compatible": "accepted",
        "newer, compatible": "other_machine",
        "other major, compatible": "other_machine",
        "other GPU": "other_machine",
        "other GPU, compatible": "other_machine",
        "other CUDA": "other_machine",
        "unknown field": "sidecar_invalid",
        "same": "accepted",
        "broken": "sidecar_invalid",
        "missing": "file_missing",
        "altered": "hash_mismatch",
    }


def test_engine_of_other_tensors_is_refused(bindings: Bindings, folder: Path) -> None:
    codes = bindings.play(
        """
build()
found = []
for name, value in {
    "ICudaEngine.get_tensor_dtype": real.DataType.HALF,
    "ICudaEngine.get_tensor_mode": lambda *_: real.TensorIOMode.OUTPUT,
    "ICudaEngine.get_tensor_name": lambda *_: "image",
}.items():
    usual = ANSWERS[name]
    ANSWERS[name] = value
    found.append(refused(EngineModel, folder / "new" / "made.engine")[0])
    ANSWERS[name] = usual
print(json.dumps(found))
""",
        folder,
    )
    assert codes == ["model_unusable"] * 3


def test_what_is_played_is_checked(bindings: Bindings, folder: Path) -> None:
    """A name, argument or type that the bindings do not have would not go unnoticed."""
    errors = bindings.play(
        """
import tensorrt
from cuda.bindings import runtime
logger = tensorrt.Logger(tensorrt.Logger.WARNING)
builder = tensorrt.Builder(logger)
config = builder.create_builder_config()
def error_of(work):
    try:
        work()
    except Exception as error:
        return type(error).__name__
print(json.dumps([error_of(work) for work in (
    lambda: builder.build_engine(),
    lambda: builder.create_network("1"),
    lambda: builder.create_network(1, 2),
    lambda: builder.create_network(flag=1),
    lambda: builder.build_serialized_network(config, config),
    lambda: config.set_flag(tensorrt.MemoryPoolType.WORKSPACE),
    lambda: setattr(config, "max_workspace_size", 1),
    lambda: tensorrt.BuilderFlag.SPARSE,
    lambda: tensorrt.OnnxParser(logger),
    lambda: runtime.cudaMalloc(),
    lambda: runtime.cudaNothing(),
    lambda: builder.create_network(flags=1),
)]))
""",
        folder,
    )
    assert errors == [
        "AttributeError", "TypeError", "TypeError", "TypeError", "TypeError", "TypeError",
        "AttributeError", "AttributeError", "TypeError", "TypeError", "AttributeError", None,
    ]  # fmt: skip


def test_real_bindings_without_a_gpu_are_one_sentence(bindings: Bindings, folder: Path) -> None:
    """Nothing is played here: the command, the bindings, and a driver that is not there."""
    if shutil.which("nvidia-smi"):
        pytest.skip("this machine has a GPU")
    out = folder / "made.engine"
    done = bindings.run("-m", "optimize", "tensorrt", folder / "fp32.onnx", "--out", out)
    assert done.returncode == 3
    assert "(no_gpu)" in done.stderr and "Traceback" not in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("kind", ["Builder", "Runtime"])
def test_null_of_the_real_bindings_is_an_error(bindings: Bindings, kind: str) -> None:
    done = bindings.run(
        "-c",
        "from optimize.tensorrt_engine import load_tensorrt, made\n"
        "trt = load_tensorrt()\n"
        f"made(lambda: trt.{kind}(trt.Logger(trt.Logger.WARNING)), 'start')",
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("edge.errors.WorkFailed: TensorRT could not")


@pytest.mark.parametrize("named", ["fp32", "fp16", "int8"])
def test_graph_and_precision_must_agree(graphs: Path, tmp_path: Path, named: str) -> None:
    graph = graphs / ("fp32.onnx" if named == "int8" else "int8.onnx")
    with pytest.raises(DataRefused) as refusal:
        build_engine(graph, tmp_path / "made.engine", EngineSettings(named))
    assert refusal.value.code == "other_precision"


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no graph")
    (tmp_path / "empty.onnx").write_bytes(b"")
    cases = {"none.onnx": "missing_onnx", "text.onnx": "invalid_onnx", "empty.onnx": "invalid_onnx"}
    for name, code in cases.items():
        with pytest.raises(DataRefused) as refusal:
            build_engine(tmp_path / name, tmp_path / "made.engine", EngineSettings())
        assert refusal.value.code == code


@pytest.mark.parametrize("wrong", [{"precision": "bf16"}, {"workspace_mib": 0}])
def test_settings_state_their_rules(wrong: dict[str, Any]) -> None:
    with pytest.raises(DataRefused, match=f"{next(iter(wrong))} must be .* Received"):
        EngineSettings(**wrong)
