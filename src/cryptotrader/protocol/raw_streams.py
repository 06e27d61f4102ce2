"""Events of a raw connection (``/ws``), which do not name their stream: found by what they contain.

Partial depth carries neither symbol nor type, and the two speeds of a depth stream look the same, so a raw connection
can carry only one of such a group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from cryptotrader.errors import RequestInvalid
from cryptotrader.models.market_models import BookTickerEvent, PartialDepthEvent

if TYPE_CHECKING:
    from cryptotrader.protocol.stream_session import Route

Key = tuple[str, str, str, bool]
"""Event type, symbol, interval, and whether the frame is a list."""


class _KlinePart(msgspec.Struct, frozen=True):
    interval: str = msgspec.field(name="i", default="")


class _Marks(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="e", default="")
    symbol: str = msgspec.field(name="s", default="")
    kline: _KlinePart = msgspec.field(name="k", default=_KlinePart())
    last_update_id: int | None = msgspec.field(name="lastUpdateId", default=None)
    update_id: int | None = msgspec.field(name="u", default=None)


_one = msgspec.json.Decoder(_Marks)
_many = msgspec.json.Decoder(list[_Marks])


class RawRoutes:
    """The routes of a raw connection by what their events contain."""

    def __init__(self) -> None:
        self._routes: dict[Key, Route] = {}

    def add(self, route: Route) -> None:
        """Know a route.

        Raises:
            RequestInvalid: Its events look like those of a stream that is known already.
        """
        key = _key_of(route)
        known = self._routes.get(key)
        if known is not None:
            raise RequestInvalid(
                f"on a raw connection {route.stream} cannot be told from {known.stream}; use a combined one",
                method="SUBSCRIBE",
            )
        self._routes[key] = route

    def discard(self, route: Route) -> None:
        """Forget a route."""
        key = _key_of(route)
        if self._routes.get(key) is route:
            del self._routes[key]

    def find(self, payload: bytes) -> Route | None:
        """The route of a frame; ``None`` when none fits, or an empty list says nothing.

        Raises:
            msgspec.MsgspecError: The frame is not JSON, or not of a market stream.
        """
        if payload.lstrip().startswith(b"["):
            events = _many.decode(payload)
            return self._routes.get((events[0].type, "", "", True)) if events else None
        marks = _one.decode(payload)
        if marks.last_update_id is not None:
            return self._routes.get(("partialDepth", "", "", False))
        if not marks.type and marks.update_id is not None:
            return self._routes.get(("bookTicker", marks.symbol.lower(), "", False))
        return self._routes.get((marks.type, marks.symbol.lower(), marks.kline.interval, False))


def _key_of(route: Route) -> Key:
    values = route.channel.match(route.stream) or {}
    if route.channel.event is PartialDepthEvent:
        return ("partialDepth", "", "", False)
    if route.channel.event is BookTickerEvent:
        return ("bookTicker", values["symbol"], "", False)
    kind = route.channel.event_type.format(**values)
    return (kind, values.get("symbol", ""), values.get("interval", ""), route.channel.many)
