"""One market stream connection without its socket: what is wanted, what is confirmed, and where events go.

The session compares the streams that are wanted with those the server has confirmed and sends what is needed to make
them equal, within the message budget, on every new connection anew.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from cryptotrader.config import Timeouts, TimeUnit
from cryptotrader.errors import DecodeFailed, RequestInvalid, RequestRejected
from cryptotrader.models.control_models import ServerShutdown
from cryptotrader.protocol import codec
from cryptotrader.protocol.channel import Channel, find_channel
from cryptotrader.protocol.limits import message_budget
from cryptotrader.protocol.raw_streams import RawRoutes

MAX_STREAMS = 1024
"""Streams that one connection may carry."""

_INSPECT_EVERY = 1000
_KEPT_FOR_PONGS = 2
_PONGS_OWED = 16  # in a flood of pings only the newest are answered, as RFC 6455 allows

Consumer = Callable[[Any, int], None]
"""Called with an event and its receive time in nanoseconds."""


@dataclass(eq=False, slots=True)
class Route:
    """Where the events of one stream go.

    Attributes:
        many: Whether a frame carries a list of events.
        until_inspection: Frames until the next look for fields that the models do not know.
    """

    stream: str
    channel: Channel[Any]
    decode: Callable[[bytes], Any]
    many: bool
    consumers: tuple[Consumer, ...] = ()
    payload_consumers: tuple[Callable[[bytes, int], None], ...] = ()
    until_inspection: int = 0


@dataclass
class _Command:
    method: str
    streams: list[str]
    deadline: float


@dataclass
class StreamCounters:
    """What was received besides known events.

    Attributes:
        unknown_streams: Frames of streams that nobody wants, by stream.
        unknown_fields: Sightings of fields that the models do not know, as ``event.field``; the first frame of a stream
            and every thousandth after it is looked at.
        undecodable: Frames that are not what the protocol says.
    """

    unknown_streams: Counter[str] = field(default_factory=Counter)
    unknown_fields: Counter[str] = field(default_factory=Counter)
    undecodable: int = 0

    def add(self, other: StreamCounters) -> None:
        """Add the counts of another connection."""
        self.unknown_streams.update(other.unknown_streams)
        self.unknown_fields.update(other.unknown_fields)
        self.undecodable += other.undecodable


class StreamSession:
    """Sans-I/O state of one market stream connection.

    Args:
        time_unit: Unit of the timestamps to ask for.
        timeouts: Deadlines of acknowledgements and of silence.
        combined: Use ``/stream``, whose frames name their stream; otherwise ``/ws``.
        on_shutdown: Told that the server goes down.
        on_confirmed: Told which streams the server has just confirmed.
        on_problem: Told of an error and the stream it belongs to (``None``: to the connection); what a consumer
            raises comes here too, so that it stops neither the other consumers nor the connection.
    """

    def __init__(
        self,
        *,
        time_unit: TimeUnit = TimeUnit.MILLISECOND,
        timeouts: Timeouts | None = None,
        combined: bool = True,
        on_shutdown: Callable[[ServerShutdown], None],
        on_confirmed: Callable[[set[str]], None],
        on_problem: Callable[[str | None, Exception], None],
    ) -> None:
        self._time_unit = time_unit
        self._timeouts = timeouts or Timeouts()
        self._combined = combined
        self._on_shutdown = on_shutdown
        self._on_confirmed = on_confirmed
        self._on_problem = on_problem
        self._routes: dict[bytes, Route] = {}
        self._raw_routes = RawRoutes()
        self._confirmed: set[str] = set()
        self._in_url: list[str] = []
        self._commands: dict[int, _Command] = {}
        self._alone: set[str] = set()
        self._last_id = 0
        self._budget = message_budget()
        self._pings: deque[bytes] = deque(maxlen=_PONGS_OWED)
        self._heard = self._heard_data = False
        self._heard_at = self._heard_data_at = 0.0
        self._open = False
        self.counters = StreamCounters()
        self.outbox: deque[tuple[str, bytes]] = deque()
        self.redial_at_once = False
        self.dead: str | None = None

    # ------------------------------------------------------------------------------------------------- what is wanted

    @property
    def streams(self) -> list[str]:
        """The streams that are wanted."""
        return [route.stream for route in self._routes.values()]

    @property
    def confirmed(self) -> set[str]:
        """The wanted streams that the server has confirmed on this connection."""
        return {route.stream for route in self._routes.values() if route.stream in self._confirmed}

    @property
    def room(self) -> int:
        """How many more streams the connection may carry."""
        return MAX_STREAMS - len(self._routes)

    def add(
        self,
        stream: str,
        consumer: Consumer | None = None,
        payload_consumer: Callable[[bytes, int], None] | None = None,
    ) -> Route:
        """Want a stream and send its events, or its frames, to a consumer.

        Raises:
            RequestInvalid: No such stream; or, on a raw connection, its events cannot be told from another's.
        """
        channel, stream = find_channel(stream)
        key = stream.encode()
        route = self._routes.get(key)
        if route is None:
            if not self.room:
                raise RequestInvalid(f"a connection carries at most {MAX_STREAMS} streams", method="SUBSCRIBE")
            decode = channel.decode_combined if self._combined else channel.decode
            route = Route(stream, channel, decode, channel.many)
            if not self._combined:
                self._raw_routes.add(route)
            self._routes[key] = route
        if consumer is not None:
            route.consumers = (*route.consumers, consumer)
        if payload_consumer is not None:
            route.payload_consumers = (*route.payload_consumers, payload_consumer)
        return route

    def discard(
        self,
        stream: str,
        consumer: Consumer | None = None,
        payload_consumer: Callable[[bytes, int], None] | None = None,
    ) -> None:
        """Stop sending a stream's events to a consumer; without consumers the stream is no longer wanted."""
        route = self._routes.get(stream.encode())
        if route is None:
            return
        route.consumers = tuple(known for known in route.consumers if known != consumer)
        route.payload_consumers = tuple(known for known in route.payload_consumers if known != payload_consumer)
        if not route.consumers and not route.payload_consumers:
            del self._routes[stream.encode()]
            self._raw_routes.discard(route)

    # -------------------------------------------------------------------------------------------- life of a connection

    def url(self, base: str) -> str:
        """The address to dial, naming as many streams as fit; the others are subscribed once connected."""
        unit = "" if self._time_unit is TimeUnit.MILLISECOND else f"timeUnit={self._time_unit.value}"
        self._in_url = []
        if not self._combined:
            return f"{base}/ws{f'?{unit}' if unit else ''}"
        room = codec.MAX_CONTROL_BYTES - len(base) - len("/stream?streams=&") - len(unit)
        names: list[str] = []
        for stream in self.streams:
            name = quote(stream, safe="@!_")
            if len(name) + 1 > room:
                break
            room -= len(name) + 1
            names.append(name)
            self._in_url.append(stream)
        query = "&".join(part for part in (f"streams={'/'.join(names)}" if names else "", unit) if part)
        return f"{base}/stream{f'?{query}' if query else ''}"

    def opened(self, now: float, wall: float) -> None:  # noqa: ARG002 - one signature for both sessions
        """The connection is open."""
        self._open = True
        self.dead = None
        self.redial_at_once = False
        self._budget = message_budget()
        self._heard_at = self._heard_data_at = now
        self._heard = self._heard_data = False
        self._confirm(self._in_url)
        self.tick(now)

    def lost(self, reason: str, now: float) -> None:  # noqa: ARG002 - one signature for both sessions
        """The connection is gone, and with it all that was confirmed."""
        self._open = False
        self._confirmed.clear()
        self._commands.clear()
        self._alone.clear()
        self._pings.clear()
        self.outbox.clear()

    def tick(self, now: float) -> float:
        """Do what is due: acknowledgement deadlines, silence, commands and pongs; returns when to be called again."""
        if not self._open:
            return now + self._timeouts.stale
        self._watch(now)
        self._send_pongs(now)
        self._send_commands(now)
        watched = min(self._timeouts.stale, self._timeouts.silence or self._timeouts.stale)
        deadlines = [now + watched / 5, *(command.deadline for command in self._commands.values())]
        if self._pings:
            deadlines.append(now + self._budget.wait(now))
        if self._differences():
            deadlines.append(now + self._budget.wait(now, keep=_KEPT_FOR_PONGS))
        return min(deadlines)

    def ping(self, payload: bytes, now: float) -> None:
        """A ping came; its pong goes out as soon as the message budget allows."""
        self._heard = True
        self._pings.append(payload)
        self._send_pongs(now)

    # ------------------------------------------------------------------------------------------------------- receiving

    def receive(self, payload: bytes, received_ns: int) -> None:
        """Take one frame: an event goes to its consumers, anything else to the session itself."""
        self._heard = True
        try:
            if payload.startswith(codec.COMBINED_PREFIX):
                route = self._routes.get(payload[11 : payload.find(b'"', 11)])
                if route is not None:
                    self._deliver(route, payload, received_ns)
                    return
            self._receive_other(payload, received_ns)
        except Exception as error:  # noqa: BLE001 - told, not swallowed: one frame must not cost the connection
            self._malformed(None, DecodeFailed("a frame could not be taken in", payload), error)

    def _deliver(self, route: Route, payload: bytes, received_ns: int) -> None:
        self._heard_data = True
        for take in route.payload_consumers:
            try:
                take(payload, received_ns)
            except Exception as error:  # noqa: BLE001 - told, not swallowed
                self._on_problem(route.stream, error)
        if route.consumers:
            try:
                decoded = route.decode(payload)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                self._malformed(route.stream, DecodeFailed(f"not a {route.channel.name} event", payload), error)
                return
            content = decoded.data if self._combined else decoded
            if route.many:
                for event in content:
                    self._tell(route, event, received_ns)
            else:
                for consume in route.consumers:  # as in _tell, without the call
                    try:
                        consume(content, received_ns)
                    except Exception as error:  # noqa: BLE001 - told, not swallowed
                        self._on_problem(route.stream, error)
        route.until_inspection -= 1
        if route.until_inspection < 0:
            route.until_inspection = _INSPECT_EVERY - 1
            self._inspect(route, payload)

    def _tell(self, route: Route, event: Any, received_ns: int) -> None:
        for consume in route.consumers:
            try:
                consume(event, received_ns)
            except Exception as error:  # noqa: BLE001 - told, not swallowed
                self._on_problem(route.stream, error)

    def _receive_other(self, payload: bytes, received_ns: int) -> None:
        try:
            frame = codec.decode_stream_frame(payload) if payload.startswith(b"{") else codec.StreamFrame()
        except DecodeFailed as error:
            self._malformed(None, error, error.__cause__)
            return
        if frame.stream == codec.SERVER_SHUTDOWN_STREAM or frame.event_type == "serverShutdown":
            self._shutdown(payload if frame.stream is None else bytes(frame.data))
        elif frame.stream is not None:
            route = self._routes.get(frame.stream.encode())  # the name was escaped, or did not come first
            if route is None:
                self.counters.unknown_streams[frame.stream] += 1
            else:
                self._deliver(route, payload, received_ns)
        elif frame.failure is not None:
            self._refused(frame.id, frame.failure)
        elif frame.result and frame.event_type is None:
            self._acknowledged(frame.id)
        else:
            self._receive_raw(payload, received_ns)

    def _receive_raw(self, payload: bytes, received_ns: int) -> None:
        try:
            route = self._raw_routes.find(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._malformed(None, DecodeFailed("not a market stream frame", payload), error)
            return
        if route is None:
            self.counters.unknown_streams["(raw)"] += 1
        else:
            self._deliver(route, payload, received_ns)

    def _malformed(self, stream: str | None, error: DecodeFailed, cause: BaseException | None) -> None:
        error.__cause__ = cause
        self.counters.undecodable += 1
        self._on_problem(stream, error)

    def _inspect(self, route: Route, payload: bytes) -> None:
        content = msgspec.json.decode(payload)
        if self._combined:
            content = content["data"]
        known = {*route.channel.event.__struct_encode_fields__, "e"}
        for event in content if route.channel.many else [content]:
            for name in event.keys() - known:
                self.counters.unknown_fields[f"{route.channel.name}.{name}"] += 1

    def _shutdown(self, event: bytes) -> None:
        self.redial_at_once = True
        self.dead = "server shutdown"
        self._on_shutdown(msgspec.json.decode(event, type=ServerShutdown))

    # -------------------------------------------------------------------------------------------------------- commands

    def _differences(self) -> list[tuple[str, list[str]]]:
        """What must be sent to make the confirmed streams those that are wanted."""
        busy = {stream for command in self._commands.values() for stream in command.streams}
        wanted = dict.fromkeys(route.stream for route in self._routes.values())
        missing = [stream for stream in wanted if stream not in self._confirmed and stream not in busy]
        surplus = [stream for stream in self._confirmed if stream not in wanted and stream not in busy]
        return [(method, names) for method, names in (("UNSUBSCRIBE", surplus), ("SUBSCRIBE", missing)) if names]

    def _send_commands(self, now: float) -> None:
        for method, names in self._differences():
            together = [name for name in names if name not in self._alone]
            chunks = codec.chunk_streams(method, together, self._last_id + len(names))
            chunks += [[name] for name in names if name in self._alone]
            for chunk in chunks:
                if self._budget.wait(now, keep=_KEPT_FOR_PONGS) > 0:
                    return
                self._last_id += 1
                self._commands[self._last_id] = _Command(method, chunk, now + self._timeouts.request)
                self.outbox.append(("send", codec.encode_control(method, chunk, self._last_id)))
                self._budget.spend(now)

    def _send_pongs(self, now: float) -> None:
        while self._pings and self._budget.wait(now) <= 0:
            self.outbox.append(("pong", self._pings.popleft()))
            self._budget.spend(now)

    def _acknowledged(self, number: int | str | None) -> None:
        command = self._commands.pop(number, None) if isinstance(number, int) else None
        if command is None:
            return
        if command.method == "SUBSCRIBE":
            self._confirm(command.streams)
        else:
            self._confirmed.difference_update(command.streams)

    def _refused(self, number: int | str | None, error: codec.ErrorBody) -> None:
        """A command failed. Errors without an id belong to the oldest command, since replies keep their order."""
        if not isinstance(number, int):
            number = next(iter(self._commands), None)
        command = self._commands.pop(number, None) if number is not None else None
        failure = RequestRejected(command.method if command else "stream", 0, error.code, error.msg)
        if command is None or command.method != "SUBSCRIBE":
            self._confirmed.difference_update(command.streams if command else ())  # asking again would not help
            self._on_problem(None, failure)
        elif len(command.streams) > 1:  # one bad name must not stop the others: each goes alone
            self._alone.update(command.streams)
        else:
            (stream,) = command.streams
            if route := self._routes.pop(stream.encode(), None):
                self._raw_routes.discard(route)
            self._on_problem(stream, failure)

    def _confirm(self, streams: Iterable[str]) -> None:
        new = set(streams) - self._confirmed
        self._confirmed |= new
        if new:
            self._on_confirmed(new)

    def _watch(self, now: float) -> None:
        if self._heard:
            self._heard, self._heard_at = False, now
        if self._heard_data or not self._confirmed:
            self._heard_data, self._heard_data_at = False, now
        silence = self._timeouts.silence
        if now - self._heard_at >= self._timeouts.stale:
            self.dead = f"nothing received for {self._timeouts.stale:g} s"
        elif silence is not None and now - self._heard_data_at >= silence:
            self.dead = f"no market event for {silence:g} s"
        overdue = next((command for command in self._commands.values() if command.deadline <= now), None)
        if overdue is not None:
            self.dead = f"{overdue.method} was not acknowledged within {self._timeouts.request:g} s"
