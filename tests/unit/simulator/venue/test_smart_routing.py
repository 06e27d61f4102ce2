"""The examples of Binance's FAQ on smart order routing, at this venue's prices."""

from __future__ import annotations

import pytest

from cryptotrader.simulator.venue.rejections import Rejection
from venue_bench import Bench, units


@pytest.fixture
def bench():
    bench = Bench("BTCUSDT", "BTCUSDC", "BTCUSDP", "ETHUSDT")
    for symbol, quantity, price in (
        ("BTCUSDT", 3, 95_800), ("BTCUSDT", 3, 95_500), ("BTCUSDC", 1, 95_000),
        ("BTCUSDC", 1, 93_000), ("BTCUSDP", 1, 98_000), ("BTCUSDP", 1, 94_000),
    ):  # fmt: skip
        bench.limit(2, "SELL", quantity, price, symbol=symbol)
    return bench


def route(bench, *order, **more):
    return bench.trading.route(1, bench.new(*order, **more))


def told(placement):
    return [(fill.allocation_id, fill.price // 10**8, fill.quantity / 10**8) for fill in placement.fills]


def test_the_best_price_of_all_books_comes_first_and_is_paid_in_the_orders_quote_asset(bench):
    placement = route(bench, "BUY", "LIMIT", 0.5, 96_000)
    assert told(placement) == [(0, 93_000, 0.5)]
    assert (placement.order.status, placement.order.used_sor, placement.order.working_floor) == ("FILLED", True, "SOR")
    assert bench.balance(1, "USDT") == (1_000_000 - 46_500, 0)
    assert bench.balance(2, "USDC") == (1_046_500, 0)  # the maker is paid in its own
    assert bench.balance(1, "USDC") == (1_000_000, 0)


def test_an_order_goes_from_book_to_book_and_ends_in_its_own(bench):
    placement = route(bench, "BUY", "LIMIT", 5, 96_000)
    assert told(placement) == [(0, 93_000, 1), (1, 94_000, 1), (2, 95_000, 1), (-1, 95_500, 2)]
    assert placement.fills[-1].trade_id >= 0
    assert placement.order.quote_executed == units(93_000 + 94_000 + 95_000 + 2 * 95_500)
    assert placement.order.working_floor == "EXCHANGE"
    assert [item.allocation_id for item in bench.desk.history.allocations(1, "BTCUSDT")] == [0, 1, 2]
    assert len(bench.desk.history.trades(1, "BTCUSDT")) == 1


def test_what_no_book_has_expires_at_market_and_rests_at_a_limit(bench):
    placement = route(bench, "BUY", "LIMIT", 4, 95_000)
    assert (placement.order.status, placement.order.executed) == ("PARTIALLY_FILLED", units(3))
    assert bench.desk.markets["BTCUSDT"].book.bids.best == units(95_000)
    bench.cancel(placement.order)
    assert bench.locked(1, "USDT") == 0
    ended = route(bench, "BUY", "MARKET", 7.4).order
    assert (ended.status, ended.executed, ended.expiry_reason) == ("EXPIRED", units(7), "INSUFFICIENT_LIQUIDITY")
    assert bench.locked(1, "USDT") == 0


def test_selling_takes_the_highest_bids_of_all_books(bench):
    for uid_symbol, price in (("BTCUSDT", 92_500), ("BTCUSDC", 92_900), ("BTCUSDP", 92_000)):
        bench.limit(3, "BUY", 5, price, symbol=uid_symbol)
    placement = route(bench, "SELL", "LIMIT", 7, 92_200)
    assert told(placement) == [(0, 92_900, 5), (-1, 92_500, 2)]
    assert bench.balance(1, "USDT") == (1_000_000 + 5 * 92_900 + 2 * 92_500, 0)


def test_own_orders_in_other_books_are_kept_apart_too(bench):
    own = bench.limit(1, "SELL", 1, 92_000, symbol="BTCUSDC")
    placement = route(bench, "BUY", "LIMIT", 1, 96_000)
    assert bench.status(own) == "EXPIRED_IN_MATCH"
    assert told(placement) == [(0, 93_000, 1)]
    assert [(match.symbol, match.maker_symbol) for match in placement.prevented] == [("BTCUSDT", "BTCUSDC")]
    assert bench.desk.history.prevented_matches(1, "BTCUSDC", order_id=own.id) == placement.prevented


def test_only_plain_orders_of_joined_symbols_are_routed(bench):
    assert [(group.base_asset, group.symbols) for group in bench.desk.router.groups()] == [
        ("BTC", ["BTCUSDT", "BTCUSDC", "BTCUSDP"])
    ]
    bad = [
        bench.new("BUY", "LIMIT", 1, 3_400, symbol="ETHUSDT"),
        bench.new("SELL", "STOP_LOSS", 1, stop_price=94_000),
        bench.new("BUY", "MARKET", quote_quantity=100),
        bench.new("BUY", "LIMIT", 1, 94_000, peg_price_type="PRIMARY_PEG"),
    ]
    for request in bad:
        for command in (bench.trading.route, lambda uid, new: bench.trading.test(uid, new, routed=True)):
            with pytest.raises(Rejection, match="-2010: Unsupported order combination"):
                command(1, request)
    bench.trading.account(1).prevent_sor = True
    with pytest.raises(Rejection, match=r"This action is disabled on this account\."):
        route(bench, "BUY", "LIMIT", 1, 94_000)
