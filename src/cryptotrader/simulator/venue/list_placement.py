"""Placing order lists: geometry of the legs, checks of the whole, and the start of what works first.

Source: Binance Spot documentation, "Order lists" and error codes -1158 to -1225.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy

from msgspec import Struct

from cryptotrader.models.base_models import OrderType, SymbolInfo
from cryptotrader.models.order_models import ListStatusType, OrderStatus
from cryptotrader.protocol.order_rules import OPO_SIDES, OcoLegs
from cryptotrader.protocol.rules import Given, Rule
from cryptotrader.simulator.venue.accounts import Account
from cryptotrader.simulator.venue.desk import Desk
from cryptotrader.simulator.venue.events import ListKind, ListPlacement, OrderList, Placement
from cryptotrader.simulator.venue.orders import AccountOrder, NewOrder
from cryptotrader.simulator.venue.placement import added, build, check_filters, market_of, run
from cryptotrader.simulator.venue.rejections import (
    BAD_LIST_PRICES,
    DUPLICATE_ORDER,
    Rejection,
    order_rejected,
    refused,
)
from cryptotrader.simulator.venue.rulebook import check_allowed, check_form

_WITH_PAIR = frozenset({ListKind.OCO, ListKind.OTOCO, ListKind.OPOCO})
_PROFIT_LIMITS = frozenset({OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT_LIMIT})
_PAID = frozenset({ListKind.OPO, ListKind.OPOCO})
_LEGS = {ListKind.OCO: 2, ListKind.OTO: 2, ListKind.OTOCO: 3, ListKind.OPO: 2, ListKind.OPOCO: 3}


class NewOrderList(Struct, frozen=True, kw_only=True):
    """A list as it is sent in.

    Attributes:
        kind: How its legs depend on each other.
        legs: OCO: above, below. OTO and OPO: working, pending. OTOCO and OPOCO: working, pending above, pending below.
        client_order_id: Of the list; empty for one of the venue's making.
    """

    kind: ListKind
    legs: tuple[NewOrder, ...]
    client_order_id: str = ""

    @property
    def pair(self) -> tuple[NewOrder, ...]:
        """The two legs of which one ends the other, above and below."""
        return self.legs[-2:] if self.kind in _WITH_PAIR else ()


def check_list(desk: Desk, account: Account, new: NewOrderList, now_us: int) -> None:
    """All that is checked before a list comes to matching.

    Raises:
        Rejection: The symbol, the account, the geometry or a filter does not admit it.
    """
    if len(new.legs) != _LEGS[new.kind] or len({leg.symbol for leg in new.legs}) != 1:
        raise Rejection(-1128, "Combination of optional parameters invalid.")
    market = market_of(desk, new.legs[0].symbol)
    _check_kind(new, market.info)
    if new.pair:
        check_geometry(*new.pair)
    adding = added(list(new.legs), lists=1)
    is_paid = new.kind in _PAID
    for leg in new.legs:
        waits_for_quantity = is_paid and leg is not new.legs[0]
        check_allowed(leg, market, account)
        check_form(leg, has_quantity=not waits_for_quantity)
        if not waits_for_quantity:
            check_filters(desk, account, leg, adding, now_us)


def _check_kind(new: NewOrderList, info: SymbolInfo) -> None:
    if new.kind in _WITH_PAIR and not info.oco_allowed:
        raise refused("OCO orders are not supported for this symbol")
    if new.kind is not ListKind.OCO and not info.oto_allowed:
        raise refused("OTO orders are not supported for this symbol.")
    if new.kind in _PAID and not info.opo_allowed:
        raise refused("OPO orders are not supported for this symbol.")
    if new.kind is ListKind.OCO:
        return
    working, *pending = new.legs
    if working.type not in (OrderType.LIMIT, OrderType.LIMIT_MAKER) or any(leg.quote_quantity for leg in pending):
        raise Rejection(-1014, "Unsupported order combination.")
    if new.kind in _PAID:
        for leg in pending:
            _check(OPO_SIDES, {"working_side": working.side, "pending_side": leg.side})
        if any(leg.quantity for leg in pending):
            raise Rejection(-1225, "Pending orders should not include the 'quantity' tag.")


def check_geometry(above: NewOrder, below: NewOrder) -> None:
    """Check which kind of order is above and which below.

    Raises:
        Rejection: -1158, -1165, -1166, -1168 or -1196 to -1199, as documented.
    """
    _check((OcoLegs(),), {"side": above.side, "above_type": above.type, "below_type": below.type})
    if above.side is not below.side or above.quantity != below.quantity:
        raise Rejection(-1014, "Unsupported order combination.")


def _check(rules: Iterable[Rule], given: Given) -> None:
    """Check against rules that clients keep to as well."""
    for rule in rules:
        if broken := rule.broken_by(given):
            raise Rejection(broken.code, broken.text)


def _check_prices(pair: tuple[AccountOrder, ...], last_price: int) -> None:
    """Check the pair's prices against the last trade: stop prices, and limits of those that are to take profit."""
    above, below = (leg.price if leg.type in _PROFIT_LIMITS else leg.stop_price for leg in pair)
    if (above and above <= last_price) or (below and below >= last_price) or (above and below and above <= below):
        raise order_rejected(BAD_LIST_PRICES)


def place_list(desk: Desk, account: Account, new: NewOrderList, now_us: int) -> ListPlacement:
    """Take in a checked list and start what works first.

    Raises:
        Rejection: Matching does not take it; nothing has changed.
    """
    market = desk.markets[new.legs[0].symbol]
    named = [leg.client_order_id for leg in new.legs if leg.client_order_id]
    is_known = new.client_order_id and desk.history.open_list_named(account.uid, new.client_order_id) is not None
    if is_known or len(named) != len(set(named)):
        raise order_rejected(DUPLICATE_ORDER)
    orders = [build(desk, account, leg, now_us) for leg in new.legs]
    first = orders if new.kind is ListKind.OCO else orders[:1]
    if new.kind is ListKind.OCO:
        _check_prices(tuple(orders), market.last_price)
    for order in first:
        desk.prepare(order, now_us)
    order_list = _record(desk, new, orders, now_us)
    shared = order_list if new.kind is ListKind.OCO else first[0]
    desk.treasury.hold(first[0], shared, first)
    return _start(desk, order_list, orders, first, now_us)


def _record(desk: Desk, new: NewOrderList, orders: list[AccountOrder], now_us: int) -> OrderList:
    numbers = tuple(order.id for order in orders)
    has_working = new.kind is not ListKind.OCO
    return OrderList(
        uid=orders[0].uid,
        id=desk.new_id("list"),
        symbol=orders[0].symbol,
        kind=new.kind,
        client_order_id=new.client_order_id or desk.new_client_order_id(),
        created_us=now_us,
        updated_us=now_us,
        order_ids=numbers,
        working_id=numbers[0] if has_working else -1,
        pair_ids=numbers[-2:] if new.kind in _WITH_PAIR else (),
        pending_id=numbers[1] if has_working and new.kind not in _WITH_PAIR else -1,
    )


def _start(
    desk: Desk, order_list: OrderList, orders: list[AccountOrder], first: list[AccountOrder], now_us: int
) -> ListPlacement:
    desk.history.add_list(order_list)
    for order in orders:
        order.list_id = order_list.id
        if order not in first:
            order.status = OrderStatus.PENDING_NEW
        desk.accept(order, now_us)
    desk.lists.tell(order_list, ListStatusType.EXEC_STARTED, now_us)
    placed = copy(order_list)
    placements = {order.id: run(desk, order, now_us) for order in first}
    for order in orders:
        if order.id not in placements:
            placements[order.id] = Placement(order=copy(order))
    ordered = [placements[number] for number in order_list.order_ids]
    return ListPlacement(order_list=placed, legs=desk.lists.legs(order_list), placements=ordered)
