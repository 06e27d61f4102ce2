"""Answers to the requests for an account's trades, allocations and prevented matches."""

from __future__ import annotations

from typing import Any

from cryptotrader.config import TimeUnit
from cryptotrader.models.account_models import AccountTrade, Allocation, PreventedMatch
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.order_models import AllocationType
from cryptotrader.requests import MyAllocationsRequest, MyPreventedMatchesRequest, MyTradesRequest
from cryptotrader.simulator.encoding import amount, stamp
from cryptotrader.simulator.handlers.registry import Caller, handles_account, one_market
from cryptotrader.simulator.venue.events import Execution
from cryptotrader.simulator.venue.history import Span

DEFAULT_ROWS = 500


def span(request: Any, first_id: int | None) -> Span:
    """What a request asks for that has times, an id to begin with, and a limit."""
    return Span(
        first_id=first_id,
        start_us=None if request.start_time is None else to_micros(request.start_time),
        end_us=None if request.end_time is None else _end_us(request.end_time),
        limit=request.limit or DEFAULT_ROWS,
    )


def _end_us(time: int) -> int:
    """The last microsecond of an end: milliseconds include all of theirs."""
    return to_micros(time + 1) - 1 if to_micros(time) != time else time


@handles_account(MyTradesRequest)
def my_trades(caller: Caller, request: MyTradesRequest, unit: TimeUnit) -> list[AccountTrade]:
    """``myTrades``."""
    one_market(caller.exchange, request.symbol)
    found = caller.history.trades(caller.uid, request.symbol, span(request, request.from_id), order_id=request.order_id)
    return [
        AccountTrade(
            id=fill.trade_id,
            is_best_match=True,
            **_told(fill, unit),
        )
        for fill in found
    ]


@handles_account(MyAllocationsRequest)
def my_allocations(caller: Caller, request: MyAllocationsRequest, unit: TimeUnit) -> list[Allocation]:
    """``myAllocations``."""
    one_market(caller.exchange, request.symbol)
    found = caller.history.allocations(
        caller.uid,
        request.symbol,
        span(request, request.from_allocation_id),
        order_id=request.order_id,
    )
    return [
        Allocation(
            allocation_id=fill.allocation_id,
            allocation_type=AllocationType.SOR,
            is_allocator=False,
            **_told(fill, unit),
        )
        for fill in found
    ]


def _told(fill: Execution, unit: TimeUnit) -> dict[str, Any]:
    """What is told of a fill, in the book of its symbol or by an allocation."""
    return {
        "symbol": fill.symbol,
        "order_id": fill.order_id,
        "order_list_id": fill.list_id,
        "price": amount(fill.price),
        "quantity": amount(fill.quantity),
        "quote_quantity": amount(fill.quote),
        "commission": amount(fill.commission),
        "commission_asset": fill.commission_asset,
        "time": stamp(fill.time_us, unit),
        "is_buyer": fill.is_buyer,
        "is_maker": fill.is_maker,
    }


@handles_account(MyPreventedMatchesRequest)
def my_prevented_matches(caller: Caller, request: MyPreventedMatchesRequest, unit: TimeUnit) -> list[PreventedMatch]:
    """``myPreventedMatches``."""
    one_market(caller.exchange, request.symbol)
    found = caller.history.prevented_matches(
        caller.uid,
        request.symbol,
        number=request.prevented_match_id,
        order_id=request.order_id,
        first_id=request.from_prevented_match_id or 0,
        limit=request.limit or DEFAULT_ROWS,
    )
    return [
        PreventedMatch(
            symbol=match.symbol,
            prevented_match_id=match.id,
            taker_order_id=match.taker_order_id,
            maker_symbol=match.maker_symbol,
            maker_order_id=match.maker_order_id,
            trade_group_id=match.trade_group_id,
            self_trade_prevention_mode=match.mode,
            price=amount(match.price),
            taker_prevented_quantity=None if match.taker_quantity is None else amount(match.taker_quantity),
            maker_prevented_quantity=None if match.maker_quantity is None else amount(match.maker_quantity),
            transact_time=stamp(match.time_us, unit),
        )
        for match in found
    ]
