"""``order.amend.keepPriority``: reduce an order's quantity without losing its place in the queue."""

from __future__ import annotations

from cryptotrader.models.order_models import AmendResponse
from cryptotrader.protocol.order_rules import BY_ORDER
from cryptotrader.protocol.request import Amount, ClientOrderId, Method, OrderNumber, Request, SecurityType


class OrderAmendKeepPriorityRequest(Request[AmendResponse], frozen=True, kw_only=True):
    """Reduce an order's quantity without losing its place in the queue."""

    api = Method(
        "order.amend.keepPriority", security=SecurityType.TRADE, weight=4, rules=(BY_ORDER,), source="Trading requests"
    )

    symbol: str
    order_id: OrderNumber | None = None
    orig_client_order_id: str | None = None
    new_client_order_id: ClientOrderId | None = None
    new_qty: Amount
