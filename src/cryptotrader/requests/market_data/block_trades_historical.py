"""``blockTrades.historical``: ask for block trades from an id on."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.market_models import BlockTrade
from cryptotrader.protocol.request import Method, Request


class BlockTradesHistoricalRequest(Request[list[BlockTrade]], frozen=True, kw_only=True):
    """Ask for block trades from an id on."""

    api = Method("blockTrades.historical", weight=25, source="Market data requests > Historical Block Trades")

    symbol: str
    from_id: Annotated[int, Meta(ge=0)]
    limit: Annotated[int, Meta(ge=1, le=1000, extra_json_schema={"default": 500})] | None = None
