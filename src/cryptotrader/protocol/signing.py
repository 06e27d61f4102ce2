"""Signatures of requests: the text that is signed, and the three algorithms, for signing and for checking.

Source: Binance Spot documentation, "SIGNED request security".
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from cryptotrader.config import LONGEST_WINDOW_MS
from cryptotrader.errors import RequestInvalid
from cryptotrader.models.base_models import plain

_WINDOW_DECIMALS = 3


def signature_payload(params: Mapping[str, Any]) -> str:
    """The text that is signed: every parameter but ``signature``, sorted by name, exactly as it is sent.

    Nothing is percent-encoded: that is a rule of the REST interface only.

    Args:
        params: Parameters by their name on the wire.

    Raises:
        RequestInvalid: A value has no exact text.
    """
    return "&".join(
        [
            f"{name}={value}" if type(value := params[name]) is str else f"{name}={_text(name, value)}"
            for name in sorted(params)
            if name != "signature"
        ]
    )


def window_on_wire(milliseconds: float, *, method: str = "") -> int | str:
    """A ``recvWindow`` as it is sent.

    Raises:
        RequestInvalid: It is longer than a minute, negative, or has more than three decimals.
    """
    exact = Decimal(str(milliseconds))
    is_long = exact.is_nan() or not 0 <= exact <= LONGEST_WINDOW_MS
    if is_long or exact != round(exact, _WINDOW_DECIMALS):
        problem = f"recv_window: {milliseconds} is not between 0 and {LONGEST_WINDOW_MS} ms with up to three decimals"
        raise RequestInvalid(problem, method=method)
    return int(exact) if exact == exact.to_integral_value() else str(plain(exact))


def _text(name: str, value: Any) -> str:
    if type(value) is int:
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, Decimal):
        return str(plain(value))
    if isinstance(value, (list, tuple)):
        return msgspec.json.encode(plain(value)).decode()
    raise RequestInvalid(f"{name}: a {type(value).__name__} has no exact text to sign")


def hmac_of(secret: str) -> HMAC:
    """HMAC-SHA256 with a secret, ready to sign many payloads."""
    return HMAC(secret.encode(), SHA256())


def sign_hmac(keyed: HMAC, payload: str) -> str:
    """HMAC-SHA256 as 64 lower-case hexadecimal digits."""
    code = keyed.copy()
    code.update(payload.encode())
    return code.finalize().hex()


def sign_rsa(key: RSAPrivateKey, payload: str) -> str:
    """RSASSA-PKCS1-v1_5 with SHA-256, in base64."""
    return base64.b64encode(key.sign(payload.encode(), PKCS1v15(), SHA256())).decode()


def sign_ed25519(key: Ed25519PrivateKey, payload: str) -> str:
    """Ed25519, in base64 (88 characters)."""
    return base64.b64encode(key.sign(payload.encode())).decode()


def verify_hmac(secret: str, payload: str, signature: str) -> bool:
    """Whether an HMAC signature is right; the case of its digits does not matter."""
    return hmac.compare_digest(sign_hmac(hmac_of(secret), payload).encode(), signature.lower().encode())


def verify_rsa(key: RSAPublicKey, payload: str, signature: str) -> bool:
    """Whether an RSA signature is right."""
    try:
        key.verify(base64.b64decode(signature, validate=True), payload.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):  # ValueError: not ASCII
        return False
    return True


def verify_ed25519(key: Ed25519PublicKey, payload: str, signature: str) -> bool:
    """Whether an Ed25519 signature is right."""
    try:
        key.verify(base64.b64decode(signature, validate=True), payload.encode())
    except (InvalidSignature, binascii.Error, ValueError):  # ValueError: not ASCII
        return False
    return True
