"""Connections without sockets: both ends live on one event loop and meet in its queue of callbacks.

Frames arrive in the order in which they were sent, one turn of the loop later, as they would from a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from cryptotrader.transport.base import FrameHandler


class MemoryTransport:
    """One end of a connection in memory; a ``FrameTransport`` and a ``ServerTransport``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock_ns: Callable[[], int], name: str) -> None:
        self._loop = loop
        self._clock_ns = clock_ns
        self._name = name
        self._handler: FrameHandler | None = None
        self._peer: MemoryTransport = self
        self._open = True
        self._close_sent = False
        self._frozen = False

    @property
    def buffered(self) -> int:
        """Nothing is ever waiting: memory takes all."""
        return 0

    # what this end does

    def send(self, payload: bytes) -> None:
        """Send one text frame."""
        self._tell_peer(self._peer.take_frames, (payload,))

    def send_batch(self, payloads: Sequence[bytes]) -> None:
        """Send many text frames at once."""
        self._tell_peer(self._peer.take_frames, tuple(payloads))

    def send_binary(self, payload: bytes) -> None:
        """Send one binary frame."""
        self.send(payload)

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping."""
        self._tell_peer(self._peer.take_ping, payload)

    def pong(self, payload: bytes = b"") -> None:
        """Send a pong."""
        self._tell_peer(self._peer.take_pong, payload)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; the other end agrees unless it is frozen."""
        if self._open and not self._close_sent:
            self._loop.call_soon(self._peer.take_close, code, reason)
            self._close_sent = True

    def abort(self) -> None:
        """Drop the connection now."""
        self._drop(f"dropped by the {self._name}")

    def tear(self) -> None:
        """Drop the connection in the middle of a frame: its part is never seen by the other end's handler."""
        self._drop("dropped in the middle of a frame")

    def freeze(self) -> None:
        """Read nothing any more, while the connection stays open."""
        self._frozen = True

    # what the other end does

    def take_frames(self, payloads: Sequence[bytes]) -> None:
        """Frames arrive."""
        received_ns = self._clock_ns()
        for payload in payloads:
            if self._handler is None or not self._reads:
                return
            self._handler.on_frame(payload, received_ns)

    def take_ping(self, payload: bytes) -> None:
        """A ping arrives."""
        if self._handler is not None and self._reads:
            self._handler.on_ping(payload)

    def take_pong(self, payload: bytes) -> None:
        """A pong arrives."""
        if self._handler is not None and self._reads:
            self._handler.on_pong(payload)

    def take_close(self, code: int, reason: str) -> None:
        """A close frame arrives: agree, and the connection is over."""
        if self._reads:
            self._drop(f"closed by the {self._peer._name}: {code} {reason}".rstrip())  # noqa: SLF001 - the other half

    def take_end(self, reason: str) -> None:
        """The other end is gone. One that reads no more never learns of it."""
        if self._reads:
            self._end(reason)

    @property
    def _reads(self) -> bool:
        return self._open and not self._frozen

    def _tell_peer(self, take: Callable[..., None], content: object) -> None:
        if self._open and not self._close_sent:
            self._loop.call_soon(take, content)

    def _drop(self, reason: str) -> None:
        if self._open:
            self._loop.call_soon(self._peer.take_end, reason)
            self._open = False
            self._loop.call_soon(self._tell_closed, reason)

    def _end(self, reason: str) -> None:
        self._open = False
        self._tell_closed(reason)

    def _tell_closed(self, reason: str) -> None:
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.on_closed(reason)

    def attach(self, handler: FrameHandler, peer: MemoryTransport) -> None:
        """Join this end to its handler and to the other end."""
        self._handler = handler
        self._peer = peer


def memory_pair(
    client: FrameHandler, server: FrameHandler, *, clock_ns: Callable[[], int] | None = None
) -> tuple[MemoryTransport, MemoryTransport]:
    """Two joined ends on the running loop: the client's and the server's.

    Args:
        client: Told what arrives at the client.
        server: Told what arrives at the server.
        clock_ns: Time at which frames arrive, in nanoseconds; by default the loop's own time.
    """
    loop = asyncio.get_running_loop()
    clock_ns = clock_ns or (lambda: int(loop.time() * 1e9))
    client_end = MemoryTransport(loop, clock_ns, "client")
    server_end = MemoryTransport(loop, clock_ns, "server")
    client_end.attach(client, server_end)
    server_end.attach(server, client_end)
    return client_end, server_end
