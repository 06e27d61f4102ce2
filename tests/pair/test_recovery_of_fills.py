"""What an account is told of orders that were routed, prevented or amended while nobody listened."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from cryptotrader import account_recovery, order_outcomes
from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side
from cryptotrader.models.order_models import ExecutionType, OrderStatus
from cryptotrader.models.recovered_models import RecoveredAllocation, RecoveredOrder, RecoveredTrade
from cryptotrader.models.user_models import ExecutionReportEvent
from trading_pair import SYMBOL, Line, desk

OTHER = "BTCUSDC"


class Told:
    """What a user stream told, errors among it, in order."""

    def __init__(self, user):
        self.all = []
        user.subscribe(callback=lambda event, _: self.all.append(event), on_error=self.all.append)

    def of(self, *kinds):
        return [event for event in self.all if isinstance(event, kinds)]

    def fills(self):
        """Trade and allocation ids in the order in which they were told."""
        found = []
        for event in self.all:
            if isinstance(event, RecoveredTrade):
                found.append((event.trade.id, -1))
            elif isinstance(event, RecoveredAllocation):
                found.append((-1, event.allocation.allocation_id))
            elif isinstance(event, ExecutionReportEvent) and event.execution_type is ExecutionType.TRADE:
                found.append((event.trade_id, -1 if event.allocation_id is None else event.allocation_id))
        return found


@asynccontextmanager
async def listening(at):
    """A user stream of the first account on a line of its own, and what it tells."""
    line = Line()
    user = at.user_stream(at.keys[0].ed25519, line=line)
    told = Told(user)
    try:
        await user.wait_subscribed()
        yield told, user, line
    finally:
        await user.close()


@asynccontextmanager
async def outage(user, line):
    """Nobody listens to the account."""
    line.cut()
    yield
    await asyncio.sleep(1)
    line.mend()
    await user.wait_subscribed(timeout=60)


def truth(at, account=0):
    """Every fill of the account by trade and allocation id."""
    history = at.exchange.venue.desk.history
    return [(fill.trade_id, fill.allocation_id) for fill in history.executions[at.keys[account].uid, SYMBOL]]


def empty_books(at):
    """Quantities at two prices in each book, and nothing else on that side."""
    venue = at.exchange.venue
    for symbol, prices in ((SYMBOL, (95_010, 95_030)), (OTHER, (95_000, 95_020))):
        for price in prices:
            venue.place(symbol, Side.SELL, OrderType.LIMIT, Decimal(1), price=Decimal(price))


@pytest.mark.parametrize("rows", [1000, 1])
async def test_a_routed_order_that_was_filled_during_an_outage_is_told_once_and_explains_the_balances(
    monkeypatch, rows
):
    monkeypatch.setattr(account_recovery, "_ROWS", rows)  # 1: as if an answer held no more
    async with desk(SYMBOL, OTHER, rate=0) as at, at.client() as binance, listening(at) as (told, user, line):
        empty_books(at)
        orders = [await binance.orders.place_routed(SYMBOL, Side.BUY, OrderType.MARKET, quantity="0.5")]
        await asyncio.sleep(1)
        async with outage(user, line):
            orders.append(await binance.orders.place_routed(SYMBOL, Side.BUY, OrderType.MARKET, quantity="3"))
        orders.append(await binance.orders.place_routed(SYMBOL, Side.BUY, OrderType.MARKET, quantity="0.1"))
        await asyncio.sleep(1)

        assert [order.status for order in orders] == [OrderStatus.FILLED] * 3
        assert len(told.of(RecoveredAllocation)) == 2
        assert len(told.of(RecoveredTrade)) == 2
        assert sorted(told.fills()) == sorted(truth(at))
        assert told.of(Exception) == []


async def test_an_order_that_was_amended_or_lost_quantity_to_prevention_during_an_outage_is_told():
    async with desk(rate=0) as at, at.client() as binance, listening(at) as (told, user, line):
        untouched, amended, prevented = [
            await binance.orders.place_limit(SYMBOL, Side.BUY, quantity="0.5", price=price)
            for price in ("94000", "94001", "94002")
        ]
        await asyncio.sleep(1)
        async with outage(user, line):
            await amended.amend("0.4")
            await binance.orders.place_limit(
                SYMBOL,
                Side.SELL,
                quantity="0.2",
                price="94002",
                self_trade_prevention_mode=SelfTradePreventionMode.DECREMENT,
            )

        recovered = {event.order.order_id: event.order for event in told.of(RecoveredOrder)}
        assert sorted(recovered) == [amended.order_id, prevented.order_id]
        assert recovered[amended.order_id].original_quantity == Decimal("0.4")
        assert recovered[prevented.order_id].prevented_quantity == Decimal("0.2")
        assert (untouched.prevented_quantity, prevented.prevented_quantity) == (0, Decimal("0.2"))
        assert [report.prevented_quantity for report in prevented.reports] == [0, Decimal("0.2")]
        assert told.of(Exception) == []


@pytest.mark.parametrize("rows", [1000, 1])
async def test_a_routed_order_that_is_followed_later_has_all_its_fills(monkeypatch, rows):
    monkeypatch.setattr(order_outcomes, "_ROWS", rows)
    async with desk(SYMBOL, OTHER, rate=0) as at, at.client() as binance, at.client(key="hmac") as elsewhere:
        empty_books(at)
        placed = await elsewhere.orders.place_routed(SYMBOL, Side.BUY, OrderType.MARKET, quantity="3")
        await asyncio.sleep(1)
        order = await binance.orders.follow(SYMBOL, order_id=placed.order_id)

        assert order.is_done
        assert [(fill.trade_id, fill.allocation_id) for fill in order.fills] == sorted(truth(at))
