"""The audit is read as it was written."""

from __future__ import annotations

from edge.audit import read_lines, write_line
from edge.records import Records


def test_lines_are_read_newest_first_and_page_by_page(records: Records) -> None:
    with records.database.write() as connection:
        for number in range(5):
            write_line(connection, "tested", "a test", str(number % 2), turn=number, what=None)
        write_line(connection, "finished", "another test")
    lines = read_lines(records.database, 3)
    assert [line.number for line in lines] == [6, 5, 4]
    assert (lines[0].action, lines[0].subject, lines[0].detail) == ("finished", None, {})
    assert lines[1].detail == {"turn": 4, "what": None}
    assert lines[1].time.endswith("Z")
    older = read_lines(records.database, 9, before=4)
    assert [line.number for line in older] == [3, 2, 1]
    about = read_lines(records.database, 9, subject="1", action="tested")
    assert [line.detail["turn"] for line in about] == [3, 1]
