"""What the commands show: tables for terminals, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from cryptotrader.ingestion.capture import CaptureProgress
    from cryptotrader.ingestion.iceberg import Candle, VerifyReport

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
