"""``klines``: ask for candles."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import KlineInterval
from cryptotrader.models.market_models import Kline
from cryptotrader.protocol.request import Method, Request, TimeZone, Whole


class KlinesRequest(Request[list[Kline]], frozen=True, kw_only=True):
    """Ask for candles."""

    api = Method("klines", weight=2, source="Market data requests > Klines")

    symbol: str
    interval: KlineInterval
    start_time: Whole | None = None
    end_time: Whole | None = None
    time_zone: TimeZone | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, extra_json_schema={"default": 500})] | None = None
