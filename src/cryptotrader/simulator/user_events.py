"""User data events: from what happened to an account to what its subscribers are sent.

Source: Binance Spot documentation, "User Data Streams": the last fields of an execution report are there only where
they apply to the order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cryptotrader.config import TimeUnit
from cryptotrader.models.base_models import Model
from cryptotrader.models.order_models import MatchType, RejectReason
from cryptotrader.models.user_models import (
    AccountPositionEvent,
    BalancePosition,
    BalanceUpdateEvent,
    EventStreamTerminatedEvent,
    ExecutionReportEvent,
    ExternalLockUpdateEvent,
    ListStatusEvent,
    ListStatusOrder,
)
from cryptotrader.simulator.encoding import amount, stamp
from cryptotrader.simulator.venue.accounts import quote_amount
from cryptotrader.simulator.venue.desk import Desk
from cryptotrader.simulator.venue.events import (
    NO_ID,
    AccountEvent,
    AccountPosition,
    BalanceUpdate,
    ExecutionReport,
    ExternalLockUpdate,
    ListStatus,
)
from cryptotrader.simulator.venue.orders import NEVER

EventListener = Callable[[bytes], None]
"""Called with an event as JSON, in the unit that was asked for."""

_NOTHING = amount(0)


class UserEvents:
    """Tells subscribers what happens to their accounts; each event is encoded once for each unit, if anybody listens.

    Args:
        desk: Where it happens.
    """

    def __init__(self, desk: Desk) -> None:
        self._listeners: dict[int, list[tuple[TimeUnit, EventListener]]] = {}
        desk.listeners.append(self._take)

    def subscribe(self, uid: int, unit: TimeUnit, listener: EventListener) -> None:
        """Tell a listener of an account from now on."""
        self._listeners.setdefault(uid, []).append((unit, listener))

    def unsubscribe(self, uid: int, unit: TimeUnit, listener: EventListener) -> None:
        """Tell it no more."""
        self._listeners[uid].remove((unit, listener))
        if not self._listeners[uid]:
            del self._listeners[uid]

    def _take(self, event: AccountEvent) -> None:
        listeners = self._listeners.get(event.uid)
        if listeners is None:
            return
        encoded: dict[TimeUnit, bytes] = {}
        for unit, tell in tuple(listeners):
            payload = encoded.get(unit)
            if payload is None:
                payload = encoded[unit] = msgspec.json.encode(model_of(event, unit))
            tell(payload)


def terminated(now_us: int, unit: TimeUnit) -> bytes:
    """The event that ends a subscription."""
    return msgspec.json.encode(EventStreamTerminatedEvent(event_time=stamp(now_us, unit)))


def model_of(event: AccountEvent, unit: TimeUnit) -> Model:
    """An event as it is sent."""
    time = stamp(event.time_us, unit)
    match event:
        case ExecutionReport():
            return _execution_report(event, unit)
        case AccountPosition():
            balances = [
                BalancePosition(asset=item.asset, free=amount(item.free), locked=amount(item.locked))
                for item in event.positions
            ]
            return AccountPositionEvent(event_time=time, update_time=time, balances=balances)
        case ListStatus():
            return _list_status(event, time)
        case BalanceUpdate():
            return BalanceUpdateEvent(event_time=time, asset=event.asset, delta=amount(event.delta), clear_time=time)
        case ExternalLockUpdate():
            delta = amount(event.delta)
            return ExternalLockUpdateEvent(event_time=time, asset=event.asset, delta=delta, transaction_time=time)


def _list_status(event: ListStatus, time: int) -> ListStatusEvent:
    order_list = event.order_list
    return ListStatusEvent(
        event_time=time,
        symbol=order_list.symbol,
        order_list_id=order_list.id,
        contingency_type=order_list.contingency_type,
        list_status_type=event.status_type,
        list_order_status=order_list.order_status,
        reject_reason=RejectReason.NONE,
        list_client_order_id=order_list.client_order_id,
        transaction_time=time,
        orders=[
            ListStatusOrder(symbol=leg.symbol, order_id=leg.order_id, client_order_id=leg.client_order_id)
            for leg in event.legs
        ],
    )


def _execution_report(report: ExecutionReport, unit: TimeUnit) -> ExecutionReportEvent:
    order, fill = report.order, report.execution
    time = stamp(report.time_us, unit)
    return ExecutionReportEvent(
        event_time=time,
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        quantity=amount(order.quantity),
        price=amount(order.price),
        stop_price=amount(order.stop_price),
        iceberg_quantity=amount(order.iceberg_quantity),
        order_list_id=order.list_id,
        original_client_order_id=report.original_client_order_id,
        execution_type=report.execution_type,
        status=order.status,
        reject_reason=report.reject_reason,
        order_id=order.id,
        last_executed_quantity=_NOTHING if fill is None else amount(fill.quantity),
        executed_quantity=amount(order.executed),
        last_executed_price=_NOTHING if fill is None else amount(fill.price),
        commission=_NOTHING if fill is None else amount(fill.commission),
        commission_asset=None if fill is None else fill.commission_asset,
        transaction_time=time,
        trade_id=NO_ID if fill is None else fill.trade_id,
        execution_id=report.execution_id,
        is_on_book=report.is_on_book,
        is_maker=fill is not None and fill.is_maker,
        unused=False,
        order_creation_time=stamp(order.created_us, unit),
        cumulative_quote_quantity=amount(order.quote_executed),
        last_quote_quantity=_NOTHING if fill is None else amount(fill.quote),
        original_quote_quantity=amount(order.quote_quantity),
        self_trade_prevention_mode=order.self_trade_prevention_mode,
        **_conditions(report, unit),
    )


def _conditions(report: ExecutionReport, unit: TimeUnit) -> dict[str, Any]:
    """The fields that are there only where they apply."""
    order, fill = report.order, report.execution
    found: dict[str, Any] = {
        "strategy_id": order.strategy_id,
        "strategy_type": order.strategy_type,
        "working_floor": order.working_floor,
        "peg_price_type": order.peg_price_type,
        "peg_offset_type": order.peg_offset_type,
        "peg_offset_value": order.peg_offset_value,
        "expiry_reason": order.expiry_reason,
    }
    if order.is_working:
        found["working_time"] = stamp(order.working_us, unit)
    if order.trailing_delta:
        found["trailing_delta"] = order.trailing_delta
        if order.trailing_us != NEVER:
            found["trailing_time"] = stamp(order.trailing_us, unit)
    if order.used_sor:
        found["used_sor"] = True
    if order.pegged_price:
        found["pegged_price"] = amount(order.pegged_price)
    if fill is not None and fill.allocation_id != NO_ID:
        found["match_type"] = MatchType.ONE_PARTY_TRADE_REPORT
        found["allocation_id"] = fill.allocation_id
    if order.prevented_match_id != NO_ID:
        found |= _prevention(report)
    return found


def _prevention(report: ExecutionReport) -> dict[str, Any]:
    """What self-trade prevention did to the order, and in this event."""
    order, match = report.order, report.prevented
    found: dict[str, Any] = {
        "prevented_match_id": order.prevented_match_id,
        "prevented_quantity": amount(order.prevented),
    }
    if order.trade_group_id != NO_ID:
        found["trade_group_id"] = order.trade_group_id
    if match is not None:
        is_taker = order.id == match.taker_order_id and order.symbol == match.symbol
        found |= {
            "last_prevented_quantity": amount(report.prevented_quantity),
            "counter_order_id": match.maker_order_id if is_taker else match.taker_order_id,
            "counter_symbol": match.maker_symbol if is_taker else match.symbol,
            "prevented_execution_quantity": amount(match.quantity),
            "prevented_execution_price": amount(match.price),
            "prevented_execution_quote_quantity": amount(quote_amount(match.price, match.quantity)),
        }
    return found
