"""``order.status``: ask for one order."""

from __future__ import annotations

from cryptotrader.models.order_models import Order
from cryptotrader.protocol.order_rules import BY_ORDER
from cryptotrader.protocol.request import Method, OrderNumber, Request, SecurityType


class OrderStatusRequest(Request[Order], frozen=True, kw_only=True):
    """Ask for one order."""

    api = Method(
        "order.status", security=SecurityType.USER_DATA, weight=4, rules=(BY_ORDER,), source="Account requests"
    )

    symbol: str
    order_id: OrderNumber | None = None
    orig_client_order_id: str | None = None
