"""Any frame that a market data connection receives, decoded by its stream's name or, without one, by its content.

For frames that come from a file: who subscribed to what, and who asked what, is known only from the frames themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from cryptotrader.errors import DecodeFailed, RequestInvalid
from cryptotrader.models.base_models import Model, plain, snake_name
from cryptotrader.models.control_models import ServerShutdown
from cryptotrader.models.market_models import BookTickerEvent, KlineEvent, OrderBookSnapshot
from cryptotrader.protocol.channel import BOOK_TICKER, CHANNELS, Channel, find_channel
from cryptotrader.protocol.codec import ErrorBody

_MOST_REQUESTS = 10_000
_FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, RequestInvalid)


class DecodedFrame(NamedTuple):
    """What a frame says.

    Attributes:
        kind: ``trade``, ``depth_update``, ``depth_snapshot`` and so on; ``reply`` for other answers.
        messages: Its events or results; none for replies that carry no market data.
        stream: The stream's name, where the frame tells it.
        symbol: Of messages that carry none themselves, where it is known.
        reply: The reply's envelope, for replies.
        content: What stands in a stream's envelope, or the whole frame.
    """

    kind: str
    messages: tuple[Model, ...] = ()
    stream: str | None = None
    symbol: str | None = None
    reply: Reply | None = None
    content: bytes | msgspec.Raw = b""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The envelope of a reply to a request, or to a stream command.

    Attributes:
        id: Of the request.
        status: HTTP-like status; 0 for stream commands, which have none.
        code: Binance's error code, for errors.
        message: Binance's error text, for errors.
    """

    id: int | str | None
    status: int = 0
    code: int | None = None
    message: str | None = None


class _Frame(msgspec.Struct):
    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    type: str = msgspec.field(name="e", default="")
    last_update_id: int | None = msgspec.field(name="lastUpdateId", default=None)
    update_id: int | None = msgspec.field(name="u", default=None)
    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    status: int = 0
    result: msgspec.Raw = msgspec.Raw(b"")
    error: ErrorBody | None = None
    code: int | None = None
    msg: str = ""
    event: msgspec.Raw = msgspec.Raw(b"")


class _Marks(msgspec.Struct):
    type: str = msgspec.field(name="e", default="")
    last_update_id: int | None = msgspec.field(name="lastUpdateId", default=None)


class _Parameters(msgspec.Struct):
    symbol: str | None = None


class _Sent(msgspec.Struct):
    id: int | str | None = None
    params: _Parameters | list[Any] | None = None


_frame = msgspec.json.Decoder(_Frame)
_marks = msgspec.json.Decoder(_Marks)
_many_marks = msgspec.json.Decoder(list[_Marks])
_sent = msgspec.json.Decoder(_Sent)
_snapshot = msgspec.json.Decoder(OrderBookSnapshot)
_shutdown = msgspec.json.Decoder(ServerShutdown)


def _by_type() -> dict[tuple[str, bool], Channel[Any]]:
    """The rows by event type and whether a frame is a list; those of one type decode alike."""
    rows: dict[tuple[str, bool], Channel[Any]] = {}
    for channel in CHANNELS:
        for window in ("1h", "4h", "1d"):
            rows.setdefault((channel.event_type.format(window=window), channel.many), channel)
    return rows


_BY_TYPE = _by_type()


class FrameDecoder:
    """Decodes the frames of any number of connections, in the order in which they came."""

    def __init__(self) -> None:
        self._channels: dict[str, tuple[Channel[Any], str | None]] = {}
        self._asked: dict[tuple[int, int | str | None], str] = {}

    def note_sent(self, payload: bytes, connection: int = 0) -> None:
        """Remember what a request asks for, so that its reply can be told; anything else is passed over."""
        try:
            sent = _sent.decode(payload)
        except _FAILURES:
            return
        if isinstance(sent.params, _Parameters) and sent.params.symbol is not None:
            if len(self._asked) >= _MOST_REQUESTS:
                self._asked.clear()
            self._asked[connection, sent.id] = sent.params.symbol

    def decode(self, payload: bytes, connection: int = 0) -> DecodedFrame:
        """Decode one received frame.

        Raises:
            DecodeFailed: It is not JSON, or nothing that a market data connection receives.
        """
        try:
            if payload.lstrip().startswith(b"["):
                return self._list(payload)
            frame = _frame.decode(payload)
            if frame.stream is not None:
                return self._combined(frame.stream, frame.data)
            if frame.id is not msgspec.UNSET or frame.error is not None or frame.code is not None:
                return self._reply(frame, connection)
            return _raw_event(frame, payload)
        except _FAILURES as error:
            raise DecodeFailed("not a market data frame", payload) from error

    def _combined(self, stream: str, data: msgspec.Raw) -> DecodedFrame:
        known = self._channels.get(stream)
        if known is None:
            if stream == "!serverShutdown":
                return DecodedFrame("server_shutdown", (_shutdown.decode(data),), stream, content=data)
            channel, name = find_channel(stream)
            symbol = (channel.match(name) or {}).get("symbol")
            known = self._channels[stream] = channel, symbol and symbol.upper()
        channel, symbol = known
        event = channel.decode(data)
        return DecodedFrame(_kind(channel), tuple(event) if channel.many else (event,), stream, symbol, content=data)

    def _list(self, payload: bytes) -> DecodedFrame:
        marks = _many_marks.decode(payload)
        channel = _BY_TYPE.get((marks[0].type if marks else "", True))
        if channel is None:
            raise DecodeFailed("a list of no known events", payload)
        return DecodedFrame(_kind(channel), tuple(channel.decode(payload)), content=payload)

    def _reply(self, frame: _Frame, connection: int) -> DecodedFrame:
        number = None if isinstance(frame.id, msgspec.UnsetType) else frame.id
        symbol = self._asked.pop((connection, number), None)
        failure = frame.error or (None if frame.code is None else ErrorBody(frame.code, frame.msg))
        if failure is not None:
            return DecodedFrame("reply", reply=Reply(number, frame.status, failure.code, failure.msg))
        reply = Reply(number, frame.status)
        if bytes(frame.result).startswith(b"{") and _marks.decode(frame.result).last_update_id is not None:
            return DecodedFrame("depth_snapshot", (_snapshot.decode(frame.result),), symbol=symbol, reply=reply)
        return DecodedFrame("reply", reply=reply)


def _raw_event(frame: _Frame, payload: bytes) -> DecodedFrame:
    """An event, or a snapshot as REST gives it, without any envelope."""
    if frame.last_update_id is not None:
        return DecodedFrame("depth_snapshot", (_snapshot.decode(payload),))
    if frame.type == "serverShutdown":
        return DecodedFrame("server_shutdown", (_shutdown.decode(payload),))
    if bytes(frame.event) and _marks.decode(frame.event).type == "serverShutdown":
        return DecodedFrame("server_shutdown", (_shutdown.decode(frame.event),))
    if not frame.type and frame.update_id is not None:
        return DecodedFrame(_kind(BOOK_TICKER), (BookTickerEvent.from_json(payload),), content=payload)
    channel = _BY_TYPE.get((frame.type, False)) if frame.type else None
    if channel is None:
        raise DecodeFailed("not a market data frame", payload)
    return DecodedFrame(_kind(channel), (channel.decode(payload),), content=payload)


def _kind(channel: Channel[Any]) -> str:
    """``trade`` for ``TradeEvent``: what a stream carries, whatever its speed or how many it carries at once."""
    return snake_name(channel.event.__name__.removesuffix("Event"))


# ------------------------------------------------------------------------------------------------- as plain values


def normalised(frame: DecodedFrame) -> Iterator[dict[str, Any]]:
    """Each message of a frame as a flat object with descriptive names; decimals are text, levels lists of two texts."""
    if frame.reply is not None and not frame.messages:
        yield {"event": frame.kind, **msgspec.structs.asdict(frame.reply)}
    for message in frame.messages:
        values: dict[str, Any] = {"event": frame.kind}
        if frame.symbol is not None and "symbol" not in message.__struct_fields__:
            values["symbol"] = frame.symbol
        _add_fields(values, message)
        yield values


def _add_fields(values: dict[str, Any], message: Model) -> None:
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if isinstance(message, KlineEvent) and name == "kline":
            _add_fields(values, message.kline)
        elif isinstance(value, Decimal):
            values[name] = f"{value:f}"
        else:
            values[name.removeprefix("raw_")] = plain(value) if name.startswith("raw_") else value
