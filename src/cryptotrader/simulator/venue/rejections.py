"""How the venue refuses a command: one exception with Binance's code and text.

Sources: Binance Spot documentation, "Error codes" (messages of -1010, -2010, -2011, -2038) and "Filters".
"""

from __future__ import annotations

from cryptotrader.models.order_models import RejectReason

REFUSED = -1013
LIMIT_EXCEEDED = -1015
BAD_SYMBOL = -1121
NEW_ORDER_REJECTED = -2010
CANCEL_REJECTED = -2011
NO_SUCH_ORDER = -2013
ORDER_ARCHIVED = -2026
AMEND_REJECTED = -2038
CLIENT_ID_MISMATCH = -2039

INSUFFICIENT_BALANCE = "Account has insufficient balance for requested action."
WOULD_TAKE = "Order would immediately match and take."
WOULD_TRIGGER = "Order would trigger immediately."
BAD_LIST_PRICES = "The relationship of the prices for the orders is not correct."
DUPLICATE_ORDER = "Duplicate order sent."
UNKNOWN_ORDER = "Unknown order sent."
UNSUPPORTED_COMBINATION = "Unsupported order combination"

_REASONS = {
    INSUFFICIENT_BALANCE: RejectReason.INSUFFICIENT_BALANCES,
    WOULD_TAKE: RejectReason.WOULD_MATCH_IMMEDIATELY,
    WOULD_TRIGGER: RejectReason.STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY,
    BAD_LIST_PRICES: RejectReason.OCO_BAD_PRICES,
}


class Rejection(Exception):
    """A command that was refused; it changed nothing.

    Attributes:
        code: Binance's error code.
        message: Binance's text.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def reason(self) -> RejectReason:
        """What the execution report of a refused leg gives as reason."""
        return _REASONS.get(self.message, RejectReason.NONE)


def refused(message: str) -> Rejection:
    """Refused before it came to matching."""
    return Rejection(REFUSED, message)


def order_rejected(message: str) -> Rejection:
    """Matching does not take the order."""
    return Rejection(NEW_ORDER_REJECTED, message)


def cancel_rejected(message: str) -> Rejection:
    """Matching does not cancel."""
    return Rejection(CANCEL_REJECTED, message)


def amend_rejected(message: str) -> Rejection:
    """Matching does not amend."""
    return Rejection(AMEND_REJECTED, message)


def filter_failure(name: str, code: int = REFUSED) -> Rejection:
    """A filter is violated; amendments have a code of their own."""
    return Rejection(code, f"Filter failure: {name}")
