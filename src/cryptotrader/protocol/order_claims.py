"""Which order can be the one that was sent under a client order id: Binance takes an id again once its order has ended.

Sans-I/O: times are arguments, this machine's in seconds of the event loop's clock, the exchange's in microseconds of
Unix time.

Source: Binance Spot documentation, "Timing security": a timestamp may be a second ahead of the exchange's clock.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

REMEMBERED_NUMBERS = 10_000
"""Order ids that are recognised; older ones are told apart by the time of their order."""

AHEAD_US = 1_000_000
"""What the exchange accepted bore a timestamp that was less than this ahead of its clock."""


class Claim(NamedTuple):
    """What is known of the moment before an order was sent.

    Attributes:
        sent_at: This machine's time; minus infinity where it is not known.
        not_before: The exchange's time, as it was known then; 0 where it is not known.
        heard: How many order ids had been heard of.
        is_own: The client order id is the caller's own; ids that are made up are never used twice.
    """

    sent_at: float
    not_before: int
    heard: int
    is_own: bool

    def earliest(self, now: float, exchange_now: int) -> int:
        """The exchange's time before which no order can be the one that was sent.

        What is known of the exchange's clock by now counts, too: it may have been corrected since.
        """
        if not self.not_before:
            return 0
        return min(self.not_before, exchange_now - round((now - self.sent_at) * 1e6)) - AHEAD_US


class HeardNumbers:
    """The order ids that were heard of, in the order in which they were; the newest are remembered.

    Attributes:
        count: How many there were.
    """

    def __init__(self) -> None:
        self.count = 0
        self._places: OrderedDict[tuple[str, int], int] = OrderedDict()

    def add(self, symbol: str, number: int) -> None:
        """An order id was heard of."""
        if (symbol, number) in self._places:
            return
        self._places[symbol, number] = self.count
        self.count += 1
        if len(self._places) > REMEMBERED_NUMBERS:
            self._places.popitem(last=False)

    def is_before(self, claim: Claim, symbol: str, number: int) -> bool:
        """Whether an order id was heard of before an order was sent: it is another order's."""
        return self._places.get((symbol, number), claim.heard) < claim.heard
