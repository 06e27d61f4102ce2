"""What must hold for any answer and event: a test calls these and fails where one does not."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from cryptotrader.diagnostics.trial import TEST_SYMBOL
from cryptotrader.models.base_models import PriceLevel
from cryptotrader.models.market_models import Kline, Ticker

NEAR = Decimal("0.01")
"""How far two prices of one moment may be apart, as a share: the market moves between two questions."""
ROUNDED = Decimal("0.000001")
"""By how much a sum of rounded amounts may be off, as a share."""
MINUTE_MS = 60_000


def require(condition: object, otherwise: str) -> None:
    """Fail the test unless a condition holds.

    Raises:
        AssertionError: It does not; as everything in this module.
    """
    if not condition:
        raise AssertionError(otherwise)


def require_near(one: Decimal, other: Decimal, what: str) -> None:
    """Two prices are about the same."""
    require(abs(one - other) <= NEAR * max(one, other), f"{what}: {one} and {other} are too far apart")


def require_range(low: Decimal, high: Decimal, *prices: Decimal) -> None:
    """Prices are positive and within their lowest and highest."""
    outside = [price for price in prices if not 0 < low <= price <= high]
    require(not outside, f"{', '.join(map(str, outside))} is not within {low} and {high}")


def require_book(bids: Sequence[PriceLevel], asks: Sequence[PriceLevel]) -> None:
    """Both sides of a book are filled, sorted from the best, and not crossed."""
    require(bids and asks, "a side of the book is empty")
    require(all(one.price > two.price for one, two in pairwise(bids)), "bids do not descend")
    require(all(one.price < two.price for one, two in pairwise(asks)), "asks do not ascend")
    require(all(level.quantity > 0 for level in (*bids, *asks)), "a level is empty")
    require(bids[0].price < asks[0].price, "the book is crossed")


def require_candles(candles: Sequence[Kline], length_ms: int) -> None:
    """Candles join, and their prices and volumes are possible."""
    require(candles, "there are no candles")
    require(
        all(two.open_time == one.open_time + length_ms for one, two in pairwise(candles)), "the candles do not join"
    )
    for candle in candles:
        require(candle.close_time == candle.open_time + length_ms - 1, f"{candle.open_time}: not of {length_ms} ms")
        require_range(candle.low, candle.high, candle.open, candle.close)
        require(
            0 <= candle.taker_buy_volume <= candle.volume, f"{candle.open_time}: takers bought more than was traded"
        )


def require_window(ticker: Ticker, length_ms: int) -> None:
    """The statistics of a window are possible, and agree with each other."""
    require(ticker.symbol == TEST_SYMBOL, f"of {ticker.symbol}")
    require_range(ticker.low_price, ticker.high_price, ticker.open_price, ticker.last_price)
    require(ticker.price_change == ticker.last_price - ticker.open_price, "the change is not last minus open")
    require_count(ticker.count, ticker.first_id, ticker.last_id)
    lowest, highest = ticker.low_price * (1 - ROUNDED), ticker.high_price * (1 + ROUNDED)
    require(
        ticker.volume * lowest <= ticker.quote_volume <= ticker.volume * highest, "volumes do not agree with the prices"
    )
    length = ticker.close_time - ticker.open_time
    require(0 <= length <= length_ms + MINUTE_MS, f"a window of {length} ms")  # it begins on a full minute


def require_count(count: int, first_id: int, last_id: int) -> None:
    """A number of trades agrees with their first and last id."""
    counted = last_id - first_id + 1
    require(count in {0, counted}, f"{count} trades, {counted} by their ids")
