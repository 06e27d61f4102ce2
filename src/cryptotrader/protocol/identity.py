"""Who sends a request: a key, and the order budget of its account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptotrader.protocol.limits import OrderBudget


class Key(Protocol):
    """What signs requests for an account."""

    @property
    def api_key(self) -> str:
        """The key's public name."""

    @property
    def can_log_on(self) -> bool:
        """Whether a session can be logged on with it (Ed25519)."""

    def sign(self, payload: str) -> str:
        """The signature of a payload, as it is sent."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends a request.

    Attributes:
        key: Signs it.
        orders: The order budget of the key's account.
        ad_hoc: Sign this request, even if the session is logged on with another key.
    """

    key: Key
    orders: OrderBudget
    ad_hoc: bool = False
