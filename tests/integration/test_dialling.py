"""Every way in which a connection cannot be opened, against far ends that do no more than a script says."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import asynccontextmanager

import pytest
from picows import WSCloseCode, WSListener, WSMsgType, ws_create_server

from cryptotrader.errors import ConnectFailed
from cryptotrader.transport import picows
from cryptotrader.transport.picows import dial
from waiting import PATIENCE, soon, until


class Quiet:
    """A ``FrameHandler`` that remembers."""

    def __init__(self):
        self.frames, self.pings, self.pongs = [], [], []
        self.closed = asyncio.get_running_loop().create_future()
        self.came = asyncio.Event()

    def on_frame(self, payload, received_ns):
        self.frames.append(payload)
        self.came.set()

    def on_ping(self, payload):
        self.pings.append(payload)

    def on_pong(self, payload):
        self.pongs.append(payload)
        self.came.set()

    def on_closed(self, reason):
        self.closed.set_result(reason)


@asynccontextmanager
async def far_end(script):
    """A port at which each connection is given to a script, once it has sent its handshake; and what was asked."""
    asked, writers = [], []

    async def serve(reader, writer):
        writers.append(writer)
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            await script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went first
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/stream", asked
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await soon(asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True))


def says(data):
    async def script(reader, writer):
        writer.write(data)
        await writer.drain()
        await reader.read()  # until the client leaves

    return script


async def failure(url, *, timeout=PATIENCE, tls=None):
    """The error of a dial."""
    handler = Quiet()
    with pytest.raises(ConnectFailed, match="://") as raised:
        await dial(url, handler, timeout=timeout, tls=tls)
    assert not handler.closed.done()  # nothing was open
    assert raised.value.url == url
    return raised.value


def response(status, *headers, body=b""):
    head = [f"HTTP/1.1 {status} Text", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 451, 500, 502, 503])
async def test_a_handshake_that_is_refused_tells_its_status(status):
    async with far_end(says(response(status, body=b'{"code":-1,"msg":"no"}'))) as (url, asked):
        error = await failure(url)

    assert (error.status, error.retry_after) == (status, None)
    assert str(error) == f"{url}: refused with HTTP status {status}"
    assert error.__cause__ is not None
    assert asked[0].startswith(b"GET /stream HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("told", "seconds"), [("30", 30.0), ("soon", None), ("-5", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
async def test_a_ban_tells_how_long_to_wait_where_the_server_says_it_in_seconds(told, seconds):
    async with far_end(says(response(418, f"Retry-After: {told}"))) as (url, _):
        error = await failure(url)

    assert (error.status, error.retry_after) == (418, seconds)
    until = "" if seconds is None else "; send nothing for 30 s"
    assert str(error) == f"{url}: this address is banned with HTTP status 418{until}"


UPGRADED = ("Upgrade: websocket", "Connection: Upgrade")


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"\x00\xff\xfe\x01" * 16 + b"\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        response(101),
        response(101, *UPGRADED),
        response(101, *UPGRADED, "Sec-WebSocket-Accept: bm90IHRoZSBhbnN3ZXI="),
        b"\x81\x02{}\r\n\r\n",
    ],
    ids=["text", "bytes", "no number", "no status", "ssh", "no upgrade", "no proof", "wrong proof", "a frame"],
)
async def test_what_answers_with_something_else_is_no_websocket(answer):
    async with far_end(says(answer)) as (url, _):
        error = await failure(url)

    assert error.retry_after is None
    assert error.__cause__ is not None


async def leaves(reader, writer):
    """Close without an answer."""


async def leaves_in_the_middle(reader, writer):
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgr")
    await writer.drain()


async def resets(reader, writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize("script", [leaves, leaves_in_the_middle, resets])
async def test_a_far_end_that_leaves_before_it_has_answered_is_told(script):
    async with far_end(script) as (url, _):
        error = await failure(url)

    assert error.status is None
    assert "the other side closed the socket instead of answering the handshake" in str(error)


async def test_a_far_end_that_never_answers_is_left_after_the_time_for_it():
    async with far_end(says(b"HTTP/1.1 101 ")) as (url, _):
        error = await failure(url, timeout=0.05)

    assert str(error) == f"{url}: no answer within 0.05 s"


async def test_a_port_on_which_nobody_listens_refuses():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = await failure(f"ws://127.0.0.1:{taken.getsockname()[1]}/stream")

    assert isinstance(error.__cause__, ConnectionRefusedError)


async def test_a_plain_server_is_no_tls_server():
    async def answers_in_clear(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answers_in_clear, "127.0.0.1", 0)
    async with server:
        url = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}/stream"
        error = await failure(url, tls=ssl.create_default_context())

    assert str(error).startswith(f"{url}: TLS failed (")
    assert isinstance(error.__cause__, ssl.SSLError)


# ---------------------------------------------------------------------------------------------------------- addresses


def resolves_to(monkeypatch, answer):
    async def getaddrinfo(host, port, **options):
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", where) for where in answer]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_a_name_that_cannot_be_resolved_is_told(monkeypatch):
    resolves_to(monkeypatch, socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    error = await failure("ws://nobody.invalid/stream")

    assert "Name or service not known" in str(error)


async def test_a_name_without_any_address_is_told(monkeypatch):
    resolves_to(monkeypatch, [])
    error = await failure("ws://nobody.invalid/stream")

    assert str(error) == "ws://nobody.invalid/stream: no address for nobody.invalid"


@pytest.mark.parametrize("url", ["ws://127.0.0.1:99999/", f"ws://{'x' * 70}.invalid/", "http://127.0.0.1/"])
async def test_an_address_that_is_none_is_told(url):
    with pytest.raises(ConnectFailed, match="://"):
        await dial(url, Quiet(), timeout=PATIENCE, tls=None)


class Speaks(WSListener):
    """A far end that grants the handshake and then does what a script says."""

    def __init__(self, script):
        self._script = script
        self.heard = []

    def on_ws_connected(self, transport):
        self._script(transport)

    def on_ws_frame(self, transport, frame):
        self.heard.append((frame.msg_type, frame.get_payload_as_bytes()))
        if frame.msg_type is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()


@asynccontextmanager
async def connected(script=lambda _: None):
    """An open connection: this side's handler and transport, and the far end."""
    far = Speaks(script)
    server = await ws_create_server(lambda _: far, "127.0.0.1", 0, enable_auto_pong=False)
    async with server:
        handler = Quiet()
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        transport = await dial(url, handler, timeout=PATIENCE, tls=None)
        try:
            yield handler, transport, far
        finally:
            transport.abort()
            await soon(handler.closed)


async def test_the_first_address_that_answers_is_taken(monkeypatch):
    server = await ws_create_server(lambda _: Speaks(lambda _: None), "127.0.0.1", 0)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        resolves_to(monkeypatch, [deaf.getsockname(), server.sockets[0].getsockname()])
        handler = Quiet()
        async with server:
            transport = await dial("ws://two.invalid/", handler, timeout=PATIENCE, tls=None)
            assert not transport.is_unused
            transport.abort()
            assert await soon(handler.closed) == "dropped by this side"


async def test_a_dial_that_is_cancelled_leaves_no_socket(monkeypatch):
    loop, tried = asyncio.get_running_loop(), asyncio.Event()

    async def sock_connect(candidate, where):
        tried.set()
        await loop.create_future()

    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    dialling = asyncio.ensure_future(dial("ws://127.0.0.1:1/", Quiet(), timeout=PATIENCE, tls=None))
    await soon(tried.wait())
    dialling.cancel()
    await soon(asyncio.wait([dialling]))
    assert dialling.cancelled()
    # that no socket is left is looked at after every test


# ----------------------------------------------------------------------------------------------------- once it is open


async def test_a_close_frame_of_the_server_is_answered_and_told():
    def says_goodbye(transport):
        transport.send(WSMsgType.TEXT, b"last")
        transport.send_close(WSCloseCode.GOING_AWAY, b"maintenance")

    async with connected(says_goodbye) as (handler, _, far):
        assert await soon(handler.closed) == "closed by the server: 1001 maintenance"
        assert handler.frames == [b"last"]
        await until(lambda: far.heard)
        assert far.heard[0][0] is WSMsgType.CLOSE


@pytest.mark.parametrize(
    ("payload", "told"),
    [(b"\x03\xe8", "1000"), (b"", "no code"), (b"\x0f\xa1own", "4001 own")],
    ids=["no text", "nothing", "own code"],
)
async def test_a_close_frame_of_any_content_is_told(payload, told):
    async with connected(lambda transport: transport.send(WSMsgType.CLOSE, payload)) as (handler, _, _):
        assert await soon(handler.closed) == f"closed by the server: {told}"


async def test_a_socket_that_ends_without_a_word_is_told():
    async with connected(lambda transport: transport.disconnect()) as (handler, _, _):
        assert await soon(handler.closed) == "the socket was closed"


async def test_a_message_whose_parts_are_too_long_together_ends_the_connection(monkeypatch):
    monkeypatch.setattr(picows, "MAX_FRAME_BYTES", 1_000)

    def goes_on_and_on(transport):
        transport.send(WSMsgType.TEXT, b"x" * 600, False)
        transport.send(WSMsgType.CONTINUATION, b"x" * 600, False)

    async with connected(goes_on_and_on) as (handler, _, _):
        assert await soon(handler.closed) == "a message is longer than 1000 bytes"
        assert handler.frames == []


async def test_messages_after_a_long_one_begin_anew(monkeypatch):
    monkeypatch.setattr(picows, "MAX_FRAME_BYTES", 1_000)

    def sends_parts(transport):
        for letter in (b"a", b"b"):
            transport.send(WSMsgType.TEXT, letter * 500, False)
            transport.send(WSMsgType.CONTINUATION, letter * 500, True)

    async with connected(sends_parts) as (handler, _, _):
        await until(lambda: len(handler.frames) == 2)
        assert handler.frames == [b"a" * 1_000, b"b" * 1_000]


async def test_pings_and_pongs_go_both_ways_and_nothing_after_the_end():
    async with connected(lambda transport: transport.send_ping(b"one")) as (handler, transport, far):
        await until(lambda: handler.pings)
        assert handler.pings == [b"one"]
        transport.pong(b"one")
        transport.ping(b"two")
        transport.send(b"three")
        await until(lambda: len(far.heard) == 3)
        assert far.heard == [(WSMsgType.PONG, b"one"), (WSMsgType.PING, b"two"), (WSMsgType.TEXT, b"three")]
        transport.close(1000, "done")
        assert await soon(handler.closed) == "closed by this side"
        for call in (transport.send, transport.ping, transport.pong):
            call(b"late")
        transport.close()
        transport.abort()
        assert len(far.heard) == 4


async def test_a_pong_of_the_server_is_handed_on():
    async with connected(lambda transport: transport.send_pong(b"unasked")) as (handler, _, _):
        await until(lambda: handler.pongs)
        assert handler.pongs == [b"unasked"]
