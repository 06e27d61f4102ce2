"""Trades summed up by second and by minute: what candles and rolling statistics are made of."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import asdict, dataclass

from msgspec import Struct, structs

SECOND = 1_000_000
MINUTE = 60 * SECOND
KEPT_SECONDS = 7_200
KEPT_MINUTES = 14_400


@dataclass(slots=True)
class Bucket:
    """Trades of a span of time. Volumes are at 10^-8, quote volumes at 10^-16.

    Attributes:
        first_id: First trade id; -1 while there is none.
        last_id: Last trade id; -1 while there is none.
    """

    open: int = 0
    high: int = 0
    low: int = 0
    close: int = 0
    volume: int = 0
    quote_volume: int = 0
    count: int = 0
    taker_buy_volume: int = 0
    taker_buy_quote_volume: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, number: int, price: int, quantity: int, is_buyer_maker: bool) -> None:  # noqa: FBT001 - hot path
        """Count one trade."""
        if self.count == 0:
            self.open = self.high = self.low = price
            self.first_id = number
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.last_id = number
        self.count += 1
        quote = price * quantity
        self.volume += quantity
        self.quote_volume += quote
        if not is_buyer_maker:
            self.taker_buy_volume += quantity
            self.taker_buy_quote_volume += quote

    def merge(self, later: Bucket) -> None:
        """Count the trades of a later bucket."""
        if later.count == 0:
            return
        if self.count == 0:
            self.open, self.high, self.low, self.first_id = later.open, later.high, later.low, later.first_id
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close, self.last_id = later.close, later.last_id
        self.volume += later.volume
        self.quote_volume += later.quote_volume
        self.count += later.count
        self.taker_buy_volume += later.taker_buy_volume
        self.taker_buy_quote_volume += later.taker_buy_quote_volume


class SavedBucket(Struct, frozen=True, array_like=True):
    """A bucket as it is saved."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    count: int
    taker_buy_volume: int
    taker_buy_quote_volume: int
    first_id: int
    last_id: int

    @classmethod
    def of(cls, bucket: Bucket) -> SavedBucket:
        """A bucket to be saved."""
        return cls(**asdict(bucket))

    def bucket(self) -> Bucket:
        """The bucket that was saved."""
        return Bucket(**structs.asdict(self))


class BucketsState(Struct, frozen=True, kw_only=True):
    """Trades summed up by second and minute, as they are saved."""

    seconds: dict[int, SavedBucket]
    minutes: dict[int, SavedBucket]


class Buckets:
    """The newest seconds and minutes of one symbol."""

    def __init__(self) -> None:
        self._seconds: OrderedDict[int, Bucket] = OrderedDict()
        self._minutes: OrderedDict[int, Bucket] = OrderedDict()
        self._second_index = self._minute_index = -1
        self._second = self._minute = Bucket()
        self._whole: dict[int, tuple[int, Bucket]] = {}

    def add(self, number: int, price: int, quantity: int, time_us: int, is_buyer_maker: bool) -> None:  # noqa: FBT001 - hot path
        """Count one trade."""
        second = time_us // SECOND
        if second != self._second_index:
            self._turn(second)
        self._second.add(number, price, quantity, is_buyer_maker)
        self._minute.add(number, price, quantity, is_buyer_maker)

    def _turn(self, second: int) -> None:
        self._second_index = second
        self._second = self._seconds[second] = Bucket()
        if len(self._seconds) > KEPT_SECONDS:
            self._seconds.popitem(last=False)
        minute = second // 60
        if minute != self._minute_index:
            self._minute_index = minute
            self._minute = self._minutes[minute] = Bucket()
            if len(self._minutes) > KEPT_MINUTES:
                self._minutes.popitem(last=False)

    def first_us(self, *, seconds: bool) -> int | None:
        """Start of the oldest kept second or minute that has trades."""
        kept, width = (self._seconds, SECOND) if seconds else (self._minutes, MINUTE)
        return next(iter(kept)) * width if kept else None

    def close_before_second(self, time_us: int) -> int | None:
        """Last price before a second; ``None`` when nothing so old is kept."""
        second = next((second for second in reversed(self._seconds) if second < time_us // SECOND), None)
        return self.close_before(time_us) if second is None else self._seconds[second].close

    def close_before(self, time_us: int) -> int | None:
        """Last price before a minute border; ``None`` when nothing so old is kept."""
        minute = next((minute for minute in reversed(self._minutes) if minute < time_us // MINUTE), None)
        return None if minute is None else self._minutes[minute].close

    def second(self, start_us: int) -> Bucket:
        """The second that starts at ``start_us``."""
        return self._seconds.get(start_us // SECOND, Bucket())

    def closes(self, last_us: int, count: int) -> list[int]:
        """Last prices of the seconds that had trades, among ``count`` of them up to that of ``last_us``."""
        last, kept = last_us // SECOND, self._seconds
        return [bucket.close for second in range(last, last - count, -1) if (bucket := kept.get(second)) is not None]

    def minutes(self, start_us: int, end_us: int) -> Bucket:
        """The minutes from ``start_us`` on that start before ``end_us``; both on minute borders."""
        first, end = start_us // MINUTE, end_us // MINUTE
        last_whole = min(end, self._minute_index)
        total = self._whole_minutes(first, last_whole)
        if first <= self._minute_index < end:
            total.merge(self._minute)
        return total

    def _whole_minutes(self, first: int, end: int) -> Bucket:
        """Minutes that are over; remembered, since a window is asked for many times within one minute."""
        known = self._whole.get(first)
        if known is not None and known[0] == end:
            total = known[1]
        else:
            total = Bucket()
            oldest = next(iter(self._minutes), end)
            for minute in range(max(first, oldest), end):
                if bucket := self._minutes.get(minute):
                    total.merge(bucket)
            if len(self._whole) > 64:  # noqa: PLR2004 - a few windows and candles at a time
                self._whole.clear()
            self._whole[first] = (end, total)
        copy = Bucket()
        copy.merge(total)
        return copy

    def dump(self) -> BucketsState:
        """All that is kept."""
        return BucketsState(
            seconds={start: SavedBucket.of(bucket) for start, bucket in self._seconds.items()},
            minutes={start: SavedBucket.of(bucket) for start, bucket in self._minutes.items()},
        )

    def load(self, state: BucketsState) -> None:
        """Go on from a state."""
        self._seconds = OrderedDict((start, saved.bucket()) for start, saved in state.seconds.items())
        self._minutes = OrderedDict((start, saved.bucket()) for start, saved in state.minutes.items())
        self._whole.clear()
        if state.seconds:
            self._second_index, self._second = next(reversed(self._seconds.items()))
            self._minute_index, self._minute = next(reversed(self._minutes.items()))
