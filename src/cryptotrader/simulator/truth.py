"""The file of every trade that the exchange made, to compare with what a client has kept."""

from __future__ import annotations

from pathlib import Path

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator.encoding import text
from cryptotrader.simulator.venue import VenueTrade


class TruthFile:
    """One JSON line for each trade, written in batches.

    Args:
        path: The file; what it holds is replaced.

    Attributes:
        count: Trades so far.

    Raises:
        ConfigurationError: The file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise ConfigurationError(f"truth: cannot write {path}: {error.strerror}") from error
        self._lines: list[str] = []

    def take(self, trade: VenueTrade) -> None:
        """Keep a trade for the next ``flush``."""
        self._lines.append(
            f'{{"symbol":"{trade.symbol}","trade_id":{trade.id},"price":"{text(trade.price)}",'
            f'"quantity":"{text(trade.quantity)}","trade_time_us":{trade.time_us},'
            f'"is_buyer_maker":{"true" if trade.is_buyer_maker else "false"}}}\n'
        )

    def flush(self) -> None:
        """Hand what is kept to the operating system, with one write."""
        if self._lines:
            data = "".join(self._lines).encode()
            self._lines.clear()
            written = 0
            while written < len(data):
                written += self._file.write(data[written:]) or 0

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        self._file.close()
