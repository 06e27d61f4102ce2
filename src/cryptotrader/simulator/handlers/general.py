"""Answers to the general requests."""

from __future__ import annotations

from msgspec.structs import replace

from cryptotrader.config import TimeUnit
from cryptotrader.models.base_models import SymbolInfo
from cryptotrader.models.market_models import (
    Empty,
    ExchangeInfo,
    ExecutionRules,
    ServerTime,
    SymbolRules,
)
from cryptotrader.requests import ExchangeInfoRequest, ExecutionRulesRequest, PingRequest, TimeRequest
from cryptotrader.simulator.encoding import stamp
from cryptotrader.simulator.handlers.registry import handles, markets
from cryptotrader.simulator.venue import Exchange, Market
from cryptotrader.simulator.venue.execution_rules import PRICE_RANGE
from cryptotrader.simulator.venue.statistics import reference_price
from cryptotrader.simulator.venue.symbols import raw_filters

_PERMISSIONS = frozenset({"SPOT"})


@handles(PingRequest)
def ping(exchange: Exchange, request: PingRequest, unit: TimeUnit) -> Empty:
    """``ping``."""
    return Empty()


@handles(TimeRequest)
def time(exchange: Exchange, request: TimeRequest, unit: TimeUnit) -> ServerTime:
    """``time``."""
    return ServerTime(server_time=stamp(exchange.now_us, unit))


@handles(ExchangeInfoRequest)
def exchange_info(exchange: Exchange, request: ExchangeInfoRequest, unit: TimeUnit) -> ExchangeInfo:
    """``exchangeInfo``: all symbols, some of them, or those of a permission or phase."""
    symbols = request.symbols if request.symbol is None else (request.symbol,)
    chosen = markets(exchange, symbols, request.symbol_status)
    asked = (request.permissions,) if isinstance(request.permissions, str) else request.permissions
    if asked is not None and not _PERMISSIONS & set(asked):
        chosen = []
    infos = [_info(market, show_sets=request.show_permission_sets is not False) for market in chosen]
    return ExchangeInfo(
        timezone="UTC",
        server_time=stamp(exchange.now_us, unit),
        rate_limits=exchange.rate_limits,
        raw_exchange_filters=raw_filters(exchange.desk.rulebook.exchange_filters),
        symbols=infos,
        sors=exchange.desk.router.groups() or None,
    )


def _info(market: Market, *, show_sets: bool) -> SymbolInfo:
    info = market.info
    return replace(info, status=market.status, permission_sets=info.permission_sets if show_sets else [])


@handles(ExecutionRulesRequest)
def execution_rules(exchange: Exchange, request: ExecutionRulesRequest, unit: TimeUnit) -> ExecutionRules:
    """``executionRules``: symbols with a reference price keep takers within a tenth of it."""
    symbols = request.symbols if request.symbol is None else (request.symbol,)
    chosen = markets(exchange, symbols, request.symbol_status)
    return ExecutionRules(
        symbol_rules=[
            SymbolRules(
                symbol=market.listing.symbol,
                rules=[] if reference_price(market, exchange.now_us) is None else [PRICE_RANGE],
            )
            for market in chosen
        ]
    )
