"""On what a figure was measured."""

from __future__ import annotations

from typing import Any

import psutil

from train.provenance import describe_environment

PACKAGES = ("ai-edge-litert", "numpy", "opencv-python-headless", "tensorflow", "keras", "flask")


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory, load and versions at this moment."""
    return {
        **describe_environment(PACKAGES),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_1min": round(psutil.getloadavg()[0], 2),
    }
