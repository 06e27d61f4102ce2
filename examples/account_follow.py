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
from cryptotrader.requests import AvgPriceRequest
from cryptotrader.simulator import LocalExchange

SYMBOL = "BTCUSDT"
QUANTITY = Decimal("0.001")


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


async def listen(name: str, events: Subscription[Any]) -> None:
    """Print events until the stream is closed; an error among them does not end it."""
    while True:
        try:
            async for event in events:
                print(f"{name}: {in_words(event)}")
        except BalanceUnexplained as error:
            print(f"{name}: {error}")
        else:
            return


async def trade_and_cut(exchange: LocalExchange, binance: Binance) -> None:
    """An order, an order that is filled while nobody can hear of it, and money that comes in meanwhile."""
    await binance.orders.place_market(SYMBOL, Side.SELL, quantity=QUANTITY)
    price = (await binance.call(AvgPriceRequest(symbol=SYMBOL))).price.quantize(Decimal("0.01"))
    order = await binance.orders.place_limit(SYMBOL, Side.BUY, quantity=QUANTITY, price=price - 1)
    exchange.fault("refuse", seconds=1.0)
    exchange.fault("drop", connection="api")
    exchange.deposit(1001, "BNB", "5")
    await order.filled(timeout=30)  # what was missed makes its way here, too


async def follow() -> None:
    """Two accounts, of which the first trades."""
    patient = Backoff(initial=0.2)
    async with LocalExchange([SYMBOL], rate=400) as exchange:
        first, second = exchange.demo_keys
        user = UserStream(exchange.endpoint, first.ed25519, second.hmac, backoff=patient)
        listeners = [
            asyncio.create_task(listen("first", user.subscribe(first.ed25519, control=True))),
            asyncio.create_task(listen("second", user.subscribe(second.hmac, control=True))),
        ]
        await user.wait_subscribed()
        exchange.deposit(1002, "USDT", "100")
        async with Binance(exchange.endpoint, first.ed25519, backoff=patient) as binance:
            await trade_and_cut(exchange, binance)
            await user.wait_subscribed()
            await asyncio.sleep(0.1)
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
