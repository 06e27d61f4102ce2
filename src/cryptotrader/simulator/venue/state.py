"""What an exchange remembers: plain values that msgspec writes and reads.

An exchange restored from them goes on exactly as the one that they were taken from. They are taken between commands:
nothing is half done in them.
"""

from __future__ import annotations

from msgspec import Struct, json

from cryptotrader.simulator.venue.desk import DeskState
from cryptotrader.simulator.venue.market import MarketState
from cryptotrader.simulator.venue.participants import CrowdState


class VenueState(Struct, frozen=True, kw_only=True):
    """A whole exchange. ``random`` is the state of its generator; times are microseconds, ``None`` for never."""

    now_us: int
    next_us: float | None
    interval_us: float | None
    random: list[int]
    markets: dict[str, MarketState]
    crowds: list[CrowdState]
    desk: DeskState

    def to_bytes(self) -> bytes:
        """As JSON, which unlike MessagePack has whole numbers of any size: amounts outgrow 64 bits."""
        return json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> VenueState:
        """From JSON.

        Raises:
            msgspec.MsgspecError: It is no state of this version.
        """
        return json.decode(data, type=cls)
