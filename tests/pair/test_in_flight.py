"""Thousands of requests of many kinds on their way at once, answered in random order, late, twice, or not at all."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from itertools import count, islice

import pytest

from cryptotrader.base_operations import AddressBudgets, Environment
from cryptotrader.client import Binance
from cryptotrader.config import Endpoint, Timeouts
from cryptotrader.credentials import HmacKey
from cryptotrader.errors import OrderRejected, OutcomeUnknown, PartiallyApplied
from cryptotrader.models.account_models import AccountTrade
from cryptotrader.models.base_models import OrderType, Side
from cryptotrader.models.market_models import OrderBookSnapshot, PriceTicker
from cryptotrader.models.order_models import CancelReplaceMode, Order
from cryptotrader.protocol.limits import WeightBudget
from cryptotrader.requests import (
    DepthRequest,
    MyTradesRequest,
    OrderCancelReplaceRequest,
    OrderCancelRequest,
    OrderStatusRequest,
    TickerPriceRequest,
)
from cryptotrader.transport.memory import memory_pair
from paper_frames import status_of
from virtual_clock import running_loop
from volume import rounds

REQUESTS = rounds(2_000, 10_000)


def order(number):
    fields = {"symbol": "BTCUSDT", "number": number, "list": -1, "name": "a", "price": 1, "quantity": 1, "executed": 0}
    more = {"quote": 0, "status": "NEW", "type": "LIMIT", "side": "BUY", "time": 1, "updated": 1}
    return status_of(fields | more)


def trade(number):
    amounts = dict.fromkeys(("price", "qty", "quoteQty", "commission"), "1")
    flags = dict.fromkeys(("isBuyer", "isMaker", "isBestMatch"), True)
    numbers = {"id": number, "orderId": number, "orderListId": -1, "time": 1}
    return {"symbol": "BTCUSDT", "commissionAsset": "BNB"} | amounts | flags | numbers


def answer(method, params):
    """A reply that tells which request it belongs to."""
    match method:
        case "ticker.price":
            return {"status": 200, "result": {"symbol": params["symbol"], "price": "1"}}
        case "depth":
            return {"status": 200, "result": {"lastUpdateId": params["limit"], "bids": [], "asks": []}}
        case "order.status":
            return {"status": 200, "result": order(params["orderId"])}
        case "myTrades":
            return {"status": 200, "result": [trade(params["orderId"])]}
        case "order.cancel":
            return {"status": 400, "error": {"code": -2011, "msg": f"Unknown order sent. {params['orderId']}"}}
        case "order.cancelReplace":
            error = {"code": -2021, "msg": f"{params['cancelOrderId']}", "data": {}}
            return {"status": 409, "error": error}
    raise AssertionError(method)


def request(number):
    """One of six kinds, by its number; and a check of what comes back."""
    kinds = (
        (TickerPriceRequest(symbol=f"S{number}"), lambda got: got == PriceTicker.from_json(b'{"symbol":"S%d","price":"1"}' % number)),
        (DepthRequest(symbol="BTCUSDT", limit=number % 5000 + 1), lambda got: isinstance(got, OrderBookSnapshot) and got.last_update_id == number % 5000 + 1),
        (OrderStatusRequest(symbol="BTCUSDT", order_id=number), lambda got: isinstance(got, Order) and got.order_id == number),
        (MyTradesRequest(symbol="BTCUSDT", order_id=number), lambda got: isinstance(got[0], AccountTrade) and got[0].id == number),
        (OrderCancelRequest(symbol="BTCUSDT", order_id=number), lambda got: type(got) is OrderRejected and got.reason == f"Unknown order sent. {number}"),
        (OrderCancelReplaceRequest(symbol="BTCUSDT", side=Side.BUY, type=OrderType.MARKET, quantity="1", cancel_order_id=number, cancel_replace_mode=CancelReplaceMode.ALLOW_FAILURE), lambda got: type(got) is PartiallyApplied and got.message == str(number)),
    )  # fmt: skip
    return kinds[number % len(kinds)]


class Scrambler:
    """A server that answers nothing but the time until it is told to."""

    def __init__(self):
        self.waiting = []
        self.has_all = asyncio.Event()
        self.transport = None

    async def dial(self, url, handler, *, timeout, tls=None):
        client, self.transport = memory_pair(handler, self, clock_ns=lambda: running_loop().wall_us() * 1000)
        return client

    def on_frame(self, payload, received_ns):
        frame = json.loads(payload)
        if frame["method"] == "time":
            now = running_loop().wall_us() // 1000
            self.send({"id": frame["id"], "status": 200, "result": {"serverTime": now}})
        else:
            self.waiting.append({"id": frame["id"]} | answer(frame["method"], frame.get("params", {})))
            if len(self.waiting) == REQUESTS:
                self.has_all.set()

    def on_ping(self, payload):
        self.transport.pong(payload)

    def on_pong(self, payload): ...

    def on_closed(self, reason): ...

    def send(self, body):
        self.transport.send(json.dumps(body).encode())


@pytest.mark.volume
async def test_requests_of_many_kinds_on_their_way_at_once_get_each_its_own_answer():
    dice, server = random.Random(9), Scrambler()
    budgets = AddressBudgets(weights=WeightBudget(limit=10**9))
    environment = Environment(dial=server.dial, budgets=lambda url: budgets, clock_ns=running_loop().wall_ns)
    key = HmacKey("key", "secret")
    async with Binance(
        Endpoint.local(), key, timeouts=Timeouts(request=60, stale=600), environment=environment
    ) as binance:
        await binance._api.wait_clock()
        wanted = (number for number in count() if number % 6 != 5 or number < 240)  # no more than 50 orders
        numbers = list(islice(wanted, REQUESTS))
        asked = {number: request(number) for number in numbers}
        tasks = {number: asyncio.ensure_future(binance.call(asked[number][0])) for number in numbers}
        await server.has_all.wait()
        assert binance._api._api.in_flight == REQUESTS

        replies = server.waiting
        dice.shuffle(replies)
        silent, answered = replies[:100], replies[100:]
        twice = dice.sample(answered, 500)
        strays = [{"id": each, "status": 200, "result": {}} for each in (0, -1, 10**12, "text", None)]
        frames = answered + twice + strays
        dice.shuffle(frames)
        for frame in frames:
            server.send(frame)
        await asyncio.sleep(61)
        for frame in silent:  # too late
            server.send(frame)
        got = await asyncio.gather(*tasks.values(), return_exceptions=True)
        await asyncio.sleep(1)

        seen, mistaken = Counter(), []
        for number, result in zip(tasks, got, strict=True):
            seen[type(result)] += 1
            if not isinstance(result, OutcomeUnknown) and not asked[number][1](result):
                mistaken.append((number, result))
        assert mistaken == []
        assert seen[OutcomeUnknown] == len(silent)
        assert (
            min(seen[kind] for kind in (PriceTicker, OrderBookSnapshot, Order, list, OrderRejected)) > 0.15 * REQUESTS
        )
        assert seen[PartiallyApplied] > 30
        assert binance._api._api.in_flight == 0
        assert binance._api._api.counters["unmatched"] == len(twice) + len(strays) + len(silent)
