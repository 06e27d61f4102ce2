"""Which keys open an exchange, and how its accounts are opened."""

from __future__ import annotations

import stat
from decimal import Decimal

import pytest

from cryptotrader import credentials
from cryptotrader.credentials import Ed25519Key, HmacKey
from cryptotrader.errors import ConfigurationError
from cryptotrader.protocol.request import SecurityType
from cryptotrader.simulator import ApiKey, DemoKeys, ExchangeAccount, KeyType
from cryptotrader.simulator.keys import KeyRegister, has_key_format
from cryptotrader.simulator.venue.symbols import UNIT
from exchange_client import quiet_exchange
from virtual_clock import run_virtual


@pytest.fixture
def register():
    return KeyRegister()


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
def test_demonstration_keys_sign_what_the_register_verifies(register, kind):
    key = getattr(DemoKeys(7, register), kind)
    known = register.find(key.api_key)

    assert (known.uid, known.type) == (7, KeyType[kind.upper()])
    assert register.verifies(known, "a=1", key.sign("a=1"))
    assert not register.verifies(known, "a=2", key.sign("a=1"))
    assert len(key.api_key) == 64


def test_demonstration_keys_are_fresh_each_time(register):
    one, two = DemoKeys(1, register), DemoKeys(1, register)
    assert len({one.hmac.api_key, two.hmac.api_key, one.hmac_secret, two.hmac_secret}) == 4
    first = one.rsa
    assert one.rsa is first  # it takes long to make, and is made once


def test_private_keys_are_written_for_their_owner_only(register, tmp_path):
    keys = DemoKeys(7, register)
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "account-7-rsa.pem").write_text("older, and readable by all")
    written = keys.write(folder)

    assert [(kind, api_key) for kind, api_key, _ in written] == [
        (KeyType.ED25519, keys.ed25519.api_key),
        (KeyType.RSA, keys.rsa.api_key),
    ]
    for _, api_key, path in written:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        read = credentials.from_file(path, api_key=api_key)
        assert register.verifies(register.find(api_key), "x", read.sign("x"))


def test_keys_that_cannot_be_written_are_told(register, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot write"):
        DemoKeys(7, register).write(tmp_path / "file")


def test_a_revoked_key_is_gone(register):
    key = ApiKey(api_key="a", uid=1, type=KeyType.HMAC, secret="s")
    register.add(key)
    assert register.is_active(key)
    register.revoke("a")
    assert not register.is_active(key)
    assert register.find("a") is None
    with pytest.raises(ConfigurationError, match="no active key a"):
        register.revoke("a")


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (ApiKey(api_key="a-b", uid=1, type=KeyType.HMAC, secret="s"), "letters and digits"),
        (ApiKey(api_key="known", uid=1, type=KeyType.HMAC, secret="s"), "already"),
        (ApiKey(api_key="b", uid=1, type=KeyType.ED25519, secret="none"), "no PEM public key"),
        (ApiKey(api_key="b", uid=1, type=KeyType.RSA, secret=Ed25519Key.generate("x").public_pem), "not of type RSA"),
    ],
)
def test_unusable_keys_are_refused(register, key, problem):
    register.add(ApiKey(api_key="known", uid=1, type=KeyType.HMAC, secret="s"))
    with pytest.raises(ConfigurationError, match=problem):
        register.add(key)


@pytest.mark.parametrize(("text", "fits"), [("Ab1", True), ("", False), ("a b", False), ("é", False), (7, False)])
def test_the_format_of_keys(text, fits):
    assert has_key_format(text) is fits


def test_permissions_limit_a_key():
    key = ApiKey(api_key="a", uid=1, type=KeyType.HMAC, secret="s", permissions=frozenset({SecurityType.USER_DATA}))
    assert key.may(SecurityType.USER_DATA)
    assert key.may(SecurityType.SIGNED)
    assert not key.may(SecurityType.TRADE)


def open_exchange(*accounts):
    async def main():
        return quiet_exchange(accounts=accounts)

    return run_virtual(main)


def test_accounts_bring_money_and_keys_of_their_own():
    own = HmacKey("mine", "secret")
    exchange = open_exchange(
        ExchangeAccount(
            uid=5,
            balances={"BTC": "1.5", "USDT": Decimal(20)},
            keys=(ApiKey(api_key=own.api_key, uid=5, type=KeyType.HMAC, secret="secret"),),
        ),
        ExchangeAccount(uid=6, balances={}),
    )
    assert exchange.venue.trading.account(5).free("BTC") == 3 * UNIT // 2
    assert exchange.venue.trading.account(6).balances == {}
    assert [keys.uid for keys in exchange.demo_keys] == [6]


def test_balances_change_from_outside():
    exchange = open_exchange(ExchangeAccount(uid=5, balances={"BTC": "1"}))
    account = exchange.venue.trading.account(5)
    exchange.deposit(5, "BTC", "0.5")
    exchange.withdraw(5, "BTC", "0.25")
    exchange.lock(5, "BTC", "1")
    assert (account.free("BTC"), account.total("BTC")) == (UNIT // 4, 5 * UNIT // 4)
    exchange.unlock(5, "BTC", "1")
    assert account.free("BTC") == 5 * UNIT // 4
    for wrong, problem in (
        (lambda: exchange.withdraw(5, "BTC", "2"), "not so much BTC to withdraw"),
        (lambda: exchange.lock(5, "BTC", "2"), "not so much BTC to lock or unlock"),
        (lambda: exchange.unlock(5, "BTC", "1"), "not so much BTC to lock or unlock"),
        (lambda: exchange.deposit(9, "BTC", "1"), "no account 9"),
        (lambda: exchange.deposit(5, "BTC", "-1"), "'-1' is not a positive amount"),
        (lambda: exchange.deposit(5, "BTC", "much"), "'much' is not a positive amount"),
        (lambda: exchange.deposit(5, "BTC", "Infinity"), "'Infinity' is not a positive amount"),
        (lambda: exchange.deposit(5, "BTC", "0.000000001"), "at most eight decimals"),
    ):
        with pytest.raises(ConfigurationError, match=problem):
            wrong()
    assert account.free("BTC") == 5 * UNIT // 4


def test_a_key_must_be_of_its_account():
    with pytest.raises(ConfigurationError, match="is of account 1, not 5"):
        open_exchange(ExchangeAccount(uid=5, keys=(ApiKey(api_key="a", uid=1, type=KeyType.HMAC, secret="s"),)))
