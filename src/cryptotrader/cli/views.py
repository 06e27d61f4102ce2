"""What the commands show: tables for terminals, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import asdict
from rich.box import SIMPLE_HEAD
from rich.table import Table

from cryptotrader.models.base_models import Model, snake_name
from cryptotrader.models.market_models import (
    AggregateTradeEvent,
    AveragePriceEvent,
    BlockTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    MiniTickerEvent,
    PartialDepthEvent,
    ReferencePriceEvent,
    TickerEvent,
    TradeEvent,
    WindowTickerEvent,
)
from cryptotrader.models.order_models import ExecutionType, RejectReason
from cryptotrader.models.recovered_models import RecoveredAllocation, RecoveredOrder, RecoveredTrade
from cryptotrader.models.user_models import (
    AccountPositionEvent,
    BalanceUpdateEvent,
    ExecutionReportEvent,
    ExternalLockUpdateEvent,
    ListStatusEvent,
)

if TYPE_CHECKING:
    from cryptotrader.ingestion.capture import CaptureProgress
    from cryptotrader.ingestion.iceberg import Candle, VerifyReport
    from cryptotrader.models.account_models import AccountStatus
    from cryptotrader.models.order_models import CancelReport, Order
    from cryptotrader.placed_order import PlacedOrder

_PARTS = ("trade", "allocation", "order")
"""What recovered events wrap."""
_SHOWN_VOLUME = Decimal("0.001")


def price_text(price: Decimal | None) -> str:
    """A price without the zeros that say nothing."""
    if price is None:
        return "-"
    whole, _, part = f"{price:f}".partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"


def _table(title: str, first: str, others: Iterable[str]) -> Table:
    """A table that fits eighty columns: a name and numbers."""
    table = Table(title=title, title_justify="left", title_style="dim", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, style="cyan", no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def event_text(event: Model) -> str:
    """An event in one line: symbol, kind, and what matters of it."""
    if isinstance(event, ExecutionReportEvent):
        return f"{event.symbol:<10} {event.order_id:<10} {_happening(event)}"
    kind = snake_name(type(event).__name__.removesuffix("Event")).replace("_", " ")
    subject = next((part for name in _PARTS if (part := getattr(event, name, None)) is not None), event)
    return f"{getattr(subject, 'symbol', ''):<10} {kind:<15} {_gist(event)}".rstrip()


def _gist(event: Model) -> str:  # noqa: PLR0911 - one form for each kind of event
    match event:
        case TradeEvent() | AggregateTradeEvent() | BlockTradeEvent():
            side = "sell" if event.is_buyer_maker else "buy"
            return f"{price_text(event.price)} × {price_text(event.quantity)} {side}"  # noqa: RUF001 - times
        case BookTickerEvent():
            bid = f"{price_text(event.bid_price)} × {price_text(event.bid_quantity)}"  # noqa: RUF001
            return f"{bid} | {price_text(event.ask_price)} × {price_text(event.ask_quantity)}"  # noqa: RUF001
        case KlineEvent(kline=bar):
            prices = " ".join(price_text(price) for price in (bar.open, bar.high, bar.low, bar.close))
            return f"{bar.interval} {prices}, {bar.trade_count} trades{', closed' if bar.is_closed else ''}"
        case DepthUpdateEvent():
            changes = f"{len(event.raw_bids)} bids and {len(event.raw_asks)} asks changed"
            return f"{changes}, updates {event.first_update_id} to {event.final_update_id}"
        case PartialDepthEvent():
            best = (side[0].price if side else None for side in (event.bids, event.asks))
            return f"{' | '.join(price_text(price) for price in best)}, {len(event.raw_bids)} levels"
        case TickerEvent() | WindowTickerEvent():
            change = f"{event.price_change_percent:f} %"
            return f"{price_text(event.last_price)} ({change}), volume {price_text(event.volume)}"
        case MiniTickerEvent():
            return f"{price_text(event.close)}, volume {price_text(event.volume)}"
        case AveragePriceEvent():
            return f"{price_text(event.average_price)} over {event.interval}"
        case ReferencePriceEvent():
            return price_text(event.reference_price)
        case _:
            return _gist_of_account(event)


def _gist_of_account(event: Model) -> str:
    match event:
        case AccountPositionEvent():
            return ", ".join(
                f"{price_text(each.free)}{f' + {price_text(each.locked)} locked' if each.locked else ''} {each.asset}"
                for each in event.balances
            )
        case BalanceUpdateEvent() | ExternalLockUpdateEvent():
            return f"{'' if event.delta < 0 else '+'}{price_text(event.delta)} {event.asset}"
        case ListStatusEvent():
            orders = ", ".join(str(each.order_id) for each in event.orders)
            return f"{event.contingency_type} {event.order_list_id} of {orders}: {event.list_order_status}"
        case RecoveredTrade(trade=fill) | RecoveredAllocation(allocation=fill):
            side = "BUY" if fill.is_buyer else "SELL"
            return f"{fill.order_id} {side} {price_text(fill.quantity)} at {price_text(fill.price)}"
        case RecoveredOrder(order=order):
            filled = f"{price_text(order.executed_quantity)} of {price_text(order.original_quantity)}"
            return f"{order.order_id} {order.side} {order.type}, {filled} {order.status}"
        case _:
            return " ".join(f"{name}={_plain(value)}" for name, value in asdict(event).items() if name != "symbol")


def _happening(event: ExecutionReportEvent) -> str:
    """What happened to an order."""
    if event.execution_type is ExecutionType.NEW:
        price = f" at {price_text(event.price)}" if event.price else ""
        return f"NEW {event.side} {event.type} {price_text(event.quantity)}{price}"
    filled = f"{price_text(event.executed_quantity)} of {price_text(event.quantity)}"
    if event.execution_type is ExecutionType.TRADE:
        bought = f"{event.side} {price_text(event.last_executed_quantity)} at {price_text(event.last_executed_price)}"
        return f"{bought}, {filled} filled"
    reason = "" if event.reject_reason is RejectReason.NONE else f" ({event.reject_reason})"
    return f"{event.execution_type}{reason}, {filled} filled"


def _plain(value: object) -> str:
    return price_text(value) if isinstance(value, Decimal) else str(value)


def capture_view(progress: CaptureProgress, elapsed: float) -> Table:
    """A table of where capture stands."""
    title = f"{elapsed:.0f} s · {progress.commits} commits · {progress.rows_waiting} rows waiting"
    if progress.reconnects:
        title += f" · {progress.reconnects} reconnects"
    table = _table(title, "symbol", ("last price", "trades", "trades/s", "filled", "missing", "lag ms"))
    for each in progress.symbols:
        table.add_row(
            each.symbol,
            price_text(each.last_price),
            f"{each.trades}",
            f"{each.trades / elapsed:.1f}" if elapsed else "-",
            f"{each.backfilled}",
            f"[red]{each.missing}[/red]" if each.missing else "0",
            f"{each.lag_ms:.0f}",
        )
    return table


def capture_line(progress: CaptureProgress, elapsed: float) -> str:
    """The same in one line."""
    trades = sum(each.trades for each in progress.symbols)
    filled = sum(each.backfilled for each in progress.symbols)
    missing = sum(each.missing for each in progress.symbols)
    return (
        f"{elapsed:.0f} s: {trades} trades ({trades / elapsed:.1f}/s), {filled} filled, {missing} missing, "
        f"{progress.commits} commits, {progress.reconnects} reconnects"
    )


def ledger_view(report: VerifyReport) -> Table:
    """A table of what the data files hold."""
    table = _table("ledger", "symbol", ("first id", "last id", "trades", "backfilled", "missing", "duplicates"))
    for each in report.symbols:
        numbers = (each.first, each.last, each.trades, each.backfilled, each.missing_count, each.duplicates)
        table.add_row(each.symbol, *(str(number) for number in numbers))
    return table


def candle_view(candles: Iterable[Candle]) -> Table:
    """A table of candles."""
    names = ("minute", "open", "high", "low", "close", "volume", "trades")
    table = _table("one-minute candles, read back from the table", "symbol", names)
    table.padding = 0  # eight columns within eighty characters
    for each in candles:
        prices = (each.open, each.high, each.low, each.close, each.volume.quantize(_SHOWN_VOLUME))
        numbers = (*(price_text(price) for price in prices), str(each.trade_count))
        table.add_row(each.symbol, f"{each.open_time:%H:%M}", *numbers)
    return table


def placed_text(order: PlacedOrder, asked: Decimal | str | None = None) -> str:
    """An order of ours in one line; ``asked`` is the quantity that was sent, which an acknowledgement does not tell."""
    name = f"{order.symbol} order {order.order_id} ({order.client_order_id})"
    if order.status is None:
        return f"{name}: acknowledged{'' if asked is None else f', {price_text(Decimal(asked))} asked for'}"
    filled = f"{price_text(order.executed_quantity)} of {price_text(order.quantity)} filled"
    price = "" if order.average_price is None else f" at {price_text(order.average_price)} on average"
    return f"{name}: {order.status.value}, {filled}{price}"


def cancelled_text(report: CancelReport) -> str:
    """A cancelled order in one line."""
    filled = f"{price_text(report.executed_quantity)} of {price_text(report.original_quantity)} filled"
    return f"{report.symbol} order {report.order_id} ({report.original_client_order_id}): {report.status}, {filled}"


def orders_view(orders: Iterable[Order]) -> Table:
    """A table of open orders."""
    table = _table("open orders", "symbol", ("id", "side", "type", "price", "quantity", "filled", "status"))
    for each in orders:
        texts = (each.side, each.type, price_text(each.price), price_text(each.original_quantity))
        filled, status = price_text(each.executed_quantity), each.status
        table.add_row(each.symbol, str(each.order_id), *map(str, texts), filled, str(status))
    return table


def balances_view(status: AccountStatus) -> Table:
    """A table of balances."""
    rights = [name for name in ("trade", "withdraw", "deposit") if getattr(status, f"can_{name}")]
    title = f"account {status.uid} · may {', '.join(rights) or 'nothing'} · maker {status.commission_rates.maker:f}"
    table = _table(f"{title}, taker {status.commission_rates.taker:f}", "asset", ("free", "locked"))
    for each in status.balances:
        table.add_row(each.asset, price_text(each.free), price_text(each.locked))
    return table
