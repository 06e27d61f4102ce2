"""Reading an account anew: open orders, order lists, balances, and the fills since events last came.

Source: Binance Spot documentation, "Account requests".
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from cryptotrader.base_operations import ApiConnection
from cryptotrader.config import get_logger
from cryptotrader.errors import RequestRejected
from cryptotrader.models.account_models import AccountStatus, OwnFill
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.order_models import ExecutionType, Order
from cryptotrader.models.user_models import ExecutionReportEvent, UserDataEvent
from cryptotrader.protocol.account_state import AccountState, OrderKey, fill_key
from cryptotrader.protocol.api_session import Key
from cryptotrader.protocol.request import Request
from cryptotrader.requests import (
    AccountStatusRequest,
    ExchangeInfoRequest,
    MyAllocationsRequest,
    MyTradesRequest,
    OpenOrderListsStatusRequest,
    OpenOrdersStatusRequest,
    OrderStatusRequest,
    TimeRequest,
)

logger = get_logger(__name__)

_ROWS = 1000
_DAY_US = 24 * 3600 * 1_000_000
_PAUSES = (0.1, 0.9, 1.5)  # seconds between attempts: trades and balances may be answered some time after orders
_NO_SUCH_SYMBOL = -1121  # never there, or not any more
_NO_SUCH_ORDER = (-2013, -2026, _NO_SUCH_SYMBOL)  # unknown, or archived since


class _Fills(NamedTuple):
    """How one kind of fills is asked for: those of a symbol between two times, and those that follow one of them."""

    between: Callable[[str, int, int], Request[Any]]
    after: Callable[[str, Any], Request[Any]]


_TRADES = _Fills(
    lambda symbol, start, end: MyTradesRequest(symbol=symbol, start_time=start, end_time=end, limit=_ROWS),
    lambda symbol, last: MyTradesRequest(symbol=symbol, from_id=last.id + 1, limit=_ROWS),
)
_ALLOCATIONS = _Fills(
    lambda symbol, start, end: MyAllocationsRequest(symbol=symbol, start_time=start, end_time=end, limit=_ROWS),
    lambda symbol, last: MyAllocationsRequest(symbol=symbol, from_allocation_id=last.allocation_id + 1, limit=_ROWS),
)


@dataclass
class Recovery:
    """What was read.

    Attributes:
        fills: Own trades and allocations whose events were not received, in the order in which they happened.
        orders: Orders that changed meanwhile.
        unexplained: Balances that the fills do not explain: expected and found totals, by asset.
    """

    fills: list[OwnFill] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    unexplained: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)


class AccountReader:
    """Reads accounts over one connection.

    Args:
        api: The connection.
    """

    def __init__(self, api: ApiConnection) -> None:
        self._api = api

    async def read(
        self,
        key: Key,
        state: AccountState,
        held: Sequence[tuple[UserDataEvent, int]],
        *,
        first: bool,
        has_gap: bool,
    ) -> Recovery:
        """Read an account anew and bring ``state`` up to date.

        Args:
            key: Whose.
            state: What was known; takes over what is read.
            held: Events that came meanwhile and are delivered afterwards; the list may grow.
            first: Nothing was known before: there is nothing to recover.
            has_gap: No events came for a while. Without a gap events have told the balances, and no trade has to
                explain them.

        Raises:
            ConnectFailed: No connection.
            RequestRejected: The exchange refused.
            OutcomeUnknown: No answer.
        """
        now = (await self._api.call(TimeRequest())).server_time
        orders = await self._api.call(OpenOrdersStatusRequest(), key=key)
        lists = await self._api.call(OpenOrderListsStatusRequest(), key=key)
        recovery, gone = Recovery(), list[OrderKey]()
        if first:
            account = await self._api.call(AccountStatusRequest(), key=key)
        else:
            recovery.orders, gone = state.changed_orders(orders)
            state.symbols |= {order.symbol for order in orders}
            recovery.orders += await self._ended(key, gone)
            account = await self._explained(key, state, recovery, held, now, has_gap=has_gap)
        coming = {fill_key(event) for event in _trades(held)}
        recovery.fills = [fill for fill in recovery.fills if fill_key(fill) not in coming]
        state.mark_delivered(recovery.fills)
        state.restart(orders, gone, lists, account, now)
        return recovery

    async def _explained(
        self,
        key: Key,
        state: AccountState,
        recovery: Recovery,
        held: Sequence[tuple[UserDataEvent, int]],
        now: int,
        *,
        has_gap: bool,
    ) -> AccountStatus:
        """The balances, and in ``recovery`` the fills that were missed and what these do not explain."""
        assets, routed = await self._symbols(state)
        routed |= state.symbols & (state.routed | {order.symbol for order in recovery.orders if order.used_sor})
        for pause in (*_PAUSES, None):
            account = await self._api.call(AccountStatusRequest(), key=key)
            found = await self._fills(_TRADES, key, state.symbols, state.last_time, now)
            found += await self._fills(_ALLOCATIONS, key, routed, state.last_time, now)
            recovery.fills = state.new_fills(found)
            if has_gap:
                settled = [fill for fill in recovery.fills if fill.time <= account.update_time]
                recovery.unexplained = state.unexplained(account, settled, assets)
            is_whole = not recovery.unexplained and not _lacks_fills(state, recovery, held)
            if is_whole or pause is None:
                break
            await asyncio.sleep(pause)
        return account

    async def _ended(self, key: Key, gone: list[OrderKey]) -> list[Order]:
        """The last state of orders that are open no more."""
        found: list[Order] = []
        for symbol, number in gone:
            try:
                found.append(await self._api.call(OrderStatusRequest(symbol=symbol, order_id=number), key=key))
            except RequestRejected as error:
                if error.code not in _NO_SUCH_ORDER:
                    raise
        return found

    async def _fills(self, kind: _Fills, key: Key, symbols: Iterable[str], since: int, now: int) -> list[OwnFill]:
        """Own fills of symbols since a time, asked for a day at a time, as Binance wants it."""
        day = _DAY_US if to_micros(now) == now else _DAY_US // 1000
        found: list[OwnFill] = []
        for symbol in sorted(symbols):
            start = since
            while start <= now:
                end = start + day
                rows = await self._api.call(kind.between(symbol, start, end), key=key)
                found += rows
                while len(rows) == _ROWS and rows[-1].time <= end:
                    rows = await self._api.call(kind.after(symbol, rows[-1]), key=key)
                    found += rows
                start = end + 1
        return found

    async def _symbols(self, state: AccountState) -> tuple[dict[str, tuple[str, str]], set[str]]:
        """Base and quote asset of each symbol, and the symbols over which orders are routed at present.

        One that the exchange does not have fails the whole question: then each is asked for, and such a one forgotten.
        """
        if not state.symbols:
            return {}, set()
        try:
            info = await self._api.call(ExchangeInfoRequest(symbols=tuple(sorted(state.symbols))))
        except RequestRejected as error:
            if error.code != _NO_SUCH_SYMBOL:
                raise
            await self._forget_unknown(state)
            return await self._symbols(state)
        assets = {each.symbol: (each.base_asset, each.quote_asset) for each in info.symbols}
        return assets, state.symbols & {name for group in info.sors or () for name in group.symbols}

    async def _forget_unknown(self, state: AccountState) -> None:
        for symbol in sorted(state.symbols):
            try:
                await self._api.call(ExchangeInfoRequest(symbol=symbol))
            except RequestRejected as error:
                if error.code != _NO_SUCH_SYMBOL:
                    raise
                logger.warning("%s is not traded (any more): its orders and trades are not read back", symbol)
                state.forget_symbol(symbol)


def _trades(held: Iterable[tuple[UserDataEvent, int]]) -> list[ExecutionReportEvent]:
    """The fills among events."""
    return [
        event
        for event, _ in held
        if isinstance(event, ExecutionReportEvent) and event.execution_type is ExecutionType.TRADE
    ]


def _lacks_fills(state: AccountState, recovery: Recovery, held: Sequence[tuple[UserDataEvent, int]]) -> bool:
    """Whether an order has executed more than what was told and what was found."""
    known: defaultdict[OrderKey, Decimal] = defaultdict(Decimal, state.open_orders)
    fills = {fill_key(fill): fill.quantity for fill in recovery.fills}
    fills |= {fill_key(event): event.last_executed_quantity for event in _trades(held)}
    for key, quantity in fills.items():
        known[key.symbol, key.order_id] += quantity
    return any(known[order.symbol, order.order_id] < (order.executed_quantity or 0) for order in recovery.orders)
