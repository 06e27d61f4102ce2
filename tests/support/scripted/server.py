"""The server of the scripted exchange: streams and WebSocket API on one port of this machine.

Source: Binance Spot documentation, "General WSS information" and "General API information".
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from scripted.checking import (
    MOST_STREAMS,
    Asked,
    Keys,
    Malformed,
    request_of,
    wrong_command,
    wrong_parameters,
    wrong_streams,
    wrong_time,
)
from scripted.parameters import SIGNED
from scripted.replies import BAD_SIGNATURE, LOGGED_OFF, LOGGED_ON, OUT_OF_TIME, REPLIES, SUBSCRIBED, done, filled_in

API_PATH = "/ws-api/v3"
STREAM_PATHS = ("/ws", "/stream")
MESSAGES_A_SECOND = 5
_OWN_IDS = ("leg-1", "leg-2", "leg-3")
_LEG_IDS = [
    f"{leg}ClientOrderId"
    for leg in "limit stop above below working pending pendingAbove pendingBelow".split()  # noqa: SIM905
]
SILENT = ""
"""A script's answer that never comes."""


class _Connection(ServerConnection):
    """A connection that keeps the pongs it is sent, and counts every frame."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.pongs: list[bytes] = []
        self.frames = 0

    def process_event(self, event: Any) -> None:
        """Note the frame, and go on as usual."""
        if isinstance(event, Frame):
            self.frames += 1
            if event.opcode is Opcode.PONG:
                self.pongs.append(bytes(event.data))
        super().process_event(event)


@dataclass(eq=False)
class Client:
    """One open connection.

    Attributes:
        socket: Its WebSocket.
        path: The path of its URL.
        query: The query of its URL, by name.
        number: Its number, counted from 1.
        opened_at: When it was opened, in milliseconds.
        is_combined: Whether events are wrapped with their stream's name.
        streams: The streams that it is subscribed to.
        logged_on_as: The API key of its session.
        asked: What it asked.
    """

    socket: _Connection
    path: str
    query: dict[str, list[str]]
    number: int
    opened_at: int
    is_combined: bool = False
    streams: set[str] = field(default_factory=set)
    logged_on_as: str | None = None
    asked: list[Asked] = field(default_factory=list)

    @property
    def is_api(self) -> bool:
        """Whether it is one of the WebSocket API."""
        return self.path == API_PATH


class ScriptedExchange:
    """Answers as the documentation shows it, or as a test says; what a client does against the documentation is told.

    Args:
        now_ms: The exchange's time, in milliseconds.
        keys: The keys that it knows.

    Attributes:
        now_ms: The exchange's time, in milliseconds.
        violations: What clients did that the documentation does not allow; a test fails with them at its end.
        asked: All that was asked, in the order in which it came.
        clients: The connections that are open.
    """

    def __init__(self, now_ms: Callable[[], int], keys: Keys | None = None) -> None:
        self.now_ms = now_ms
        self._keys = keys or Keys()
        self._script: defaultdict[str, deque[str]] = defaultdict(deque)
        self._server: Server | None = None
        self._connections = 0
        self._legs = dict(zip(("first", "second", "third"), _OWN_IDS, strict=True))
        self.violations: list[str] = []
        self.asked: list[Asked] = []
        self.clients: list[Client] = []

    # --------------------------------------------------------------------------------------------------- for the test

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        assert self._server is not None
        return next(iter(self._server.sockets)).getsockname()[1]

    def answers(self, method: str, *texts: str) -> None:
        """The answers of a method's next requests, one each; after them it is answered as documented again."""
        self._script[method].extend(texts)

    def requests(self, method: str) -> list[Asked]:
        """What a method was asked."""
        return [asked for asked in self.asked if asked.method == method]

    @property
    def apis(self) -> list[Client]:
        """The open connections of the WebSocket API."""
        return [client for client in self.clients if client.is_api]

    def subscribed(self, stream: str) -> list[Client]:
        """The open connections that are subscribed to a stream."""
        return [client for client in self.clients if stream in client.streams]

    async def tell(self, stream: str, payload: str) -> None:
        """Send a market event to who is subscribed to its stream, wrapped where the connection wants it so."""
        for client in self.subscribed(stream):
            text = f'{{"stream":{json.dumps(stream)},"data":{payload}}}' if client.is_combined else payload
            await client.socket.send(text)

    async def send(self, client: Client, text: str) -> None:
        """Send any text."""
        await client.socket.send(text)

    async def ping(self, client: Client, payload: bytes) -> None:
        """Ping; ``client.socket.pongs`` tells whether it was answered with the same payload."""
        await client.socket.ping(payload)

    async def cut(self, client: Client) -> None:
        """End a connection without a closing handshake."""
        client.socket.transport.abort()
        await client.socket.wait_closed()

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._admit,
            create_connection=_Connection,
            ping_interval=None,
            compression=None,
            close_timeout=1,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        if kind is None:
            assert not self.violations, self.violations

    # -------------------------------------------------------------------------------------------------------- serving

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        known = parts.path in {API_PATH, *STREAM_PATHS} or parts.path.startswith("/ws/")
        if known:
            return None
        self.violations.append(f"{request.path} is no documented path")
        return socket.respond(HTTPStatus.NOT_FOUND, "no such path\n")

    async def _serve(self, socket: ServerConnection) -> None:
        assert isinstance(socket, _Connection)
        assert socket.request is not None
        parts = urlsplit(socket.request.path)
        self._connections += 1
        query = parse_qs(parts.query.replace("+", "%2B"))
        client = Client(socket, parts.path, query, self._connections, self.now_ms(), parts.path == "/stream")
        names = query.get("streams", [""])[0] if client.is_combined else unquote(parts.path.removeprefix("/ws"))[1:]
        self._subscribe(client, [name for name in names.split("/") if name] if not client.is_api else [])
        self.clients.append(client)
        try:
            async for text in socket:
                await self._take(client, text)
        except ConnectionClosed:
            pass  # it was cut
        except Exception as error:
            self.violations.append(f"the witness itself failed: {error!r}")  # or who waits for an answer would not know
            raise
        finally:
            self.clients.remove(client)

    def _subscribe(self, client: Client, names: list[str]) -> None:
        self.violations += wrong_streams(names)
        client.streams |= set(names)
        if len(client.streams) > MOST_STREAMS:
            self.violations.append(f"{len(client.streams)} streams on one connection")

    async def _take(self, client: Client, text: str | bytes) -> None:
        if not isinstance(text, str):
            self.violations.append(f"a binary frame: {text!r}")
            return
        try:
            asked = request_of(text, client.number)
        except Malformed as why:
            self.violations.append(str(why))
            return
        self.asked.append(asked)
        client.asked.append(asked)
        answer = self._request(client, asked) if client.is_api else self._command(client, asked)
        if answer != SILENT:
            await client.socket.send(self._filled_in(client, asked, answer))

    def _command(self, client: Client, asked: Asked) -> str:
        seconds = (self.now_ms() - client.opened_at) / 1000
        if client.socket.frames > MESSAGES_A_SECOND * (1 + seconds):
            self.violations.append(f"{client.socket.frames} messages in {seconds} s")
        self.violations += wrong_command(asked)
        if self._script[asked.method]:
            return self._script[asked.method].popleft()
        if asked.method == "SUBSCRIBE":
            self._subscribe(client, asked.params)
        elif asked.method == "UNSUBSCRIBE":
            client.streams -= set(asked.params)
        return SUBSCRIBED

    def _request(self, client: Client, asked: Asked) -> str:
        wrong = list(wrong_parameters(asked))
        if asked.method in SIGNED and not wrong:
            if "timestamp" not in asked.params:
                wrong.append(f"{asked.method}: timestamp is mandatory")
            elif why := self._keys.wrong_signature(asked, client.logged_on_as):
                self.violations.append(why)
                return BAD_SIGNATURE
            elif wrong_time(asked.params, self.now_ms()):
                return OUT_OF_TIME
        self.violations += wrong
        if asked.method == "userDataStream.subscribe" and client.logged_on_as is None:
            self.violations.append(f"{asked.method}: nobody is logged on")
        if self._script[asked.method]:
            return self._script[asked.method].popleft()
        if asked.method == "session.logon":
            client.logged_on_as = asked.params["apiKey"]
        elif asked.method == "session.logout":
            client.logged_on_as = None
        elif asked.method == "session.status":
            return done(LOGGED_OFF if client.logged_on_as is None else LOGGED_ON)
        return REPLIES[asked.method]

    def _filled_in(self, client: Client, asked: Asked, answer: str) -> str:
        params = asked.params if isinstance(asked.params, dict) else {}
        if asked.method.startswith("orderList.place"):
            named = [params[name] for name in _LEG_IDS if name in params]
            self._legs = dict(zip(("first", "second", "third"), [*named, *_OWN_IDS][:3], strict=True))
        values = {
            "clientOrderId": params.get("origClientOrderId", "mine-1"),
            "newClientOrderId": "made-by-exchange",
            "listClientOrderId": "list-1",
            **self._legs,
            **params,
            "id": json.dumps(asked.id),
            "now": self.now_ms(),
            "loggedOnAs": client.logged_on_as,
        }
        return filled_in(answer, values)
