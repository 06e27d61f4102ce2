"""What an order at market costs and is worth, and whether an order can be filled whole: read off the books."""

from __future__ import annotations

import pytest

from cryptotrader.models.base_models import SelfTradePreventionMode as Mode
from cryptotrader.simulator.venue.rejections import Rejection
from venue_bench import Bench, units

POOR = "-2010: Account has insufficient balance"


@pytest.fixture
def bench():
    return Bench()


def leave(bench, uid, asset, amount):
    """Let an account own only so much of an asset."""
    bench.trading.deposit(uid, asset, units(amount) - bench.trading.account(uid).free(asset))


# ------------------------------------------------------------------------------------------------------------ budgets


@pytest.mark.parametrize("price", [f"0.0{number}" for number in range(3_578_990, 3_579_020)])
def test_icebergs_filled_slice_by_slice_cost_no_more_than_what_is_locked(price):
    bench = Bench("ETHBTC")
    bench.limit(2, "SELL", "0.601", price, iceberg_quantity="0.501")
    bench.limit(2, "SELL", "0.503", price)
    order = bench.place(1, "BUY", "MARKET", "1.001")
    assert (order.status, order.executed, order.locked) == ("FILLED", units("1.001"), 0)
    assert bench.balance(1, "BTC")[1] == 0


def test_a_triggered_stop_pays_for_icebergs_too():
    bench = Bench("ETHBTC")
    price = "0.03579002"
    stop = bench.place(1, "BUY", "STOP_LOSS", "1.001", stop_price=price)
    bench.limit(2, "SELL", "0.01", price)
    bench.limit(2, "SELL", "0.601", price, iceberg_quantity="0.501")
    bench.limit(2, "SELL", "0.503", price)
    bench.limit(3, "BUY", "0.01", price)
    assert (bench.status(stop), bench.locked(1, "BTC")) == ("FILLED", 0)


def test_who_sends_a_quote_amount_must_own_all_of_it(bench):
    leave(bench, 1, "USDT", 499)
    bench.limit(2, "SELL", 0.001, 95_000)
    with pytest.raises(Rejection, match=POOR):
        bench.place(1, "BUY", "MARKET", quote_quantity=500)
    leave(bench, 1, "BTC", "0.005")
    bench.limit(2, "BUY", 0.001, 94_000)
    with pytest.raises(Rejection, match=POOR):
        bench.place(1, "SELL", "MARKET", quote_quantity=900)
    assert bench.place(1, "BUY", "MARKET", quote_quantity=499).executed == units("0.001")


def test_who_buys_a_quantity_must_own_the_worth_of_what_the_book_does_not_have(bench):
    bench.limit(2, "SELL", 0.001, 95_000)
    leave(bench, 1, "USDT", "1044.99")
    last = bench.market.last_price
    assert last == units(95_000)
    with pytest.raises(Rejection, match=POOR):
        bench.place(1, "BUY", "MARKET", 0.011)
    leave(bench, 1, "USDT", "1045")
    order = bench.place(1, "BUY", "MARKET", 0.011)
    assert (order.status, order.executed, bench.balance(1, "USDT")) == ("EXPIRED", units("0.001"), (950, 0))


# ------------------------------------------------------------------------------------------------------ quote amounts


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_quote_amount_that_the_book_does_not_fill_expires_for_want_of_liquidity(bench, side):
    bench.limit(2, "SELL" if side == "BUY" else "BUY", 0.001, 95_000)
    order = bench.place(1, side, "MARKET", quote_quantity=500)
    assert (order.status, order.expiry_reason) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")
    assert (order.executed, order.quantity) == (units("0.001"), units("0.00526"))  # the rest at the last price
    assert [kind for kind, _ in bench.reports(order)] == ["NEW", "TRADE", "EXPIRED"]
    assert bench.locked(1, "USDT") == bench.locked(1, "BTC") == 0


def test_a_quote_amount_that_the_price_range_stops_expires_for_that(bench):
    bench.limit(2, "SELL", 0.001, 95_000)
    bench.limit(2, "SELL", 0.01, 105_000)
    bench.trade_at(94_000)
    order = bench.place(1, "BUY", "MARKET", quote_quantity=500)
    assert (order.status, order.executed) == ("EXPIRED", units("0.001"))
    assert order.expiry_reason == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    nothing = bench.place(1, "BUY", "MARKET", quote_quantity=500)
    assert (nothing.status, nothing.executed) == ("EXPIRED", 0)
    assert nothing.expiry_reason == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


def test_a_quote_amount_that_stops_at_the_accounts_own_order_is_not_filled(bench):
    bench.limit(2, "SELL", 0.001, 95_000)
    own = bench.limit(1, "SELL", 1, 95_000)
    order = bench.place(1, "BUY", "MARKET", quote_quantity=500, self_trade_prevention_mode=Mode.EXPIRE_TAKER)
    assert (order.status, order.executed, bench.status(own)) == ("EXPIRED_IN_MATCH", units("0.001"), "NEW")


# --------------------------------------------------------------------------------------------------------------- FOK


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.NONE])
def test_a_fok_order_is_not_filled_in_part_when_an_own_order_is_in_the_way(bench, mode):
    own = bench.limit(1, "SELL", 1, 95_000, self_trade_prevention_mode=Mode.TRANSFER)
    bench.limit(2, "SELL", 1, 95_000)
    killed = bench.limit(1, "BUY", 2, 95_000, time_in_force="FOK", self_trade_prevention_mode=mode)
    assert (killed.status, killed.executed) == ("EXPIRED", 0)
    assert killed.expiry_reason == "UNFILLED_FOK_ORDER_EXPIRED"
    assert bench.status(own) == "NEW"


def test_a_fok_order_passes_own_orders_that_expire_or_that_it_does_not_come_to(bench):
    own = bench.limit(1, "SELL", 1, 95_000)
    bench.limit(2, "SELL", 1, 95_000)
    fok = {"time_in_force": "FOK"}
    filled = bench.limit(1, "BUY", 1, 95_000, self_trade_prevention_mode=Mode.EXPIRE_MAKER, **fok)
    assert (filled.status, bench.status(own)) == ("FILLED", "EXPIRED_IN_MATCH")
    bench.limit(2, "SELL", 1, 95_000)
    behind = bench.limit(1, "SELL", 1, 95_000)
    filled = bench.limit(1, "BUY", 1, 95_000, self_trade_prevention_mode=Mode.EXPIRE_TAKER, **fok)
    assert (filled.status, bench.status(behind)) == ("FILLED", "NEW")


def test_what_an_iceberg_does_not_show_comes_behind_an_own_order(bench):
    bench.limit(2, "SELL", 3, 95_000, iceberg_quantity=1)
    bench.limit(1, "SELL", 1, 95_000)
    more = {"time_in_force": "FOK", "self_trade_prevention_mode": Mode.EXPIRE_TAKER}
    assert bench.limit(1, "BUY", 2, 95_000, **more).executed == 0
    assert bench.limit(1, "BUY", 1, 95_000, **more).status == "FILLED"
    assert bench.limit(3, "BUY", 3, 95_000, time_in_force="FOK").status == "FILLED"


def test_a_routed_fok_order_counts_all_books():
    bench = Bench("BTCUSDT", "BTCUSDC")
    bench.limit(2, "SELL", 1, 95_000, symbol="BTCUSDC")
    fok = {"time_in_force": "FOK"}
    placed = bench.trading.route(1, bench.new("BUY", "LIMIT", 0.5, 95_500, **fok)).order
    assert (placed.status, placed.executed) == ("FILLED", units("0.5"))
    bench.limit(2, "SELL", 1, 95_000)
    killed = bench.trading.route(1, bench.new("BUY", "LIMIT", 1.6, 95_500, **fok)).order
    assert (killed.status, killed.executed) == ("EXPIRED", 0)
    placed = bench.trading.route(1, bench.new("BUY", "LIMIT", 1.5, 95_500, **fok)).order
    assert placed.status == "FILLED"


def test_a_routed_order_that_the_price_range_stops_in_another_book_says_so():
    bench = Bench("BTCUSDT", "BTCUSDC")
    bench.trade_at(95_000)
    bench.limit(2, "SELL", 1, 105_000, symbol="BTCUSDC")
    placed = bench.trading.route(1, bench.new("BUY", "MARKET", 0.5)).order
    assert (placed.status, placed.expiry_reason) == ("EXPIRED", "EXECUTION_RULE_PRICE_RANGE_EXCEEDED")
