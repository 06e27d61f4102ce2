"""The orders that are followed, found by either of their ids; what is told of them finds its way here."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakValueDictionary

from cryptotrader.errors import BinanceError, RequestInvalid
from cryptotrader.models.account_models import OwnFill
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

ClientKey = tuple[str, str]
"""Symbol and client order id."""

OrderKey = tuple[str, int]
"""Symbol and order id."""


class OrderRegistry:
    """Orders and order lists of one account, as long as the caller keeps them.

    An order is known by its client order id until its order id is: client order ids may be used again.

    Args:
        state: What the user stream knows of the account; told of orders, so that it reads them back when it must.

    Attributes:
        on_incomplete: Told of an order that has ended while some of its fills are not known.
    """

    def __init__(self, state: AccountState) -> None:
        self._state = state
        self._unnumbered: WeakValueDictionary[ClientKey, PlacedOrder] = WeakValueDictionary()
        self._orders: WeakValueDictionary[OrderKey, PlacedOrder] = WeakValueDictionary()
        self._unnumbered_lists: WeakValueDictionary[ClientKey, PlacedOrderList] = WeakValueDictionary()
        self._lists: WeakValueDictionary[int, PlacedOrderList] = WeakValueDictionary()
        self.on_incomplete: Callable[[PlacedOrder], None] | None = None

    # ------------------------------------------------------------------------------------------------- coming and going

    def add(self, order: PlacedOrder) -> None:
        """Follow an order, before it is sent: its events may come before its reply.

        Raises:
            RequestInvalid: Another order with that client order id is on its way.
        """
        key = (order.symbol, order.sent_as)
        if key in self._unnumbered:
            raise RequestInvalid(f"an order with the client order id {order.sent_as!r} is on its way")
        self._state.symbols.add(order.symbol)
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

    def find(self, symbol: str, order_id: int, *client_order_ids: str) -> PlacedOrder | None:
        """An order by its id, or by one of its client order ids while its id is not known."""
        order = self._orders.get((symbol, order_id))
        if order is not None:
            return order
        found = (self._unnumbered.get((symbol, each)) for each in client_order_ids)
        return next((order for order in found if order is not None), None)

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
            orders = self._list(report.symbol, report.order_list_id, report.list_client_order_id)
            if orders is not None:
                self._take_list_status(orders, report.order_list_id, report)
            for each in report.order_reports:
                self.take_cancellation(each)
            return
        order = self.find(report.symbol, report.order_id, report.original_client_order_id)
        if order is not None:
            self.take_details(order, report)

    def take_list(self, orders: PlacedOrderList, answer: OrderList) -> None:
        """A list's placement, or the answer to a query of it."""
        self._take_list_status(orders, answer.order_list_id, answer)
        for each in answer.orders:
            order = self.find(each.symbol, each.order_id, each.client_order_id)
            if order is not None and order.order_id is None:
                order.life.order_id, order.life.order_list_id = each.order_id, answer.order_list_id
                self._learnt(order)
        for response in answer.order_reports if isinstance(answer, OrderListResponse) else ():
            order = self.find(response.symbol, response.order_id, response.client_order_id)
            if order is not None:
                self.take_details(order, response)

    # ----------------------------------------------------------------------------------------------- what is told

    def take_event(self, event: object, received_ns: int) -> None:  # noqa: ARG002 - a consumer of the user stream
        """What the user stream tells, events and what it read back; what concerns no followed order is ignored."""
        if isinstance(event, ExecutionReportEvent):
            order = self.find(event.symbol, event.order_id, event.client_order_id, event.original_client_order_id)
            if order is not None:
                order.life.take_event(event)
                self._learnt(order)
        elif isinstance(event, ListStatusEvent):
            orders = self._list(event.symbol, event.order_list_id, event.list_client_order_id)
            if orders is not None:
                self._take_list_status(orders, event.order_list_id, event)
        elif isinstance(event, (RecoveredTrade, RecoveredAllocation)):
            fill = event.trade if isinstance(event, RecoveredTrade) else event.allocation
            order = self._orders.get((fill.symbol, fill.order_id))
            if order is not None:
                self.take_fill(order, fill)
        elif isinstance(event, RecoveredOrder):
            order = self.find(event.order.symbol, event.order.order_id, event.order.client_order_id)
            if order is not None:
                self.take_details(order, event.order)

    def _list(self, symbol: str, order_list_id: int, list_client_order_id: str) -> PlacedOrderList | None:
        return self._lists.get(order_list_id) or self._unnumbered_lists.get((symbol, list_client_order_id))

    def _take_list_status(self, orders: PlacedOrderList, number: int, told: OrderList | ListStatusEvent) -> None:
        self._unnumbered_lists.pop((orders.symbol, orders.list_client_order_id), None)
        self._lists[number] = orders
        orders.take_status(number, told.list_order_status)

    def _learnt(self, order: PlacedOrder) -> None:
        """Something was learnt of an order: from now on it is known by its order id."""
        if order.order_id is not None and (order.symbol, order.order_id) not in self._orders:
            self.forget(order)
            self._orders[order.symbol, order.order_id] = order
        if order.order_id is not None and not order.life.is_ended:
            self._state.expect(order.symbol, order.order_id)
        order.changed()
        if self.on_incomplete is not None and order.life.is_ended and not order.life.has_all_fills:
            self.on_incomplete(order)
