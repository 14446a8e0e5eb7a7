"""On which machine and with which versions a result was made."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import edge

PACKAGES = ("keras", "tensorflow", "numpy", "scipy", "scikit-learn", "opencv-python-headless")


def describe_environment(packages: Iterable[str] = PACKAGES) -> dict[str, Any]:
    """Time, processor, system and the versions of the packages that are installed."""
    return {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "pneumokiosk": edge.__version__,
        "packages": {name: found for name in packages if (found := _version(name))},
    }


def processor() -> str:
    """The processor's own name, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
