"""What this machine computes with."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def processor_name() -> str:
    """Its name where Linux knows it, on x86 and on Arm boards; the architecture elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    facts = [line.partition(":") for line in lines]
    known = {name.strip(): value.strip() for name, _, value in facts}
    return known.get("model name") or known.get("Model") or platform.machine()


def cores() -> int:
    """How many of its cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
