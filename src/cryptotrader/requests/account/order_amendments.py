"""``order.amendments``: ask for the amendments of an order."""

from __future__ import annotations

from cryptotrader.models.account_models import Amendment
from cryptotrader.protocol.request import Limit, Method, OrderNumber, Request, SecurityType


class OrderAmendmentsRequest(Request[list[Amendment]], frozen=True, kw_only=True):
    """Ask for the amendments of an order."""

    api = Method("order.amendments", security=SecurityType.USER_DATA, weight=4, source="Account requests")

    symbol: str
    order_id: OrderNumber
    from_execution_id: OrderNumber | None = None
    limit: Limit | None = None
