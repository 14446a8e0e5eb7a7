"""On what a figure was measured, and what else the machine did meanwhile."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from train.provenance import describe_environment

PACKAGES = (
    "ai-edge-litert", "numpy", "opencv-python-headless", "pydicom", "tensorflow", "keras",
    "onnxruntime", "openvino", "tensorrt", "flask",
)  # fmt: skip
INSTRUCTIONS = (
    "avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp",
    "asimdhp", "i8mm", "bf16", "sve",
)  # fmt: skip
"""What of the processor decides about the speed of a network."""
CPUS = Path("/sys/devices/system/cpu")


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory, clock, temperature, load and versions at this moment."""
    return {
        **describe_environment(PACKAGES),
        "usable_cores": usable_cores(),
        "instructions": [name for name in INSTRUCTIONS if name in _flags()],
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "governor": _governor(),
        "temperature_c": temperature(),
        "load_1min": load(),
    }


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> float:
    """Processes that wanted to run, on average over the last minute."""
    return round(float(psutil.getloadavg()[0]), 2)


def temperature() -> float | None:
    """Of the hottest sensor in degrees Celsius; None where the system tells none."""
    if not hasattr(psutil, "sensors_temperatures"):  # only some systems have it
        return None
    sensors = psutil.sensors_temperatures().values()
    return max((float(each.current) for found in sensors for each in found), default=None)


@dataclass(frozen=True)
class Others:
    """How busy all other processes keep the machine from now on."""

    wall: float = field(default_factory=time.monotonic)
    busy: float = field(default_factory=lambda: _busy())
    own: float = field(default_factory=lambda: sum(os.times()[:4]))

    def share(self) -> float:
        """Share of all cores' time that other processes took since; ended children are our own."""
        wall, busy = time.monotonic() - self.wall, _busy() - self.busy
        own = sum(os.times()[:4]) - self.own
        cores = psutil.cpu_count() or 1
        return round(min(1.0, max(0.0, (busy - own) / (wall * cores))), 4) if wall > 0 else 0.0


def _busy() -> float:
    """Seconds of work of all cores since the machine started, stolen ones included."""
    times = psutil.cpu_times()._asdict()
    idle = ("idle", "iowait", "guest", "guest_nice")  # the last two stand in user and nice too
    return float(sum(value for name, value in times.items() if name not in idle))


def _governor() -> str | None:
    files = sorted(CPUS.glob("cpu[0-9]*/cpufreq/scaling_governor"))
    return ", ".join(sorted({file.read_text(encoding="utf-8").strip() for file in files})) or None


def _flags() -> set[str]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return {
        flag
        for line in lines
        if line.lower().startswith(("flags", "features"))
        for flag in line.partition(":")[2].split()
    }
