"""What to do about a refusal, for those whose text does not say it.

Source: Binance Spot documentation, "Error codes".
"""

from __future__ import annotations

from datetime import UTC, datetime

_LEAST_MICROSECONDS = 10**14
_BY_CODE = {
    -1013: "exchangeInfo tells the symbol's filters; OrderOptions(round_to_filters=True) brings amounts in line",
    -1021: "set this machine's clock, or give a longer recv_window",
    -1022: "the secret or private key is not the one that belongs to this API key; pair them anew",
    -2014: "this is no API key; copy it anew",
    -2015: "see that the key exists, is of this environment (live, testnet and demo have their own), may do this, "
    "and may be used from this address",
}
_BY_TEXT = {
    "Account has insufficient balance for requested action.": "order less, or cancel orders that lock the balance",
    "Duplicate order sent.": "an open order has this client order id; look at that order, or choose another id",
}


def advice(code: int, message: str, retry_after: int | None) -> str:
    """What to do about a refusal; empty where its text says it all.

    Args:
        code: Binance's error code.
        message: Binance's text.
        retry_after: When to try again, in milliseconds or microseconds of Unix time.
    """
    if retry_after is not None:
        seconds = retry_after / (1e6 if retry_after >= _LEAST_MICROSECONDS else 1e3)
        try:
            return f"send nothing before {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
        except (ValueError, OverflowError, OSError):  # no calendar has that time
            return ""
    return _BY_TEXT.get(message) or _BY_CODE.get(code, "")
