"""Events as lines for people: every kind of stream has one, without letters of the wire and with exact numbers."""

from __future__ import annotations

import asyncio
import json

import pytest

from cryptotrader.cli.views import event_text
from cryptotrader.models.control_models import ServerShutdown
from cryptotrader.models.user_models import decode_user_data_event
from cryptotrader.protocol.channel import CHANNELS
from exchange_client import RecordingClient, quiet_exchange, trade
from virtual_clock import running_loop

VALUES = {"interval": "1m", "window": "1h", "levels": 5}


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
async def test_every_kind_of_event_has_a_line(channel):
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

    frame = (await main())[-1]
    event = channel.decode(frame)[0] if channel.many else channel.decode(frame)
    line = event_text(event)
    assert "\n" not in line
    assert len(line) < 110
    assert "E-" not in line
    assert ("BTCUSDT" in line) == hasattr(event, "symbol")


REPORT = {
    "e": "executionReport", "E": 1, "s": "BTCUSDT", "c": "ct-1", "S": "SELL", "o": "LIMIT", "f": "GTC", "q": "0.02000000",
    "p": "95000.00000000", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "", "x": "NEW", "X": "NEW", "r": "NONE",
    "i": 21090364, "l": "0.00000000", "z": "0.00000000", "L": "0.00000000", "n": "0", "N": None, "T": 1, "t": -1, "I": 7,
    "w": True, "m": False, "M": False, "O": 1, "Z": "0.00000000", "Y": "0.00000000", "Q": "0.00000000", "V": "NONE",
}  # fmt: skip
FILL = {"x": "TRADE", "X": "PARTIALLY_FILLED", "l": "0.00882000", "z": "0.00882000", "L": "95000.10000000"}
POSITION = {
    "e": "outboundAccountPosition",
    "E": 1,
    "u": 1,
    "B": [{"a": "BTC", "f": "1.50000000", "l": "0.00000000"}, {"a": "USDT", "f": "9.90", "l": "90.00"}],
}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (REPORT, "BTCUSDT    21090364   NEW SELL LIMIT 0.02 at 95000.00"),
        (REPORT | FILL, "BTCUSDT    21090364   SELL 0.00882 at 95000.10, 0.00882 of 0.02 filled"),
        (REPORT | {"x": "CANCELED", "X": "CANCELED"}, "BTCUSDT    21090364   CANCELED, 0.00 of 0.02 filled"),
        (
            REPORT | {"x": "EXPIRED", "X": "EXPIRED", "r": "INSUFFICIENT_BALANCES"},
            "BTCUSDT    21090364   EXPIRED (INSUFFICIENT_BALANCES), 0.00 of 0.02 filled",
        ),
        (POSITION, "           account position 1.50 BTC, 9.90 + 90.00 locked USDT"),
        (
            {"e": "balanceUpdate", "E": 1, "a": "BTC", "d": "-0.50000000", "T": 1},
            "           balance update  -0.50 BTC",
        ),
    ],
)
def test_what_happens_to_an_account_has_lines_for_people(event, line):
    assert event_text(decode_user_data_event(json.dumps(event).encode())) == line


def test_control_events_have_one_too():
    assert event_text(ServerShutdown(event_time=5)) == "           server shutdown event_time=5"
