from __future__ import annotations

import pytest

from cryptotrader.models.order_models import ExpiryReason, PegOffsetType
from cryptotrader.simulator.venue.events import AccountPosition, ExecutionReport
from cryptotrader.simulator.venue.rejections import Rejection
from venue_bench import Bench, units


@pytest.fixture
def bench():
    return Bench()


def refusal(command, *arguments, **named):
    with pytest.raises(Rejection, match=r"^-\d{4}: ") as caught:
        command(*arguments, **named)
    return caught.value.code, caught.value.message


# ------------------------------------------------------------------------------------------------------------- limit


def test_a_resting_buy_locks_its_worth_and_pays_the_makers_price(bench):
    bench.limit(2, "SELL", 1, 94_990)
    order = bench.limit(1, "BUY", 3, 95_000)

    assert (bench.status(order), order.executed, order.quote_executed) == ("PARTIALLY_FILLED", units(1), units(94_990))
    assert bench.balance(1, "USDT") == (1_000_000 - 94_990 - 190_000, 190_000)
    assert bench.balance(1, "BTC") == (1_000_001, 0)
    assert bench.balance(2, "USDT") == (1_094_990, 0)
    bench.cancel(order)
    assert bench.balance(1, "USDT") == (1_000_000 - 94_990, 0)


def test_a_resting_sell_locks_its_quantity(bench):
    bench.limit(1, "SELL", 2, 95_100)
    assert bench.balance(1, "BTC") == (999_998, 2)


def test_the_events_of_a_taker_are_new_trade_and_then_one_position(bench):
    bench.limit(2, "SELL", 1, 95_000)
    bench.events.clear()
    bench.limit(1, "BUY", 1, 95_000)

    told = [(event.uid, getattr(event, "execution_type", type(event).__name__)) for event in bench.events]
    assert told == [(1, "NEW"), (1, "TRADE"), (2, "TRADE"), (1, "AccountPosition"), (2, "AccountPosition")]
    first, *_ = [event for event in bench.events if isinstance(event, AccountPosition)]
    assert {position.asset for position in first.positions} == {"BTC", "USDT"}


def test_reports_and_the_reply_tell_the_same_fill(bench):
    maker = bench.limit(2, "SELL", 1, 95_000)
    placement = bench.trading.place(1, bench.new("BUY", "LIMIT", 1, 95_000))
    report = next(
        event for event in bench.events if isinstance(event, ExecutionReport) and event.execution and event.uid == 1
    )

    assert placement.fills == [report.execution]
    assert (report.execution.counter_order_id, report.execution.counter_uid) == (maker.id, 2)
    assert placement.order == report.order
    assert report.is_first_fill


def test_immediate_or_cancel_and_fill_or_kill_say_why_they_expired(bench):
    bench.limit(2, "SELL", 1, 95_000)
    killed = bench.limit(1, "BUY", 2, 95_000, time_in_force="FOK")
    assert (killed.executed, killed.expiry_reason) == (0, ExpiryReason.UNFILLED_FOK_ORDER_EXPIRED)
    taken = bench.limit(1, "BUY", 2, 95_000, time_in_force="IOC")
    assert (taken.executed, taken.expiry_reason) == (units(1), ExpiryReason.UNFILLED_IOC_QUANTITY_EXPIRED)
    assert bench.locked(1, "USDT") == 0


def test_fill_or_kill_counts_what_icebergs_hide(bench):
    bench.limit(2, "SELL", 5, 95_000, iceberg_quantity=1)
    assert bench.limit(1, "BUY", 5, 95_000, time_in_force="FOK").status == "FILLED"


def test_a_limit_maker_that_would_take_is_refused(bench):
    bench.limit(2, "SELL", 1, 95_000)
    taking = bench.new("BUY", "LIMIT_MAKER", 1, 95_000)
    assert refusal(bench.trading.place, 1, taking) == (-2010, "Order would immediately match and take.")
    assert bench.place(1, "BUY", "LIMIT_MAKER", 1, 94_999).status == "NEW"


def test_who_has_not_enough_is_refused_and_nothing_changes(bench):
    assert refusal(bench.limit, 1, "BUY", 11, 95_000) == (
        -2010,
        "Account has insufficient balance for requested action.",
    )
    assert bench.events == []
    assert bench.desk.history.open(1) == []
    assert bench.limit(1, "BUY", 10, 95_000).status == "NEW"
    assert refusal(bench.limit, 1, "BUY", 1, 95_000)[0] == -2010


def test_a_client_order_id_is_unique_among_open_orders_only(bench):
    order = bench.limit(1, "BUY", 1, 90_000, client_order_id="mine")
    assert refusal(bench.limit, 1, "BUY", 1, 90_000, client_order_id="mine") == (-2010, "Duplicate order sent.")
    bench.limit(2, "BUY", 1, 90_000, client_order_id="mine")
    bench.cancel(order)
    assert bench.limit(1, "BUY", 1, 90_000, client_order_id="mine").status == "NEW"


def test_client_order_ids_are_made_up_where_none_is_given(bench):
    first, second = bench.limit(1, "BUY", 1, 90_000), bench.limit(1, "BUY", 1, 90_000)
    assert len(first.client_order_id) == 22
    assert first.client_order_id != second.client_order_id


# ------------------------------------------------------------------------------------------------------------- market


def test_a_market_order_fills_what_exists_and_the_rest_expires(bench):
    bench.limit(2, "SELL", 1, 95_000)
    bench.limit(2, "SELL", 1, 95_010)
    order = bench.place(1, "BUY", "MARKET", 5)

    assert (order.status, order.executed, order.quote_executed) == ("EXPIRED", units(2), units(190_010))
    assert order.expiry_reason is ExpiryReason.INSUFFICIENT_LIQUIDITY
    assert bench.reports(order) == [
        ("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("TRADE", "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED"),
    ]  # fmt: skip
    assert bench.balance(1, "USDT") == (1_000_000 - 190_010, 0)


def test_a_market_buy_needs_what_the_book_will_cost(bench):
    for price in (95_000, 95_010):
        bench.limit(2, "SELL", 9, price)
    assert refusal(bench.place, 1, "BUY", "MARKET", 11)[0] == -2010
    assert bench.place(1, "BUY", "MARKET", 10).status == "FILLED"


@pytest.mark.parametrize(("side", "quantity", "quote"), [("BUY", "2.1", "199500"), ("SELL", "2.1", "199500")])
def test_a_quote_amount_is_spent_or_received_as_closely_as_steps_allow(bench, side, quantity, quote):
    bench.limit(2, "SELL" if side == "BUY" else "BUY", 4, 95_000)
    order = bench.place(1, side, "MARKET", quote_quantity="199500.3")
    assert (order.status, order.quantity, order.quote_executed) == ("FILLED", units(quantity), units(quote))
    assert order.quote_quantity == units("199500.3")


def test_a_quote_amount_on_an_empty_book_is_refused(bench):
    text = "Order book liquidity is less than LOT_SIZE filter minimum quantity."
    assert refusal(bench.place, 1, "BUY", "MARKET", quote_quantity=100) == (-2010, text)


@pytest.mark.parametrize(("kind", "price"), [("MARKET", 0), ("LIMIT", 105_000)])
def test_no_taker_trades_further_than_a_tenth_from_the_reference_price(bench, kind, price):
    bench.limit(2, "SELL", 1, 104_000)
    bench.limit(2, "SELL", 1, 104_600)
    order = bench.place(1, "BUY", kind, 2, price)
    assert order.expiry_reason is ExpiryReason.EXECUTION_RULE_PRICE_RANGE_EXCEEDED
    assert order.executed == units(1)
    assert bench.locked(1, "USDT") == 0


# ------------------------------------------------------------------------------------------------------------- stops


@pytest.mark.parametrize(
    ("kind", "side", "wrong", "right"),
    [
        ("STOP_LOSS", "BUY", 95_000, 95_100),
        ("STOP_LOSS", "SELL", 95_000, 94_900),
        ("TAKE_PROFIT", "BUY", 95_000, 94_900),
        ("TAKE_PROFIT", "SELL", 95_000, 95_100),
    ],
)
def test_a_stop_waits_on_its_side_of_the_market_and_then_takes(bench, kind, side, wrong, right):
    assert refusal(bench.place, 1, side, kind, 1, stop_price=wrong) == (-2010, "Order would trigger immediately.")
    order = bench.place(1, side, kind, 1, stop_price=right)
    assert (order.status, order.working_us) == ("NEW", -1)
    assert order.id not in bench.market.book
    bench.limit(2, "SELL" if side == "BUY" else "BUY", 2, right)
    assert bench.status(order) == "NEW"  # a price on the book is no trade
    bench.limit(3, side, 0.5, right)

    assert bench.status(order) == "FILLED"
    assert bench.reports(order) == [("NEW", "NEW"), ("NEW", "NEW"), ("TRADE", "FILLED")]
    assert bench.locked(1, "USDT") == bench.locked(1, "BTC") == 0


def test_a_stop_limit_rests_once_triggered_and_locks_its_limit(bench):
    order = bench.place(1, "BUY", "STOP_LOSS_LIMIT", 1, 95_200, stop_price=95_100)
    assert bench.locked(1, "USDT") == 95_200
    bench.trade_at(95_150)
    assert bench.order(order).is_working
    assert bench.market.book.bids.best == units(95_200)


def test_a_stop_at_market_that_became_too_dear_expires(bench):
    order = bench.place(1, "BUY", "STOP_LOSS", 10, stop_price=95_100)
    bench.limit(1, "BUY", 0.5, 90_000)
    bench.limit(2, "SELL", 20, 99_000)
    bench.trade_at(95_100)
    assert bench.status(order) == "EXPIRED"
    assert bench.order(order).expiry_reason is ExpiryReason.REJECTED
    assert bench.locked(1, "USDT") == 45_000


def test_stops_fire_one_after_another_where_one_moves_the_price_to_the_next(bench):
    for price in (94_900, 94_800, 94_700):
        bench.limit(2, "BUY", 1, price)
    first = bench.place(1, "SELL", "STOP_LOSS", 1.5, stop_price=94_900)
    second = bench.place(1, "SELL", "STOP_LOSS", 1, stop_price=94_800)
    bench.limit(3, "SELL", 0.5, 94_900)
    assert bench.status(first) == "FILLED"
    assert bench.status(second) == "FILLED"
    assert bench.market.last_price == units(94_700)


@pytest.mark.parametrize(
    ("kind", "side", "delta", "path", "stays", "fires"),
    [
        ("STOP_LOSS_LIMIT", "BUY", 500, [42_000], 44_099, 44_100),
        ("STOP_LOSS_LIMIT", "SELL", 1000, [41_000], 36_901, 36_900),
        ("TAKE_PROFIT_LIMIT", "BUY", 850, [37_000], 40_144, 40_145),
        ("TAKE_PROFIT_LIMIT", "SELL", 750, [46_500], 43_013, 43_012),
        ("STOP_LOSS_LIMIT", "SELL", 700, [44_000, 45_500], 42_316, 42_315),
    ],
)
def test_a_trailing_stop_follows_the_price_and_fires_when_it_turns(bench, kind, side, delta, path, stays, fires):
    order = bench.place(1, side, kind, 0.01, 43_000, trailing_delta=delta)
    assert order.trailing_us == -1
    for price in (*path, stays):
        bench.market.triggers.see(units(price), 5)
    assert not bench.order(order).has_triggered
    assert bench.order(order).trailing_us == 5
    bench.market.triggers.see(units(fires), 6)
    assert bench.order(order).has_triggered


def test_a_trailing_stop_with_a_stop_price_waits_for_it(bench):
    order = bench.place(1, "SELL", "TAKE_PROFIT_LIMIT", 0.01, 96_000, trailing_delta=100, stop_price=96_000)
    for price in (95_500, 94_000):
        bench.trade_at(price)
    assert bench.order(order).trailing_us == -1
    bench.trade_at(96_100)
    assert bench.order(order).trailing_us > 0
    bench.trade_at(97_000)
    assert not bench.order(order).has_triggered
    bench.trade_at(96_030)
    assert bench.order(order).is_working


# ------------------------------------------------------------------------------------------------------------- icebergs


def test_an_iceberg_shows_a_slice_which_queues_anew_when_it_is_filled(bench):
    iceberg = bench.limit(1, "SELL", 3, 95_000, iceberg_quantity=1)
    plain = bench.limit(2, "SELL", 1, 95_000)
    assert bench.market.book.asks.quantity(units(95_000)) == units(2)
    bench.limit(3, "BUY", 1, 95_000)
    assert bench.order(iceberg).executed == units(1)
    assert bench.market.book.asks.quantity(units(95_000)) == units(2)
    bench.limit(3, "BUY", 1, 95_000)
    assert bench.status(plain) == "FILLED"  # the second slice stands behind it
    bench.limit(3, "BUY", 2, 95_000)
    assert bench.status(iceberg) == "FILLED"
    assert bench.locked(1, "BTC") == 0


def test_a_cancelled_iceberg_takes_its_hidden_part_along(bench):
    iceberg = bench.limit(1, "SELL", 3, 95_000, iceberg_quantity=1)
    bench.cancel(iceberg)
    assert bench.market.book.asks.best is None
    assert bench.locked(1, "BTC") == 0


@pytest.mark.parametrize(
    ("kind", "more", "code", "text"),
    [
        ("LIMIT", {"price": 95_000, "iceberg_quantity": 2}, -1013, "IcebergQty exceeds QTY."),
        ("STOP_LOSS", {}, -2010, "Unsupported order combination"),
        ("LIMIT", {}, -1013, "Price * QTY is zero or less."),
        ("LIMIT", {"price": 95_000, "quantity": 0}, -1013, "Price * QTY is zero or less."),
    ],
)
def test_amounts_that_do_not_go_together_are_refused(bench, kind, more, code, text):
    request = bench.new("BUY", kind, **({"quantity": 1} | more))
    assert refusal(bench.trading.place, 1, request) == (code, text)
    assert refusal(bench.trading.test, 1, request) == (code, text)


# ------------------------------------------------------------------------------------------------------------- pegs


@pytest.mark.parametrize(
    ("side", "peg", "offset", "price"),
    [
        ("BUY", "PRIMARY_PEG", None, 94_900),
        ("BUY", "PRIMARY_PEG", 1, 94_800),
        ("SELL", "PRIMARY_PEG", None, 95_100),
        ("SELL", "PRIMARY_PEG", 1, 95_200),
        ("BUY", "MARKET_PEG", None, 95_100),
        ("BUY", "MARKET_PEG", 1, 95_200),
        ("SELL", "MARKET_PEG", None, 94_900),
    ],
)
def test_a_peg_reads_its_price_off_the_book(bench, side, peg, offset, price):
    for bid, ask in ((94_900, 95_100), (94_800, 95_200)):
        bench.limit(2, "BUY", 1, bid)
        bench.limit(2, "SELL", 1, ask)
    force = "GTC" if peg == "PRIMARY_PEG" else "IOC"
    deeper = {} if offset is None else {"peg_offset_value": offset, "peg_offset_type": PegOffsetType.PRICE_LEVEL}
    order = bench.limit(1, side, 1, 0, peg_price_type=peg, time_in_force=force, **deeper)

    assert (order.price, order.pegged_price) == (0, units(price))
    assert order.status == ("FILLED" if force == "IOC" else "NEW")


def test_a_price_is_the_limit_of_a_peg(bench):
    bench.limit(2, "SELL", 1, 95_100)
    order = bench.limit(1, "BUY", 1, 95_000, peg_price_type="MARKET_PEG", time_in_force="IOC")
    assert (order.pegged_price, order.executed) == (units(95_000), 0)


def test_a_pegged_stop_limit_takes_the_best_price_of_the_moment_in_which_it_fires(bench):
    bench.limit(2, "BUY", 1, 94_000)
    order = bench.place(1, "SELL", "STOP_LOSS_LIMIT", 1, stop_price=94_500, peg_price_type="MARKET_PEG")
    bench.limit(2, "BUY", 5, 94_300)
    bench.trade_at(94_450)
    done = bench.order(order)
    assert (done.status, done.pegged_price) == ("FILLED", units(94_300))


def test_a_peg_needs_a_level_to_read_off(bench):
    text = "Order book liquidity is too low for this pegged order."
    assert refusal(bench.place, 1, "BUY", "LIMIT", 1, peg_price_type="PRIMARY_PEG") == (-2010, text)
