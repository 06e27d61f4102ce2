"""The door of the exchange: who may connect, and the plain HTTP reads beside it.

All clients over sockets count as one address, as clients behind one router do; those in memory as another.
"""

from __future__ import annotations

import math

import msgspec

from cryptotrader.simulator.api_session import ApiSession
from cryptotrader.simulator.faults import FaultKind
from cryptotrader.simulator.limits import AddressLimits
from cryptotrader.simulator.rest import answer_rest
from cryptotrader.simulator.session import ExchangeSession, Surroundings
from cryptotrader.simulator.stream_session import StreamSession
from cryptotrader.simulator.target import parse_target
from cryptotrader.transport.serving import PlainAnswer, Refusal

_REFUSE = frozenset({FaultKind.REFUSE})
_UNAVAILABLE = 503


class Reception:
    """Decides on handshakes.

    Args:
        surroundings: What the sessions that it opens share.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._sockets = AddressLimits(surroundings.limits)
        self._memory = AddressLimits(surroundings.limits)

    def admit_over_socket(self, raw: bytes) -> ExchangeSession | Refusal:
        """Decide on a handshake by its path and query."""
        return self._admit(raw, self._sockets)

    def admit_in_memory(self, raw: bytes) -> ExchangeSession | Refusal:
        """Decide on a handshake by its path and query."""
        return self._admit(raw, self._memory)

    def answer_rest(self, target: str) -> PlainAnswer:
        """Answer an HTTP GET."""
        now_us = self._surroundings.clock()
        self._surroundings.advance(now_us)
        return answer_rest(self._surroundings.exchange, self._sockets, target, now_us)

    def ban(self, now_us: int, seconds: float) -> None:
        """Shut every address out."""
        for address in (self._sockets, self._memory):
            address.ban(now_us, seconds)

    def lift_bans(self) -> None:
        """Let every address in again."""
        for address in (self._sockets, self._memory):
            address.lift_ban()

    def _admit(self, raw: bytes, address: AddressLimits) -> ExchangeSession | Refusal:
        surroundings = self._surroundings
        now_us, limits = surroundings.clock(), surroundings.limits
        target = parse_target(raw, limits)
        if isinstance(target, Refusal):
            return target
        if surroundings.faults.hits(_REFUSE, target.kind):
            return Refusal(_UNAVAILABLE)
        excess = address.connect(now_us, limits.connect_weight if target.kind == "api" else 0)
        if excess is not None:
            body = msgspec.json.encode(excess.error(now_us // 1000, excess.until_us // 1000))
            return Refusal(excess.status, body, math.ceil((excess.until_us - now_us) / 1e6))
        kind = ApiSession if target.kind == "api" else StreamSession
        return kind(surroundings, address, target)
