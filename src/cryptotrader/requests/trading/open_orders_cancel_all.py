"""``openOrders.cancelAll``: cancel all open orders of a symbol."""

from __future__ import annotations

from cryptotrader.models.order_models import CancelReport, OrderListCancelReport
from cryptotrader.protocol.request import Method, Request, SecurityType


class OpenOrdersCancelAllRequest(Request[list[CancelReport | OrderListCancelReport]], frozen=True, kw_only=True):
    """Cancel all open orders of a symbol."""

    api = Method(
        "openOrders.cancelAll",
        security=SecurityType.TRADE,
        weight=1,
        orders=0,
        free_on_success=True,
        source="Trading requests",
    )

    symbol: str
