"""Everything that users get wrong: a typed error that says what happened and what to do, in Python and in the shell."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cryptotrader.cli import run_command_line
from cryptotrader.client import Binance
from cryptotrader.config import Backoff
from cryptotrader.credentials import from_environment
from cryptotrader.errors import BinanceError, ConfigurationError, ConnectFailed, FilterViolated, OrderRejected
from cryptotrader.errors import RequestRejected as Refused
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.order_stream import OrderOptions
from cryptotrader.simulator import security

ORDER = {"price": "90000", "quantity": "0.5", "time_in_force": "GTC"}


class Scene:
    """An exchange, and what the user has in the environment."""

    def __init__(self, exchange, tmp_path, monkeypatch):
        self.exchange = exchange
        self.tmp_path = tmp_path
        self.patch = monkeypatch.setattr
        self.keys = exchange.demo_keys[0]
        self.variables = {
            "BINANCE_API_KEY": self.keys.hmac.api_key,
            "BINANCE_API_SECRET": self.keys.hmac_secret,
        }

    def key_file(self, text, api_key):
        path = self.tmp_path / "key.pem"
        path.write_text(text)
        self.variables = {"BINANCE_API_KEY": api_key, "BINANCE_PRIVATE_KEY_FILE": str(path)}

    def pem(self):
        return {kind: path for kind, _, path in self.keys.write(self.tmp_path / "keys")}["ED25519"].read_text()


def unknown_key(scene):
    scene.variables["BINANCE_API_KEY"] = "a" * 64


def malformed_key(scene):
    scene.variables["BINANCE_API_KEY"] = "a-b"


def wrong_secret(scene):
    scene.variables["BINANCE_API_SECRET"] = "another"


def no_pem(scene):
    scene.key_file("not a key", scene.keys.ed25519.api_key)


def public_pem(scene):
    scene.key_file(scene.keys.ed25519.public_pem, scene.keys.ed25519.api_key)


def pem_of_another_key(scene):
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    scene.key_file(pem.decode(), scene.keys.ed25519.api_key)


def revoked_key(scene):
    scene.exchange.revoke(scene.keys.hmac.api_key)


def revoked_log_on(scene):
    scene.key_file(scene.pem(), scene.keys.ed25519.api_key)
    scene.exchange.revoke(scene.keys.ed25519.api_key)


def clock_that_cannot_be_followed(scene):
    check = security.check_time
    for module in ("security", "api_session"):  # the exchange goes by another time than it tells
        scene.patch(
            f"cryptotrader.simulator.{module}.check_time", lambda params, now_us: check(params, now_us + 10_000_000)
        )


def ban(scene):
    scene.exchange.fault("ban", seconds=300)


def open_order_of_that_id(scene):
    async def place():
        async with client(scene) as binance:
            await send(binance, {"new_client_order_id": "mine"})

    asyncio.run(place())


def poor(scene):
    scene.exchange.withdraw(scene.keys.uid, "USDT", "9990000")


def nothing(scene): ...


@dataclass(frozen=True)
class Case:
    """What is wrong, and what has to come of it: an error of a type and code, with both phrases in its text."""

    name: str
    spoil: Callable[[Scene], None]
    error: type[BinanceError]
    code: int | None
    what_happened: str
    what_to_do: str
    order: dict[str, str] = field(default_factory=dict)
    exit_code: int = 1


KEY = "Invalid API-key, IP, or permissions"
CASES = [
    Case("wrong key", unknown_key, Refused, -2015, KEY, "see that the key exists, is of this environment"),
    Case("no key at all", malformed_key, Refused, -2014, "API-key format invalid", "copy it anew"),
    Case("wrong secret", wrong_secret, Refused, -1022, "Signature for this request is not valid", "pair them anew"),
    Case("wrong pem", no_pem, ConfigurationError, None, "is no PEM private key", "one begins with -----BEGIN", exit_code=2),
    Case("public pem", public_pem, ConfigurationError, None, "is the public key", "sign with the private one", exit_code=2),
    Case("pem of another key", pem_of_another_key, Refused, -1022, "Signature for this request is not valid", "pair them anew"),
    Case("revoked key", revoked_key, Refused, -2015, KEY, "see that the key exists"),
    Case("revoked key that logs on", revoked_log_on, Refused, -2015, KEY, "see that the key exists"),
    Case("clock 10 s off", clock_that_cannot_be_followed, Refused, -1021, "outside of the recvWindow", "set this machine's clock"),
    Case("ip ban", ban, ConnectFailed, None, "this address is banned with HTTP status 418", "send nothing for 300 s"),
    Case("filter violation", nothing, FilterViolated, None, "LOT_SIZE: 0.000000001 is below", "0.00001000", {"quantity": "0.000000001"}, exit_code=2),
    Case("filter of the exchange", nothing, OrderRejected, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE", "exchangeInfo tells the symbol's filters", {"price": "10"}),
    Case("insufficient balance", poor, OrderRejected, -2010, "Account has insufficient balance", "order less, or cancel orders"),
    Case("duplicate client id", open_order_of_that_id, OrderRejected, -2010, "Duplicate order sent", "choose another id", {"new_client_order_id": "mine"}),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


@pytest.fixture
def scene(case, exchange_factory, tmp_path, monkeypatch):
    made = Scene(exchange_factory(rate=1.0, symbols=["BTCUSDT"]), tmp_path, monkeypatch)
    case.spoil(made)
    return made


def client(scene):
    key = from_environment(environment=scene.variables)
    return Binance(
        scene.exchange.endpoint, key, backoff=Backoff(attempts=3), order_options=OrderOptions(id_prefix="own-")
    )


async def send(binance, changes):
    fields = {**ORDER, **changes, "time_in_force": TimeInForce.GTC}
    return await binance.orders.place("BTCUSDT", Side.BUY, OrderType.LIMIT, **fields)


def test_what_is_wrong_is_a_typed_error_that_says_what_to_do(scene, case):
    async def place():
        async with client(scene) as binance:
            await send(binance, case.order)

    with pytest.raises(BinanceError) as caught:
        asyncio.run(place())
    error, text = caught.value, str(caught.value)
    assert type(error) is case.error, text
    assert getattr(error, "code", None) == case.code
    assert case.what_happened in text
    assert case.what_to_do in text


def test_what_is_wrong_is_a_line_in_the_shell(scene, case, monkeypatch, capfd):
    for name, value in scene.variables.items():
        monkeypatch.setenv(name, value)
    parameters = [f"{name}={value}" for name, value in {**ORDER, **case.order}.items()]
    where = ["--endpoint", f"ws://127.0.0.1:{scene.exchange.port}"]
    monkeypatch.setattr(sys, "argv", ["cryptotrader", "order", "place", "BTCUSDT", "BUY", "LIMIT", *parameters, *where])
    with pytest.raises(SystemExit) as ended:
        run_command_line()
    structlog.reset_defaults()

    out, err = capfd.readouterr()
    assert (ended.value.code, out) == (case.exit_code, "")
    assert len(err.splitlines()) == 1, err
    assert err.startswith("error: ")
    assert case.what_happened in err
    assert case.what_to_do in err
