"""The count of unfilled orders, by the documented rules."""

from __future__ import annotations

import pytest

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator.limits import ExchangeLimits
from cryptotrader.simulator.order_counts import OrderCounts
from cryptotrader.simulator.venue.orders import AccountOrder
from venue_bench import Bench

SECOND = 1_000_000
START = 1_735_689_600 * SECOND
DAY = 86_400 * SECOND


class Counter:
    """Counts under a clock that is set by hand."""

    def __init__(self, **limits):
        self.now_us = START
        self.counts = OrderCounts(ExchangeLimits(**limits), lambda: self.now_us)

    def add(self, orders=1, uid=1):
        self.counts.add(uid, orders)

    def shown(self, uid=1):
        return tuple(limit.count for limit in self.counts.shown(uid))


def test_windows_follow_the_wall_clock():
    counter = Counter()
    counter.now_us = START + 9 * SECOND
    counter.add(3)
    assert counter.shown() == (3, 3)
    assert counter.shown(uid=2) == (0, 0)
    counter.now_us = START + 10 * SECOND
    assert counter.shown() == (0, 3)
    counter.now_us = START + DAY
    assert counter.shown() == (0, 0)


def test_what_would_exceed_a_limit_is_refused():
    counter = Counter(orders=3)
    counter.add(2)
    assert counter.counts.excess(1, 1) is None
    excess = counter.counts.excess(1, 2)
    assert (excess.status, excess.code, excess.until_us) == (429, -1015, START + 10 * SECOND)
    assert excess.message == "Too many new orders; current limit is 3 orders per 10 SECOND."
    assert counter.counts.excess(2, 2) is None


def test_the_day_has_a_limit_of_its_own():
    counter = Counter(orders_a_day=4)
    counter.add(4)
    excess = counter.counts.excess(1, 1)
    assert excess.message == "Too many new orders; current limit is 4 orders per 1 DAY."
    assert excess.until_us == START + DAY
    counter.add()  # the short count stands still from here on
    assert counter.shown() == (4, 5)


def test_a_count_never_falls_below_zero():
    counter = Counter()
    counter.add(-3)
    counter.add()
    assert counter.shown() == (1, 1)


@pytest.fixture
def bench():
    return Bench()


def observed(bench):
    counter = Counter()
    bench.desk.listeners.append(counter.counts.see)
    return counter


def test_the_first_fill_of_a_taker_counts_one_less(bench):
    bench.limit(2, "SELL", 1, 95_000)
    bench.limit(2, "SELL", 1, 95_010)
    counter = observed(bench)
    counter.add(10)
    taker = bench.place(1, "BUY", "MARKET", 2)
    assert bench.status(taker) == "FILLED"
    assert counter.shown() == (9, 9)


def test_the_first_fill_of_a_maker_counts_five_less(bench):
    maker = bench.limit(1, "SELL", 1, 95_000)
    counter = observed(bench)
    counter.add(10)
    counter.add(10, uid=2)
    for _ in range(2):
        bench.limit(2, "BUY", 0.5, 95_000)
    assert bench.status(maker) == "FILLED"
    assert counter.shown() == (5, 5)
    assert counter.shown(uid=2) == (8, 8)


def test_cancelling_changes_nothing(bench):
    counter = observed(bench)
    counter.add(10)
    order = bench.limit(1, "SELL", 1, 95_000)
    assert isinstance(order, AccountOrder)
    bench.cancel(order)
    assert counter.shown() == (10, 10)


def test_a_fill_counts_in_the_window_in_which_it_happens(bench):
    bench.limit(1, "SELL", 1, 95_000)
    counter = observed(bench)
    counter.add(10)
    counter.now_us = START + 10 * SECOND
    counter.add(7)
    bench.limit(2, "BUY", 1, 95_000)
    assert counter.shown() == (2, 12)


def test_limits_of_orders_are_positive():
    with pytest.raises(ConfigurationError, match="orders_a_day"):
        ExchangeLimits(orders_a_day=0)
