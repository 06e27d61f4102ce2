"""``session.status``: ask who the connection is logged on as."""

from __future__ import annotations

from cryptotrader.models.account_models import SessionStatus
from cryptotrader.protocol.request import Method, Request


class SessionStatusRequest(Request[SessionStatus], frozen=True, kw_only=True):
    """Ask who the connection is logged on as."""

    api = Method("session.status", weight=2, source="Authentication requests")
