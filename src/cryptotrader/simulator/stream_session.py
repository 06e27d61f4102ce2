"""A client's connection to the market streams, raw or combined."""

from __future__ import annotations

from typing import ClassVar

from cryptotrader.protocol.codec import SERVER_SHUTDOWN_STREAM
from cryptotrader.protocol.limits import SlidingBudget
from cryptotrader.simulator import stream_commands
from cryptotrader.simulator.encoding import stamp
from cryptotrader.simulator.faults import ConnectionKind
from cryptotrader.simulator.limits import AddressLimits
from cryptotrader.simulator.session import POLICY_VIOLATION, ExchangeSession, Surroundings
from cryptotrader.simulator.stream_commands import Command, CommandRejected
from cryptotrader.simulator.target import Target


class StreamSession(ExchangeSession):
    """Sends what its client has subscribed to."""

    kind: ClassVar[ConnectionKind] = "stream"

    def __init__(self, surroundings: Surroundings, address: AddressLimits, target: Target) -> None:
        super().__init__(surroundings, address)
        self._unit = target.unit
        self._combined = target.combined
        self._in_url = target.streams
        self._streams: dict[str, None] = {}
        self._messages = SlidingBudget(self._limits.messages, self._limits.message_window)

    def carries(self, stream: str) -> bool:
        """Whether the client has subscribed to a stream."""
        return stream in self._streams

    def take(self, stream: bytes, payload: bytes) -> None:
        """An event of a subscribed stream: the hot path of the exchange."""
        if self._combined:
            payload = b'{"stream":"%b","data":%b}' % (stream, payload)
        if self._faults.on_frames or self._held:
            self._send_through_faults(stream, payload)
            return
        outgoing = self._outgoing
        if not outgoing:
            self._ready.append(self)
        outgoing.append(payload)

    def _begin(self) -> None:
        self._subscribe(self._in_url)

    def _end(self) -> None:
        self._unsubscribe(tuple(self._streams))

    def _subscribe(self, streams: tuple[str, ...]) -> None:
        for stream in streams:
            if stream not in self._streams:
                self._streams[stream] = None
                self._surroundings.feeds.subscribe(stream, self._unit, self.take)

    def _unsubscribe(self, streams: tuple[str, ...]) -> None:
        for stream in streams:
            if stream in self._streams:
                del self._streams[stream]
                self._surroundings.feeds.unsubscribe(stream, self._unit, self.take)

    def _allows_message(self, now_us: int) -> bool:
        now = now_us / 1e6
        if self._messages.wait(now) > 0:
            self.close(POLICY_VIOLATION, "Too many requests", now_us)
            return False
        self._messages.spend(now)
        return True

    def _receive(self, payload: bytes, now_us: int) -> None:
        if len(payload) >= self._limits.control_bytes:
            return  # Binance leaves such frames without an answer
        try:
            command = stream_commands.parse_command(payload)
        except CommandRejected as rejected:
            self._send(rejected.answer)
            return
        if len({*self._streams, *command.streams}) > self._limits.streams and command.method == "SUBSCRIBE":
            self.close(POLICY_VIOLATION, "Too many streams", now_us)
            return
        self._send(stream_commands.answer(self._execute(command), command.id))

    def _execute(self, command: Command) -> bool | list[str] | None:
        match command.method:
            case "SUBSCRIBE":
                self._subscribe(command.streams)
            case "UNSUBSCRIBE":
                self._unsubscribe(command.streams)
            case "LIST_SUBSCRIPTIONS":
                return list(self._streams)
            case "GET_PROPERTY":
                return self._combined
            case "SET_PROPERTY" if command.combined is not None:
                self._combined = command.combined
        return None

    def _shutdown_event(self, now_us: int) -> bytes:
        event = b'{"e":"serverShutdown","E":%d}' % stamp(now_us, self._unit)
        return b'{"stream":"%b","data":%b}' % (SERVER_SHUTDOWN_STREAM.encode(), event) if self._combined else event
