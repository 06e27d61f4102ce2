"""What became of a request about orders when its answer did not come: errors that can be resolved, and how.

Nothing here sends a placement, a cancellation or an amendment: Binance takes a client order id again once its order is
filled, so that sending again with the same id is no protection. It is asked, until the answer is certain.

Source: Binance Spot documentation, "Timing security" and "Error codes" (-1006, -1007, -2013).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

from cryptotrader.base_operations import ApiConnection
from cryptotrader.config import get_logger
from cryptotrader.errors import ConnectFailed, OutcomeUnknown, PartiallyApplied, RateLimited, RequestRejected
from cryptotrader.models.account_models import AccountTrade, Allocation
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.order_models import (
    CancelReplaceResponse,
    CancelReplaceResult,
    ListOrderStatus,
    Order,
    OrderList,
)
from cryptotrader.order_registry import OrderRegistry
from cryptotrader.placed_order import PlacedOrder, PlacedOrderList, Replacement
from cryptotrader.protocol.request import Request
from cryptotrader.requests import (
    AllOrdersRequest,
    MyAllocationsRequest,
    MyTradesRequest,
    OrderListStatusRequest,
    OrderStatusRequest,
)
from cryptotrader.user_stream import UserStream

logger = get_logger(__name__)
T = TypeVar("T")
F = TypeVar("F", AccountTrade, Allocation)

RESOLVE_SECONDS = 60.0
NO_SUCH_ORDER = -2013
PROCESSING_SECONDS = 10.0
"""How long Binance works on a request before it answers that the outcome is unknown (-1007)."""
DEFAULT_RECV_WINDOW = 5_000.0
"""Milliseconds for which a request is good where it does not say."""

_ROWS = 1000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 4.0
_HOUR_MS = 3_600_000


# ------------------------------------------------------------------------------------------------------------- errors


class OrderOutcomeUnknown(OutcomeUnknown):
    """A request about one order was sent and no answer came: ``resolve()`` before anything else.

    Attributes:
        client_order_id: The order's.
    """

    def __init__(
        self,
        error: OutcomeUnknown,
        client_order_id: str,
        resolve: Callable[[float | None], Awaitable[PlacedOrder | None]],
    ) -> None:
        super().__init__(error.method, error.id, error.why)
        self.client_order_id = client_order_id
        self._resolve = resolve

    async def resolve(self, timeout: float | None = RESOLVE_SECONDS) -> PlacedOrder | None:
        """Find out; ``None`` is certain: the order was not placed. Nothing is sent again.

        After a cancellation or an amendment the order is given as it stands now.

        Raises:
            TimeoutError: Not within ``timeout`` seconds; it may be asked again.
            ConnectFailed: The client was closed.
            RequestRejected: The exchange does not answer this key.
        """
        return await self._resolve(timeout)


class OrderListOutcomeUnknown(OutcomeUnknown):
    """A request about an order list was sent and no answer came: ``resolve()`` before anything else.

    Attributes:
        list_client_order_id: The list's.
    """

    def __init__(
        self,
        error: OutcomeUnknown,
        list_client_order_id: str,
        resolve: Callable[[float | None], Awaitable[PlacedOrderList | None]],
    ) -> None:
        super().__init__(error.method, error.id, error.why)
        self.list_client_order_id = list_client_order_id
        self._resolve = resolve

    async def resolve(self, timeout: float | None = RESOLVE_SECONDS) -> PlacedOrderList | None:
        """Find out; ``None`` is certain: the list was not placed. Errors as ``OrderOutcomeUnknown.resolve``."""
        return await self._resolve(timeout)


class ReplaceOutcomeUnknown(OutcomeUnknown):
    """A cancel-replace was sent and no answer came: ``resolve()`` before anything else.

    Attributes:
        client_order_id: The new order's.
    """

    def __init__(
        self, error: OutcomeUnknown, client_order_id: str, resolve: Callable[[float | None], Awaitable[Replacement]]
    ) -> None:
        super().__init__(error.method, error.id, error.why)
        self.client_order_id = client_order_id
        self._resolve = resolve

    async def resolve(self, timeout: float | None = RESOLVE_SECONDS) -> Replacement:
        """Find out how both orders stand; errors as ``OrderOutcomeUnknown.resolve``."""
        return await self._resolve(timeout)


class ReplacePartiallyApplied(PartiallyApplied):
    """One half of a cancel-replace took effect.

    Attributes:
        outcome: Both halves as answered.
        cancelled: The old order, if it was cancelled.
        placed: The new order, if it was placed.
    """

    def __init__(
        self,
        error: RequestRejected,
        outcome: CancelReplaceResponse,
        *,
        old: PlacedOrder,
        new: PlacedOrder,
    ) -> None:
        super().__init__(error.method, error.status, error.code, error.message, error.data)
        self.outcome = outcome
        self.cancelled = old if outcome.cancel_result is CancelReplaceResult.SUCCESS else None
        self.placed = new if outcome.new_order_result is CancelReplaceResult.SUCCESS else None


# ------------------------------------------------------------------------------------------------------------- asking


class _Undecided(Exception):
    """The answer may still change."""


class OutcomeInquiry:
    """Asks how orders stand until the answer cannot change any more.

    Args:
        api: The connection.
        user: The user stream of the same account.
        registry: The orders that are followed.
    """

    def __init__(self, api: ApiConnection, user: UserStream, registry: OrderRegistry) -> None:
        self._api = api
        self._user = user
        self._registry = registry
        self._closed = False
        self._settling = (api.recv_window or DEFAULT_RECV_WINDOW) / 1000 + PROCESSING_SECONDS

    def settled_at(self) -> float:
        """When nothing that was sent before now can take effect any more, by the event loop's clock."""
        return asyncio.get_running_loop().time() + self._settling

    async def refresh(self, order: PlacedOrder) -> None:
        """Ask how an order stands, and for its fills where some are not known.

        Raises:
            ConnectFailed: No connection.
            RequestRejected: There is no such order, or the exchange does not answer this key.
            OutcomeUnknown: No answer.
        """
        by_client_id = order.client_order_id if order.order_id is None else None
        request = OrderStatusRequest(symbol=order.symbol, order_id=order.order_id, orig_client_order_id=by_client_id)
        found = await self._api.call(request)
        if order.order_id is None and self._registry.is_earlier(order, found.order_id, found.time):
            # an earlier order of that client order id, of which Binance tells the newest
            raise RequestRejected(request.api.name, 400, NO_SUCH_ORDER, "Order does not exist.")
        self._registry.take_details(order, found)
        await self.learn_fills(order)

    async def placed(self, order: PlacedOrder, settled_at: float, timeout: float | None) -> PlacedOrder | None:
        """Whether an order was placed; ``None`` is certain, and then it is followed no more."""

        async def ask(*, late: bool) -> PlacedOrder | None:
            try:
                await self.refresh(order)
            except RequestRejected as error:
                if error.code != NO_SUCH_ORDER:
                    raise
                # an order that was shown by an event is there: the answer is behind
                if not late or order.order_id is not None or await self._may_be_unseen(order):
                    raise _Undecided from error
                self._registry.forget(order)
                return None
            return order

        return await self._until_decided(ask, order, settled_at, timeout)

    async def cancelled(self, order: PlacedOrder, settled_at: float, timeout: float | None) -> PlacedOrder:
        """How an order stands once a cancellation can have no effect any more."""

        async def ask(*, late: bool) -> PlacedOrder:
            await self.refresh(order)
            if not late and not order.life.is_ended:
                raise _Undecided
            return order

        return await self._until_decided(ask, order, settled_at, timeout)

    async def amended(
        self, order: PlacedOrder, quantity: Decimal, settled_at: float, timeout: float | None
    ) -> PlacedOrder:
        """How an order stands once an amendment can have no effect any more."""

        async def ask(*, late: bool) -> PlacedOrder:
            await self.refresh(order)
            is_amended = order.quantity is not None and order.quantity <= quantity
            if not late and not is_amended and not order.life.is_ended:
                raise _Undecided
            return order

        return await self._until_decided(ask, order, settled_at, timeout)

    async def replaced(
        self, old: PlacedOrder, new: PlacedOrder, settled_at: float, timeout: float | None
    ) -> Replacement:
        """How both orders of a cancel-replace stand."""
        loop = asyncio.get_running_loop()
        latest = None if timeout is None else loop.time() + timeout
        placed = await self.placed(new, settled_at, timeout)
        left = None if latest is None else max(0.0, latest - loop.time())
        # the old order is cancelled before the new one is placed, and that there is none is known once all is settled
        return Replacement(await self.cancelled(old, loop.time(), left), placed)

    async def list_placed(
        self, orders: PlacedOrderList, settled_at: float, timeout: float | None
    ) -> PlacedOrderList | None:
        """Whether a list was placed; ``None`` is certain, and then it is followed no more."""

        async def ask(*, late: bool) -> PlacedOrderList | None:
            try:
                await self.refresh_list(orders)
            except RequestRejected as error:
                if error.code != NO_SUCH_ORDER:
                    raise
                shown = orders.order_list_id is not None or any(each.order_id is not None for each in orders.orders)
                if not late or shown or await self._may_be_unseen(*orders.orders):
                    raise _Undecided from error
                self._registry.forget_list(orders)
                return None
            return orders

        return await self._until_decided(ask, orders, settled_at, timeout)

    async def list_cancelled(
        self, orders: PlacedOrderList, settled_at: float, timeout: float | None
    ) -> PlacedOrderList:
        """How a list stands once a cancellation can have no effect any more."""

        async def ask(*, late: bool) -> PlacedOrderList:
            await self.refresh_list(orders)
            if not late and orders.status is ListOrderStatus.EXECUTING:
                raise _Undecided
            return orders

        return await self._until_decided(ask, orders, settled_at, timeout)

    async def refresh_list(self, orders: PlacedOrderList) -> None:
        """Ask how a list and each of its orders stand; errors as ``refresh``."""
        request = OrderListStatusRequest(order_list_id=orders.order_list_id)
        if orders.order_list_id is None:
            request = OrderListStatusRequest(orig_client_order_id=orders.list_client_order_id)
        found = await self._api.call(request)
        if orders.order_list_id is None and await self._is_earlier_list(orders, found):
            raise RequestRejected(request.api.name, 400, NO_SUCH_ORDER, "Order list does not exist.")
        self._registry.take_list(orders, found)
        for order in orders.orders:
            await self.refresh(order)

    def close(self) -> None:
        """Nothing more can be asked: who still asks is told."""
        self._closed = True

    async def _is_earlier_list(self, orders: PlacedOrderList, found: OrderList) -> bool:
        """Whether a list of the same client id was there before; its own time may be that of its end."""
        if not orders.claim.is_own:
            return False
        if self._registry.is_earlier_list(orders, found.order_list_id):
            return True
        leg = found.orders[0]
        order = await self._api.call(OrderStatusRequest(symbol=leg.symbol, order_id=leg.order_id))
        return self._registry.is_earlier_at(orders.claim, order.time)

    async def _may_be_unseen(self, *orders: PlacedOrder) -> bool:
        """Whether orders that the exchange says it does not know may be there all the same.

        Its answers come from a database that may be behind. The user stream is not; only when it was interrupted since
        they were sent, it has shown nothing of an order that ended meanwhile. All orders of that time are then looked
        through, once the stream is up again and what is open has been read.
        """
        claim, since = orders[0].claim, self._user.up_since()
        if since is None or claim is None:
            return True
        if since <= claim.sent_at:
            return False
        sent = {order.sent_as for order in orders}
        return any(
            found.client_order_id in sent and not self._registry.is_earlier(orders[0], found.order_id, found.time)
            for found in await self._orders_since(orders[0].symbol, self._registry.earliest(claim) // 1000)
        )

    async def _orders_since(self, symbol: str, start: int) -> list[Order]:
        """A symbol's orders of the hour that begins at ``start``, in milliseconds; the newest where that is 0."""
        if not start:
            return await self._api.call(AllOrdersRequest(symbol=symbol, limit=_ROWS))
        end, found = start + _HOUR_MS, list[Order]()
        while True:
            rows = await self._api.call(AllOrdersRequest(symbol=symbol, start_time=start, end_time=end, limit=_ROWS))
            found += rows
            if len(rows) < _ROWS:
                return found
            start = to_micros(rows[-1].time) // 1000

    async def learn_fills(self, order: PlacedOrder) -> None:
        """Ask for the fills of an order where some are not known; errors as ``refresh``."""
        number = order.order_id
        if order.life.has_all_fills or number is None:
            return
        if order.life.used_sor:
            await self._learn(
                order,
                lambda last: MyAllocationsRequest(
                    symbol=order.symbol,
                    order_id=number,
                    from_allocation_id=0 if last is None else last.allocation_id + 1,
                    limit=_ROWS,
                ),
            )
        await self._learn(
            order,
            lambda last: MyTradesRequest(
                symbol=order.symbol, order_id=number, from_id=0 if last is None else last.id + 1, limit=_ROWS
            ),
        )

    async def _learn(self, order: PlacedOrder, following: Callable[[F | None], Request[list[F]]]) -> None:
        """Read one kind of an order's fills, from the first on: without an id Binance tells the newest."""
        last: F | None = None
        while True:
            fills = await self._api.call(following(last))
            for fill in fills:
                self._registry.take_fill(order, fill)
            if len(fills) < _ROWS:
                return
            last = fills[-1]

    async def _until_decided(
        self,
        ask: Callable[..., Awaitable[T]],
        followed: PlacedOrder | PlacedOrderList,
        settled_at: float,
        timeout: float | None,
    ) -> T:
        """Ask again and again; at each change that events tell, and surely once after ``settled_at``."""
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
        async with asyncio.timeout(timeout):
            while True:
                try:
                    return await ask(late=loop.time() >= settled_at)
                except (ConnectFailed, OutcomeUnknown, RateLimited) as error:
                    if self._closed or self._api.is_shut:
                        raise
                    logger.debug("a question about an order went unanswered: %s", error)
                except _Undecided:
                    pass
                until_settled = settled_at - loop.time()
                await followed.until_heard(min(pause, until_settled) if until_settled > 0 else pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
