"""Orders, lists and fills of the venue as the results that tell of them.

Source: Binance Spot documentation, "Trading requests" (conditional fields in order responses) and "Account requests".
"""

from __future__ import annotations

from typing import Any

from cryptotrader.config import TimeUnit
from cryptotrader.models import order_models as models
from cryptotrader.models.base_models import OrderType
from cryptotrader.models.order_models import MatchType, NewOrderRespType, OrderStatus
from cryptotrader.simulator.encoding import amount, stamp
from cryptotrader.simulator.venue.events import (
    NO_ID,
    AmendedOrder,
    Cancellation,
    Execution,
    ListCancellation,
    ListLeg,
    ListPlacement,
    OrderList,
    Placement,
    PreventedMatch,
)
from cryptotrader.simulator.venue.order_changes import Ended
from cryptotrader.simulator.venue.orders import NEVER, AccountOrder

_FULL_BY_DEFAULT = frozenset({OrderType.MARKET, OrderType.LIMIT})


def response_type(kind: OrderType) -> NewOrderRespType:
    """How much the placement of an order answers when nothing is asked for."""
    return NewOrderRespType.FULL if kind in _FULL_BY_DEFAULT else NewOrderRespType.ACK


def order_response(
    placement: Placement, kind: NewOrderRespType, unit: TimeUnit, *, is_leg: bool = False
) -> models.OrderResponse:
    """A placed order; legs tell their fills only when they have some."""
    order = placement.order
    if kind is NewOrderRespType.ACK:
        return models.OrderResponse(
            symbol=order.symbol,
            order_id=order.id,
            order_list_id=order.list_id,
            client_order_id=order.client_order_id,
            transact_time=stamp(order.updated_us, unit),
        )
    is_full = kind is NewOrderRespType.FULL
    fills = [_fill(item) for item in placement.fills]
    prevented = [_prevented_fill(item, order) for item in placement.prevented]
    return models.OrderResponse(
        **_details(order, unit),
        working_time=moment(order.working_us, unit),
        transact_time=stamp(order.updated_us, unit),
        fills=fills if is_full and (fills or not is_leg) else None,
        prevented_matches=prevented if is_full and prevented else None,
    )


def moment(time_us: int, unit: TimeUnit) -> int:
    """A time in the unit of the connection; -1 for what has not happened."""
    return NEVER if time_us == NEVER else stamp(time_us, unit)


def _details(order: AccountOrder, unit: TimeUnit) -> dict[str, Any]:
    """What all results but acknowledgements and amendments tell of an order."""
    is_unknown = order.status is OrderStatus.PENDING_NEW and not order.quantity  # until the working leg is filled
    return {
        "symbol": order.symbol,
        "order_id": order.id,
        "order_list_id": order.list_id,
        "client_order_id": order.client_order_id,
        "price": amount(order.price),
        "original_quantity": None if is_unknown else amount(order.quantity),
        "executed_quantity": amount(order.executed),
        "original_quote_quantity": amount(order.quote_quantity),
        "cumulative_quote_quantity": amount(order.quote_executed),
        "status": order.status,
        "time_in_force": order.time_in_force,
        "type": order.type,
        "side": order.side,
        "self_trade_prevention_mode": order.self_trade_prevention_mode,
        **_conditions(order, unit),
    }


def _conditions(order: AccountOrder, unit: TimeUnit) -> dict[str, Any]:
    """The parts of an order that are told only where they apply to it."""
    found: dict[str, Any] = {
        "strategy_id": order.strategy_id,
        "strategy_type": order.strategy_type,
        "working_floor": order.working_floor,
        "peg_price_type": order.peg_price_type,
        "peg_offset_type": order.peg_offset_type,
        "peg_offset_value": order.peg_offset_value,
        "expiry_reason": order.expiry_reason,
    }
    if order.iceberg_quantity:
        found["iceberg_quantity"] = amount(order.iceberg_quantity)
    if order.is_algo:
        found["stop_price"] = amount(order.stop_price)
    if order.trailing_delta:
        found["trailing_delta"] = order.trailing_delta
        found["trailing_time"] = moment(order.trailing_us, unit)
    if order.prevented_match_id != NO_ID:
        found["prevented_match_id"] = order.prevented_match_id
        found["prevented_quantity"] = amount(order.prevented)
        if order.trade_group_id != NO_ID:
            found["trade_group_id"] = order.trade_group_id
    if order.used_sor:
        found["used_sor"] = True
    if order.pegged_price:
        found["pegged_price"] = amount(order.pegged_price)
    return found


def _fill(fill: Execution) -> models.Fill:
    is_allocated = fill.allocation_id != NO_ID
    return models.Fill(
        match_type=MatchType.ONE_PARTY_TRADE_REPORT if is_allocated else None,
        price=amount(fill.price),
        quantity=amount(fill.quantity),
        commission=amount(fill.commission),
        commission_asset=fill.commission_asset,
        trade_id=fill.trade_id,
        allocation_id=fill.allocation_id if is_allocated else None,
    )


def _prevented_fill(match: PreventedMatch, order: AccountOrder) -> models.PreventedFill:
    return models.PreventedFill(
        prevented_match_id=match.id,
        maker_symbol=match.maker_symbol if match.maker_symbol != order.symbol else None,
        maker_order_id=match.maker_order_id,
        price=amount(match.price),
        taker_prevented_quantity=None if match.taker_quantity is None else amount(match.taker_quantity),
        maker_prevented_quantity=None if match.maker_quantity is None else amount(match.maker_quantity),
    )


def query_order(order: AccountOrder, unit: TimeUnit) -> models.Order:
    """An order as queries tell it: stop price and iceberg quantity are always there."""
    details = _details(order, unit)
    details |= {"stop_price": amount(order.stop_price), "iceberg_quantity": amount(order.iceberg_quantity)}
    return models.Order(
        **details,
        working_time=moment(order.working_us, unit),
        time=stamp(order.created_us, unit),
        update_time=stamp(order.updated_us, unit),
        is_working=order.is_working,
    )


# ------------------------------------------------------------------------------------------------- cancellations


def ended(item: Ended, unit: TimeUnit) -> models.CancelReport | models.OrderListCancelReport:
    """A cancelled order, or a cancelled list."""
    return cancel_report(item, unit) if isinstance(item, Cancellation) else list_cancel_report(item, unit)


def cancel_report(item: Cancellation, unit: TimeUnit) -> models.CancelReport:
    """A cancelled order."""
    return models.CancelReport(
        **_details(item.order, unit),
        original_client_order_id=item.original_client_order_id,
        transact_time=stamp(item.time_us, unit),
    )


def list_cancel_report(item: ListCancellation, unit: TimeUnit) -> models.OrderListCancelReport:
    """A cancelled list."""
    reports = [cancel_report(each, unit) for each in item.cancellations]
    return models.OrderListCancelReport(**_list(item.order_list, item.legs, unit), order_reports=reports)


def amendment(item: AmendedOrder, unit: TimeUnit) -> models.AmendResponse:
    """An amended order, and its list where it has one."""
    order = item.order
    details = _details(order, unit)
    unlike = ("original_quantity", "prevented_quantity")
    return models.AmendResponse(
        transact_time=stamp(item.time_us, unit),
        execution_id=item.execution_id,
        amended_order=models.AmendedOrder(
            **{name: value for name, value in details.items() if name not in unlike},
            original_client_order_id=item.original_client_order_id,
            quantity=amount(order.quantity),
            prevented_quantity=amount(order.prevented),
            working_time=moment(order.working_us, unit),
        ),
        list_status=None
        if item.order_list is None
        else models.OrderListSummary(**_summary(item.order_list, item.legs)),
    )


# ------------------------------------------------------------------------------------------------- order lists


def list_response(item: ListPlacement, kind: NewOrderRespType, unit: TimeUnit) -> models.OrderListResponse:
    """A placed list."""
    reports = [order_response(each, kind, unit, is_leg=True) for each in item.placements]
    return models.OrderListResponse(**_list(item.order_list, item.legs, unit), order_reports=reports)


def query_list(order_list: OrderList, legs: tuple[ListLeg, ...], unit: TimeUnit) -> models.OrderList:
    """A list as queries tell it."""
    return models.OrderList(**_list(order_list, legs, unit))


def _summary(order_list: OrderList, legs: tuple[ListLeg, ...]) -> dict[str, Any]:
    return {
        "order_list_id": order_list.id,
        "contingency_type": order_list.contingency_type,
        "list_order_status": order_list.order_status,
        "list_client_order_id": order_list.client_order_id,
        "symbol": order_list.symbol,
        "orders": [
            models.ListedOrder(symbol=leg.symbol, order_id=leg.order_id, client_order_id=leg.client_order_id)
            for leg in legs
        ],
    }


def _list(order_list: OrderList, legs: tuple[ListLeg, ...], unit: TimeUnit) -> dict[str, Any]:
    return _summary(order_list, legs) | {
        "list_status_type": order_list.status_type,
        "transaction_time": stamp(order_list.updated_us, unit),
    }
