"""Every error of the library. Each class says what the caller may do next.

::

    BinanceError
    ├─ ConfigurationError            a setting is wrong; nothing was sent
    ├─ RequestInvalid                a request breaks Binance's rules; nothing was sent
    │  └─ FilterViolated             an order breaks a filter of its symbol; see ``filter``
    ├─ TransportError
    │  ├─ ConnectFailed              no connection could be opened
    │  └─ ConnectionLost             an open connection ended
    ├─ ProtocolError
    │  ├─ DecodeFailed               a frame is not what the protocol says; it is kept in ``payload``
    │  └─ UnexpectedFrame            a frame is well formed and has no place here
    ├─ RequestRejected               certainly no effect
    │  ├─ OrderRejected              the order was refused; see ``reason``
    │  ├─ RateLimited                wait until ``retry_after``
    │  ├─ Banned                     this address is shut out until ``until``
    │  ├─ TooManySubscriptions       this connection takes no further subscription to user data
    │  └─ PartiallyApplied           one half of a cancel-replace took effect; see ``data``
    ├─ OutcomeUnknown                sent, and no answer: ask before sending again; where orders are concerned one
    │                                of the kinds in ``order_outcomes``, which resolve to orders
    ├─ OrderNotFilled                an order that was awaited ended without being filled
    ├─ ConsumerTooSlow               the bounded buffer of a stream overflowed
    ├─ BookOutOfSync                 an order book lost its place in the diff stream
    ├─ GapUnfilled                   trades are missing and could not be fetched
    └─ BalanceUnexplained            an account's balance changed while no events came, and no trade tells why

``IngestionError`` and its children belong to capture: ``UnknownSymbol``, ``SinkFailed``, ``SinkLocked`` and
``QueryFailed``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cryptotrader.error_advice import advice

LASTING_CODES = frozenset({-1002, -1020, -1022, -1191, -2014, -2015})
"""Codes that say the same however often a key asks: until the key, or what is asked of this exchange, is another."""
SUBSCRIPTIONS_USED_UP = -2042


class BinanceError(Exception):
    """Base of all errors of this library.

    Next: See the class that was raised.
    """


class ConfigurationError(BinanceError, ValueError):
    """A setting is wrong; nothing was sent.

    Next: Correct the setting; trying again cannot help.
    """


class RequestInvalid(BinanceError, ValueError):
    """A request breaks Binance's documented rules; nothing was sent.

    Next: Correct the request; trying again cannot help.

    Attributes:
        method: The method or command that was to be sent.
    """

    def __init__(self, message: str, *, method: str = "") -> None:
        super().__init__(f"{method}: {message}" if method else message)
        self.method = method


class FilterViolated(RequestInvalid):
    """An order breaks a filter of its symbol; nothing was sent.

    Attributes:
        symbol: Whose filter.
        filter: Its name, such as ``LOT_SIZE``.

    Next: Correct the amount that the text names, or let ``OrderOptions(round_to_filters=True)`` do it.
    """

    def __init__(self, symbol: str, filter: str, why: str, *, method: str = "") -> None:  # noqa: A002 - Binance's word
        super().__init__(f"{symbol}: {filter}: {why}", method=method)
        self.symbol = symbol
        self.filter = filter


class TransportError(BinanceError):
    """The connection could not do its work.

    Next: Wait; the library connects again by itself unless it says otherwise.
    """


class ConnectFailed(TransportError):
    """No connection could be opened.

    Next: Check address and network, wait ``retry_after`` where it is given, and open anew.

    Attributes:
        url: Where to.
        attempts: How many times it was tried.
        status: The HTTP status of a refused handshake, when there was one.
        retry_after: Seconds to wait that the server asked for, when it did.
    """

    def __init__(
        self,
        message: str,
        *,
        url: str = "",
        attempts: int = 1,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.url = url
        self.attempts = attempts
        self.status = status
        self.retry_after = retry_after


class ConnectionLost(TransportError):
    """An open connection ended, by either side or in between.

    Attributes:
        reason: Why, in a few words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"connection lost: {reason}")
        self.reason = reason


class ProtocolError(BinanceError):
    """The other side does not speak the protocol.

    Next: Report it; other messages of the connection are not touched.
    """


class DecodeFailed(ProtocolError):
    """A frame could not be decoded.

    Next: Iterate on; report ``payload``, which is kept for that.

    Attributes:
        payload: The frame as received.
    """

    def __init__(self, message: str, payload: bytes) -> None:
        shown = payload[:120].decode("utf-8", "replace")
        super().__init__(f"{message}: {shown!r}{' …' if len(payload) > len(shown) else ''}")
        self.payload = payload


class UnexpectedFrame(ProtocolError):
    """A well-formed frame that has no place here.

    Attributes:
        payload: The frame as received.
    """

    def __init__(self, message: str, payload: bytes) -> None:
        super().__init__(message)
        self.payload = payload


class RequestRejected(BinanceError):
    """The exchange refused a request; it had no effect.

    Next: Look at ``code`` and ``message``; the same request is refused again while its cause lasts.

    Attributes:
        method: The method that was called.
        status: HTTP-like status of the reply (400, 401, 403 …); 0 for stream commands, which have none.
        code: Binance's error code, for example -1121.
        message: Binance's text.
        data: Binance's further data, when sent.
    """

    def __init__(self, method: str, status: int, code: int, message: str, data: Any = None) -> None:
        what_to_do = advice(code, message, _retry_after(data))
        super().__init__(f"{method}: {message} (code {code}, status {status}){what_to_do and f': {what_to_do}'}")
        self.method = method
        self.status = status
        self.code = code
        self.message = message
        self.data = data

    @property
    def is_lasting(self) -> bool:
        """Whether asking again gets the same answer: the key is refused, or the exchange does not do this."""
        return self.code in LASTING_CODES


def _retry_after(data: Any) -> int | None:
    value = data.get("retryAfter") if isinstance(data, dict) else None
    return value if isinstance(value, int) else None


class OrderRejected(RequestRejected):
    """The exchange refused an order.

    Next: Look at ``reason``; nothing was placed, changed or cancelled.

    Attributes:
        reason: Binance's text without its prefix.
    """

    @property
    def reason(self) -> str:
        """The filter's name or the engine's text."""
        return self.message.removeprefix("Filter failure: ")


class RateLimited(RequestRejected):
    """Too much request weight or too many orders.

    Next: Send nothing before ``retry_after``; the library's own budget waits for it.

    Attributes:
        retry_after: When to try again, in milliseconds of Unix time; ``None`` when the server did not say.
    """

    @property
    def retry_after(self) -> int | None:
        """When to try again, in milliseconds of Unix time."""
        return _retry_after(self.data)


class Banned(RateLimited):
    """This address is shut out for ignoring the limits.

    Next: Send nothing from this address before ``until``; each attempt prolongs the ban.
    """

    @property
    def until(self) -> int | None:
        """When the ban ends, in milliseconds of Unix time."""
        return self.retry_after


class TooManySubscriptions(RequestRejected):
    """A connection has as many subscriptions to user data as it may have, or has made as many as it may make.

    Next: Subscribe on another connection; ``UserStream`` opens one by itself when it has made too many.

    Attributes:
        are_used_up: The connection has made as many as it may make in its life.
    """

    @property
    def are_used_up(self) -> bool:
        """Whether the connection may make no further subscription, even when others end."""
        return self.code == SUBSCRIPTIONS_USED_UP


class PartiallyApplied(RequestRejected):
    """One half of a cancel-replace took effect (status 409); ``data`` holds both results.

    Next: Look at both results in ``data`` and repeat only the half that failed.
    """


class OutcomeUnknown(BinanceError):
    """A request was sent and no answer came: it may have taken effect.

    Next: Ask for the state, such as the order by its client id, before sending again.

    Attributes:
        method: The method that was called.
        id: The request's id.
        why: What happened to the answer.
    """

    def __init__(self, method: str, id: str | int, why: str) -> None:  # noqa: A002 - Binance's word
        super().__init__(f"{method}: outcome unknown ({why})")
        self.method = method
        self.id = id
        self.why = why


class OrderNotFilled(BinanceError):
    """An order that was awaited ended without being filled.

    Attributes:
        symbol: Its symbol.
        client_order_id: Its client order id.
        status: How it ended, such as ``CANCELED``.
        executed_quantity: What was traded before.
        expiry_reason: Why it expired; empty when Binance did not say.
    """

    def __init__(
        self, symbol: str, client_order_id: str, status: str, executed_quantity: Decimal, expiry_reason: str = ""
    ) -> None:
        why = f" ({expiry_reason})" if expiry_reason else ""
        super().__init__(f"{symbol} {client_order_id}: {status}{why} with {executed_quantity:f} executed")
        self.symbol = symbol
        self.client_order_id = client_order_id
        self.status = status
        self.executed_quantity = executed_quantity
        self.expiry_reason = expiry_reason


class ConsumerTooSlow(BinanceError):
    """The bounded buffer of a stream overflowed: events were lost to this consumer alone.

    Next: Iterate on; do less for each event, use ``batches()``, or give the stream a larger buffer.

    Attributes:
        lag_ns: Age of the oldest undelivered event, in nanoseconds.
        lost: How many events were discarded.
    """

    def __init__(self, lag_ns: int, lost: int) -> None:
        super().__init__(f"consumer too slow: {lost} events discarded, {lag_ns / 1e9:.3f} s behind")
        self.lag_ns = lag_ns
        self.lost = lost


class BookOutOfSync(BinanceError):
    """An order book lost its place in the diff stream and must be built anew.

    Next: Apply a new snapshot; ``LiveOrderBook`` does so by itself.

    Attributes:
        symbol: Which book.
        expected: The update id that had to follow.
        received: The first update id that came instead.
    """

    def __init__(self, symbol: str, expected: int, received: int) -> None:
        super().__init__(f"{symbol}: expected update {expected}, received {received}")
        self.symbol = symbol
        self.expected = expected
        self.received = received


class GapUnfilled(BinanceError):
    """Trades are missing and could not be fetched.

    Next: Iterate on, or fetch ``first`` to ``last`` later with ``trades.historical``.

    Attributes:
        symbol: Which symbol.
        first: First missing trade id.
        last: Last missing trade id.
    """

    def __init__(self, symbol: str, first: int, last: int, why: str = "") -> None:
        super().__init__(f"{symbol}: trades {first}-{last} missing{f' ({why})' if why else ''}")
        self.symbol = symbol
        self.first = first
        self.last = last


class BalanceUnexplained(BinanceError):
    """A balance changed while no user data events came, and the account's trades do not say why.

    A deposit, a withdrawal or a transfer, most likely; the state is current again.

    Attributes:
        asset: Which one.
        expected: Free and locked together, by what was known.
        found: Free and locked together, by the exchange.
    """

    def __init__(self, asset: str, expected: Decimal, found: Decimal) -> None:
        super().__init__(f"{asset}: expected {expected:f}, found {found:f}; the trades do not explain it")
        self.asset = asset
        self.expected = expected
        self.found = found


class IngestionError(BinanceError):
    """Capture cannot go on, or cannot start.

    Next: Remove the cause and start capture again; what was committed stands.
    """


class UnknownSymbol(IngestionError, ValueError):
    """A symbol is not traded at the exchange, or cannot be split into its assets.

    Next: Correct the symbol; nothing was stored.

    Attributes:
        symbol: The symbol as given.
    """

    def __init__(self, symbol: str, why: str) -> None:
        super().__init__(f"{symbol}: {why}")
        self.symbol = symbol


class SinkFailed(IngestionError):
    """A sink could not store a batch; what was committed before stands.

    Next: Repair the storage and start capture again; it fetches what is missing.

    Attributes:
        sink: Where to.
    """

    def __init__(self, sink: str, why: str) -> None:
        super().__init__(f"{sink}: {why}")
        self.sink = sink


class SinkLocked(SinkFailed):
    """Another process writes to the same place.

    Next: End the other process, or store elsewhere.
    """


class QueryFailed(IngestionError):
    """A query of stored trades was refused, or did not come to its end; the table is as it was.

    Next: Correct the query, give it more memory, or ask for less.
    """
