"""Which API keys exist, whose they are, and what they may do; and the keys that an exchange makes for its clients.

Demonstration keys open nothing but the exchange that made them, and are gone with it: they are no secrets.

Source: Binance Spot documentation, "API key types" and "Request security".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from msgspec import Struct

from cryptotrader.credentials import Ed25519Key, HmacKey, RsaKey
from cryptotrader.errors import ConfigurationError
from cryptotrader.protocol.request import SecurityType
from cryptotrader.protocol.signing import verify_ed25519, verify_hmac, verify_rsa

ALL_PERMISSIONS = frozenset({SecurityType.TRADE, SecurityType.USER_DATA, SecurityType.USER_STREAM})

_FORMAT = re.compile(r"[A-Za-z0-9]{1,128}")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LENGTH = 64
_RSA_EXPONENT, _RSA_BITS = 65_537, 2_048

PrivateKey: TypeAlias = Ed25519PrivateKey | RSAPrivateKey


class KeyType(StrEnum):
    """Kinds of API keys."""

    HMAC = "HMAC"
    RSA = "RSA"
    ED25519 = "ED25519"


def has_key_format(api_key: object) -> bool:
    """Whether a text can be an API key at all."""
    return isinstance(api_key, str) and _FORMAT.fullmatch(api_key) is not None


class ApiKey(Struct, frozen=True, kw_only=True):
    """An API key as the exchange knows it.

    Attributes:
        api_key: What the client sends.
        uid: The account that it opens.
        type: How it signs.
        secret: The shared secret (HMAC), or the public key as PEM.
        permissions: What may be done with it.
    """

    api_key: str
    uid: int
    type: KeyType
    secret: str
    permissions: frozenset[SecurityType] = ALL_PERMISSIONS

    def may(self, security: SecurityType) -> bool:
        """Whether the key opens requests of this kind; any key may log a session on."""
        return security is SecurityType.SIGNED or security in self.permissions


Verifier: TypeAlias = Callable[[str, str], bool]


def _verifier(key: ApiKey) -> Verifier:
    """What checks a signature: called with payload and signature."""
    if key.type is KeyType.HMAC:
        return lambda payload, signature: verify_hmac(key.secret, payload, signature)
    try:
        public = load_pem_public_key(key.secret.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"the key {key.api_key} has no PEM public key") from error
    if key.type is KeyType.ED25519 and isinstance(public, Ed25519PublicKey):
        return lambda payload, signature: verify_ed25519(public, payload, signature)
    if key.type is KeyType.RSA and isinstance(public, RSAPublicKey):
        return lambda payload, signature: verify_rsa(public, payload, signature)
    raise ConfigurationError(f"the public key of {key.api_key} is not of type {key.type}")


class KeyRegister:
    """The API keys of an exchange."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._verifiers: dict[str, Verifier] = {}

    def add(self, key: ApiKey) -> None:
        """Take in a key.

        Raises:
            ConfigurationError: There is one of that name, or its name or its public key is malformed.
        """
        if not has_key_format(key.api_key):
            raise ConfigurationError(f"an API key consists of letters and digits, at most 128: {key.api_key!r}")
        if key.api_key in self._keys:
            raise ConfigurationError(f"there is a key {key.api_key} already")
        self._verifiers[key.api_key] = _verifier(key)
        self._keys[key.api_key] = key

    def find(self, api_key: str) -> ApiKey | None:
        """An active key."""
        return self._keys.get(api_key)

    def is_active(self, key: ApiKey) -> bool:
        """Whether a key is still in force."""
        return self._keys.get(key.api_key) is key

    def revoke(self, api_key: str) -> None:
        """Take a key out of force.

        Raises:
            ConfigurationError: There is no such key.
        """
        if self._keys.pop(api_key, None) is None:
            raise ConfigurationError(f"there is no active key {api_key}")
        del self._verifiers[api_key]

    def verifies(self, key: ApiKey, payload: str, signature: str) -> bool:
        """Whether a signature of an active key is right."""
        return self._verifiers[key.api_key](payload, signature)


def _name() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def _public_pem(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class DemoKeys:
    """Three fresh keys of one account, as its client holds them.

    Args:
        uid: Whose they are.
        register: The exchange's keys, which learn the public halves.

    Attributes:
        uid: Whose they are.
        hmac_secret: What ``hmac`` signs with.
        hmac: A key with a shared secret.
        ed25519: The kind of key that can log a session on.
    """

    def __init__(self, uid: int, register: KeyRegister) -> None:
        self.uid = uid
        self._register = register
        self.hmac_secret = _name()
        self.hmac = HmacKey(_name(), self.hmac_secret)
        register.add(ApiKey(api_key=self.hmac.api_key, uid=uid, type=KeyType.HMAC, secret=self.hmac_secret))
        self._ed25519 = Ed25519PrivateKey.generate()
        self.ed25519 = Ed25519Key(_name(), self._ed25519)
        public = _public_pem(self._ed25519)
        register.add(ApiKey(api_key=self.ed25519.api_key, uid=uid, type=KeyType.ED25519, secret=public))

    @cached_property
    def _rsa(self) -> RSAPrivateKey:
        return generate_private_key(_RSA_EXPONENT, _RSA_BITS)

    @cached_property
    def rsa(self) -> RsaKey:
        """An RSA key, made and registered when it is first asked for: that takes about a tenth of a second."""
        key = RsaKey(_name(), self._rsa)
        public = _public_pem(self._rsa)
        self._register.add(ApiKey(api_key=key.api_key, uid=self.uid, type=KeyType.RSA, secret=public))
        return key

    def write(self, folder: Path) -> list[tuple[KeyType, str, Path]]:
        """Write the private keys as PEM files that only their owner can read; returns type, API key and file of each.

        Raises:
            ConfigurationError: The folder cannot be written.
        """
        keys: tuple[tuple[KeyType, str, PrivateKey], ...] = (
            (KeyType.ED25519, self.ed25519.api_key, self._ed25519),
            (KeyType.RSA, self.rsa.api_key, self._rsa),
        )
        written = []
        for kind, api_key, private in keys:
            path = folder / f"account-{self.uid}-{kind.lower()}.pem"
            pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.touch(mode=0o600)
                path.write_bytes(pem)
            except OSError as error:
                raise ConfigurationError(f"keys: cannot write {path}: {error.strerror}") from error
            written.append((kind, api_key, path))
        return written
