"""What stands behind the orders of a client: sending each request once, and keeping what its answer may still tell.

Source: Binance Spot documentation, "Trading requests".
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, TypeVar, Unpack

import msgspec

from cryptotrader.base_operations import ApiConnection
from cryptotrader.config import get_logger
from cryptotrader.errors import (
    BinanceError,
    ConnectFailed,
    DecodeFailed,
    OrderRejected,
    OutcomeUnknown,
    PartiallyApplied,
    RequestRejected,
)
from cryptotrader.late_fills import LateFills
from cryptotrader.models.account_models import OrderTestResponse
from cryptotrader.models.base_models import OrderType
from cryptotrader.models.control_models import Reconnected
from cryptotrader.models.order_models import (
    CancelReplaceResponse,
    CancelReport,
    CancelRestrictions,
    NewOrderRespType,
    Order,
    OrderListCancelReport,
    OrderResponse,
)
from cryptotrader.order_checks import ClientIds, FilterCheck, OrderOptions, order_ids
from cryptotrader.order_fields import OrderListRequest, ReplaceFields
from cryptotrader.order_outcomes import (
    OrderListOutcomeUnknown,
    OrderOutcomeUnknown,
    OutcomeInquiry,
    ReplaceOutcomeUnknown,
    ReplacePartiallyApplied,
)
from cryptotrader.order_registry import OrderRegistry
from cryptotrader.order_replacing import halves_done, replacement
from cryptotrader.placed_order import PlacedOrder, PlacedOrderList, Replacement
from cryptotrader.protocol.order_claims import Claim
from cryptotrader.protocol.order_life import OrderLife
from cryptotrader.protocol.request import Request
from cryptotrader.requests import (
    OpenOrdersCancelAllRequest,
    OrderAmendKeepPriorityRequest,
    OrderCancelReplaceRequest,
    OrderCancelRequest,
    OrderListCancelRequest,
    OrderPlaceRequest,
    OrderTestRequest,
    SorOrderPlaceRequest,
    SorOrderTestRequest,
)
from cryptotrader.subscription import Subscription
from cryptotrader.user_stream import UserStream

logger = get_logger(__name__)
R = TypeVar("R")

P = TypeVar("P", bound=OrderPlaceRequest | SorOrderPlaceRequest | OrderCancelReplaceRequest | OrderListRequest)
S = TypeVar("S", bound=OrderPlaceRequest | SorOrderPlaceRequest | OrderCancelReplaceRequest)

_FILTER_REFUSED = -1013
_NOTHING_TO_CANCEL = -2011


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
        self._registry = OrderRegistry(user.state(), api.now_on_exchange)
        self._inquiry = OutcomeInquiry(api, user, self._registry)
        self._late_fills = LateFills(self._inquiry.learn_fills)
        self._registry.on_incomplete = self._late_fills.look_after
        self._subscription: Subscription[Any] | None = None
        self._is_closed = False

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
        self._registry.take_placement(order, answer)
        return order

    async def route(self, request: SorOrderPlaceRequest) -> PlacedOrder:
        """Place an order by smart order routing."""
        request, order = await self._begin(request)
        for response in await self._first_answer(request, order):
            self._registry.take_placement(order, response)
        return order

    async def place_list(self, request: OrderListRequest) -> PlacedOrderList:
        """Place a list of orders."""
        own = {*order_ids(request), request.list_client_order_id}
        request = await self._prepared(request)
        orders = tuple(self._followed(request.symbol, each, is_own=each in own) for each in order_ids(request))
        number = request.list_client_order_id or ""
        claim = self._registry.list_claim(is_own=number in own)
        placed = PlacedOrderList(self, request.symbol, number, orders, claim)
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
        try:
            report = await self._send(request)
        except OutcomeUnknown as error:
            raise self._unknown_cancellation(error, order) from error
        self._registry.take_cancellation(report)
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
        try:
            answer = await self._send(request)
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise OrderOutcomeUnknown(
                error, order.client_order_id, lambda timeout: self._inquiry.amended(order, wanted, settled_at, timeout)
            ) from error
        self._registry.take_amendment(order, answer)
        return order

    async def replace(
        self,
        order: PlacedOrder,
        type: OrderType | None = None,  # noqa: A002 - Binance's word
        **fields: Unpack[ReplaceFields],
    ) -> Replacement:
        """Cancel an order and place another one at once."""
        request, new = await self._begin(replacement(order, type, fields))
        try:
            answer = await self._send(request)
        except asyncio.CancelledError:
            self._registry.leave(new, self._inquiry.settled_at())
            raise
        except OutcomeUnknown as error:
            raise self._unknown_replacement(error, order, new) from error
        except RequestRejected as error:
            if (outcome := halves_done(error)) is not None:
                self._take_halves(outcome, new)
                raise ReplacePartiallyApplied(error, outcome, old=order, new=new) from error
            if isinstance(error, PartiallyApplied):  # and what was applied cannot be read
                unknown = OutcomeUnknown(error.method, "", str(error))
                raise self._unknown_replacement(unknown, order, new) from error
            self._registry.forget(new)
            raise
        except BinanceError:
            self._registry.forget(new)
            raise
        self._take_halves(answer, new)
        return Replacement(order, new)

    def _unknown_replacement(self, error: OutcomeUnknown, old: PlacedOrder, new: PlacedOrder) -> ReplaceOutcomeUnknown:
        settled_at = self._inquiry.settled_at()
        return ReplaceOutcomeUnknown(
            error, new.sent_as, lambda timeout: self._inquiry.replaced(old, new, settled_at, timeout)
        )

    async def cancel_all(self, symbol: str) -> list[CancelReport | OrderListCancelReport]:
        """Cancel all open orders of a symbol; none where none is open."""
        try:
            reports = await self._send(OpenOrdersCancelAllRequest(symbol=symbol))
        except OrderRejected as error:
            if error.code == _NOTHING_TO_CANCEL:
                return []
            raise
        for report in reports:
            self._registry.take_cancellation(report)
        return reports

    async def cancel_by_id(
        self,
        symbol: str,
        order_id: int | None,
        client_order_id: str | None,
        cancel_restrictions: CancelRestrictions | None,
    ) -> CancelReport | OrderListCancelReport:
        """Cancel an order that need not be followed; needs nothing but the connection."""
        request = OrderCancelRequest(
            symbol=symbol,
            order_id=order_id,
            orig_client_order_id=client_order_id,
            new_client_order_id=self._ids.new(),
            cancel_restrictions=cancel_restrictions,
        )
        try:
            report = await self._send(request)
        except OutcomeUnknown as error:
            order = PlacedOrder(self, OrderLife(symbol, client_order_id or "", order_id))
            raise self._unknown_cancellation(error, order) from error
        self._registry.take_cancellation(report)
        return report

    def _unknown_cancellation(self, error: OutcomeUnknown, order: PlacedOrder) -> OrderOutcomeUnknown:
        settled_at = self._inquiry.settled_at()
        return OrderOutcomeUnknown(
            error, order.client_order_id, lambda timeout: self._inquiry.cancelled(order, settled_at, timeout)
        )

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
        order = self._registry.find(found.symbol, found.order_id, [found.client_order_id], found.time)
        if order is None:
            order = PlacedOrder(self, OrderLife(found.symbol, found.client_order_id))
        elif order.order_id is not None:
            return order
        self._registry.take_details(order, found)
        await self._inquiry.refresh(order)
        return order

    async def resolve(self, symbol: str, client_order_id: str, timeout: float | None) -> PlacedOrder | None:
        """What became of an order whose call was cancelled, or that an earlier run sent."""
        await self._listen()
        await self._api.wait_clock()
        order, settled_at = self._registry.left(symbol, client_order_id)
        if order is None:
            order, settled_at = self._registry.newest(symbol, client_order_id), self._inquiry.settled_at()
        if order is None:
            claim = Claim(sent_at=float("-inf"), not_before=0, heard=0, is_own=False)
            order = PlacedOrder(self, OrderLife(symbol, client_order_id), claim=claim)
            self._registry.add(order)
        found = await self._inquiry.placed(order, settled_at, timeout)
        self._registry.release(symbol, client_order_id)
        return found

    def close(self) -> None:
        """Stop listening, for good; who waits for an order is told."""
        self._is_closed = True
        self._inquiry.close()
        self._late_fills.close()
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
            self._registry.fail(ConnectFailed("the order stream is closed"))

    async def _listen(self) -> None:
        """Listen to the account's events, from before its first order is sent."""
        if self._is_closed:
            raise ConnectFailed("the order stream was closed by its owner")
        if self._subscription is None:
            self._subscription = self._user.subscribe(callback=self._hear, control=True, on_error=self._on_stream_error)
        self._user.open()
        if not self._user.is_followed():
            await self._user.wait_subscribed()

    def _hear(self, event: object, received_ns: int) -> None:
        if isinstance(event, Reconnected):
            self._registry.revive()
        else:
            self._registry.take_event(event, received_ns)

    def _on_stream_error(self, error: Exception) -> None:
        if isinstance(error, ConnectFailed) or (isinstance(error, RequestRejected) and error.is_lasting):
            self._registry.fail(error)  # until events come again
        else:
            logger.warning("the user stream of followed orders: %s", error)

    def _followed(self, symbol: str, client_order_id: str, *, is_own: bool) -> PlacedOrder:
        """An order that is about to be sent; a client order id of the caller's own may have been used before."""
        return PlacedOrder(self, OrderLife(symbol, client_order_id), claim=self._registry.claim(is_own=is_own))

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
        except asyncio.CancelledError:
            self._registry.leave(order, self._inquiry.settled_at())
            raise
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise OrderOutcomeUnknown(
                error, order.sent_as, lambda timeout: self._inquiry.placed(order, settled_at, timeout)
            ) from error
        except BinanceError:
            self._registry.forget(order)
            raise

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
            self._registry.take_placement(new, placed)
        else:
            self._registry.forget(new)
