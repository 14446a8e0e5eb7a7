"""Slow answers hold for a while, fast ones do not."""

from __future__ import annotations

from edge.web.sparing import REST, Sparing


class Question:
    """Takes as long as it is told, and counts how often it was asked."""

    def __init__(self) -> None:
        self.now, self.takes, self.count = 100.0, 0.0, 0

    def __call__(self, _: str) -> int:
        self.now += self.takes
        self.count += 1
        return self.count


def test_what_is_fast_is_asked_each_time() -> None:
    question = Question()
    sparing = Sparing(question, lambda: question.now)
    assert [sparing(""), sparing("")] == [1, 2]


def test_what_is_slow_rests() -> None:
    question = Question()
    question.takes = 2.0
    sparing = Sparing(question, lambda: question.now)
    assert [sparing(""), sparing("")] == [1, 1]
    question.now += 2.0 * REST - 1
    assert sparing("") == 1
    question.now += 1
    assert sparing("") == 2
