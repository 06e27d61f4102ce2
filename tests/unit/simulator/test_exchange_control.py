"""The commands of the control socket, without the socket; and the socket's connections, without a port."""

from __future__ import annotations

import asyncio
import json

import pytest

from cryptotrader.simulator import LocalExchange
from cryptotrader.simulator.control import ControlConnection, ControlSocket, answer


class Obeying:
    """What commands act on: it remembers them."""

    def __init__(self):
        self.done = []

    def apply(self, fault):
        self.done.append(("fault", fault.fault.value, fault.stream))

    def clear_faults(self):
        self.done.append(("clear",))

    def status(self):
        self.done.append(("status",))
        return {"trades": 7}

    def request_stop(self):
        self.done.append(("stop",))

    def revoke(self, api_key):
        self.done.append(("revoke", api_key))

    def deposit(self, uid, asset, amount):
        self.done.append(("deposit", uid, asset, amount))

    def withdraw(self, uid, asset, amount):
        self.done.append(("withdraw", uid, asset, amount))

    def lock(self, uid, asset, amount):
        self.done.append(("lock", uid, asset, amount))

    def unlock(self, uid, asset, amount):
        self.done.append(("unlock", uid, asset, amount))


CHANGE = {"uid": 1001, "asset": "BTC", "amount": "1.5"}


@pytest.mark.parametrize(
    ("command", "done", "told"),
    [
        ({"command": "fault", "fault": "skip", "stream": "a@trade"}, ("fault", "skip", "a@trade"), {}),
        ({"command": "clear"}, ("clear",), {}),
        ({"command": "status"}, ("status",), {"trades": 7}),
        ({"command": "stop"}, ("stop",), {}),
        ({"command": "revoke", "api_key": "k"}, ("revoke", "k"), {}),
        *(({"command": name} | CHANGE, (name, 1001, "BTC", "1.5"), {}) for name in ("deposit", "withdraw", "lock")),
        ({"command": "unlock"} | CHANGE, ("unlock", 1001, "BTC", "1.5"), {}),
    ],
)
def test_a_command_is_carried_out_and_answered(command, done, told):
    exchange = Obeying()

    assert answer(exchange, json.dumps(command).encode()) == {"ok": True} | told
    assert exchange.done == [done]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"drop", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"command":"\xff"}', "not a JSON object"),
        (b"{}", "unknown command ''; there are fault, clear, status, stop, revoke, deposit, withdraw, lock, unlock"),
        (b'{"command":"jump"}', "unknown command 'jump'"),
        (b'{"command":"status","of":1,"and":2}', "status: unknown fields and, of"),
        (b'{"command":"jump","of":1}', "jump: unknown fields of"),
        (b'{"command":"fault"}', "fault ''"),
        (b'{"command":"fault","fault":"drop","kind":1}', "unknown field `kind`"),
        (b'{"command":"revoke"}', "revoke: Object missing required field `api_key`"),
        (b'{"command":"revoke","api_key":5}', "revoke: Expected `str`"),
        (b'{"command":"deposit","uid":1,"asset":"BTC"}', "deposit: Object missing required field `amount`"),
        (b'{"command":"lock","uid":1,"asset":"BTC","amount":"1","x":1}', "lock: Object contains unknown field `x`"),
    ],
)
def test_what_is_no_command_is_told_and_nothing_is_done(line, problem):
    exchange = Obeying()
    told = answer(exchange, line)

    assert told["ok"] is False
    assert problem in told["error"]
    assert exchange.done == []


@pytest.mark.parametrize("amount", ["much", "-1", "0", "0.000000001", "NaN"])
async def test_the_exchange_s_own_refusals_are_told_too(amount):
    exchange = LocalExchange(["BTCUSDT"], port=None, rate=0)
    told = answer(exchange, json.dumps({"command": "deposit"} | CHANGE | {"amount": amount}).encode())

    assert told == {"ok": False, "error": f"'{amount}' is not a positive amount of at most eight decimals"}


class Wire(asyncio.Transport):
    """The transport of a control connection."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.aborted = False

    def write(self, data):
        self.written += data

    def abort(self):
        self.aborted = True


def joined():
    connections, wire, exchange = set(), Wire(), Obeying()
    connection = ControlConnection(exchange, connections)
    connection.connection_made(wire)
    assert connections == {wire}
    return connection, wire, exchange, connections


def test_lines_are_answered_one_by_one_however_they_arrive():
    connection, wire, exchange, _ = joined()
    connection.data_received(b'{"command":"clear"}\n\n  \n{"command":"sta')
    assert wire.written == b'{"ok":true}\n'
    connection.data_received(b'tus"}\nnonsense\n')

    assert exchange.done == [("clear",), ("status",)]
    assert [json.loads(line)["ok"] for line in wire.written.splitlines()] == [True, True, False]


def test_a_line_without_an_end_is_not_kept_for_ever():
    connection, wire, _, _ = joined()
    connection.data_received(b"x" * 65_536)
    assert not wire.aborted
    connection.data_received(b"x")

    assert wire.aborted


def test_a_connection_that_is_gone_gets_no_answer():
    connection, wire, exchange, connections = joined()
    connection.connection_lost(None)
    connection.connection_lost(None)
    connection.data_received(b'{"command":"clear"}\n' + b"x" * 70_000)

    assert (wire.written, wire.aborted, connections, exchange.done) == (b"", False, set(), [])


async def test_a_socket_that_never_listened_is_closed_without_more():
    socket = ControlSocket(Obeying(), 0)
    await socket.close()

    assert socket.port == 0
