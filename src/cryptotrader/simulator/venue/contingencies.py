"""How the orders of a list depend on each other once it is placed.

OCO: the first leg that starts ends the other. OTO: the second leg, or pair, comes to life when the first is filled, and
ends when the first ends otherwise. OPO: as OTO, selling what the first leg received.
Source: Binance Spot documentation, "Order lists" and "One pays the other".
"""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import TYPE_CHECKING

from cryptotrader.models.order_models import (
    ExecutionType,
    ExpiryReason,
    ListOrderStatus,
    ListStatusType,
    OrderStatus,
    RejectReason,
)
from cryptotrader.simulator.venue.commissions import DISCOUNT_ASSET
from cryptotrader.simulator.venue.events import NO_ID, Cancellation, Execution, ListLeg, ListStatus, OrderList
from cryptotrader.simulator.venue.filters import Situation
from cryptotrader.simulator.venue.orders import NEVER, NO_LIST, AccountOrder
from cryptotrader.simulator.venue.rejections import Rejection, filter_failure
from cryptotrader.simulator.venue.treasury import Holder

if TYPE_CHECKING:
    from cryptotrader.simulator.venue.desk import Desk


class Contingencies:
    """Keeps the promises of order lists.

    Args:
        desk: Who starts and ends the orders.

    Attributes:
        ready: Lists whose pending legs are to be started.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.ready: deque[OrderList] = deque()
        self._ending = NO_ID

    # ------------------------------------------------------------------------------------------------- looking up

    def list_of(self, order: AccountOrder) -> OrderList | None:
        """The list of an order."""
        return None if order.list_id == NO_LIST else self._desk.history.lists[order.list_id]

    def orders_of(self, order_list: OrderList) -> list[AccountOrder]:
        """The legs of a list."""
        return self._orders(order_list, order_list.order_ids)

    def _orders(self, order_list: OrderList, numbers: tuple[int, ...]) -> list[AccountOrder]:
        return [self._desk.history.order(order_list.symbol, number) for number in numbers]

    def legs(self, order_list: OrderList) -> tuple[ListLeg, ...]:
        """The legs as reports name them."""
        return tuple(ListLeg(item.symbol, item.id, item.client_order_id) for item in self.orders_of(order_list))

    def holder(self, order: AccountOrder) -> tuple[Holder, list[AccountOrder]]:
        """What keeps the lock of an order, and the orders that share it."""
        order_list = self.list_of(order)
        if order_list is None or order.id not in order_list.pair_ids:
            return order, [order]
        return order_list, self._orders(order_list, order_list.pair_ids)

    # ------------------------------------------------------------------------------------------------- what happens

    def started(self, order: AccountOrder, now_us: int) -> None:
        """An order was triggered, filled in part, or lost quantity: the other of its pair ends."""
        order_list = self.list_of(order)
        if order_list is not None and order.id in order_list.pair_ids:
            self._expire_open(order_list.pair_ids, order_list, ExpiryReason.OCO_TRIGGER, now_us, besides=order.id)

    def keep_received(self, order: AccountOrder, fill: Execution) -> None:
        """What the working leg of an OPO list receives stays locked for the pending legs.

        The commission comes from what is free, where that is enough and the asset is not BNB.
        """
        order_list = self.list_of(order)
        if order_list is None or not order_list.is_paid_by_working or order.id != order_list.working_id:
            return
        treasury = self._desk.treasury
        asset = treasury.received_asset(order)
        kept = fill.quantity
        if fill.commission_asset == asset:
            can_pay = asset != DISCOUNT_ASSET and treasury.accounts[order.uid].free(asset) >= fill.quantity
            kept -= 0 if can_pay else fill.commission
        treasury.move(order.uid, asset, free=-kept, locked=kept)
        order_list.locked += kept

    def after_close(self, order: AccountOrder, now_us: int) -> None:
        """If an order is over: start, or end, what depends on it."""
        order_list = self.list_of(order)
        if order.is_open or order_list is None or order_list.id == self._ending:
            return
        if order.id == order_list.working_id:
            if order.status is OrderStatus.FILLED:
                self.ready.append(order_list)
            else:
                self._expire_open(order_list.pending_ids, order_list, ExpiryReason.OTO_PHASE_ONE_EXPIRED, now_us)
        else:
            self._expire_open(order_list.pair_ids, order_list, ExpiryReason.OCO_TRIGGER, now_us)
        self._finish(order_list, now_us)

    def _expire_open(
        self,
        numbers: tuple[int, ...],
        order_list: OrderList,
        reason: ExpiryReason,
        now_us: int,
        reject_reason: RejectReason = RejectReason.NONE,
        *,
        besides: int = NO_ID,
    ) -> None:
        before, self._ending = self._ending, order_list.id
        for order in self._orders(order_list, numbers):
            if order.is_open and order.id != besides:
                self._desk.expire(order, reason, now_us, reject_reason)
        self._ending = before

    def _finish(self, order_list: OrderList, now_us: int) -> None:
        """End a list when all its orders are over."""
        orders = self.orders_of(order_list)
        if not order_list.is_open or any(order.is_open for order in orders):
            return
        self._free_received(order_list)
        order_list.order_status = ListOrderStatus.ALL_DONE
        self._desk.history.close_list(order_list)
        self.tell(order_list, ListStatusType.ALL_DONE, now_us)

    def _free_received(self, order_list: OrderList) -> None:
        if order_list.locked:
            asset = self._desk.markets[order_list.symbol].listing.base
            self._desk.treasury.move(order_list.uid, asset, free=order_list.locked, locked=-order_list.locked)
            order_list.locked = 0

    def tell(self, order_list: OrderList, status_type: ListStatusType, now_us: int) -> None:
        """Tell what happened to a list."""
        if status_type is not ListStatusType.UPDATED:
            order_list.status_type = status_type
        order_list.updated_us = now_us
        self._desk.tell(
            ListStatus(
                uid=order_list.uid,
                time_us=now_us,
                order_list=copy(order_list),
                status_type=status_type,
                legs=self.legs(order_list),
            )
        )

    # ------------------------------------------------------------------------------------------------- commands

    def cancel(self, order_list: OrderList, client_order_id: str, now_us: int) -> list[Cancellation]:
        """Cancel all open orders of a list; they get the client order id of the cancellation."""
        before, self._ending = self._ending, order_list.id
        cancelled: list[Cancellation] = []
        for order in self.orders_of(order_list):
            if order.is_open:
                original = order.client_order_id
                self._desk.cancel(order, client_order_id, now_us)
                cancelled.append(Cancellation(order=copy(order), original_client_order_id=original, time_us=now_us))
        self._ending = before
        self._finish(order_list, now_us)
        return cancelled

    def activate(self, order_list: OrderList, now_us: int) -> None:
        """Start the pending legs of a list; they expire when they cannot be taken in."""
        legs = [order for order in self._orders(order_list, order_list.pending_ids) if order.is_open]
        if not legs:  # cancelled in between
            return
        kept = order_list.locked
        self._free_received(order_list)
        try:
            for order in legs:
                if order_list.is_paid_by_working:
                    self._set_quantity(order, kept, now_us)
                order.status = OrderStatus.NEW
                self._desk.prepare(order, now_us)
            self._desk.hold(legs[0])
        except Rejection as refusal:
            for order in legs:  # as they were, since nothing is locked for them
                order.status, order.working_us = OrderStatus.PENDING_NEW, NEVER
            self._expire_open(order_list.pending_ids, order_list, ExpiryReason.REJECTED, now_us, refusal.reason)
            self._finish(order_list, now_us)
            return
        for order in legs:
            self._desk.report(order, ExecutionType.NEW, now_us)
        for order in legs:
            if order.is_open:
                self._desk.begin(order, now_us)

    def _set_quantity(self, order: AccountOrder, received: int, now_us: int) -> None:
        """Let a leg sell what was received, rounded down to its step."""
        market = self._desk.markets[order.symbol]
        rules = self._desk.rulebook.of(market)
        step = rules.market_lot if order.is_at_market else rules.lot
        order.quantity = received // step * step
        if not order.quantity:
            raise filter_failure("LOT_SIZE")
        rules.filters.check(order, Situation(market, now_us))
