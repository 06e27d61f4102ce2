"""What can be asked about an account's orders: how they stand, what they traded, and what became of them.

Source: Binance Spot documentation, "Account requests".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

from cryptotrader.models.account_models import AccountCommission, AccountTrade, Allocation, Amendment, PreventedMatch
from cryptotrader.models.order_models import Order, OrderList
from cryptotrader.protocol.request import Request
from cryptotrader.requests import (
    AccountCommissionRequest,
    AllOrderListsRequest,
    AllOrdersRequest,
    MyAllocationsRequest,
    MyPreventedMatchesRequest,
    MyTradesRequest,
    OpenOrderListsStatusRequest,
    OpenOrdersStatusRequest,
    OrderAmendmentsRequest,
    OrderListStatusRequest,
    OrderStatusRequest,
)

R = TypeVar("R")


class OrderQueries(ABC):
    """The queries of one account; none changes anything, and each raises what ``ApiConnection.call`` raises.

    Without times and ids the newest entries are given, with them those from there on; entries ascend. Times are in
    Binance's milliseconds or microseconds, and at most 24 hours apart. ``limit`` is 500 unless given, at most 1000.
    """

    @abstractmethod
    async def _ask(self, request: Request[R]) -> R:
        """Send a request that changes nothing."""

    async def status(self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None) -> Order:
        """How an order stands, whoever placed it."""
        return await self._ask(
            OrderStatusRequest(symbol=symbol, order_id=order_id, orig_client_order_id=client_order_id)
        )

    async def open_orders(self, symbol: str | None = None) -> list[Order]:
        """The account's open orders, of a symbol or of all."""
        return await self._ask(OpenOrdersStatusRequest(symbol=symbol))

    async def all_orders(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int | None = None,
    ) -> list[Order]:
        """The account's orders, open or not; times go before ``order_id``, the first one wanted."""
        return await self._ask(
            AllOrdersRequest(symbol=symbol, order_id=order_id, start_time=start_time, end_time=end_time, limit=limit)
        )

    async def amendments(
        self, symbol: str, order_id: int, *, from_execution_id: int | None = None, limit: int | None = None
    ) -> list[Amendment]:
        """The amendments of an order."""
        return await self._ask(
            OrderAmendmentsRequest(symbol=symbol, order_id=order_id, from_execution_id=from_execution_id, limit=limit)
        )

    async def list_status(
        self, *, order_list_id: int | None = None, list_client_order_id: str | None = None
    ) -> OrderList:
        """How an order list stands; where both ids are given, Binance looks at the client's."""
        return await self._ask(
            OrderListStatusRequest(order_list_id=order_list_id, orig_client_order_id=list_client_order_id)
        )

    async def open_lists(self) -> list[OrderList]:
        """The account's open order lists."""
        return await self._ask(OpenOrderListsStatusRequest())

    async def all_lists(
        self,
        *,
        from_id: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int | None = None,
    ) -> list[OrderList]:
        """The account's order lists, open or not; times go before ``from_id``."""
        return await self._ask(
            AllOrderListsRequest(from_id=from_id, start_time=start_time, end_time=end_time, limit=limit)
        )

    async def trades(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int | None = None,
    ) -> list[AccountTrade]:
        """The account's trades, or those of one order."""
        return await self._ask(
            MyTradesRequest(
                symbol=symbol,
                order_id=order_id,
                from_id=from_id,
                start_time=start_time,
                end_time=end_time,
                limit=limit,
            )
        )

    async def allocations(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int | None = None,
    ) -> list[Allocation]:
        """What smart order routing gave to the account's orders, or to one of them."""
        return await self._ask(
            MyAllocationsRequest(
                symbol=symbol,
                order_id=order_id,
                from_allocation_id=from_id,
                start_time=start_time,
                end_time=end_time,
                limit=limit,
            )
        )

    async def prevented_matches(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        prevented_match_id: int | None = None,
        limit: int | None = None,
    ) -> list[PreventedMatch]:
        """What self-trade prevention kept from happening: all matches of an order, or a single one."""
        return await self._ask(
            MyPreventedMatchesRequest(
                symbol=symbol,
                order_id=order_id,
                from_prevented_match_id=from_id,
                prevented_match_id=prevented_match_id,
                limit=limit,
            )
        )

    async def commission(self, symbol: str) -> AccountCommission:
        """What the account pays for trades of a symbol."""
        return await self._ask(AccountCommissionRequest(symbol=symbol))
