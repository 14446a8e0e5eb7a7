"""A worker lives no longer than the process that began it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from optimize.processes import fresh_process

ROOT = Path(__file__).parents[2]
BEGIN = """
import time
from optimize.processes import fresh_process

if __name__ == "__main__":
    with fresh_process() as pool:
        pool.submit(time.sleep, 600)
        print(list(pool._processes)[0], flush=True)
        time.sleep(600)
"""


def test_work_is_done_in_another_process() -> None:
    with fresh_process() as pool:
        assert pool.submit(os.getpid).result() != os.getpid()


def test_a_worker_dies_with_a_process_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "begin.py").write_text(BEGIN, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "begin.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        worker = psutil.Process(int(process.stdout.readline()))
    process.kill()
    process.wait()
    try:
        worker.wait(timeout=30)
    except psutil.TimeoutExpired:
        worker.kill()
        pytest.fail("the worker lives on")
