"""What was found as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from optimize.files import write_result


def write_run(folder: Path, name: str, result: dict[str, Any]) -> None:
    """Write a result as ``name.json``.

    Raises:
        WorkFailed: ``cannot_write``.
    """
    write_result(folder / f"{name}.json", (json.dumps(result, indent=1) + "\n").encode())
