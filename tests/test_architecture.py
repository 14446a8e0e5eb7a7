"""The house rules: who may import whom, and what a clinic's computer can do without."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STOREYS = ("edge", "train", "optimize", "bench")
"""From the ground up: a package may import itself and what stands before it."""
WORKSTATION_ONLY = {
    "cuda", "keras", "matplotlib", "onnx", "onnxruntime", "safetensors", "scipy", "sklearn",
    "tensorflow", "tensorflow_model_optimization", "tensorrt", "tf_keras", "tqdm",
}  # fmt: skip
SOURCES = sorted(
    path.relative_to(ROOT) for package in STOREYS for path in (ROOT / package).rglob("*.py")
)


def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> set[str]:
    """Top-level names of everything that a file imports, wherever in the file it does."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add((node.module or "").split(".")[0])
    return names


def test_all_packages_are_looked_at() -> None:
    assert {path.parts[0] for path in SOURCES} == set(STOREYS)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_run_one_way(path: Path) -> None:
    storey = STOREYS.index(path.parts[0])
    assert not imported(path) & {*STOREYS[storey + 1 :], "tests"}


@pytest.mark.parametrize("path", [p for p in SOURCES if p.parts[0] == "edge"], ids=str)
def test_the_kiosk_needs_no_workstation_package(path: Path) -> None:
    assert not imported(path) & WORKSTATION_ONLY


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_assert_outside_tests(path: Path) -> None:
    assert not [n.lineno for n in ast.walk(parsed(path)) if isinstance(n, ast.Assert)]


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(node: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    """A module or class with its public functions, classes and methods."""
    yield name, node
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not child.name.startswith("_"):
                if isinstance(child, ast.ClassDef):
                    yield from public(child, f"{name}.{child.name}")
                else:
                    yield f"{name}.{child.name}", child


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_public_names_have_docstrings(path: Path) -> None:
    silent = [name for name, node in public(parsed(path), str(path)) if not ast.get_docstring(node)]
    assert not silent


BLOCKER = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {sorted(WORKSTATION_ONLY)!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Blocker())
"""


def without_workstation(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program where none of the workstation's packages can be imported."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKER + program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_blocker_blocks() -> None:
    done = without_workstation("import tensorflow")
    assert done.returncode == 1
    assert "No module named 'tensorflow'" in done.stderr


def test_the_kiosk_screens_without_tensorflow() -> None:
    done = without_workstation(
        "import edge.artifact, edge.screening\n"
        "from edge.phantom import phantom_png\n"
        "screener = edge.screening.Screener(edge.artifact.load_artifact())\n"
        "print(screener.screen(phantom_png(1, 512, 2)).outcome)\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("refer", "uncertain", "below_threshold")


@pytest.mark.parametrize("package", STOREYS)
def test_every_command_explains_itself_without_tensorflow(package: str) -> None:
    """Help and usage errors come at once: nothing heavy is imported before it is needed."""
    done = without_workstation(
        f"from {package}.cli import cli\ncli(['--help'], prog_name='pneumokiosk')\n"
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: pneumokiosk" in done.stdout


def test_every_module_of_the_kiosk_is_imported_without_tensorflow() -> None:
    modules = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        if path.parts[0] == "edge" and path.name != "__main__.py"
    ]
    done = without_workstation("import " + ", ".join(modules))
    assert done.returncode == 0, done.stderr
