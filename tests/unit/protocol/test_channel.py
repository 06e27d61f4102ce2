from __future__ import annotations

import pytest

from cryptotrader.errors import RequestInvalid
from cryptotrader.protocol.channel import CHANNELS, DEPTH, KLINE, TRADE, find_channel


def test_there_are_the_seventeen_documented_patterns():
    assert len(CHANNELS) == len({row.pattern for row in CHANNELS}) == len({row.name for row in CHANNELS}) == 17


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        ("btcusdt@referencePrice", "reference_price"),
        ("btcusdt@aggTrade", "aggregate_trade"),
        ("btcusdt@trade", "trade"),
        ("btcusdt@blockTrade", "block_trade"),
        ("btcusdt@kline_1M", "kline"),
        ("btcusdt@kline_1m", "kline"),
        ("btcusdt@kline_1m@+08:00", "kline_time_zone"),
        ("btcusdt@miniTicker", "mini_ticker"),
        ("!miniTicker@arr", "all_mini_tickers"),
        ("btcusdt@ticker", "ticker"),
        ("btcusdt@ticker_4h", "window_ticker"),
        ("!ticker_1d@arr", "all_window_tickers"),
        ("btcusdt@bookTicker", "book_ticker"),
        ("btcusdt@avgPrice", "average_price"),
        ("btcusdt@depth5", "partial_depth"),
        ("btcusdt@depth20@100ms", "partial_depth_100ms"),
        ("btcusdt@depth", "depth"),
        ("btcusdt@depth@100ms", "depth_100ms"),
    ],
)
def test_a_name_belongs_to_exactly_one_row(stream, name):
    assert [row.name for row in CHANNELS if row.match(stream) is not None] == [name]
    assert find_channel(stream)[0].name == name


@pytest.mark.parametrize(
    "stream",
    ["", "btcusdt", "btcusdt@kline_9m", "btcusdt@depth7", "btcusdt@ticker_2h", "a b@trade", "@trade", "x@trade@100ms"],
)
def test_other_names_are_refused(stream):
    with pytest.raises(RequestInvalid, match="not a Binance market stream"):
        find_channel(stream)


def test_a_retired_stream_says_when_it_was_retired():
    with pytest.raises(RequestInvalid, match="retired by Binance on 2026-03-26"):
        find_channel("!ticker@arr")


def test_the_symbol_is_lower_case_and_the_rest_stays():
    assert find_channel("BTCUSDT@kline_1M")[1] == "btcusdt@kline_1M"
    assert TRADE.stream("这是测试币456") == "这是测试币456@trade"
    assert KLINE.stream("ETHBTC", interval="15m") == "ethbtc@kline_15m"
    assert DEPTH.stream("X") == "x@depth"
    with pytest.raises(RequestInvalid, match="ethbtc@kline_7m"):
        KLINE.stream("ETHBTC", interval="7m")
