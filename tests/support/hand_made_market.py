"""A running exchange whose trades a test makes by hand: it knows how many there are, and who was there to see them."""

from __future__ import annotations

from cryptotrader.testing import RunningExchange
from exchange_client import trade
from waiting import eventually


def make_trades(exchange: RunningExchange, count: int, symbol: str = "BTCUSDT") -> None:
    """Let ``count`` trades happen, and be sent, on an exchange of ``rate=0``."""

    def make() -> None:
        trade(exchange._exchange, count, symbol)
        exchange._exchange._wake()

    exchange._in_its_loop(make)


def wait_for_subscriber(exchange: RunningExchange, stream: str) -> None:
    """Wait until a connection has subscribed to a stream: it will see what happens from now on."""

    def is_carried() -> bool:
        return any(session.carries(stream) for session in exchange._exchange._surroundings.sessions)

    eventually(lambda: exchange._in_its_loop(is_carried), f"a subscriber of {stream}")
