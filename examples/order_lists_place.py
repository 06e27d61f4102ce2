"""Place order lists of every kind, and see one order of a pair end the other.

Runs an exchange inside of this program.

python examples/order_lists_place.py
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal

from cryptotrader import Binance, OrderOptions, OrderType, PlacedOrderList, Side, TimeInForce
from cryptotrader.order_stream import OrderListRequest
from cryptotrader.requests import (
    AvgPriceRequest,
    DepthRequest,
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
)
from cryptotrader.simulator import LocalExchange

SYMBOL = "BTCUSDT"
SMALL = Decimal("0.001")
STILL = 0.001
"""Trades a second: as good as nobody else trades."""
BUY, SELL = Side.BUY, Side.SELL
LIMIT, LIMIT_MAKER, STOP_LOSS = OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS
GTC = TimeInForce.GTC


def lists(low: Decimal, high: Decimal) -> dict[str, OrderListRequest]:
    """One of each kind; the market's price lies between ``low`` and ``high``."""
    return {
        "OCO, one cancels the other": OrderListPlaceOcoRequest(
            symbol=SYMBOL,
            side=SELL,
            quantity=SMALL,
            above_type=LIMIT_MAKER,
            above_price=high,
            below_type=STOP_LOSS,
            below_stop_price=low,
        ),
        "OTO, one triggers the other": OrderListPlaceOtoRequest(
            symbol=SYMBOL,
            working_type=LIMIT,
            working_side=BUY,
            working_price=low,
            working_quantity=SMALL,
            working_time_in_force=GTC,
            pending_type=LIMIT_MAKER,
            pending_side=SELL,
            pending_price=high,
            pending_quantity=SMALL,
        ),
        "OTOCO, one triggers a pair": OrderListPlaceOtocoRequest(
            symbol=SYMBOL,
            working_type=LIMIT,
            working_side=BUY,
            working_price=low,
            working_quantity=SMALL,
            working_time_in_force=GTC,
            pending_side=SELL,
            pending_quantity=SMALL,
            pending_above_type=LIMIT_MAKER,
            pending_above_price=high,
            pending_below_type=STOP_LOSS,
            pending_below_stop_price=low * Decimal("0.98"),
        ),
        "OPO, one pays for the other": OrderListPlaceOpoRequest(
            symbol=SYMBOL,
            working_type=LIMIT,
            working_side=BUY,
            working_price=low,
            working_quantity=SMALL,
            working_time_in_force=GTC,
            pending_type=LIMIT_MAKER,
            pending_side=SELL,
            pending_price=high,
        ),
        "OPOCO, one pays for a pair": OrderListPlaceOpocoRequest(
            symbol=SYMBOL,
            working_type=LIMIT,
            working_side=BUY,
            working_price=low,
            working_quantity=SMALL,
            working_time_in_force=GTC,
            pending_side=SELL,
            pending_above_type=LIMIT_MAKER,
            pending_above_price=high,
            pending_below_type=STOP_LOSS,
            pending_below_stop_price=low * Decimal("0.98"),
        ),
    }


def tell(what: str, placed: PlacedOrderList) -> None:
    """Print how a list stands."""
    print(f"{what}: {placed.status}")
    for order in placed.orders:
        quantity = "quantity not yet known" if order.quantity is None else f"{order.quantity:f}"
        print(f"  {order.side} {order.type} {quantity}: {order.status}")


async def place_each() -> None:
    """Place, print, take back; and let one pair come to its end."""
    options = OrderOptions(round_to_filters=True)
    async with LocalExchange([SYMBOL], rate=STILL) as exchange:
        ours, theirs = exchange.demo_keys
        async with (
            Binance(exchange.endpoint, ours.ed25519, order_options=options) as binance,
            Binance(exchange.endpoint, theirs.ed25519) as other,
        ):
            price = (await binance.call(AvgPriceRequest(symbol=SYMBOL))).price
            for what, request in lists(price * Decimal("0.98"), price * Decimal("1.02")).items():
                placed = await binance.orders.place_list(request)
                tell(what, placed)
                await placed.cancel()
            book = await binance.call(DepthRequest(symbol=SYMBOL, limit=1))
            near = OrderListPlaceOcoRequest(
                symbol=SYMBOL,
                side=SELL,
                quantity=SMALL,
                above_type=LIMIT_MAKER,
                above_price=book.asks[0].price - Decimal("0.01"),
                below_type=STOP_LOSS,
                below_stop_price=price * Decimal("0.98"),
            )
            placed = await binance.orders.place_list(near)
            await other.orders.place_market(SYMBOL, BUY, quantity=SMALL)  # takes the best offer, which is ours
            tell("OCO at its end", await placed.done())


def main() -> None:
    """Read the arguments and run."""
    argparse.ArgumentParser(description="Place order lists of every kind.").parse_args()
    asyncio.run(place_each())


if __name__ == "__main__":
    main()
