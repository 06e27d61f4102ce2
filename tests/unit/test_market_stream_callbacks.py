"""What users' own callbacks raise is theirs: it is told to them, and neither others nor the connection notice."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from cryptotrader.client import Binance
from cryptotrader.config import Backoff, Endpoint
from cryptotrader.errors import ConnectFailed, DecodeFailed, RequestInvalid
from cryptotrader.market_stream import MarketStream
from cryptotrader.models.control_models import Reconnected, ServerShutdown
from scripted_dialer import ScriptedDialer, comes

ENDPOINT = Endpoint.local(1)


def trade(number, symbol="BTCUSDT"):
    data = {"e": "trade", "E": 1, "s": symbol, "t": number, "p": "1", "q": "1", "T": number, "m": True, "M": True}
    return {"stream": f"{symbol.lower()}@trade", "data": data}


def fails(*_):
    raise ZeroDivisionError("a user's own")


@asynccontextmanager
async def streams():
    """Market streams from a far end that confirms everything."""
    dialer = ScriptedDialer()
    market = MarketStream(ENDPOINT, environment=dialer.environment())
    yield market, dialer
    await market.close()


async def test_a_callback_that_raises_gets_its_error_and_the_next_event():
    async with streams() as (market, dialer):
        errors, others = [], []
        raising = market.subscribe("btcusdt@trade", callback=fails, on_error=errors.append)
        market.subscribe("btcusdt@trade", callback=lambda event, _: others.append(event.trade_id))
        await raising.confirmed()
        for number in (1, 2, 3):
            dialer.ends[0].say(trade(number))
        await asyncio.sleep(0.1)

        assert others == [1, 2, 3]
        assert {type(error) for error in errors} == {ZeroDivisionError}
        assert len(dialer.ends) == 1


async def test_a_payload_callback_that_raises_is_told_while_others_get_every_frame():
    async with streams() as (market, dialer):
        errors, payloads = [], []
        market.subscribe("btcusdt@trade", callback=lambda *_: None, on_payload=fails, on_error=errors.append)
        subscription = market.subscribe("btcusdt@trade", on_payload=lambda payload, _: payloads.append(payload))
        await subscription.confirmed()
        dialer.ends[0].say(trade(1))
        dialer.ends[0].say(trade(2))
        await asyncio.sleep(0.1)

        assert len(payloads) == 2
        assert [type(error) for error in errors] == [ZeroDivisionError] * 2
        assert dialer.ends[0].ended is None


async def test_control_callbacks_that_raise_are_told_and_the_others_are_called():
    async with streams() as (market, dialer):
        errors, controls, connects = [], [], []
        raising = market.subscribe(
            "btcusdt@trade", callback=lambda *_: None, on_control=fails, on_connect=fails, on_error=errors.append
        )
        market.subscribe(
            "btcusdt@trade", callback=lambda *_: None, on_control=controls.append, on_connect=connects.append
        )
        await raising.confirmed()
        dialer.ends[0].say('{"e":"serverShutdown","E":5}')
        await comes(lambda: len(connects) == 2)

        assert [type(control) for control in controls] == [ServerShutdown, Reconnected]
        assert connects == [("btcusdt@trade",)] * 2
        assert [type(error) for error in errors] == [ZeroDivisionError] * 4  # two connects, two controls
        assert [end.ended for end in dialer.ends] == ["dropped by the client", None]


async def test_an_iterating_consumer_gets_the_error_of_its_control_callback_in_its_place():
    async with streams() as (market, dialer):
        subscription = market.subscribe("btcusdt@trade", on_control=fails)
        await subscription.confirmed()
        dialer.ends[0].say(trade(1))
        dialer.ends[0].say('{"e":"serverShutdown","E":5}')
        assert (await anext(subscription)).trade_id == 1
        with pytest.raises(ZeroDivisionError, match="a user's own"):
            await anext(subscription)
        with pytest.raises(ZeroDivisionError, match="a user's own"):  # the reconnect's
            await anext(subscription)
        dialer.ends[1].say(trade(2))

        assert (await anext(subscription)).trade_id == 2


async def test_a_frame_that_nobody_understands_is_told_to_each_and_the_connection_stays():
    async with streams() as (market, dialer):
        errors = []
        raw = market.subscribe("btcusdt@trade", on_payload=lambda *_: None)
        market.subscribe("ethusdt@trade", callback=lambda *_: None, on_error=errors.append)
        await raw.confirmed()
        dialer.ends[0].say('{"stream":"btcusdt@trade","data":')
        with pytest.raises(DecodeFailed, match="a frame could not be taken in") as raised:
            await anext(raw)

        assert raised.value.payload == b'{"stream":"btcusdt@trade","data":'
        assert errors == [raised.value]
        assert dialer.ends[0].ended is None


async def test_an_announcement_of_the_end_that_nobody_understands_is_one_all_the_same():
    async with streams() as (market, dialer):
        subscription = market.subscribe("btcusdt@trade")
        await subscription.confirmed()
        dialer.ends[0].say('{"e":"serverShutdown"}')
        with pytest.raises(DecodeFailed, match="a frame could not be taken in"):
            await anext(subscription)
        await comes(lambda: len(dialer.ends) == 2)

        assert [end.ended for end in dialer.ends] == ["dropped by the client", None]


async def test_a_subscription_to_nothing_is_refused():
    async with streams() as (market, dialer):
        with pytest.raises(RequestInvalid, match="give at least one stream"):
            market.subscribe()
        with pytest.raises(RequestInvalid, match="give at least one symbol"):
            market.depth()
        with pytest.raises(RequestInvalid, match="give at least one symbol"):
            market.trades()
        with pytest.raises(RequestInvalid, match="give at least one symbol"):
            market.trades(heal=False)

        assert dialer.urls == []
        assert market.states == ()


async def test_a_connection_that_was_given_up_ends_the_wait_and_a_new_subscription_begins_another():
    dialer = ScriptedDialer(ConnectFailed("refused"), lambda _: None)
    market = MarketStream(ENDPOINT, backoff=Backoff(attempts=1), environment=dialer.environment())
    first = market.subscribe("btcusdt@trade")
    with pytest.raises(ConnectFailed, match="gave up after 1 attempts"):
        await market.wait_closed()
    with pytest.raises(ConnectFailed, match="gave up after 1 attempts"):
        await anext(first)
    second = market.subscribe("btcusdt@trade")
    await second.confirmed()
    waiting = asyncio.ensure_future(market.wait_closed())
    await asyncio.sleep(1.0)
    assert not waiting.done()
    first.close()
    dialer.ends[0].say(trade(1))
    assert (await anext(second)).trade_id == 1
    await market.close()
    await waiting


async def test_a_stream_that_two_hold_is_unsubscribed_with_the_second():
    async with streams() as (market, dialer):
        one, two = market.subscribe("btcusdt@trade"), market.subscribe("btcusdt@trade")
        other = market.subscribe("ethusdt@trade")
        await other.confirmed()
        one.close()
        one.close()
        await asyncio.sleep(1.0)
        commands = [message for message in dialer.ends[0].received if message["method"] == "UNSUBSCRIBE"]
        assert commands == []
        two.close()
        await asyncio.sleep(1.0)
        commands = [message["params"] for message in dialer.ends[0].received if message["method"] == "UNSUBSCRIBE"]

        assert commands == [["btcusdt@trade"]]
        assert dialer.ends[0].ended is None


async def test_a_part_that_cannot_be_closed_does_not_keep_the_others_open():
    dialer = ScriptedDialer()
    binance = Binance(ENDPOINT, environment=dialer.environment())
    trades = binance.market.trades("BTCUSDT")
    await trades.confirmed()
    close = binance._api.close

    async def fails_to_close():
        await close()
        raise ZeroDivisionError("our own")

    binance._api.close = fails_to_close
    with pytest.raises(ZeroDivisionError, match="our own"):
        await binance.close()
    await asyncio.sleep(0.1)

    assert dialer.ends[0].ended == "closed by the client: 1000"
