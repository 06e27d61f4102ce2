"""``orderList.cancel``: cancel an order list."""

from __future__ import annotations

from cryptotrader.models.order_models import OrderListCancelReport
from cryptotrader.protocol.request import ClientOrderId, Method, OrderNumber, Request, SecurityType
from cryptotrader.protocol.rules import AtLeastOne


class OrderListCancelRequest(Request[OrderListCancelReport], frozen=True, kw_only=True):
    """Cancel an order list."""

    api = Method(
        "orderList.cancel",
        security=SecurityType.TRADE,
        weight=1,
        orders=0,
        free_on_success=True,
        rules=(AtLeastOne(("order_list_id", "list_client_order_id")),),
        source="Trading requests",
    )

    symbol: str
    order_list_id: OrderNumber | None = None
    list_client_order_id: str | None = None
    new_client_order_id: ClientOrderId | None = None
