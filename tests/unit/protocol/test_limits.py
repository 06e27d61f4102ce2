from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.protocol.limits import SlidingBudget, WeightBudget, connection_budget


@given(st.lists(st.floats(0, 2), max_size=60))
def test_a_sliding_budget_is_never_exceeded_and_never_waits_longer_than_needed(pauses):
    budget = SlidingBudget(5, 1.0)
    now, spent = 0.0, []
    for pause in pauses:
        now += pause
        wait = budget.wait(now)
        if wait > 0:
            assert sum(1 for time in spent if time > now - 1.0) >= 5
            now += wait
        budget.spend(now)
        spent.append(now)
    for time in spent:
        assert sum(1 for other in spent if time - 1.0 + 1e-9 < other <= time) <= 5


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
    budget.spend(5990, 119.0)

    assert budget.wait(20, 119.5) == 0.5
    budget.settle(5990, 119.6, charged=True)
    assert budget.wait(20, 120.0) == 0.0
    assert budget.used == 0


def test_what_is_free_on_success_is_given_back():
    budget = WeightBudget()
    budget.spend(10, 0.0)
    budget.settle(10, 0.1, charged=False)

    assert budget.used == 0
