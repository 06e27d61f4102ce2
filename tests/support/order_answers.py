"""What the exchange answers about one order, as typed replies."""

from __future__ import annotations

from decimal import Decimal

from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import AmendedOrder, AmendResponse, Order, OrderResponse, OrderStatus

SYMBOL = "BTCUSDT"
NOW_US = 1_000_000_000_000_000
"""The exchange's time."""


def details(number=1, name="mine", *, quantity="1", executed="0", status=OrderStatus.NEW):
    return {
        "symbol": SYMBOL,
        "order_id": number,
        "order_list_id": -1,
        "client_order_id": name,
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "original_quantity": Decimal(quantity),
        "executed_quantity": Decimal(executed),
        "cumulative_quote_quantity": Decimal(executed) * 100,
        "status": status,
    }


def reply(number=1, name="mine", **more):
    return OrderResponse(transact_time=NOW_US, **details(number, name, **more))


def answer(number=1, name="mine", **more):
    return Order(time=NOW_US, update_time=NOW_US, is_working=True, **details(number, name, **more))


def amended(quantity, number=1):
    order = AmendedOrder(
        symbol=SYMBOL,
        order_id=number,
        order_list_id=-1,
        original_client_order_id="mine",
        client_order_id="mine",
        price=Decimal(100),
        quantity=Decimal(quantity),
        executed_quantity=Decimal(0),
        prevented_quantity=Decimal(0),
        original_quote_quantity=Decimal(0),
        cumulative_quote_quantity=Decimal(0),
        status=OrderStatus.NEW,
        time_in_force=TimeInForce.GTC,
        type=OrderType.LIMIT,
        side=Side.BUY,
        self_trade_prevention_mode=SelfTradePreventionMode.NONE,
    )
    return AmendResponse(transact_time=NOW_US, execution_id=9, amended_order=order)
