"""``trades.recent``: ask for the newest trades."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.market_models import Trade
from cryptotrader.protocol.request import Method, Request


class TradesRecentRequest(Request[list[Trade]], frozen=True, kw_only=True):
    """Ask for the newest trades."""

    api = Method("trades.recent", weight=25, source="Market data requests > Recent trades")

    symbol: str
    limit: Annotated[int, Meta(ge=1, le=1000, extra_json_schema={"default": 500})] | None = None
