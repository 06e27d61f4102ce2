"""Candles, rolling windows, averages and reference prices of a market, from its buckets. Amounts are at 10^-8."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptotrader.models.base_models import KlineInterval
from cryptotrader.simulator.venue.buckets import MINUTE, SECOND, Bucket
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.symbols import UNIT

HOUR = 60 * MINUTE
DAY = 24 * HOUR
AVERAGE_MINUTES = 5
REFERENCE_BUCKETS = 10
REFERENCE_BUCKET_MS = 1000

_LENGTHS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_EPOCH_TO_MONDAY = 4 * DAY  # 1970-01-05 was the first Monday
_WITHOUT_REFERENCE_PRICE = frozenset({"USDC", "FDUSD", "TUSD", "USDP", "DAI", "BUSD", "USD1", "EURI", "AEUR"})


@dataclass(frozen=True, slots=True)
class Candle:
    """One candle: its span in microseconds (the end belongs to the next one) and its trades."""

    start_us: int
    end_us: int
    bucket: Bucket


@dataclass(frozen=True, slots=True)
class WindowStatistics:
    """Price changes of a window of time; ``first_id`` and ``last_id`` are -1 without trades."""

    open_us: int
    close_us: int
    bucket: Bucket
    previous_close: int

    @property
    def change(self) -> int:
        """Last price less first."""
        return self.bucket.close - self.bucket.open

    @property
    def change_thousandths(self) -> int:
        """Change in thousandths of a percent of the first price."""
        sign = 1 if self.change >= 0 else -1
        return sign * (abs(self.change) * 100_000 // self.bucket.open) if self.bucket.open else 0

    @property
    def average(self) -> int:
        """Volume-weighted average price."""
        bucket = self.bucket
        return bucket.quote_volume // bucket.volume if bucket.volume else bucket.close


def length_us(span: str) -> int:
    """Microseconds of ``1s``, ``15m``, ``4h``, ``7d`` or ``1w``."""
    return int(span[:-1]) * _LENGTHS[span[-1]]


def offset_us(time_zone: str) -> int:
    """Microseconds that a time zone such as ``-1:00``, ``05:45`` or ``8`` is ahead of UTC."""
    hours, _, minutes = time_zone.lstrip("+-").partition(":")
    ahead = int(hours) * HOUR + int(minutes or 0) * MINUTE
    return -ahead if time_zone.startswith("-") else ahead


def candle_start(interval: KlineInterval, time_us: int, offset: int = 0) -> int:
    """Start of the candle that contains a time; borders follow the clock that is ``offset`` ahead of UTC."""
    local = time_us + offset
    if interval is KlineInterval.MONTH_1:
        first = datetime.fromtimestamp(local // SECOND, UTC).replace(day=1, hour=0, minute=0, second=0)
        return int(first.timestamp()) * SECOND - offset
    length = length_us(interval)
    shift = _EPOCH_TO_MONDAY if interval is KlineInterval.WEEK_1 else 0
    return (local - shift) // length * length + shift - offset


def candle_end(interval: KlineInterval, start_us: int, offset: int = 0) -> int:
    """Start of the candle after the one that starts at ``start_us``."""
    if interval is KlineInterval.MONTH_1:
        inside_next = datetime.fromtimestamp((start_us + offset) // SECOND, UTC) + timedelta(days=32)
        return candle_start(interval, int(inside_next.timestamp()) * SECOND - offset, offset)
    return start_us + length_us(interval)


def candle(market: Market, interval: KlineInterval, start_us: int, offset: int = 0) -> Candle:
    """The candle that starts at ``start_us``; one without trades stands at the last price before it."""
    end_us = candle_end(interval, start_us, offset)
    buckets = market.buckets
    one_second = interval is KlineInterval.SECOND_1
    bucket = buckets.second(start_us) if one_second else buckets.minutes(start_us, end_us)
    if bucket.count == 0:
        close = buckets.close_before_second(start_us) if one_second else buckets.close_before(start_us)
        price = market.last_price if close is None else close
        bucket = Bucket(open=price, high=price, low=price, close=price)
    return Candle(start_us, end_us, bucket)


def rolling(market: Market, now_us: int, window_us: int) -> WindowStatistics:
    """Statistics of the last ``window_us``; the window opens at the minute in which it would begin."""
    return _window(market, (now_us - window_us) // MINUTE * MINUTE, now_us)


def trading_day(market: Market, now_us: int, offset: int) -> WindowStatistics:
    """Statistics of the current day of a time zone; closes a millisecond before the next one."""
    start = candle_start(KlineInterval.DAY_1, now_us, offset)
    statistics = _window(market, start, now_us)
    return WindowStatistics(start, start + DAY - 1000, statistics.bucket, statistics.previous_close)


def _window(market: Market, start_us: int, now_us: int) -> WindowStatistics:
    bucket = market.buckets.minutes(start_us, now_us + MINUTE)
    if bucket.count == 0:
        price = market.last_price
        bucket = Bucket(open=price, high=price, low=price, close=price)
    before = market.buckets.close_before(start_us)
    return WindowStatistics(start_us, now_us, bucket, bucket.open if before is None else before)


def average_price(market: Market, now_us: int, span_us: int = AVERAGE_MINUTES * MINUTE) -> int:
    """Volume-weighted average of some minutes, five if not told; the last price without trades."""
    start = now_us // MINUTE * MINUTE - span_us + MINUTE
    return _window(market, start, now_us).average


def reference_price(market: Market, now_us: int) -> int | None:
    """Mean of the last prices of ten seconds; ``None`` for symbols that have none (stable coins as base)."""
    if market.listing.base in _WITHOUT_REFERENCE_PRICE:
        return None
    closes = market.buckets.closes(now_us, REFERENCE_BUCKETS)
    return sum(closes) // len(closes) if closes else market.last_price


def quote(amount: int) -> int:
    """A quote volume at 10^-16 as an amount at 10^-8."""
    return amount // UNIT
