"""Subscribing, unsubscribing, sharding and closing, client against exchange on the virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.base_operations import ConnectionState
from cryptotrader.config import TimeUnit
from cryptotrader.errors import ConnectFailed, ConsumerTooSlow, RequestInvalid, RequestRejected
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.protocol.channel import CHANNELS
from cryptotrader.requests import DepthRequest, PingRequest
from cryptotrader.simulator import ExchangeLimits
from paired import assert_dense, pair, take
from virtual_clock import running_loop


async def test_every_kind_of_stream_delivers_its_typed_event():
    async with pair("BTCUSDT", "ETHUSDT", rate=400) as (binance, exchange, _):
        assert CHANNELS
        for row in CHANNELS:
            name = row.pattern.format(symbol="btcusdt", interval="1m", window="1h", levels=5)
            async with binance.market.subscribe(name) as subscription:
                assert type(await anext(subscription)) is row.event


async def test_methods_for_each_kind():
    async with pair("BTCUSDT", "ETHUSDT", rate=400) as (binance, exchange, _):
        market = binance.market
        for subscription in (
            market.trades("BTCUSDT"),
            market.trades("BTCUSDT", heal=False),
            market.aggregate_trades("BTCUSDT"),
            market.block_trades("BTCUSDT"),
            market.klines("1s", "BTCUSDT", "ETHUSDT"),
            market.klines("1m", "BTCUSDT", utc_plus_8=True),
            market.mini_tickers("BTCUSDT"),
            market.mini_tickers(),
            market.tickers("BTCUSDT"),
            market.window_tickers("4h", "BTCUSDT"),
            market.window_tickers("1d"),
            market.book_tickers("BTCUSDT"),
            market.average_prices("BTCUSDT"),
            market.reference_prices("BTCUSDT"),
            market.partial_depth(10, "BTCUSDT"),
            market.partial_depth(10, "BTCUSDT", every_100ms=False),
            market.depth("BTCUSDT"),
            market.depth("BTCUSDT", every_100ms=False),
        ):
            await subscription.confirmed()
            await anext(subscription)
        with pytest.raises(RequestInvalid, match="give at least one symbol"):
            market.trades()
        with pytest.raises(RequestInvalid, match="kline_7m"):
            market.klines("7m", "BTCUSDT")


async def test_two_thousand_streams_use_two_connections():
    async with pair(rate=0) as (binance, exchange, dials):
        subscription = binance.market.subscribe(*(f"x{number}usdt@trade" for number in range(2000)))
        await subscription.confirmed(timeout=60)
        assert exchange.connections == 2
        assert len(dials.times["stream"]) == 2
        subscription.close()
        await asyncio.sleep(5)
        assert exchange.connections == 0


async def test_all_streams_are_subscribed_again_after_a_cut():
    async with pair("BTCUSDT", "ETHUSDT", rate=200) as (binance, exchange, dials):
        names = [f"x{number}usdt@trade" for number in range(600)]
        subscription = binance.market.subscribe(*names, "btcusdt@trade", "ethusdt@trade")
        await subscription.confirmed()
        exchange.fault("drop", connection="stream")
        await asyncio.sleep(0.1)
        await subscription.confirmed(timeout=60)
        seen = {event.symbol for event in await take(subscription, 500)}
        assert seen == {"BTCUSDT", "ETHUSDT"}


async def test_subscribing_and_unsubscribing_inside_a_callback():
    async with pair("BTCUSDT", "ETHUSDT", rate=100) as (binance, exchange, _):
        seen = []

        def first(event, received_ns):
            seen.append(event.symbol)
            if len(seen) == 3:
                one.close()
                binance.market.subscribe("ethusdt@trade", callback=lambda event, ns: seen.append(event.symbol))

        one = binance.market.subscribe("btcusdt@trade", callback=first)
        await asyncio.sleep(10)
        assert seen[:3] == ["BTCUSDT"] * 3
        assert set(seen[3:]) == {"ETHUSDT"}


async def test_two_consumers_of_one_stream_get_all_of_it():
    async with pair() as (binance, exchange, _):
        one, two = binance.market.trades("BTCUSDT"), binance.market.trades("BTCUSDT")
        first, second = await take(one, 50), await take(two, 50)
        assert first == second
        one.close()
        assert_dense(second + await take(two, 50))
        assert exchange.connections == 1


async def test_a_slow_consumer_is_told_and_the_connection_stays():
    async with pair(rate=100) as (binance, exchange, dials):
        trades = binance.market.trades("BTCUSDT", buffer=20)
        await asyncio.sleep(200)
        await take(trades, 20)
        with pytest.raises(ConsumerTooSlow, match=r"\d+ events discarded, 199\.\d+ s behind") as raised:
            await anext(trades)
        assert raised.value.lost > 10_000
        assert len(dials.times["stream"]) == 1  # pings were answered all the while


async def test_a_slow_callback_in_another_task_never_stops_pongs():
    async with pair(rate=1) as (binance, exchange, dials):
        async for _ in binance.market.trades("BTCUSDT"):
            await asyncio.sleep(30)
            if running_loop().time() > 600:
                break
        assert len(dials.times["stream"]) == 1


async def test_a_connection_of_a_day_is_replaced_without_loss():
    async with pair(rate=0.2, limits=ExchangeLimits(life=600.0)) as (binance, exchange, dials):
        trades = binance.market.trades("BTCUSDT")
        assert_dense(await take(trades, 500))
        assert len(dials.times["stream"]) >= 4


async def test_microseconds_by_endpoint():
    async with pair() as (binance, exchange, _):
        market = type(binance.market)(
            exchange.endpoint.with_time_unit(TimeUnit.MICROSECOND), **_environment_of(binance)
        )
        (trade,) = await take(market.trades("BTCUSDT"), 1)
        assert trade.trade_time > 10**15
        await market.close()


def _environment_of(binance):
    return {"environment": binance.market._options["environment"]}


async def test_closing_ends_iterations_and_takes_under_a_second_in_any_state():
    loop = running_loop()
    for state in ("before", "open", "refused", "half open", "waiting"):
        async with pair() as (binance, exchange, _):
            if state == "refused":
                exchange.fault("refuse", seconds=1000.0)
            trades = binance.market.trades("BTCUSDT")
            if state in {"open", "half open", "waiting"}:
                await take(trades, 5)
            if state == "half open":
                exchange.fault("half_open", connection="stream")
            if state == "waiting":
                exchange.fault("refuse", seconds=1000.0)
                exchange.fault("drop", connection="stream")
            if state != "before":
                await asyncio.sleep(20)
            started = loop.time()
            await binance.close()
            await binance.close()
            assert loop.time() - started < 1
            rest = [event async for event in trades]
            assert {type(event) for event in rest} == (set() if state in {"before", "refused"} else {TradeEvent})


async def test_closing_is_final():
    async with pair() as (binance, exchange, _):
        await take(binance.market.trades("BTCUSDT"), 5)
        await binance.call(PingRequest())
        await binance.close()
        with pytest.raises(ConnectFailed, match="closed by its owner"):
            binance.market.trades("BTCUSDT")
        with pytest.raises(ConnectFailed, match="closed by its owner"):
            await binance.call(PingRequest())
        assert exchange.connections == 0


async def test_states_are_visible():
    async with pair() as (binance, exchange, _):
        connection = binance._api
        assert connection.state is ConnectionState.CLOSED
        await binance.call(PingRequest())
        assert connection.state is ConnectionState.OPEN
        exchange.fault("refuse", seconds=300.0)
        exchange.fault("drop", connection="api")
        await asyncio.sleep(60)
        assert connection.state is ConnectionState.WAITING
        await binance.close()
        assert connection.state is ConnectionState.CLOSED


async def test_states_and_counters_of_the_streams_are_visible():
    async with pair() as (binance, exchange, _):
        market = binance.market
        assert market.states == ()
        trades = market.trades("BTCUSDT")
        await take(trades, 1)
        assert market.states == (ConnectionState.OPEN,)
        exchange.fault("garbage", connection="stream")
        await asyncio.sleep(5)
        assert market.counters.undecodable == 1
        exchange.fault("refuse", seconds=100.0)
        exchange.fault("drop", connection="stream")
        await asyncio.sleep(30)
        assert market.states == (ConnectionState.WAITING,)


async def test_a_hundred_requests_in_flight():
    async with pair() as (binance, exchange, _):
        books = await asyncio.gather(
            *(binance.call(DepthRequest(symbol="BTCUSDT", limit=number + 1)) for number in range(100))
        )
        assert [len(book.bids) for book in books] == list(range(1, 101))
        with pytest.raises(RequestRejected, match="Invalid symbol"):
            await binance.call(DepthRequest(symbol="NOPE"))
        with pytest.raises(RequestInvalid, match=r"<= 5000 - at `\$\.limit`"):
            await binance.call(DepthRequest(symbol="BTCUSDT", limit=9999))


async def test_an_order_book_follows_the_exchange():
    async with pair(rate=100) as (binance, exchange, _):
        book = await binance.market.order_book("BTCUSDT")
        await asyncio.sleep(5)
        market = exchange.venue.markets["BTCUSDT"]
        snapshot = await binance.call(DepthRequest(symbol="BTCUSDT", limit=5000))
        await asyncio.sleep(0.2)  # two diffs later
        assert book.update_id >= snapshot.last_update_id
        assert book.best_bid is not None
        assert abs(book.best_bid.price * 10**8 - market.book.bids.best) < 100 * 10**8
        with pytest.raises(RequestRejected, match="code -1121"):
            await binance.market.order_book("NOPEUSDT")
        await book.close()
