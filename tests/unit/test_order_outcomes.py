"""How it is found out what became of a request about orders: what is asked, when, and what is told then."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from cryptotrader import order_outcomes
from cryptotrader.errors import ConnectFailed, OutcomeUnknown, RequestRejected
from cryptotrader.models.account_models import AccountTrade
from cryptotrader.models.order_models import (
    ContingencyType,
    ListedOrder,
    ListOrderStatus,
    ListStatusType,
    Order,
    OrderList,
    OrderStatus,
)
from cryptotrader.order_outcomes import (
    NO_SUCH_ORDER,
    OrderListOutcomeUnknown,
    OrderOutcomeUnknown,
    OutcomeInquiry,
    ReplaceOutcomeUnknown,
)
from cryptotrader.order_registry import OrderRegistry
from cryptotrader.placed_order import PlacedOrder, PlacedOrderList
from cryptotrader.protocol.account_state import AccountState
from cryptotrader.protocol.order_claims import Claim
from cryptotrader.protocol.order_life import OrderLife
from cryptotrader.requests import MyTradesRequest, OrderListStatusRequest, OrderStatusRequest
from virtual_clock import running_loop

SYMBOL = "BTCUSDT"
NOW_US = 1_000_000_000_000_000
"""The exchange's time, as it is known."""


class Line:
    """A connection whose answers a function gives; it remembers what was asked, and when."""

    recv_window = None

    def __init__(self, answer):
        self._answer = answer
        self._begun = running_loop().time()
        self.is_shut = False
        self.asked = []
        self.times = []

    async def call(self, request):
        self.asked.append(request)
        self.times.append(running_loop().time() - self._begun)
        assert len(self.asked) < 100, "it is asked without end"
        return self._answer(request)


class Stream:
    """A user stream that is up since a time, or not."""

    def __init__(self, since=None):
        self._since = since

    def up_since(self):
        return self._since


def inquiry(line, since=None):
    return OutcomeInquiry(line, Stream(since), OrderRegistry(AccountState(), lambda: NOW_US))


def sent(name="mine", *, is_own=True):
    claim = Claim(running_loop().time(), NOW_US, 0, is_own)
    return PlacedOrder(None, OrderLife(SYMBOL, name), claim=claim)


def answer(number=1, *, quantity="1", executed="0", status=OrderStatus.NEW, time=NOW_US):
    return Order(
        symbol=SYMBOL,
        order_id=number,
        order_list_id=-1,
        client_order_id="mine",
        original_quantity=Decimal(quantity),
        executed_quantity=Decimal(executed),
        cumulative_quote_quantity=Decimal(executed) * 100,
        status=status,
        time=time,
        update_time=time,
        is_working=True,
    )


def trade(number):
    return AccountTrade(
        symbol=SYMBOL,
        id=number,
        order_id=1,
        order_list_id=-1,
        price=Decimal(100),
        quantity=Decimal(1),
        quote_quantity=Decimal(100),
        commission=Decimal(0),
        commission_asset="BNB",
        time=NOW_US,
        is_buyer=True,
        is_maker=True,
        is_best_match=True,
    )


def unknown(request):
    raise RequestRejected(request.api.name, 400, NO_SUCH_ORDER, "Order does not exist.")


def unreachable(request):
    raise ConnectFailed("not connected")


@pytest.mark.parametrize("kind", [OrderOutcomeUnknown, OrderListOutcomeUnknown, ReplaceOutcomeUnknown])
def test_an_outcome_that_can_be_resolved_tells_what_the_unknown_one_told(kind):
    unknown_one = OutcomeUnknown("order.place", 7, "no reply in time")
    error = kind(unknown_one, "mine", None)

    assert (error.method, error.id, error.why) == ("order.place", 7, "no reply in time")
    assert str(error) == str(unknown_one)


# -------------------------------------------------------------------------------------------------- when it is asked


async def test_it_is_asked_ever_more_rarely_and_surely_in_the_moment_when_nothing_can_come_any_more():
    line, order = Line(unknown), sent()
    found = await inquiry(line, since=order.claim.sent_at).placed(order, running_loop().time() + 8, timeout=60)

    assert found is None
    assert line.times == pytest.approx([0, 0.5, 1.5, 3.5, 7.5, 8])
    assert {type(request) for request in line.asked} == {OrderStatusRequest}, "no event was missed since it was sent"


async def test_while_no_events_come_it_is_asked_on():
    line = Line(unknown)
    with pytest.raises(TimeoutError):
        await inquiry(line, since=None).placed(sent(), running_loop().time() + 8, timeout=17)

    assert line.times == pytest.approx([0, 0.5, 1.5, 3.5, 7.5, 8, 12, 16])


@pytest.mark.parametrize("end", ["the inquiry is closed", "the connection is shut"])
async def test_a_question_that_fails_is_asked_again_until_nothing_can_be_asked_any_more(end):
    line = Line(unreachable)
    asking = inquiry(line)
    waiting = asyncio.ensure_future(asking.placed(sent(), running_loop().time() + 8, timeout=60))
    await asyncio.sleep(5)
    assert not waiting.done()
    if end == "the inquiry is closed":
        asking.close()
    else:
        line.is_shut = True
    with pytest.raises(ConnectFailed, match="not connected"):
        await waiting


@pytest.mark.parametrize(("timeout", "left"), [(10, 7), (3, 0), (2, 0), (None, None)])
async def test_both_halves_of_a_replacement_share_its_time(timeout, left):
    given = []

    class Halves(OutcomeInquiry):
        async def placed(self, order, settled_at, timeout):
            given.append(timeout)
            await asyncio.sleep(3)
            return order

        async def cancelled(self, order, settled_at, timeout):
            given.append(timeout)
            assert settled_at == running_loop().time(), "the new order was placed after the old one was cancelled"
            return order

    old, new = sent("old"), sent("new")
    both = await Halves(Line(unknown), Stream(), None).replaced(old, new, running_loop().time() + 8, timeout)

    assert (both.cancelled, both.placed) == (old, new)
    assert given == [timeout, left]


# ---------------------------------------------------------------------------------------------------- what is asked


async def test_an_amendment_that_no_event_tells_of_is_asked_for():
    line, order = Line(lambda request: answer(quantity="0.3")), sent()
    order.life.take_details(answer(quantity="0.5"))
    amended = await inquiry(line).amended(order, Decimal("0.3"), running_loop().time() + 8, timeout=60)

    assert (amended, amended.quantity, line.times) == (order, Decimal("0.3"), [0])


async def test_an_order_that_was_there_before_is_told_as_the_exchange_tells_that_there_is_none():
    order = sent()
    with pytest.raises(RequestRejected, match="Order does not exist") as caught:
        await inquiry(Line(lambda request: answer(time=NOW_US - 60_000_000))).refresh(order)

    assert (caught.value.method, caught.value.status, caught.value.code) == ("order.status", 400, NO_SUCH_ORDER)
    assert (order.order_id, order.status) == (None, None)


async def test_a_list_whose_orders_were_there_before_is_told_as_the_exchange_tells_that_there_is_none():
    found = OrderList(
        order_list_id=5,
        contingency_type=ContingencyType.OCO,
        list_order_status=ListOrderStatus.ALL_DONE,
        list_client_order_id="L",
        symbol=SYMBOL,
        orders=[ListedOrder(symbol=SYMBOL, order_id=number, client_order_id=f"leg-{number}") for number in (1, 2)],
        list_status_type=ListStatusType.ALL_DONE,
        transaction_time=NOW_US + 60_000_000,  # that of its end
    )
    line = Line(
        lambda request: found if isinstance(request, OrderListStatusRequest) else answer(time=NOW_US - 60_000_000)
    )
    legs = (sent("A"), sent("B"))
    orders = PlacedOrderList(None, SYMBOL, "L", legs, legs[0].claim)
    with pytest.raises(RequestRejected, match="Order list does not exist") as caught:
        await inquiry(line).refresh_list(orders)

    assert (caught.value.method, caught.value.status, caught.value.code) == ("orderList.status", 400, NO_SUCH_ORDER)
    assert (orders.order_list_id, orders.status) == (None, None)


async def test_fills_are_read_from_the_first_on_page_by_page_each_once_and_only_while_some_are_unknown(monkeypatch):
    monkeypatch.setattr(order_outcomes, "_ROWS", 2)

    def answered(request):
        if isinstance(request, MyTradesRequest):
            return [trade(number) for number in range(request.from_id, 5)][: request.limit]
        return answer(executed="5", quantity="5", status=OrderStatus.FILLED)

    line, order = Line(answered), sent()
    asking = inquiry(line)
    await asking.refresh(order)
    pages = [request.from_id for request in line.asked if isinstance(request, MyTradesRequest)]
    assert (pages, [fill.trade_id for fill in order.fills]) == ([0, 2, 4], [0, 1, 2, 3, 4])

    await asking.learn_fills(order)
    assert len(line.asked) == 4
