"""Who may ask for what: keys, signatures and timestamps of requests, and the key that a connection is logged on with.

The checks come in this order: the parameters of authentication are there and well-formed, the key is one, it is known,
the timestamp is within the window, the signature is right, the key has the permission.

Source: Binance Spot documentation, "Request security", "SIGNED request security" and "Session authentication".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cryptotrader.errors import RequestInvalid
from cryptotrader.models.base_models import to_micros
from cryptotrader.protocol.request import Method, Signing
from cryptotrader.protocol.signing import signature_payload
from cryptotrader.simulator.api_errors import ApiError, bad, illegal, mandatory, too_precise
from cryptotrader.simulator.api_requests import AMOUNT
from cryptotrader.simulator.keys import ApiKey, KeyRegister, KeyType, has_key_format

UNAUTHORIZED = 401
_DEFAULT_WINDOW_US, _LONGEST_WINDOW_US = 5_000_000, 60_000_000
_AHEAD_US = 1_000_000
_WINDOW_DECIMALS = 3
_TIMESTAMP = "^[0-9]{1,20}$"
_is_timestamp = re.compile(_TIMESTAMP).fullmatch
_is_amount = re.compile(AMOUNT).fullmatch


def rejected_key(status: int = 400) -> ApiError:
    """The key is unknown, revoked, or may not do this."""
    return ApiError(status, -2015, "Invalid API-key, IP, or permissions for action.")


def bad_signature() -> ApiError:
    """The signature does not fit."""
    return bad(-1022, "Signature for this request is not valid.")


class Security:
    """Checks what the requests of one connection prove.

    Args:
        keys: All API keys.

    Attributes:
        key: The key that the connection is logged on with.
        authorized_us: Since when, in microseconds.
    """

    def __init__(self, keys: KeyRegister) -> None:
        self._keys = keys
        self.key: ApiKey | None = None
        self.authorized_us: int | None = None

    @property
    def has_lost_its_key(self) -> bool:
        """Whether the key that the connection is logged on with is no longer in force."""
        return self.key is not None and not self._keys.is_active(self.key)

    def log_on(self, key: ApiKey, now_us: int) -> None:
        """Let a key stand for the requests that follow.

        Raises:
            ApiError: It is of a kind that cannot log on.
        """
        if key.type is not KeyType.ED25519:
            raise rejected_key()
        self.key, self.authorized_us = key, now_us

    def log_out(self) -> None:
        """Forget the key."""
        self.key = self.authorized_us = None

    def prove(self, method: Method, params: Mapping[str, Any], now_us: int) -> ApiKey:
        """The key that a request is proven by: its own, or else the one that the connection is logged on with.

        Args:
            method: What is asked for.
            params: Its parameters as they came.
            now_us: Current time.

        Raises:
            ApiError: It is not proven, or the key may not do this.
        """
        brings_key = "apiKey" in params or "signature" in params
        if method.signing is Signing.NEVER:
            key = self.key
            if key is None:
                raise rejected_key()
        elif brings_key or self.key is None or method.signing is Signing.ALWAYS:
            key = self._signed(params, now_us)
        else:
            key = self.key
            check_time(params, now_us)
        if not key.may(method.security):
            raise rejected_key()
        return key

    def _signed(self, params: Mapping[str, Any], now_us: int) -> ApiKey:
        for name in ("apiKey", "signature", "timestamp"):
            if params.get(name) in (None, ""):
                raise mandatory(name)
        api_key, signature = params["apiKey"], params["signature"]
        if not has_key_format(api_key):
            raise bad(-2014, "API-key format invalid.")
        key = self._keys.find(api_key)
        if key is None:
            raise rejected_key()
        check_time(params, now_us)
        try:
            payload = signature_payload(params)
        except RequestInvalid as error:  # a parameter is no value that can be signed
            raise bad_signature() from error
        if not isinstance(signature, str) or not self._keys.verifies(key, payload, signature):
            raise bad_signature()
        return key


def check_time(params: Mapping[str, Any], now_us: int) -> None:
    """Check that a request comes neither too early nor too late.

    Raises:
        ApiError: It does, or its times are malformed.
    """
    if params.get("timestamp") in (None, ""):
        raise mandatory("timestamp")
    stamp = str(params["timestamp"])
    if _is_timestamp(stamp) is None:
        raise illegal("timestamp", _TIMESTAMP)
    window_us = _window(params)
    sent_us = to_micros(int(stamp))
    if sent_us >= now_us + _AHEAD_US:
        raise bad(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_us - sent_us > window_us:
        raise bad(-1021, "Timestamp for this request is outside of the recvWindow.")


def _window(params: Mapping[str, Any]) -> int:
    """How old the request may be, in microseconds."""
    if "recvWindow" not in params:
        return _DEFAULT_WINDOW_US
    text = str(params["recvWindow"])
    if _is_amount(text) is None:
        raise illegal("recvWindow", AMOUNT)
    _, _, decimals = text.partition(".")
    if len(decimals) > _WINDOW_DECIMALS:
        raise too_precise("recvWindow")
    window_us = int(Decimal(text) * 1_000)
    if window_us > _LONGEST_WINDOW_US:
        raise bad(-1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000.")
    return window_us
