from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.protocol.continuity import IdIntervals

ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1])))


@given(ranges)
def test_behaves_as_a_set_of_integers(intervals):
    subject = IdIntervals()
    model: set[int] = set()
    for first, last in intervals:
        added = subject.add_range(first, last)
        new = set(range(first, last + 1)) - model
        model |= new

        assert added == len(new)
    assert subject.count == len(model)
    assert [number for number in range(-2, 80) if number in subject] == sorted(model)
    assert list(subject) == list(IdIntervals(reversed(list(subject))))


@given(ranges)
def test_intervals_are_sorted_and_never_touch(intervals):
    known = list(IdIntervals(intervals))

    assert all(before[1] + 1 < after[0] for before, after in pairwise(known))


@given(ranges, st.integers(-5, 70), st.integers(0, 20))
def test_holes_are_what_is_not_in_the_set(intervals, first, length):
    subject = IdIntervals(intervals)
    holes = [number for low, high in subject.holes(first, first + length) for number in range(low, high + 1)]

    assert holes == [number for number in range(first, first + length + 1) if number not in subject]


def test_adding_the_next_id_extends_the_last_interval():
    subject = IdIntervals([(1, 5), (9, 12)])

    assert subject.add(13)
    assert not subject.add(13)
    assert subject.add(7)
    assert list(subject) == [(1, 5), (7, 7), (9, 13)]
    assert (subject.first, subject.last, subject.count) == (1, 13, 11)


def test_an_empty_set_has_no_holes_of_its_own():
    assert IdIntervals().holes() == []
    assert IdIntervals().holes(3, 4) == [(3, 4)]
    assert not IdIntervals()


def test_an_empty_interval_is_refused():
    with pytest.raises(ValueError, match="empty"):
        IdIntervals([(5, 4)])
