"""The orders that are followed, found by either of their ids; what is told of them finds its way here."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from weakref import WeakValueDictionary

from cryptotrader.config import get_logger
from cryptotrader.errors import BinanceError, RequestInvalid
from cryptotrader.models.account_models import OwnFill
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.order_models import (
    AmendResponse,
    CancelReport,
    Order,
    OrderList,
    OrderListCancelReport,
    OrderListResponse,
    OrderResponse,
)
from cryptotrader.models.recovered_models import RecoveredAllocation, RecoveredOrder, RecoveredTrade
from cryptotrader.models.user_models import ExecutionReportEvent, ListStatusEvent
from cryptotrader.placed_order import PlacedOrder, PlacedOrderList
from cryptotrader.protocol.account_state import AccountState
from cryptotrader.protocol.order_claims import Claim, HeardNumbers

logger = get_logger(__name__)

_MOST_LEFT = 1000

ClientKey = tuple[str, str]
"""Symbol and client order id."""

OrderKey = tuple[str, int]
"""Symbol and order id."""


class OrderRegistry:
    """Orders and order lists of one account, as long as the caller keeps them.

    An order is known by its client order id until its order id is: client order ids may be used again. What is told
    under an id of the caller's own may be of an earlier order; such an order is recognised by its order id, where that
    was heard of before the new one was sent, and by its time.

    Args:
        state: What the user stream knows of the account; told of orders, so that it reads them back when it must.
        exchange_time: The exchange's time now, in the connection's unit.

    Attributes:
        on_incomplete: Told of an order that has ended while some of its fills are not known.
    """

    def __init__(self, state: AccountState, exchange_time: Callable[[], int]) -> None:
        self._state = state
        self._exchange_time = exchange_time
        self._heard = HeardNumbers()
        self._heard_lists = HeardNumbers()
        self._unnumbered: WeakValueDictionary[ClientKey, PlacedOrder] = WeakValueDictionary()
        self._orders: WeakValueDictionary[OrderKey, PlacedOrder] = WeakValueDictionary()
        self._unnumbered_lists: WeakValueDictionary[ClientKey, PlacedOrderList] = WeakValueDictionary()
        self._lists: WeakValueDictionary[int, PlacedOrderList] = WeakValueDictionary()
        self._left: OrderedDict[ClientKey, tuple[PlacedOrder, float]] = OrderedDict()
        self.on_incomplete: Callable[[PlacedOrder], None] | None = None

    # ------------------------------------------------------------------------------------------------- coming and going

    def claim(self, *, is_own: bool) -> Claim:
        """What is known now, before an order is sent."""
        now = asyncio.get_running_loop().time()
        return Claim(now, to_micros(self._exchange_time()), self._heard.count, is_own)

    def list_claim(self, *, is_own: bool) -> Claim:
        """What is known now, before a list is sent."""
        return self.claim(is_own=is_own)._replace(heard=self._heard_lists.count)

    def add(self, order: PlacedOrder) -> None:
        """Follow an order, before it is sent: its events may come before its reply.

        Raises:
            RequestInvalid: Another order with that client order id is on its way.
        """
        key = (order.symbol, order.sent_as)
        if key in self._unnumbered:
            raise RequestInvalid(f"an order with the client order id {order.sent_as!r} is on its way; resolve it first")
        self._state.watch(order.symbol)
        self._unnumbered[key] = order

    def add_list(self, orders: PlacedOrderList) -> None:
        """Follow a list and its orders, before it is sent; errors as ``add``."""
        for order in orders.orders:
            self.add(order)
        self._unnumbered_lists[orders.symbol, orders.list_client_order_id] = orders

    def forget(self, order: PlacedOrder) -> None:
        """An order was not placed."""
        if self._unnumbered.get((order.symbol, order.sent_as)) is order:
            del self._unnumbered[order.symbol, order.sent_as]

    def forget_list(self, orders: PlacedOrderList) -> None:
        """A list was not placed."""
        self._unnumbered_lists.pop((orders.symbol, orders.list_client_order_id), None)
        for order in orders.orders:
            self.forget(order)

    def leave(self, order: PlacedOrder, settled_at: float) -> None:
        """Nobody waits for an order's answer any more: it is kept, so that it can be resolved.

        Args:
            order: The order.
            settled_at: When nothing of it can take effect any more, by the event loop's clock.
        """
        self._left[order.symbol, order.sent_as] = (order, settled_at)
        if len(self._left) > _MOST_LEFT:
            self._left.popitem(last=False)

    def left(self, symbol: str, client_order_id: str) -> tuple[PlacedOrder | None, float]:
        """An order that was left, and when it is settled."""
        return self._left.get((symbol, client_order_id), (None, 0.0))

    def release(self, symbol: str, client_order_id: str) -> None:
        """What became of an order that was left is known."""
        self._left.pop((symbol, client_order_id), None)

    def find(
        self, symbol: str, order_id: int, client_order_ids: Iterable[str] = (), created: int | None = None
    ) -> PlacedOrder | None:
        """An order by its id, or by one of its client order ids while its id is not known.

        Args:
            symbol: Its symbol.
            order_id: Its id.
            client_order_ids: What it may have been sent as.
            created: When it was placed, where that is told, in either unit.
        """
        order = self._orders.get((symbol, order_id))
        if order is not None:
            return order
        for each in client_order_ids:
            order = self._unnumbered.get((symbol, each))
            if order is not None and not self.is_earlier(order, order_id, created):
                return order
        return None

    def newest(self, symbol: str, client_order_id: str) -> PlacedOrder | None:
        """The newest order of a client order id among those that are followed."""
        waiting = self._unnumbered.get((symbol, client_order_id))
        if waiting is not None:
            return waiting
        found = [
            (number, order)
            for (each, number), order in self._orders.items()
            if each == symbol and client_order_id in (order.sent_as, order.client_order_id)
        ]
        return max(found, key=lambda item: item[0])[1] if found else None

    def is_earlier(self, order: PlacedOrder, order_id: int, created: int | None) -> bool:
        """Whether an order of the same client order id was there before the one that is followed was sent."""
        claim = order.claim
        if claim is None or not claim.is_own:
            return False
        return self._heard.is_before(claim, order.symbol, order_id) or self.is_earlier_at(claim, created)

    def is_earlier_list(self, orders: PlacedOrderList, order_list_id: int) -> bool:
        """Whether a list was heard of before the one that is followed was sent."""
        claim = orders.claim
        return claim.is_own and self._heard_lists.is_before(claim, "", order_list_id)

    def is_earlier_at(self, claim: Claim, created: int | None) -> bool:
        """Whether something was there before an order was sent; ``created`` is in either unit."""
        return created is not None and to_micros(created) < self.earliest(claim)

    def earliest(self, claim: Claim) -> int:
        """The exchange's time, in microseconds, before which an order cannot have been placed; 0 where not known."""
        return claim.earliest(asyncio.get_running_loop().time(), to_micros(self._exchange_time()))

    def fail(self, error: BinanceError) -> None:
        """Nothing more will be heard of any order, unless events come again."""
        for each in self._all():
            each.fail(error)

    def revive(self) -> None:
        """Events come again."""
        for each in self._all():
            each.changed()

    def _all(self) -> list[PlacedOrder | PlacedOrderList]:
        orders = [*self._unnumbered.values(), *self._orders.values()]
        return [*orders, *self._unnumbered_lists.values(), *self._lists.values()]

    # ------------------------------------------------------------------------------------------------- what is answered

    def take_placement(self, order: PlacedOrder, answer: OrderResponse) -> None:
        """The answer to an order's placement, which has the last word on which order it is."""
        if order.order_id not in (None, answer.order_id):
            logger.warning(
                "%s %s: what was heard of order %d was not of order %d, which was placed",
                order.symbol,
                order.sent_as,
                order.order_id,
                answer.order_id,
            )
            self._orders.pop((order.symbol, order.order_id or 0), None)
        self.take_details(order, answer)

    def take_details(self, order: PlacedOrder, details: OrderResponse | CancelReport | Order) -> None:
        """An answer tells of an order."""
        order.life.take_details(details)
        self._learnt(order)

    def take_amendment(self, order: PlacedOrder, answer: AmendResponse) -> None:
        """An amendment's answer."""
        order.life.take_amendment(answer)
        self._learnt(order)

    def take_fill(self, order: PlacedOrder, fill: OwnFill) -> None:
        """One of an order's trades or allocations, read back."""
        order.life.take_fill(fill)
        self._learnt(order)

    def take_cancellation(self, report: CancelReport | OrderListCancelReport) -> None:
        """The answer to a cancellation, of an order or of a whole list."""
        if isinstance(report, OrderListCancelReport):
            self._take_list_report(report)
            for each in report.order_reports:
                self.take_cancellation(each)
            return
        order = self.find(report.symbol, report.order_id, [report.original_client_order_id])
        if order is not None:
            self.take_details(order, report)

    def take_list(self, orders: PlacedOrderList, answer: OrderList) -> None:
        """A list's placement, or the answer to a query of it."""
        self._take_list_status(orders, answer.order_list_id, answer)
        sent = {order.sent_as: order for order in orders.orders}
        for response in answer.order_reports if isinstance(answer, OrderListResponse) else ():
            if response.client_order_id in sent:
                self.take_placement(sent[response.client_order_id], response)
        for each in answer.orders:
            order = sent.get(each.client_order_id)
            if order is not None and order.order_id is None:
                order.life.take_numbers(each.order_id, answer.order_list_id)
                self._learnt(order)

    # ----------------------------------------------------------------------------------------------- what is told

    def take_event(self, event: object, received_ns: int) -> None:  # noqa: ARG002 - a consumer of the user stream
        """What the user stream tells, events and what it read back; what concerns no followed order is ignored."""
        if isinstance(event, ExecutionReportEvent):
            ids = (event.client_order_id, event.original_client_order_id)
            order = self.find(event.symbol, event.order_id, ids, event.order_creation_time)
            if order is None:
                self._heard.add(event.symbol, event.order_id)
                return
            order.life.take_event(event)
            self._learnt(order)
        elif isinstance(event, ListStatusEvent):
            self._take_list_report(event)
        elif isinstance(event, (RecoveredTrade, RecoveredAllocation)):
            fill = event.trade if isinstance(event, RecoveredTrade) else event.allocation
            order = self._orders.get((fill.symbol, fill.order_id))
            if order is not None:
                self.take_fill(order, fill)
        elif isinstance(event, RecoveredOrder):
            found = event.order
            order = self.find(found.symbol, found.order_id, [found.client_order_id], found.time)
            if order is None:
                self._heard.add(found.symbol, found.order_id)
            else:
                self.take_details(order, found)

    def _take_list_report(self, told: OrderList | ListStatusEvent) -> None:
        """A list changed; one that is known by its client id only must have an order of that list, too."""
        number = told.order_list_id
        orders = self._lists.get(number)
        if orders is None:
            orders = self._unnumbered_lists.get((told.symbol, told.list_client_order_id))
            if orders is not None and (self.is_earlier_list(orders, number) or not _shares_an_order(orders, told)):
                orders = None
        if orders is None:
            self._heard_lists.add("", number)
        else:
            self._take_list_status(orders, number, told)

    def _take_list_status(self, orders: PlacedOrderList, number: int, told: OrderList | ListStatusEvent) -> None:
        self._unnumbered_lists.pop((orders.symbol, orders.list_client_order_id), None)
        if orders.order_list_id not in (None, number):
            self._lists.pop(orders.order_list_id or 0, None)
        self._lists[number] = orders
        self._heard_lists.add("", number)
        orders.take_status(number, told.list_order_status)

    def _learnt(self, order: PlacedOrder) -> None:
        """Something was learnt of an order: from now on it is known by its order id."""
        number = order.order_id
        if number is not None and (order.symbol, number) not in self._orders:
            self.forget(order)
            self._orders[order.symbol, number] = order
            self._heard.add(order.symbol, number)
        if number is not None and not order.life.is_ended:
            self._state.expect(order.symbol, number)
        order.changed()
        if self.on_incomplete is not None and order.life.is_ended and not order.life.has_all_fills:
            self.on_incomplete(order)


def _shares_an_order(orders: PlacedOrderList, told: OrderList | ListStatusEvent) -> bool:
    sent = {order.sent_as for order in orders.orders}
    return any(each.client_order_id in sent for each in told.orders)
