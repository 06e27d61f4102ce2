from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.protocol.clock import KEPT_SAMPLES, LOOK_SECONDS, ClockOffset


def test_nothing_is_known_at_first():
    clock = ClockOffset()

    assert (clock.offset, clock.is_known, clock.uncertainty) == (0.0, False, float("inf"))


def test_the_shortest_round_trip_is_trusted():
    clock = ClockOffset()
    clock.observe(100.0, 101.0, 110.9)
    clock.observe(200.0, 200.1, 210.05)
    clock.observe(300.0, 302.0, 312.0)

    assert abs(clock.offset - 10.0) < 1e-9
    assert abs(clock.uncertainty - 0.05) < 1e-9


def test_old_samples_and_forgotten_ones_count_no_more():
    clock = ClockOffset()
    clock.observe(0.0, 0.0, 50.0)
    for number in range(KEPT_SAMPLES):
        clock.observe(number, number + 0.1, number + 7.05)
    assert abs(clock.offset - 7.0) < 1e-9
    clock.forget()
    assert not clock.is_known
    assert abs(clock.offset - 7.0) < 1e-9, "what was known last is better than nothing"


@given(
    offset=st.floats(-100, 100),
    trips=st.lists(st.tuples(st.floats(0.001, 2), st.floats(0, 1)), min_size=1, max_size=KEPT_SAMPLES),
)
def test_the_error_is_at_most_half_the_shortest_round_trip(offset, trips):
    clock = ClockOffset()
    for number, (round_trip, share) in enumerate(trips):
        sent = 1_000.0 * number
        clock.observe(sent, sent + round_trip, sent + round_trip * share + offset)

    assert abs(clock.offset - offset) <= clock.uncertainty + 1e-6


def test_a_sample_that_contradicts_earlier_ones_replaces_them():
    clock = ClockOffset()
    clock.observe(0.0, 0.1, 10.05)
    clock.observe(60.0, 60.5, 70.5)
    assert abs(clock.offset - 10.0) < 1e-9, "a slower trip does not contradict"
    clock.observe(120.0, 120.1, 131.05)

    assert abs(clock.offset - 11.0) < 1e-9


def test_the_faster_the_clocks_drift_the_sooner_the_next_look_is_wanted():
    clock = ClockOffset()
    assert clock.good_for == 10
    wanted = []
    for at, offset in ((0, 0), (10, 0), (70, 0.5), (82, 0.5), (142, 60), (147, 60), (157, 60)):
        clock.observe(at, at + 0.001, at + 0.0005 + offset)
        wanted.append(round(clock.good_for, 3))

    assert wanted == [10, LOOK_SECONDS, 12, LOOK_SECONDS, 5, LOOK_SECONDS, LOOK_SECONDS]
    clock.forget()
    assert clock.good_for == 10
