"""The library's client beside the scripted exchange, each with a clock of its own: ours is ten minutes behind.

Both follow the event loop, so that a slow machine changes nothing; who does not sign with the exchange's time is refused.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from cryptotrader.client import Binance
from cryptotrader.config import Backoff, Endpoint, Timeouts, TimeUnit
from cryptotrader.credentials import Ed25519Key, HmacKey, RsaKey
from cryptotrader.environment import Environment
from cryptotrader.protocol.limits import AddressBudgets
from scripted import Keys, ScriptedExchange
from waiting import PATIENCE

EXCHANGE_MS = 1_789_999_000_000
"""When each test begins, a quarter of an hour before anything that is documented happens."""

_BEHIND_MS = 600_000

_ed25519 = Ed25519PrivateKey.generate()
_rsa = generate_private_key(65537, 2048)
ED25519 = Ed25519Key("edwards-key", _ed25519)
RSA = RsaKey("rsa-key", _rsa)
HMAC = HmacKey("shared-secret-key", "known-to-both-sides")
KEYS = {
    ED25519.api_key: _ed25519.public_key(),
    RSA.api_key: _rsa.public_key(),
    HMAC.api_key: "known-to-both-sides",
}


def surroundings(exchange: ScriptedExchange) -> Environment:
    """Real sockets, budgets of a test's own, and our clock."""
    budgets = defaultdict(AddressBudgets)
    return Environment(
        budgets=lambda url: budgets[url],
        clock_ns=lambda: (exchange.now_ms() - _BEHIND_MS) * 1_000_000,
    )


PATIENT = Timeouts(open=PATIENCE, request=PATIENCE, stale=PATIENCE)
AT_ONCE = Backoff(initial=0.01, maximum=0.02)


@asynccontextmanager
async def witnessed(
    key: Ed25519Key | RsaKey | HmacKey | None = None,
    *,
    time_unit: TimeUnit = TimeUnit.MILLISECOND,
) -> AsyncIterator[tuple[ScriptedExchange, Binance]]:
    """A scripted exchange and a client of it."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with ScriptedExchange(lambda: EXCHANGE_MS + int((loop.time() - begun) * 1000), Keys(KEYS)) as exchange:
        client = Binance(
            Endpoint.local(exchange.port).with_time_unit(time_unit),
            key,
            recv_window=60_000,
            backoff=AT_ONCE,
            timeouts=PATIENT,
            environment=surroundings(exchange),
        )
        async with client:
            yield exchange, client
