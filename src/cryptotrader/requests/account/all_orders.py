"""``allOrders``: ask for all orders of a symbol, open or not."""

from __future__ import annotations

from cryptotrader.models.order_models import Order
from cryptotrader.protocol.request import Limit, Method, OrderNumber, Request, SecurityType, Whole
from cryptotrader.protocol.rules import MaxHours


class AllOrdersRequest(Request[list[Order]], frozen=True, kw_only=True):
    """Ask for all orders of a symbol, open or not."""

    api = Method(
        "allOrders", security=SecurityType.USER_DATA, weight=20, rules=(MaxHours(24),), source="Account requests"
    )

    symbol: str
    order_id: OrderNumber | None = None
    start_time: Whole | None = None
    end_time: Whole | None = None
    limit: Limit | None = None
