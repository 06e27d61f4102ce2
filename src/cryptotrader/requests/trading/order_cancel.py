"""``order.cancel``: cancel an order, and the whole list where it belongs to one."""

from __future__ import annotations

from cryptotrader.models.order_models import CancelReport, CancelRestrictions, OrderListCancelReport
from cryptotrader.protocol.order_rules import BY_ORDER
from cryptotrader.protocol.request import ClientOrderId, Method, OrderNumber, Request, SecurityType


class OrderCancelRequest(Request[CancelReport | OrderListCancelReport], frozen=True, kw_only=True):
    """Cancel an order, and the whole list where it belongs to one."""

    api = Method(
        "order.cancel",
        security=SecurityType.TRADE,
        weight=1,
        orders=0,
        free_on_success=True,
        rules=(BY_ORDER,),
        source="Trading requests",
    )

    symbol: str
    order_id: OrderNumber | None = None
    orig_client_order_id: str | None = None
    new_client_order_id: ClientOrderId | None = None
    cancel_restrictions: CancelRestrictions | None = None
