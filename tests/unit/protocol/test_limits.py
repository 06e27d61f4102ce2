from __future__ import annotations

from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.models.base_models import RateLimit, RateLimitInterval, RateLimitType
from cryptotrader.protocol.limits import (
    GUARD_SECONDS,
    OrderBudget,
    SlidingBudget,
    WeightBudget,
    connection_budget,
    message_budget,
)


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


def test_budgets_leave_a_margin_to_the_documented_limits():
    messages, connections = message_budget(), connection_budget()

    assert (messages.limit, messages.window) == (5, 1.1)
    assert (connections.limit, connections.window) == (299, 301.0)


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


# ------------------------------------------------------------------------------------------------- turns of a window


def test_a_full_window_still_counts_at_the_beginning_of_the_next_one():
    budget = WeightBudget(limit=100)
    budget.settle(100, 30.0, charged=True)
    soon = 60.0 + GUARD_SECONDS / 2

    assert budget.wait(1, 60.0) == pytest.approx(GUARD_SECONDS)
    assert budget.wait(1, soon) == pytest.approx(GUARD_SECONDS / 2)
    assert budget.wait(1, 60.0 + GUARD_SECONDS) == 0.0


def test_requests_at_the_beginning_of_a_window_fit_beside_what_the_one_before_has_used():
    budget = WeightBudget(limit=100)
    budget.settle(70, 30.0, charged=True)
    sent, moment = 0, 60.0
    while budget.wait(10, moment) == 0.0:  # in the first GUARD_SECONDS
        budget.spend(10)
        sent += 10
    assert sent == 30
    for _ in range(3):
        budget.settle(10, moment, charged=True)
    assert budget.wait(10, moment) == pytest.approx(GUARD_SECONDS)

    sent, moment = 0, 60.0 + GUARD_SECONDS
    while budget.wait(10, moment) == 0.0:
        budget.settle(10, moment, charged=True)
        sent += 10
    assert sent == 70


def test_what_is_on_its_way_counts_beside_what_is_used():
    budget = WeightBudget(limit=100)
    budget.settle(50, 30.0, charged=True)
    budget.spend(30)

    assert budget.used == 80
    assert budget.wait(20, 30.0) == 0.0
    assert budget.wait(21, 30.0) == pytest.approx(30.0 + GUARD_SECONDS)


def test_what_exceeds_the_limit_by_itself_goes_when_nothing_else_does():
    budget = WeightBudget(limit=100)
    assert budget.wait(101, 30.0) == 0.0
    budget.spend(1)

    assert budget.wait(100, 30.0) == pytest.approx(30.0 + GUARD_SECONDS)
    assert budget.wait(99, 30.0) == 0.0


def test_the_window_before_the_last_one_counts_no_more():
    budget = WeightBudget(limit=100)
    budget.settle(100, 30.0, charged=True)

    assert budget.wait(100, 120.0) == 0.0
    assert budget.used == 0


@pytest.mark.parametrize(("moment", "free"), [(59.79, 100), (60 - GUARD_SECONDS, 40), (59.81, 40)])
def test_only_what_is_counted_shortly_before_a_boundary_counts_beyond_it(moment, free):
    budget = WeightBudget(limit=100)
    budget.settle(60, moment, charged=True)

    assert budget.wait(free, 61.0) == 0.0
    assert (budget.wait(free + 1, 61.0) > 0) is (free < 100)


def weight_used(count, *, seconds=60, limit=100):
    interval = RateLimitInterval.MINUTE if seconds == 60 else RateLimitInterval.HOUR
    return RateLimit(
        rate_limit_type=RateLimitType.REQUEST_WEIGHT, interval=interval, interval_num=1, limit=limit, count=count
    )


def test_a_count_of_the_exchange_near_the_end_of_a_window_may_be_of_the_next_one():
    budget = WeightBudget(limit=100)
    budget.settle(70, 30.0, charged=True)
    budget.learn([weight_used(20)], 59.9)  # less than before: the exchange has turned already
    assert budget.wait(81, 60.5) > 0
    assert budget.wait(80, 60.5) == 0.0

    budget = WeightBudget(limit=100)
    budget.settle(70, 30.0, charged=True)
    budget.learn([weight_used(90)], 59.9)  # more: what came since may count on either side
    assert budget.wait(81, 60.5) > 0
    assert budget.wait(80, 60.5) == 0.0


def test_a_count_of_the_exchange_stands_for_all_that_was_counted():
    budget = WeightBudget(limit=100)
    budget.settle(10, 30.0, charged=True)
    budget.learn([weight_used(95)], 31.0)
    assert budget.used == 95
    budget.learn([weight_used(7, seconds=3600)], 31.0)  # of another window
    assert budget.used == 95
    budget.learn([weight_used(None, limit=200)], 31.0)  # a new limit, and no count

    assert (budget.used, budget.wait(105, 31.0)) == (95, 0.0)
    assert budget.wait(106, 31.0) > 0


def test_a_count_that_comes_after_the_turn_is_of_the_new_window():
    budget = WeightBudget(limit=100)
    budget.settle(90, 30.0, charged=True)
    budget.learn([weight_used(10)], 61.0)

    assert budget.wait(90, 61.0) == 0.0
    assert budget.wait(91, 61.0) == pytest.approx(59.0 + GUARD_SECONDS)


def test_a_budget_that_is_closed_opens_at_its_moment_and_never_sooner():
    budget = WeightBudget()
    budget.close_until(100.0)
    budget.close_until(90.0)

    assert budget.wait(1, 70.0) == 30.0
    assert budget.wait(1, 100.0) == 0.0


@pytest.mark.parametrize(("used", "scarce"), [(599, False), (600, True)])
def test_weight_is_scarce_from_a_tenth_on(used, scarce):
    budget = WeightBudget()
    budget.spend(used)

    assert budget.is_scarce is scarce


def test_the_reserve_is_a_twentieth():
    budget = WeightBudget()
    budget.settle(5_699, 30.0, charged=True)

    assert budget.wait(1, 30.0, keeps=True) == 0.0
    assert budget.wait(2, 30.0, keeps=True) > 0
    assert budget.wait(301, 30.0) == 0.0


# ------------------------------------------------------------------------------------------------------------- orders


def test_the_documented_limits_of_orders_hold_until_the_exchange_tells_others():
    budget = OrderBudget()
    budget.settle(49, 1_000.0, charged=True)
    assert budget.wait(1, 1_000.0) == 0.0
    assert budget.wait(2, 1_000.0) == pytest.approx(10.0 + GUARD_SECONDS)
    assert budget.wait(50, 1_010.0 + GUARD_SECONDS) == 0.0

    budget.settle(160_000 - 49, 2_000.0, charged=True)
    assert budget.wait(1, 2_020.0) == pytest.approx(86_400 - 2_020 + GUARD_SECONDS)
    assert budget.wait(1, 86_400.0 + GUARD_SECONDS) == 0.0


def test_orders_on_their_way_count_until_they_are_answered():
    budget = OrderBudget()
    budget.spend(50)
    assert budget.wait(1, 1_000.0) > 0
    budget.settle(50, 1_000.0, charged=False)

    assert budget.wait(50, 1_000.0) == 0.0


def test_the_longest_wait_of_several_windows_is_told_and_none_for_what_needs_no_order():
    budget = OrderBudget()
    budget.close_until(1_005.0)
    assert budget.wait(1, 1_000.0) == 5.0
    budget.close_until(1_001.0)
    assert budget.wait(1, 1_000.0) == 5.0
    budget.settle(50, 1_000.0, charged=True)

    assert budget.wait(1, 1_000.0) == pytest.approx(10.0 + GUARD_SECONDS)
    assert budget.wait(0, 1_000.0) == 0.0


def test_counts_of_orders_are_taken_over_and_limits_without_counts_too():
    budget = OrderBudget()
    assert not budget.learn([weight_used(50)], 1_000.0)
    assert not budget.learn([orders_used(None)], 1_000.0)
    assert budget.learn([orders_used(50)], 1_000.0)

    assert budget.wait(1, 1_000.0) == pytest.approx(10.0 + GUARD_SECONDS)


def five_orders_used_in(interval):
    """A limit of five orders, all of them used."""
    return RateLimit(rate_limit_type=RateLimitType.ORDERS, interval=interval, interval_num=1, limit=5, count=5)


def test_a_window_that_is_not_documented_is_kept_beside_the_others():
    budget = OrderBudget()
    hourly = five_orders_used_in(RateLimitInterval.HOUR)
    assert budget.learn([hourly], 1_000.0)

    assert budget.wait(1, 1_000.0) == pytest.approx(2_600.0 + GUARD_SECONDS)


def test_a_window_of_a_second_is_a_window_too():
    budget = OrderBudget()
    each_second = five_orders_used_in(RateLimitInterval.SECOND)
    assert budget.learn([each_second], 1_000.0)

    assert budget.wait(1, 1_000.0) == pytest.approx(1.0 + GUARD_SECONDS)


def test_a_window_of_a_unit_that_nobody_knows_is_passed_over():
    budget = OrderBudget()
    weekly = five_orders_used_in(RateLimitInterval("WEEK"))

    assert not budget.learn([weekly], 1_000.0)
    assert budget.wait(1, 1_000.0) == 0.0


def test_a_sliding_budget_waits_exactly_until_there_is_room():
    budget = SlidingBudget(2, 10.0)
    budget.spend(100.0)
    budget.spend(103.0)

    assert budget.wait(104.0) == 6.0
    assert budget.wait(104.0, keep=1) == 9.0
    assert budget.wait(109.5) == 0.5
    assert budget.wait(110.0) == 0.0
    assert budget.wait(110.0, keep=1) == 3.0


def test_a_clock_may_go_back_by_as_much_as_a_window_and_no_more():
    budget = WeightBudget(limit=100)
    budget.settle(100, 121.0, charged=True)

    assert budget.wait(1, 60.0) == pytest.approx(120.0 + GUARD_SECONDS)
    assert budget.wait(1, 59.9) == pytest.approx(0.1 + GUARD_SECONDS)


def test_what_counts_on_both_sides_of_a_boundary_is_not_counted_twice_after_it():
    budget = WeightBudget(limit=100)
    budget.settle(20, 30.0, charged=True)
    budget.settle(60, 59.9, charged=True)

    assert budget.wait(20, 60.0) == 0.0  # beside 20 of the window before and 60 of both
    assert budget.wait(21, 60.0) == pytest.approx(GUARD_SECONDS)
    assert budget.wait(40, 60.0 + GUARD_SECONDS) == 0.0
    assert budget.wait(41, 60.0 + GUARD_SECONDS) > 0


def test_a_clock_that_goes_back_by_exactly_a_window_does_not_begin_it_anew():
    budget = WeightBudget(limit=100)
    budget.settle(100, 121.0, charged=True)
    budget.settle(1, 60.0, charged=True)

    assert budget.wait(1, 121.0) == pytest.approx(59.0 + GUARD_SECONDS)


def test_a_count_that_comes_at_the_very_turn_is_of_the_new_window():
    budget = WeightBudget(limit=100)
    budget.settle(90, 30.0, charged=True)
    budget.learn([weight_used(95)], 60.0)

    assert budget.wait(5, 61.0) == 0.0
    assert budget.wait(6, 61.0) > 0


def test_at_the_very_turn_what_counts_on_both_sides_is_waited_for_to_the_end_of_the_new_window():
    budget = WeightBudget(limit=100)
    budget.settle(60, 59.9, charged=True)

    assert budget.wait(41, 60.0) == pytest.approx(60.0 + GUARD_SECONDS)


@pytest.mark.parametrize(("told", "moment", "free"), [(70, 59.9, 100), (90, 60 - GUARD_SECONDS, 80)])
def test_of_a_count_near_the_end_of_a_window_only_what_is_new_may_be_of_the_next_one(told, moment, free):
    budget = WeightBudget(limit=100)
    budget.settle(70, 30.0, charged=True)
    budget.learn([weight_used(told)], moment)

    assert budget.wait(free, 60.5) == 0.0
    assert (budget.wait(free + 1, 60.5) > 0) is (free < 100)


def test_nothing_is_waited_for_in_the_beginning():
    assert WeightBudget().wait(1, 0.0) == 0.0
    assert OrderBudget().wait(1, 0.0) == 0.0


def test_a_budget_that_was_closed_counts_what_was_used_at_the_moment_it_opens():
    budget = WeightBudget(limit=100)
    budget.settle(100, 70.0, charged=True)
    budget.close_until(100.0)

    assert budget.wait(1, 100.0) == pytest.approx(20.0 + GUARD_SECONDS)


def test_each_budget_finds_its_own_among_the_limits_that_are_told():
    told = [weight_used(7, seconds=3600), orders_used(50), weight_used(95), orders_used(50)]
    weights, orders = WeightBudget(), OrderBudget()
    weights.learn(told, 1_000.0)
    assert orders.learn(told, 1_000.0)

    assert weights.used == 95
    assert orders.wait(1, 1_000.0) > 0


@pytest.mark.parametrize(
    ("interval", "number"), [(RateLimitInterval.SECOND, 10), (RateLimitInterval.DAY, 1)], ids=["10 s", "day"]
)
def test_the_limit_of_an_account_takes_the_place_of_the_documented_one(interval, number):
    budget = OrderBudget()
    for each, count in ((RateLimitInterval.SECOND, 10), (RateLimitInterval.DAY, 1)):
        limit = RateLimit(
            rate_limit_type=RateLimitType.ORDERS, interval=each, interval_num=count, limit=400_000, count=None
        )
        budget.learn([limit], 1_000.0)
    budget.spend(300_000)
    assert budget.wait(100_000, 1_000.0) == 0.0
    small = RateLimit(rate_limit_type=RateLimitType.ORDERS, interval=interval, interval_num=number, limit=7, count=None)
    budget.learn([small], 1_000.0)

    assert budget.wait(1, 1_000.0) > 0
