"""Faults, status and stop over the control socket."""

from __future__ import annotations

import asyncio
import json

from cryptotrader.simulator import LocalExchange
from waiting import soon


class Control:
    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    async def ask(self, line):
        self._writer.write((line if isinstance(line, str) else json.dumps(line)).encode() + b"\n")
        return json.loads(await soon(self._reader.readline()))

    async def close(self):
        self._writer.close()
        await self._writer.wait_closed()


async def control_of(exchange):
    return Control(*await asyncio.open_connection("127.0.0.1", exchange.control_port))


async def test_commands_and_their_answers():
    async with LocalExchange(["BTCUSDT"], rate=0, control_port=0) as exchange:
        control = await control_of(exchange)
        assert await control.ask({"command": "fault", "fault": "skip", "stream": "btcusdt@trade", "count": 3}) == {
            "ok": True
        }
        status = await control.ask({"command": "status"})
        assert status.pop("faults")[0]["count"] == 3
        assert status == {"ok": True, "port": exchange.port, "symbols": ["BTCUSDT"], "connections": 0, "trades": 0}
        assert await control.ask({"command": "clear"}) == {"ok": True}
        assert (await control.ask({"command": "status"}))["faults"] == []
        for wrong, problem in [
            ("drop", "not a JSON object"),
            ("[]", "not a JSON object"),
            ({}, "unknown command ''"),
            ({"command": "jump"}, "unknown command 'jump'"),
            ({"command": "status", "of": "what"}, "status: unknown fields of"),
            ({"command": "fault"}, "fault ''"),
            ({"command": "fault", "fault": "drop", "kind": 1}, "unknown field `kind`"),
        ]:
            answer = await control.ask(wrong)
            assert answer["ok"] is False
            assert problem in answer["error"]
        await control.close()


async def test_several_commands_in_one_write_and_one_in_several():
    async with LocalExchange(["BTCUSDT"], rate=0, control_port=0) as exchange:
        control = await control_of(exchange)
        first = await control.ask('{"command":"clear"}\n{"command":"status"}')
        assert first == {"ok": True}
        assert (await control.ask(" "))["symbols"] == ["BTCUSDT"]
        control._writer.write(b'{"command"')
        other = await control_of(exchange)
        assert await other.ask({"command": "clear"}) == {"ok": True}  # so the exchange has read what came before
        assert await control.ask(':"clear"}') == {"ok": True}
        await control.close()
        await other.close()


async def test_the_exchange_can_be_stopped():
    exchange = LocalExchange(["BTCUSDT"], rate=0, control_port=0)
    await exchange.start()
    control = await control_of(exchange)
    assert await control.ask({"command": "stop"}) == {"ok": True}
    await soon(exchange.wait_ended())
    assert await soon(control._reader.read()) == b""
    await control.close()
    await exchange.stop()
