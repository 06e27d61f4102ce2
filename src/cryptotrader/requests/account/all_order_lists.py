"""``allOrderLists``: ask for all order lists, open or not."""

from __future__ import annotations

from cryptotrader.models.order_models import OrderList
from cryptotrader.protocol.request import Limit, Method, OrderNumber, Request, SecurityType, Whole
from cryptotrader.protocol.rules import MaxHours


class AllOrderListsRequest(Request[list[OrderList]], frozen=True, kw_only=True):
    """Ask for all order lists, open or not."""

    api = Method(
        "allOrderLists", security=SecurityType.USER_DATA, weight=20, rules=(MaxHours(24),), source="Account requests"
    )

    from_id: OrderNumber | None = None
    start_time: Whole | None = None
    end_time: Whole | None = None
    limit: Limit | None = None
