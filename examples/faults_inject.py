"""Let exchanges inside of this program misbehave, each in its own way, and print what a stream of trades tells of it.

python examples/faults_inject.py --count 150
"""

from __future__ import annotations

import argparse
import asyncio

from cryptotrader import Backoff, Binance, BinanceError, Timeouts
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.simulator import LocalExchange
from cryptotrader.simulator.faults import FaultOptions

STREAM = "btcusdt@trade"
FAULTS: dict[str, tuple[int, FaultOptions]] = {  # how many things are told of it, and its options
    "drop": (1, {"connection": "stream"}),
    "torn": (1, {"connection": "stream"}),
    "half_open": (1, {"connection": "stream"}),
    "stall": (0, {"connection": "stream", "seconds": 0.3}),
    "garbage": (2, {"connection": "stream", "count": 2}),
    "server_shutdown": (2, {"connection": "stream", "seconds": 1.0}),
    "delay": (0, {"stream": STREAM, "count": 5, "seconds": 0.1}),
    "duplicate": (0, {"stream": STREAM, "count": 5}),
    "reorder": (0, {"stream": STREAM, "count": 5}),
    "skip": (0, {"stream": STREAM, "count": 5}),
}


async def suffer(kind: str, count: int) -> str:
    """Receive ``count`` trades or more with one fault among them; a line that says what became of it."""
    expected, options = FAULTS[kind]
    told: list[str] = []
    ids: list[int] = []
    stale = 1.0 if kind == "half_open" else 50.0  # seconds without any byte, after which a connection is given up
    async with (
        LocalExchange(["BTCUSDT"], rate=100) as exchange,
        Binance(exchange.endpoint, timeouts=Timeouts(stale=stale), backoff=Backoff(initial=0.2)) as binance,
    ):
        events = binance.market.trades("BTCUSDT", control=True)
        while len(ids) < count or len(told) < expected:
            try:
                event = await anext(events)
            except BinanceError as error:  # does not end the subscription
                told.append(type(error).__name__)
                continue
            if not isinstance(event, TradeEvent):
                told.append(type(event).__name__)
                continue
            ids.append(event.trade_id)
            if len(ids) == 10:
                exchange.fault(kind, **options)
    missing = ids[-1] - ids[0] + 1 - len(ids)
    return f"{kind}: {missing} missing, told of {', '.join(told) or 'nothing'}"


async def inject_each(count: int) -> None:
    """All faults at once, each with an exchange of its own."""
    for line in await asyncio.gather(*(suffer(kind, count) for kind in FAULTS)):
        print(line)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Let exchanges misbehave, and print what a stream of trades tells.")
    parser.add_argument("--count", type=int, default=150, help="how many trades to receive from each, at least")
    asyncio.run(inject_each(parser.parse_args().count))


if __name__ == "__main__":
    main()
