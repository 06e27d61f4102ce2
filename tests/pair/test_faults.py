"""Each fault of the exchange, and what the client makes of it."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from itertools import pairwise

import pytest

from cryptotrader.config import Backoff, Timeouts
from cryptotrader.errors import (
    Banned,
    ConnectFailed,
    DecodeFailed,
    GapUnfilled,
    OutcomeUnknown,
    RateLimited,
)
from cryptotrader.models.control_models import Gap, Reconnected, ServerShutdown
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.requests import DepthRequest, PingRequest, TimeRequest
from cryptotrader.simulator import ExchangeLimits
from cryptotrader.simulator.venue.trade_log import TradeLog
from paired import assert_dense, pair, take
from virtual_clock import running_loop
from volume import rounds


@pytest.mark.parametrize("fault", ["drop", "torn", "half_open", "stall", "server_shutdown"])
async def test_trades_stay_dense_through(fault):
    options = {"stall": {"seconds": 200.0}, "server_shutdown": {"seconds": 1.0}}.get(fault, {})
    async with pair() as (binance, exchange, dials):
        trades = binance.market.trades("BTCUSDT", control=True)
        await take(trades, 100)
        exchange.fault(fault, connection="stream", **options)
        events = await take(trades, 6000)

        assert_dense([event for event in events if isinstance(event, TradeEvent)])
        (reconnected,) = [event for event in events if isinstance(event, Reconnected)]
        assert reconnected.streams == ("btcusdt@trade",)
        assert len(dials.times["stream"]) == 2
        if fault == "server_shutdown":
            assert [type(event) for event in events if not isinstance(event, TradeEvent)] == [
                ServerShutdown,
                Reconnected,
            ]
            assert reconnected.reason == "server shutdown"
        if fault in {"half_open", "stall"}:  # found by silence: fifty seconds, and a fifth for the watch itself
            assert 45 < dials.times["stream"][1] - dials.times["stream"][0] < 75


@pytest.mark.parametrize("fault", ["skip", "duplicate", "reorder"])
async def test_trades_stay_dense_through_frames_that_are(fault):
    async with pair() as (binance, exchange, dials):
        trades = binance.market.trades("BTCUSDT")
        await take(trades, 100)
        exchange.fault(fault, stream="btcusdt@trade", count=30)
        assert_dense(await take(trades, 2000))
        assert len(dials.times["stream"]) == 1


async def test_delayed_frames_arrive():
    async with pair() as (binance, exchange, _):
        trades = binance.market.trades("BTCUSDT")
        await take(trades, 10)
        exchange.fault("delay", stream="btcusdt@trade", seconds=3.0, count=50)
        assert_dense(await take(trades, 500))


async def test_a_garbage_frame_is_told_and_iteration_goes_on():
    async with pair() as (binance, exchange, _):
        trades = binance.market.trades("BTCUSDT")
        first = await take(trades, 10)
        exchange.fault("garbage", connection="stream")
        seen = []
        with pytest.raises(DecodeFailed, match="not a market stream frame") as raised:
            while True:
                seen.append(await anext(trades))
        assert raised.value.payload
        assert_dense([*first, *seen, *await take(trades, 200)])


async def test_what_the_exchange_forgot_raises_once_and_iteration_goes_on(monkeypatch):
    async with pair() as (binance, exchange, _):
        trades = binance.market.trades("BTCUSDT")
        first = await take(trades, 10)
        monkeypatch.setattr(TradeLog, "trades", lambda self, first, count: [])
        exchange.fault("skip", stream="btcusdt@trade", count=3)
        seen = []
        with pytest.raises(GapUnfilled, match="the exchange has no trade") as raised:
            while True:
                seen.append(await anext(trades))
        before = [*first, *seen][-1].trade_id
        assert (raised.value.first, raised.value.last) == (before + 1, before + 3)
        after = await take(trades, 50)
        assert after[0].trade_id == before + 4
        assert_dense(after)


async def test_with_control_a_gap_stands_among_the_trades(monkeypatch):
    async with pair() as (binance, exchange, _):
        trades = binance.market.trades("BTCUSDT", control=True)
        first = await take(trades, 10)
        monkeypatch.setattr(TradeLog, "trades", lambda self, first, count: [])
        exchange.fault("skip", stream="btcusdt@trade", count=2)
        events = first + await take(trades, 100)
        (at,) = [place for place, event in enumerate(events) if isinstance(event, Gap)]

        assert events[at].first == events[at - 1].trade_id + 1
        assert events[at].last == events[at + 1].trade_id - 1


async def test_refused_connections_are_tried_again_within_the_back_off():
    backoff = Backoff(initial=1.0, maximum=60.0)
    async with pair(backoff=backoff) as (binance, exchange, dials):
        trades = binance.market.trades("BTCUSDT")
        first = await take(trades, 10)
        exchange.fault("refuse", seconds=120.0)
        exchange.fault("drop", connection="stream")
        events = [*first, *await take(trades, 8000)]

        assert_dense(events)
        times = dials.times["stream"][1:]
        delays = [after - before for before, after in pairwise(times)]
        assert len(delays) > 3
        for attempt, delay in enumerate(delays, start=2):
            assert delay <= backoff.bound(attempt) + 0.01


async def test_exhausted_attempts_are_raised_to_every_consumer():
    async with pair(backoff=Backoff(initial=1.0, attempts=3)) as (binance, exchange, _):
        one, two = binance.market.trades("BTCUSDT"), binance.market.book_tickers("BTCUSDT")
        await take(one, 10)
        exchange.fault("refuse", seconds=10_000.0)
        exchange.fault("drop", connection="stream")
        for subscription in (one, two):
            with pytest.raises(ConnectFailed, match="gave up after 3 attempts"):
                while True:
                    await anext(subscription)
        with pytest.raises(ConnectFailed, match=r"gave up after 3 attempts.*HTTP status 503"):
            await binance.market.wait_closed()


async def test_too_much_weight_waits_until_it_is_allowed_again():
    async with pair() as (binance, exchange, _):
        await binance.call(PingRequest())
        exchange.fault("rate_limit", count=1, seconds=30.0)
        loop = running_loop()
        started = loop.time()
        with pytest.raises(RateLimited, match="code -1003") as raised:
            await binance.call(PingRequest())
        assert raised.value.retry_after is not None
        with pytest.raises(RateLimited, match="by this library's own count"):
            await binance.call(PingRequest(), patience=1.0)
        assert loop.time() - started < 1
        await binance.call(PingRequest())
        assert loop.time() - started >= 29.99  # told in whole milliseconds


async def test_a_ban_is_told_and_never_answered_with_more_requests():
    async with pair() as (binance, exchange, dials):
        await binance.call(PingRequest())
        exchange.fault("ban", seconds=600.0)
        with pytest.raises((Banned, OutcomeUnknown, ConnectFailed), match="code -1003"):
            await binance.call(PingRequest(), patience=0.0)
        before = len(dials.times["api"])
        with pytest.raises((RateLimited, ConnectFailed), match="by this library's own count"):
            await binance.call(PingRequest(), patience=5.0)
        assert len(dials.times["api"]) - before <= 2


async def test_the_weight_of_a_minute_is_never_exceeded():
    limits = ExchangeLimits(weight=600)
    async with pair(limits=limits) as (binance, exchange, _):
        await binance.call(TimeRequest())
        loop = running_loop()
        started = loop.time()
        for _ in range(10):
            await binance.call(DepthRequest(symbol="BTCUSDT", limit=5000), patience=120.0)  # weight 250
        assert loop.time() - started > 180  # two a minute


async def test_a_dead_socket_fails_its_requests_at_once():
    async with pair() as (binance, exchange, _):
        await binance.call(PingRequest())
        exchange.fault("delay", connection="api", seconds=5.0)
        calls = [asyncio.ensure_future(binance.call(PingRequest())) for _ in range(5)]
        await asyncio.sleep(1.0)
        started = running_loop().time()
        exchange.fault("drop", connection="api")
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, OutcomeUnknown) for result in results)
        assert running_loop().time() - started < 0.1
        exchange.clear_faults()
        await binance.call(PingRequest())


async def test_a_missing_reply_is_an_unknown_outcome_after_its_deadline():
    async with pair() as (binance, exchange, _):
        await binance.call(PingRequest())
        exchange.fault("delay", connection="api", seconds=30.0, count=1)
        started = running_loop().time()
        with pytest.raises(OutcomeUnknown, match="no reply in time"):
            await binance.call(PingRequest(), timeout=4.0)
        assert 4.0 <= running_loop().time() - started < 4.1


async def test_an_order_book_comes_back_into_step():
    async with pair(rate=200) as (binance, exchange, _):
        book = await binance.market.order_book("BTCUSDT")
        for fault, options in (
            ("skip", {"stream": "btcusdt@depth@100ms", "count": 2}),
            ("drop", {"connection": "stream"}),
        ):
            exchange.fault(fault, **options)
            await asyncio.sleep(10.0)
            assert book.is_synchronised
            side = exchange.venue.markets["BTCUSDT"].book
            await asyncio.sleep(0.2)
            assert book.update_id is not None
            assert side.update_id - book.update_id < 2000
            assert book.best_bid.price < book.best_ask.price
        await book.close()


KILLS = rounds(100, 1000)


@pytest.mark.volume
async def test_random_kills_lose_nothing_and_leave_nothing():
    dice = random.Random(11)
    # a connection must live a little to count as healthy here, so that delays stay short
    backoff = Backoff(initial=0.5, maximum=20.0, healthy_after=5.0)
    limits = ExchangeLimits()
    async with pair("BTCUSDT", "ETHUSDT", rate=4, backoff=backoff, limits=limits) as (binance, exchange, dials):
        loop = running_loop()
        tasks_before = len(asyncio.all_tasks())
        trades = binance.market.trades("BTCUSDT", "ETHUSDT")
        ids = {"BTCUSDT": [], "ETHUSDT": []}

        async def collect():
            async for trade in trades:
                ids[trade.symbol].append(trade.trade_id)

        collecting = asyncio.ensure_future(collect())
        await asyncio.sleep(5)
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0.0, 30.0))
            exchange.fault(dice.choice(["drop", "torn"]), connection=dice.choice(["stream", "stream", "api"]))
        await asyncio.sleep(120)
        assert exchange.connections <= 2
        assert len(asyncio.all_tasks()) <= tasks_before + 3  # the collector, two connections
        times = dials.times["stream"]
        assert len(times) > KILLS / 2
        in_five_minutes = [bisect_left(times, time + 300) - place for place, time in enumerate(times)]
        assert max(in_five_minutes) <= 300
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
        for symbol, numbers in ids.items():
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert numbers[-1] >= exchange.venue.markets[symbol].log.next_id - 20
    assert loop.time() > 10 * KILLS


async def test_attempts_are_never_more_than_the_exchange_allows():
    async with pair(rate=1.0, backoff=Backoff(initial=0.01, maximum=0.01)) as (binance, exchange, dials):
        subscription = binance.market.trades("BTCUSDT")
        await take(subscription, 1)
        exchange.fault("refuse", seconds=1000.0)
        exchange.fault("drop", connection="stream")
        await asyncio.sleep(1200)
        times = [*dials.times["stream"]]
        assert len(times) > 600
        assert all(after - before >= 299.9 for before, after in zip(times, times[299:], strict=False))
        await take(subscription, 5)


async def test_a_busy_feed_that_falls_silent_is_replaced_when_asked():
    async with pair(timeouts=Timeouts(silence=15.0)) as (binance, exchange, dials):
        trades = binance.market.trades("BTCUSDT", control=True)
        await take(trades, 10)
        exchange.fault("skip", stream="btcusdt@trade", duration=40.0)
        events = await take(trades, 3000)
        assert any(isinstance(e, Reconnected) and e.reason == "no market event for 15 s" for e in events)
        assert_dense([event for event in events if isinstance(event, TradeEvent)])
