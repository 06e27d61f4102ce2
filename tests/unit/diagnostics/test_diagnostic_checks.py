"""What the checks let pass, and what they do not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from cryptotrader.diagnostics.market_stream_diagnostic import CHECKS, _check_head
from cryptotrader.diagnostics.plausibility import require_book, require_candles, require_near, require_window
from cryptotrader.models.base_models import PriceLevel
from cryptotrader.models.market_models import (
    AggregateTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    Kline,
    PartialDepthEvent,
    Ticker,
    TradeEvent,
)
from cryptotrader.protocol import channel

ONE = Decimal(1)
NOW_MS = 1_735_689_600_000
NOW_NS = NOW_MS * 1_000_000


def level(price, quantity="1"):
    return PriceLevel(Decimal(price), Decimal(quantity))


BIDS, ASKS = [level("9"), level("8")], [level("10"), level("11")]


@pytest.mark.parametrize(
    ("bids", "asks", "text"),
    [
        ([], ASKS, "a side of the book is empty"),
        (BIDS[::-1], ASKS, "bids do not descend"),
        (BIDS, ASKS[::-1], "asks do not ascend"),
        (BIDS, [level("10", "0")], "a level is empty"),
        ([level("10")], ASKS, "the book is crossed"),
    ],
)
def test_a_book_that_cannot_be(bids, asks, text):
    require_book(BIDS, ASKS)
    with pytest.raises(AssertionError, match=text):
        require_book(bids, asks)


def candle(start, *, close=15, low=10, end=None, bought=1):
    prices = [Decimal(value) for value in (12, 20, low, close)]
    return Kline(start, *prices, Decimal(3), end or start + 999, Decimal(45), 2, Decimal(bought), Decimal(15))


@pytest.mark.parametrize(
    ("candles", "text"),
    [
        ([], "there are no candles"),
        ([candle(0), candle(2000)], "the candles do not join"),
        ([candle(0, end=1000)], "not of 1000 ms"),
        ([candle(0, close=21)], "21 is not within 10 and 20"),
        ([candle(0, low=0)], "is not within 0 and 20"),
        ([candle(0, bought=4)], "takers bought more"),
    ],
)
def test_candles_that_cannot_be(candles, text):
    require_candles([candle(0), candle(1000)], 1000)
    with pytest.raises(AssertionError, match=text):
        require_candles(candles, 1000)


WINDOW = Ticker(
    symbol="BTCUSDT",
    price_change=Decimal(3),
    open_price=Decimal(12),
    high_price=Decimal(20),
    low_price=Decimal(10),
    last_price=Decimal(15),
    volume=Decimal(2),
    quote_volume=Decimal(30),
    open_time=0,
    close_time=3_600_000,
    first_id=5,
    last_id=7,
    count=3,
)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"symbol": "ETHUSDT"}, "of ETHUSDT"),
        ({"last_price": Decimal(21)}, "21 is not within 10 and 20"),
        ({"price_change": Decimal(-3)}, "the change is not last minus open"),
        ({"count": 4}, "4 trades, 3 by their ids"),
        ({"quote_volume": Decimal(41)}, "volumes do not agree"),
        ({"close_time": 3_660_001}, "a window of 3660001 ms"),
    ],
)
def test_a_window_that_cannot_be(changed, text):
    require_window(WINDOW, 3_600_000)
    with pytest.raises(AssertionError, match=text):
        require_window(replace(WINDOW, **changed), 3_600_000)


def test_prices_of_one_moment():
    require_near(Decimal(100), Decimal(101), "bid")
    with pytest.raises(AssertionError, match="bid: 100 and 102 are too far apart"):
        require_near(Decimal(100), Decimal(102), "bid")


def trade(number, price=1):
    return TradeEvent(
        event_time=0, symbol="BTCUSDT", trade_id=number, price=Decimal(price), quantity=ONE, trade_time=0,
        is_buyer_maker=True,
    )  # fmt: skip


def aggregate(number, first, last):
    return AggregateTradeEvent(
        event_time=0, symbol="BTCUSDT", aggregate_trade_id=number, price=ONE, quantity=ONE, first_trade_id=first,
        last_trade_id=last, trade_time=0, is_buyer_maker=True,
    )  # fmt: skip


def best(update, bid, ask):
    return BookTickerEvent(
        update_id=update, symbol="BTCUSDT", bid_price=Decimal(bid), bid_quantity=ONE, ask_price=Decimal(ask),
        ask_quantity=ONE,
    )  # fmt: skip


def change(first, last):
    return DepthUpdateEvent(
        event_time=0, symbol="BTCUSDT", first_update_id=first, final_update_id=last, raw_bids=[], raw_asks=[]
    )


def top(update, bid="9"):
    return PartialDepthEvent(last_update_id=update, raw_bids=[(bid, "1")], raw_asks=[("10", "1")])


@pytest.mark.parametrize(
    ("kind", "good", "bad", "text"),
    [
        ("trade", [trade(1), trade(2)], [trade(1), trade(3)], "not dense"),
        ("trade", [trade(1)], [trade(1, price=0)], "not positive"),
        (
            "aggregate_trade",
            [aggregate(1, 5, 6), aggregate(2, 7, 7)],
            [aggregate(1, 5, 6), aggregate(3, 7, 7)],
            "dense",
        ),
        ("aggregate_trade", [aggregate(1, 5, 6)], [aggregate(1, 5, 6), aggregate(2, 8, 8)], "do not join"),
        ("book_ticker", [best(1, 9, 10), best(2, 9, 11)], [best(1, 10, 9)], "crossed"),
        ("book_ticker", [best(1, 9, 10)], [best(2, 9, 10), best(2, 9, 10)], "do not ascend"),
        ("depth", [change(1, 3), change(4, 4)], [change(1, 3), change(5, 5)], "missing"),
        ("depth_100ms", [change(1, 3)], [change(3, 1)], "before it begins"),
        ("partial_depth", [top(1), top(1)], [top(2), top(1)], "go back"),
        ("partial_depth_100ms", [top(1)], [top(1, bid="10")], "crossed"),
    ],
)
def test_events_that_cannot_be(kind, good, bad, text):
    assert CHECKS[kind](good)
    with pytest.raises(AssertionError, match=text):
        CHECKS[kind](bad)


def test_what_all_events_have_in_common():
    _check_head(channel.TRADE, replace(trade(1), event_time=NOW_MS), NOW_NS)
    with pytest.raises(AssertionError, match="another symbol"):
        _check_head(channel.TRADE, replace(trade(1), event_time=NOW_MS, symbol="ETHUSDT"), NOW_NS)
    with pytest.raises(AssertionError, match="TradeEvent instead of KlineEvent"):
        _check_head(channel.KLINE, trade(1), NOW_NS)


@pytest.mark.parametrize(("age_ms", "text"), [(2001, r"late: the event is 2\.00 s"), (-3000, r"the event is -3\.00 s")])
def test_an_event_that_is_late_or_early(age_ms, text):
    limit = 2000 if age_ms > 0 else -2000
    _check_head(channel.TRADE, replace(trade(1), event_time=NOW_MS - limit), NOW_NS)
    with pytest.raises(AssertionError, match=text):
        _check_head(channel.TRADE, replace(trade(1), event_time=NOW_MS - age_ms), NOW_NS)
