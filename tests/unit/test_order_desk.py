"""What orders ask the exchange for, what they make of its answers alone, and how they listen."""

from __future__ import annotations

import asyncio
import gc
from decimal import Decimal
from functools import partial

import pytest

import order_answers
from cryptotrader.errors import ConnectFailed, DecodeFailed, OutcomeUnknown, RequestInvalid, RequestRejected
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.control_models import Reconnected
from cryptotrader.models.order_models import (
    CancelReport,
    OrderStatus,
)
from cryptotrader.order_checks import OrderOptions
from cryptotrader.order_desk import OrderDesk
from cryptotrader.order_outcomes import NO_SUCH_ORDER, OrderOutcomeUnknown
from cryptotrader.placed_order import PlacedOrder
from cryptotrader.protocol.account_state import AccountState
from cryptotrader.protocol.order_life import OrderLife
from cryptotrader.requests import OrderPlaceRequest, SorOrderPlaceRequest
from order_answers import NOW_US, SYMBOL, amended
from virtual_clock import running_loop

details, reply, answer = (
    partial(make, quantity="0.5") for make in (order_answers.details, order_answers.reply, order_answers.answer)
)
BACK = Reconnected(streams=(), lost_ns=1, back_ns=2, reason="dropped")


class Line:
    """A connection whose answers are given by method: each a value, an error, or a function of the request."""

    recv_window = None
    is_shut = False

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.log = []

    async def call(self, request, *, patience=None):
        self.asked.append(request)
        self.log.append(request.api.name)
        answer = self.answers[request.api.name]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def wait_clock(self):
        self.log.append("the clock")

    def now_on_exchange(self):
        return NOW_US


class Stream:
    """A user stream that tells what a test wants."""

    def __init__(self):
        self._state = AccountState()
        self._callback = None
        self.is_open = False

    def state(self):
        return self._state

    def subscribe(self, *, callback, control, on_error):
        self._callback, self._control, self.fail = callback, control, on_error
        return self

    def close(self):
        self._callback = None

    @property
    def has_listener(self):
        return self._callback is not None

    def tell(self, event):
        if self.has_listener and (self._control or not isinstance(event, Reconnected)):
            self._callback(event, 0)

    def open(self):
        self.is_open = True

    def is_followed(self):
        return True

    def up_since(self):
        return 0.0


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def stream():
    return Stream()


@pytest.fixture
def desk(line, stream):
    return OrderDesk(line, stream, OrderOptions(check_filters=False))


def cancelled(number=1, name="mine"):
    return CancelReport(
        transact_time=NOW_US, original_client_order_id=name, **details(number, "gone", status=OrderStatus.CANCELED)
    )


def wanted(kind=OrderPlaceRequest, name="mine"):
    return kind(
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        quantity="0.5",
        price="100",
        new_client_order_id=name,
    )


def unknown(request):
    return RequestRejected(request.api.name, 400, NO_SUCH_ORDER, "Order does not exist.")


async def never_answered(request, *, patience):
    await asyncio.Event().wait()


async def placed(desk, line, **more):
    line.answers["order.place"] = reply(**more)
    return await desk.place(wanted())


# ------------------------------------------------------------------------------------- answers, where no event comes


async def test_a_routed_order_stands_as_its_reply_tells(desk, line):
    line.answers["sor.order.place"] = [reply(status=OrderStatus.EXPIRED)]
    order = await desk.route(wanted(SorOrderPlaceRequest))

    assert (order.order_id, order.status) == (1, OrderStatus.EXPIRED)


async def test_an_order_is_changed_by_its_number_and_stands_as_the_replies_tell(desk, line):
    order = await placed(desk, line)
    line.answers["order.amend.keepPriority"] = amended("0.4")
    assert await desk.amend(order, "0.4") is order
    assert order.quantity == Decimal("0.4")
    line.answers["order.cancel"] = cancelled()
    assert await desk.cancel(order) is order
    assert order.status is OrderStatus.CANCELED

    assert [(request.order_id, request.orig_client_order_id) for request in line.asked[1:]] == [(1, None)] * 2


async def test_an_order_whose_number_is_not_known_is_changed_by_its_client_id(desk, line):
    order = PlacedOrder(desk, OrderLife(SYMBOL, "mine"))
    line.answers["order.amend.keepPriority"] = amended("0.4")
    line.answers["order.cancel"] = cancelled()
    await desk.cancel(order)
    await desk.amend(order, "0.4")

    assert [(request.order_id, request.orig_client_order_id) for request in line.asked] == [(None, "mine")] * 2


async def test_an_order_that_is_cancelled_by_its_id_is_cancelled_for_those_who_follow_it(desk, line):
    order = await placed(desk, line)
    line.answers["order.cancel"] = cancelled()
    await desk.cancel_by_id(SYMBOL, 1, None, None)

    assert order.status is OrderStatus.CANCELED


async def test_the_order_of_a_cancelled_replacement_is_not_taken_for_the_one_that_it_was_to_replace(desk, line):
    order = await placed(desk, line)
    call, line.call = line.call, never_answered
    replacing = asyncio.ensure_future(desk.replace(order, price="90", quantity="0.5", new_client_order_id="mine"))
    await asyncio.sleep(1)
    replacing.cancel()
    await asyncio.wait([replacing])
    assert replacing.cancelled()
    del replacing
    gc.collect()
    line.call = call
    line.answers["order.status"] = unknown

    assert await desk.resolve(SYMBOL, "mine", 60) is None


# ------------------------------------------------------------------------------------------------ before it is sent


async def test_the_exchanges_clock_is_known_before_an_order_is_sent_or_looked_for(desk, line):
    await placed(desk, line)
    line.answers["order.status"] = answer(2, "other")
    await desk.resolve(SYMBOL, "other", 60)

    assert line.log == ["the clock", "order.place", "the clock", "order.status"]


async def test_while_an_order_of_an_earlier_run_is_looked_for_no_other_of_its_id_is_sent(desk, line):
    line.answers |= {"order.status": unknown, "allOrders": []}
    looking = asyncio.ensure_future(desk.resolve(SYMBOL, "mine", 60))
    await asyncio.sleep(1)
    with pytest.raises(RequestInvalid, match="'mine' is on its way; resolve it first"):
        await placed(desk, line)
    assert await looking is None
    assert (await placed(desk, line)).order_id == 1


# -------------------------------------------------------------------------------------------------------- listening


@pytest.mark.parametrize("verb", ["place", "follow", "resolve"])
async def test_the_events_of_an_order_are_listened_to_whichever_way_it_comes(desk, line, stream, verb):
    line.answers |= {"order.place": reply(), "order.status": answer()}
    await {
        "place": lambda: desk.place(wanted()),
        "follow": lambda: desk.follow(answer()),
        "resolve": lambda: desk.resolve(SYMBOL, "mine", 60),
    }[verb]()

    assert (stream.has_listener, stream.is_open) == (True, True)


async def test_an_order_is_waited_for_again_once_events_come_again(desk, line, stream):
    order = await placed(desk, line)
    stream.fail(RequestRejected("userDataStream.subscribe", 401, -2015, "Invalid API-key."))
    with pytest.raises(RequestRejected, match="code -2015"):
        await order.done(1)
    stream.tell(BACK)
    with pytest.raises(TimeoutError):
        await order.done(1)


@pytest.mark.parametrize(
    "error", [RequestRejected("account.status", 400, -1008, "Overloaded."), DecodeFailed("not read", b"{}")]
)
async def test_trouble_that_passes_keeps_nobody_from_waiting(desk, line, stream, error):
    order = await placed(desk, line)
    stream.fail(error)
    with pytest.raises(TimeoutError):
        await order.done(1)


async def test_nothing_is_listened_to_and_nothing_sent_once_it_is_closed(desk, line, stream):
    order = await placed(desk, line)
    desk.close()
    assert not stream.has_listener
    with pytest.raises(ConnectFailed, match="the order stream is closed"):
        await order.done(1)
    with pytest.raises(ConnectFailed, match="the order stream was closed by its owner"):
        await placed(desk, line)
    assert (stream.has_listener, line.log.count("order.place")) == (False, 1)


async def test_nothing_is_asked_once_it_is_closed(desk, line):
    await placed(desk, line, executed="0.5", status=OrderStatus.FILLED)  # by a reply without its fills
    line.answers["order.place"] = OutcomeUnknown("order.place", "7", "no reply in time")
    with pytest.raises(OrderOutcomeUnknown, match="no reply in time") as caught:
        await desk.place(wanted(name="other"))
    line.answers["order.status"] = ConnectFailed("not connected")
    resolving = asyncio.ensure_future(caught.value.resolve(60))
    await asyncio.sleep(0.1)
    desk.close()
    asked = len(line.asked)
    begun = running_loop().time()
    with pytest.raises(ConnectFailed, match="not connected"):
        await resolving
    assert running_loop().time() - begun < 1
    await asyncio.sleep(60)
    assert len(line.asked) <= asked + 1, "the question that was waiting, and no fills"
