"""Cancelling, replacing and amending what is open."""

from __future__ import annotations

from copy import copy

from msgspec import Struct

from cryptotrader.models.base_models import SymbolStatus
from cryptotrader.models.order_models import (
    CancelReplaceMode,
    CancelReplaceResult,
    CancelRestrictions,
    ExecutionType,
    ExpiryReason,
    ListStatusType,
    OrderStatus,
)
from cryptotrader.simulator.venue.accounts import Account
from cryptotrader.simulator.venue.desk import Desk
from cryptotrader.simulator.venue.events import (
    AmendedOrder,
    Amendment,
    Cancellation,
    ListCancellation,
    OrderList,
    Placement,
)
from cryptotrader.simulator.venue.filters import Situation
from cryptotrader.simulator.venue.orders import AccountOrder, NewOrder
from cryptotrader.simulator.venue.placement import check_order, market_of, place
from cryptotrader.simulator.venue.rejections import (
    AMEND_REJECTED,
    DUPLICATE_ORDER,
    UNKNOWN_ORDER,
    Rejection,
    amend_rejected,
    cancel_rejected,
    refused,
)

_RESTRICTIONS = {
    CancelRestrictions.ONLY_NEW: OrderStatus.NEW,
    CancelRestrictions.ONLY_PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
}
Ended = Cancellation | ListCancellation
OK, BAD_REQUEST, CONFLICT, TOO_MANY = 200, 400, 409, 429


class OrderKey(Struct, frozen=True, kw_only=True):
    """Which open order is meant: by id, by client order id, or both, which must then belong together."""

    symbol: str
    order_id: int | None = None
    client_order_id: str | None = None


class Replacement(Struct, frozen=True, kw_only=True):
    """How both halves of a cancel-replace went.

    Attributes:
        mode: Whether the new order was to be placed although nothing was cancelled.
        cancel_result: Of the cancellation.
        new_order_result: Of the new order.
        cancel: What was cancelled, or why nothing was.
        placement: What was placed, or why nothing was; ``None`` when it was not attempted.
        was_limited: Whether too many orders were unfilled for the new one.
    """

    mode: CancelReplaceMode
    cancel_result: CancelReplaceResult
    new_order_result: CancelReplaceResult
    cancel: Ended | Rejection
    placement: Placement | Rejection | None
    was_limited: bool = False

    @property
    def status(self) -> int:
        """HTTP-like status of the reply, by the documentation's table of outcomes."""
        results = (self.cancel_result, self.new_order_result)
        if CancelReplaceResult.FAILURE not in results:
            return OK
        if self.was_limited and self.mode is CancelReplaceMode.STOP_ON_FAILURE:
            return TOO_MANY
        return CONFLICT if CancelReplaceResult.SUCCESS in results else BAD_REQUEST

    @property
    def failure(self) -> Rejection | None:
        """The error that the reply carries; ``None`` when both halves went well."""
        if self.status == OK:
            return None
        if CancelReplaceResult.SUCCESS in (self.cancel_result, self.new_order_result):
            return Rejection(-2021, "Order cancel-replace partially failed.")
        return Rejection(-2022, "Order cancel-replace failed.")


def find_open(desk: Desk, uid: int, key: OrderKey) -> AccountOrder:
    """An open order.

    Raises:
        Rejection: None is meant, or there is none.
    """
    market_of(desk, key.symbol)
    if key.order_id is None and not key.client_order_id:
        raise cancel_rejected("Cancel order is invalid. Check origClOrdId and orderId.")
    order = desk.history.find(uid, key.symbol, key.order_id, key.client_order_id)
    mismatch = order is not None and key.client_order_id not in (None, "", order.client_order_id)
    if order is None or not order.is_open or mismatch:
        raise cancel_rejected(UNKNOWN_ORDER)
    return order


def cancel(
    desk: Desk,
    uid: int,
    key: OrderKey,
    now_us: int,
    *,
    new_client_order_id: str = "",
    restriction: CancelRestrictions | None = None,
) -> Ended:
    """Cancel an order, and with it the whole list that it belongs to.

    Raises:
        Rejection: There is no such open order, the restriction does not hold, or the client order id of the
            cancellation belongs to another open order.
    """
    if restriction is not None and restriction not in _RESTRICTIONS:
        raise Rejection(-1145, "Invalid cancelRestrictions")
    order = find_open(desk, uid, key)
    if restriction is not None and order.status is not _RESTRICTIONS[restriction]:
        raise cancel_rejected("Order was not canceled due to cancel restrictions.")
    return _cancel_found(desk, order, new_client_order_id, now_us)


def _cancel_found(desk: Desk, order: AccountOrder, new_client_order_id: str, now_us: int) -> Ended:
    order_list = desk.lists.list_of(order)
    if order_list is not None:
        return cancel_list(desk, order_list, now_us, new_client_order_id=new_client_order_id)
    _check_name(desk, order.uid, order.symbol, new_client_order_id, besides=(order.id,))
    original = order.client_order_id
    desk.cancel(order, new_client_order_id or desk.new_client_order_id(), now_us)
    return Cancellation(order=copy(order), original_client_order_id=original, time_us=now_us)


def _check_name(desk: Desk, uid: int, symbol: str, client_order_id: str, *, besides: tuple[int, ...]) -> None:
    """Check that what is cancelled does not take the client order id of an order that stays open."""
    if desk.history.is_open_client_id(uid, symbol, client_order_id, besides=besides):
        raise cancel_rejected(DUPLICATE_ORDER)


def cancel_list(desk: Desk, order_list: OrderList, now_us: int, *, new_client_order_id: str = "") -> ListCancellation:
    """Cancel what is open of a list.

    Raises:
        Rejection: The client order id of the cancellation belongs to another open order.
    """
    _check_name(desk, order_list.uid, order_list.symbol, new_client_order_id, besides=order_list.order_ids)
    cancelled = desk.lists.cancel(order_list, new_client_order_id or desk.new_client_order_id(), now_us)
    legs = desk.lists.legs(order_list)
    return ListCancellation(order_list=copy(order_list), legs=legs, cancellations=cancelled)


def cancel_all(desk: Desk, uid: int, symbol: str, now_us: int) -> list[Ended]:
    """Cancel all open orders and lists of a symbol.

    Raises:
        Rejection: Nothing is open.
    """
    market_of(desk, symbol)
    # a list ends with its first leg, so whether the next is open is asked only then
    ended = [_cancel_found(desk, order, "", now_us) for order in desk.history.open(uid, symbol) if order.is_open]
    if not ended:
        raise cancel_rejected(UNKNOWN_ORDER)
    return ended


def cancel_replace(
    desk: Desk,
    account: Account,
    now_us: int,
    *,
    key: OrderKey,
    new: NewOrder,
    mode: CancelReplaceMode,
    cancel_client_order_id: str = "",
    restriction: CancelRestrictions | None = None,
    refusal: Rejection | None = None,
) -> Replacement:
    """Cancel an order and place another; the halves may go differently.

    Args:
        desk: Where both happen.
        account: Whose orders they are.
        now_us: Current time.
        key: What to cancel.
        new: What to place.
        mode: Whether to place although nothing was cancelled.
        cancel_client_order_id: For the cancelled order.
        restriction: In which status alone to cancel.
        refusal: Why the new order is refused before all else (too many unfilled orders, and only the cancellation is
            wanted then).

    Raises:
        Rejection: The symbol does not allow it, or the new order cannot be placed; nothing has changed.
    """
    if not market_of(desk, new.symbol).info.cancel_replace_allowed:
        raise refused("Order cancel-replace is not supported for this symbol.")
    check_order(desk, account, new, now_us)
    limited = refusal is not None
    try:
        cancelled: Ended | Rejection = cancel(
            desk, account.uid, key, now_us, new_client_order_id=cancel_client_order_id, restriction=restriction
        )
        cancel_result = CancelReplaceResult.SUCCESS
    except Rejection as rejection:
        cancelled, cancel_result = rejection, CancelReplaceResult.FAILURE
        if mode is CancelReplaceMode.STOP_ON_FAILURE:
            return Replacement(
                mode=mode,
                cancel_result=cancel_result,
                new_order_result=CancelReplaceResult.NOT_ATTEMPTED,
                cancel=cancelled,
                placement=None,
                was_limited=limited,
            )
    try:
        if refusal is not None:
            raise refusal
        placed: Placement | Rejection = place(desk, account, new, now_us)
        new_order_result = CancelReplaceResult.SUCCESS
    except Rejection as rejection:
        placed, new_order_result = rejection, CancelReplaceResult.FAILURE
    return Replacement(
        mode=mode,
        cancel_result=cancel_result,
        new_order_result=new_order_result,
        cancel=cancelled,
        placement=placed,
        was_limited=limited,
    )


def amend(
    desk: Desk, uid: int, key: OrderKey, quantity: int, now_us: int, *, new_client_order_id: str = ""
) -> AmendedOrder:
    """Reduce an order's quantity; it keeps its place in the book.

    An order that has filled as much already expires.

    Raises:
        Rejection: There is no such open order, or it cannot be amended so.
    """
    market = market_of(desk, key.symbol)
    if not market.info.amend_allowed:
        raise amend_rejected("Order amend is not supported for this symbol.")
    if market.status not in (SymbolStatus.TRADING, SymbolStatus.CANCEL_ONLY):
        raise amend_rejected("Market is closed.")
    try:
        order = find_open(desk, uid, key)
    except Rejection as rejection:
        raise Rejection(AMEND_REJECTED, rejection.message) from rejection
    _check_amendment(desk, order, quantity, now_us, new_client_order_id)
    order_list = desk.lists.list_of(order)
    original = order.client_order_id
    execution_id = _apply(desk, order, quantity, new_client_order_id or desk.new_client_order_id(), now_us)
    if order_list is not None and order.id in order_list.pair_ids:
        for other in desk.lists.orders_of(order_list):
            if other.id in order_list.pair_ids and other.is_open and other is not order:
                _apply(desk, other, quantity, other.client_order_id, now_us)
    if order_list is not None and original != order.client_order_id:
        desk.lists.tell(order_list, ListStatusType.UPDATED, now_us)
    if not order.remaining:
        desk.expire(order, ExpiryReason.NONE, now_us)
    return AmendedOrder(
        order=copy(order),
        original_client_order_id=original,
        execution_id=execution_id,
        time_us=now_us,
        order_list=copy(order_list),
        legs=() if order_list is None else desk.lists.legs(order_list),
    )


def _check_amendment(desk: Desk, order: AccountOrder, quantity: int, now_us: int, client_order_id: str) -> None:
    order_list = desk.lists.list_of(order)
    if not order.quantity and order_list is not None and order_list.is_paid_by_working:
        raise amend_rejected("Order amend (pending OPO order) is not supported.")
    if quantity == order.quantity:
        raise amend_rejected("The requested action would change no state; rejecting")
    if quantity > order.quantity or quantity <= 0:
        raise amend_rejected("Order amend (quantity increase) is not supported.")
    if desk.history.is_open_client_id(order.uid, order.symbol, client_order_id, besides=(order.id,)):
        raise amend_rejected(DUPLICATE_ORDER)
    market = desk.markets[order.symbol]
    amended = copy(order)
    amended.quantity = quantity
    amended.iceberg_quantity = min(order.iceberg_quantity, quantity)
    situation = Situation(
        market,
        now_us,
        pegged_price=order.pegged_price,
        on_symbol=desk.history.counts(order.uid, order.symbol),
        amendments=order.amendments + 1,
    )
    desk.rulebook.of(market).filters.check(amended, situation, AMEND_REJECTED)


def _apply(desk: Desk, order: AccountOrder, quantity: int, client_order_id: str, now_us: int) -> int:
    """Reduce one order; returns the execution id."""
    original, before = order.client_order_id, order.quantity
    left = max(0, quantity - order.executed - order.prevented)
    market = desk.markets[order.symbol]
    resting = market.book.find(order.id)
    if resting is not None and left:
        market.book.shrink(resting, order.remaining - left)
        market.tell_change()
    order.quantity = order.executed + order.prevented + left
    order.amendments += 1
    desk.history.rename(order, client_order_id)
    desk.hold(order)
    execution_id = desk.report(order, ExecutionType.REPLACED, now_us, original_client_order_id=original)
    desk.history.amendments[order.symbol, order.id].append(
        Amendment(
            symbol=order.symbol,
            order_id=order.id,
            execution_id=execution_id,
            original_client_order_id=original,
            new_client_order_id=client_order_id,
            original_quantity=before,
            new_quantity=quantity,
            time_us=now_us,
        )
    )
    return execution_id
