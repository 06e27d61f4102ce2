"""Hear what happens to two accounts over one connection, and what was missed while it was cut.

Runs an exchange inside of this program.

python examples/account_follow.py
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal
from typing import Any

from cryptotrader import (
    Backoff,
    BalanceUnexplained,
    Binance,
    Reconnected,
    RecoveredOrder,
    RecoveredTrade,
    Side,
    Subscription,
    UserStream,
)
from cryptotrader.models.user_models import AccountPositionEvent, BalanceUpdateEvent, ExecutionReportEvent
from cryptotrader.requests import DepthRequest
from cryptotrader.simulator import LocalExchange

SYMBOL = "BTCUSDT"
QUANTITY, TICK = Decimal("0.001"), Decimal("0.01")
STILL = 0.001
"""Trades a second: as good as nobody else trades, so that what happens is what this program does."""


def in_words(event: object) -> str:
    """One line for an event."""
    match event:
        case ExecutionReportEvent():
            words = (
                f"order {event.order_id} {event.execution_type}: {event.status}, {event.executed_quantity:f} executed"
            )
        case AccountPositionEvent():
            words = "balances " + ", ".join(f"{each.asset} {each.free + each.locked:f}" for each in event.balances)
        case BalanceUpdateEvent():
            words = f"{event.asset} {event.delta:+f} from outside"
        case Reconnected():
            words = f"reconnected ({event.reason}); what was missed follows"
        case RecoveredTrade():
            trade = event.trade
            words = f"missed trade {trade.id} of order {trade.order_id}: {trade.quantity} at {trade.price}"
        case RecoveredOrder():
            words = f"missed change of order {event.order.order_id}: {event.order.status}"
        case _:
            words = type(event).__name__
    return words


async def listen(name: str, events: Subscription[Any], unexplained: asyncio.Event) -> None:
    """Print events until the stream is closed; an error among them does not end it."""
    while True:
        try:
            async for event in events:
                print(f"{name}: {in_words(event)}")
        except BalanceUnexplained as error:
            print(f"{name}: {error}")
            unexplained.set()
        else:
            return


async def trade_and_cut(exchange: LocalExchange, binance: Binance, other: Binance) -> None:
    """An order, an order that is filled while the listeners are away, and money that comes in meanwhile."""
    await binance.orders.place_market(SYMBOL, Side.SELL, quantity=QUANTITY)
    await other.orders.place_market(SYMBOL, Side.BUY, quantity=QUANTITY)
    book = await binance.call(DepthRequest(symbol=SYMBOL, limit=1))
    order = await binance.orders.place_limit(SYMBOL, Side.BUY, quantity=QUANTITY, price=book.bids[0].price + TICK)
    exchange.fault("refuse", seconds=300)  # nobody gets in until this is taken back
    exchange.fault("drop", connection="api", count=1)  # the oldest connection, which is that of the listeners
    exchange.deposit(1001, "BNB", "5")
    await other.orders.place_market(SYMBOL, Side.SELL, quantity=QUANTITY)
    await order.filled()
    exchange.clear_faults()


async def follow() -> None:
    """Two accounts, of which the first trades."""
    patient = Backoff(initial=0.2)
    unexplained = asyncio.Event()
    async with LocalExchange([SYMBOL], rate=STILL) as exchange:
        first, second = exchange.demo_keys
        user = UserStream(exchange.endpoint, first.ed25519, second.hmac, backoff=patient)
        listeners = [
            asyncio.create_task(listen("first", user.subscribe(first.ed25519, control=True), unexplained)),
            asyncio.create_task(listen("second", user.subscribe(second.hmac, control=True), unexplained)),
        ]
        await user.wait_subscribed()
        exchange.deposit(1002, "USDT", "100")
        async with (
            Binance(exchange.endpoint, first.ed25519) as binance,
            Binance(exchange.endpoint, second.ed25519) as other,
        ):
            await trade_and_cut(exchange, binance, other)
        await user.wait_subscribed()
        await unexplained.wait()  # the deposit: it was missed, and no trade explains it
        open_orders, balances = user.state(first.ed25519).open_orders, user.state(first.ed25519).balances
        print(f"now: {len(open_orders)} open orders, {balances['BNB'].free} BNB")
        await user.close()
        await asyncio.gather(*listeners)


def main() -> None:
    """Read the arguments and run."""
    argparse.ArgumentParser(description="Hear what happens to two accounts, and what was missed.").parse_args()
    asyncio.run(follow())


if __name__ == "__main__":
    main()
