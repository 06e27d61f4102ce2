"""``cryptotrader simulator`` with its accounts: keys that are printed and written, and a state that is kept."""

from __future__ import annotations

import asyncio
import re
import signal
from contextlib import contextmanager

from cryptotrader import credentials
from cryptotrader.client import Binance
from cryptotrader.config import Endpoint
from cryptotrader.credentials import HmacKey
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.requests import AccountStatusRequest, OpenOrdersStatusRequest, OrderPlaceRequest
from processes import COMMAND, end_of, line_of, running

LIMIT = OrderPlaceRequest(
    symbol="BTCUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    price="90000",
    quantity="0.5",
)
LONGEST_WINDOW_MS = 60_000


def ask(port, key, *requests):
    """The results of requests, one after another."""

    async def run():
        async with Binance(Endpoint.local(port), key, recv_window=LONGEST_WINDOW_MS) as binance:
            return [await binance.call(request) for request in requests]

    return asyncio.run(run())


@contextmanager
def server(*arguments, lines):
    """The command as a process; its port and the lines that follow the one which tells it."""
    with running(*COMMAND, "simulator", "--port", 0, "--rate", 0, *arguments) as process:
        listening, *others = [line_of(process, process.stderr).rstrip() for _ in range(lines)]
        yield int(re.search(r"127\.0\.0\.1:(\d+)", listening)[1]), others
        process.send_signal(signal.SIGINT)
        end_of(process)


def hmac_key(line):
    return HmacKey(*re.fullmatch(r"  HMAC     (\w{64}) secret (\w{64})", line).groups())


def test_keys_are_printed_and_written_and_open_the_exchange(tmp_path):
    with server("--keys", tmp_path / "keys", lines=9) as (port, told):
        account, hmac, ed25519, rsa, other, *_ = told
        assert account == "demonstration account 1001; its keys are no secrets, they work on this exchange only:"
        assert other.startswith("demonstration account 1002;")
        written = [re.fullmatch(r"  (?:ED25519|RSA) +(\w{64}) in (.+)", line).groups() for line in (ed25519, rsa)]
        keys = [hmac_key(hmac), *(credentials.from_file(path, api_key=name) for name, path in written)]
        assert [ask(port, key, AccountStatusRequest())[0].uid for key in keys] == [1001] * 3


def test_orders_are_found_again_after_a_restart(tmp_path):
    state = ("--state", tmp_path / "state")
    with server(*state, lines=7) as (port, (_, hmac, *_)):
        placed, before = ask(port, hmac_key(hmac), LIMIT, OpenOrdersStatusRequest())
    with server(*state, lines=7) as (port, (_, hmac, *_)):
        (after,) = ask(port, hmac_key(hmac), OpenOrdersStatusRequest())

    assert [order.order_id for order in before] == [placed.order_id]
    assert after == before
