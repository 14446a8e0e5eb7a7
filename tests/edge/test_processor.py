"""The processor has a name and at least one core."""

from __future__ import annotations

import os

from edge.processor import cores, processor_name


def test_it_has_a_name_and_cores() -> None:
    assert processor_name().strip()
    assert 1 <= cores() <= (os.cpu_count() or 1)
