#!/usr/bin/env python3
"""Show live trades in Rich tables for a while, through ``BinanceWebSocketClient``.

python scripts/test_binance_stream.py --symbols BTCUSDT ETHUSDT --duration 30 --endpoint live
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter, deque
from datetime import UTC, datetime

import structlog
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from cryptotrader.cli.views import price_text
from cryptotrader.config import endpoint_named
from cryptotrader.errors import BinanceError
from cryptotrader.ingestion import BinanceConfig, BinanceWebSocketClient, TradeV2, convert_binance_trade_to_v2
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.symbol_lookup import look_up_symbols

SHOWN = 15


class Screen:
    """The newest trades and how many there were."""

    def __init__(self, symbols: list[str]) -> None:
        self.symbols = symbols
        self.newest: deque[TradeV2] = deque(maxlen=SHOWN)
        self.last: dict[str, TradeV2] = {}
        self.counts: Counter[str] = Counter()

    def take(self, event: TradeEvent) -> None:
        """Count one trade."""
        trade = convert_binance_trade_to_v2(event, received_us=int(datetime.now(UTC).timestamp() * 1e6))
        self.newest.append(trade)
        self.last[trade["symbol"]] = trade
        self.counts[trade["symbol"]] += 1

    def summary(self) -> Table:
        """A row for each symbol."""
        table = Table(title="symbols", title_justify="left", title_style="dim")
        for name in ("symbol", "trades", "last price", "currency"):
            table.add_column(name, justify="left" if name in {"symbol", "currency"} else "right", no_wrap=True)
        for symbol in self.symbols:
            last = self.last.get(symbol)
            price, currency = ("-", "-") if last is None else (price_text(last["price"]), last["currency"])
            table.add_row(symbol, str(self.counts[symbol]), price, currency)
        return table

    def render(self) -> Group:
        """Newest trades above the summary."""
        table = Table(title="trades", title_justify="left", title_style="dim")
        for name in ("time", "symbol", "side", "price", "quantity", "trade id"):
            left = name in {"time", "symbol", "side"}
            table.add_column(name, justify="left" if left else "right", no_wrap=True)
        for trade in self.newest:
            time = datetime.fromtimestamp(trade["timestamp"] / 1e6, UTC).strftime("%H:%M:%S.%f")[:-3]
            colour = "green" if trade["side"] == "BUY" else "red"
            table.add_row(
                time,
                trade["symbol"],
                f"[{colour}]{trade['side']}[/{colour}]",
                price_text(trade["price"]),
                price_text(trade["quantity"]),
                str(trade["source_sequence"]),
            )
        return Group(table, self.summary())


async def run(symbols: list[str], duration: float, endpoint_name: str) -> int:
    """Stream for ``duration`` seconds; returns the exit code: 1 when no trade came."""
    endpoint = endpoint_named(endpoint_name)
    await look_up_symbols(endpoint, symbols)
    console, screen = Console(), Screen(symbols)
    config = BinanceConfig(websocket_url=f"{endpoint.stream_url}/stream", symbols=symbols)
    client = BinanceWebSocketClient(config=config, on_trade=screen.take)
    streaming = asyncio.ensure_future(client.connect())
    try:
        with Live(console=console, refresh_per_second=8, transient=True) as live:
            for _ in range(int(duration / 0.125)):
                await asyncio.wait([streaming], timeout=0.125)
                if streaming.done():
                    break
                live.update(screen.render())
    finally:
        await client.disconnect()
    await streaming
    console.print(screen.render())
    console.print(f"{sum(screen.counts.values())} trades in {duration:.0f} s from {endpoint.name}")
    return 0 if screen.counts else 1


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Show live Binance trades in tables.")
    parser.add_argument("--symbols", nargs="+", default=["BTCUSDT", "ETHUSDT"], help="which symbols")
    parser.add_argument("--duration", type=float, default=30.0, help="seconds to stream")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    arguments = parser.parse_args()
    symbols = [symbol.upper() for part in arguments.symbols for symbol in part.split(",") if symbol]
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        sys.exit(asyncio.run(run(symbols, arguments.duration, arguments.endpoint)))
    except BinanceError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
