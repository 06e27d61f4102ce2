"""The scenarios of Binance's FAQ on self-trade prevention, and those of groups and lists."""

from __future__ import annotations

import pytest

from cryptotrader.models.base_models import SelfTradePreventionMode as Mode
from cryptotrader.simulator.venue.events import ExecutionReport
from cryptotrader.simulator.venue.rejections import Rejection
from venue_bench import Bench, units


@pytest.fixture
def bench():
    return Bench()


def meet(bench, taker_mode, *, makers=((1, 94_990),), taker=3, maker_mode=Mode.NONE, uids=(1, 1)):
    """Resting buys of one account, and a sell of the other that would meet them; returns the records."""
    resting = [
        bench.limit(uids[0], "BUY", quantity, price, self_trade_prevention_mode=maker_mode)
        for quantity, price in makers
    ]
    placement = bench.trading.place(
        uids[1], bench.new("SELL", "LIMIT", taker, 94_000, self_trade_prevention_mode=taker_mode)
    )
    return [bench.order(order) for order in resting], bench.order(placement.order), placement


def test_none_lets_an_account_trade_with_itself(bench):
    (maker,), taker, _ = meet(bench, Mode.NONE, taker=1)
    assert (maker.status, taker.status, maker.prevented) == ("FILLED", "FILLED", 0)
    assert bench.balance(1, "BTC") == (1_000_000, 0)
    assert [fill.is_maker for fill in bench.desk.history.trades(1, "BTCUSDT")] == [False, True]


def test_expire_maker_clears_the_way_and_the_taker_rests(bench):
    makers, taker, placement = meet(bench, Mode.EXPIRE_MAKER, makers=((1.2, 94_990), (1.3, 94_980), (7.1, 94_970)))
    assert {maker.status for maker in makers} == {"EXPIRED_IN_MATCH"}
    assert [maker.prevented for maker in makers] == [units("1.2"), units("1.3"), units("7.1")]
    assert (taker.status, taker.prevented) == ("NEW", 0)
    assert [(match.maker_quantity, match.taker_quantity) for match in placement.prevented] == [
        (units("1.2"), None), (units("1.3"), None), (units("7.1"), None),
    ]  # fmt: skip
    assert bench.locked(1, "USDT") == 0


def test_expire_taker_leaves_the_makers(bench):
    (maker,), taker, placement = meet(bench, Mode.EXPIRE_TAKER)
    assert (maker.status, taker.status, taker.prevented) == ("NEW", "EXPIRED_IN_MATCH", units(3))
    assert (placement.prevented[0].taker_quantity, placement.prevented[0].maker_quantity) == (units(3), None)
    assert bench.locked(1, "BTC") == 0


def test_expire_both_ends_both(bench):
    (maker,), taker, _ = meet(bench, Mode.EXPIRE_BOTH)
    assert (maker.status, maker.prevented) == ("EXPIRED_IN_MATCH", units(1))
    assert (taker.status, taker.prevented) == ("EXPIRED_IN_MATCH", units(3))


def test_the_takers_mode_counts(bench):
    (maker,), taker, _ = meet(bench, Mode.EXPIRE_TAKER, maker_mode=Mode.EXPIRE_MAKER)
    assert (maker.status, taker.status) == ("NEW", "EXPIRED_IN_MATCH")


def test_a_market_order_that_expired_its_makers_ends_for_lack_of_liquidity(bench):
    bench.limit(1, "BUY", 1, 94_990)
    order = bench.place(1, "SELL", "MARKET", 1, self_trade_prevention_mode=Mode.EXPIRE_MAKER)
    assert (order.status, order.expiry_reason, order.prevented) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY", 0)


@pytest.mark.parametrize("mode", [Mode.DECREMENT, Mode.TRANSFER])
def test_decrement_takes_as_much_from_both(bench, mode):
    (maker,), taker, _ = meet(bench, mode, makers=((6, 94_990),), taker=2, maker_mode=mode)
    assert (maker.status, maker.prevented, maker.remaining) == ("NEW", units(2), units(4))
    assert (taker.status, taker.prevented) == ("EXPIRED_IN_MATCH", units(2))
    assert bench.locked(1, "USDT") == 4 * 94_990
    assert bench.market.book.bids.quantity(units(94_990)) == units(4)
    assert bench.balance(1, "BTC") == (1_000_000, 0)


def test_transfer_moves_the_quantity_between_accounts_of_a_group(bench):
    for uid in (1, 2):
        bench.trading.account(uid).trade_group_id = 1
    (maker,), taker, placement = meet(
        bench, Mode.TRANSFER, makers=((6, 95_000),), taker=2, maker_mode=Mode.TRANSFER, uids=(1, 2)
    )
    assert (maker.status, maker.prevented, taker.status) == ("NEW", units(2), "EXPIRED_IN_MATCH")
    assert bench.balance(1, "BTC") == (1_000_002, 0)
    assert bench.balance(1, "USDT") == (1_000_000 - 570_000, 380_000)
    assert bench.balance(2, "BTC") == (999_998, 0)
    assert bench.balance(2, "USDT") == (1_190_000, 0)
    assert (placement.prevented[0].trade_group_id, taker.trade_group_id, maker.trade_group_id) == (1, 1, 1)
    assert bench.desk.history.trades(1, "BTCUSDT") == []


@pytest.mark.parametrize(("groups", "status"), [((1, 1), "EXPIRED_IN_MATCH"), ((1, 2), "FILLED"), ((-1, -1), "FILLED")])
def test_accounts_of_one_group_are_kept_apart_and_others_trade(bench, groups, status):
    for uid, group in zip((1, 2), groups, strict=True):
        bench.trading.account(uid).trade_group_id = group
    _, taker, _ = meet(bench, Mode.EXPIRE_TAKER, taker=1, uids=(1, 2))
    assert taker.status == status


def test_reports_name_the_match_and_what_was_lost(bench):
    (maker,), taker, placement = meet(bench, Mode.EXPIRE_BOTH)
    reports = [event for event in bench.events if isinstance(event, ExecutionReport) and event.prevented]
    assert [(event.order.id, event.execution_type, event.prevented_quantity) for event in reports] == [
        (maker.id, "TRADE_PREVENTION", units(1)), (taker.id, "TRADE_PREVENTION", units(3)),
    ]  # fmt: skip
    assert placement.prevented == [reports[0].prevented]
    assert bench.desk.history.prevented_matches(1, "BTCUSDT", order_id=maker.id) == placement.prevented
    assert bench.desk.history.prevented_matches(1, "BTCUSDT", number=placement.prevented[0].id) == placement.prevented


def test_a_taker_trades_with_others_before_it_meets_its_own(bench):
    bench.limit(2, "BUY", 1, 95_000)
    (maker,), taker, _ = meet(bench, Mode.EXPIRE_TAKER, taker=3)
    assert (taker.executed, taker.prevented, taker.status) == (units(1), units(2), "EXPIRED_IN_MATCH")
    assert maker.status == "NEW"


def test_a_mode_that_the_symbol_does_not_allow_is_refused(bench):
    bench.market.info.allowed_self_trade_prevention_modes.remove(Mode.TRANSFER)
    text = "This symbol does not allow the specified self-trade prevention mode."
    with pytest.raises(Rejection, match=text):
        bench.limit(1, "BUY", 1, 94_000, self_trade_prevention_mode=Mode.TRANSFER)
    bench.trading.account(1).require_self_trade_prevention = True
    with pytest.raises(Rejection, match=text):
        bench.limit(1, "BUY", 1, 94_000, self_trade_prevention_mode=Mode.NONE)
    assert bench.limit(1, "BUY", 1, 94_000).self_trade_prevention_mode is Mode.EXPIRE_MAKER


def test_a_leg_that_loses_quantity_ends_the_other_of_its_pair(bench):
    maker = bench.new("SELL", "LIMIT_MAKER", 2, 95_100)
    stop = bench.new("SELL", "STOP_LOSS", 2, stop_price=94_000)
    above, below = (placement.order for placement in bench.place_list(1, "OCO", maker, stop).placements)
    bench.limit(1, "BUY", 1, 95_100, self_trade_prevention_mode=Mode.DECREMENT)
    assert (bench.status(above), bench.order(above).remaining, bench.status(below)) == ("NEW", units(1), "EXPIRED")
    assert bench.locked(1, "BTC") == 1


def test_a_routed_order_never_transfers_to_another_symbol():
    """What the one gives is not what the other receives: money would be made of nothing."""
    bench = Bench("BTCUSDT", "BTCUSDC", trade_group_id=5)
    mode = {"self_trade_prevention_mode": Mode.TRANSFER}
    maker = bench.limit(2, "SELL", 0.01, 95_000, symbol="BTCUSDC", **mode)
    placed = bench.trading.route(1, bench.new("BUY", "LIMIT", 0.01, 95_000, **mode))
    assert [match.mode for match in placed.prevented] == [Mode.DECREMENT]
    assert (bench.status(maker), bench.status(placed.order)) == ("EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH")
    for uid in (1, 2):
        assert {bench.balance(uid, asset) for asset in ("BTC", "USDT", "USDC")} == {(1_000_000, 0)}
