"""Place an order of every type, by its shortest call, and take back those that rest.

Runs an exchange inside of this program.

python examples/order_types_place.py
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from cryptotrader import Binance, OrderOptions, OrderStream, OrderType, PlacedOrder, Side, TimeInForce
from cryptotrader.models.base_models import SelfTradePreventionMode
from cryptotrader.models.order_models import PegPriceType
from cryptotrader.requests import AvgPriceRequest
from cryptotrader.simulator import LocalExchange

SYMBOL = "BTCUSDT"
SMALL = Decimal("0.001")
STILL = 0.001
"""Trades a second: as good as nobody else trades, so that what rests in the book rests until it is taken back."""
BUY, SELL = Side.BUY, Side.SELL


def placements(orders: OrderStream, price: Decimal) -> dict[str, Callable[[], Awaitable[PlacedOrder]]]:
    """A call for each type; ``price`` is about what the market asks."""
    low, lower, high, higher = (price * Decimal(factor) for factor in ("0.98", "0.97", "1.02", "1.03"))
    return {
        "limit": lambda: orders.place_limit(SYMBOL, BUY, quantity=SMALL, price=low),
        "limit, now or never": lambda: orders.place_limit(
            SYMBOL, BUY, quantity=SMALL, price=low, time_in_force=TimeInForce.IOC
        ),
        "limit, post only": lambda: orders.place_limit_maker(SYMBOL, BUY, quantity=SMALL, price=low),
        "limit, iceberg": lambda: orders.place_limit(SYMBOL, BUY, quantity=SMALL, price=low, iceberg_qty=SMALL / 4),
        "limit, pegged to the best price": lambda: orders.place(
            SYMBOL,
            BUY,
            OrderType.LIMIT,
            quantity=SMALL,
            time_in_force=TimeInForce.GTC,
            peg_price_type=PegPriceType.PRIMARY_PEG,
        ),
        "market": lambda: orders.place_market(SYMBOL, BUY, quantity=SMALL),
        "market, by what it costs": lambda: orders.place_market(SYMBOL, BUY, quote_quantity="100"),
        "stop loss": lambda: orders.place(SYMBOL, SELL, OrderType.STOP_LOSS, quantity=SMALL, stop_price=low),
        "stop loss, then limit": lambda: orders.place(
            SYMBOL,
            SELL,
            OrderType.STOP_LOSS_LIMIT,
            quantity=SMALL,
            stop_price=low,
            price=lower,
            time_in_force=TimeInForce.GTC,
        ),
        "stop loss, trailing by 1%": lambda: orders.place(
            SYMBOL, SELL, OrderType.STOP_LOSS, quantity=SMALL, trailing_delta=100
        ),
        "take profit": lambda: orders.place(SYMBOL, SELL, OrderType.TAKE_PROFIT, quantity=SMALL, stop_price=high),
        "take profit, then limit": lambda: orders.place(
            SYMBOL,
            SELL,
            OrderType.TAKE_PROFIT_LIMIT,
            quantity=SMALL,
            stop_price=high,
            price=higher,
            time_in_force=TimeInForce.GTC,
        ),
        "with an id and a strategy of your own": lambda: orders.place_limit(
            SYMBOL,
            BUY,
            quantity=SMALL,
            price=low,
            new_client_order_id="mine-1",
            strategy_id=7,
            strategy_type=1_000_001,
            self_trade_prevention_mode=SelfTradePreventionMode.EXPIRE_TAKER,
        ),
        "routed over several books": lambda: orders.place_routed(SYMBOL, BUY, OrderType.MARKET, quantity=SMALL),
    }


async def place_each() -> None:
    """Place, print, take back."""
    async with LocalExchange([SYMBOL, "BTCUSDC"], rate=STILL) as exchange:
        key = exchange.demo_keys[0].ed25519
        async with Binance(exchange.endpoint, key, order_options=OrderOptions(round_to_filters=True)) as binance:
            average = await binance.call(AvgPriceRequest(symbol=SYMBOL))
            for what, place in placements(binance.orders, average.price).items():
                order = await place()
                print(f"{what}: {order.side} {order.type}, {order.status}, {order.executed_quantity} executed")
                if not order.is_done:
                    await order.cancel()


def main() -> None:
    """Read the arguments and run."""
    argparse.ArgumentParser(description="Place an order of every type.").parse_args()
    asyncio.run(place_each())


if __name__ == "__main__":
    main()
