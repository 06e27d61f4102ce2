"""Orders: placed, followed, changed and ended, each an object that can be awaited.

Source: Binance Spot documentation, "Trading requests" and "Account requests".
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
from cryptotrader.models.account_models import AccountTrade, OrderTestResponse
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.order_models import (
    CancelReplaceMode,
    CancelReplaceResponse,
    CancelReport,
    CancelRestrictions,
    NewOrderRespType,
    Order,
    OrderList,
    OrderListCancelReport,
    OrderResponse,
)
from cryptotrader.order_checks import ID_PREFIX, ClientIds, FilterCheck, order_ids
from cryptotrader.order_fields import ExtraFields, OrderFields, ReplaceFields, RoutedFields
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
    MyTradesRequest,
    OpenOrderListsStatusRequest,
    OpenOrdersCancelAllRequest,
    OpenOrdersStatusRequest,
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
    OrderStatusRequest,
    OrderTestRequest,
    SorOrderPlaceRequest,
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


class OrderStream:
    """The orders of one account. Needs a running event loop.

    Every order has a client order id before it is sent, and its events are listened to from before it is sent. No
    order, cancellation or amendment is ever sent twice: when an answer does not come, the error can be resolved.

    The methods that place, change or end orders raise, beside what each tells:

    - ``RequestInvalid``, with ``FilterViolated`` among it: nothing was sent.
    - ``ConnectFailed``: no connection; nothing was sent.
    - ``RequestRejected``, with ``OrderRejected``, ``RateLimited`` and ``Banned`` among it: refused, without effect.

    Args:
        api: The connection that sends; its key's account trades.
        user: The user stream of the same account.
        options: How orders are placed.

    Raises:
        ConfigurationError: Client order ids cannot begin as ``options`` want it.
    """

    def __init__(self, api: ApiConnection, user: UserStream, options: OrderOptions | None = None) -> None:
        options = options or OrderOptions()
        self._api = api
        self._user = user
        self._patience = options.patience
        self._ids = ClientIds(options.id_prefix)
        self._filters = FilterCheck(api, rounds=options.round_to_filters, checks=options.check_filters)
        self._registry = OrderRegistry(user.state())
        self._inquiry = OutcomeInquiry(api, self._registry)
        self._subscription: Subscription[Any] | None = None

    # ------------------------------------------------------------------------------------------------------- placing

    async def place(
        self,
        symbol: str,
        side: Side,
        type: OrderType,  # noqa: A002 - Binance's word
        **fields: Unpack[OrderFields],
    ) -> PlacedOrder:
        """Place an order of any type; ``stop_price``, ``trailing_delta`` and the rest as ``order.place`` names them.

        Raises:
            OrderOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
        """
        return await self._place(OrderPlaceRequest(symbol=symbol, side=side, type=type, **fields))

    async def place_limit(
        self,
        symbol: str,
        side: Side,
        *,
        quantity: Decimal | str,
        price: Decimal | str,
        time_in_force: TimeInForce = TimeInForce.GTC,
        **fields: Unpack[ExtraFields],
    ) -> PlacedOrder:
        """Place an order at a price or better; errors as ``place``."""
        return await self._place(
            OrderPlaceRequest(
                symbol=symbol,
                side=side,
                type=OrderType.LIMIT,
                time_in_force=time_in_force,
                quantity=quantity,
                price=price,
                **fields,
            )
        )

    async def place_limit_maker(
        self,
        symbol: str,
        side: Side,
        *,
        quantity: Decimal | str,
        price: Decimal | str,
        **fields: Unpack[ExtraFields],
    ) -> PlacedOrder:
        """Place an order that is refused if it would trade at once; errors as ``place``."""
        return await self._place(
            OrderPlaceRequest(
                symbol=symbol, side=side, type=OrderType.LIMIT_MAKER, quantity=quantity, price=price, **fields
            )
        )

    async def place_market(
        self,
        symbol: str,
        side: Side,
        *,
        quantity: Decimal | str | None = None,
        quote_quantity: Decimal | str | None = None,
        **fields: Unpack[ExtraFields],
    ) -> PlacedOrder:
        """Trade at the market's prices, either a quantity or what costs ``quote_quantity``; errors as ``place``."""
        return await self._place(
            OrderPlaceRequest(
                symbol=symbol,
                side=side,
                type=OrderType.MARKET,
                quantity=quantity,
                quote_order_qty=quote_quantity,
                **fields,
            )
        )

    async def place_routed(
        self,
        symbol: str,
        side: Side,
        type: OrderType,  # noqa: A002 - Binance's word
        *,
        quantity: Decimal | str,
        **fields: Unpack[RoutedFields],
    ) -> PlacedOrder:
        """Place an order by smart order routing; errors as ``place``."""
        request = SorOrderPlaceRequest(symbol=symbol, side=side, type=type, quantity=quantity, **fields)
        return await self._place(request)

    async def test(
        self,
        symbol: str,
        side: Side,
        type: OrderType,  # noqa: A002 - Binance's word
        *,
        compute_commission_rates: bool | None = None,
        **fields: Unpack[OrderFields],
    ) -> OrderTestResponse:
        """Let the exchange check an order without placing it; errors as ``call``."""
        request = OrderTestRequest(
            symbol=symbol, side=side, type=type, compute_commission_rates=compute_commission_rates, **fields
        )
        return await self._call(await self._filters.passed(request, symbol))

    async def place_list(self, request: OrderListRequest) -> PlacedOrderList:
        """Place a list of orders: OCO, OTO, OTOCO, OPO or OPOCO, by the request that names it.

        Raises:
            OrderListOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
        """
        request = self._ids.complete(await self._prepared(request))
        orders = tuple(self._followed(request.symbol, each) for each in order_ids(request))
        number = request.list_client_order_id or ""
        placed = PlacedOrderList(self, request.symbol, number, orders)
        self._registry.add_list(placed)
        try:
            answer = await self._call(request)
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

    async def cancel(
        self,
        order: PlacedOrder,
        *,
        cancel_restrictions: CancelRestrictions | None = None,
        new_client_order_id: str | None = None,
    ) -> PlacedOrder:
        """Cancel an order, and the whole list where it belongs to one.

        Raises:
            OrderOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
        """
        request = OrderCancelRequest(
            symbol=order.symbol,
            order_id=order.order_id,
            orig_client_order_id=order.client_order_id if order.order_id is None else None,
            cancel_restrictions=cancel_restrictions,
            new_client_order_id=new_client_order_id or self._ids.new(),
        )
        answer = await self._resolvable(
            request, order, lambda since, timeout: self._inquiry.cancelled(order, since, timeout)
        )
        self._registry.take_cancellation(answer)
        return order

    async def amend(self, order: PlacedOrder, quantity: Decimal | str) -> PlacedOrder:
        """Reduce an order's quantity, keeping its place in the queue and its client order id.

        Raises:
            OrderOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
        """
        request = await self._filters.passed(
            OrderAmendKeepPriorityRequest(
                symbol=order.symbol,
                order_id=order.order_id,
                orig_client_order_id=order.client_order_id if order.order_id is None else None,
                new_client_order_id=order.client_order_id,
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
        """Cancel an order and place another one at once, by default of the same side and type.

        Raises:
            ReplaceOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
            ReplacePartiallyApplied: One half took effect.
            RequestRejected: Neither did; ``CancelReplaceResponse.from_error(error.data)`` tells why.
        """
        request = await self._prepared(self._replacement(order, type, fields))
        new = self._followed(order.symbol, request.new_client_order_id or "")
        self._registry.add(new)
        try:
            answer = await self._call(request)
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise ReplaceOutcomeUnknown(
                error, new.sent_as, lambda timeout: self._inquiry.replaced(order, new, settled_at, timeout)
            ) from error
        except PartiallyApplied as error:
            raise self._partial(error, order, new) from error
        except BinanceError:
            self._registry.forget(new)
            raise
        self._take_halves(answer, new)
        return Replacement(order, new)

    async def cancel_all(self, symbol: str) -> list[CancelReport | OrderListCancelReport]:
        """Cancel all open orders of a symbol, whoever placed them.

        Raises:
            OutcomeUnknown: Sent, and no answer: ``open_orders()`` tells.
        """
        reports = await self._call(OpenOrdersCancelAllRequest(symbol=symbol))
        for report in reports:
            self._registry.take_cancellation(report)
        return reports

    async def cancel_list(self, orders: PlacedOrderList) -> PlacedOrderList:
        """Cancel an order list.

        Raises:
            OrderListOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
        """
        request = OrderListCancelRequest(
            symbol=orders.symbol,
            order_list_id=orders.order_list_id,
            list_client_order_id=orders.list_client_order_id if orders.order_list_id is None else None,
            new_client_order_id=self._ids.new(),
        )
        try:
            answer = await self._call(request)
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise OrderListOutcomeUnknown(
                error,
                orders.list_client_order_id,
                lambda timeout: self._inquiry.list_cancelled(orders, settled_at, timeout),
            ) from error
        self._registry.take_cancellation(answer)
        return orders

    # ------------------------------------------------------------------------------------------------------ asking

    async def status(self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None) -> Order:
        """How an order stands, whoever placed it; errors as ``ApiConnection.call``."""
        return await self._call(
            OrderStatusRequest(symbol=symbol, order_id=order_id, orig_client_order_id=client_order_id)
        )

    async def open_orders(self, symbol: str | None = None) -> list[Order]:
        """The account's open orders; errors as ``ApiConnection.call``."""
        return await self._call(OpenOrdersStatusRequest(symbol=symbol))

    async def open_lists(self) -> list[OrderList]:
        """The account's open order lists; errors as ``ApiConnection.call``."""
        return await self._call(OpenOrderListsStatusRequest())

    async def trades(self, symbol: str, *, order_id: int | None = None) -> list[AccountTrade]:
        """The account's latest trades, or those of one order; errors as ``ApiConnection.call``."""
        return await self._call(MyTradesRequest(symbol=symbol, order_id=order_id))

    async def follow(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> PlacedOrder:
        """Follow an order that was placed elsewhere, or before a restart; errors as ``ApiConnection.call``."""
        await self._listen()
        found = await self.status(symbol, order_id=order_id, client_order_id=client_order_id)
        known = self._registry.find(symbol, found.order_id)
        if known is not None:
            return known
        order = PlacedOrder(self, OrderLife(symbol, found.client_order_id), found.time)
        self._registry.take_details(order, found)
        await self._inquiry.refresh(order)
        return order

    async def close(self) -> None:
        """Stop listening; who waits for an order is told. The connections belong to who gave them."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
            self._registry.fail(ConnectFailed("the order stream is closed"))

    # ---------------------------------------------------------------------------------------------------- behind it

    async def _place(self, request: OrderPlaceRequest | SorOrderPlaceRequest) -> PlacedOrder:
        request = await self._prepared(request)
        order = self._followed(request.symbol, request.new_client_order_id or "")
        self._registry.add(order)
        try:
            if isinstance(request, SorOrderPlaceRequest):
                responses = await self._call(request)
            else:
                responses = [await self._call(request)]
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise OrderOutcomeUnknown(
                error, order.sent_as, lambda timeout: self._inquiry.placed(order, settled_at, timeout)
            ) from error
        except BinanceError as error:
            self._registry.forget(order)
            if isinstance(error, RequestRejected) and error.code == _FILTER_REFUSED:
                self._filters.forget(request.symbol)
            raise
        for response in responses:
            self._registry.take_details(order, response)
        return order

    async def _prepared(self, request: P) -> P:
        """The request as it is sent: checked, with client order ids, answered in full; and its events listened to."""
        if request.new_order_resp_type is None:
            request = msgspec.structs.replace(request, new_order_resp_type=NewOrderRespType.FULL)
        request = await self._filters.passed(request, request.symbol)
        await self._listen()
        return self._ids.complete(request)

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

    def _followed(self, symbol: str, client_order_id: str) -> PlacedOrder:
        return PlacedOrder(self, OrderLife(symbol, client_order_id), self._api.now_on_exchange())

    async def _call(self, request: Request[R]) -> R:
        """Send a request; an answer that cannot be read leaves its outcome unknown, too."""
        try:
            return await self._api.call(request, patience=self._patience)
        except DecodeFailed as error:
            raise OutcomeUnknown(request.api.name, "", "the answer cannot be read") from error

    async def _resolvable(
        self,
        request: Request[R],
        order: PlacedOrder,
        resolve: Callable[[float, float | None], Awaitable[PlacedOrder]],
    ) -> R:
        """Send a request about an order that exists."""
        try:
            return await self._call(request)
        except OutcomeUnknown as error:
            settled_at = self._inquiry.settled_at()
            raise OrderOutcomeUnknown(
                error, order.client_order_id, lambda timeout: resolve(settled_at, timeout)
            ) from error

    def _replacement(
        self,
        order: PlacedOrder,
        type: OrderType | None,  # noqa: A002 - Binance's word
        fields: ReplaceFields,
    ) -> OrderCancelReplaceRequest:
        wanted = ReplaceFields(cancel_replace_mode=CancelReplaceMode.STOP_ON_FAILURE)
        wanted.update(fields)
        kind = type or order.type
        if order.side is not None:
            wanted.setdefault("side", order.side)
        if "side" not in wanted or kind is None:
            raise RequestInvalid("side and type of the new order are needed: the old one's are not known")
        if kind is OrderType.LIMIT:
            wanted.setdefault("time_in_force", TimeInForce.GTC)
        return OrderCancelReplaceRequest(
            symbol=order.symbol,
            cancel_order_id=order.order_id,
            cancel_orig_client_order_id=order.client_order_id if order.order_id is None else None,
            type=kind,
            **wanted,
        )

    def _take_halves(self, outcome: CancelReplaceResponse, new: PlacedOrder) -> tuple[bool, bool]:
        """Take what both halves tell; answers which of them took effect."""
        cancelled, placed = outcome.cancel_response, outcome.new_order_response
        if isinstance(cancelled, (CancelReport, OrderListCancelReport)):
            self._registry.take_cancellation(cancelled)
        if isinstance(placed, OrderResponse):
            self._registry.take_details(new, placed)
        else:
            self._registry.forget(new)
        return isinstance(cancelled, (CancelReport, OrderListCancelReport)), isinstance(placed, OrderResponse)

    def _partial(self, error: PartiallyApplied, old: PlacedOrder, new: PlacedOrder) -> ReplacePartiallyApplied:
        outcome = CancelReplaceResponse.from_error(error.data)
        is_cancelled, is_placed = self._take_halves(outcome, new)
        return ReplacePartiallyApplied(
            error, outcome, cancelled=old if is_cancelled else None, placed=new if is_placed else None
        )
