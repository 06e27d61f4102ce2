"""What accounts did: their orders, lists, fills, prevented matches and amendments, and how to ask for them.

Orders and lists are the living records; callers that keep them take copies. Times are microseconds, and ranges of them
include both ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from msgspec import Struct

from cryptotrader.models.order_models import OrderStatus
from cryptotrader.simulator.venue.events import Amendment, Execution, OrderList, PreventedMatch
from cryptotrader.simulator.venue.filters import Counts
from cryptotrader.simulator.venue.orders import AccountOrder
from cryptotrader.simulator.venue.rejections import CLIENT_ID_MISMATCH, NO_SUCH_ORDER, ORDER_ARCHIVED, Rejection

ARCHIVED_AFTER_US = 90 * 24 * 3600 * 1_000_000
"""Orders that ended so long ago without a fill are no longer found."""

_ARCHIVED_STATUSES = frozenset({OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH})
_ALWAYS = 2**62
T = TypeVar("T")


class HistoryState(Struct, frozen=True, kw_only=True):
    """A history as it is saved. ``client_order_ids`` are uid, symbol, client order id and order id."""

    orders: list[AccountOrder]
    client_order_ids: list[tuple[int, str, str, int]]
    lists: list[OrderList]
    executions: list[Execution]
    prevented: list[tuple[int, str, PreventedMatch]]
    amendments: list[Amendment]


OwnSymbol = tuple[int, str]
"""An account's uid and a symbol."""


class Span(Struct, frozen=True, kw_only=True):
    """Which items of a list are asked for: the oldest from an id or a time on, else the newest.

    Times rule: with one of them, the id is not looked at.

    Attributes:
        first_id: The lowest id.
        start_us: The earliest time.
        end_us: The latest time.
        limit: The most items.
    """

    first_id: int | None = None
    start_us: int | None = None
    end_us: int | None = None
    limit: int = 500

    def of(self, items: Iterable[T], number: Callable[[T], int], time: Callable[[T], int]) -> list[T]:
        """The items that are asked for, of a list that ascends by id and by time."""
        from_start = self.start_us is not None
        if from_start or self.end_us is not None:
            start_us, end_us = self.start_us or 0, _ALWAYS if self.end_us is None else self.end_us
            found = [item for item in items if start_us <= time(item) <= end_us]
        elif self.first_id is not None:
            from_start = True
            found = [item for item in items if number(item) >= self.first_id]
        else:
            found = list(items)
        return found[: self.limit] if from_start else found[-self.limit :]


ALL = Span()
"""The newest items."""


class History:
    """Everything that accounts did, open or over.

    Attributes:
        orders: By account and symbol, ascending by id.
        lists: By id.
        executions: Trades and allocations by account and symbol, in order.
        prevented: Prevented matches by account and symbol, in order.
        amendments: By symbol and order id.
        open_orders: By account and symbol, then by id.
        open_lists: By account, then by id.
    """

    def __init__(self) -> None:
        self.orders: defaultdict[OwnSymbol, list[AccountOrder]] = defaultdict(list)
        self.lists: dict[int, OrderList] = {}
        self.executions: defaultdict[OwnSymbol, list[Execution]] = defaultdict(list)
        self.prevented: defaultdict[OwnSymbol, list[PreventedMatch]] = defaultdict(list)
        self.amendments: defaultdict[tuple[str, int], list[Amendment]] = defaultdict(list)
        self.open_orders: defaultdict[OwnSymbol, dict[int, AccountOrder]] = defaultdict(dict)
        self.open_lists: defaultdict[int, dict[int, OrderList]] = defaultdict(dict)
        self._by_id: dict[tuple[str, int], AccountOrder] = {}
        self._by_client_id: dict[tuple[int, str, str], AccountOrder] = {}
        self._counts: defaultdict[OwnSymbol, Counts] = defaultdict(Counts)

    # ------------------------------------------------------------------------------------------------- keeping

    def add(self, order: AccountOrder) -> None:
        """Take in a new order, open or over."""
        key = order.uid, order.symbol
        self.orders[key].append(order)
        self._by_id[order.symbol, order.id] = order
        for client_order_id in filter(None, (order.original_client_order_id, order.client_order_id)):
            self._by_client_id[(*key, client_order_id)] = order
        if order.is_open:
            self.open_orders[key][order.id] = order
            self._count(order, 1)

    def rename(self, order: AccountOrder, client_order_id: str) -> None:
        """Give an order another client order id; the one before still finds it until it is used anew."""
        order.client_order_id = client_order_id
        self._by_client_id[order.uid, order.symbol, client_order_id] = order

    def close(self, order: AccountOrder) -> None:
        """An order is over."""
        del self.open_orders[order.uid, order.symbol][order.id]
        self._count(order, -1)

    def add_list(self, order_list: OrderList) -> None:
        """Take in a new order list, open or over."""
        self.lists[order_list.id] = order_list
        if order_list.is_open:
            self.open_lists[order_list.uid][order_list.id] = order_list
            self._counts[order_list.uid, order_list.symbol].lists += 1

    def close_list(self, order_list: OrderList) -> None:
        """An order list is over."""
        del self.open_lists[order_list.uid][order_list.id]
        self._counts[order_list.uid, order_list.symbol].lists -= 1

    def _count(self, order: AccountOrder, step: int) -> None:
        counts = self._counts[order.uid, order.symbol]
        counts.orders += step
        counts.algos += step if order.is_algo else 0
        counts.icebergs += step if order.iceberg_quantity else 0

    def dump(self) -> HistoryState:
        """Everything; the records are the living ones."""
        return HistoryState(
            orders=[order for orders in self.orders.values() for order in orders],
            client_order_ids=[(*key, order.id) for key, order in self._by_client_id.items()],
            lists=list(self.lists.values()),
            executions=[item for fills in self.executions.values() for item in fills],
            prevented=[(*key, item) for key, matches in self.prevented.items() for item in matches],
            amendments=[item for amendments in self.amendments.values() for item in amendments],
        )

    def load(self, state: HistoryState) -> None:
        """Go on from a state."""
        for order in state.orders:
            self.add(order)
        self._by_client_id = {
            (uid, symbol, client_order_id): self._by_id[symbol, number]
            for uid, symbol, client_order_id, number in state.client_order_ids
        }
        for order_list in state.lists:
            self.add_list(order_list)
        for fill in state.executions:
            self.executions[fill.uid, fill.symbol].append(fill)
        for uid, symbol, match in state.prevented:
            self.prevented[uid, symbol].append(match)
        for item in state.amendments:
            self.amendments[item.symbol, item.order_id].append(item)

    # ------------------------------------------------------------------------------------------------- looking up

    def counts(self, uid: int, symbol: str) -> Counts:
        """Open orders and lists on a symbol."""
        return self._counts[uid, symbol]

    def counts_everywhere(self, uid: int) -> Counts:
        """Open orders and lists on all symbols."""
        total = Counts()
        for (owner, _), counts in self._counts.items():
            if owner == uid:
                total = total.plus(counts)
        return total

    def order(self, symbol: str, number: int) -> AccountOrder:
        """A known order."""
        return self._by_id[symbol, number]

    def orders_on(self, symbol: str) -> dict[int, AccountOrder]:
        """All orders of a symbol by id."""
        return {number: order for (name, number), order in self._by_id.items() if name == symbol}

    def find(self, uid: int, symbol: str, number: int | None, client_order_id: str | None) -> AccountOrder | None:
        """An account's order by id, or else by client order id; open or not."""
        if number is None:
            return self._by_client_id.get((uid, symbol, client_order_id or ""))
        order = self._by_id.get((symbol, number))
        return order if order is not None and order.uid == uid else None

    def is_open_client_id(self, uid: int, symbol: str, client_order_id: str, *, besides: Collection[int] = ()) -> bool:
        """Whether an open order, other than those that are left out by id, has this client order id."""
        order = self._by_client_id.get((uid, symbol, client_order_id))
        if order is None or order.id in besides:
            return False
        return order.is_open and order.client_order_id == client_order_id

    def open_list_named(self, uid: int, client_order_id: str) -> OrderList | None:
        """The account's open list with a client id."""
        return next((item for item in self.open_lists[uid].values() if item.client_order_id == client_order_id), None)

    def open_buys(self, uid: int, symbol: str) -> int:
        """Quantity that open orders may still buy."""
        return sum(order.remaining for order in self.open_orders[uid, symbol].values() if order.is_buy)

    # ------------------------------------------------------------------------------------------------- queries

    def status(
        self, uid: int, symbol: str, number: int | None, client_order_id: str | None, now_us: int
    ) -> AccountOrder:
        """One order.

        Raises:
            Rejection: There is none (-2013), the ids do not belong together (-2039), or it is archived (-2026).
        """
        order = self.find(uid, symbol, number, client_order_id)
        names = (None,) if order is None else (None, order.client_order_id, order.original_client_order_id)
        was_amended_away = number is None and client_order_id not in names
        if order is None or was_amended_away:
            raise Rejection(NO_SUCH_ORDER, "Order does not exist.")
        if client_order_id not in names:
            raise Rejection(CLIENT_ID_MISMATCH, "Client order ID is not correct for this order ID.")
        if is_archived(order, now_us):
            raise Rejection(
                ORDER_ARCHIVED,
                "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
            )
        return order

    def open(self, uid: int, symbol: str | None = None) -> list[AccountOrder]:
        """Open orders of a symbol, or of all."""
        keys = [key for key in self.open_orders if key[0] == uid and symbol in (None, key[1])]
        return [order for key in keys for order in self.open_orders[key].values()]

    def all_orders(self, uid: int, symbol: str, span: Span = ALL, *, now_us: int) -> list[AccountOrder]:
        """Orders of a symbol, ascending."""
        known = (order for order in self.orders[uid, symbol] if not is_archived(order, now_us))
        return span.of(known, lambda order: order.id, lambda order: order.created_us)

    def trades(self, uid: int, symbol: str, span: Span = ALL, *, order_id: int | None = None) -> list[Execution]:
        """Trades of a symbol, or of one order, ascending."""
        fills = (
            item for item in self.executions[uid, symbol] if item.trade_id >= 0 and order_id in (None, item.order_id)
        )
        return span.of(fills, lambda item: item.trade_id, lambda item: item.time_us)

    def allocations(self, uid: int, symbol: str, span: Span = ALL, *, order_id: int | None = None) -> list[Execution]:
        """Allocations of a symbol, or of one order, ascending."""
        fills = (
            item
            for item in self.executions[uid, symbol]
            if item.allocation_id >= 0 and order_id in (None, item.order_id)
        )
        return span.of(fills, lambda item: item.allocation_id, lambda item: item.time_us)

    def prevented_matches(
        self,
        uid: int,
        symbol: str,
        *,
        number: int | None = None,
        order_id: int | None = None,
        first_id: int = 0,
        limit: int = 500,
    ) -> list[PreventedMatch]:
        """Prevented matches of a symbol, ascending: one, or those of an order from an id on."""
        found = [
            item
            for item in self.prevented[uid, symbol]
            if number in (None, item.id)
            and order_id in (None, item.taker_order_id, item.maker_order_id)
            and item.id >= first_id
        ]
        return found[:limit]

    def amendments_of(
        self, uid: int, symbol: str, order_id: int, *, first_id: int = 0, limit: int = 500
    ) -> list[Amendment]:
        """Amendments of an order, ascending by execution id."""
        order = self.find(uid, symbol, order_id, None)
        if order is None:
            return []
        return [item for item in self.amendments[symbol, order_id] if item.execution_id >= first_id][:limit]

    def list_status(self, uid: int, number: int | None, client_order_id: str | None) -> OrderList:
        """One order list, by its client id if that is given.

        Raises:
            Rejection: There is none (-2013).
        """
        if client_order_id is not None:
            named = [item for item in self.lists.values() if item.client_order_id == client_order_id]
            found = next((item for item in reversed(named) if item.uid == uid), None)
        else:
            found = self.lists.get(-1 if number is None else number)
        if found is None or found.uid != uid:
            raise Rejection(NO_SUCH_ORDER, "Order list does not exist.")
        return found

    def all_lists(self, uid: int, span: Span = ALL) -> list[OrderList]:
        """Order lists, ascending."""
        found = (item for item in self.lists.values() if item.uid == uid)
        return span.of(found, lambda item: item.id, lambda item: item.created_us)


def is_archived(order: AccountOrder, now_us: int) -> bool:
    """Whether an order is no longer shown."""
    is_old = now_us - order.updated_us > ARCHIVED_AFTER_US
    return is_old and order.executed == 0 and order.status in _ARCHIVED_STATUSES
