"""Orders that are worth little and rest far from the market, all of them cancelled at the end."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cryptotrader.diagnostics.access import CANCEL_REJECTED
from cryptotrader.diagnostics.methods import Ask
from cryptotrader.diagnostics.plausibility import require
from cryptotrader.diagnostics.trial import TEST_SYMBOL, Finding, Outcome
from cryptotrader.errors import BinanceError, OutcomeUnknown, RequestRejected
from cryptotrader.models.base_models import (
    LotSizeFilter,
    MinNotionalFilter,
    NotionalFilter,
    OrderType,
    Side,
    SymbolInfo,
    TimeInForce,
)
from cryptotrader.models.market_models import BookTicker, ExchangeInfo
from cryptotrader.models.order_models import Order
from cryptotrader.protocol.request import Request
from cryptotrader.protocol.symbol_rules import SymbolRules
from cryptotrader.requests import (
    ExchangeInfoRequest,
    OpenOrderListsStatusRequest,
    OpenOrdersStatusRequest,
    OrderCancelRequest,
    OrderListCancelRequest,
    TickerBookRequest,
)

LOWEST, LOW, HIGH = Decimal("0.7"), Decimal("0.8"), Decimal("1.25")
"""Parts of the market's price at which orders rest without being filled."""
NOT_ALLOWED = Finding(Outcome.SKIPPED, "orders on a live exchange need --allow-live-orders")

_LEAST_WORTH = Decimal(10)
_SMALLEST_STEP = Decimal("0.00001")
_ROUNDS = 3


def new_prefix() -> str:
    """What the client order ids of one test begin with, and no others do."""
    return f"diag-{secrets.token_hex(4)}-"


@dataclass(frozen=True)
class FarOrders:
    """What is needed to place such orders, and their parameters.

    Attributes:
        info: The symbol.
        is_routed: Whether smart order routing takes its orders.
        others: The open orders of the symbol that were there before.
        lowest: A price below ``low``, for stops.
        low: A price far below the market.
        high: A price far above the market.
        quantity: Worth about twice the least that an order must be, at the lowest price.
    """

    info: SymbolInfo
    is_routed: bool
    others: list[Order]
    lowest: Decimal
    low: Decimal
    high: Decimal
    quantity: Decimal

    @property
    def limit(self) -> dict[str, Any]:
        """An order to buy far below the market."""
        return {
            "symbol": TEST_SYMBOL,
            "side": Side.BUY,
            "type": OrderType.LIMIT,
            "time_in_force": TimeInForce.GTC,
            "price": self.low,
            "quantity": self.quantity,
        }

    @property
    def pair(self) -> dict[str, Any]:
        """The legs of an OCO pair that buys far below the market, or once it is far above."""
        return {
            "above_type": OrderType.STOP_LOSS_LIMIT,
            "above_stop_price": self.high,
            "above_price": self.high,
            "above_time_in_force": TimeInForce.GTC,
            "below_type": OrderType.LIMIT_MAKER,
            "below_price": self.low,
        }

    @property
    def working(self) -> dict[str, Any]:
        """A working order that is not filled, so that what waits for it locks nothing."""
        return {
            "symbol": TEST_SYMBOL,
            "working_type": OrderType.LIMIT,
            "working_side": Side.BUY,
            "working_price": self.low,
            "working_quantity": self.quantity,
            "working_time_in_force": TimeInForce.GTC,
        }

    @property
    def pending(self) -> dict[str, Any]:
        """An order that waits, to sell far above the market."""
        return {
            "pending_side": Side.SELL,
            "pending_type": OrderType.LIMIT,
            "pending_price": self.high,
            "pending_time_in_force": TimeInForce.GTC,
        }

    @property
    def pending_pair(self) -> dict[str, Any]:
        """An OCO pair that waits, to sell far above the market or once it is far below."""
        return {
            "pending_side": Side.SELL,
            "pending_above_type": OrderType.LIMIT_MAKER,
            "pending_above_price": self.high,
            "pending_below_type": OrderType.STOP_LOSS,
            "pending_below_stop_price": self.lowest,
        }


@asynccontextmanager
async def far_orders(ask: Ask, prefix: str) -> AsyncIterator[FarOrders]:
    """Tell what far orders need; in the end those whose client order ids begin with the prefix are cancelled.

    Raises:
        AssertionError: One may be left open.
    """
    info = await ask(ExchangeInfoRequest(symbol=TEST_SYMBOL))
    book = await ask(TickerBookRequest(symbol=TEST_SYMBOL))
    if isinstance(book, list):
        raise AssertionError("a list was answered for one symbol")  # noqa: TRY004 - the exchange's fault
    require(book.bid_price and book.ask_price, f"a side of the book of {TEST_SYMBOL} is empty")
    others = await ask(OpenOrdersStatusRequest(symbol=TEST_SYMBOL))
    after = ""
    try:
        yield _far(info, book, others)
    except (AssertionError, BinanceError) as error:
        after = f", after {type(error).__name__}: {error}"
        raise
    finally:
        await _cancel_all(ask, prefix, after)


def _far(info: ExchangeInfo, book: BookTicker, others: list[Order]) -> FarOrders:
    symbol = info.symbols[0]
    rules, lot = SymbolRules(symbol), symbol.filter(LotSizeFilter)
    lowest, low, high = (
        rules.round_price(price * part)
        for price, part in ((book.bid_price, LOWEST), (book.bid_price, LOW), (book.ask_price, HIGH))
    )
    notional = symbol.filter(NotionalFilter) or symbol.filter(MinNotionalFilter)
    step = lot.step_size if lot and lot.step_size else _SMALLEST_STEP
    worth = 2 * (notional.min_notional if notional else _LEAST_WORTH)
    quantity = (worth / lowest // step + 1) * step
    return FarOrders(
        info=symbol,
        is_routed=any(TEST_SYMBOL in group.symbols for group in info.sors or ()),
        others=others,
        lowest=lowest,
        low=low,
        high=high,
        quantity=max(quantity, lot.min_qty if lot else quantity),
    )


async def _cancel_all(ask: Ask, prefix: str, after: str) -> None:
    """Cancel what is open under the prefix, looking again after each round.

    Raises:
        AssertionError: Something may be left.
    """
    why = "they were open again after each cancellation"
    for _ in range(_ROUNDS):
        try:
            ending = await _cancellations(ask, prefix)
            for request in ending:
                await ask(request)
        except OutcomeUnknown as error:
            why = str(error)
        except RequestRejected as error:
            why = str(error)
            if error.code != CANCEL_REJECTED:  # otherwise it ended by itself meanwhile
                break
        except BinanceError as error:
            why = str(error)
            break
        else:
            if not ending:
                return
    raise AssertionError(f"orders {prefix}… of {TEST_SYMBOL} may be open, cancel them by hand: {why}{after}")


async def _cancellations(ask: Ask, prefix: str) -> list[Request[Any]]:
    """What has to be sent so that nothing is open under the prefix."""
    lists = await ask(OpenOrderListsStatusRequest())
    orders = await ask(OpenOrdersStatusRequest(symbol=TEST_SYMBOL))
    own = {each.order_list_id for each in lists if each.list_client_order_id.startswith(prefix)}
    return [
        *(OrderListCancelRequest(symbol=TEST_SYMBOL, order_list_id=number) for number in sorted(own)),
        *(
            OrderCancelRequest(symbol=TEST_SYMBOL, order_id=each.order_id)
            for each in orders
            if each.client_order_id.startswith(prefix) and each.order_list_id not in own
        ),
    ]
