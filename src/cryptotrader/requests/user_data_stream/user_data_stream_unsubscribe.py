"""``userDataStream.unsubscribe``: end one user data subscription, or all."""

from __future__ import annotations

from cryptotrader.models.market_models import Empty
from cryptotrader.protocol.request import Method, OrderNumber, Request


class UserDataStreamUnsubscribeRequest(Request[Empty], frozen=True, kw_only=True):
    """End one user data subscription, or all."""

    api = Method("userDataStream.unsubscribe", weight=2, source="User Data Stream requests")

    subscription_id: OrderNumber | None = None
