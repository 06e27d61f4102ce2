from __future__ import annotations

from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.models.base_models import RateLimit, RateLimitInterval, RateLimitType
from cryptotrader.protocol.limits import GUARD_SECONDS, OrderBudget, SlidingBudget, WeightBudget, connection_budget


@given(st.lists(st.floats(0, 2), max_size=60))
def test_a_sliding_budget_is_never_exceeded_and_never_waits_longer_than_needed(pauses):
    budget = SlidingBudget(5, 1.0)
    now, spent, spent_before_a_wait = 0.0, [], []
    for pause in pauses:
        now += pause
        wait = budget.wait(now)
        if wait > 0:
            spent_before_a_wait.append(sum(1 for time in spent if time > now - 1.0))
            now += wait
        budget.spend(now)
        spent.append(now)
    assert [count for count in spent_before_a_wait if count < 5] == []
    assert [time for time in spent if sum(1 for other in spent if time - 1.0 + 1e-9 < other <= time) > 5] == []


def test_a_reserve_is_kept():
    budget = SlidingBudget(5, 1.0)
    for _ in range(3):
        budget.spend(0.0)

    assert budget.wait(0.0) == 0.0
    assert budget.wait(0.0, keep=2) == 1.0


def test_three_hundred_connections_in_five_minutes_are_never_broken():
    budget = connection_budget()
    now, times = 0.0, []
    while len(times) < 1000:
        now += budget.wait(now)
        budget.spend(now)
        times.append(now)

    assert all(sum(1 for other in times if start <= other <= start + 300) <= 300 for start in times[::7])


def test_a_new_window_starts_at_the_full_minute():
    budget = WeightBudget()
    budget.spend(5990)

    assert budget.wait(20, 119.5) == pytest.approx(0.5 + GUARD_SECONDS)
    budget.settle(5990, 119.6, charged=True)
    assert budget.wait(20, 120.0) == pytest.approx(GUARD_SECONDS)
    assert budget.wait(10, 120.0) == 0.0
    assert budget.wait(20, 120.0 + GUARD_SECONDS) == 0.0
    assert budget.used == 0


def test_what_is_counted_shortly_before_a_boundary_counts_on_both_sides():
    budget = WeightBudget(limit=100)
    budget.settle(60, 59.9, charged=True)

    assert budget.wait(50, 61.0) > 50
    assert budget.wait(39, 61.0) == 0.0


def test_a_clock_that_goes_back_does_not_open_the_window_anew():
    budget = WeightBudget(limit=100)
    budget.settle(100, 121.0, charged=True)

    assert budget.wait(1, 119.5) > 0


@given(
    ahead=st.floats(-GUARD_SECONDS, GUARD_SECONDS),
    latency=st.floats(0.0, 0.05),
    bursts=st.lists(st.tuples(st.floats(0, 4), st.integers(1, 30)), max_size=40),
    tells=st.booleans(),
)
def test_no_window_of_the_exchange_is_exceeded_though_clocks_differ(ahead, latency, bursts, tells):
    budget, counted = OrderBudget(), Counter()
    now, replies = 1_000.0, deque()

    def answer(until):
        while replies and replies[0][0] <= until:
            moment, count = replies.popleft()
            told = tells and budget.learn([orders_used(count)], moment + ahead)
            budget.settle(1, moment + ahead, charged=not told)

    for pause, orders in bursts:
        now += pause
        for _ in range(orders):
            answer(now)
            while (wait := budget.wait(1, now + ahead)) > 0:
                now += wait
                answer(now)
            budget.spend(1)
            window = int((now + latency / 2) // 10)
            counted[window] += 1
            replies.append((now + latency, counted[window]))
    assert all(count <= 50 for count in counted.values())


def orders_used(count):
    return RateLimit(
        rate_limit_type=RateLimitType.ORDERS,
        interval=RateLimitInterval.SECOND,
        interval_num=10,
        limit=50,
        count=count,
    )


def test_what_is_free_on_success_is_given_back():
    budget = WeightBudget()
    budget.spend(10)
    budget.settle(10, 0.1, charged=False)

    assert budget.used == 0


def test_a_part_of_the_weight_is_kept_for_those_who_may_use_it():
    budget = WeightBudget(limit=1000)
    budget.spend(940)
    budget.settle(940, 30.0, charged=True)

    assert budget.wait(10, 30.0, keeps=True) == 0.0
    assert budget.wait(11, 30.0, keeps=True) > 0
    assert budget.wait(60, 30.0) == 0.0


def test_a_clock_that_was_far_ahead_goes_back_and_what_was_used_counts_now():
    budget = WeightBudget(limit=100)
    budget.settle(80, 3_630.0, charged=True)
    assert budget.wait(30, 30.0) == pytest.approx(30.0 + GUARD_SECONDS)
    assert budget.wait(20, 30.0) == 0.0
    assert budget.wait(30, 61.0) == 0.0
