"""The exchange's connections over sockets, by picows.

Frames of a server are not masked, so many of them are put together here and leave in one write.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus

from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from cryptotrader.transport.serving import TORN_FRAME, PlainAnswer, Refusal, ServerHandler, text_frames

_DATA = (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION)
_MAX_CLIENT_MESSAGE = 1024 * 1024
_JSON = "application/json;charset=UTF-8"


class PicowsServerConnection(WSListener):
    """A ``ServerTransport`` over a picows server connection."""

    def __init__(self, handler: ServerHandler, server: SocketServer) -> None:
        self._handler = handler
        self._server = server
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._reason = ""
        self._frozen = False

    # what picows tells

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport
        self._server.opened(self)
        self._handler.on_connected(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame of the client."""
        if self._frozen:  # what had been read before
            return
        kind = frame.msg_type
        if kind in _DATA:
            self._take_data(transport, frame)
        elif kind is WSMsgType.PING:
            self._handler.on_ping(frame.get_payload_as_bytes())
        elif kind is WSMsgType.PONG:
            self._handler.on_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            self._reason = "closed by the client"
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        """The socket is closed."""
        self._transport = None
        self._server.closed(self)
        self._handler.on_closed(self._reason or "the socket was closed")

    def pause_writing(self) -> None:
        """The client reads more slowly than it is sent to; the exchange watches ``buffered``."""

    def resume_writing(self) -> None:
        """The client has caught up."""

    def _take_data(self, transport: WSTransport, frame: WSFrame) -> None:
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > _MAX_CLIENT_MESSAGE:
            self._reason = "a message of the client is too long"
            transport.disconnect(graceful=False)
        elif frame.fin:
            payload = b"".join(self._parts)
            self._parts.clear()
            self._handler.on_frame(payload, time.time_ns())

    # ServerTransport

    @property
    def buffered(self) -> int:
        """Bytes that wait in this process because the socket takes no more."""
        return 0 if self._transport is None else int(self._transport.underlying_transport.get_write_buffer_size())

    def send(self, payload: bytes) -> None:
        """Send one text frame."""
        self._send(WSMsgType.TEXT, payload)

    def send_batch(self, payloads: Sequence[bytes]) -> None:
        """Send many text frames with one write."""
        if self._transport is not None:
            self._transport.underlying_transport.write(text_frames(payloads))

    def send_binary(self, payload: bytes) -> None:
        """Send one binary frame."""
        self._send(WSMsgType.BINARY, payload)

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping."""
        self._send(WSMsgType.PING, payload)

    def pong(self, payload: bytes = b"") -> None:
        """Send a pong."""
        self._send(WSMsgType.PONG, payload)

    def _send(self, kind: WSMsgType, payload: bytes) -> None:
        if self._transport is not None:
            self._transport.send(kind, payload)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake."""
        if self._transport is not None:
            self._reason = self._reason or f"closed by this side: {reason}"
            self._transport.send_close(WSCloseCode(code), reason.encode())

    def abort(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._reason = self._reason or "dropped by this side"
            self._transport.disconnect(graceful=False)

    def tear(self) -> None:
        """Announce a frame, send a part of it, and drop the connection."""
        if self._transport is not None:
            self._reason = "dropped in the middle of a frame"
            self._transport.underlying_transport.write(TORN_FRAME)
            self._transport.disconnect()

    def freeze(self) -> None:
        """Read nothing any more, while the connection stays open."""
        self._frozen = True
        if self._transport is not None:
            self._transport.underlying_transport.pause_reading()


class _NoAnswer(WSUpgradeResponse):
    """A handshake that the client waits for in vain."""

    def to_bytes(self) -> bytearray:
        return bytearray()


class _Deaf:
    """Takes what comes after a handshake that got no answer."""

    def on_connected(self, transport: object) -> None:
        """Nothing is served."""

    def on_frame(self, payload: bytes, received_ns: int) -> None:
        """Not listened to."""

    def on_ping(self, payload: bytes) -> None:
        """Not listened to."""

    def on_pong(self, payload: bytes) -> None:
        """Not listened to."""

    def on_closed(self, reason: str) -> None:
        """Nothing was open."""


class SocketServer:
    """Listens for WebSocket connections, and owns those that are open.

    Args:
        admit: Decides on the path and query of a request.
        host: Address to bind.
        port: Port to bind; 0 takes a free one.
        tls: Serve over TLS with this certificate.
        answer_plain: Answers a GET that wants no WebSocket, by its path with query.
    """

    def __init__(
        self,
        admit: Callable[[bytes], ServerHandler | Refusal],
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        answer_plain: Callable[[str], PlainAnswer] | None = None,
    ) -> None:
        self._admit = admit
        self._answer_plain = answer_plain
        self._host = host
        self._tls = tls
        self.port = port
        self._connections: set[PicowsServerConnection] = set()
        self._server: asyncio.Server | None = None
        self._emptied: asyncio.Event | None = None

    async def listen(self) -> None:
        """Bind the port; ``port`` tells which one it is.

        Raises:
            OSError: The port is taken.
        """
        self._server = await ws_create_server(
            self._answer,
            self._host,
            self.port,
            enable_auto_pong=False,
            max_frame_size=_MAX_CLIENT_MESSAGE,
            ssl=self._tls,
            use_aiofastnet=False
            if self._tls
            else None,  # it reports a refused handshake as a type, which asyncio rejects
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Let TCP itself refuse new connections; those that are open stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def close(self, timeout: float = 0.5) -> None:
        """Stop listening, drop all connections, and wait until they are gone."""
        self.stop_listening()
        if not self._connections:
            return
        self._emptied = asyncio.Event()
        for connection in tuple(self._connections):
            connection.abort()
        async with asyncio.timeout(timeout):
            await self._emptied.wait()

    def opened(self, connection: PicowsServerConnection) -> None:
        """A connection is open from now on."""
        self._connections.add(connection)

    def closed(self, connection: PicowsServerConnection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        if not self._connections and self._emptied is not None:
            self._emptied.set()

    def _answer(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        if self._answer_plain is not None and "Upgrade" not in request.headers:
            plain = self._answer_plain(request.path.decode("latin-1"))
            return WSUpgradeResponseWithListener(_plain_response(plain), None)
        admitted = self._admit(request.path)
        if not isinstance(admitted, Refusal):
            return PicowsServerConnection(admitted, self)
        if admitted.status is None:
            return WSUpgradeResponseWithListener(_no_answer(), PicowsServerConnection(_Deaf(), self))
        headers = {"Content-Type": _JSON}
        if admitted.retry_after is not None:
            headers["Retry-After"] = str(admitted.retry_after)
        refused = WSUpgradeResponse.create_error_response(HTTPStatus(admitted.status), admitted.body, headers)
        return WSUpgradeResponseWithListener(refused, None)


def _plain_response(answer: PlainAnswer) -> WSUpgradeResponse:
    response: WSUpgradeResponse = WSUpgradeResponse.create_ok_response(
        answer.body,
        {"Content-Type": _JSON, **answer.headers},
    )
    response.status = HTTPStatus(answer.status)
    return response


def _no_answer() -> _NoAnswer:
    silence, granted = _NoAnswer(), WSUpgradeResponse.create_101_response()
    silence.version, silence.status, silence.headers, silence.body = (
        granted.version,
        granted.status,
        granted.headers,
        None,
    )
    return silence
