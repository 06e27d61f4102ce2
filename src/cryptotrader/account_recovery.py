"""Reading an account anew: open orders, order lists, balances, and the trades since events last came.

Source: Binance Spot documentation, "Account requests".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from cryptotrader.base_operations import ApiConnection
from cryptotrader.errors import RequestRejected
from cryptotrader.models.account_models import AccountStatus, AccountTrade
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.order_models import Order
from cryptotrader.models.user_models import ExecutionReportEvent, UserDataEvent
from cryptotrader.protocol.account_state import AccountState, OrderKey, trade_key
from cryptotrader.protocol.api_session import Key
from cryptotrader.requests import (
    AccountStatusRequest,
    ExchangeInfoRequest,
    MyTradesRequest,
    OpenOrderListsStatusRequest,
    OpenOrdersStatusRequest,
    OrderStatusRequest,
    TimeRequest,
)

_ROWS = 1000
_DAY_US = 24 * 3600 * 1_000_000
_ATTEMPTS = 4
_NO_SUCH_ORDER = (-2013, -2026)  # unknown, or archived since


@dataclass
class Recovery:
    """What was read.

    Attributes:
        trades: Own trades whose events were not received, in the order in which they happened.
        orders: Orders that changed meanwhile.
        unexplained: Balances that the trades do not explain: expected and found totals, by asset.
    """

    trades: list[AccountTrade] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    unexplained: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)


class AccountReader:
    """Reads accounts over one connection.

    Args:
        api: The connection.
    """

    def __init__(self, api: ApiConnection) -> None:
        self._api = api
        self._assets: dict[str, tuple[str, str]] = {}

    async def read(
        self, key: Key, state: AccountState, held: Sequence[tuple[UserDataEvent, int]], *, first: bool
    ) -> Recovery:
        """Read an account anew and bring ``state`` up to date.

        Args:
            key: Whose.
            state: What was known; takes over what is read.
            held: Events that came meanwhile and are delivered afterwards; the list may grow.
            first: Nothing was known before: there is nothing to recover.

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
            account = await self._explained(key, state, recovery, now)
        coming = {
            (event.symbol, event.trade_id, event.order_id)
            for event, _ in held
            if isinstance(event, ExecutionReportEvent)
        }
        recovery.trades = [trade for trade in recovery.trades if trade_key(trade) not in coming]
        state.mark_delivered(recovery.trades)
        state.restart(orders, gone, lists, account, now)
        return recovery

    async def _explained(self, key: Key, state: AccountState, recovery: Recovery, now: int) -> AccountStatus:
        """The balances, and in ``recovery`` the trades that were missed and what these do not explain."""
        for _ in range(_ATTEMPTS):
            account = await self._api.call(AccountStatusRequest(), key=key)
            recovery.trades = state.new_trades(await self._trades(key, state.symbols, state.last_time, now))
            settled = [trade for trade in recovery.trades if trade.time <= account.update_time]
            await self._learn_assets({trade.symbol for trade in settled} | state.symbols_of_unsettled())
            recovery.unexplained = state.unexplained(account, settled, self._assets)
            if not recovery.unexplained:
                break  # otherwise a trade of that very moment may be the reason, and the next answers agree
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

    async def _trades(self, key: Key, symbols: set[str], since: int, now: int) -> list[AccountTrade]:
        """Own trades of symbols since a time, asked for a day at a time, as Binance wants it."""
        day = _DAY_US if to_micros(now) == now else _DAY_US // 1000
        found: list[AccountTrade] = []
        for symbol in sorted(symbols):
            start = since
            while start <= now:
                end = start + day
                rows = await self._api.call(
                    MyTradesRequest(symbol=symbol, start_time=start, end_time=end, limit=_ROWS), key=key
                )
                found += rows
                while len(rows) == _ROWS and rows[-1].time <= end:
                    rows = await self._api.call(
                        MyTradesRequest(symbol=symbol, from_id=rows[-1].id + 1, limit=_ROWS), key=key
                    )
                    found += rows
                start = end + 1
        return found

    async def _learn_assets(self, symbols: set[str]) -> None:
        missing = tuple(sorted(symbols - self._assets.keys()))
        if missing:
            info = await self._api.call(ExchangeInfoRequest(symbols=missing))
            self._assets |= {each.symbol: (each.base_asset, each.quote_asset) for each in info.symbols}
