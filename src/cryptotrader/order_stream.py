"""Orders: placed, followed, changed and ended, each an object that can be awaited.

Source: Binance Spot documentation, "Trading requests" and "Account requests".
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar, Unpack, overload

from cryptotrader.base_operations import ApiConnection
from cryptotrader.errors import RequestInvalid
from cryptotrader.models.account_models import OrderTestResponse
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.order_models import (
    CancelReport,
    CancelRestrictions,
    OrderListCancelReport,
)
from cryptotrader.order_checks import OrderOptions
from cryptotrader.order_desk import OrderDesk
from cryptotrader.order_fields import ExtraFields, OrderFields, OrderListRequest, ReplaceFields, RoutedFields
from cryptotrader.order_outcomes import RESOLVE_SECONDS
from cryptotrader.order_queries import OrderQueries
from cryptotrader.placed_order import PlacedOrder, PlacedOrderList, Replacement
from cryptotrader.protocol.request import Request
from cryptotrader.requests import OrderPlaceRequest, OrderTestRequest, SorOrderPlaceRequest, SorOrderTestRequest
from cryptotrader.user_stream import UserStream

__all__ = ["OrderListRequest", "OrderOptions", "OrderStream"]

R = TypeVar("R")


class OrderStream(OrderQueries):
    """The orders of one account. Needs a running event loop.

    Every order has a client order id before it is sent, and its events are listened to from before it is sent. No
    order, cancellation or amendment is ever sent twice: when an answer does not come, the error can be resolved. Who
    cancels a task that is placing an order gets no error: ``resolve()`` it by a client order id of the caller's own.

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
        self._desk = OrderDesk(api, user, options or OrderOptions())

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
        return await self._desk.place(OrderPlaceRequest(symbol=symbol, side=side, type=type, **fields))

    async def place_limit(
        self,
        symbol: str,
        side: Side,
        *,
        quantity: Decimal | str,
        price: Decimal | str | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        **fields: Unpack[ExtraFields],
    ) -> PlacedOrder:
        """Place an order at a price or better; ``price`` is needed unless the order is pegged. Errors as ``place``."""
        return await self._desk.place(
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
        price: Decimal | str | None = None,
        **fields: Unpack[ExtraFields],
    ) -> PlacedOrder:
        """Place an order that is refused if it would trade at once; ``price`` and errors as ``place_limit``."""
        return await self._desk.place(
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
        return await self._desk.place(
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
        return await self._desk.route(request)

    async def test(
        self,
        symbol: str,
        side: Side,
        type: OrderType,  # noqa: A002 - Binance's word
        *,
        compute_commission_rates: bool | None = None,
        **fields: Unpack[OrderFields],
    ) -> OrderTestResponse:
        """Let the exchange check an order without placing it.

        Raises:
            OutcomeUnknown: No answer; nothing was placed.
        """
        request = OrderTestRequest(
            symbol=symbol, side=side, type=type, compute_commission_rates=compute_commission_rates, **fields
        )
        return await self._desk.test(request)

    async def test_routed(
        self,
        symbol: str,
        side: Side,
        type: OrderType,  # noqa: A002 - Binance's word
        *,
        quantity: Decimal | str,
        compute_commission_rates: bool | None = None,
        **fields: Unpack[RoutedFields],
    ) -> OrderTestResponse:
        """Let the exchange check an order by smart order routing without placing it; errors as ``test``."""
        request = SorOrderTestRequest(
            symbol=symbol,
            side=side,
            type=type,
            quantity=quantity,
            compute_commission_rates=compute_commission_rates,
            **fields,
        )
        return await self._desk.test(request)

    async def place_list(self, request: OrderListRequest) -> PlacedOrderList:
        """Place a list of orders: OCO, OTO, OTOCO, OPO or OPOCO, by the request that names it.

        Raises:
            OrderListOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
        """
        return await self._desk.place_list(request)

    # ------------------------------------------------------------------------------------------------ changing, ending

    @overload
    async def cancel(
        self, order: PlacedOrder, *, cancel_restrictions: CancelRestrictions | None = None
    ) -> PlacedOrder: ...

    @overload
    async def cancel(
        self,
        order: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        cancel_restrictions: CancelRestrictions | None = None,
    ) -> CancelReport | OrderListCancelReport: ...

    async def cancel(
        self,
        order: PlacedOrder | str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        cancel_restrictions: CancelRestrictions | None = None,
    ) -> PlacedOrder | CancelReport | OrderListCancelReport:
        """Cancel an order, and the whole list where it belongs to one.

        ``cancel("BTCUSDT", order_id=…)`` cancels an order that is not followed, whoever placed it; it does nothing but
        send that, and needs no user stream.

        Args:
            order: The order, or the symbol of one that is named by its ids.
            order_id: Its id.
            client_order_id: Its client order id.
            cancel_restrictions: Cancel only a new order, or only one that is filled in part.

        Raises:
            OrderOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
        """
        if isinstance(order, str):
            return await self._desk.cancel_by_id(order, order_id, client_order_id, cancel_restrictions)
        if order_id is not None or client_order_id is not None:
            raise RequestInvalid("name the order by itself, or by its symbol and ids", method="order.cancel")
        return await self._desk.cancel(order, cancel_restrictions=cancel_restrictions)

    async def amend(self, order: PlacedOrder, quantity: Decimal | str) -> PlacedOrder:
        """Reduce an order's quantity, keeping its place in the queue and its client order id.

        Raises:
            OrderOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
        """
        return await self._desk.amend(order, quantity)

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
        return await self._desk.replace(order, type, **fields)

    async def cancel_all(self, symbol: str) -> list[CancelReport | OrderListCancelReport]:
        """Cancel all open orders of a symbol, whoever placed them; gives an empty list where none is open.

        Raises:
            OutcomeUnknown: Sent, and no answer: ``open_orders()`` tells.
        """
        return await self._desk.cancel_all(symbol)

    async def cancel_list(self, orders: PlacedOrderList) -> PlacedOrderList:
        """Cancel an order list.

        Raises:
            OrderListOutcomeUnknown: Sent, and no answer: ``resolve()`` it.
        """
        return await self._desk.cancel_list(orders)

    # ------------------------------------------------------------------------------------------------------ asking

    async def _ask(self, request: Request[R]) -> R:
        return await self._desk.ask(request)

    async def follow(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> PlacedOrder:
        """Follow an order that was placed elsewhere, or before a restart; errors as ``ApiConnection.call``."""
        return await self._desk.follow(await self.status(symbol, order_id=order_id, client_order_id=client_order_id))

    async def resolve(
        self, symbol: str, client_order_id: str, timeout: float | None = RESOLVE_SECONDS
    ) -> PlacedOrder | None:
        """Find out what became of an order whose call was cancelled, or that an earlier run of the program sent.

        As ``OrderOutcomeUnknown.resolve``, where there is no error to ask. Nothing is sent again. Of the orders of an
        earlier run the newest with that client order id is meant; ``None`` says that there is none.

        Raises:
            TimeoutError: Not within ``timeout`` seconds; it may be asked again.
            ConnectFailed: No user data came.
            RequestRejected: The exchange does not answer this key.
        """
        return await self._desk.resolve(symbol, client_order_id, timeout)

    async def close(self) -> None:
        """Stop listening; who waits for an order is told. The connections belong to who gave them."""
        self._desk.close()
