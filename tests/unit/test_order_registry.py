"""Which order is meant by what is told, and what the account and those who wait are told of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from account_told import open_order, report
from cryptotrader.models.order_models import (
    CancelReport,
    ContingencyType,
    ListedOrder,
    ListOrderStatus,
    ListStatusType,
    OrderList,
    OrderListResponse,
    OrderStatus,
)
from cryptotrader.models.recovered_models import RecoveredOrder
from cryptotrader.order_registry import OrderRegistry
from cryptotrader.placed_order import PlacedOrder, PlacedOrderList
from cryptotrader.protocol.account_state import AccountState
from cryptotrader.protocol.order_life import OrderLife
from order_answers import NOW_US, SYMBOL, amended, answer, details, reply
from virtual_clock import running_loop


class Account:
    """What follows the orders of an account, what it knows of the account, and which orders lack fills."""

    def __init__(self):
        self.state = AccountState()
        self.registry = OrderRegistry(self.state, lambda: NOW_US)
        self.incomplete = []
        self.registry.on_incomplete = self.incomplete.append

    def sent(self, name="mine"):
        order = PlacedOrder(None, OrderLife(SYMBOL, name), claim=self.registry.claim(is_own=True))
        self.registry.add(order)
        return order

    def sent_list(self, *names):
        orders = tuple(
            PlacedOrder(None, OrderLife(SYMBOL, name), claim=self.registry.claim(is_own=True)) for name in names
        )
        placed = PlacedOrderList(None, SYMBOL, "L", orders, self.registry.list_claim(is_own=True))
        self.registry.add_list(placed)
        return placed

    def read_back(self):
        """The orders that are asked for after an interruption during which all open ones have ended."""
        return [number for _, number in self.state.changed_orders([])[1]]


def list_fields(number, legs, status=ListOrderStatus.EXECUTING):
    return {
        "order_list_id": number,
        "contingency_type": ContingencyType.OCO,
        "list_order_status": status,
        "list_client_order_id": "L",
        "symbol": SYMBOL,
        "orders": [ListedOrder(symbol=SYMBOL, order_id=each, client_order_id=name) for each, name in legs],
        "list_status_type": ListStatusType.EXEC_STARTED,
        "transaction_time": NOW_US,
    }


async def woken(order, tell):
    """Whether one who waits for the order's next change hears of what is told."""
    waiting = asyncio.ensure_future(order.until_changed())
    await asyncio.sleep(0)
    tell()
    await asyncio.sleep(0)
    is_woken = waiting.done()
    waiting.cancel()
    return is_woken


async def test_the_reply_to_an_amendment_is_taken_and_told_to_those_who_wait():
    account = Account()
    order = account.sent()
    account.registry.take_placement(order, reply())

    assert await woken(order, lambda: account.registry.take_amendment(order, amended("0.4")))
    assert order.quantity == Decimal("0.4")


async def test_an_order_that_was_there_in_the_first_moment_in_which_it_can_be_is_the_one():
    account = Account()
    claim = account.registry.claim(is_own=True)
    earliest = account.registry.earliest(claim)

    assert not account.registry.is_earlier_at(claim, earliest)
    assert account.registry.is_earlier_at(claim, earliest - 1)


async def test_an_order_that_is_followed_is_not_put_aside_by_another_look_at_it():
    account = Account()
    order = account.sent()
    account.registry.take_placement(order, reply())
    looked_at = PlacedOrder(None, OrderLife(SYMBOL, "mine", 1))
    account.registry.take_details(looked_at, answer())
    account.registry.take_cancellation(
        CancelReport(transact_time=NOW_US, original_client_order_id="mine", **details(status=OrderStatus.CANCELED))
    )

    assert (order.status, looked_at.status) == (OrderStatus.CANCELED, OrderStatus.NEW)


async def test_only_an_order_that_has_not_ended_is_read_back_after_an_interruption():
    account = Account()
    orders = [account.sent(name) for name in "ab"]
    account.registry.take_placement(orders[0], reply(1, "a"))
    account.registry.take_placement(orders[1], reply(2, "b", status=OrderStatus.EXPIRED))

    assert account.read_back() == [1]


@pytest.mark.parametrize(
    ("executed", "status", "is_incomplete"),
    [
        ("0.5", OrderStatus.CANCELED, True),
        ("0", OrderStatus.CANCELED, False),
        ("0.5", OrderStatus.PARTIALLY_FILLED, False),
        ("0", OrderStatus.NEW, False),
    ],
)
async def test_an_order_is_looked_after_if_it_has_ended_and_some_of_its_fills_are_not_known(
    executed, status, is_incomplete
):
    account = Account()
    order = account.sent()
    account.registry.take_details(order, answer(executed=executed, status=status))
    assert account.incomplete == [order] * is_incomplete

    account.registry.on_incomplete = None
    account.registry.take_details(order, answer(executed="0.9", status=status))
    assert account.incomplete == [order] * is_incomplete


@pytest.mark.parametrize("told", [report(1, order=7), RecoveredOrder(order=open_order(7))], ids=["event", "read back"])
async def test_an_order_of_another_program_is_remembered_by_its_number(told):
    account = Account()
    account.registry.take_event(told, 0)
    order = account.sent("name")

    assert [account.registry.is_earlier(order, number, None) for number in (7, 8)] == [True, False]
    assert account.registry.find(SYMBOL, 7, ["name"]) is None


# ------------------------------------------------------------------------------------------------------------- lists


async def test_a_list_that_was_not_placed_is_not_the_one_that_is_told_of_later():
    account = Account()
    orders = account.sent_list("A", "B")
    account.registry.forget_list(orders)
    told = OrderListResponse(order_reports=[], **list_fields(5, [(1, "A"), (2, "B")]))
    later = account.sent_list("A", "B")
    account.registry.forget_list(later)
    account.registry._take_list_report(told)

    assert [each.order_list_id for each in (orders, later)] == [None, None]


async def test_the_reply_to_a_list_tells_how_its_orders_stand():
    account = Account()
    orders = account.sent_list("A", "B")
    reports = [reply(1, "A", status=OrderStatus.NEW), reply(2, "B", status=OrderStatus.PENDING_NEW)]
    account.registry.take_list(orders, OrderListResponse(order_reports=reports, **list_fields(5, [(1, "A"), (2, "B")])))

    assert [(order.order_id, order.status) for order in orders.orders] == [
        (1, OrderStatus.NEW),
        (2, OrderStatus.PENDING_NEW),
    ]
    assert account.read_back() == [1, 2]


async def test_the_answer_to_a_question_about_a_list_tells_the_numbers_of_its_orders():
    account = Account()
    orders = account.sent_list("A", "B")
    known, unknown = orders.orders
    account.registry.take_details(known, answer(1, "A"))
    legs = [(1, "renamed"), (2, "B")]  # by an amendment from elsewhere

    assert await woken(unknown, lambda: account.registry.take_list(orders, OrderList(**list_fields(5, legs))))
    assert [order.order_id for order in orders.orders] == [1, 2]
    assert (known.order_list_id, unknown.order_list_id) == (-1, 5)
    assert account.registry.find(SYMBOL, 2) is unknown
    assert account.read_back() == [1, 2]


async def test_an_order_whose_number_is_known_keeps_what_is_known_of_it():
    account = Account()
    orders = account.sent_list("A")
    (order,) = orders.orders
    account.registry.take_details(order, answer(1, "A"))
    account.registry.take_list(orders, OrderList(**list_fields(5, [(7, "A")])))

    assert order.order_id == 1
    assert account.registry.find(SYMBOL, 1) is order


async def test_the_answer_about_an_order_that_was_left_is_asked_for_until_it_is_released():
    account = Account()
    order = account.sent()
    account.registry.leave(order, running_loop().time() + 15)
    assert account.registry.left(SYMBOL, "mine") == (order, running_loop().time() + 15)
    account.registry.release(SYMBOL, "mine")
    assert account.registry.left(SYMBOL, "mine")[0] is None
