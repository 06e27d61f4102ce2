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
    assert IdIntervals().holes(first=3) == IdIntervals().holes(last=4) == []
    assert IdIntervals().holes(3, 4) == [(3, 4)]
    assert not IdIntervals()


def test_an_empty_interval_is_refused():
    with pytest.raises(ValueError, match="empty"):
        IdIntervals([(5, 4)])


def test_sets_are_equal_when_their_ids_are_and_show_them():
    one, other = IdIntervals([(1, 2), (3, 5)]), IdIntervals([(1, 5)])

    assert one == other
    assert one != IdIntervals([(1, 4)])
    assert one != IdIntervals([(0, 5)])
    assert one != [(1, 5)]
    assert repr(one) == "IdIntervals([(1, 5)])"
    assert len(IdIntervals([(1, 2), (5, 6)])) == 2


def test_updating_adds_all_ids_of_another_set():
    one = IdIntervals([(1, 3), (10, 12)])
    one.update(IdIntervals([(3, 5), (20, 20)]))

    assert list(one) == [(1, 5), (10, 12), (20, 20)]
    assert one.count == 9


def test_an_id_below_the_next_one_is_not_taken_for_the_next():
    one = IdIntervals([(5, 9)])

    assert not one.add(9)
    assert one.add(11)
    assert one.add(10)
    assert list(one) == [(5, 11)]
    assert one.holes() == []
    assert one.holes(3) == [(3, 4)]
    assert one.holes(last=13) == [(12, 13)]
    assert (4 in one, 5 in one, 11 in one, 12 in one) == (False, True, True, False)
