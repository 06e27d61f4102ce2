"""How far the exchange's clock is ahead of this one, estimated from round trips.

Source: Binance Spot documentation, "Timing security": a timestamp may be a second ahead, and ``recvWindow`` old.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

KEPT_SAMPLES = 8
LOOK_SECONDS = 60.0
"""Longest time between two looks at the exchange's clock."""

_SECOND_LOOK_SECONDS = 10.0  # tells how fast the clocks drift apart
_SHORTEST_SECONDS = 5.0
_TOLERANCE = 0.1  # seconds that the clocks may drift between two looks
_GRANULARITY = 0.001  # of what the exchange tells


class _Sample(NamedTuple):
    round_trip: float
    offset: float
    received: float

    def contradicts(self, other: _Sample) -> bool:
        """Whether no offset fits both: one of the clocks was set between them, or drifts."""
        return abs(self.offset - other.offset) > (self.round_trip + other.round_trip) / 2 + _GRANULARITY


class ClockOffset:
    """The offset of the round trip that was shortest lately: its error is at most half of that trip.

    A sample that contradicts earlier ones replaces them, so that the offset follows clocks that drift or are set.
    Times are seconds of Unix time by this machine's clock.

    Attributes:
        offset: Seconds to add to this clock; what was known last while nothing is known, and 0 before anything was.
        uncertainty: Largest error of ``offset``, in seconds; infinite while nothing is known.
        good_for: Seconds after a sample until the next is wanted: fewer, the faster the clocks drifted apart lately.
    """

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=KEPT_SAMPLES)
        self.offset = 0.0
        self.uncertainty = float("inf")
        self.good_for = _SECOND_LOOK_SECONDS

    @property
    def is_known(self) -> bool:
        """Whether there is any sample."""
        return bool(self._samples)

    def observe(self, sent: float, received: float, server: float) -> None:
        """Take a sample: when a request was sent, when its reply came, and what the server's clock said in between."""
        sample = _Sample(max(0.0, received - sent), server - (sent + received) / 2, received)
        if self._samples:
            self.good_for = _good_for(self._samples[-1], sample)
            fitting = [each for each in self._samples if not sample.contradicts(each)]
            self._samples = deque(fitting, maxlen=KEPT_SAMPLES)
        self._samples.append(sample)
        best = min(self._samples)
        self.offset, self.uncertainty = best.offset, best.round_trip / 2

    def forget(self) -> None:
        """Trust no sample any more: one of the clocks was set."""
        self._samples.clear()
        self.uncertainty = float("inf")
        self.good_for = _SECOND_LOOK_SECONDS


def _good_for(last: _Sample, sample: _Sample) -> float:
    """Seconds until the clocks have drifted by the tolerance, at the rate at which they did between two samples."""
    moved = abs(sample.offset - last.offset)
    if not moved or not sample.contradicts(last):
        return LOOK_SECONDS
    wanted = (sample.received - last.received) * _TOLERANCE / moved
    return min(max(wanted, _SHORTEST_SECONDS), LOOK_SECONDS)
