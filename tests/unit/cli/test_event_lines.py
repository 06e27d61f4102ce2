"""Events as lines for people: every kind of stream has one, without letters of the wire and with exact numbers."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.cli.views import event_text
from cryptotrader.models.control_models import ServerShutdown
from cryptotrader.protocol.channel import CHANNELS
from exchange_client import RecordingClient, quiet_exchange, trade
from virtual_clock import running_loop

VALUES = {"interval": "1m", "window": "1h", "levels": 5}


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_every_kind_of_event_has_a_line(run_virtual, channel):
    stream = channel.pattern.format(symbol="btcusdt", **VALUES)

    async def main():
        async with quiet_exchange() as exchange:
            client = await RecordingClient().dial(exchange, f"/ws/{stream}")
            for _ in range(3):
                trade(exchange)
                exchange.venue.market("BTCUSDT").block_trade(10**6, exchange.venue.now_us, is_buyer_maker=True)
                await asyncio.sleep(1.5)
            assert running_loop().time() > 4
            return client.frames

    frame = run_virtual(main)[-1]
    event = channel.decode(frame)[0] if channel.many else channel.decode(frame)
    line = event_text(event)
    assert "\n" not in line
    assert len(line) < 110
    assert "E-" not in line
    assert ("BTCUSDT" in line) == hasattr(event, "symbol")


def test_control_events_have_one_too():
    assert event_text(ServerShutdown(event_time=5)) == "           server shutdown event_time=5"
