"""``session.logon``: authenticate the connection with an Ed25519 key."""

from __future__ import annotations

from cryptotrader.models.account_models import SessionStatus
from cryptotrader.protocol.request import Method, Request, SecurityType, Signing


class SessionLogonRequest(Request[SessionStatus], frozen=True, kw_only=True):
    """Authenticate the connection with an Ed25519 key."""

    api = Method(
        "session.logon",
        security=SecurityType.SIGNED,
        weight=2,
        signing=Signing.ALWAYS,
        source="Authentication requests",
    )
