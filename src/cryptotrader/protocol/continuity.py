"""Sets of ids as intervals: what is new, what comes twice, what is missing.

Everything that asks "is anything missing" works on these intervals and never on a highest id, since data stored
beyond an open hole would hide the hole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

Interval = tuple[int, int]
"""First and last id, both included."""


class IdIntervals:
    """A set of integers kept as sorted, disjoint, non-adjacent intervals.

    Adding the id that follows the highest one, the normal case, takes constant time.
    """

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, intervals: Iterable[Interval] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in intervals:
            self.add_range(first, last)

    def add(self, number: int) -> bool:
        """Add one id; ``True`` when it was not in the set."""
        lasts = self._lasts
        if lasts and number == lasts[-1] + 1:
            lasts[-1] = number
            return True
        return self.add_range(number, number) == 1

    def add_range(self, first: int, last: int) -> int:
        """Add the ids ``first`` to ``last``; returns how many of them were not in the set.

        Raises:
            ValueError: ``last`` is below ``first``.
        """
        if last < first:
            raise ValueError(f"interval {first}-{last} is empty")
        firsts, lasts = self._firsts, self._lasts
        start = bisect_right(firsts, first)
        if start and lasts[start - 1] >= first - 1:  # touches the interval before
            start -= 1
        end = bisect_right(firsts, last + 1)
        # of the touched intervals the outer two may only be adjacent, hence the max with zero
        known = sum(max(0, min(lasts[i], last) - max(firsts[i], first) + 1) for i in range(start, end))
        merged = (min(first, firsts[start]), max(last, lasts[end - 1])) if start < end else (first, last)
        firsts[start:end] = [merged[0]]
        lasts[start:end] = [merged[1]]
        return last - first + 1 - known

    def update(self, other: IdIntervals) -> None:
        """Add all ids of another set."""
        for first, last in other:
            self.add_range(first, last)

    def holes(self, first: int | None = None, last: int | None = None) -> list[Interval]:
        """What is missing between ``first`` and ``last`` (by default between the lowest and the highest id)."""
        if not self._firsts and (first is None or last is None):
            return []
        low = self._firsts[0] if first is None else first
        high = self._lasts[-1] if last is None else last
        missing: list[Interval] = []
        for known_first, known_last in self:
            if known_first > high:
                break
            if known_first > low:
                missing.append((low, known_first - 1))
            low = max(low, known_last + 1)
        if low <= high:
            missing.append((low, high))
        return missing

    @property
    def first(self) -> int | None:
        """Lowest id."""
        return self._firsts[0] if self._firsts else None

    @property
    def last(self) -> int | None:
        """Highest id; says nothing about what lies below it."""
        return self._lasts[-1] if self._lasts else None

    @property
    def count(self) -> int:
        """How many ids the set holds."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._firsts, number)
        return place > 0 and self._lasts[place - 1] >= number

    def __iter__(self) -> Iterator[Interval]:
        return iter(list(zip(self._firsts, self._lasts, strict=True)))

    def __len__(self) -> int:
        return len(self._firsts)

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdIntervals) and self._firsts == other._firsts and self._lasts == other._lasts

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"IdIntervals({list(self)})"
