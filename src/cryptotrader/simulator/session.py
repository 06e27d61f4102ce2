"""One client's connection as the exchange sees it: its life, its pings, and the faults that befall it.

Sans-I/O: the time comes from the surroundings, frames leave through a ``ServerTransport``.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from cryptotrader.simulator.faults import ON_FRAMES, ConnectionKind, Fault, FaultBoard, FaultKind
from cryptotrader.simulator.feeds import Feeds
from cryptotrader.simulator.keys import KeyRegister
from cryptotrader.simulator.limits import AddressLimits, ExchangeLimits
from cryptotrader.simulator.order_counts import OrderCounts
from cryptotrader.simulator.user_events import UserEvents
from cryptotrader.simulator.venue import Exchange
from cryptotrader.transport.serving import ServerTransport

GOING_AWAY = 1001
POLICY_VIOLATION = 1008
_CLOSING_US = 1_000_000
_REORDER_US = 1_000_000
_GARBAGE = b'{"e":"trade","E":17 this is not JSON'
_BINARY_GARBAGE = bytes(range(240, 256)) * 4


@dataclass
class Surroundings:
    """What all sessions of an exchange share.

    Attributes:
        exchange: The venue.
        feeds: Its market streams.
        faults: The faults in force.
        limits: How much is allowed.
        keys: All API keys.
        events: What happens to accounts.
        counts: Unfilled orders of all accounts.
        clock: Unix time in microseconds.
        advance: Lets the market act until a time; returns when it wants to act again.
        wake: Asks for a tick soon.
        ready: Sessions that have frames to send.
        sessions: Those that are open.
    """

    exchange: Exchange
    feeds: Feeds
    faults: FaultBoard
    limits: ExchangeLimits
    keys: KeyRegister
    events: UserEvents
    counts: OrderCounts
    clock: Callable[[], int]
    advance: Callable[[int], int]
    wake: Callable[[], None]
    ready: list[ExchangeSession] = field(default_factory=list)
    sessions: dict[ExchangeSession, None] = field(default_factory=dict)


class ExchangeSession(ABC):
    """Base of both kinds of connections; a ``ServerHandler``."""

    kind: ClassVar[ConnectionKind]

    def __init__(self, surroundings: Surroundings, address: AddressLimits) -> None:
        self._surroundings = surroundings
        self._faults = surroundings.faults
        self._limits = surroundings.limits
        self._ready = surroundings.ready
        self._address = address
        self._transport: ServerTransport | None = None
        self._outgoing: list[bytes] = []
        self._pongs: list[bytes] = []
        self._unanswered: dict[bytes, int] = {}
        self._next_ping_us = self._end_us = 0
        self._abort_us: int | None = None
        self._frozen = False
        self._stalled_until_us: int | None = None
        self._kept_back: list[bytes] = []
        self._kept_bytes = 0
        self._later: list[tuple[int, int, bytes]] = []
        self._later_count = 0
        self._held: dict[bytes, tuple[int, bytes]] = {}

    # what kinds differ in

    @abstractmethod
    def _begin(self) -> None:
        """The connection is open."""

    @abstractmethod
    def _receive(self, payload: bytes, now_us: int) -> None:
        """A message of the client."""

    @abstractmethod
    def _end(self) -> None:
        """The connection serves nothing any more."""

    @abstractmethod
    def _shutdown_event(self, now_us: int) -> bytes:
        """The announcement that the server goes down."""

    @abstractmethod
    def carries(self, stream: str) -> bool:
        """Whether this connection has subscribed to a stream."""

    def _allows_message(self, now_us: int) -> bool:  # noqa: ARG002 - only streams count messages
        """Count one message, ping or pong of the client; closes the connection when there are too many."""
        return True

    # what the transport tells

    def on_connected(self, transport: ServerTransport) -> None:
        """The handshake is done."""
        now_us = self._surroundings.clock()
        self._transport = transport
        self._next_ping_us = now_us + round(self._limits.ping_interval * 1e6)
        self._end_us = now_us + round(self._limits.life * 1e6)
        self._surroundings.sessions[self] = None
        self._begin()
        self._surroundings.wake()

    def on_frame(self, payload: bytes, received_ns: int) -> None:  # noqa: ARG002 - the exchange has its own clock
        """A message of the client."""
        now_us = self._surroundings.clock()
        if self._is_serving and self._allows_message(now_us):
            self._receive(payload, now_us)
            self.flush()
            self._surroundings.wake()

    def on_ping(self, payload: bytes) -> None:
        """A ping of the client."""
        if self._is_serving and self._allows_message(self._surroundings.clock()):
            self._pongs.append(payload)
            self.flush()

    def on_pong(self, payload: bytes) -> None:
        """A pong: it answers its ping and those before; one that answers none is allowed."""
        if self._is_serving and self._allows_message(self._surroundings.clock()) and payload in self._unanswered:
            while self._unanswered:
                oldest = next(iter(self._unanswered))
                del self._unanswered[oldest]
                if oldest == payload:
                    break

    def on_closed(self, reason: str) -> None:  # noqa: ARG002 - nobody asks the exchange why
        """The connection ended."""
        self._transport = None
        self._outgoing.clear()
        self._end()
        self._surroundings.sessions.pop(self, None)

    @property
    def _is_serving(self) -> bool:
        return self._transport is not None and self._abort_us is None and not self._frozen

    # sending

    def _send(self, frame: bytes) -> None:
        """Put a frame into the queue."""
        if not self._outgoing:
            self._ready.append(self)
        self._outgoing.append(frame)

    def _send_through_faults(self, stream: bytes, frame: bytes) -> None:
        """Put a frame into the queue, or do to it what the faults in force ask for."""
        now_us = self._surroundings.clock()
        follows = stream in self._held  # the frame that a reordered one waits for
        kinds = ON_FRAMES - {FaultKind.REORDER} if follows else ON_FRAMES
        hits = {fault.fault: fault for fault in self._faults.hits(kinds, self.kind, stream)}
        if FaultKind.SKIP in hits:
            return
        if FaultKind.REORDER in hits:
            self._held[stream] = (now_us + _REORDER_US, frame)
            return
        for _ in range(2 if FaultKind.DUPLICATE in hits else 1):
            if FaultKind.DELAY in hits:
                self._later_count += 1
                due_us = now_us + round(hits[FaultKind.DELAY].length * 1e6)
                heapq.heappush(self._later, (due_us, self._later_count, frame))
            else:
                self._send(frame)
        if follows and FaultKind.DELAY not in hits:
            self._send(self._held.pop(stream)[1])
        self._surroundings.wake()

    def flush(self) -> None:
        """Send the queue with one write; a client that is too slow is dropped."""
        transport = self._transport
        if transport is None:
            return
        if self._stalled_until_us is not None:
            self._kept_back += self._outgoing
            self._kept_bytes += sum(map(len, self._outgoing))
            self._outgoing.clear()
        else:
            if self._outgoing:
                transport.send_batch(self._outgoing)
                self._outgoing.clear()
            while self._pongs:
                transport.pong(self._pongs.pop(0))
        if transport.buffered + self._kept_bytes > self._limits.write_buffer:
            transport.abort()

    def close(self, code: int, reason: str, now_us: int) -> None:
        """Serve nothing more and close; a client that does not agree in time is dropped."""
        if self._transport is None or self._abort_us is not None:
            return
        self._end()
        self.flush()
        self._abort_us = now_us + _CLOSING_US
        self._transport.close(code, reason)
        self._surroundings.wake()

    def abort(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._transport.abort()

    # the clock

    def tick(self, now_us: int) -> int:
        """Do what is due; returns when to be called again."""
        if self._transport is None or self._frozen:
            return now_us + _CLOSING_US
        if self._abort_us is not None:
            if now_us < self._abort_us:
                return self._abort_us
            self._transport.abort()
            return now_us + _CLOSING_US
        if self._stalled_until_us is not None:
            if now_us < self._stalled_until_us:
                return self._stalled_until_us
            self._resume()
        self._release(now_us)
        if now_us >= self._end_us:
            self.close(GOING_AWAY, "the connection has reached the end of its life", now_us)
            return now_us + _CLOSING_US
        return self._keep_alive(now_us)

    def _keep_alive(self, now_us: int) -> int:
        """Ping, and close the connection of a client that does not answer; returns when to be called again."""
        timeout_us = round(self._limits.pong_timeout * 1e6)
        sent_us = next(iter(self._unanswered.values()), None)
        if sent_us is not None and now_us >= sent_us + timeout_us:
            self.close(POLICY_VIOLATION, "Pong timeout", now_us)
            return now_us + _CLOSING_US
        if now_us >= self._next_ping_us and self._transport is not None:
            self.flush()
            payload = str(now_us // 1000).encode()
            self._unanswered.setdefault(payload, now_us)
            self._transport.ping(payload)
            self._next_ping_us = now_us + round(self._limits.ping_interval * 1e6)
        deadlines = [self._next_ping_us, self._end_us]
        deadlines += [sent + timeout_us for sent in self._unanswered.values()][:1]
        deadlines += [entry[0] for entry in self._later[:1]]
        deadlines += [due_us for due_us, _ in self._held.values()]
        return min(deadlines)

    def _release(self, now_us: int) -> None:
        """Send what was delayed, or held back for a frame that did not come."""
        while self._later and self._later[0][0] <= now_us:
            self._send(heapq.heappop(self._later)[2])
        for stream in [stream for stream, (due_us, _) in self._held.items() if due_us <= now_us]:
            self._send(self._held.pop(stream)[1])
        self.flush()

    def _resume(self) -> None:
        self._stalled_until_us = None
        self._outgoing[:0] = self._kept_back
        self._kept_back, self._kept_bytes = [], 0
        self.flush()

    # faults

    def suffer(self, fault: Fault, now_us: int) -> None:
        """Let a fault of connections befall this one."""
        transport = self._transport
        if transport is None or self._frozen or self._abort_us is not None:
            return
        match fault.fault:
            case FaultKind.DROP:
                transport.abort()
            case FaultKind.TORN:
                self.flush()
                transport.tear()
            case FaultKind.HALF_OPEN:
                self._frozen = True
                self._end()
                transport.freeze()
            case FaultKind.STALL:
                self._stalled_until_us = now_us + round(fault.length * 1e6)
            case FaultKind.GARBAGE:
                self._send_garbage(transport, fault)
            case FaultKind.SERVER_SHUTDOWN:
                self._send(self._shutdown_event(now_us))
                self.flush()
                self._end_us = now_us + round(fault.length * 1e6)

    def _send_garbage(self, transport: ServerTransport, fault: Fault) -> None:
        for _ in range(fault.count or 1):
            if fault.binary:
                self.flush()
                transport.send_binary(_BINARY_GARBAGE)
            else:
                self._send(_GARBAGE)
        self.flush()
