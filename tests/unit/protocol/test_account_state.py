from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from account_told import SYMBOL, account, allocation, open_order, position, report, trade
from cryptotrader.models.order_models import OrderStatus
from cryptotrader.models.user_models import decode_user_data_event
from cryptotrader.protocol import account_state
from cryptotrader.protocol.account_state import AccountState

ASSETS = {SYMBOL: ("BTC", "USDT")}


def begun(**balances):
    state = AccountState()
    state.restart([], [], [], account(**balances or {"BTC": "10", "USDT": "1000", "BNB": "1"}), now=60)
    return state


def test_an_event_is_new_once():
    state = begun()

    assert [state.take(report(1)) for _ in range(2)] == [True, False]
    assert [state.take(report(2, status="PARTIALLY_FILLED", executed="0.4", trade=7)) for _ in range(2)] == [
        True,
        False,
    ]


def test_a_late_double_does_not_bring_an_order_back():
    state = begun()
    state.take(report(1))
    state.take(report(2, status="CANCELED"))
    state.take(report(1))

    assert state.open_orders == {}


def test_a_trade_that_was_read_back_is_recognised_when_its_event_comes():
    state = begun()
    state.mark_delivered([trade(7)])

    assert state.new_fills([trade(7), trade(8), trade(8)]) == [trade(8)]
    assert not state.take(report(1, status="FILLED", executed="1", trade=7))
    assert state.new_fills([trade(7, order=2)]) == [trade(7, order=2)], "the other order of the same trade"


def test_an_allocation_is_recognised_by_its_own_id():
    state = begun()
    state.mark_delivered([allocation(7)])

    assert state.new_fills([allocation(7), trade(7), allocation(8)]) == [allocation(8), trade(7)]
    assert not state.take(report(1, status="FILLED", executed="1", last="1", a=7, uS=True))
    assert state.take(report(2, status="FILLED", executed="1", last="1", a=8, uS=True))
    assert state.routed == {SYMBOL}


def test_an_allocation_counts_until_its_balances_are_told():
    state = begun()
    state.take(report(1, status="FILLED", executed="1", last="1", a=7))

    assert state.unexplained(account(BTC="11", USDT="900", BNB="0.999"), [], ASSETS) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"executed_quantity": Decimal("0.1")},
        {"original_quantity": Decimal("0.9")},
        {"prevented_quantity": Decimal("0.1")},
        {"working_time": 5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_open_order_that_is_not_as_it_was_is_told(change):
    state = begun()
    state.take(report(1, order=1))

    assert state.changed_orders([open_order(1)]) == ([], [])
    changed = msgspec.structs.replace(open_order(1), **change)
    assert state.changed_orders([changed]) == ([changed], [])


def test_orders_that_are_open_no_more_are_named_whether_their_events_came_or_not():
    state = begun()
    state.take(report(1, order=1))
    state.take(report(2, order=2))
    state.expect(SYMBOL, 3)
    changed, ended = state.changed_orders([open_order(2), open_order(4)])

    assert [order.order_id for order in changed] == [4]
    assert ended == [(SYMBOL, 1), (SYMBOL, 3)]
    state.restart([open_order(2), open_order(4)], ended, [], account(), now=70)
    assert state.changed_orders([open_order(2, "0.5")])[0] == [open_order(2, "0.5")]
    assert state.changed_orders([open_order(2), open_order(4)]) == ([], [])


def test_trades_explain_balances_and_what_they_do_not_explain_is_named():
    now = account(BTC="12", USDT="800", BNB="0.998")
    state = begun()

    assert state.unexplained(now, [trade(1), trade(2)], ASSETS) == {}
    assert state.unexplained(now, [trade(1)], ASSETS) == {
        "BNB": (Decimal("0.999"), Decimal("0.998")),
        "BTC": (Decimal(11), Decimal(12)),
        "USDT": (Decimal(900), Decimal(800)),
    }


def test_what_was_traded_is_taken_from_the_one_and_added_to_the_other_to_the_last_digit():
    state = begun()
    state.take(report(1, status="PARTIALLY_FILLED", executed="0.3", trade=7, last="0.3"))

    assert state.unexplained(account(BTC="12.8", USDT="720", BNB="0.998"), [trade(8, quantity="2.5")], ASSETS) == {}


def test_an_open_order_that_is_as_it_was_told_is_not_told_again():
    state = begun()
    state.take(report(1, order=1, A="0.1"))
    state.take(report(2, order=2, status="PENDING_NEW"))
    prevented = msgspec.structs.replace(open_order(1), prevented_quantity=Decimal("0.1"))
    pending = msgspec.structs.replace(open_order(2), status=OrderStatus.PENDING_NEW, original_quantity=Decimal(2))
    assert state.changed_orders([prevented, pending]) == ([], []), "a pending order's quantity is not settled yet"

    more = msgspec.structs.replace(prevented, prevented_quantity=Decimal("0.2"))
    assert state.changed_orders([more, pending]) == ([more], [])


@pytest.mark.parametrize("is_told", [True, False])
def test_a_trade_counts_until_its_balances_are_told(is_told):
    state = begun()
    state.take(report(1, status="FILLED", executed="1", trade=7, last="1"))
    if is_told:
        state.take(position(101, BTC="11", USDT="900", BNB="0.999"))

    assert state.unexplained(account(BTC="11", USDT="900", BNB="0.999"), [], ASSETS) == {}


def test_events_older_than_what_was_read_change_no_balance():
    state = begun()
    state.restart([], [], [], account(time=500, BTC="11"), now=510)
    state.take(report(1, status="FILLED", executed="1", trade=7, last="1", time=400))
    state.take(position(400, BTC="10"))

    assert state.balances["BTC"].free == 11
    assert state.unexplained(account(BTC="11"), [], ASSETS) == {}


def test_time_is_that_of_the_newest_event():
    state = begun()
    state.take(report(1, time=300))
    state.take(report(2, time=200))

    assert state.last_time == 300


def test_the_newest_ids_are_remembered_and_older_ones_forgotten(monkeypatch):
    monkeypatch.setattr(account_state, "REMEMBERED_IDS", 2)
    state = begun()
    state.mark_delivered([trade(number) for number in (1, 2, 3)])

    assert state.new_fills([trade(number) for number in (1, 2, 3)]) == [trade(1)]


def test_trades_of_a_symbol_that_is_not_traded_any_more_explain_nothing():
    gone = msgspec.structs.replace(trade(1), symbol="GONEUSDT")

    assert begun().unexplained(account(BTC="11", USDT="900", BNB="0.999"), [gone, trade(2)], ASSETS) == {}


def test_events_that_change_nothing_that_is_known_are_told():
    state = begun()
    event = decode_user_data_event(
        msgspec.json.encode({"e": "externalLockUpdate", "E": 300, "a": "BTC", "d": "1", "T": 299})
    )

    assert state.take(event)
    assert (state.last_time, state.balances["BTC"].free) == (300, 10)


def test_a_fill_of_the_moment_of_the_balances_is_in_them():
    state = begun()
    state.restart([], [], [], account(time=400, BTC="11", USDT="900", BNB="0.999"), now=410)
    state.take(report(1, status="FILLED", executed="1", trade=7, last="1", time=400))

    assert state.unexplained(account(BTC="11", USDT="900", BNB="0.999"), [], ASSETS) == {}


def test_a_sale_is_taken_from_the_one_and_added_to_the_other():
    state = begun()
    state.take(report(1, status="FILLED", executed="1", trade=7, last="1", S="SELL"))
    sold = msgspec.structs.replace(trade(8), is_buyer=False)

    assert state.unexplained(account(BTC="8", USDT="1200", BNB="0.998"), [sold], ASSETS) == {}


def test_balances_that_were_told_at_the_moment_of_the_reading_are_taken():
    state = begun()
    state.take(position(50, BTC="12"))
    assert state.balances["BTC"].free == 12
    state.take(position(49, BTC="13"))
    assert state.balances["BTC"].free == 12


def test_a_change_of_balance_counts_until_balances_are_told():
    state = begun()
    change = msgspec.json.encode({"e": "balanceUpdate", "E": 70, "a": "BNB", "d": "2", "T": 70})
    state.take(decode_user_data_event(change))
    now = account(BTC="10", USDT="1000", BNB="3")
    assert state.unexplained(now, [], ASSETS) == {}
    state.take(position(71, BNB="3"))
    assert state.unexplained(now, [], ASSETS) == {}
    state.restart([], [], [], now, now=80)
    assert state.unexplained(now, [], ASSETS) == {}


def test_what_is_expected_is_expected_until_an_event_or_a_reading_tells_of_it():
    state = begun()
    for number in (1, 2, 3):
        state.expect(SYMBOL, number)
    assert state.changed_orders([]) == ([], [(SYMBOL, 1), (SYMBOL, 2), (SYMBOL, 3)])
    state.take(report(1, order=1, status="CANCELED"))
    state.restart([open_order(2)], [(SYMBOL, 3)], [], account(), now=70)
    state.expect(SYMBOL, 2)
    state.take(report(2, order=2, status="CANCELED"))

    assert state.changed_orders([]) == ([], [])


def test_a_symbol_that_is_forgotten_is_asked_for_no_more():
    state = begun()
    state.take(report(1, status="FILLED", executed="1", last="1", a=8, uS=True))
    state.expect(SYMBOL, 7)
    state.expect("ETHUSDT", 7)
    state.forget_symbol(SYMBOL)

    assert (state.symbols, state.routed) == ({"ETHUSDT"}, set())
    assert state.changed_orders([]) == ([], [("ETHUSDT", 7)])


def list_status(number, status, time=70):
    body = {
        "e": "listStatus", "E": time, "s": SYMBOL, "g": number, "c": "OCO", "l": "EXEC_STARTED", "L": status,
        "r": "NONE", "C": "L", "T": time, "O": [],
    }  # fmt: skip
    return decode_user_data_event(msgspec.json.encode(body))


def test_lists_are_open_until_they_are_told_to_have_ended():
    state = begun()
    for number in (1, 2):
        assert state.take(list_status(number, "EXECUTING"))
    assert state.order_lists == {1, 2}
    for status, number in (("ALL_DONE", 1), ("REJECT", 3)):
        assert state.take(list_status(number, status))
    assert state.order_lists == {2}


def test_the_symbol_of_every_order_is_known_whichever_way_it_is_told():
    event, watched, expected, read = [begun() for _ in range(4)]
    event.take(report(1))
    watched.watch(SYMBOL)
    expected.expect(SYMBOL, 1)
    read.restart([open_order(1)], [], [], account(), now=70)

    assert [state.symbols for state in (event, watched, expected, read)] == [{SYMBOL}] * 4


def test_what_was_told_before_the_balances_were_read_anew_counts_no_more():
    state = begun()
    state.take(report(1, status="FILLED", executed="1", trade=7, last="1"))
    change = msgspec.json.encode({"e": "balanceUpdate", "E": 70, "a": "BNB", "d": "2", "T": 70})
    state.take(decode_user_data_event(change))
    now = account(time=200, BTC="11", USDT="900", BNB="2.999")
    state.restart([], [], [], now, now=210)

    assert state.unexplained(now, [], ASSETS) == {}


def test_locked_amounts_are_part_of_a_balance():
    state = begun()
    now = account(BTC="10", USDT="1000", BNB="1")
    locking = [msgspec.structs.replace(each, free=each.free - 1, locked=each.locked + 1) for each in now.balances]
    locked = msgspec.structs.replace(now, balances=locking)

    assert state.unexplained(locked, [], ASSETS) == {}
    state.restart([], [], [], locked, now=70)
    assert state.unexplained(now, [], ASSETS) == {}
    more = [msgspec.structs.replace(each, locked=each.locked + 1) for each in locked.balances]
    assert state.unexplained(msgspec.structs.replace(now, balances=more), [], ASSETS) == {
        "BNB": (1, 2),
        "BTC": (10, 11),
        "USDT": (1000, 1001),
    }


def test_an_account_of_which_nothing_is_known_takes_everything():
    state = AccountState()
    assert state.last_time == 0
    state.take(position(0, BTC="12"))
    assert state.balances["BTC"].free == 12
