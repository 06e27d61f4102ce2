"""The official SDK's half of ``requests_in_flight.py``; run by the Python of an environment that holds the SDK.

Reads lines such as ``time single 2000`` or ``order.place flight 20000``, and prints a JSON list for each: microseconds
of the single round trips, or requests a second and CPU microseconds a request.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from binance_common.configuration import ConfigurationWebSocketAPI  # type: ignore[import-not-found]
from binance_sdk_spot.spot import Spot  # type: ignore[import-not-found]

from measuring import in_flight, round_trips


def ways(connection: Any) -> dict[str, Callable[[], Awaitable[Any]]]:
    """What is asked, and read as its typed result."""

    async def ask_time() -> Any:
        return (await connection.time()).data().result.server_time

    async def place_order() -> Any:
        answer = await connection.order_place(
            symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.001, price=50000.5
        )
        return answer.data().result.order_id

    return {"time": ask_time, "order.place": place_order}


async def main() -> None:
    """Measure what the lines say."""
    address, api_key, secret = sys.argv[1:]
    settings = ConfigurationWebSocketAPI(stream_url=address, api_key=api_key, api_secret=secret)
    connection = await Spot(config_ws_api=settings).websocket_api.create_connection()
    calls = ways(connection)
    for line in sys.stdin:
        method, kind, count = line.split()
        measure = round_trips if kind == "single" else in_flight
        print(json.dumps(await measure(calls[method], int(count))), flush=True)
    await connection.close_connection(close_session=True)


if __name__ == "__main__":
    asyncio.run(main())
