"""``ping``: test the connection."""

from __future__ import annotations

from cryptotrader.models.market_models import Empty
from cryptotrader.protocol.request import Method, Request


class PingRequest(Request[Empty], frozen=True, kw_only=True):
    """Test the connection."""

    api = Method("ping", weight=1, source="General requests > Test connectivity")
