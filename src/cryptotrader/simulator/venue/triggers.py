"""Orders of one market that wait for a price: stops, take-profits and trailing stops.

Trailing rules from Binance Spot documentation, "Trailing stop orders": a sell order follows the highest price since its
activation, a buy order the lowest; it triggers once the price has turned by its delta (in basis points).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

from cryptotrader.simulator.venue.orders import NEVER, AccountOrder

_WHOLE = 10_000
"""Basis points of one."""


class Triggers:
    """Waiting orders, and those whose price was reached.

    Args:
        fired: Where triggered orders are put, oldest first; the market's desk takes them from there.
    """

    def __init__(self, fired: deque[AccountOrder]) -> None:
        self.fired = fired
        self.waiting: dict[int, AccountOrder] = {}
        self._above: list[tuple[int, int]] = []  # (stop price, order id) reached by a rising price, lowest first
        self._below: list[tuple[int, int]] = []  # the same with negated prices, for a falling price
        self._trailing: dict[int, AccountOrder] = {}

    def add(self, order: AccountOrder) -> None:
        """Let an order wait."""
        self.waiting[order.id] = order
        if order.trailing_delta:
            self._trailing[order.id] = order
        elif order.rises_to_stop:
            insort(self._above, (order.stop_price, order.id))
        else:
            insort(self._below, (-order.stop_price, order.id))

    def remove(self, order: AccountOrder) -> None:
        """Let an order wait no more."""
        if self.waiting.pop(order.id, None) is None:
            return
        if order.trailing_delta:
            del self._trailing[order.id]
            return
        rises = order.rises_to_stop
        queue = self._above if rises else self._below
        del queue[bisect_left(queue, (order.stop_price if rises else -order.stop_price, order.id))]

    def see(self, price: int, now_us: int) -> None:
        """A trade happened at a price."""
        while self._above and self._above[0][0] <= price:
            self._fire(self.waiting[self._above[0][1]])
        while self._below and -self._below[0][0] >= price:
            self._fire(self.waiting[self._below[0][1]])
        for order in list(self._trailing.values()):
            if _has_turned(order, price, now_us):
                self._fire(order)

    def _fire(self, order: AccountOrder) -> None:
        self.remove(order)
        order.has_triggered = True
        self.fired.append(order)


def _has_turned(order: AccountOrder, price: int, now_us: int) -> bool:
    """Let a trailing stop see a price: it activates, follows, or triggers."""
    if order.trailing_us == NEVER:
        if order.stop_price and (price < order.stop_price if order.rises_to_stop else price > order.stop_price):
            return False
        order.trailing_us = now_us
        order.extreme = price
        return False
    if order.is_buy:
        order.extreme = min(order.extreme, price)
        return price * _WHOLE >= order.extreme * (_WHOLE + order.trailing_delta)
    order.extreme = max(order.extreme, price)
    return price * _WHOLE <= order.extreme * (_WHOLE - order.trailing_delta)
