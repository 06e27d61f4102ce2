"""An order, or a list of orders, that can be awaited: what ``OrderStream`` gives back for a placement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from typing import Protocol, Unpack

from cryptotrader.errors import BinanceError, OrderNotFilled
from cryptotrader.models.base_models import OrderType, Side
from cryptotrader.models.order_models import ListOrderStatus, OrderStatus
from cryptotrader.models.placed_models import OrderFill, OrderReport
from cryptotrader.order_fields import ReplaceFields
from cryptotrader.protocol.order_claims import Claim
from cryptotrader.protocol.order_life import OrderLife

WAIT_SECONDS = 60.0
"""How long is waited for an order unless told otherwise."""


class Desk(Protocol):
    """What carries out the actions of an order."""

    async def cancel(self, order: PlacedOrder) -> PlacedOrder:
        """Cancel it."""

    async def amend(self, order: PlacedOrder, quantity: Decimal | str) -> PlacedOrder:
        """Reduce its quantity."""

    async def replace(
        self,
        order: PlacedOrder,
        type: OrderType | None = None,  # noqa: A002 - Binance's word
        **fields: Unpack[ReplaceFields],
    ) -> Replacement:
        """Cancel it and place another one at once."""

    async def cancel_list(self, orders: PlacedOrderList) -> PlacedOrderList:
        """Cancel a list."""


class _Followed:
    """Something that changes, and whose changes are waited for."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._failure: BinanceError | None = None

    def changed(self) -> None:
        """Something was heard: wake those who wait."""
        self._failure = None
        self._wake()

    def fail(self, error: BinanceError) -> None:
        """Nothing more will be heard: those who wait are told why."""
        self._failure = error
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until_changed(self) -> None:
        """Wait for the next change.

        Raises:
            BinanceError: Nothing more will be heard.
        """
        if self._failure is not None:
            raise self._failure
        await self._changed.wait()

    async def until_heard(self, timeout: float) -> None:
        """Wait for the next change, ``timeout`` seconds at the longest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._changed.wait()


class PlacedOrder(_Followed):
    """One order: how it stands, what happened to it, and what can be done with it.

    It follows replies, user data events and what is read back after an interruption, and never goes back. Iterate it
    for its reports, from the first to the one that ends it.

    Args:
        desk: Carries out its actions.
        life: What is known of it.
        claim: Tells it from earlier orders of the same client order id; ``None`` for one that was found by its id.

    Attributes:
        sent_as: The client order id that it was sent with.
    """

    def __init__(self, desk: Desk, life: OrderLife, *, claim: Claim | None = None) -> None:
        super().__init__()
        self._desk = desk
        self.life = life
        self.sent_as = life.client_order_id
        self.claim = claim

    def __repr__(self) -> str:
        known = f"order_id={self.order_id}, status={self.status}, executed={self.executed_quantity:f}"
        return f"PlacedOrder({self.symbol}, {self.client_order_id!r}, {known})"

    # ------------------------------------------------------------------------------------------------- how it stands

    @property
    def symbol(self) -> str:
        """Of the order."""
        return self.life.symbol

    @property
    def client_order_id(self) -> str:
        """The id that it was sent with, or that an amendment gave it."""
        return self.life.client_order_id

    @property
    def order_id(self) -> int | None:
        """Binance's id; ``None`` while no answer and no event has told it."""
        return self.life.order_id

    @property
    def order_list_id(self) -> int | None:
        """The id of its list; -1 when it is in none."""
        return self.life.order_list_id

    @property
    def status(self) -> OrderStatus | None:
        """Where it is in its life; ``None`` while nothing has told it."""
        return self.life.status

    @property
    def side(self) -> Side | None:
        """Whether it buys or sells."""
        return self.life.side

    @property
    def type(self) -> OrderType | None:
        """Its type."""
        return self.life.type

    @property
    def price(self) -> Decimal | None:
        """Its limit; zero for orders without."""
        return self.life.price

    @property
    def quantity(self) -> Decimal | None:
        """What it is for, amendments included; ``None`` while unknown."""
        return self.life.quantity

    @property
    def executed_quantity(self) -> Decimal:
        """How much of it was traded."""
        return self.life.executed_quantity

    @property
    def cumulative_quote_quantity(self) -> Decimal:
        """What that cost, in the quote asset."""
        return self.life.cumulative_quote_quantity

    @property
    def prevented_quantity(self) -> Decimal:
        """How much of it self-trade prevention has taken: neither executed nor open any more."""
        return self.life.prevented_quantity

    @property
    def average_price(self) -> Decimal | None:
        """What was traded cost on average; ``None`` while nothing was."""
        executed = self.executed_quantity
        return self.cumulative_quote_quantity / executed if executed else None

    @property
    def fills(self) -> tuple[OrderFill, ...]:
        """Its trades, and its allocations by smart order routing, oldest first."""
        return self.life.fills

    @property
    def reports(self) -> tuple[OrderReport, ...]:
        """Everything that happened to it so far."""
        return tuple(self.life.reports)

    @property
    def is_done(self) -> bool:
        """Whether it has ended and each of its fills is known."""
        return self.life.is_complete

    # -------------------------------------------------------------------------------------------------- waiting for it

    async def done(self, timeout: float | None = WAIT_SECONDS) -> PlacedOrder:
        """Wait until the order has ended, in whichever way; ``None`` waits without a limit.

        Raises:
            TimeoutError: Not within ``timeout`` seconds; the order goes on.
            ConnectFailed: Nothing more will be heard of it: the connection was given up or closed.
        """
        async with asyncio.timeout(timeout):
            while not self.is_done:
                await self.until_changed()
        return self

    async def filled(self, timeout: float | None = WAIT_SECONDS) -> PlacedOrder:
        """Wait until the order is filled; ``None`` waits without a limit.

        Raises:
            OrderNotFilled: It ended in another way.
            TimeoutError: Not within ``timeout`` seconds; the order goes on.
            ConnectFailed: Nothing more will be heard of it: the connection was given up or closed.
        """
        await self.done(timeout)
        if self.status is not OrderStatus.FILLED:
            reason = self.life.expiry_reason
            raise OrderNotFilled(
                self.symbol, self.client_order_id, str(self.status), self.executed_quantity, str(reason or "")
            )
        return self

    async def __aiter__(self) -> AsyncIterator[OrderReport]:
        """The order's reports from the first to the last; ``ConnectFailed`` when no more will be heard of it."""
        told, reports = 0, self.life.reports
        while True:
            if reports is not self.life.reports:  # what was told was of an earlier order
                told, reports = 0, self.life.reports
            for report in reports[told:]:
                told += 1
                yield report
            if told < len(self.life.reports) or reports is not self.life.reports:
                continue
            if self.is_done:
                return
            await self.until_changed()

    # ------------------------------------------------------------------------------------------------ acting upon it

    async def cancel(self) -> PlacedOrder:
        """Cancel it, and the whole list where it belongs to one; errors as ``OrderStream.cancel``."""
        return await self._desk.cancel(self)

    async def amend(self, quantity: Decimal | str) -> PlacedOrder:
        """Reduce its quantity, keeping its place in the queue; errors as ``OrderStream.amend``."""
        return await self._desk.amend(self, quantity)

    async def replace(
        self,
        type: OrderType | None = None,  # noqa: A002 - Binance's word
        **fields: Unpack[ReplaceFields],
    ) -> Replacement:
        """Cancel it and place another one at once; errors as ``OrderStream.replace``."""
        return await self._desk.replace(self, type, **fields)


class Replacement:
    """Both orders of a cancel-replace.

    Attributes:
        cancelled: The old order.
        placed: The new one; ``None`` when it was not placed.
    """

    def __init__(self, cancelled: PlacedOrder, placed: PlacedOrder | None) -> None:
        self.cancelled = cancelled
        self.placed = placed

    def __repr__(self) -> str:
        return f"Replacement(cancelled={self.cancelled!r}, placed={self.placed!r})"


class PlacedOrderList(_Followed):
    """A list of orders that depend on each other.

    Args:
        desk: Carries out its actions.
        symbol: Of all its orders.
        list_client_order_id: As it is sent.
        orders: Its orders, in the order of the request.
        claim: Tells it from earlier lists of the same client id.

    Attributes:
        order_list_id: Binance's id; ``None`` while nothing has told it.
        status: Where it is in its life; ``None`` while nothing has told it.
    """

    def __init__(
        self, desk: Desk, symbol: str, list_client_order_id: str, orders: tuple[PlacedOrder, ...], claim: Claim
    ) -> None:
        super().__init__()
        self._desk = desk
        self.symbol = symbol
        self.list_client_order_id = list_client_order_id
        self.orders = orders
        self.claim = claim
        self.order_list_id: int | None = None
        self.status: ListOrderStatus | None = None

    def __repr__(self) -> str:
        return f"PlacedOrderList({self.symbol}, {self.list_client_order_id!r}, {self.status}, {self.orders!r})"

    @property
    def is_done(self) -> bool:
        """Whether each of its orders has ended and each of their trades is known."""
        return all(order.is_done for order in self.orders)

    def take_status(self, order_list_id: int, status: ListOrderStatus) -> None:
        """A reply or an event tells how it stands; a list that has ended does not go back."""
        if self.order_list_id != order_list_id or self.status in (None, ListOrderStatus.EXECUTING):
            self.status = status
        self.order_list_id = order_list_id
        self.changed()

    async def done(self, timeout: float | None = WAIT_SECONDS) -> PlacedOrderList:
        """Wait until each of its orders has ended; ``None`` waits without a limit.

        Raises:
            TimeoutError: Not within ``timeout`` seconds; the list goes on.
            ConnectFailed: Nothing more will be heard of it: the connection was given up or closed.
        """
        async with asyncio.timeout(timeout):
            for order in self.orders:
                await order.done(None)
        return self

    async def cancel(self) -> PlacedOrderList:
        """Cancel it; errors as ``OrderStream.cancel_list``."""
        return await self._desk.cancel_list(self)

    def order(self, client_order_id: str) -> PlacedOrder:
        """One of its orders.

        Raises:
            KeyError: It has none of that id.
        """
        for order in self.orders:
            if client_order_id in (order.client_order_id, order.sent_as):
                return order
        raise KeyError(client_order_id)
