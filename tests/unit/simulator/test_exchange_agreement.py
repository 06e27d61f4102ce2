"""Streams, replies and the log of one exchange tell the same story."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter

import pytest

from cryptotrader.config import TimeUnit
from cryptotrader.models.base_models import KlineInterval, to_micros
from cryptotrader.protocol.channel import CHANNELS, find_channel
from cryptotrader.protocol.order_book import OrderBook
from cryptotrader.protocol.request import REGISTRY
from cryptotrader.requests import (
    AvgPriceRequest,
    DepthRequest,
    KlinesRequest,
    Ticker24hrRequest,
    TickerBookRequest,
    TickerPriceRequest,
    TickerRequest,
    TradesAggregateRequest,
    TradesHistoricalRequest,
    TradesRecentRequest,
)
from cryptotrader.simulator.feeds import Feeds
from cryptotrader.simulator.handlers import HANDLERS, answer
from cryptotrader.simulator.venue import Exchange, Market
from cryptotrader.simulator.venue.buckets import MINUTE
from cryptotrader.simulator.venue.statistics import candle
from cryptotrader.simulator.venue.symbols import list_symbol

START = 1_700_000_000_000_000  # 13 s into a minute
MS = TimeUnit.MILLISECOND


class Watched:
    """An exchange whose streams are all recorded, as decoded events."""

    def __init__(self, *streams, seconds=210, rate=30, symbols=("BTCUSDT", "ETHUSDT"), steps=1, unit=MS):
        self.exchange = Exchange(symbols, seed=3, rate=rate, start_us=START)
        self.feeds = Feeds(self.exchange)
        self.events = defaultdict(list)
        self.payloads = []
        for stream in streams:
            self.feeds.subscribe(stream, unit, self.take)
        for step in range(1, steps + 1):
            self.feeds.tick(START + seconds * 1_000_000 * step // steps)

    def take(self, name, payload):
        decoded = find_channel(name.decode())[0].decode(payload)
        self.events[name.decode()].append(decoded)
        self.payloads.append((name, payload))

    def ask(self, request):
        return answer(self.exchange, request, MS)


@pytest.fixture(scope="module")
def watched():
    return Watched(
        "btcusdt@trade", "btcusdt@aggTrade", "btcusdt@kline_1m", "btcusdt@kline_1s", "btcusdt@miniTicker",
        "btcusdt@ticker", "btcusdt@ticker_1h", "btcusdt@bookTicker", "btcusdt@avgPrice", "btcusdt@depth@100ms",
        "btcusdt@depth", "btcusdt@depth20@100ms", "!miniTicker@arr", "btcusdt@referencePrice",
    )  # fmt: skip


def test_streamed_trades_are_dense_and_equal_the_log(watched):
    events = watched.events["btcusdt@trade"]
    past = watched.ask(TradesHistoricalRequest(symbol="BTCUSDT", from_id=events[0].trade_id, limit=1000))

    assert len(events) > 1000
    assert [event.trade_id for event in events] == list(range(events[0].trade_id, events[0].trade_id + len(events)))
    assert [(e.trade_id, e.price, e.quantity, e.trade_time, e.is_buyer_maker) for e in events[:1000]] == [
        (t.id, t.price, t.quantity, t.time, t.is_buyer_maker) for t in past
    ]
    assert watched.ask(TradesRecentRequest(symbol="BTCUSDT", limit=1))[0].id == events[-1].trade_id


def test_aggregates_cover_the_trades_without_overlap(watched):
    trades = {event.trade_id: event for event in watched.events["btcusdt@trade"]}
    events = watched.events["btcusdt@aggTrade"]

    expected = min(trades)
    for event in events:
        assert event.first_trade_id == expected
        parts = [trades[number] for number in range(event.first_trade_id, event.last_trade_id + 1)]
        assert {part.price for part in parts} == {event.price}
        assert sum(part.quantity for part in parts) == event.quantity
        expected = event.last_trade_id + 1
    assert expected == max(trades) + 1
    numbers = [event.aggregate_trade_id for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    past = watched.ask(TradesAggregateRequest(symbol="BTCUSDT", from_id=numbers[0], limit=3))
    assert [(a.id, a.quantity, a.last_trade_id) for a in past] == [
        (e.aggregate_trade_id, e.quantity, e.last_trade_id) for e in events[:3]
    ]


def test_diffs_on_a_snapshot_give_the_book(watched):
    book = OrderBook("BTCUSDT")
    fresh = Watched("btcusdt@depth@100ms", "btcusdt@depth", seconds=5)
    for stream in ("btcusdt@depth@100ms", "btcusdt@depth"):
        assert fresh.events[stream]
    early = fresh.ask(DepthRequest(symbol="BTCUSDT", limit=5000))
    book.restore(early)
    fresh.events.clear()
    fresh.feeds.tick(START + 20_000_000)
    for event in fresh.events["btcusdt@depth@100ms"]:
        book.apply(event)
    late = fresh.ask(DepthRequest(symbol="BTCUSDT", limit=5000))

    assert book.update_id == late.last_update_id
    assert book.levels(5000) == (late.bids, late.asks)


def test_diffs_follow_one_another_without_a_hole(watched):
    for stream in ("btcusdt@depth@100ms", "btcusdt@depth"):
        events = watched.events[stream]
        assert len(events) > 100
        assert all(b.first_update_id == a.final_update_id + 1 for a, b in pairwise(events))


def test_best_prices_agree(watched):
    ticker = watched.ask(TickerBookRequest(symbol="BTCUSDT"))
    snapshot = watched.ask(DepthRequest(symbol="BTCUSDT", limit=1))
    event = watched.events["btcusdt@bookTicker"][-1]

    best = (snapshot.bids[0].price, snapshot.bids[0].quantity, snapshot.asks[0].price, snapshot.asks[0].quantity)
    assert (ticker.bid_price, ticker.bid_qty, ticker.ask_price, ticker.ask_qty) == best
    assert (event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity) == best
    assert all(event.bid_price < event.ask_price for event in watched.events["btcusdt@bookTicker"])


@pytest.mark.parametrize("interval", ["1s", "1m"])
def test_closed_candles_are_recomputed_from_the_trades(watched, interval):
    trades = watched.events["btcusdt@trade"]
    length = 1000 if interval == "1s" else 60_000
    closed = [e.kline for e in watched.events[f"btcusdt@kline_{interval}"] if e.kline.is_closed]
    first_whole = trades[0].trade_time // length * length + length
    checked = 0
    for bar in closed:
        if bar.open_time < first_whole:
            continue
        inside = [t for t in trades if bar.open_time <= t.trade_time <= bar.close_time]
        assert bar.trade_count == len(inside)
        if inside:
            assert (bar.open, bar.close) == (inside[0].price, inside[-1].price)
            assert (bar.high, bar.low) == (max(t.price for t in inside), min(t.price for t in inside))
            assert bar.volume == sum(t.quantity for t in inside)
            assert bar.taker_buy_volume == sum(t.quantity for t in inside if not t.is_buyer_maker)
            exact = sum(t.price * t.quantity for t in inside)
            assert abs(bar.quote_volume - exact) < Decimal("0.00000001")
            assert (bar.first_trade_id, bar.last_trade_id) == (inside[0].trade_id, inside[-1].trade_id)
        checked += 1
    assert checked >= (2 if interval == "1m" else 100)
    answered = {k.open_time: k for k in watched.ask(KlinesRequest(symbol="BTCUSDT", interval=KlineInterval(interval)))}
    content = attrgetter("open", "high", "low", "close", "volume", "trade_count")
    assert [content(bar) for bar in closed] == [content(answered[bar.open_time]) for bar in closed]


def test_tickers_prices_and_averages_agree(watched):
    last = watched.events["btcusdt@trade"][-1]
    full = watched.ask(Ticker24hrRequest(symbol="BTCUSDT"))
    hour = watched.ask(TickerRequest(symbol="BTCUSDT", window_size="1h"))
    event, window = watched.events["btcusdt@ticker"][-1], watched.events["btcusdt@ticker_1h"][-1]

    assert watched.ask(TickerPriceRequest(symbol="BTCUSDT")).price == full.last_price == last.price
    assert (full.volume, full.count, full.last_id) == (hour.volume, hour.count, hour.last_id)
    assert full.last_id == last.trade_id
    assert (event.last_trade_id, event.volume) == (window.last_trade_id, window.volume)
    assert watched.events["btcusdt@miniTicker"][-1].volume == event.volume
    assert watched.events["btcusdt@avgPrice"][-1].average_price > 0
    assert watched.ask(AvgPriceRequest(symbol="BTCUSDT")).close_time == last.trade_time


def test_the_array_stream_tells_only_symbols_that_changed():
    watched = Watched("!miniTicker@arr", seconds=5, rate=0)
    assert watched.events == {}


def test_every_stream_of_the_table_is_fed_and_every_request_answered():
    names = [row.pattern.format(symbol="btcusdt", interval="1m", window="1h", levels=5) for row in CHANNELS]
    watched = Watched(*names, seconds=70, rate=400)

    assert set(watched.events) == set(names)
    assert set(HANDLERS) == set(REGISTRY.values())


def test_the_same_seed_gives_the_same_bytes_however_time_is_cut():
    names = ["btcusdt@trade", "ethusdt@depth@100ms", "btcusdt@kline_1s", "btcusdt@bookTicker"]
    whole = Watched(*names, seconds=7, steps=1, rate=100)
    cut = Watched(*names, seconds=7, steps=913, rate=100)

    assert whole.payloads == cut.payloads
    assert len(whole.payloads) > 500


def test_another_seed_gives_another_market():
    one = Exchange(["BTCUSDT"], seed=1, start_us=START)
    two = Exchange(["BTCUSDT"], seed=2, start_us=START)

    assert one.markets["BTCUSDT"].log.newest(5) != two.markets["BTCUSDT"].log.newest(5)


def test_microseconds_are_sent_when_asked_for():
    watched = Watched("btcusdt@trade", "btcusdt@kline_1m", seconds=5, unit=TimeUnit.MICROSECOND)
    event = watched.events["btcusdt@trade"][0]

    assert START < event.trade_time < START + 5_000_000
    assert to_micros(event.trade_time) == event.trade_time
    assert watched.events["btcusdt@kline_1m"][0].kline.open_time % 60_000_000 == 0


def test_unknown_symbols_and_streams_are_silent_and_unsubscribing_stops_a_stream():
    watched = Watched("nopeusdt@trade", "nonsense", "BTCUSDT@trade", seconds=3)
    assert watched.payloads == []

    watched.feeds.subscribe("btcusdt@trade", MS, watched.take)
    watched.feeds.tick(START + 5_000_000)
    seen = len(watched.payloads)
    assert seen
    watched.feeds.unsubscribe("btcusdt@trade", MS, watched.take)
    watched.feeds.tick(START + 9_000_000)
    assert len(watched.payloads) == seen


def test_events_have_the_documented_fields_in_order():
    watched = Watched("btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth5", "btcusdt@depth", seconds=3)
    shapes = {name.decode(): list(json.loads(payload)) for name, payload in watched.payloads}

    assert shapes == {
        "btcusdt@trade": ["e", "E", "s", "t", "p", "q", "T", "m", "M"],
        "btcusdt@bookTicker": ["u", "s", "b", "B", "a", "A"],
        "btcusdt@depth5": ["lastUpdateId", "bids", "asks"],
        "btcusdt@depth": ["e", "E", "s", "U", "u", "b", "a"],
    }


@pytest.mark.parametrize(
    "symbols", [["BTCUSDT"], ["SHIBUSDT", "BTCJPY", "ETHBTC", "币USDT"], [f"COIN{number}USDT" for number in range(50)]]
)
def test_any_list_of_symbols_is_lively_and_plausible(symbols):
    exchange = Exchange(symbols, seed=5, rate=200, start_us=START)
    before = {name: market.log.next_id for name, market in exchange.markets.items()}
    exchange.advance(START + 20_000_000)

    traded = sum(market.log.next_id - before[name] for name, market in exchange.markets.items())
    assert 3000 < traded < 5000
    assert list(exchange.markets) == symbols
    for market in exchange.markets.values():
        bid, ask = market.book.bids.best, market.book.asks.best
        assert 0 < bid < ask < bid * 1.05
        assert market.log.next_id > market.log.first_id


def test_a_second_without_trades_stands_at_the_last_price_before_it():
    market = Market(list_symbol("BTCUSDT"), 1)
    start = 1_700_000_000_000_000 // MINUTE * MINUTE
    for place, price in ((-5_000_000, 90), (10_000_000, 95), (20_000_000, 97)):
        market.buckets.add(1, price, 1, start + place, True)
    quiet = [candle(market, KlineInterval.SECOND_1, start + second * 1_000_000).bucket for second in (5, 15, 25)]
    assert [(each.close, each.count) for each in quiet] == [(90, 0), (95, 0), (97, 0)]
