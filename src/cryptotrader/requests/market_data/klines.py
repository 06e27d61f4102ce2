"""``klines``: ask for candles."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import KlineInterval
from cryptotrader.models.market_models import Kline
from cryptotrader.protocol.request import TIME_ZONE, Method, Request


class KlinesRequest(Request[list[Kline]], frozen=True, kw_only=True):
    """Ask for candles."""

    api = Method("klines", weight=2, source="Market data requests")

    symbol: str
    interval: KlineInterval
    start_time: int | None = None
    end_time: int | None = None
    time_zone: Annotated[str, Meta(pattern=TIME_ZONE)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] | None = None
