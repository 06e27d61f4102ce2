"""``myTrades``: ask for the account's own trades."""

from __future__ import annotations

from cryptotrader.models.account_models import AccountTrade
from cryptotrader.protocol.request import Limit, Method, OrderNumber, Request, SecurityType, WhenGiven, Whole
from cryptotrader.protocol.rules import MaxHours, NotWith


class MyTradesRequest(Request[list[AccountTrade]], frozen=True, kw_only=True):
    """Ask for the account's own trades."""

    api = Method(
        "myTrades",
        security=SecurityType.USER_DATA,
        weight=WhenGiven("order_id", weight=5, otherwise=20),
        rules=(
            NotWith("order_id", ("start_time", "end_time")),
            NotWith("from_id", ("start_time", "end_time")),
            MaxHours(24),
        ),
        source="Account requests",
    )

    symbol: str
    order_id: OrderNumber | None = None
    start_time: Whole | None = None
    end_time: Whole | None = None
    from_id: OrderNumber | None = None
    limit: Limit | None = None
