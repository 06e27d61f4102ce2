"""Everything that users get wrong, and what has to come of it: in Python and in the shell alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cryptotrader.client import Binance
from cryptotrader.config import Backoff
from cryptotrader.credentials import from_environment
from cryptotrader.errors import BinanceError, ConfigurationError, ConnectFailed, FilterViolated, OrderRejected
from cryptotrader.errors import RequestRejected as Refused
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.order_stream import OrderOptions
from cryptotrader.simulator import security

ORDER = {"price": "90000", "quantity": "0.5", "time_in_force": "GTC"}
SECONDS_OF_BAN = 300


class Scene:
    """An exchange, and what the user has in the environment.

    Args:
        exchange: In memory or running on a thread of its own: what is spoilt here goes by the same names in both.
        tmp_path: Folder for key files.
        monkeypatch: That of the test.
        options: What a client of the exchange is made with.
    """

    def __init__(self, exchange, tmp_path, monkeypatch, **options):
        self.exchange = exchange
        self.tmp_path = tmp_path
        self.patch = monkeypatch.setattr
        self.keys = exchange.demo_keys[0]
        self.variables = {
            "BINANCE_API_KEY": self.keys.hmac.api_key,
            "BINANCE_API_SECRET": self.keys.hmac_secret,
        }
        self._options = options

    def key_file(self, text, api_key):
        path = self.tmp_path / "key.pem"
        path.write_text(text)
        self.variables = {"BINANCE_API_KEY": api_key, "BINANCE_PRIVATE_KEY_FILE": str(path)}

    def pem(self):
        return {kind: path for kind, _, path in self.keys.write(self.tmp_path / "keys")}["ED25519"].read_text()

    async def order(self, changes):
        """Place an order as a program of the user's does."""
        key = from_environment(environment=self.variables)
        fields = {**ORDER, **changes, "time_in_force": TimeInForce.GTC}
        patience = Backoff(attempts=3)
        own = OrderOptions(id_prefix="own-")
        async with Binance(
            self.exchange.endpoint, key, backoff=patience, order_options=own, **self._options
        ) as binance:
            return await binance.orders.place("BTCUSDT", Side.BUY, OrderType.LIMIT, **fields)


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
    scene.exchange.fault("ban", seconds=SECONDS_OF_BAN)


def poor(scene):
    scene.exchange.withdraw(scene.keys.uid, "USDT", "9990000")


def nothing(scene): ...


@dataclass(frozen=True)
class Case:
    """What is wrong, and what has to come of it: an error of a type and code, with both phrases in its text.

    Attributes:
        order: What differs in the order that is sent.
        first: What differs in one that is sent before, and taken.
        command: What is typed in the shell; empty for the order. An order waits ten seconds for a clock that may yet
            be followed, and the shell's clock is not virtual.
    """

    name: str
    spoil: Callable[[Scene], None]
    error: type[BinanceError]
    code: int | None
    what_happened: str
    what_to_do: str
    order: dict[str, str] = field(default_factory=dict)
    exit_code: int = 1
    first: dict[str, str] | None = None
    command: tuple[str, ...] = ()

    def __str__(self):
        return self.name


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
    Case("clock 10 s off", clock_that_cannot_be_followed, Refused, -1021, "outside of the recvWindow", "set this machine's clock", command=("account",)),
    Case("ip ban", ban, ConnectFailed, None, "this address is banned with HTTP status 418", "send nothing for "),
    Case("filter violation", nothing, FilterViolated, None, "LOT_SIZE: 0.000000001 is below", "0.00001000", {"quantity": "0.000000001"}, exit_code=2),
    Case("filter of the exchange", nothing, OrderRejected, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE", "exchangeInfo tells the symbol's filters", {"price": "10"}),
    Case("insufficient balance", poor, OrderRejected, -2010, "Account has insufficient balance", "order less, or cancel orders"),
    Case("duplicate client id", nothing, OrderRejected, -2010, "Duplicate order sent", "choose another id", {"new_client_order_id": "mine"}, first={"new_client_order_id": "mine"}),
]  # fmt: skip
