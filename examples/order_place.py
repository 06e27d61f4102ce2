"""Place orders, wait for them, hear the account's events, cancel, and look at the account. Not for the live exchange.

The key comes from the environment: BINANCE_API_KEY and BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE.

python examples/order_place.py --endpoint local
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal

from cryptotrader import Binance, Endpoint, OrderOptions, Side
from cryptotrader.config import endpoint_named
from cryptotrader.credentials import Credentials, from_environment
from cryptotrader.models.user_models import AccountPositionEvent, ExecutionReportEvent
from cryptotrader.requests import AccountStatusRequest, AvgPriceRequest


def tell(event: object, _received_ns: int) -> None:
    """Print what happens to the account, whoever caused it."""
    if isinstance(event, ExecutionReportEvent):
        print(f"  event: order {event.order_id} {event.execution_type}, now {event.status}")
    elif isinstance(event, AccountPositionEvent):
        balances = (f"{each.asset} {each.free:f} free {each.locked:f} locked" for each in event.balances)
        print(f"  event: balances {', '.join(balances)}")


async def trade(endpoint: Endpoint, key: Credentials, symbol: str, quantity: str) -> None:
    """Place an order that rests and one that trades."""
    async with Binance(endpoint, key, order_options=OrderOptions(round_to_filters=True)) as binance:
        binance.user.subscribe(callback=tell)
        await binance.user.wait_subscribed()
        average = await binance.call(AvgPriceRequest(symbol=symbol))

        low = average.price * Decimal("0.95")
        resting = await binance.orders.place_limit(symbol, Side.BUY, quantity=quantity, price=low)
        print(f"order {resting.order_id} buys {resting.quantity} at {resting.price}: {resting.status}")
        await resting.cancel()
        print(f"order {resting.order_id}: {resting.status}")

        bought = await binance.orders.place_market(symbol, Side.BUY, quantity=quantity)
        await bought.filled(timeout=60)  # raises OrderNotFilled when it ends in another way
        print(f"order {bought.order_id} bought {bought.executed_quantity} at {bought.average_price}")
        for fill in bought.fills:
            cost = f"{fill.commission} {fill.commission_asset}"
            print(f"  trade {fill.trade_id}: {fill.quantity} at {fill.price}, commission {cost}")

        account = await binance.call(AccountStatusRequest(omit_zero_balances=True))
        for balance in account.balances:
            print(f"{balance.asset}: {balance.free:f} free, {balance.locked:f} locked")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Place an order that rests and one that trades.")
    parser.add_argument("--endpoint", default="local", help="local, testnet, demo, or a ws:// address")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    parser.add_argument("--quantity", default="0.001", help="how much of it")
    arguments = parser.parse_args()
    endpoint = endpoint_named(arguments.endpoint)
    if endpoint.is_live:
        parser.error("orders cost money there: use local, testnet or demo")
    asyncio.run(trade(endpoint, from_environment(), arguments.symbol, arguments.quantity))


if __name__ == "__main__":
    main()
