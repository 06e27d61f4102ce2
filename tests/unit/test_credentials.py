from __future__ import annotations

import copy
import logging
import pickle
import sys
import traceback
import types

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from cryptotrader import credentials
from cryptotrader.credentials import Ed25519Key, HmacKey, RsaKey
from cryptotrader.errors import ConfigurationError
from cryptotrader.protocol.signing import verify_ed25519, verify_hmac, verify_rsa

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "own-secret-of-these-tests"
PASSPHRASE = "own-passphrase-of-these-tests"


def pem(key, passphrase: str | None = None) -> bytes:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.fixture(scope="module")
def rsa_private():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def ed25519_private():
    return Ed25519PrivateKey.generate()


@pytest.fixture
def key_file(tmp_path):
    def write(content: bytes):
        path = tmp_path / "key.pem"
        path.write_bytes(content)
        return path

    return write


def test_each_kind_of_key_signs(key_file, rsa_private, ed25519_private):
    hmac_key = HmacKey(API_KEY, SECRET)
    rsa_key = RsaKey.from_file(key_file(pem(rsa_private)), api_key=API_KEY)
    ed25519_key = Ed25519Key.from_file(key_file(pem(ed25519_private)), api_key=API_KEY)

    assert verify_hmac(SECRET, "a=1", hmac_key.sign("a=1"))
    assert verify_rsa(rsa_private.public_key(), "a=1", rsa_key.sign("a=1"))
    assert verify_ed25519(ed25519_private.public_key(), "a=1", ed25519_key.sign("a=1"))
    assert {hmac_key.api_key, rsa_key.api_key, ed25519_key.api_key} == {API_KEY}
    assert [key.can_log_on for key in (hmac_key, rsa_key, ed25519_key)] == [False, False, True]


def test_an_encrypted_file_needs_its_passphrase(key_file, ed25519_private):
    path = key_file(pem(ed25519_private, PASSPHRASE))
    key = credentials.from_file(path, api_key=API_KEY, passphrase=PASSPHRASE)
    assert verify_ed25519(ed25519_private.public_key(), "a=1", key.sign("a=1"))

    with pytest.raises(ConfigurationError, match=r"is encrypted: give its passphrase"):
        credentials.from_file(path, api_key=API_KEY)
    with pytest.raises(ConfigurationError, match=r"its passphrase is wrong or it is damaged"):
        credentials.from_file(path, api_key=API_KEY, passphrase="another")
    with pytest.raises(ConfigurationError, match=r"is not encrypted: leave the passphrase out"):
        credentials.from_file(key_file(pem(ed25519_private)), api_key=API_KEY, passphrase=PASSPHRASE)


def test_files_that_hold_no_key_of_ours_are_told_apart(key_file, rsa_private, ed25519_private, tmp_path):
    elliptic = ec.generate_private_key(ec.SECP256R1())
    small = rsa.generate_private_key(65537, 1024)
    public = ed25519_private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    openssh = ed25519_private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    damaged = pem(ed25519_private).replace(b"MC4C", b"AAAA")

    for content, problem in [
        (public, "is the public key; sign with the private one"),
        (b"", "is no PEM private key"),
        (openssh, "in the form of OpenSSH"),
        (damaged, "it is damaged or of an unknown form"),
        (pem(elliptic), "neither an Ed25519 nor an RSA key"),
        (pem(small), "has 1024 bits; Binance takes 2048 to 4096"),
    ]:
        with pytest.raises(ConfigurationError, match=problem):
            credentials.from_file(key_file(content), api_key=API_KEY)
    with pytest.raises(ConfigurationError, match=r"missing.pem: the key file cannot be read \(No such file"):
        credentials.from_file(tmp_path / "missing.pem", api_key=API_KEY)
    with pytest.raises(ConfigurationError, match=r"holds a key for RsaKey, not for Ed25519Key: use RsaKey.from_file"):
        Ed25519Key.from_file(key_file(pem(rsa_private)), api_key=API_KEY)
    with pytest.raises(ConfigurationError, match=r"holds a key for Ed25519Key, not for RsaKey"):
        RsaKey.from_file(key_file(pem(ed25519_private)), api_key=API_KEY)


@pytest.mark.parametrize("api_key", ["", "two words", "line\n", "schlüssel"])
def test_an_api_key_that_cannot_be_one_is_refused(api_key):
    with pytest.raises(ConfigurationError, match="the API key is empty or has characters"):
        HmacKey(api_key, SECRET)


@pytest.mark.parametrize("secret", ["", "two words", SECRET + "\n"])
def test_a_secret_that_cannot_be_one_is_refused_without_showing_it(secret):
    with pytest.raises(ConfigurationError, match="the API secret is empty or has blanks") as refused:
        HmacKey(API_KEY, secret)
    assert SECRET not in str(refused.value)


def test_a_generated_key_gives_its_public_half():
    key = Ed25519Key.generate(API_KEY)
    public = load_pem_public_key(key.public_pem.encode())

    assert verify_ed25519(public, "a=1", key.sign("a=1"))
    assert not verify_ed25519(public, "a=1", Ed25519Key.generate(API_KEY).sign("a=1"))


# --------------------------------------------------------------------------------------------- environment and keyring


def test_the_environment_names_a_secret_or_a_file(key_file, ed25519_private, monkeypatch):
    path = str(key_file(pem(ed25519_private, PASSPHRASE)))
    file = {"BINANCE_PRIVATE_KEY_FILE": path, "BINANCE_PRIVATE_KEY_PASSPHRASE": PASSPHRASE}
    monkeypatch.setenv("OTHER_API_KEY", API_KEY)
    monkeypatch.setenv("OTHER_API_SECRET", SECRET)

    assert isinstance(credentials.from_environment("OTHER"), HmacKey)
    assert isinstance(credentials.from_environment(environment={"BINANCE_API_KEY": API_KEY, **file}), Ed25519Key)
    for environment, problem in [
        ({}, "BINANCE_API_KEY is not set"),
        ({"BINANCE_API_KEY": API_KEY}, "set BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE$"),
        ({"BINANCE_API_KEY": API_KEY, "BINANCE_API_SECRET": SECRET, **file}, "BINANCE_PRIVATE_KEY_FILE, not both"),
    ]:
        with pytest.raises(ConfigurationError, match=problem):
            credentials.from_environment(environment=environment)


class FakeKeyring(types.ModuleType):
    """Stands for the optional package ``keyring``."""

    def __init__(self, entries: dict[str, str], problem: Exception | None = None) -> None:
        super().__init__("keyring")
        self.entries, self.problem = entries, problem
        self.errors = types.ModuleType("keyring.errors")
        self.errors.KeyringError = LookupError

    def get_password(self, service: str, name: str) -> str | None:
        if self.problem is not None:
            raise self.problem
        return self.entries.get(f"{service}/{name}")


@pytest.fixture
def keyring(monkeypatch):
    def install(entries: dict[str, str], problem: Exception | None = None) -> None:
        fake = FakeKeyring(entries, problem)
        monkeypatch.setitem(sys.modules, "keyring", fake)
        monkeypatch.setitem(sys.modules, "keyring.errors", fake.errors)

    return install


def test_the_keyring_holds_a_secret_or_a_private_key(keyring, ed25519_private):
    keyring({"bot/api_key": API_KEY, "bot/api_secret": SECRET})
    assert isinstance(credentials.from_keyring("bot"), HmacKey)

    text = pem(ed25519_private, PASSPHRASE).decode()
    keyring({"bot/api_key": API_KEY, "bot/private_key": text, "bot/passphrase": PASSPHRASE})
    assert isinstance(credentials.from_keyring("bot"), Ed25519Key)


def test_a_keyring_without_a_usable_entry_is_refused(keyring, monkeypatch):
    keyring({})
    with pytest.raises(ConfigurationError, match="has no entry api_key: keyring set bot api_key"):
        credentials.from_keyring("bot")
    keyring({"bot/api_key": API_KEY})
    with pytest.raises(ConfigurationError, match="needs either api_secret or private_key"):
        credentials.from_keyring("bot")
    keyring({"bot/api_key": API_KEY, "bot/private_key": "no key"})
    with pytest.raises(ConfigurationError, match="the keyring's entry private_key of bot is no PEM private key"):
        credentials.from_keyring("bot")
    keyring({}, LookupError(SECRET))
    with pytest.raises(ConfigurationError, match=r"keyring cannot be read: LookupError$"):
        credentials.from_keyring("bot")
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match="the keyring needs an extra"):
        credentials.from_keyring("bot")


# ------------------------------------------------------------------------------------------------- nothing is revealed


def test_no_key_shows_its_secret_or_can_be_copied(rsa_private, ed25519_private, caplog):
    keys = [HmacKey(API_KEY, SECRET), RsaKey(API_KEY, rsa_private), Ed25519Key(API_KEY, ed25519_private)]
    raw = ed25519_private.private_bytes_raw().hex()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("cryptotrader").info("keys %s %r", keys, {"key": keys[0]})

    for key in keys:
        shown = f"{key} {key!r} {key!s} {caplog.text}"
        assert type(key).__name__ in repr(key)
        for secret in (SECRET, raw, API_KEY):
            assert secret not in shown
        assert not hasattr(key, "__dict__")
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="holds a secret and cannot be pickled or copied"):
                attempt(key)
        with pytest.raises(AttributeError, match="has no setter"):
            key.api_key = "another"


def test_no_failure_shows_key_material_or_a_passphrase(key_file, ed25519_private):
    body = pem(ed25519_private, PASSPHRASE)
    line = body.splitlines()[1].decode()
    failures = [
        (body, {"passphrase": "wrong-" + PASSPHRASE}, "its passphrase is wrong or it is damaged"),
        (body, {}, "is encrypted: give its passphrase"),
        (body.replace(line[:8].encode(), b"AAAAAAAA"), {"passphrase": PASSPHRASE}, "damaged"),
        (body[:-60], {"passphrase": PASSPHRASE}, "damaged"),
        (pem(ed25519_private), {"passphrase": PASSPHRASE}, "is not encrypted: leave the passphrase out"),
        (pem(ed25519_private).replace(b"MC4C", b"MC4A"), {}, "it is damaged or of an unknown form"),
    ]

    for content, arguments, problem in failures:
        with pytest.raises(ConfigurationError, match=problem) as refused:
            credentials.from_file(key_file(content), api_key=API_KEY, **arguments)
        shown = "".join(traceback.format_exception(refused.value))
        for secret in (PASSPHRASE, line, line[10:30], pem(ed25519_private).splitlines()[1].decode()):
            assert secret not in shown


def test_a_secret_that_was_given_as_a_path_is_not_shown(ed25519_private):
    pem = ed25519_private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    body = "".join(pem.splitlines()[1:-1])
    for text in (pem, pem.replace("\n", "\\n"), body, SECRET * 8, SECRET + "\0"):
        named = {"BINANCE_API_KEY": "k", "BINANCE_PRIVATE_KEY_FILE": text}
        for read in (
            lambda text=text: credentials.from_file(text, api_key="k"),
            lambda named=named: credentials.from_environment(environment=named),
        ):
            with pytest.raises(
                ConfigurationError, match=r"holds a key's text, not a path|the key file cannot be read"
            ) as caught:
                read()
            told = "".join(traceback.format_exception(caught.value))
            assert body[:20] not in told
            assert SECRET not in told
    with pytest.raises(ConfigurationError, match="BINANCE_PRIVATE_KEY_FILE holds a key's text, not a path"):
        credentials.from_environment(environment=named | {"BINANCE_PRIVATE_KEY_FILE": pem})
    with pytest.raises(ConfigurationError, match=r"missing\.pem: the key file cannot be read"):
        credentials.from_file("missing.pem", api_key="k")
