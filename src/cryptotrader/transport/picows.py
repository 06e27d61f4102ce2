"""Client connections over sockets, by picows.

Frames reach the handler as ``bytes``: one copy of a few hundred bytes costs less than finding the stream's name in a
``memoryview`` would, and the payload may be kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSParsedURL,
    WSTransport,
    ws_connect,
)

from cryptotrader.config import MAX_FRAME_BYTES
from cryptotrader.errors import ConnectFailed
from cryptotrader.transport.base import FrameHandler, handshake_refused

_TURNS_TO_CLOSE = 4
_TEXT, _BINARY = WSMsgType.TEXT, WSMsgType.BINARY  # looking a member up in its enum takes longer than comparing


class PicowsConnection(WSListener):
    """A ``FrameTransport`` over a picows client connection."""

    def __init__(self, handler: FrameHandler) -> None:
        self._handler = handler
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._parts_size = 0
        self._received_ns = 0
        self._buffer_done = True
        self._reason = ""
        self._connected = False

    @property
    def is_unused(self) -> bool:
        """Whether the handshake was never completed."""
        return not self._connected

    # what picows tells

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport
        self._connected = True

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame; the clock is read once per socket read."""
        if self._buffer_done:
            self._received_ns = time.time_ns()
        self._buffer_done = frame.last_in_buffer
        kind = frame.msg_type
        if (kind is _TEXT or kind is _BINARY) and frame.fin:
            self._handler.on_frame(frame.get_payload_as_bytes(), self._received_ns)
        elif kind is WSMsgType.PING:
            self._handler.on_ping(frame.get_payload_as_bytes())
        elif kind is WSMsgType.PONG:
            self._handler.on_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            code = frame.get_close_code()
            name = "no code" if code == WSCloseCode.NO_INFO else f"{code}"
            told = f"closed by the server: {name} {frame.get_close_reason() or ''}".rstrip()
            self._reason = self._reason or told
            transport.send_close(code)
            transport.disconnect()
        else:
            self._collect(transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        """The socket is closed."""
        self._transport = None
        self._handler.on_closed(self._reason or "the socket was closed")

    def _collect(self, transport: WSTransport, frame: WSFrame) -> None:
        """Put the parts of a fragmented message together."""
        self._parts.append(frame.get_payload_as_bytes())
        self._parts_size += frame.payload_size
        if self._parts_size > MAX_FRAME_BYTES:
            self._reason = f"a message is longer than {MAX_FRAME_BYTES} bytes"
            transport.disconnect(graceful=False)
        elif frame.fin:
            payload = b"".join(self._parts)
            self._parts, self._parts_size = [], 0
            self._handler.on_frame(payload, self._received_ns)

    # FrameTransport

    def send(self, payload: bytes) -> None:
        """Send one text frame."""
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, payload)

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping."""
        if self._transport is not None:
            self._transport.send_ping(payload)

    def pong(self, payload: bytes = b"") -> None:
        """Send a pong."""
        if self._transport is not None:
            self._transport.send_pong(payload)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake."""
        if self._transport is not None:
            self._reason = self._reason or "closed by this side"
            self._transport.send_close(WSCloseCode(code), reason.encode())

    def abort(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._reason = self._reason or "dropped by this side"
            self._transport.disconnect(graceful=False)


async def dial(url: str, handler: FrameHandler, *, timeout: float, tls: ssl.SSLContext | None) -> PicowsConnection:
    """Open a connection; a ``Dialer``.

    Raises:
        ConnectFailed: Refused, timed out, no WebSocket there, or a certificate that does not fit.
    """
    connection = PicowsConnection(handler)
    opened: list[socket.socket] = []

    async def open_socket(address: WSParsedURL) -> socket.socket:
        opened.append(await _connected_socket(address))
        return opened[-1]

    try:
        async with asyncio.timeout(timeout):
            await ws_connect(
                lambda: connection,
                url,
                socket_factory=open_socket,
                ssl_context=tls,
                websocket_handshake_timeout=timeout,
                enable_auto_pong=False,  # the session answers, within its message budget
                max_frame_size=MAX_FRAME_BYTES,
            )
    except WSHandshakeError as error:
        status = None if error.response is None else int(error.response.status)
        retry_after = None if error.response is None else error.response.headers.get("Retry-After")
        if status is None:
            raise ConnectFailed(f"{url}: no WebSocket there ({error})", url=url) from error
        seconds = float(retry_after) if retry_after is not None and retry_after.isdigit() else None
        raise handshake_refused(url, status, seconds) from error
    except TimeoutError as error:
        raise ConnectFailed(f"{url}: no answer within {timeout:g} s", url=url) from error
    except ssl.SSLError as error:
        raise ConnectFailed(f"{url}: TLS failed ({error})", url=url) from error
    except (OSError, WSError, ValueError) as error:
        raise ConnectFailed(f"{url}: {error}", url=url) from error
    finally:
        if connection.is_unused:
            await _give_up(opened)
    if connection.is_unused:  # picows takes a socket that closes before its answer for a connection
        raise ConnectFailed(f"{url}: the other side closed the socket instead of answering the handshake", url=url)
    return connection


async def _connected_socket(address: WSParsedURL) -> socket.socket:
    """A socket connected to the first address that answers."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    problem: OSError = OSError(f"no address for {address.host}")
    for family, kind, protocol, _, where in found:
        candidate = socket.socket(family, kind, protocol)
        candidate.setblocking(False)
        try:
            await loop.sock_connect(candidate, where)
        except OSError as error:
            candidate.close()
            problem = error
        except BaseException:
            candidate.close()
            raise
        else:
            return candidate
    raise problem


async def _give_up(opened: list[socket.socket]) -> None:
    """End the sockets of a dial that failed or was cancelled: picows leaves them to their handshake otherwise.

    Their transports close by themselves once they see the end of the stream, a few turns of the loop later.
    """
    for each in opened:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
    for _ in range(_TURNS_TO_CLOSE if opened else 0):
        await asyncio.sleep(0)
