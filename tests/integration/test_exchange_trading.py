"""Trading on a running exchange over real sockets: two accounts, keys from files, and control from outside."""

from __future__ import annotations

import asyncio
import json

import pytest

from cryptotrader import credentials
from cryptotrader.errors import ConfigurationError
from cryptotrader.protocol.signing import signature_payload
from cryptotrader.simulator import ExchangeLimits, LocalExchange
from cryptotrader.transport.picows import dial
from waiting import PATIENCE, soon

NOW_US = 1_735_689_600_000_000
"""The time of these exchanges, which stands still: requests are signed by hand, and never too late."""
LIMIT = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "price": "90000", "quantity": "0.5"}


class Client:
    """A connection for requests; keeps replies by id, and events."""

    def __init__(self, key):
        self.key = key
        self.replies = {}
        self.events = []
        self.closed = asyncio.Event()
        self._changed = asyncio.Event()
        self._last_id = 0
        self.transport = None

    async def dial(self, endpoint):
        self.transport = await dial(endpoint.api_url, self, timeout=PATIENCE, tls=None)
        return self

    def on_frame(self, payload, received_ns):
        frame = json.loads(payload)
        if "event" in frame:
            self.events.append(frame["event"])
        else:
            self.replies[frame["id"]] = frame
        self._changed.set()

    def on_ping(self, payload):
        self.transport.pong(payload)

    def on_pong(self, payload):
        pass

    def on_closed(self, reason):
        self.closed.set()

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def send(self, method, **params):
        self._last_id += 1
        self.transport.send(json.dumps({"id": self._last_id, "method": method, "params": params}).encode())
        return self._last_id

    async def ask(self, method, **params):
        number = self.send(method, **params)
        await self.until(lambda: number in self.replies or None in self.replies)
        return self.replies.get(number) or self.replies[None]

    async def signed(self, method, **params):
        params |= {"timestamp": NOW_US // 1000, "apiKey": self.key.api_key}
        reply = await self.ask(method, **params, signature=self.key.sign(signature_payload(params)))
        assert reply["status"] == 200, reply
        return reply["result"]

    async def close(self):
        self.transport.close()
        await soon(self.closed.wait())


async def test_two_accounts_trade_with_each_other(tmp_path):
    async with LocalExchange(["BTCUSDT"], rate=0, clock=lambda: NOW_US) as exchange:
        (_, api_key, path), _ = exchange.demo_keys[0].write(tmp_path)
        buyer = await Client(credentials.from_file(path, api_key=api_key)).dial(exchange.endpoint)
        seller = await Client(exchange.demo_keys[1].hmac).dial(exchange.endpoint)
        await buyer.signed("session.logon")
        assert (await buyer.ask("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}

        placed = (await buyer.ask("order.place", **LIMIT, side="BUY", timestamp=NOW_US))["result"]
        sold = await seller.signed("order.place", **LIMIT, side="SELL")
        await buyer.until(lambda: len(buyer.events) == 4)
        assert [(event["e"], event.get("x")) for event in buyer.events] == [
            ("executionReport", "NEW"),
            ("outboundAccountPosition", None),
            ("executionReport", "TRADE"),
            ("outboundAccountPosition", None),
        ]
        fill = buyer.events[2]
        assert (fill["i"], fill["t"], fill["X"]) == (placed["orderId"], sold["fills"][0]["tradeId"], "FILLED")
        assert buyer.events[3]["B"] == [
            {"a": "USDT", "f": "9955000.00000000", "l": "0.00000000"},
            {"a": "BTC", "f": "100.49950000", "l": "0.00000000"},
        ]
        await buyer.close()
        await seller.close()


async def test_many_orders_in_flight_are_all_answered():
    limits = ExchangeLimits(orders=10_000)
    async with LocalExchange(["BTCUSDT"], rate=0, limits=limits, clock=lambda: NOW_US) as exchange:
        client = await Client(exchange.demo_keys[0].ed25519).dial(exchange.endpoint)
        await client.signed("session.logon")
        now = NOW_US // 1000
        numbers = [client.send("order.place", **LIMIT, side="BUY", timestamp=now) for _ in range(150)]
        await client.until(lambda: numbers[-1] in client.replies)
        orders = [client.replies[number]["result"]["orderId"] for number in numbers]
        assert orders == list(range(orders[0], orders[0] + 150))
        ended = (await client.ask("openOrders.cancelAll", symbol="BTCUSDT", timestamp=now))["result"]
        assert [report["orderId"] for report in ended] == orders
        await client.close()


async def test_accounts_are_changed_over_the_control_socket():
    async with LocalExchange(["BTCUSDT"], rate=0, control_port=0, clock=lambda: NOW_US) as exchange:
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.control_port)

        async def command(name, **fields):
            writer.write(json.dumps({"command": name, **fields}).encode() + b"\n")
            return json.loads(await soon(reader.readline()))

        keys = exchange.demo_keys[0]
        client = await Client(keys.ed25519).dial(exchange.endpoint)
        await client.signed("session.logon")
        await client.signed("userDataStream.subscribe.signature")
        for name, amount in (("deposit", "2"), ("withdraw", "1"), ("lock", "3"), ("unlock", "1")):
            assert await command(name, uid=keys.uid, asset="BTC", amount=amount) == {"ok": True}
        await client.until(lambda: len(client.events) == 8)
        assert client.events[-1]["B"] == [{"a": "BTC", "f": "99.00000000", "l": "2.00000000"}]

        for name, fields, problem in (
            ("deposit", {"uid": 1}, "deposit: Object missing required field `asset`"),
            ("deposit", {"uid": 1, "asset": "BTC", "amount": "1"}, "there is no account 1"),
            ("withdraw", {"uid": keys.uid, "asset": "BTC", "amount": "1000"}, "has not so much BTC"),
            ("revoke", {"api_key": "none"}, "there is no active key none"),
            ("revoke", {"key": "none"}, "revoke: Object contains unknown field `key`"),
        ):
            answer = await command(name, **fields)
            assert answer["ok"] is False
            assert problem in answer["error"]

        assert await command("revoke", api_key=keys.ed25519.api_key) == {"ok": True}
        refused = await client.ask("account.status", timestamp=NOW_US)
        assert (refused["id"], refused["status"], refused["error"]["code"]) == (None, 401, -2015)
        await client.close()
        writer.close()
        await writer.wait_closed()


def test_the_fixture_hands_out_keys_and_money(exchange_factory):
    exchange = exchange_factory(rate=0, clock=lambda: NOW_US)
    keys = exchange.demo_keys[0]

    async def balance():
        client = await Client(keys.hmac).dial(exchange.endpoint)
        status = await client.signed("account.status")
        await client.close()
        return next(item["free"] for item in status["balances"] if item["asset"] == "BTC")

    exchange.deposit(keys.uid, "BTC", "1.5")
    exchange.withdraw(keys.uid, "BTC", "0.5")
    assert asyncio.run(balance()) == "101.00000000"
    exchange.lock(keys.uid, "BTC", "2")
    exchange.unlock(keys.uid, "BTC", "0.5")
    assert asyncio.run(balance()) == "99.50000000"
    exchange.revoke(keys.rsa.api_key)
    with pytest.raises(ConfigurationError, match="no active key"):
        exchange.revoke(keys.rsa.api_key)
