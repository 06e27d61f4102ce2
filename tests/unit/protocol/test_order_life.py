from __future__ import annotations

import decimal
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.models.account_models import AccountTrade
from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import (
    AmendedOrder,
    AmendResponse,
    CancelReport,
    ExecutionType,
    ExpiryReason,
    Fill,
    Order,
    OrderResponse,
    OrderStatus,
    RejectReason,
)
from cryptotrader.models.user_models import ExecutionReportEvent
from cryptotrader.protocol.order_life import OrderLife

SYMBOL, NUMBER, NAME = "BTCUSDT", 7, "ct-1"
ZERO = Decimal(0)
PRICE = Decimal(100)


class Script:
    """An order as the exchange sees it; each step makes what the exchange could tell of it then."""

    def __init__(self, quantity=10):
        self.quantity = Decimal(quantity)
        self.executed = ZERO
        self.status = OrderStatus.NEW
        self.client_order_id = NAME
        self.fills = []
        self.time = 1000
        self.told = []
        self._tell(ExecutionType.NEW)

    def trade(self, quantity):
        self.executed += quantity
        self.status = OrderStatus.FILLED if self.executed == self.quantity else OrderStatus.PARTIALLY_FILLED
        self.fills.append((len(self.fills) + 1, Decimal(quantity), self.time + 1))
        self._tell(ExecutionType.TRADE)

    def amend(self, quantity):
        self.quantity = Decimal(quantity)
        original, self.client_order_id = self.client_order_id, f"{self.client_order_id}a"
        self._tell(ExecutionType.REPLACED, original)
        self.told.append(amendment(self, original))

    def cancel(self):
        self.status = OrderStatus.CANCELED
        self._tell(ExecutionType.CANCELED, self.client_order_id, "gone")
        self.told.append(
            CancelReport(original_client_order_id=self.client_order_id, transact_time=self.time, **details(self))
        )

    def _tell(self, kind, original="", name=None):
        self.time += 1
        self.told.append(event(self, kind, original, name or self.client_order_id))
        self.told.append(Order(time=1000, update_time=self.time, is_working=True, **details(self)))
        if kind is ExecutionType.TRADE:
            self.told.append(trade(*self.fills[-1]))


def details(script):
    return {
        "symbol": SYMBOL,
        "order_id": NUMBER,
        "order_list_id": -1,
        "client_order_id": script.client_order_id,
        "price": PRICE,
        "original_quantity": script.quantity,
        "executed_quantity": script.executed,
        "cumulative_quote_quantity": script.executed * PRICE,
        "original_quote_quantity": ZERO,
        "status": script.status,
        "type": OrderType.LIMIT,
        "side": Side.BUY,
    }


def reply(script):
    fills = [
        Fill(price=PRICE, quantity=quantity, commission=ZERO, commission_asset="BTC", trade_id=number)
        for number, quantity, _ in script.fills
    ]
    return OrderResponse(transact_time=script.time, fills=fills, **details(script))


def trade(number, quantity, time):
    return AccountTrade(
        symbol=SYMBOL,
        id=number,
        order_id=NUMBER,
        order_list_id=-1,
        price=PRICE,
        quantity=quantity,
        quote_quantity=quantity * PRICE,
        commission=ZERO,
        commission_asset="BTC",
        time=time,
        is_buyer=True,
        is_maker=True,
        is_best_match=True,
    )


def event(script, kind, original, name):
    last = script.fills[-1] if kind is ExecutionType.TRADE else (-1, ZERO, 0)
    return ExecutionReportEvent(
        event_time=script.time,
        symbol=SYMBOL,
        client_order_id=name,
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        quantity=script.quantity,
        price=PRICE,
        stop_price=ZERO,
        iceberg_quantity=ZERO,
        order_list_id=-1,
        original_client_order_id=original,
        execution_type=kind,
        status=script.status,
        reject_reason=RejectReason.NONE,
        order_id=NUMBER,
        last_executed_quantity=last[1],
        executed_quantity=script.executed,
        last_executed_price=PRICE if last[1] else ZERO,
        commission=ZERO,
        commission_asset=None,
        transaction_time=script.time,
        trade_id=last[0],
        execution_id=script.time,
        is_on_book=True,
        is_maker=False,
        unused=False,
        order_creation_time=1000,
        cumulative_quote_quantity=script.executed * PRICE,
        last_quote_quantity=last[1] * PRICE,
        original_quote_quantity=ZERO,
        self_trade_prevention_mode=SelfTradePreventionMode.NONE,
    )


def amendment(script, original):
    return AmendResponse(
        transact_time=script.time,
        execution_id=script.time,
        amended_order=AmendedOrder(
            symbol=SYMBOL,
            order_id=NUMBER,
            order_list_id=-1,
            original_client_order_id=original,
            client_order_id=script.client_order_id,
            price=PRICE,
            quantity=script.quantity,
            executed_quantity=script.executed,
            prevented_quantity=ZERO,
            original_quote_quantity=ZERO,
            cumulative_quote_quantity=script.executed * PRICE,
            status=script.status,
            time_in_force=TimeInForce.GTC,
            type=OrderType.LIMIT,
            side=Side.BUY,
            self_trade_prevention_mode=SelfTradePreventionMode.NONE,
        ),
    )


def tell(life, message):
    if isinstance(message, ExecutionReportEvent):
        life.take_event(message)
    elif isinstance(message, AccountTrade):
        life.take_fill(message)
    elif isinstance(message, AmendResponse):
        life.take_amendment(message)
    else:
        life.take_details(message)


def new_life():
    return OrderLife(SYMBOL, NAME)


@st.composite
def scripts(draw):
    """A life of an order, from its placement to its end or not, and what can be told of it."""
    script = Script()
    script.told.append(reply(script))
    for step in draw(st.lists(st.sampled_from(["trade", "amend"]), max_size=5)):
        left = script.quantity - script.executed
        if step == "trade" and left:
            script.trade(draw(st.integers(1, int(left))))
        elif step == "amend" and left > 1:
            script.amend(draw(st.integers(int(script.executed) + 1, int(script.quantity) - 1)))
    if script.status is not OrderStatus.FILLED and draw(st.booleans()):
        script.cancel()
    return script


@given(script=scripts(), data=st.data())
def test_whatever_order_and_however_often_it_is_told_the_end_is_the_same(script, data):
    messages = data.draw(st.permutations(script.told))
    messages += data.draw(st.lists(st.sampled_from(script.told), max_size=10))
    life = new_life()
    for message in messages:
        tell(life, message)

    assert (life.status, life.executed_quantity, life.quantity) == (script.status, script.executed, script.quantity)
    assert life.cumulative_quote_quantity == script.executed * PRICE
    assert [(fill.trade_id, fill.quantity) for fill in life.fills] == [fill[:2] for fill in script.fills]
    assert (life.order_id, life.client_order_id) == (NUMBER, script.client_order_id)
    assert life.is_complete is (script.status in (OrderStatus.FILLED, OrderStatus.CANCELED))


@given(script=scripts(), data=st.data())
def test_no_report_goes_back_and_no_fill_is_reported_twice(script, data):
    life = new_life()
    for message in data.draw(st.permutations(script.told * 2)):
        tell(life, message)
    reports = life.reports
    fills = [report.fill.trade_id for report in reports if report.fill is not None]

    assert sorted(fills) == [number for number, _, _ in script.fills]
    executed = [report.executed_quantity for report in reports]
    assert executed == sorted(executed)
    ended = [report.status in (OrderStatus.FILLED, OrderStatus.CANCELED) for report in reports]
    assert ended == sorted(ended)


@given(script=scripts(), data=st.data())
def test_missing_messages_never_make_more_of_an_order_than_there_is(script, data):
    life = new_life()
    for message in data.draw(st.lists(st.sampled_from(script.told))):
        tell(life, message)

    assert life.executed_quantity <= script.executed
    assert sum((fill.quantity for fill in life.fills), ZERO) <= script.executed
    assert life.is_complete <= (script.status in (OrderStatus.FILLED, OrderStatus.CANCELED))


def test_trades_alone_fill_an_order_whose_quantity_is_known():
    script = Script(quantity=5)
    life = new_life()
    life.take_details(reply(script))
    life.take_fill(trade(1, Decimal(2), 1))
    assert life.status is OrderStatus.PARTIALLY_FILLED
    life.take_fill(trade(2, Decimal(3), 2))

    assert life.status is OrderStatus.FILLED
    assert life.is_complete


def test_an_end_that_is_known_before_its_trades_is_complete_with_the_last_of_them():
    script = Script(quantity=5)
    script.trade(2)
    script.trade(3)
    life = new_life()
    life.take_details(Order(time=1, update_time=2, is_working=True, **details(script)))
    assert life.is_ended
    assert not life.is_complete
    life.take_fill(trade(2, Decimal(3), 2))
    assert not life.is_complete
    life.take_fill(trade(1, Decimal(2), 1))

    assert life.is_complete
    assert [fill.trade_id for fill in life.fills] == [1, 2]


def test_a_full_reply_is_reported_fill_by_fill():
    script = Script(quantity=5)
    script.trade(2)
    script.trade(3)
    life = new_life()
    life.take_details(reply(script))

    assert [(each.status, each.executed_quantity) for each in life.reports] == [
        (OrderStatus.PARTIALLY_FILLED, Decimal(2)),
        (OrderStatus.FILLED, Decimal(5)),
    ]


def test_an_acknowledgement_tells_the_ids_and_reports_nothing():
    life = new_life()
    life.take_details(
        OrderResponse(symbol=SYMBOL, order_id=NUMBER, order_list_id=-1, client_order_id=NAME, transact_time=1)
    )

    assert (life.order_id, life.status, life.reports) == (NUMBER, None, [])


def test_a_market_order_by_quote_has_the_quantity_that_was_told_last():
    script = Script(quantity=5)
    life = new_life()
    for quantity, executed, status in ((4, 0, OrderStatus.NEW), (5, 5, OrderStatus.FILLED)):
        script.quantity, script.executed, script.status = Decimal(quantity), Decimal(executed), status
        known = details(script) | {"original_quote_quantity": Decimal(500)}
        life.take_details(Order(time=1, update_time=2, is_working=True, **known))

    assert life.quantity == 5


@pytest.mark.parametrize("status", [OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.EXPIRED_IN_MATCH])
def test_an_order_that_ended_without_fills_is_complete(status):
    script = Script()
    script.status = status
    life = new_life()
    life.take_details(reply(script))

    assert life.is_complete


def events_of(script):
    return [told for told in script.told if isinstance(told, ExecutionReportEvent)]


def test_nothing_is_taken_of_another_order():
    script = Script()
    script.trade(4)
    life = OrderLife(SYMBOL, NAME, NUMBER + 1)
    for told in events_of(script):
        life.take_event(told)
    life.take_fill(trade(*script.fills[-1]))
    script.cancel()
    life.take_details(script.told[-1])
    life.take_amendment(amendment(script, NAME))

    assert (life.order_id, life.status, life.reports, life.fills) == (NUMBER + 1, None, [], ())


def test_the_reply_of_the_placement_has_the_last_word():
    script = Script()
    script.trade(4)
    life = OrderLife(SYMBOL, NAME)
    for told in events_of(script):
        life.take_event(told)
    assert (life.order_id, life.executed_quantity) == (NUMBER, 4)
    life.take_details(msgspec.structs.replace(reply(Script()), order_id=NUMBER + 1))

    assert (life.order_id, life.status, life.executed_quantity) == (NUMBER + 1, OrderStatus.NEW, 0)
    assert ([report.status for report in life.reports], life.fills) == ([OrderStatus.NEW], ())


def test_the_decimal_context_of_the_caller_does_not_reach_into_sums():
    script = Script(quantity="3.000003")
    for quantity in ("1.000001", "2.000002"):
        script.trade(Decimal(quantity))
    with decimal.localcontext() as context:
        context.prec = 3
        life = OrderLife(SYMBOL, NAME)
        for told in events_of(script):
            life.take_event(told)

    assert life.is_complete
    assert sum(fill.quantity for fill in life.fills) == life.executed_quantity


@pytest.mark.parametrize("late", [False, True])
def test_an_order_that_waits_for_another_is_pending_until_it_is_told_to_work(late):
    script = Script()
    life = new_life()
    told = [status_of(script, status) for status in (OrderStatus.PENDING_NEW, OrderStatus.NEW)]
    for each in reversed(told) if late else told:
        life.take_details(each)

    assert [report.status for report in life.reports] == [OrderStatus.PENDING_NEW, OrderStatus.NEW][late:]
    assert life.status is OrderStatus.NEW


def status_of(script, status):
    return Order(time=1, update_time=2, is_working=True, **details(script) | {"status": status})


def test_whether_an_order_was_routed_is_known_once_it_was_told_and_not_before():
    life, script = new_life(), Script()
    life.take_details(reply(script))
    assert not life.used_sor
    life.take_details(msgspec.structs.replace(reply(script), used_sor=True))
    life.take_details(reply(script))
    assert life.used_sor
    by_event = new_life()
    by_event.take_event(msgspec.structs.replace(events_of(script)[0], used_sor=True))
    assert by_event.used_sor


def known_of(life):
    return (life.order_id, life.order_list_id, life.side, life.type, life.price, life.quantity, life.status)


def test_each_kind_of_message_alone_tells_which_order_it_is_and_how_it_stands():
    script = Script()
    told = [script.told[0], script.told[1], reply(script), amendment(script, NAME)]
    lives = [new_life() for _ in told]
    for life, message in zip(lives, told, strict=True):
        tell(life, message)

    assert [known_of(life) for life in lives] == [
        (NUMBER, -1, Side.BUY, OrderType.LIMIT, PRICE, Decimal(10), OrderStatus.NEW)
    ] * 4
    assert [[report.time for report in life.reports] for life in lives] == [[script.time]] * 4


def test_a_fill_alone_tells_the_ids_and_what_was_traded():
    life = new_life()
    life.take_fill(trade(1, Decimal(2), 7))

    assert (life.order_id, life.order_list_id, life.status) == (NUMBER, -1, OrderStatus.PARTIALLY_FILLED)
    assert (life.executed_quantity, life.cumulative_quote_quantity) == (2, 200)
    assert [(report.time, report.fill) for report in life.reports] == [(7, life.fills[0])]


@pytest.mark.parametrize("by", ["event", "reply"])
def test_an_amendment_that_asks_for_another_id_renames_the_order_by_whichever_tells_of_it(by):
    script, life = Script(), new_life()
    tell(life, script.told[0])
    script.amend(4)
    by_event, by_reply = script.told[-3], script.told[-1]
    tell(life, by_event if by == "event" else by_reply)
    assert (life.client_order_id, life.quantity) == (f"{NAME}a", 4)
    later = msgspec.structs.replace(by_event, client_order_id="older", execution_id=by_event.execution_id - 1)
    tell(life, later)
    tell(life, msgspec.structs.replace(by_event, client_order_id="same"))
    assert life.client_order_id == f"{NAME}a", "what was told last of an amendment counts"


@pytest.mark.parametrize("kind", [0, 1], ids=["event", "answer"])
def test_the_reason_why_an_order_expired_is_kept(kind):
    script, life = Script(), new_life()
    script.status = OrderStatus.EXPIRED
    script._tell(ExecutionType.EXPIRED)
    (told, *_) = script.told[-2:][kind:]
    tell(life, told)
    assert life.expiry_reason is None
    tell(life, msgspec.structs.replace(told, expiry_reason=ExpiryReason.OCO_TRIGGER))
    tell(life, told)
    assert life.expiry_reason is ExpiryReason.OCO_TRIGGER


def test_an_order_by_quote_is_not_filled_by_the_quantity_that_was_told_first():
    life = new_life()
    script = Script(quantity=4)
    event = msgspec.structs.replace(script.told[0], original_quote_quantity=Decimal(500))
    life.take_event(event)
    life.take_fill(trade(1, Decimal(4), 1))

    assert (life.status, life.is_ended) == (OrderStatus.PARTIALLY_FILLED, False)


@pytest.mark.parametrize("told", [Decimal(-1), None])
def test_where_the_exchange_does_not_know_what_was_paid_the_fills_tell(told):
    script, life = Script(quantity=5), new_life()
    script.trade(2)
    answer = msgspec.structs.replace(reply(script), cumulative_quote_quantity=told)
    life.take_details(answer)

    assert (life.executed_quantity, life.cumulative_quote_quantity) == (2, 200)
    free = new_life()
    free.take_details(msgspec.structs.replace(answer, cumulative_quote_quantity=ZERO))
    assert free.cumulative_quote_quantity == 0


def test_what_prevention_took_is_reported_once_and_never_less():
    script, life = Script(), new_life()
    for prevented in (None, ZERO, Decimal(2), Decimal(2), Decimal(1), None, Decimal(3), Decimal(2)):
        life.take_event(msgspec.structs.replace(script.told[0], prevented_quantity=prevented))

    assert [report.prevented_quantity for report in life.reports] == [0, 2, 3]
    assert life.prevented_quantity == 3


def test_a_quantity_that_is_not_known_yet_takes_nothing_from_one_that_is():
    script, life = Script(), new_life()
    unsettled = msgspec.structs.replace(reply(script), original_quantity=ZERO)
    life.take_details(unsettled)
    assert life.quantity is None
    life.take_details(reply(script))
    life.take_details(unsettled)
    assert life.quantity == 10


def test_a_fill_is_the_same_whichever_way_it_is_told():
    script = Script(quantity=5)
    script.trade(5)
    lives = [new_life() for _ in range(3)]
    by_event, by_answer, by_trade = script.told[-3], reply(script), script.told[-1]
    for life, message in zip(lives, (by_event, by_answer, by_trade), strict=True):
        tell(life, message)
    told = [
        (fill.trade_id, fill.allocation_id, fill.price, fill.quantity, fill.quote_quantity, fill.commission)
        for life in lives
        for fill in life.fills
    ]

    assert told == [(1, -1, PRICE, 5, 500, 0)] * 3
    for message in (by_event, by_answer, by_trade):
        tell(lives[0], message)
    assert [len(life.fills) for life in lives] == [1] * 3


def test_an_allocation_is_told_apart_from_a_trade_by_event_and_by_reply():
    script = Script(quantity=5)
    script.trade(5)
    by_event = msgspec.structs.replace(script.told[-3], trade_id=-1, allocation_id=9)
    answer = reply(script)
    fills = [msgspec.structs.replace(fill, trade_id=-1, allocation_id=9) for fill in answer.fills]
    lives = [new_life() for _ in range(2)]
    tell(lives[0], by_event)
    tell(lives[1], msgspec.structs.replace(answer, fills=fills))

    assert [[(fill.trade_id, fill.allocation_id) for fill in life.fills] for life in lives] == [[(-1, 9)]] * 2


def test_an_order_that_has_ended_does_not_end_again_in_another_way():
    script, life = Script(), new_life()
    for status in (OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.NEW):
        life.take_details(status_of(script, status))

    assert [report.status for report in life.reports] == [OrderStatus.CANCELED]


def test_a_late_message_changes_neither_the_quantity_of_an_order_by_quote_nor_what_was_paid():
    script, life = Script(quantity=5), new_life()
    script.trade(5)
    filled = details(script) | {"original_quote_quantity": Decimal(500)}
    life.take_details(Order(time=1, update_time=2, is_working=True, **filled))
    late = [
        {"original_quantity": Decimal(4), "executed_quantity": ZERO, "status": OrderStatus.NEW},
        {"cumulative_quote_quantity": Decimal(-1)},
        {"cumulative_quote_quantity": None},
    ]
    for fields in late:
        life.take_details(Order(time=1, update_time=2, is_working=True, **filled | fields))

    assert (life.quantity, life.executed_quantity, life.cumulative_quote_quantity) == (5, 5, 500)
    assert len(life.reports) == 1
