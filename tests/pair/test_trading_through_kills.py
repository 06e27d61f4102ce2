"""Sockets killed at random while trading: no order is placed twice, no fill is missed or told twice.

Once on paper, where every moment of a request is hit, and once on the local exchange, whose venue knows the truth.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from cryptotrader.base_operations import AddressBudgets, Environment
from cryptotrader.client import Binance
from cryptotrader.config import Endpoint
from cryptotrader.credentials import Ed25519Key
from cryptotrader.errors import ConnectFailed, OrderRejected
from cryptotrader.models.base_models import Side
from cryptotrader.models.order_models import ExecutionType
from cryptotrader.models.recovered_models import RecoveredTrade
from cryptotrader.models.user_models import ExecutionReportEvent
from cryptotrader.order_outcomes import OrderOutcomeUnknown
from paper_exchange import SYMBOL, PaperExchange, Silence
from trading_pair import desk
from virtual_clock import running_loop
from volume import rounds

KILLS = rounds(150, 1_000)
_TURNS = 12


class Told:
    """What the user stream told of trades."""

    def __init__(self):
        self.trades = []
        self.errors = []

    def take(self, event, received_ns):
        if isinstance(event, RecoveredTrade):
            self.trades.append((event.trade.time, event.trade.id))
        elif isinstance(event, ExecutionReportEvent) and event.execution_type is ExecutionType.TRADE:
            self.trades.append((event.transaction_time, event.trade_id))


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


def trade_at_random(exchange, dice):
    """Placed orders are filled at random: at once, in some turns, in some seconds, in parts, or not at all."""

    async def later(account, order):
        for part in dice.choice([("0.2", None), (None,), ("0.1", "0.1"), ("0.3",), ()]):
            if dice.random() < 0.5:
                await turns(dice.randrange(_TURNS))
            else:
                await asyncio.sleep(dice.random() * 3)
            if order["status"] in ("NEW", "PARTIALLY_FILLED"):
                exchange.fill(account, order, part)

    tasks = set()

    def placed(account, order):
        if dice.random() < 0.2:
            exchange.fill(account, order)
            return
        task = running_loop().create_task(later(account, order))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    exchange.on_placed = placed
    return tasks


async def place_and_know(binance, dice, seen):
    """Place an order through whatever happens; ``None`` when it is certain that there is none."""
    try:
        order = await binance.orders.place_limit(SYMBOL, Side.BUY, quantity="0.5", price="50000")
    except ConnectFailed:
        return None
    except OrderOutcomeUnknown as error:
        order = await error.resolve(timeout=600)
        seen["not placed" if order is None else "placed after all"] += 1
    if order is not None and dice.random() < 0.3:
        try:
            await order.cancel()
        except (OrderRejected, ConnectFailed):
            return order
        except OrderOutcomeUnknown as error:
            seen["cancel unknown"] += 1
            await error.resolve(timeout=600)
    return order


async def kill_at_random(exchange, dice):
    """Kill one or all connections: some time after there are any, or while a request is worked on."""
    if dice.random() < 0.5:
        method = dice.choice(["order.place", "order.place", "order.cancel", "order.status", "account.status"])
        exchange.faults = {method: [dice.choice([kill_before, kill_after])]}
    await exchange.connected.wait()
    await (turns(dice.randrange(1, _TURNS)) if dice.random() < 0.5 else asyncio.sleep(dice.random() * 2))
    if dice.random() < 0.3:
        exchange.kill()
    elif exchange.peers:
        exchange.drop(dice.choice(list(exchange.peers)))


def kill_before(peer, method, params, do):
    peer.exchange.drop(peer)
    raise Silence


def kill_after(peer, method, params, do):
    do()
    peer.exchange.drop(peer)
    raise Silence


@pytest.mark.volume
async def test_kills_place_no_order_twice_and_miss_no_fill():
    dice, loop, told, seen = random.Random(14), running_loop(), Told(), Counter()
    exchange, budgets = PaperExchange("paper"), AddressBudgets()
    environment = Environment(
        dial=exchange.dial, budgets=lambda url: budgets, random=dice.random, clock_ns=loop.wall_ns
    )
    filling = trade_at_random(exchange, dice)
    async with Binance(Endpoint.local(port=9443), Ed25519Key.generate("paper"), environment=environment) as binance:
        binance.user.subscribe(callback=told.take, on_error=told.errors.append)
        await binance.user.wait_subscribed()
        known = []
        while exchange.killed < KILLS:
            order, _ = await asyncio.gather(place_and_know(binance, dice, seen), kill_at_random(exchange, dice))
            known.append(order)
        await asyncio.gather(*filling)
        await asyncio.sleep(30)
        await binance.user.wait_subscribed(timeout=120)

        account = exchange.account
        orders = {order["number"]: order for order in account.orders}
        placed = [order for order in known if order is not None]
        assert max(Counter(order["name"] for order in account.orders).values()) == 1
        assert sorted(order.order_id for order in placed) == sorted(orders)
        assert sorted(told.trades) == [(row["time"], row["id"]) for row in account.trades]
        for order in placed:
            truth = orders[order.order_id]
            assert (order.status, order.executed_quantity) == (truth["status"], truth["executed"])
            assert [fill.trade_id for fill in order.fills] == [
                row["id"] for row in account.trades if row["orderId"] == order.order_id
            ]
        assert told.errors == []
        assert min(seen[what] for what in ("placed after all", "not placed", "cancel unknown")) > KILLS / 100, seen


async def trade_and_know(binance, dice, seen):
    """Trade somehow through whatever happens; ``None`` when it is certain that there is no order."""
    orders, side = binance.orders, dice.choice([Side.BUY, Side.SELL])
    price = "95000" if dice.random() < 0.5 else "94000" if side is Side.BUY else "96000"
    try:
        if dice.random() < 0.5:
            order = await orders.place_market(SYMBOL, side, quantity="0.01")
        else:
            order = await orders.place_limit(SYMBOL, side, quantity="0.05", price=price)
    except ConnectFailed:
        return None
    except OrderOutcomeUnknown as error:
        order = await error.resolve(timeout=600)
        seen["not placed" if order is None else "placed after all"] += 1
    if order is not None and not order.is_done and dice.random() < 0.7:
        try:
            await order.cancel()
        except (OrderRejected, ConnectFailed):
            return order
        except OrderOutcomeUnknown as error:
            seen["cancel unknown"] += 1
            await error.resolve(timeout=600)
    return order


async def drop_at_random(exchange, dice):
    if dice.random() < 0.2:
        exchange.fault(dice.choice(["timeout", "unexpected"]), count=1)
    await (turns(dice.randrange(1, 40)) if dice.random() < 0.7 else asyncio.sleep(dice.random() * 2))
    if exchange.connections:
        exchange.fault("drop", connection="api", **({} if dice.random() < 0.3 else {"count": 1}))


@pytest.mark.volume
async def test_after_many_kills_client_and_venue_agree():
    dice, told, seen = random.Random(5), Told(), Counter()
    async with desk(rate=1.0) as at, at.client() as binance:
        binance.user.subscribe(callback=told.take, on_error=told.errors.append)
        await binance.user.wait_subscribed()
        known = []
        while at.dials < KILLS:  # each but the first two followed a kill
            order, _ = await asyncio.gather(trade_and_know(binance, dice, seen), drop_at_random(at.exchange, dice))
            known.append(order)
        at.exchange.clear_faults()
        await asyncio.sleep(30)
        await binance.user.wait_subscribed(timeout=120)
        await asyncio.sleep(5)

        uid, history = at.keys[0].uid, at.exchange.venue.desk.history
        truth = {order.id: order for order in history.orders[uid, SYMBOL]}
        fills = history.executions[uid, SYMBOL]
        names = Counter(order.original_client_order_id or order.client_order_id for order in truth.values())
        placed = [order for order in known if order is not None]
        assert max(names.values()) == 1
        assert sorted(order.order_id for order in placed) == sorted(truth)
        assert sorted(number for _, number in told.trades) == [fill.trade_id for fill in fills]
        for order in placed:
            real = truth[order.order_id]
            assert (order.status, order.executed_quantity * 10**8) == (real.status, real.executed)
            assert [fill.trade_id for fill in order.fills] == [
                fill.trade_id for fill in fills if fill.order_id == order.order_id
            ]
        account, balances = at.exchange.venue.trading.account(uid), binance.user.state().balances
        for asset in ("BTC", "USDT", "BNB"):
            assert balances[asset].free * 10**8 == account.free(asset)
        assert told.errors == []
        assert min(seen[what] for what in ("placed after all", "not placed", "cancel unknown")) > KILLS / 300, seen
