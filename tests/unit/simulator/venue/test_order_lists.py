from __future__ import annotations

import pytest
from msgspec.structs import replace

from cryptotrader.models.order_models import ExpiryReason, ListOrderStatus, ListStatusType, RejectReason
from cryptotrader.simulator.venue.commissions import CommissionRates, Commissions
from cryptotrader.simulator.venue.events import ExecutionReport, ListStatus
from cryptotrader.simulator.venue.history import Span
from cryptotrader.simulator.venue.rejections import Rejection
from venue_bench import Bench, units


@pytest.fixture
def bench():
    return Bench()


def pair(bench, side="SELL", quantity=1, profit=95_500, stop=94_500, **limit):
    """Legs above and below: a limit maker and a stop."""
    maker = bench.new(side, "LIMIT_MAKER", quantity, profit)
    kind = "STOP_LOSS_LIMIT" if limit else "STOP_LOSS"
    below = bench.new(side, kind, quantity, limit.get("price", 0), stop_price=stop)
    return (maker, below) if side == "SELL" else (below, maker)


def placed(bench, kind, *legs, uid=1):
    """The records of the legs."""
    return [bench.order(item.order) for item in bench.place_list(uid, kind, *legs).placements]


def list_events(bench):
    return [str(event.status_type) for event in bench.events if isinstance(event, ListStatus)]


# ------------------------------------------------------------------------------------------------------------- OCO


def test_a_pair_locks_once_the_needier_leg(bench):
    above, below = placed(bench, "OCO", *pair(bench, "BUY", 2, profit=94_000, stop=95_500))
    assert bench.locked(1, "USDT") == 2 * 95_500
    assert (above.status, below.status) == ("NEW", "NEW")
    assert (above.working_us, below.id in bench.market.book) == (-1, True)
    bench.cancel(above)
    assert bench.locked(1, "USDT") == 0
    assert (above.status, below.status) == ("CANCELED", "CANCELED")


def test_the_first_fill_of_one_leg_ends_the_other(bench):
    above, below = placed(bench, "OCO", *pair(bench, quantity=2))
    bench.limit(2, "BUY", 1, 95_500)
    assert (above.status, below.status, below.expiry_reason) == (
        "PARTIALLY_FILLED",
        "EXPIRED",
        ExpiryReason.OCO_TRIGGER,
    )
    assert bench.locked(1, "BTC") == 1
    assert list_events(bench) == ["EXEC_STARTED"]
    bench.limit(2, "BUY", 1, 95_500)
    assert list_events(bench) == ["EXEC_STARTED", "ALL_DONE"]
    assert bench.desk.history.open_lists[1] == {}


def test_a_triggered_stop_ends_the_limit_before_it_starts(bench):
    above, below = placed(bench, "OCO", *pair(bench, quantity=2, price=94_400))
    bench.events.clear()
    bench.trade_at(94_500)
    assert (above.status, below.status, below.is_working) == ("EXPIRED", "NEW", True)
    mine = [event.order.id for event in bench.events if isinstance(event, ExecutionReport) and event.uid == 1]
    assert mine == [above.id, below.id]


@pytest.mark.parametrize(
    ("above", "below", "side", "code"),
    [
        ("LIMIT", "STOP_LOSS", "SELL", -1158),
        ("LIMIT_MAKER", "LIMIT_MAKER", "SELL", -1168),
        ("LIMIT_MAKER", "STOP_LOSS", "BUY", -1165),
        ("STOP_LOSS", "LIMIT_MAKER", "SELL", -1166),
        ("TAKE_PROFIT", "STOP_LOSS", "BUY", -1196),
        ("STOP_LOSS", "TAKE_PROFIT", "SELL", -1197),
        ("TAKE_PROFIT", "TAKE_PROFIT", "BUY", -1198),
        ("TAKE_PROFIT", "TAKE_PROFIT", "SELL", -1199),
    ],
)
def test_legs_on_the_wrong_side_are_refused(bench, above, below, side, code):
    def leg(kind, price):
        return bench.new(side, kind, 1, **({"price": price} if "LIMIT" in kind else {"stop_price": price}))

    with pytest.raises(Rejection, match=f"^{code}: ") as caught:
        bench.place_list(1, "OCO", leg(above, 95_500), leg(below, 94_500))
    assert caught.value.code == code


@pytest.mark.parametrize(("profit", "stop"), [(95_000, 94_500), (95_500, 95_000), (94_000, 94_500)])
def test_prices_must_lie_around_the_last_trade(bench, profit, stop):
    with pytest.raises(Rejection, match=r"-2010: The relationship of the prices for the orders is not correct\."):
        bench.place_list(1, "OCO", *pair(bench, profit=profit, stop=stop))
    assert bench.events == []


def test_take_profit_and_stop_loss_are_a_pair_too(bench):
    take = bench.new("SELL", "TAKE_PROFIT", 1, stop_price=95_500)
    stop = bench.new("SELL", "STOP_LOSS", 1, stop_price=94_500)
    above, below = placed(bench, "OCO", take, stop)
    bench.limit(2, "BUY", 5, 95_500)
    bench.limit(3, "SELL", 1, 95_500)
    assert (above.status, below.status) == ("FILLED", "EXPIRED")
    assert bench.locked(1, "BTC") == 0


# ------------------------------------------------------------------------------------------------------------- OTO


def test_the_second_leg_comes_to_life_when_the_first_is_filled(bench):
    working, pending = placed(bench, "OTO", bench.new("BUY", "LIMIT", 2, 94_900), bench.new("SELL", "LIMIT", 3, 96_000))
    assert (working.status, pending.status, pending.working_us) == ("NEW", "PENDING_NEW", -1)
    assert bench.locked(1, "BTC") == 0
    bench.limit(2, "SELL", 1, 94_900)
    assert pending.status == "PENDING_NEW"
    bench.limit(2, "SELL", 1, 94_900)
    assert (working.status, pending.status) == ("FILLED", "NEW")
    assert bench.locked(1, "BTC") == 3
    assert bench.reports(pending) == [("NEW", "PENDING_NEW"), ("NEW", "NEW")]
    bench.limit(2, "BUY", 3, 96_000)
    assert list_events(bench) == ["EXEC_STARTED", "ALL_DONE"]


def test_the_reply_shows_a_pending_leg_even_when_the_first_filled_at_once(bench):
    bench.limit(2, "SELL", 1, 94_900)
    reply = bench.place_list(1, "OTO", bench.new("BUY", "LIMIT", 1, 94_900), bench.new("SELL", "LIMIT", 1, 96_000))
    assert [str(item.order.status) for item in reply.placements] == ["FILLED", "PENDING_NEW"]
    assert len(reply.placements[0].fills) == 1
    assert bench.status(reply.placements[1].order) == "NEW"
    assert (reply.order_list.status_type, reply.order_list.order_status) == (
        ListStatusType.EXEC_STARTED, ListOrderStatus.EXECUTING,
    )  # fmt: skip


def test_a_first_leg_that_expires_takes_the_second_along(bench):
    bench.limit(2, "SELL", 1, 94_900)
    working = bench.new("BUY", "LIMIT", 2, 94_900, time_in_force="IOC")
    first, second = placed(bench, "OTO", working, bench.new("SELL", "LIMIT", 1, 96_000))
    assert (first.status, first.executed) == ("EXPIRED", units(1))
    assert (second.status, second.expiry_reason) == ("EXPIRED", ExpiryReason.OTO_PHASE_ONE_EXPIRED)
    assert list_events(bench)[-1] == "ALL_DONE"


@pytest.mark.parametrize("leg", [0, 1])
def test_cancelling_either_leg_cancels_the_list(bench, leg):
    orders = placed(bench, "OTO", bench.new("BUY", "LIMIT", 2, 94_900), bench.new("SELL", "LIMIT", 1, 96_000))
    ended = bench.cancel(orders[leg])
    assert [str(order.status) for order in orders] == ["CANCELED", "CANCELED"]
    assert [item.order.id for item in ended.cancellations] == [order.id for order in orders]
    assert ended.order_list.order_status is ListOrderStatus.ALL_DONE
    assert bench.locked(1, "USDT") == 0


def test_a_second_leg_without_funds_expires_as_rejected(bench):
    placed_orders = placed(bench, "OTO", bench.new("BUY", "LIMIT", 1, 94_900), bench.new("BUY", "LIMIT", 50, 94_000))
    bench.limit(2, "SELL", 1, 94_900)
    pending = placed_orders[1]
    assert (pending.status, pending.expiry_reason) == ("EXPIRED", ExpiryReason.REJECTED)
    report = next(event for event in reversed(bench.events) if isinstance(event, ExecutionReport))
    assert (report.order.id, report.reject_reason) == (pending.id, RejectReason.INSUFFICIENT_BALANCES)


def test_a_triple_starts_its_pair_and_ends_as_one(bench):
    working, above, below = placed(bench, "OTOCO", bench.new("BUY", "LIMIT", 1, 94_900), *pair(bench))
    assert [str(order.status) for order in (above, below)] == ["PENDING_NEW", "PENDING_NEW"]
    bench.limit(2, "SELL", 1, 94_900)
    assert [str(order.status) for order in (working, above, below)] == ["FILLED", "NEW", "NEW"]
    assert bench.locked(1, "BTC") == 1
    bench.limit(2, "BUY", 1, 95_500)
    assert [str(order.status) for order in (above, below)] == ["FILLED", "EXPIRED"]
    assert bench.locked(1, "BTC") == 0
    assert list_events(bench) == ["EXEC_STARTED", "ALL_DONE"]


def test_a_pair_whose_stop_is_already_passed_is_rejected_as_a_whole(bench):
    _, above, below = placed(
        bench, "OTOCO", bench.new("BUY", "LIMIT", 1, 94_400), *pair(bench, profit=95_500, stop=94_500)
    )
    bench.limit(2, "SELL", 1, 94_400)
    assert {order.expiry_reason for order in (above, below)} == {ExpiryReason.REJECTED}
    assert bench.locked(1, "BTC") == 0


def test_the_first_leg_of_a_list_must_be_a_limit_and_the_list_complete(bench):
    with pytest.raises(Rejection, match="-1014"):
        bench.place_list(1, "OTO", bench.new("BUY", "MARKET", 1), bench.new("SELL", "LIMIT", 1, 96_000))
    with pytest.raises(Rejection, match="-1128"):
        bench.place_list(1, "OTOCO", bench.new("BUY", "LIMIT", 1, 94_000), bench.new("SELL", "LIMIT", 1, 96_000))


def test_client_ids_of_lists_and_legs_are_unique(bench):
    legs = pair(bench)
    bench.place_list(1, "OCO", *legs, client_order_id="list")
    with pytest.raises(Rejection, match=r"Duplicate order sent\."):
        bench.place_list(1, "OCO", *legs, client_order_id="list")
    twice = [
        bench.new("SELL", "LIMIT_MAKER", 1, 95_500, client_order_id="a"),
        bench.new("SELL", "STOP_LOSS", 1, stop_price=94_500, client_order_id="a"),
    ]
    with pytest.raises(Rejection, match=r"Duplicate order sent\."):
        bench.place_list(1, "OCO", *twice)


# ------------------------------------------------------------------------------------------------------------- OPO


def test_what_the_first_leg_buys_is_kept_and_sold_by_the_second(bench):
    working, pending = placed(bench, "OPO", bench.new("BUY", "LIMIT", 2, 94_900), bench.new("SELL", "LIMIT", 0, 96_000))
    assert pending.quantity == 0
    bench.limit(2, "SELL", 1, 94_900)
    assert bench.balance(1, "BTC") == (1_000_000, 1)
    bench.limit(2, "SELL", 1, 94_900)
    assert (working.status, pending.status, pending.quantity) == ("FILLED", "NEW", units(2))
    assert bench.balance(1, "BTC") == (1_000_000, 2)


def test_what_was_kept_is_freed_when_the_list_ends_before(bench):
    working, _ = placed(bench, "OPO", bench.new("BUY", "LIMIT", 2, 94_900), bench.new("SELL", "LIMIT", 0, 96_000))
    bench.limit(2, "SELL", 1, 94_900)
    bench.cancel(working)
    assert bench.balance(1, "BTC") == (1_000_001, 0)


@pytest.mark.parametrize(("owned", "sold", "free"), [(0, "0.999", "0"), (1, "1", "0.9990001")])
def test_the_commission_comes_from_free_funds_or_lessens_what_is_sold(owned, sold, free):
    bench = Bench(commissions=Commissions(standard=CommissionRates(maker=99_990)))
    bench.trading.deposit(1, "BTC", units(owned - 1_000_000))
    _, pending = placed(bench, "OPO", bench.new("BUY", "LIMIT", 1, 94_900), bench.new("SELL", "LIMIT", 0, 96_000))
    bench.limit(2, "SELL", 1, 94_900)
    assert pending.quantity == units(sold)
    balance = bench.trading.account(1).balances["BTC"]
    assert balance.locked == units(sold)
    assert balance.free == units(owned + 1) - 99_990 - units(sold)  # what steps leave over is free again


def test_opoco_starts_a_pair_with_what_was_bought(bench):
    _, above, below = placed(bench, "OPOCO", bench.new("BUY", "LIMIT", 1, 94_900), *pair(bench, quantity=0))
    bench.limit(2, "SELL", 1, 94_900)
    assert (above.quantity, below.quantity) == (units(1), units(1))
    assert bench.balance(1, "BTC") == (1_000_000, 1)


def test_opo_buys_first_and_says_no_quantity_for_what_follows(bench):
    buy, sell = bench.new("BUY", "LIMIT", 1, 94_900), bench.new("SELL", "LIMIT", 0, 96_000)
    for legs, code in (
        ((bench.new("SELL", "LIMIT", 1, 96_000), sell), -1222),
        ((buy, bench.new("BUY", "LIMIT", 0, 90_000)), -1223),
        ((buy, bench.new("SELL", "LIMIT", 1, 96_000)), -1225),
    ):
        with pytest.raises(Rejection, match=f"^{code}: ") as caught:
            bench.place_list(1, "OPO", *legs)
        assert caught.value.code == code


# ------------------------------------------------------------------------------------------------------------- lists


def test_lists_are_found_and_cancelled_by_either_id(bench):
    first = bench.place_list(1, "OCO", *pair(bench), client_order_id="a").order_list
    second = bench.place_list(1, "OCO", *pair(bench), client_order_id="b").order_list
    history = bench.desk.history
    assert history.list_status(1, first.id, None).client_order_id == "a"
    assert history.list_status(1, first.id, "b").id == second.id  # the client id is the one that counts here
    with pytest.raises(Rejection, match=r"Unknown order sent\."):
        bench.trading.cancel_list(1, "BTCUSDT", list_id=first.id, client_order_id="b")
    bench.trading.cancel_list(1, "BTCUSDT", client_order_id="b")
    bench.trading.cancel_list(1, "BTCUSDT", list_id=first.id)
    assert [item.order_status for item in history.all_lists(1)] == [ListOrderStatus.ALL_DONE] * 2
    assert history.all_lists(1, Span(first_id=second.id)) == [history.lists[second.id]]
    with pytest.raises(Rejection, match="-2013"):
        history.list_status(2, first.id, None)


@pytest.mark.parametrize(("kind", "flag"), [("OCO", "oco_allowed"), ("OTO", "oto_allowed"), ("OPO", "opo_allowed")])
def test_a_symbol_may_not_have_lists(bench, kind, flag):
    legs = {
        "OCO": pair(bench),
        "OTO": (bench.new("BUY", "LIMIT", 1, 94_900), bench.new("SELL", "LIMIT", 1, 96_000)),
        "OPO": (bench.new("BUY", "LIMIT", 1, 94_900), bench.new("SELL", "LIMIT", 0, 96_000)),
    }[kind]
    bench.market.info = replace(bench.market.info, **{flag: False})
    with pytest.raises(Rejection, match=f"{kind} orders are not supported for this symbol"):
        bench.place_list(1, kind, *legs)


def test_the_limit_of_a_take_profit_must_lie_around_the_last_trade_too(bench):
    """Fact sheet: the limit price counts on the side of the profit, and the stop price on the other."""
    stop = bench.new("SELL", "STOP_LOSS", 1, stop_price=80_000)
    inside = bench.new("SELL", "TAKE_PROFIT_LIMIT", 1, 90_000, stop_price=96_000)
    with pytest.raises(Rejection, match="The relationship of the prices for the orders is not correct"):
        bench.place_list(1, "OCO", inside, stop)
    outside = bench.new("SELL", "TAKE_PROFIT_LIMIT", 1, 95_900, stop_price=96_000)
    bench.place_list(1, "OCO", outside, stop)
    stop_limit = bench.new("BUY", "STOP_LOSS_LIMIT", 1, 90_000, stop_price=96_000)
    bench.place_list(1, "OCO", stop_limit, bench.new("BUY", "LIMIT_MAKER", 1, 89_000))


def test_an_amendment_that_ends_an_order_tells_the_list_as_it_is_then(bench):
    working = bench.new("BUY", "LIMIT", 1, 90_000)
    placed = bench.place_list(1, "OTO", working, bench.new("SELL", "LIMIT", 1, 99_000))
    bench.limit(2, "SELL", "0.4", 90_000)
    amended = bench.trading.amend(1, bench.key(placed.placements[0].order), units("0.4"))
    assert (amended.order.status, amended.order_list.order_status) == ("EXPIRED", ListOrderStatus.ALL_DONE)
    assert bench.desk.history.lists[placed.order_list.id].order_status is ListOrderStatus.ALL_DONE
