"""What happens to a stream besides its data.

``ServerShutdown`` comes from Binance; ``Reconnected`` and ``Gap`` are told by this library.
"""

from __future__ import annotations

from cryptotrader.models.base_models import Model


class ServerShutdown(Model, frozen=True, kw_only=True, tag_field="e", tag="serverShutdown", rename={"event_time": "E"}):
    """The server goes down; the connection is replaced at once."""

    event_time: int


class Reconnected(Model, frozen=True, kw_only=True):
    """A lost connection is back and its streams are subscribed again; streams without ids may have lost events.

    Attributes:
        streams: The streams that were interrupted.
        lost_ns: When the old connection was known lost, in nanoseconds of Unix time.
        back_ns: When the new one was subscribed, in nanoseconds of Unix time.
        reason: Why the old one ended.
    """

    streams: tuple[str, ...]
    lost_ns: int
    back_ns: int
    reason: str


class Gap(Model, frozen=True, kw_only=True):
    """Trades ``first`` to ``last`` are missing and could not be fetched.

    Attributes:
        symbol: Which symbol.
        first: First missing trade id.
        last: Last missing trade id.
        why: What kept them from being fetched.
    """

    symbol: str
    first: int
    last: int
    why: str = ""
