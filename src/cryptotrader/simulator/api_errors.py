"""How a handler refuses."""

from __future__ import annotations

from typing import Any

BAD_REQUEST = 400
BAD_SYMBOL = -1121


class ApiError(Exception):
    """An error reply.

    Attributes:
        status: HTTP-like status.
        code: Binance's error code.
        message: Binance's text.
        data: Further data, when documented.
    """

    def __init__(self, status: int, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.data = data


def bad_symbol() -> ApiError:
    """The symbol is not listed."""
    return bad(BAD_SYMBOL, "Invalid symbol.")


def status_mismatch() -> ApiError:
    """The symbol is not in the phase that was asked for."""
    return ApiError(BAD_REQUEST, -1220, "The symbol's status does not match the requested symbolStatus.")


def not_supported() -> ApiError:
    """The exchange does not answer this method."""
    return ApiError(BAD_REQUEST, -1020, "This operation is not supported.")


def no_accounts() -> ApiError:
    """A recording is replayed; Binance itself has no such refusal."""
    return bad(-1020, "This operation is not supported: a recording is replayed here, and nobody has an account.")


def duplicate_symbols() -> ApiError:
    """A symbol is named twice."""
    return ApiError(BAD_REQUEST, -1151, "Symbol is present multiple times in the list.")


def no_reference_price() -> ApiError:
    """The symbol has no reference price."""
    return ApiError(BAD_REQUEST, -2043, "This symbol doesn't have a reference price.")


def no_book() -> ApiError:
    """A recording does not tell the symbol's order book at this time; Binance itself has no such refusal."""
    return ApiError(BAD_REQUEST, -1000, "The recording has no order book of this symbol at this time.")


def bad(code: int, message: str) -> ApiError:
    """A request that is refused with status 400."""
    return ApiError(BAD_REQUEST, code, message)


def mandatory(name: str) -> ApiError:
    """A parameter is missing."""
    return bad(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> ApiError:
    """A parameter has characters that it may not have."""
    return bad(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def invalid(name: str) -> ApiError:
    """A parameter has a value that it may not have."""
    return bad(-1130, f"Data sent for parameter '{name}' is not valid.")


def too_precise(name: str) -> ApiError:
    """A parameter has too many decimals."""
    return bad(-1111, f"Parameter '{name}' has too much precision.")
