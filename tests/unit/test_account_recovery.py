"""What is asked when an account is read anew, and what of the answers was missed."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from account_told import SYMBOL, account, open_order, position, report, trade
from cryptotrader import account_recovery
from cryptotrader.account_recovery import AccountReader
from cryptotrader.models.order_models import OrderStatus
from cryptotrader.protocol.account_state import AccountState
from cryptotrader.requests import AccountStatusRequest, MyTradesRequest, TimeRequest
from virtual_clock import running_loop

BEGUN_MS = 1_700_000_000_000
DAY_MS = 86_400_000


class Answer:
    """An answer of which only some is looked at."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


class Line:
    """A connection to an exchange with these trades and balances; it remembers what was asked, and when."""

    def __init__(self, now, *trades, balances, orders=()):
        self._now = now
        self._trades = trades
        self._balances = balances
        self._orders = orders
        self._begun = running_loop().time()
        self.asked = []
        self.looks = []

    async def call(self, request, *, key=None):
        if isinstance(request, TimeRequest):
            return Answer(server_time=self._now)
        if isinstance(request, AccountStatusRequest):
            self.looks.append(running_loop().time() - self._begun)
            return account(self._now, **self._balances)
        if isinstance(request, MyTradesRequest):
            self.asked.append(request)
            return self._rows(request)
        return {
            "openOrders.status": [order for order in self._orders if order.status is OrderStatus.NEW],
            "openOrderLists.status": [],
            "exchangeInfo": Answer(symbols=[Answer(symbol=SYMBOL, base_asset="BTC", quote_asset="USDT")], sors=None),
            "order.status": self._orders[0] if self._orders else None,
        }[request.api.name]

    def _rows(self, request):
        if request.from_id is not None:
            return [each for each in self._trades if each.id >= request.from_id][: request.limit]
        found = [each for each in self._trades if request.start_time <= each.time <= request.end_time]
        return found[: request.limit]


def known(time):
    """An account that was read at a time."""
    state = AccountState()
    state.restart([], [], [], account(time, BTC="10", USDT="1000", BNB="1"), now=time)
    state.watch(SYMBOL)
    return state


async def read(line, state, *held):
    return await AccountReader(line).read(None, state, [(event, 0) for event in held], first=False, has_gap=True)


def spans(line):
    return [(request.start_time, request.end_time) for request in line.asked if request.from_id is None]


@pytest.mark.parametrize("units", [1, 1000], ids=["milliseconds", "microseconds"])
async def test_the_time_since_events_last_came_is_asked_for_in_days_that_leave_nothing_out(units):
    begun, day = BEGUN_MS * units, DAY_MS * units
    line = Line(begun + 2 * day + 2, balances={"BTC": "10", "USDT": "1000", "BNB": "1"})
    await read(line, known(begun))

    assert spans(line) == [
        (begun, begun + day),
        (begun + day + 1, begun + 2 * day + 1),
        (begun + 2 * day + 2, begun + 3 * day + 2),
    ]


async def test_trades_of_a_days_last_moment_are_read_to_the_last_and_no_further_than_the_day(monkeypatch):
    monkeypatch.setattr(account_recovery, "_ROWS", 2)  # as if an answer held no more
    last = BEGUN_MS + DAY_MS
    times = [last, last, last, last + 1]
    trades = [trade(number, time=time) for number, time in enumerate(times)]
    line = Line(last + 2, *trades, balances={"BTC": "14", "USDT": "600", "BNB": "0.996"})
    recovery = await read(line, known(BEGUN_MS))

    assert [fill.id for fill in recovery.fills] == [0, 1, 2, 3]
    assert [request.from_id for request in line.asked] == [None, 2, None]
    assert (recovery.unexplained, line.looks) == ({}, [0])


async def test_a_trade_that_was_read_back_is_not_told_again_by_its_late_event():
    line = Line(BEGUN_MS + 9, trade(7, time=BEGUN_MS + 1), balances={"BTC": "11", "USDT": "900", "BNB": "0.999"})
    state = known(BEGUN_MS)
    recovery = await read(line, state)

    assert [fill.id for fill in recovery.fills] == [7]
    assert not state.take(report(1, status="FILLED", executed="1", last="1", trade=7, time=BEGUN_MS + 1))


async def test_a_trade_whose_event_has_come_meanwhile_is_left_to_it():
    trades = [trade(number, time=BEGUN_MS + 1) for number in (7, 8)]
    line = Line(BEGUN_MS + 9, *trades, balances={"BTC": "12", "USDT": "800", "BNB": "0.998"})
    state = known(BEGUN_MS)
    event = report(2, status="PARTIALLY_FILLED", executed="1", last="1", trade=7, time=BEGUN_MS + 1)
    held = [report(1, time=BEGUN_MS + 1), event, position(BEGUN_MS + 1, BTC="11")]
    recovery = await read(line, state, *held)

    assert [fill.id for fill in recovery.fills] == [8]
    assert state.take(event)


async def test_balances_that_nothing_explains_are_looked_at_four_times_and_named():
    line = Line(BEGUN_MS + 9, balances={"BTC": "10", "USDT": "1000", "BNB": "6"})
    recovery = await read(line, known(BEGUN_MS))

    assert recovery.unexplained == {"BNB": (Decimal(1), Decimal(6))}
    assert line.looks == pytest.approx([0, 0.1, 1.0, 2.5])


@pytest.mark.parametrize(("executed", "looks"), [("0", 1), ("0.5", 4), (None, 1)])
async def test_fills_are_asked_for_again_while_an_order_has_executed_more_than_they_tell(executed, looks):
    quantity = None if executed is None else Decimal(executed)
    order = msgspec.structs.replace(open_order(1), executed_quantity=quantity, status=OrderStatus.CANCELED)
    line = Line(BEGUN_MS + 9, balances={"BTC": "10", "USDT": "1000", "BNB": "1"}, orders=[order])
    state = known(BEGUN_MS)
    state.expect(SYMBOL, 1)
    recovery = await read(line, state)

    assert (recovery.orders, len(line.looks)) == ([order], looks)
