"""How far the exchange's clock is ahead of this one, estimated from round trips.

Source: Binance Spot documentation, "Timing security": a timestamp may be a second ahead, and ``recvWindow`` old.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

KEPT_SAMPLES = 8


class _Sample(NamedTuple):
    round_trip: float
    offset: float


class ClockOffset:
    """The offset of the round trip that was shortest lately: its error is at most half of that trip.

    Times are seconds of Unix time.

    Attributes:
        offset: Seconds to add to this clock; what was known last while nothing is known, and 0 before anything was.
        uncertainty: Largest error of ``offset``, in seconds; infinite while nothing is known.
    """

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=KEPT_SAMPLES)
        self.offset = 0.0
        self.uncertainty = float("inf")

    @property
    def is_known(self) -> bool:
        """Whether there is any sample."""
        return bool(self._samples)

    def observe(self, sent: float, received: float, server: float) -> None:
        """Take a sample: when a request was sent, when its reply came, and what the server's clock said in between."""
        round_trip = max(0.0, received - sent)
        self._samples.append(_Sample(round_trip, server - (sent + received) / 2))
        best = min(self._samples)
        self.offset, self.uncertainty = best.offset, best.round_trip / 2

    def forget(self) -> None:
        """Trust no sample any more: one of the clocks was set."""
        self._samples.clear()
        self.uncertainty = float("inf")
