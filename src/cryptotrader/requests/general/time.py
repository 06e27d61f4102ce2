"""``time``: ask for the clock of the exchange."""

from __future__ import annotations

from cryptotrader.models.market_models import ServerTime
from cryptotrader.protocol.request import Method, Request


class TimeRequest(Request[ServerTime], frozen=True, kw_only=True):
    """Ask for the clock of the exchange."""

    api = Method("time", weight=1, source="General requests > Check server time")
