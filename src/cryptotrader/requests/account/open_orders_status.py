"""``openOrders.status``: ask for the open orders."""

from __future__ import annotations

from cryptotrader.models.order_models import Order
from cryptotrader.protocol.request import Method, Request, SecurityType, WhenGiven


class OpenOrdersStatusRequest(Request[list[Order]], frozen=True, kw_only=True):
    """Ask for the open orders."""

    api = Method(
        "openOrders.status",
        security=SecurityType.USER_DATA,
        weight=WhenGiven("symbol", weight=6, otherwise=80),
        source="Account requests",
    )

    symbol: str | None = None
