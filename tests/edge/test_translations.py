"""Every text of every page is there in every language."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("babel", reason="Babel extracts what pages say")
ROOT = Path(__file__).parents[2]


def test_every_text_is_translated_and_compiled() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "translations.py", "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr
