"""``trades.aggregate``: ask for aggregate trades."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.market_models import AggregateTrade
from cryptotrader.protocol.request import Method, Request, Whole
from cryptotrader.protocol.rules import NotWith


class TradesAggregateRequest(Request[list[AggregateTrade]], frozen=True, kw_only=True):
    """Ask for aggregate trades."""

    api = Method(
        "trades.aggregate",
        weight=4,
        rules=(NotWith("from_id", ("start_time", "end_time")),),
        source="Market data requests > Aggregate trades",
    )

    symbol: str
    from_id: Annotated[int, Meta(ge=0)] | None = None
    start_time: Whole | None = None
    end_time: Whole | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, extra_json_schema={"default": 500})] | None = None
