"""What stands behind the orders of a client: sending each request once, and keeping what its answer may still tell.

Source: Binance Spot documentation, "Trading requests".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar, Unpack

import msgspec

from cryptotrader.base_operations import ApiConnection
from cryptotrader.config import get_logger
from cryptotrader.errors import (
    BinanceError,
    ConnectFailed,
    DecodeFailed,
    OutcomeUnknown,
    PartiallyApplied,
    RequestInvalid,
    RequestRejected,
)
from cryptotrader.models.account_models import OrderTestResponse
from cryptotrader.models.base_models import OrderType, TimeInForce
from cryptotrader.models.order_models import (
    CancelReplaceMode,
    CancelReplaceResponse,
    CancelReport,
    CancelRestrictions,
    NewOrderRespType,
    Order,
    OrderListCancelReport,
    OrderResponse,
)
from cryptotrader.order_checks import ID_PREFIX, ClientIds, FilterCheck, order_ids
from cryptotrader.order_fields import ReplaceFields
from cryptotrader.order_outcomes import (
    OrderListOutcomeUnknown,
    OrderOutcomeUnknown,
    OutcomeInquiry,
    ReplaceOutcomeUnknown,
    ReplacePartiallyApplied,
)
from cryptotrader.order_registry import OrderRegistry
from cryptotrader.placed_order import PlacedOrder, PlacedOrderList, Replacement
from cryptotrader.protocol.order_life import OrderLife
from cryptotrader.protocol.request import Request
from cryptotrader.requests import (
    OpenOrdersCancelAllRequest,
    OrderAmendKeepPriorityRequest,
    OrderCancelReplaceRequest,
    OrderCancelRequest,
    OrderListCancelRequest,
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
    OrderPlaceRequest,
    OrderTestRequest,
    SorOrderPlaceRequest,
    SorOrderTestRequest,
)
from cryptotrader.subscription import Subscription
from cryptotrader.user_stream import UserStream

logger = get_logger(__name__)
R = TypeVar("R")

OrderListRequest = (
    OrderListPlaceOcoRequest
    | OrderListPlaceOtoRequest
    | OrderListPlaceOtocoRequest
    | OrderListPlaceOpoRequest
    | OrderListPlaceOpocoRequest
)
"""Any list that can be placed."""

P = TypeVar("P", bound=OrderPlaceRequest | SorOrderPlaceRequest | OrderCancelReplaceRequest | OrderListRequest)
S = TypeVar("S", bound=OrderPlaceRequest | SorOrderPlaceRequest | OrderCancelReplaceRequest)

_FILTER_REFUSED = -1013


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """How orders are placed.

    Attributes:
        id_prefix: What the client order ids begin with.
        check_filters: Hold orders against their symbol's filters before they are sent.
        round_to_filters: Bring prices to the nearest tick and quantities down to the step.
        patience: Seconds to wait for request weight and order budget before ``RateLimited`` is raised.
    """

    id_prefix: str = ID_PREFIX
    check_filters: bool = True
    round_to_filters: bool = False
    patience: float = 60.0


class OrderDesk:
    """Carries out what ``OrderStream``, orders and lists are asked for; errors as ``OrderStream`` tells them.

    Args:
        api: The connection that sends.
        user: The user stream of the same account.
        options: How orders are placed.

    Raises:
        ConfigurationError: Client order ids cannot begin as ``options`` want it.
    """

    def __init__(self, api: ApiConnection, user: UserStream, options: OrderOptions) -> None:
        self._api = api
        self._user = user
        self._patience = options.patience
        self._ids = ClientIds(options.id_prefix)
        self._filters = FilterCheck(api, rounds=options.round_to_filters, checks=options.check_filters)
        self._registry = OrderRegistry(user.state())
        self._inquiry = OutcomeInquiry(api, self._registry)
        self._subscription: Subscription[Any] | None = None

    async def ask(self, request: Request[R]) -> R:
        """Send a request that changes nothing."""
        return await self._api.call(request, patience=self._patience)

    async def test(self, request: OrderTestRequest | SorOrderTestRequest) -> OrderTestResponse:
        """Let the exchange check an order."""
        return await self.ask(await self._filters.passed(request, request.symbol))

    # ------------------------------------------------------------------------------------------------------ placing

    async def place(self, request: OrderPlaceRequest) -> PlacedOrder:
        """Place an order."""
        request, order = await self._begin(request)
        answer = await self._first_answer(request, order)
        self._registry.take_details(order, answer)
        return order

    async def route(self, request: SorOrderPlaceRequest) -> PlacedOrder:
        """Place an order by smart order routing."""
        request, order = await self._begin(request)
        for response in await self._first_answer(request, order):
            self._registry.take_details(order, response)
        return order

    async def place_list(self, request: OrderListRequest) -> PlacedOrderList:
        """Place a list of orders."""
        request = await self._prepared(request)
        orders = tuple(self._followed(request.symbol, each) for each in order_ids(request))
        number = request.list_client_order_id or ""
        placed = PlacedOrderList(self, request.symbol, number, orders)
        self._registry.add_list(placed)
        try:
            answer = await self._send(request)
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise OrderListOutcomeUnknown(
                error, number, lambda timeout: self._inquiry.list_placed(placed, settled_at, timeout)
            ) from error
        except BinanceError:
            self._registry.forget_list(placed)
            raise
        self._registry.take_list(placed, answer)
        return placed

    # ------------------------------------------------------------------------------------------------ changing, ending

    async def cancel(self, order: PlacedOrder, *, cancel_restrictions: CancelRestrictions | None = None) -> PlacedOrder:
        """Cancel an order, and the whole list where it belongs to one."""
        request = OrderCancelRequest(
            symbol=order.symbol,
            order_id=order.order_id,
            orig_client_order_id=order.client_order_id if order.order_id is None else None,
            new_client_order_id=self._ids.new(),
            cancel_restrictions=cancel_restrictions,
        )
        answer = await self._resolvable(
            request, order, lambda since, timeout: self._inquiry.cancelled(order, since, timeout)
        )
        self._registry.take_cancellation(answer)
        return order

    async def amend(self, order: PlacedOrder, quantity: Decimal | str) -> PlacedOrder:
        """Reduce an order's quantity."""
        request = await self._filters.passed(
            OrderAmendKeepPriorityRequest(
                symbol=order.symbol,
                order_id=order.order_id,
                orig_client_order_id=order.client_order_id if order.order_id is None else None,
                new_client_order_id=order.client_order_id,  # otherwise Binance makes one
                new_qty=quantity,
            ),
            order.symbol,
        )
        wanted = Decimal(request.new_qty)
        answer = await self._resolvable(
            request, order, lambda since, timeout: self._inquiry.amended(order, wanted, since, timeout)
        )
        self._registry.take_amendment(order, answer)
        return order

    async def replace(
        self,
        order: PlacedOrder,
        type: OrderType | None = None,  # noqa: A002 - Binance's word
        **fields: Unpack[ReplaceFields],
    ) -> Replacement:
        """Cancel an order and place another one at once."""
        request, new = await self._begin(_replacement(order, type, fields))
        try:
            answer = await self._send(request)
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise ReplaceOutcomeUnknown(
                error, new.sent_as, lambda timeout: self._inquiry.replaced(order, new, settled_at, timeout)
            ) from error
        except PartiallyApplied as error:
            outcome = CancelReplaceResponse.from_error(error.data)
            self._take_halves(outcome, new)
            raise ReplacePartiallyApplied(error, outcome, old=order, new=new) from error
        except BinanceError:
            self._registry.forget(new)
            raise
        self._take_halves(answer, new)
        return Replacement(order, new)

    async def cancel_all(self, symbol: str) -> list[CancelReport | OrderListCancelReport]:
        """Cancel all open orders of a symbol."""
        reports = await self._send(OpenOrdersCancelAllRequest(symbol=symbol))
        for report in reports:
            self._registry.take_cancellation(report)
        return reports

    async def cancel_list(self, orders: PlacedOrderList) -> PlacedOrderList:
        """Cancel an order list."""
        request = OrderListCancelRequest(
            symbol=orders.symbol,
            order_list_id=orders.order_list_id,
            list_client_order_id=orders.list_client_order_id if orders.order_list_id is None else None,
            new_client_order_id=self._ids.new(),
        )
        try:
            answer = await self._send(request)
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise OrderListOutcomeUnknown(
                error,
                orders.list_client_order_id,
                lambda timeout: self._inquiry.list_cancelled(orders, settled_at, timeout),
            ) from error
        self._registry.take_cancellation(answer)
        return orders

    # ------------------------------------------------------------------------------------------------------ following

    async def follow(self, found: Order) -> PlacedOrder:
        """Follow an order that was placed elsewhere, or before a restart."""
        await self._listen()
        known = self._registry.find(found.symbol, found.order_id)
        if known is not None:
            return known
        order = self._followed(found.symbol, found.client_order_id)
        self._registry.take_details(order, found)
        await self._inquiry.refresh(order)
        return order

    def close(self) -> None:
        """Stop listening; who waits for an order is told."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
            self._registry.fail(ConnectFailed("the order stream is closed"))

    async def _listen(self) -> None:
        """Listen to the account's events, from before its first order is sent."""
        if self._subscription is None:
            self._subscription = self._user.subscribe(
                callback=self._registry.take_event, on_error=self._on_stream_error
            )
        self._user.open()
        if not self._user.is_followed():
            await self._user.wait_subscribed()

    def _on_stream_error(self, error: Exception) -> None:
        if isinstance(error, ConnectFailed):
            self._registry.fail(error)
        else:
            logger.warning("the user stream of followed orders: %s", error)

    def _followed(self, symbol: str, client_order_id: str, *, is_own: bool = False) -> PlacedOrder:
        """An order to follow; a client order id of the caller's own may have been used before."""
        return PlacedOrder(
            self, OrderLife(symbol, client_order_id), not_before=self._api.now_on_exchange() if is_own else None
        )

    # -------------------------------------------------------------------------------------------------------- sending

    async def _prepared(self, request: P) -> P:
        """The request as it is sent: checked, with client order ids, answered in full; and its events listened to."""
        if request.new_order_resp_type is None:
            request = msgspec.structs.replace(request, new_order_resp_type=NewOrderRespType.FULL)
        request = await self._filters.passed(request, request.symbol)
        await self._listen()
        await self._api.wait_clock()
        return self._ids.complete(request)

    async def _begin(self, request: S) -> tuple[S, PlacedOrder]:
        """The request as it is sent, and its one order, which is followed from now on."""
        is_own = request.new_client_order_id is not None
        request = await self._prepared(request)
        order = self._followed(request.symbol, order_ids(request)[0], is_own=is_own)
        self._registry.add(order)
        return request, order

    async def _first_answer(self, request: Request[R], order: PlacedOrder) -> R:
        """Send a placement."""
        try:
            return await self._send(request)
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise OrderOutcomeUnknown(
                error, order.sent_as, lambda timeout: self._inquiry.placed(order, settled_at, timeout)
            ) from error
        except BinanceError:
            self._registry.forget(order)
            raise

    async def _resolvable(
        self,
        request: Request[R],
        order: PlacedOrder,
        resolve: Callable[[float, float | None], Awaitable[PlacedOrder]],
    ) -> R:
        """Send a request about an order that exists."""
        try:
            return await self._send(request)
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise OrderOutcomeUnknown(
                error, order.client_order_id, lambda timeout: resolve(settled_at, timeout)
            ) from error

    async def _send(self, request: Request[R]) -> R:
        """Send a request that changes something; an answer that cannot be read leaves its outcome unknown, too."""
        try:
            return await self._api.call(request, patience=self._patience)
        except DecodeFailed as error:
            raise OutcomeUnknown(request.api.name, "", "the answer cannot be read") from error
        except RequestRejected as error:
            if error.code == _FILTER_REFUSED:
                self._filters.forget()
            raise

    def _take_halves(self, outcome: CancelReplaceResponse, new: PlacedOrder) -> None:
        """Take what both halves of a cancel-replace tell."""
        cancelled, placed = outcome.cancel_response, outcome.new_order_response
        if isinstance(cancelled, (CancelReport, OrderListCancelReport)):
            self._registry.take_cancellation(cancelled)
        if isinstance(placed, OrderResponse):
            self._registry.take_details(new, placed)
        else:
            self._registry.forget(new)


def _replacement(
    order: PlacedOrder,
    type: OrderType | None,  # noqa: A002 - Binance's word
    fields: ReplaceFields,
) -> OrderCancelReplaceRequest:
    """The request that replaces an order, by default by one of the same side and type."""
    wanted = ReplaceFields(cancel_replace_mode=CancelReplaceMode.STOP_ON_FAILURE)
    wanted.update(fields)
    side, kind = wanted.get("side", order.side), type or order.type
    if side is None or kind is None:
        raise RequestInvalid("side and type of the new order are needed: the old one's are not known")
    wanted["side"] = side
    if kind is OrderType.LIMIT:
        wanted.setdefault("time_in_force", TimeInForce.GTC)
    return OrderCancelReplaceRequest(
        symbol=order.symbol,
        cancel_order_id=order.order_id,
        cancel_orig_client_order_id=order.client_order_id if order.order_id is None else None,
        type=kind,
        **wanted,
    )
