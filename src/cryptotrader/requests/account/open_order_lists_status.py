"""``openOrderLists.status``: ask for the open order lists."""

from __future__ import annotations

from cryptotrader.models.order_models import OrderList
from cryptotrader.protocol.request import Method, Request, SecurityType


class OpenOrderListsStatusRequest(Request[list[OrderList]], frozen=True, kw_only=True):
    """Ask for the open order lists."""

    api = Method("openOrderLists.status", security=SecurityType.USER_DATA, weight=6, source="Account requests")
