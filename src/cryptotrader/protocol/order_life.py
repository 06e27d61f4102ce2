"""One order, joined from everything that tells of it, in any order of arrival: it never goes back.

Replies, user data events, own trades and answers to queries overlap and overtake each other: they come over two
connections, and some are read back after an interruption. What says more replaces what said less; every fill counts
once.

Source: Binance Spot documentation, "Trading requests", "User Data Streams" and "Order amend keep priority".
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from cryptotrader.models.account_models import OwnFill
from cryptotrader.models.base_models import OrderType, Side
from cryptotrader.models.order_models import (
    AmendResponse,
    CancelReport,
    ExecutionType,
    ExpiryReason,
    Fill,
    Order,
    OrderResponse,
    OrderStatus,
)
from cryptotrader.models.placed_models import OrderFill, OrderReport
from cryptotrader.models.user_models import ExecutionReportEvent
from cryptotrader.protocol.account_state import NO_ID, fill_key
from cryptotrader.protocol.exact import EXACT

ENDED = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.REJECTED,
        OrderStatus.EXPIRED,
        OrderStatus.EXPIRED_IN_MATCH,
    }
)
"""An order in one of these changes no more."""

_ZERO = Decimal(0)


def _rank(status: OrderStatus | None) -> int:
    """How far an order has come; between equals the executed quantity decides."""
    if status is None:
        return 0
    if status in ENDED:
        return 3
    return 1 if status is OrderStatus.PENDING_NEW else 2


class OrderLife:
    """The life of one order.

    Args:
        symbol: Of the order.
        client_order_id: As it is sent.
        order_id: Binance's id, where it is known from elsewhere.

    Attributes:
        client_order_id: Changes only by an amendment that asks for another one.
        order_id: ``None`` until anything has told it.
        order_list_id: -1 for an order that is in no list; ``None`` until told.
        quantity: The least that was told, since amendments only reduce it; ``None`` until known.
        status: ``None`` until told.
        prevented_quantity: What self-trade prevention has taken from it: neither executed nor open any more.
        expiry_reason: Why it expired, where told.
        used_sor: Whether it is an order by smart order routing.
        reports: Every change so far.
    """

    def __init__(self, symbol: str, client_order_id: str, order_id: int | None = None) -> None:
        self.symbol = symbol
        self._sent_as = client_order_id
        self._begin(order_id)

    def _begin(self, order_id: int | None) -> None:
        """Know nothing but the ids."""
        self.client_order_id = self._sent_as
        self.order_id = order_id
        self.order_list_id: int | None = None
        self.side: Side | None = None
        self.type: OrderType | None = None
        self.price: Decimal | None = None
        self.quantity: Decimal | None = None
        self.status: OrderStatus | None = None
        self.executed_quantity = _ZERO
        self.cumulative_quote_quantity = _ZERO
        self.prevented_quantity = _ZERO
        self.expiry_reason: ExpiryReason | None = None
        self.used_sor = False
        self.reports: list[OrderReport] = []
        self._is_by_quote = False
        self._amended_by = NO_ID
        self._fills: dict[tuple[int, int], OrderFill] = {}
        self._filled = _ZERO
        self._filled_quote = _ZERO

    @property
    def fills(self) -> tuple[OrderFill, ...]:
        """Every fill that is known, oldest first."""
        return tuple(sorted(self._fills.values(), key=lambda fill: (fill.time, fill.trade_id, fill.allocation_id)))

    @property
    def is_ended(self) -> bool:
        """Whether the order changes no more."""
        return self.status in ENDED

    @property
    def has_all_fills(self) -> bool:
        """Whether each fill is known."""
        return self._filled >= self.executed_quantity

    @property
    def is_complete(self) -> bool:
        """Whether the order changes no more and each of its fills is known."""
        return self.is_ended and self.has_all_fills

    # ------------------------------------------------------------------------------------------------- what tells of it

    def take_details(self, details: OrderResponse | CancelReport | Order) -> None:
        """A placement's reply, a cancellation's, or the answer to a query; an acknowledgement tells the ids only.

        A placement's reply that names another order id than was heard has the last word: everything that was taken
        before was of an earlier order with the same client order id, and is forgotten.
        """
        if self._is_another(details.order_id):
            if not isinstance(details, OrderResponse):
                return
            self._begin(details.order_id)
        self.take_numbers(details.order_id, details.order_list_id)
        self.used_sor |= bool(details.used_sor)
        self.expiry_reason = details.expiry_reason or self.expiry_reason
        time = details.update_time if isinstance(details, Order) else details.transact_time
        if details.status is None:
            return
        self._describe(details.side, details.type, details.price, details.original_quote_quantity)
        fills = (details.fills or ()) if isinstance(details, OrderResponse) else ()
        self._take(
            [_from_reply(fill, time) for fill in fills],
            details.status,
            executed=details.executed_quantity or _ZERO,
            quote=details.cumulative_quote_quantity,
            quantity=details.original_quantity,
            prevented=details.prevented_quantity,
            time=time,
        )

    def take_event(self, event: ExecutionReportEvent) -> None:
        """A user data event."""
        if self._is_another(event.order_id):
            return
        self.take_numbers(event.order_id, event.order_list_id)
        self._describe(event.side, event.type, event.price, event.original_quote_quantity)
        self.used_sor |= bool(event.used_sor)
        self.expiry_reason = event.expiry_reason or self.expiry_reason
        if event.execution_type is ExecutionType.REPLACED:
            self._rename(event.client_order_id, event.execution_id)
        self._take(
            [_from_event(event)] if event.execution_type is ExecutionType.TRADE else [],
            event.status,
            executed=event.executed_quantity,
            quote=event.cumulative_quote_quantity,
            quantity=event.quantity,
            prevented=event.prevented_quantity,
            time=event.transaction_time,
        )

    def take_amendment(self, answer: AmendResponse) -> None:
        """An amendment's reply."""
        order = answer.amended_order
        if self._is_another(order.order_id):
            return
        self.take_numbers(order.order_id, order.order_list_id)
        self._describe(order.side, order.type, order.price, order.original_quote_quantity)
        self._rename(order.client_order_id, answer.execution_id)
        self._take(
            [],
            order.status,
            executed=order.executed_quantity,
            quote=order.cumulative_quote_quantity,
            quantity=order.quantity,
            prevented=order.prevented_quantity,
            time=answer.transact_time,
        )

    def take_fill(self, found: OwnFill) -> None:
        """One of the order's fills, read back: an order whose whole quantity has been traded is filled."""
        if self._is_another(found.order_id):
            return
        self.take_numbers(found.order_id, found.order_list_id)
        fill = _from_own(found)
        if not self._add(fill):
            return
        whole = self.quantity is not None and not self._is_by_quote and self._filled >= self.quantity
        self._advance(
            OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED, self._filled, self._filled_quote, None
        )
        self._report(fill, found.time)

    def take_numbers(self, order_id: int, order_list_id: int) -> None:
        """Binance's ids, where nothing else is told of it."""
        self.order_id = order_id
        self.order_list_id = order_list_id

    # ---------------------------------------------------------------------------------------------------------- joining

    def _is_another(self, order_id: int) -> bool:
        """Whether what is told is of another order than the one that is known."""
        return self.order_id not in (None, order_id)

    def _describe(
        self,
        side: Side | None,
        type: OrderType | None,  # noqa: A002 - Binance's word
        price: Decimal | None,
        by_quote: Decimal | None,
    ) -> None:
        self.side, self.type, self.price = side, type, price
        self._is_by_quote |= bool(by_quote)

    def _rename(self, client_order_id: str, execution_id: int) -> None:
        if execution_id > self._amended_by:
            self._amended_by, self.client_order_id = execution_id, client_order_id

    def _take(
        self,
        fills: Sequence[OrderFill],
        status: OrderStatus,
        *,
        executed: Decimal,
        quote: Decimal | None,
        quantity: Decimal | None,
        prevented: Decimal | None,
        time: int,
    ) -> None:
        """Take fills and the state after the last of them."""
        new = [fill for fill in fills if self._key(fill) not in self._fills]
        for fill in new[:-1]:
            self._add(fill)
            self._advance(OrderStatus.PARTIALLY_FILLED, self._filled, self._filled_quote, None)
            self._report(fill, fill.time)
        if new:
            self._add(new[-1])
        is_prevented = prevented is not None and prevented > self.prevented_quantity
        if prevented is not None and is_prevented:
            self.prevented_quantity = prevented
        if self._advance(status, executed, quote, quantity) or new or is_prevented:
            self._report(new[-1] if new else None, time)

    def _key(self, fill: OrderFill) -> tuple[int, int]:
        return fill.trade_id, fill.allocation_id

    def _add(self, fill: OrderFill) -> bool:
        """Remember a fill; ``False`` when it was known."""
        if self._key(fill) in self._fills:
            return False
        self._fills[self._key(fill)] = fill
        self._filled = EXACT.add(self._filled, fill.quantity)
        self._filled_quote = EXACT.add(self._filled_quote, fill.quote_quantity)
        return True

    def _advance(self, status: OrderStatus, executed: Decimal, quote: Decimal | None, quantity: Decimal | None) -> bool:
        """Move on to a state that says more; tells whether anything changed."""
        before = (self.status, self.executed_quantity, self.quantity)
        is_further = (_rank(status), executed) > (_rank(self.status), self.executed_quantity)
        if quantity:  # zero and nothing both stand for a quantity that is not yet known
            if self._is_by_quote:
                self.quantity = quantity if is_further or self.quantity is None else self.quantity
            else:
                self.quantity = quantity if self.quantity is None else min(self.quantity, quantity)
        if is_further:
            self.status = status
        if executed > self.executed_quantity:
            self.executed_quantity = executed
            # old orders tell a negative amount where it is unknown
            self.cumulative_quote_quantity = self._filled_quote if quote is None or quote < 0 else quote
        return before != (self.status, self.executed_quantity, self.quantity)

    def _report(self, fill: OrderFill | None, time: int) -> None:
        """Report how the order stands; it has advanced before, so that its status is known."""
        self.reports.append(
            OrderReport(
                status=cast("OrderStatus", self.status),
                quantity=self.quantity,
                executed_quantity=self.executed_quantity,
                cumulative_quote_quantity=self.cumulative_quote_quantity,
                prevented_quantity=self.prevented_quantity,
                fill=fill,
                time=time,
            )
        )


def _from_reply(fill: Fill, time: int) -> OrderFill:
    return OrderFill(
        trade_id=fill.trade_id,
        allocation_id=NO_ID if fill.allocation_id is None else fill.allocation_id,
        price=fill.price,
        quantity=fill.quantity,
        quote_quantity=EXACT.multiply(fill.price, fill.quantity),
        commission=fill.commission,
        commission_asset=fill.commission_asset,
        time=time,
    )


def _from_own(fill: OwnFill) -> OrderFill:
    key = fill_key(fill)
    return OrderFill(
        trade_id=key.trade_id,
        allocation_id=key.allocation_id,
        price=fill.price,
        quantity=fill.quantity,
        quote_quantity=fill.quote_quantity,
        commission=fill.commission,
        commission_asset=fill.commission_asset,
        time=fill.time,
    )


def _from_event(event: ExecutionReportEvent) -> OrderFill:
    return OrderFill(
        trade_id=event.trade_id,
        allocation_id=NO_ID if event.allocation_id is None else event.allocation_id,
        price=event.last_executed_price,
        quantity=event.last_executed_quantity,
        quote_quantity=event.last_quote_quantity,
        commission=event.commission,
        commission_asset=event.commission_asset,
        time=event.transaction_time,
    )
