"""The waist between bytes and meaning: what a connection can do, and what it tells.

Both ends use the same two Protocols, so a client and the local exchange can be joined by a socket or in memory.
"""

from __future__ import annotations

import ssl
from typing import Protocol

from cryptotrader.errors import ConnectFailed

_BANNED = 418


class FrameHandler(Protocol):
    """What a connection tells. All calls come from the event loop's thread and must not block."""

    def on_frame(self, payload: bytes, received_ns: int) -> None:
        """One whole text or binary message; ``received_ns`` is Unix time in nanoseconds at the socket read."""

    def on_ping(self, payload: bytes) -> None:
        """A ping; whoever handles it answers with ``FrameTransport.pong``."""

    def on_pong(self, payload: bytes) -> None:
        """A pong."""

    def on_closed(self, reason: str) -> None:
        """The connection ended, told exactly once and last."""


class FrameTransport(Protocol):
    """What a connection can do. After its end all calls do nothing."""

    def send(self, payload: bytes) -> None:
        """Send one text frame."""

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping."""

    def pong(self, payload: bytes = b"") -> None:
        """Send a pong."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; ``on_closed`` follows when the other side agrees."""

    def abort(self) -> None:
        """Drop the connection now; ``on_closed`` follows."""


class Dialer(Protocol):
    """Opens connections from the client's side."""

    async def __call__(
        self, url: str, handler: FrameHandler, *, timeout: float, tls: ssl.SSLContext | None
    ) -> FrameTransport:
        """Open a WebSocket connection.

        Raises:
            ConnectFailed: Refused, timed out, no WebSocket there, or a certificate that does not fit.
        """


def handshake_refused(url: str, status: int, retry_after: float | None) -> ConnectFailed:
    """The error of a handshake that was refused: what happened, and when to try again where the server says it."""
    why = "this address is banned" if status == _BANNED else "refused"
    until = "" if retry_after is None else f"; send nothing for {retry_after:g} s"
    return ConnectFailed(
        f"{url}: {why} with HTTP status {status}{until}", url=url, status=status, retry_after=retry_after
    )
