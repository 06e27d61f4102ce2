"""A client that trades on the local exchange in memory: it signs by hand and keeps what it is sent."""

from __future__ import annotations

import json

from cryptotrader.protocol.signing import signature_payload
from exchange_client import RecordingClient, quiet_exchange
from virtual_clock import run_virtual, running_loop

LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "90000", "quantity": "0.5"}


def now_ms():
    return running_loop().wall_us() // 1000


def signed(key, **params):
    """Parameters with a key and its signature."""
    params = {"timestamp": now_ms(), **params, "apiKey": key.api_key}
    return {**params, "signature": key.sign(signature_payload(params))}


class Trader:
    """One account's connection; requests are signed by its key until it is logged on."""

    def __init__(self, exchange, keys):
        self.exchange = exchange
        self.keys = keys
        self.client = RecordingClient()
        self.logged_on = False
        self._last_id = 0

    @classmethod
    async def dial(cls, exchange, account=0, *, log_on=False, subscribe=False, query=""):
        trader = cls(exchange, exchange.demo_keys[account])
        await trader.client.dial(exchange, f"/ws-api/v3{query}")
        if log_on:
            await trader.result("session.logon", **signed(trader.keys.ed25519))
            trader.logged_on = True
        if subscribe:
            await trader.result("userDataStream.subscribe.signature", **signed(trader.keys.hmac))
        return trader

    async def ask(self, method, **params):
        """The whole reply to a request as it is given."""
        self._last_id += 1
        request = {"id": self._last_id, "method": method, "params": params}
        frames = await self.client.ask(json.dumps(request))
        (reply,) = [frame for frame in frames if "event" not in frame]
        return reply

    async def call(self, method, **params):
        """The whole reply to a request that is proven by the session or else signed."""
        proven = {"timestamp": now_ms(), **params} if self.logged_on else signed(self.keys.hmac, **params)
        return await self.ask(method, **proven)

    async def result(self, method, **params):
        reply = await self.ask(method, **params)
        assert reply["status"] == 200, reply
        return reply["result"]

    async def do(self, method, **params):
        """The result of a proven request."""
        reply = await self.call(method, **params)
        assert reply["status"] == 200, reply
        return reply["result"]

    async def refused(self, method, **params):
        """Status, code and text of a proven request's refusal."""
        return error_of(await self.call(method, **params))

    async def place(self, **changes):
        return await self.do("order.place", **{**LIMIT, **changes})

    @property
    def events(self):
        """User data events so far."""
        return [frame["event"] for frame in self.client.events if "subscriptionId" in frame]

    def reports(self, order_id):
        """Execution type and status of an order's reports."""
        return [(e["x"], e["X"]) for e in self.events if e["e"] == "executionReport" and e["i"] == order_id]

    def report(self, order_id):
        """The newest report of an order."""
        return [e for e in self.events if e["e"] == "executionReport" and e["i"] == order_id][-1]

    @property
    def kinds(self):
        return [event["e"] for event in self.events]


def error_of(reply):
    return reply["status"], reply["error"]["code"], reply["error"]["msg"]


def trading(test, **settings):
    """Run ``test(exchange)`` beside a quiet exchange with its demonstration accounts."""

    async def main():
        async with quiet_exchange(**settings) as exchange:
            await test(exchange)

    run_virtual(main)
