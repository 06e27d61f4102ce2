"""A client that trades is closed for good, whatever it is doing, and whoever closes it."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.client import Binance
from cryptotrader.config import Endpoint
from cryptotrader.errors import ConnectFailed
from cryptotrader.order_outcomes import OrderOutcomeUnknown
from cryptotrader.requests import TimeRequest
from paired import machine
from paper_exchange import SYMBOL, PaperExchange
from paper_trading import KEY, buy, silent
from virtual_clock import running_loop


def client(exchange):
    return Binance(Endpoint.local(port=9443), KEY, environment=machine(exchange.dial))


def open_tasks():
    return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_an_order_that_waits_for_its_filters_is_not_sent_once_the_client_is_closed():
    exchange = PaperExchange("paper")
    async with client(exchange) as binance:
        exchange.fault("exchangeInfo", silent)
        placing = asyncio.ensure_future(buy(binance))
        await asyncio.sleep(1)
    with pytest.raises(ConnectFailed, match="closed by its owner"):
        await placing
    assert (exchange.account.orders, list(exchange.peers), open_tasks()) == ([], [], [])


async def test_nothing_opens_a_closed_client_again():
    exchange = PaperExchange("paper")
    async with client(exchange) as binance:
        order = await buy(binance)
        exchange.fault("order.place", silent)
        placing = asyncio.ensure_future(buy(binance))
        await asyncio.sleep(1)
    with pytest.raises(OrderOutcomeUnknown, match="closed by this side") as caught:
        await placing

    for attempt in (
        caught.value.resolve,
        order.cancel,
        lambda: buy(binance),
        lambda: binance.call(TimeRequest()),
        binance.user.wait_subscribed,
    ):
        with pytest.raises(ConnectFailed, match="closed by its owner"):
            await attempt()
    with pytest.raises(ConnectFailed, match="closed by its owner"):
        binance.user.subscribe()
    with pytest.raises(ConnectFailed, match="closed by its owner"):
        binance.market.trades(SYMBOL)
    assert (list(exchange.peers), open_tasks()) == ([], [])


async def test_who_waits_for_weight_is_told_at_once_that_the_client_was_closed():
    exchange = PaperExchange("paper")
    async with client(exchange) as binance:
        await binance.call(TimeRequest())
        binance._api._budgets.weights.close_until(running_loop().wall_seconds() + 50)
        asking = asyncio.ensure_future(binance.call(TimeRequest()))
        await asyncio.sleep(1)
        started = running_loop().time()
    with pytest.raises(ConnectFailed, match="closed by its owner"):
        await asking
    assert running_loop().time() - started < 1


async def test_a_closing_that_is_cancelled_leaves_nothing_behind():
    exchange = PaperExchange("paper")
    async with client(exchange) as binance:
        await buy(binance)
        for connection in (binance._api, binance.user._api):
            connection._transport.close = lambda: None  # the exchange does not answer the closing handshake
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await binance.close()
        await asyncio.sleep(0)
        assert (list(exchange.peers), open_tasks()) == ([], [])
