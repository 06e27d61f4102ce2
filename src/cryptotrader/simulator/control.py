"""The control socket: one JSON object a line in, one out, on loopback only.

``{"command": "fault", "fault": "drop", "connection": "stream"}`` · ``{"command": "clear"}`` ·
``{"command": "status"}`` · ``{"command": "stop"}`` · ``{"command": "revoke", "api_key": …}`` ·
``{"command": "deposit", "uid": 1001, "asset": "BTC", "amount": "1"}``, and so ``withdraw``, ``lock`` and ``unlock``
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import msgspec

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator.faults import Fault, make_fault

_LONGEST_LINE = 65_536
_BALANCE_CHANGES = ("deposit", "withdraw", "lock", "unlock")
_COMMANDS = ("fault", "clear", "status", "stop", "revoke", *_BALANCE_CHANGES)
T = TypeVar("T")


class Controlled(Protocol):
    """What commands act on."""

    def apply(self, fault: Fault) -> None:
        """Let something go wrong."""

    def clear_faults(self) -> None:
        """Take lasting faults out of force."""

    def status(self) -> dict[str, Any]:
        """How things stand."""

    def request_stop(self) -> None:
        """Begin to stop."""

    def revoke(self, api_key: str) -> None:
        """Take a key out of force."""

    def deposit(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Add to a balance."""

    def withdraw(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Take from a balance."""

    def lock(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Lock a part of a balance."""

    def unlock(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Free what was locked."""


class Revocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fields of ``revoke``."""

    api_key: str


class BalanceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fields of the commands that change a balance."""

    uid: int
    asset: str
    amount: str


def answer(exchange: Controlled, line: bytes) -> dict[str, Any]:
    """Carry out one command; tells what came of it."""
    try:
        fields = msgspec.json.decode(line, type=dict[str, Any])
        return {"ok": True, **_obey(exchange, str(fields.pop("command", "")), fields)}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return {"ok": False, "error": f"not a JSON object: {error}"}
    except ConfigurationError as error:
        return {"ok": False, "error": str(error)}


def _obey(exchange: Controlled, command: str, fields: dict[str, Any]) -> dict[str, Any]:
    if command == "fault":
        exchange.apply(make_fault(str(fields.pop("fault", "")), fields))
        return {}
    if command == "revoke":
        exchange.revoke(_convert(command, fields, Revocation).api_key)
        return {}
    if command in _BALANCE_CHANGES:
        change = _convert(command, fields, BalanceChange)
        getattr(exchange, command)(change.uid, change.asset, change.amount)
        return {}
    if fields:
        raise ConfigurationError(f"{command}: unknown fields {', '.join(sorted(fields))}")
    if command == "status":
        return exchange.status()
    if command == "clear":
        exchange.clear_faults()
    elif command == "stop":
        exchange.request_stop()
    else:
        raise ConfigurationError(f"unknown command {command!r}; there are {', '.join(_COMMANDS)}")
    return {}


def _convert(command: str, fields: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{command}: {error}") from error


class ControlConnection(asyncio.Protocol):
    """One client of the control socket."""

    def __init__(self, exchange: Controlled, connections: set[asyncio.BaseTransport]) -> None:
        self._exchange = exchange
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client is gone."""
        if self._transport is not None:
            self._connections.discard(self._transport)
            self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer each whole line."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            if line.strip() and self._transport is not None:
                self._transport.write(msgspec.json.encode(answer(self._exchange, line)) + b"\n")
        if len(self._pending) > _LONGEST_LINE and self._transport is not None:
            self._transport.abort()


class ControlSocket:
    """Listens on loopback for commands.

    Args:
        exchange: What the commands act on.
        port: Port to bind; 0 takes a free one.
    """

    def __init__(self, exchange: Controlled, port: int) -> None:
        self._exchange = exchange
        self.port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.BaseTransport] = set()

    async def listen(self) -> None:
        """Bind the port.

        Raises:
            OSError: The port is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: ControlConnection(self._exchange, self._connections), "127.0.0.1", self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end all connections, answers on their way excepted."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for transport in tuple(self._connections):
            transport.close()
        await asyncio.sleep(0)
