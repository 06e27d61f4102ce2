"""``cryptotrader simulator`` with its accounts: keys that are printed and written, and a state that is kept."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time

from cryptotrader import credentials
from cryptotrader.credentials import HmacKey
from cryptotrader.protocol.signing import signature_payload
from cryptotrader.transport.picows import dial

LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "90000", "quantity": "0.5"}


class OneRequest:
    """A connection for one signed request."""

    def __init__(self):
        self.reply = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()

    def on_frame(self, payload, received_ns):
        self.reply.set_result(json.loads(payload))

    def on_ping(self, payload):
        raise AssertionError("too early for a ping")

    on_pong = on_ping

    def on_closed(self, reason):
        self.closed.set()


def ask(port, key, method, **params):
    """The result of one signed request."""
    params |= {"timestamp": time.time_ns() // 1000, "apiKey": key.api_key}
    params["signature"] = key.sign(signature_payload(params))

    async def run():
        client = OneRequest()
        transport = await dial(f"ws://127.0.0.1:{port}/ws-api/v3", client, timeout=5, tls=None)
        transport.send(json.dumps({"id": 1, "method": method, "params": params}).encode())
        reply = await asyncio.wait_for(client.reply, 5)
        transport.close()
        await asyncio.wait_for(client.closed.wait(), 5)
        return reply

    reply = asyncio.run(run())
    assert reply["status"] == 200, reply
    return reply["result"]


class Server:
    """The command as a process."""

    def __init__(self, *arguments):
        command = [
            sys.executable,
            "-m",
            "cryptotrader",
            "simulator",
            "--port",
            "0",
            "--rate",
            "0",
            *map(str, arguments),
        ]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=10)

    def lines(self, count):
        return [self.process.stderr.readline().rstrip() for _ in range(count)]


def test_keys_are_printed_and_written_and_open_the_exchange(tmp_path):
    with Server("--keys", tmp_path / "keys") as server:
        listening, account, hmac, ed25519, rsa, other, *_ = server.lines(9)
        port = int(re.search(r"127\.0\.0\.1:(\d+)", listening)[1])
        assert account == "demonstration account 1001; its keys are no secrets, they work on this exchange only:"
        assert other.startswith("demonstration account 1002;")
        name, secret = re.fullmatch(r"  HMAC     (\w{64}) secret (\w{64})", hmac).groups()
        keys = [HmacKey(name, secret)]
        for line in (ed25519, rsa):
            name, path = re.fullmatch(r"  (?:ED25519|RSA) +(\w{64}) in (.+)", line).groups()
            keys.append(credentials.from_file(path, api_key=name))
        assert [ask(port, key, "account.status")["uid"] for key in keys] == [1001] * 3


def test_orders_are_found_again_after_a_restart(tmp_path):
    placed = []
    for _ in range(2):
        with Server("--state", tmp_path / "state") as server:
            listening, _, hmac, *_ = server.lines(7)
            port = int(re.search(r"127\.0\.0\.1:(\d+)", listening)[1])
            key = HmacKey(*re.fullmatch(r"  HMAC     (\w{64}) secret (\w{64})", hmac).groups())
            if not placed:
                placed.append(ask(port, key, "order.place", **LIMIT))
            (order,) = ask(port, key, "openOrders.status")
            assert order["orderId"] == placed[0]["orderId"]
