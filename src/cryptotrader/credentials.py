"""Keys that sign requests: from arguments, PEM files, the environment or the system's keyring.

The only reader of secrets in this library. No key shows its secret in ``repr``, in an exception or in a log, and none
can be pickled.

Source: Binance Spot documentation, "API key types".
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, TypeAlias, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from cryptotrader.errors import ConfigurationError
from cryptotrader.protocol.signing import hmac_of, sign_ed25519, sign_hmac, sign_rsa

RSA_BITS = (2048, 4096)
"""Shortest and longest RSA keys that Binance takes."""

_SHOWN = 4
_SUFFIX = re.compile(r"\.[A-Za-z]{1,8}\Z")
K = TypeVar("K", "RsaKey", "Ed25519Key")


class _Key:
    """What all keys share: they show their kind and the beginning of their API key, and nothing else."""

    __slots__ = ("_api_key", "_secret")

    def __init__(self, api_key: str, secret: object) -> None:
        if not api_key or not api_key.isascii() or any(character.isspace() for character in api_key):
            raise ConfigurationError("the API key is empty or has characters that Binance's keys do not have")
        self._api_key = api_key
        self._secret = secret

    @property
    def api_key(self) -> str:
        """What Binance calls the key; sent with each signed request."""
        return self._api_key

    @property
    def can_log_on(self) -> bool:
        """Whether ``session.logon`` takes it."""
        return False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_key='{self.api_key[:_SHOWN]}…')"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a secret and cannot be pickled or copied")


class HmacKey(_Key):
    """A shared secret; Binance deprecates this kind in favour of Ed25519.

    Args:
        api_key: What Binance calls the key.
        secret: What Binance showed once, when the key was made.

    Raises:
        ConfigurationError: One of them is empty or has blanks.
    """

    __slots__ = ()
    _secret: HMAC

    def __init__(self, api_key: str, secret: str) -> None:
        if not secret or any(character.isspace() for character in secret):
            raise ConfigurationError("the API secret is empty or has blanks; paste it as Binance showed it")
        super().__init__(api_key, hmac_of(secret))

    def sign(self, payload: str) -> str:
        """The signature of a payload: 64 hexadecimal digits."""
        return sign_hmac(self._secret, payload)


class RsaKey(_Key):
    """An RSA private key of 2048 to 4096 bits.

    Args:
        api_key: What Binance calls the key whose public half was registered there.
        private_key: Its private half.

    Raises:
        ConfigurationError: The key is shorter or longer.
    """

    __slots__ = ()
    _secret: RSAPrivateKey

    def __init__(self, api_key: str, private_key: RSAPrivateKey) -> None:
        shortest, longest = RSA_BITS
        if not shortest <= private_key.key_size <= longest:
            problem = f"the RSA key has {private_key.key_size} bits; Binance takes {shortest} to {longest}"
            raise ConfigurationError(f"{problem}: make another one, or better an Ed25519 key")
        super().__init__(api_key, private_key)

    @classmethod
    def from_file(cls, path: str | Path, *, api_key: str, passphrase: str | None = None) -> RsaKey:
        """Read a PEM file (PKCS #8, encrypted or not).

        Raises:
            ConfigurationError: The file holds no RSA private key, or the passphrase is wrong.
        """
        return _of_kind(cls, from_file(path, api_key=api_key, passphrase=passphrase), str(path))

    def sign(self, payload: str) -> str:
        """The signature of a payload, in base64."""
        return sign_rsa(self._secret, payload)


class Ed25519Key(_Key):
    """An Ed25519 private key: the kind that Binance recommends, and the only one that can log a session on.

    Args:
        api_key: What Binance calls the key whose public half was registered there.
        private_key: Its private half.
    """

    __slots__ = ()
    _secret: Ed25519PrivateKey

    def __init__(self, api_key: str, private_key: Ed25519PrivateKey) -> None:
        super().__init__(api_key, private_key)

    @classmethod
    def from_file(cls, path: str | Path, *, api_key: str, passphrase: str | None = None) -> Ed25519Key:
        """Read a PEM file (PKCS #8, encrypted or not).

        Raises:
            ConfigurationError: The file holds no Ed25519 private key, or the passphrase is wrong.
        """
        return _of_kind(cls, from_file(path, api_key=api_key, passphrase=passphrase), str(path))

    @classmethod
    def generate(cls, api_key: str) -> Ed25519Key:
        """A fresh key for demonstrations and tests; give ``public_pem`` to whoever checks its signatures."""
        return cls(api_key, Ed25519PrivateKey.generate())

    @property
    def can_log_on(self) -> bool:
        """Whether ``session.logon`` takes it."""
        return True

    @property
    def public_pem(self) -> str:
        """The public half, to be registered as the key at Binance."""
        return self._secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, payload: str) -> str:
        """The signature of a payload, in base64 (88 characters)."""
        return sign_ed25519(self._secret, payload)


Credentials: TypeAlias = HmacKey | RsaKey | Ed25519Key


def from_file(path: str | Path, *, api_key: str, passphrase: str | None = None) -> RsaKey | Ed25519Key:
    """The key in a PEM file (PKCS #8, encrypted or not), of whichever kind it is.

    Raises:
        ConfigurationError: The file cannot be read, holds no private key, or the passphrase is wrong.
    """
    return from_pem(_read(path, _shown(path)), api_key=api_key, passphrase=passphrase, name=str(path))


def from_pem(
    pem: bytes, *, api_key: str, passphrase: str | None = None, name: str = "the private key"
) -> RsaKey | Ed25519Key:
    """The key in a PEM text; ``name`` says in errors where it came from.

    Raises:
        ConfigurationError: It is no private key that Binance takes, or the passphrase is wrong.
    """
    private_key = _load(pem, passphrase, name)
    if isinstance(private_key, Ed25519PrivateKey):
        return Ed25519Key(api_key, private_key)
    if isinstance(private_key, RSAPrivateKey):
        return RsaKey(api_key, private_key)
    raise ConfigurationError(f"{name} is neither an Ed25519 nor an RSA key; Binance takes no other kinds")


def from_environment(prefix: str = "BINANCE", environment: Mapping[str, str] | None = None) -> Credentials:
    """The key that the environment names.

    ``<prefix>_API_KEY`` and either ``<prefix>_API_SECRET`` (HMAC), or ``<prefix>_PRIVATE_KEY_FILE`` with the path of a
    PEM file and, where that is encrypted, ``<prefix>_PRIVATE_KEY_PASSPHRASE``.

    Raises:
        ConfigurationError: A variable is missing, two contradict each other, or the key is not usable.
    """
    values = os.environ if environment is None else environment
    api_key, secret = values.get(f"{prefix}_API_KEY"), values.get(f"{prefix}_API_SECRET")
    path = values.get(f"{prefix}_PRIVATE_KEY_FILE")
    if not api_key:
        raise ConfigurationError(f"{prefix}_API_KEY is not set")
    if bool(secret) == bool(path):
        both = f"{prefix}_API_SECRET or {prefix}_PRIVATE_KEY_FILE"
        raise ConfigurationError(f"set {both}, not both" if secret else f"set {both}")
    if secret:
        return HmacKey(api_key, secret)
    passphrase = values.get(f"{prefix}_PRIVATE_KEY_PASSPHRASE")
    name = f"the file that {prefix}_PRIVATE_KEY_FILE names"
    pem = _read(path or "", name, variable=f"{prefix}_PRIVATE_KEY_FILE")
    return from_pem(pem, api_key=api_key, passphrase=passphrase or None, name=name)


def from_keyring(service: str = "cryptotrader") -> Credentials:
    """The key that the system's keyring holds; needs the extra ``keyring``.

    The service has the entries ``api_key`` and either ``api_secret`` (HMAC), or ``private_key`` with a PEM text and,
    where that is encrypted, ``passphrase``: ``keyring set cryptotrader api_key``.

    Raises:
        ConfigurationError: The package or an entry is missing, the keyring cannot be opened, or the key is not usable.
    """
    try:
        import keyring  # noqa: PLC0415 - an optional extra
        import keyring.errors  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError('the keyring needs an extra: pip install "cryptotrader[keyring]"') from error
    try:
        entries = {
            name: keyring.get_password(service, name) for name in ("api_key", "api_secret", "private_key", "passphrase")
        }
    except keyring.errors.KeyringError as error:
        raise ConfigurationError(f"the system's keyring cannot be read: {type(error).__name__}") from error
    api_key, secret, pem = entries["api_key"], entries["api_secret"], entries["private_key"]
    if not api_key:
        raise ConfigurationError(f"the keyring has no entry api_key: keyring set {service} api_key")
    if bool(secret) == bool(pem):
        raise ConfigurationError(f"the keyring's service {service} needs either api_secret or private_key")
    if secret:
        return HmacKey(api_key, secret)
    name = f"the keyring's entry private_key of {service}"
    return from_pem((pem or "").encode(), api_key=api_key, passphrase=entries["passphrase"] or None, name=name)


def _of_kind(kind: type[K], key: RsaKey | Ed25519Key, name: str) -> K:
    if isinstance(key, kind):
        return key
    other = type(key).__name__
    raise ConfigurationError(f"{name} holds a key for {other}, not for {kind.__name__}: use {other}.from_file")


def _read(path: str | Path, name: str, *, variable: str = "the path of the key file") -> bytes:
    """The bytes of a key file; what was given as its path is not shown, since it may be a secret in the wrong place."""
    text = str(path)
    if "-----" in text or "\n" in text:
        raise ConfigurationError(f"{variable} holds a key's text, not a path: write the text to a file and name that")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        why = error.strerror or "unknown reason"
    except ValueError:  # a character that no path has
        why = "this is no path"
    raise ConfigurationError(f"{name}: the key file cannot be read ({why})")


def _shown(path: str | Path) -> str:
    """A path as errors show it: what has no suffix may be a secret that was given in its place."""
    return str(path) if _SUFFIX.search(str(path)) else "the file that was named"


def _load(pem: bytes, passphrase: str | None, name: str) -> PrivateKeyTypes:
    """Causes are left out of what is raised: nothing of a key's text may reach a traceback."""
    if b"PRIVATE KEY-----" not in pem:
        if b"PUBLIC KEY-----" in pem:
            raise ConfigurationError(f"{name} is the public key; sign with the private one that was made with it")
        raise ConfigurationError(f"{name} is no PEM private key; one begins with -----BEGIN PRIVATE KEY-----")
    if b"OPENSSH" in pem:
        hint = "ssh-keygen -p -m PKCS8 -f writes it as PEM"
        raise ConfigurationError(f"{name} is in the form of OpenSSH, which is not read here: {hint}")
    is_encrypted = b"ENCRYPTED" in pem
    if is_encrypted and not passphrase:
        raise ConfigurationError(f"{name} is encrypted: give its passphrase")
    if passphrase and not is_encrypted:
        raise ConfigurationError(f"{name} is not encrypted: leave the passphrase out")
    try:
        return load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        why = "its passphrase is wrong or it is damaged" if is_encrypted else "it is damaged or of an unknown form"
        hint = "openssl pkcs8 -topk8 writes the form that is read here"
        raise ConfigurationError(f"{name} cannot be read: {why} ({hint})") from None
