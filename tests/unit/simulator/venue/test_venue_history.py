from __future__ import annotations

import pytest

from cryptotrader.simulator.venue.history import ARCHIVED_AFTER_US, Span
from cryptotrader.simulator.venue.rejections import Rejection
from venue_bench import START, Bench, units

SECOND = 1_000_000


@pytest.fixture
def bench():
    """Five orders of account 1, a second apart: the third and fifth filled, the second cancelled."""
    bench = Bench()
    bench.orders = []
    for number in range(5):
        bench.exchange.advance(START + number * SECOND)
        bench.orders.append(bench.limit(1, "SELL", 1, 95_000 + number * 10))
        if number in (2, 4):
            best = min(order.price for order in bench.desk.history.open(1))
            for order in bench.desk.history.open(1):
                if order.id != bench.orders[number].id and order.price == best:
                    bench.cancel(order)
    return bench


def numbers(bench, orders):
    ids = [order.id for order in bench.orders]
    return [ids.index(order.id) for order in orders]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"limit": 2}, [3, 4]),
        ({"first": 1, "limit": 2}, [1, 2]),
        ({"first_id": 0, "limit": 2}, [0, 1]),
        ({"start": 1, "end": 3}, [1, 2, 3]),
        ({"start": 2, "limit": 2}, [2, 3]),
        ({"end": 3, "limit": 2}, [2, 3]),
        ({"first": 0, "end": 3, "limit": 2}, [2, 3]),  # times rule
        ({"first": 4, "start": 1, "limit": 2}, [1, 2]),
    ],
    ids=str,
)
def test_orders_are_found_by_time_by_id_or_the_newest(bench, asked, found):
    span = {name: value for name, value in asked.items() if name in ("limit", "first_id")}
    span |= {f"{name}_us": START + asked[name] * SECOND for name in ("start", "end") if name in asked}
    if "first" in asked:
        span["first_id"] = bench.orders[asked["first"]].id
    history, now = bench.desk.history, bench.exchange.now_us
    assert numbers(bench, history.all_orders(1, "BTCUSDT", Span(**span), now_us=now)) == found
    assert history.all_orders(2, "BTCUSDT", Span(**span), now_us=now) == []


def test_orders_that_ended_unfilled_long_ago_are_archived(bench):
    cancelled = next(order for order in bench.orders if bench.status(order) == "CANCELED")
    bought = bench.limit(2, "BUY", 1, 96_000)
    status = bench.desk.history.status
    later = bench.order(cancelled).updated_us + ARCHIVED_AFTER_US
    assert status(1, "BTCUSDT", cancelled.id, None, later).id == cancelled.id
    with pytest.raises(Rejection, match="-2026"):
        status(1, "BTCUSDT", cancelled.id, None, later + 1)
    assert cancelled.id not in [order.id for order in bench.desk.history.all_orders(1, "BTCUSDT", now_us=later + 1)]
    assert status(2, "BTCUSDT", bought.id, None, later * 2).status == "FILLED"


def test_an_order_is_asked_for_by_ids_that_belong_together(bench):
    status, order = bench.desk.history.status, bench.orders[0]
    with pytest.raises(Rejection, match="-2013"):
        status(1, "BTCUSDT", 1, None, START)
    with pytest.raises(Rejection, match="-2013"):
        status(2, "BTCUSDT", order.id, None, START)
    with pytest.raises(Rejection, match="-2039"):
        status(1, "BTCUSDT", order.id, "other", START)


def test_a_client_id_that_was_amended_away_finds_nothing(bench):
    order = bench.limit(1, "SELL", 2, 99_000, client_order_id="before")
    bench.trading.amend(1, bench.key(order), units(1), new_client_order_id="after")
    status = bench.desk.history.status
    with pytest.raises(Rejection, match=r"-2013: Order does not exist\."):
        status(1, "BTCUSDT", None, "before", START)
    with pytest.raises(Rejection, match="-2039"):
        status(1, "BTCUSDT", order.id, "before", START)
    assert status(1, "BTCUSDT", None, "after", START).id == order.id


def test_trades_are_found_by_order_by_id_by_time_or_the_newest(bench):
    takers = [bench.limit(2, "BUY", "0.5", 96_000) for _ in range(3)]
    find = bench.desk.history.trades
    ids = [fill.trade_id for fill in find(2, "BTCUSDT")]
    assert ids == list(range(ids[0], ids[0] + 3))
    assert [fill.trade_id for fill in find(2, "BTCUSDT", Span(limit=2))] == ids[1:]
    assert [fill.trade_id for fill in find(2, "BTCUSDT", Span(first_id=ids[1], limit=1))] == [ids[1]]
    assert [fill.order_id for fill in find(2, "BTCUSDT", order_id=takers[1].id)] == [takers[1].id]
    now = bench.exchange.now_us
    assert len(find(2, "BTCUSDT", Span(start_us=now, end_us=now))) == 3
    assert find(2, "BTCUSDT", Span(start_us=now + 1)) == []


def test_open_orders_are_those_of_the_symbol_or_all(bench):
    assert len(bench.desk.history.open(1)) == len(bench.desk.history.open(1, "BTCUSDT")) == 3
    assert bench.desk.history.open(1, "ETHUSDT") == []
    counts = bench.desk.history.counts(1, "BTCUSDT")
    assert (counts.orders, counts.algos, counts.icebergs, counts.lists) == (3, 0, 0, 0)


def test_trades_name_the_other_side(bench):
    taker = bench.limit(2, "BUY", 1, 96_000)
    (bought,) = bench.desk.history.trades(2, "BTCUSDT")
    (sold,) = bench.desk.history.trades(1, "BTCUSDT")
    assert (sold.counter_order_id, sold.counter_uid, sold.is_maker) == (taker.id, 2, True)
    assert (bought.counter_order_id, bought.counter_uid, bought.quantity) == (sold.order_id, 1, units(1))
