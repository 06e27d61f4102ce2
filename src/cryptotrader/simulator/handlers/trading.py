"""Answers to the requests that place, change and cancel single orders."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from cryptotrader.config import TimeUnit
from cryptotrader.models.account_models import CommissionDiscount, OrderCommission, OrderTestResponse
from cryptotrader.models.order_models import (
    AmendResponse,
    CancelReplaceResponse,
    CancelReport,
    NewOrderRespType,
    OrderListCancelReport,
    OrderResponse,
)
from cryptotrader.requests import (
    OpenOrdersCancelAllRequest,
    OrderAmendKeepPriorityRequest,
    OrderCancelReplaceRequest,
    OrderCancelRequest,
    OrderPlaceRequest,
    OrderTestRequest,
    SorOrderPlaceRequest,
    SorOrderTestRequest,
)
from cryptotrader.simulator.api_errors import ApiError
from cryptotrader.simulator.encoding import amount
from cryptotrader.simulator.handlers import reports
from cryptotrader.simulator.handlers.new_orders import new_order, units
from cryptotrader.simulator.handlers.registry import Caller, handles_account
from cryptotrader.simulator.venue.commissions import DISCOUNT_ASSET, CommissionRates, Commissions
from cryptotrader.simulator.venue.events import Placement
from cryptotrader.simulator.venue.order_changes import OrderKey, Replacement
from cryptotrader.simulator.venue.rejections import Rejection


@handles_account(OrderPlaceRequest)
def order_place(caller: Caller, request: OrderPlaceRequest, unit: TimeUnit) -> OrderResponse:
    """``order.place``."""
    placed = caller.trading.place(caller.uid, new_order(request))
    kind = request.new_order_resp_type or reports.response_type(request.type)
    return reports.order_response(placed, kind, unit)


@handles_account(OrderTestRequest)
def order_test(caller: Caller, request: OrderTestRequest, unit: TimeUnit) -> OrderTestResponse:
    """``order.test``."""
    return _tested(caller, request, is_routed=False)


@handles_account(SorOrderPlaceRequest)
def sor_order_place(caller: Caller, request: SorOrderPlaceRequest, unit: TimeUnit) -> list[OrderResponse]:
    """``sor.order.place``: the documented sample has the one order in a list."""
    placed = caller.trading.route(caller.uid, new_order(request))
    return [reports.order_response(placed, request.new_order_resp_type or NewOrderRespType.FULL, unit)]


@handles_account(SorOrderTestRequest)
def sor_order_test(caller: Caller, request: SorOrderTestRequest, unit: TimeUnit) -> OrderTestResponse:
    """``sor.order.test``."""
    return _tested(caller, request, is_routed=True)


def _tested(caller: Caller, request: OrderTestRequest | SorOrderTestRequest, *, is_routed: bool) -> OrderTestResponse:
    order = new_order(request)
    caller.trading.test(caller.uid, order, routed=is_routed)
    if not request.compute_commission_rates:
        return OrderTestResponse()
    commissions = caller.account.commissions

    def shown(rates: CommissionRates) -> OrderCommission:
        return OrderCommission(
            maker=amount(rates.rate(is_maker=True, is_buyer=order.is_buy)),
            taker=amount(rates.rate(is_maker=False, is_buyer=order.is_buy)),
        )

    return OrderTestResponse(
        standard_commission_for_order=shown(commissions.standard),
        special_commission_for_order=shown(commissions.special),
        tax_commission_for_order=shown(commissions.tax),
        discount=discount(commissions),
    )


def discount(commissions: Commissions) -> CommissionDiscount:
    """What an account saves when it pays in another asset."""
    return CommissionDiscount(
        enabled_for_account=commissions.pays_in_bnb,
        enabled_for_symbol=True,
        discount_asset=DISCOUNT_ASSET,
        discount=amount(commissions.discount),
    )


@handles_account(OrderCancelRequest)
def order_cancel(caller: Caller, request: OrderCancelRequest, unit: TimeUnit) -> CancelReport | OrderListCancelReport:
    """``order.cancel``."""
    key = OrderKey(symbol=request.symbol, order_id=request.order_id, client_order_id=request.orig_client_order_id)
    ended = caller.trading.cancel(
        caller.uid,
        key,
        new_client_order_id=request.new_client_order_id or "",
        restriction=request.cancel_restrictions,
    )
    return reports.ended(ended, unit)


@handles_account(OpenOrdersCancelAllRequest)
def open_orders_cancel_all(
    caller: Caller, request: OpenOrdersCancelAllRequest, unit: TimeUnit
) -> list[CancelReport | OrderListCancelReport]:
    """``openOrders.cancelAll``."""
    return [reports.ended(item, unit) for item in caller.trading.cancel_all(caller.uid, request.symbol)]


@handles_account(OrderAmendKeepPriorityRequest)
def order_amend_keep_priority(caller: Caller, request: OrderAmendKeepPriorityRequest, unit: TimeUnit) -> AmendResponse:
    """``order.amend.keepPriority``."""
    key = OrderKey(symbol=request.symbol, order_id=request.order_id, client_order_id=request.orig_client_order_id)
    quantity = units("new_qty", request.new_qty)
    amended = caller.trading.amend(caller.uid, key, quantity, new_client_order_id=request.new_client_order_id or "")
    return reports.amendment(amended, unit)


@handles_account(OrderCancelReplaceRequest)
def order_cancel_replace(caller: Caller, request: OrderCancelReplaceRequest, unit: TimeUnit) -> CancelReplaceResponse:
    """``order.cancelReplace``: where a half fails, the error carries how both went."""
    excess = caller.excess
    replaced = caller.trading.cancel_replace(
        caller.uid,
        OrderKey(
            symbol=request.symbol,
            order_id=request.cancel_order_id,
            client_order_id=request.cancel_orig_client_order_id,
        ),
        new_order(request),
        request.cancel_replace_mode,
        cancel_client_order_id=request.cancel_new_client_order_id or "",
        restriction=request.cancel_restrictions,
        refusal=None if excess is None else Rejection(excess.code, excess.message),
    )
    kind = request.new_order_resp_type or reports.response_type(request.type)
    outcome = _outcome(replaced, kind, unit)
    failure = replaced.failure
    if failure is not None:
        raise ApiError(replaced.status, failure.code, failure.message, to_builtins(outcome))
    return outcome


def _outcome(replaced: Replacement, kind: NewOrderRespType, unit: TimeUnit) -> CancelReplaceResponse:
    def half(content: Any) -> dict[str, Any]:
        if isinstance(content, Rejection):
            return {"code": content.code, "msg": content.message}
        if isinstance(content, Placement):
            content = reports.order_response(content, kind, unit)
        else:
            content = reports.ended(content, unit)
        told: dict[str, Any] = to_builtins(content)
        return told

    return CancelReplaceResponse(
        cancel_result=replaced.cancel_result,
        new_order_result=replaced.new_order_result,
        raw_cancel_response=half(replaced.cancel),
        raw_new_order_response=None if replaced.placement is None else half(replaced.placement),
    )
