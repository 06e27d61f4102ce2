"""``trades.historical``: ask for trades from an id on."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.market_models import Trade
from cryptotrader.protocol.request import Method, Request


class TradesHistoricalRequest(Request[list[Trade]], frozen=True, kw_only=True):
    """Ask for trades from an id on."""

    api = Method("trades.historical", weight=25, source="Market data requests > Historical trades")

    symbol: str
    from_id: Annotated[int, Meta(ge=0)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, extra_json_schema={"default": 500})] | None = None
