"""Answers to the requests that place and cancel order lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptotrader.config import TimeUnit
from cryptotrader.models.order_models import NewOrderRespType, OrderListCancelReport, OrderListResponse
from cryptotrader.protocol.request import Request
from cryptotrader.requests import (
    OrderListCancelRequest,
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
    OrderListPlaceRequest,
)
from cryptotrader.simulator.handlers import reports
from cryptotrader.simulator.handlers.new_orders import new_list, older_pair
from cryptotrader.simulator.handlers.registry import Caller, handles_account
from cryptotrader.simulator.venue.events import ListKind
from cryptotrader.simulator.venue.list_placement import NewOrderList

_KINDS: dict[type[Request[Any]], ListKind] = {
    OrderListPlaceOcoRequest: ListKind.OCO,
    OrderListPlaceOtoRequest: ListKind.OTO,
    OrderListPlaceOtocoRequest: ListKind.OTOCO,
    OrderListPlaceOpoRequest: ListKind.OPO,
    OrderListPlaceOpocoRequest: ListKind.OPOCO,
}


def _place(caller: Caller, request: Any, new: NewOrderList, unit: TimeUnit) -> OrderListResponse:
    placed = caller.trading.place_list(caller.uid, new)
    return reports.list_response(placed, request.new_order_resp_type or NewOrderRespType.FULL, unit)


def _placing(kind: ListKind) -> Callable[[Caller, Any, TimeUnit], OrderListResponse]:
    def place(caller: Caller, request: Any, unit: TimeUnit) -> OrderListResponse:
        return _place(caller, request, new_list(request, kind), unit)

    return place


for _request, _kind in _KINDS.items():
    handles_account(_request)(_placing(_kind))


@handles_account(OrderListPlaceRequest)
def order_list_place(caller: Caller, request: OrderListPlaceRequest, unit: TimeUnit) -> OrderListResponse:
    """``orderList.place``: the older form of an OCO pair."""
    return _place(caller, request, older_pair(request), unit)


@handles_account(OrderListCancelRequest)
def order_list_cancel(caller: Caller, request: OrderListCancelRequest, unit: TimeUnit) -> OrderListCancelReport:
    """``orderList.cancel``."""
    cancelled = caller.trading.cancel_list(
        caller.uid,
        request.symbol,
        list_id=request.order_list_id,
        client_order_id=request.list_client_order_id,
        new_client_order_id=request.new_client_order_id or "",
    )
    return reports.list_cancel_report(cancelled, unit)
