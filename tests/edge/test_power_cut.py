"""A kiosk that is killed at any moment of writing has kept every screening that it acknowledged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.database import problems
from edge.records import Records

MOMENTS = int(os.environ.get("PNEUMOKIOSK_POWER_CUTS", "10"))

# One process forks a writer for each moment, so that the imports are paid for once.
WRITERS = """
import os, sys
from dataclasses import replace
from pathlib import Path
from edge.artifact import load_artifact
from edge.phantom import phantom_png
from edge.records import Patient, Records
from edge.retention import Retention
from edge.screening import Screener

screening = Screener(load_artifact()).screen(phantom_png(side=256))

def write():
    records = Records(Path(sys.argv[1]), Retention(keep_images=True))
    while True:
        one = replace(screening, id=os.urandom(8).hex())
        records.add(one, Patient("K-9"))
        os.write(1, (one.id + "\\n").encode())

for line in sys.stdin:
    writer = os.fork()
    if writer == 0:
        write()
    os.write(1, f"writer {writer}\\n".encode())
    os.waitpid(writer, 0)
    os.write(1, b"dead\\n")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_every_acknowledged_screening_outlives_a_kill(tmp_path: Path) -> None:
    chance, acknowledged = random.Random(0), 0
    with subprocess.Popen(
        [sys.executable, "-c", WRITERS, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(MOMENTS):
            kept = _written_until_killed(process, chance.randint(1, 8), chance.random() * 0.02)
            acknowledged += len(kept)
            records = Records(tmp_path)
            with records.database.read() as connection:
                assert problems(connection) == ()
                images = connection.execute("SELECT COUNT(*) FROM images").fetchone()[0]
            assert all(records.get(screening_id) is not None for screening_id in kept)
            assert images == records.count() >= acknowledged
            records.close()
        assert process.stdin is not None
        process.stdin.close()
    assert process.returncode == 0


def _written_until_killed(
    process: subprocess.Popen[str], acknowledged: int, later: float
) -> list[str]:
    """What one writer acknowledged, killed so many seconds after so many screenings."""
    assert process.stdin is not None
    assert process.stdout is not None
    print("write", file=process.stdin, flush=True)
    ids: list[str] = []
    writer, killed = 0, False
    while (line := process.stdout.readline().strip()) != "dead":
        assert line, "the writers ended early"
        if line.startswith("writer "):
            writer = int(line.split()[1])
        else:
            ids.append(line)
        if writer and not killed and len(ids) >= acknowledged:
            time.sleep(later)
            os.kill(writer, signal.SIGKILL)
            killed = True
    return ids
