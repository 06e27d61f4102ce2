"""Let exchanges inside of this program misbehave, each in its own way, and print what a stream of trades tells of it.

python examples/faults_inject.py --seconds 4
"""

from __future__ import annotations

import argparse
import asyncio

from cryptotrader import Backoff, Binance, BinanceError, Timeouts
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.simulator import LocalExchange
from cryptotrader.simulator.faults import FaultOptions

STREAM = "btcusdt@trade"
FAULTS: dict[str, FaultOptions] = {
    "drop": {"connection": "stream"},
    "torn": {"connection": "stream"},
    "half_open": {"connection": "stream"},
    "stall": {"connection": "stream", "seconds": 0.3},
    "garbage": {"connection": "stream", "count": 2},
    "server_shutdown": {"connection": "stream", "seconds": 1.0},
    "delay": {"stream": STREAM, "count": 5, "seconds": 0.1},
    "duplicate": {"stream": STREAM, "count": 5},
    "reorder": {"stream": STREAM, "count": 5},
    "skip": {"stream": STREAM, "count": 5},
}


async def suffer(kind: str, options: FaultOptions, seconds: float) -> str:
    """Receive trades with one fault among them; a line that says what became of it."""
    told: list[str] = []
    ids: list[int] = []
    impatient = Timeouts(stale=1.0)  # seconds without any byte, instead of fifty
    async with (
        LocalExchange(["BTCUSDT"], rate=100) as exchange,
        Binance(exchange.endpoint, timeouts=impatient, backoff=Backoff(initial=0.2)) as binance,
    ):
        events = binance.market.trades("BTCUSDT", control=True)
        asyncio.get_running_loop().call_later(seconds, events.close)
        is_open = True
        while is_open:
            try:
                async for event in events:
                    if isinstance(event, TradeEvent):
                        ids.append(event.trade_id)
                        if len(ids) == 10:
                            exchange.fault(kind, **options)
                    else:
                        told.append(type(event).__name__)
                is_open = False
            except BinanceError as error:  # does not end the subscription
                told.append(type(error).__name__)
    missing = ids[-1] - ids[0] + 1 - len(ids)
    return f"{kind}: {missing} missing, told of {', '.join(told) or 'nothing'}"


async def inject_each(seconds: float) -> None:
    """All faults at once, each with an exchange of its own."""
    for line in await asyncio.gather(*(suffer(kind, options, seconds) for kind, options in FAULTS.items())):
        print(line)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Let exchanges misbehave, and print what a stream of trades tells.")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long to receive trades")
    asyncio.run(inject_each(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
