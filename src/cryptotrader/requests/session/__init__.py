"""Requests of the group ``session``, one file each."""

from cryptotrader.requests.session.session_logon import SessionLogonRequest
from cryptotrader.requests.session.session_logout import SessionLogoutRequest
from cryptotrader.requests.session.session_status import SessionStatusRequest
from cryptotrader.requests.session.session_subscriptions import SessionSubscriptionsRequest

__all__ = [
    "SessionLogonRequest",
    "SessionLogoutRequest",
    "SessionStatusRequest",
    "SessionSubscriptionsRequest",
]
