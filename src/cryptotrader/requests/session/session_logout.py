"""``session.logout``: forget the key that the connection is logged on with."""

from __future__ import annotations

from cryptotrader.models.account_models import SessionStatus
from cryptotrader.protocol.request import Method, Request


class SessionLogoutRequest(Request[SessionStatus], frozen=True, kw_only=True):
    """Forget the key that the connection is logged on with."""

    api = Method("session.logout", weight=2, source="Authentication requests")
