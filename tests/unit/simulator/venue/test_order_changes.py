from __future__ import annotations

import pytest
from msgspec.structs import replace

from cryptotrader.models.order_models import CancelReplaceMode, CancelRestrictions, ListStatusType
from cryptotrader.simulator.venue.events import ExecutionReport, ListStatus
from cryptotrader.simulator.venue.order_changes import OrderKey
from cryptotrader.simulator.venue.rejections import Rejection
from venue_bench import Bench, units

STOP, ALLOW = CancelReplaceMode.STOP_ON_FAILURE, CancelReplaceMode.ALLOW_FAILURE


@pytest.fixture
def bench():
    return Bench()


def refusal(command, *arguments, **named):
    with pytest.raises(Rejection, match=r"^-\d{4}: ") as caught:
        command(*arguments, **named)
    return caught.value.code, caught.value.message


# ------------------------------------------------------------------------------------------------------------- cancel


def test_a_cancelled_order_gets_the_client_id_of_the_cancellation_and_is_found_by_both(bench):
    order = bench.limit(1, "BUY", 1, 94_000, client_order_id="before")
    ended = bench.trading.cancel(1, bench.key(order), new_client_order_id="after")
    assert (ended.original_client_order_id, ended.order.client_order_id, ended.order.status) == (
        "before",
        "after",
        "CANCELED",
    )
    report = next(
        event for event in bench.events if isinstance(event, ExecutionReport) and event.execution_type == "CANCELED"
    )
    assert (report.order, report.original_client_order_id) == (ended.order, "before")
    for name in ("before", "after"):
        assert bench.desk.history.status(1, "BTCUSDT", None, name, bench.exchange.now_us).id == order.id


def test_an_order_is_cancelled_by_id_by_client_id_or_by_both_that_agree(bench):
    for key in ({"order_id": True}, {"client_order_id": "mine"}, {"order_id": True, "client_order_id": "mine"}):
        order = bench.limit(1, "BUY", 1, 94_000, client_order_id="mine")
        names = key | ({"order_id": order.id} if "order_id" in key else {})
        bench.trading.cancel(1, OrderKey(symbol="BTCUSDT", **names))
    order = bench.limit(1, "BUY", 1, 94_000)
    wrong = OrderKey(symbol="BTCUSDT", order_id=order.id, client_order_id="other")
    assert refusal(bench.trading.cancel, 1, wrong) == (-2011, "Unknown order sent.")
    assert refusal(bench.trading.cancel, 2, bench.key(order)) == (-2011, "Unknown order sent.")
    assert refusal(bench.trading.cancel, 1, OrderKey(symbol="BTCUSDT"))[0] == -2011
    assert refusal(bench.trading.cancel, 1, OrderKey(symbol="NOPE", order_id=1)) == (-1121, "Invalid symbol.")


@pytest.mark.parametrize(
    ("restriction", "fills", "done"),
    [
        ("ONLY_NEW", 0, True),
        ("ONLY_NEW", 1, False),
        ("ONLY_PARTIALLY_FILLED", 0, False),
        ("ONLY_PARTIALLY_FILLED", 1, True),
    ],
)
def test_restrictions_name_the_status_in_which_to_cancel(bench, restriction, fills, done):
    order = bench.limit(1, "BUY", 2, 95_000)
    if fills:
        bench.limit(2, "SELL", 1, 95_000)
    restricted = CancelRestrictions(restriction)
    if done:
        assert bench.trading.cancel(1, bench.key(order), restriction=restricted).order.status == "CANCELED"
    else:
        text = "Order was not canceled due to cancel restrictions."
        assert refusal(bench.trading.cancel, 1, bench.key(order), restriction=restricted) == (-2011, text)
    assert refusal(bench.trading.cancel, 1, bench.key(order), restriction=CancelRestrictions("OTHER"))[0] == -1145


def test_cancel_all_takes_orders_and_whole_lists_of_the_symbol(bench):
    single = bench.limit(1, "BUY", 1, 94_000)
    listed = bench.place_list(
        1, "OCO", bench.new("SELL", "LIMIT_MAKER", 1, 96_000), bench.new("SELL", "STOP_LOSS", 1, stop_price=94_000)
    )
    other = bench.limit(2, "BUY", 1, 94_000)
    first, second = bench.trading.cancel_all(1, "BTCUSDT")
    assert first.order.id == single.id
    assert [item.order.id for item in second.cancellations] == list(listed.order_list.order_ids)
    assert bench.status(other) == "NEW"
    assert refusal(bench.trading.cancel_all, 1, "BTCUSDT") == (-2011, "Unknown order sent.")


# ------------------------------------------------------------------------------------------------------------- replace

TOO_MANY = Rejection(-1015, "Too many new orders.")


@pytest.mark.parametrize(
    ("mode", "cancels", "places", "limited", "status", "results"),
    [
        (STOP, True, True, False, 200, ("SUCCESS", "SUCCESS")),
        (STOP, False, True, False, 400, ("FAILURE", "NOT_ATTEMPTED")),
        (STOP, True, False, False, 409, ("SUCCESS", "FAILURE")),
        (ALLOW, True, True, False, 200, ("SUCCESS", "SUCCESS")),
        (ALLOW, False, False, False, 400, ("FAILURE", "FAILURE")),
        (ALLOW, False, True, False, 409, ("FAILURE", "SUCCESS")),
        (ALLOW, True, False, False, 409, ("SUCCESS", "FAILURE")),
        (STOP, False, True, True, 429, ("FAILURE", "NOT_ATTEMPTED")),
        (STOP, True, True, True, 429, ("SUCCESS", "FAILURE")),
        (ALLOW, False, True, True, 400, ("FAILURE", "FAILURE")),
        (ALLOW, True, True, True, 409, ("SUCCESS", "FAILURE")),
    ],
)
def test_both_halves_go_as_the_table_says(bench, mode, cancels, places, limited, status, results):
    order = bench.limit(1, "BUY", 1, 94_000, client_order_id="mine")
    key = bench.key(order) if cancels else OrderKey(symbol="BTCUSDT", order_id=1)
    new = bench.new("BUY", "LIMIT", 1 if places else 11, 94_000, client_order_id="mine" if cancels else "other")
    outcome = bench.trading.cancel_replace(1, key, new, mode, refusal=TOO_MANY if limited else None)

    assert (outcome.status, (str(outcome.cancel_result), str(outcome.new_order_result))) == (status, results)
    assert bench.status(order) == ("CANCELED" if cancels else "NEW")
    failure = outcome.failure
    assert (failure and failure.code) == {200: None, 400: -2022, 409: -2021, 429: -2021 if cancels else -2022}[status]
    if limited and results[1] == "FAILURE":
        assert outcome.placement is TOO_MANY


def test_filters_are_checked_before_anything_is_cancelled(bench):
    order = bench.limit(1, "BUY", 1, 94_000)
    for mode in (STOP, ALLOW):
        with pytest.raises(Rejection, match="-1013: Filter failure: PRICE_FILTER"):
            bench.trading.cancel_replace(1, bench.key(order), bench.new("BUY", "LIMIT", 1, "94000.001"), mode)
    bench.market.info = replace(bench.market.info, cancel_replace_allowed=False)
    with pytest.raises(Rejection, match=r"Order cancel-replace is not supported for this symbol\."):
        bench.trading.cancel_replace(1, bench.key(order), bench.new("BUY", "LIMIT", 1, 94_000), STOP)
    assert bench.status(order) == "NEW"


def test_what_the_cancelled_order_locked_pays_for_the_new_one(bench):
    order = bench.limit(1, "BUY", 10, 94_000)
    outcome = bench.trading.cancel_replace(1, bench.key(order), bench.new("BUY", "LIMIT", 10, 94_500), STOP)
    assert outcome.status == 200
    assert bench.locked(1, "USDT") == 945_000


# ------------------------------------------------------------------------------------------------------------- amend


def test_an_amended_order_keeps_its_place_and_locks_less(bench):
    first = bench.limit(1, "BUY", 5, 95_000)
    second = bench.limit(2, "BUY", 1, 95_000)
    amended = bench.trading.amend(1, bench.key(first), units(2), new_client_order_id="smaller")
    assert (amended.order.quantity, amended.order.client_order_id, amended.order.amendments) == (units(2), "smaller", 1)
    assert bench.locked(1, "USDT") == 190_000
    assert bench.market.book.bids.quantity(units(95_000)) == units(3)
    bench.limit(3, "SELL", 2, 95_000)
    assert (bench.status(first), bench.status(second)) == ("FILLED", "NEW")
    (kept,) = bench.desk.history.amendments_of(1, "BTCUSDT", first.id)
    assert (kept.original_quantity, kept.new_quantity, kept.execution_id) == (units(5), units(2), amended.execution_id)
    assert bench.desk.history.amendments_of(2, "BTCUSDT", first.id) == []


def test_the_event_of_an_amendment_tells_both_client_ids(bench):
    order = bench.limit(1, "BUY", 5, 95_000, client_order_id="one")
    bench.trading.amend(1, bench.key(order), units(2))
    report = next(
        event for event in bench.events if isinstance(event, ExecutionReport) and event.execution_type == "REPLACED"
    )
    assert (report.original_client_order_id, report.order.quantity) == ("one", units(2))
    assert report.order.client_order_id != "one"


def test_an_iceberg_shrinks_its_hidden_part_first(bench):
    order = bench.limit(1, "BUY", 5, 95_000, iceberg_quantity=2)
    bench.trading.amend(1, bench.key(order), units(3))
    assert bench.market.book.bids.quantity(units(95_000)) == units(2)
    bench.trading.amend(1, bench.key(order), units(1))
    assert bench.market.book.bids.quantity(units(95_000)) == units(1)


def test_amending_one_leg_of_a_pair_amends_both(bench):
    listed = bench.place_list(
        1, "OCO", bench.new("SELL", "LIMIT_MAKER", 3, 96_000), bench.new("SELL", "STOP_LOSS", 3, stop_price=94_000)
    )
    above, below = (bench.order(item.order) for item in listed.placements)
    amended = bench.trading.amend(1, bench.key(below), units(1))
    assert (above.quantity, below.quantity, bench.locked(1, "BTC")) == (units(1), units(1), 1)
    assert [leg.client_order_id for leg in amended.legs] == [above.client_order_id, below.client_order_id]
    updates = [
        event for event in bench.events if isinstance(event, ListStatus) and event.status_type is ListStatusType.UPDATED
    ]
    assert len(updates) == 1


def test_an_order_that_filled_as_much_already_expires(bench):
    order = bench.limit(1, "BUY", 5, 95_000)
    bench.limit(2, "SELL", 3, 95_000)
    amended = bench.trading.amend(1, bench.key(order), units(2))
    assert (amended.order.status, amended.order.executed) == ("EXPIRED", units(3))
    assert bench.locked(1, "USDT") == 0
    assert bench.market.book.bids.best is None


def test_amendments_that_cannot_be_are_refused(bench):
    order = bench.limit(1, "BUY", 5, 95_000)
    bench.limit(1, "BUY", 1, 94_000, client_order_id="taken")
    key = bench.key(order)
    assert refusal(bench.trading.amend, 1, key, units(6)) == (
        -2038,
        "Order amend (quantity increase) is not supported.",
    )
    assert refusal(bench.trading.amend, 1, key, units(5)) == (
        -2038,
        "The requested action would change no state; rejecting",
    )
    assert refusal(bench.trading.amend, 1, key, units(4), new_client_order_id="taken") == (
        -2038,
        "Duplicate order sent.",
    )
    assert refusal(bench.trading.amend, 2, key, units(4)) == (-2038, "Unknown order sent.")
    legs = bench.new("BUY", "LIMIT", 1, 94_000), bench.new("SELL", "LIMIT", 0, 96_000)
    pending = bench.place_list(1, "OPO", *legs).placements[1].order
    text = "Order amend (pending OPO order) is not supported."
    assert refusal(bench.trading.amend, 1, bench.key(pending), units(1)) == (-2038, text)
    bench.market.info = replace(bench.market.info, amend_allowed=False)
    assert refusal(bench.trading.amend, 1, key, units(4)) == (-2038, "Order amend is not supported for this symbol.")


# --------------------------------------------------------------------------------------------------------- client ids


@pytest.fixture
def other(bench):
    """An open order that nothing here is about."""
    return bench.limit(1, "BUY", 1, 80_000, client_order_id="taken")


def check_untouched(bench, other):
    with pytest.raises(Rejection, match="Duplicate order sent"):
        bench.limit(1, "BUY", 1, 80_000, client_order_id="taken")
    ended = bench.trading.cancel(1, OrderKey(symbol="BTCUSDT", client_order_id="taken"))
    assert ended.order.id == other.id


def test_a_cancellation_does_not_take_the_id_of_an_open_order(bench, other):
    order = bench.limit(1, "BUY", 1, 90_000, client_order_id="mine")
    with pytest.raises(Rejection, match=r"-2011: Duplicate order sent\."):
        bench.trading.cancel(1, bench.key(order), new_client_order_id="taken")
    assert bench.status(order) == "NEW"
    check_untouched(bench, other)
    assert bench.trading.cancel(1, bench.key(order), new_client_order_id="mine").order.client_order_id == "mine"
    again = bench.limit(1, "BUY", 1, 90_000, client_order_id="more")
    bench.trading.cancel(1, bench.key(again), new_client_order_id="taken")  # it is free by now


def test_a_replacement_does_not_take_the_id_of_an_open_order(bench, other):
    order = bench.limit(1, "BUY", 1, 90_000)
    new = bench.new("BUY", "LIMIT", 1, 91_000)
    outcome = bench.trading.cancel_replace(
        1, bench.key(order), new, CancelReplaceMode.STOP_ON_FAILURE, cancel_client_order_id="taken"
    )
    assert (outcome.status, outcome.cancel.code, outcome.cancel.message) == (400, -2011, "Duplicate order sent.")
    assert bench.status(order) == "NEW"
    check_untouched(bench, other)


@pytest.mark.parametrize("by_leg", [False, True])
def test_the_cancellation_of_a_list_does_not_take_the_id_of_an_open_order(bench, other, by_leg):
    above, below = bench.new("SELL", "LIMIT_MAKER", 1, 99_000), bench.new("SELL", "STOP_LOSS", 1, stop_price=90_000)
    placed = bench.place_list(1, "OCO", above, below)
    leg, number = placed.placements[0].order, placed.order_list.id

    def cancel(name):
        if by_leg:
            return bench.trading.cancel(1, bench.key(leg), new_client_order_id=name)
        return bench.trading.cancel_list(1, "BTCUSDT", list_id=number, new_client_order_id=name)

    with pytest.raises(Rejection, match=r"-2011: Duplicate order sent\."):
        cancel("taken")
    assert bench.status(leg) == "NEW"
    check_untouched(bench, other)
    assert [item.order.status for item in cancel(leg.client_order_id).cancellations] == ["CANCELED"] * 2
