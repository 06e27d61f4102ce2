"""``orderList.status``: ask for one order list."""

from __future__ import annotations

from cryptotrader.models.order_models import OrderList
from cryptotrader.protocol.request import Method, OrderNumber, Request, SecurityType
from cryptotrader.protocol.rules import AtLeastOne


class OrderListStatusRequest(Request[OrderList], frozen=True, kw_only=True):
    """Ask for one order list."""

    api = Method(
        "orderList.status",
        security=SecurityType.USER_DATA,
        weight=4,
        rules=(AtLeastOne(("orig_client_order_id", "order_list_id")),),
        source="Account requests",
    )

    orig_client_order_id: str | None = None
    order_list_id: OrderNumber | None = None
