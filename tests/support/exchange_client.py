"""A bare client of the local exchange: it records, and does nothing by itself but answer pings."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

from cryptotrader.models.base_models import OrderType, Side
from cryptotrader.simulator import LocalExchange
from virtual_clock import running_loop


class RecordingClient:
    """A ``FrameHandler`` joined to an exchange in memory."""

    def __init__(self, *, answers_pings=True):
        self.answers_pings = answers_pings
        self.frames = []
        self.times = []
        self.pings = []
        self.pongs = []
        self.closed = None
        self.closed_at = None
        self.transport = None

    async def dial(self, exchange, path):
        self.transport = await exchange.dial(f"ws://local{path}", self, timeout=5)
        return self

    def on_frame(self, payload, received_ns):
        self.frames.append(payload)
        self.times.append(received_ns)

    def on_ping(self, payload):
        self.pings.append(payload)
        if self.answers_pings:
            self.transport.pong(payload)

    def on_pong(self, payload):
        self.pongs.append(payload)

    def on_closed(self, reason):
        assert self.closed is None, "told twice"
        self.closed = reason
        self.closed_at = running_loop().time()

    @property
    def events(self):
        return [json.loads(frame) for frame in self.frames]

    @property
    def trade_ids(self):
        return [event["t"] for event in self.events if event.get("e") == "trade"]

    async def ask(self, text):
        """Send a message and return the frames that come within a tenth of a second."""
        before = len(self.frames)
        self.transport.send(text if isinstance(text, bytes) else text.encode())
        await asyncio.sleep(0.1)
        return self.events[before:]


def quiet_exchange(**settings):
    """An exchange on the virtual clock, without participants: what happens is done by hand."""
    settings = {"symbols": ["BTCUSDT", "ETHUSDT"], "rate": 0, "port": None, **settings}
    return LocalExchange(clock=running_loop().wall_us, **settings)


def trade(exchange, count=1, symbol="BTCUSDT", quantity="0.01"):
    """Make trades by hand: each moves the trade id by one."""
    price, quantity = Decimal("100.00"), Decimal(quantity)
    for _ in range(count):
        exchange.venue.place(symbol, Side.SELL, OrderType.LIMIT, quantity, price=price)
        exchange.venue.place(symbol, Side.BUY, OrderType.LIMIT, quantity, price=price)
