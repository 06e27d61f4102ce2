"""The local exchange: market streams, WebSocket API and REST reads on one port, or in memory without any."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack
from urllib.parse import urlsplit

import msgspec

from cryptotrader.config import Endpoint, get_logger
from cryptotrader.errors import ConfigurationError, ConnectFailed
from cryptotrader.simulator.accounts import DEMO_ACCOUNTS, AccountOffice, ExchangeAccount
from cryptotrader.simulator.certificates import AUTHORITY_FILE, server_context
from cryptotrader.simulator.control import ControlSocket
from cryptotrader.simulator.faults import AT_ONCE, Fault, FaultBoard, FaultKind, FaultOptions, make_fault, read_script
from cryptotrader.simulator.feeds import Feeds
from cryptotrader.simulator.limits import ExchangeLimits
from cryptotrader.simulator.order_counts import OrderCounts
from cryptotrader.simulator.reception import Reception
from cryptotrader.simulator.replay import RecordedExchange, ReplayFeeds
from cryptotrader.simulator.session import Surroundings
from cryptotrader.simulator.state_file import Memory, load_memory, save_memory
from cryptotrader.simulator.truth import TruthFile
from cryptotrader.simulator.user_events import UserEvents
from cryptotrader.simulator.venue import Exchange, VenueTrade
from cryptotrader.transport.base import FrameHandler, FrameTransport, handshake_refused
from cryptotrader.transport.memory import memory_pair
from cryptotrader.transport.picows_server import SocketServer
from cryptotrader.transport.serving import Refusal

logger = get_logger(__name__)

_SHORTEST_STEP_US = 2_000
_LONGEST_STEP_US = 1_000_000
_LONGEST_LEAP_US = 100_000

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "ETHBTC")
DEFAULT_RATE = 50.0

LEAVE_SECONDS = 10.0
"""Time between the announcement and the end of a replay; it ends earlier once nobody is connected any more."""

_ALONE_US = 1_000_000


def unix_us() -> int:
    """Unix time in microseconds."""
    return time.time_ns() // 1000


class LocalExchange(AccountOffice):
    """A Binance-compatible exchange for tests, demonstrations and development.

    Everything happens on the event loop that ``start`` runs on. All clients over sockets count as one address, as
    clients behind one router do; those in memory as another.

    Args:
        symbols: What is traded; BTCUSDT, ETHUSDT and ETHBTC by default.
        port: Port to bind; 0 takes a free one, ``None`` leaves only ``dial``.
        host: Address to bind.
        seed: Same seed, same clock: same market and same dice of faults.
        rate: Trades per second, all symbols together, on average; 50 by default.
        truth: File that gets a JSON line for every trade.
        faults: Script of faults, a JSON line each: ``{"at": 2.5, "fault": "drop"}``.
        control_port: Port of the control socket on loopback; 0 takes a free one, ``None`` opens none.
        tls: Serve ``wss://`` with a certificate of its own, made anew at each start; this folder gets its files.
        limits: What clients may do.
        time_scale: How many times as fast a connection's life, pings and windows run.
        replay: A recording to play instead of a simulated market, from the first subscription on; ``symbols``, ``seed``
            and ``rate`` are not used then. After its last frame ``serverShutdown`` is sent, and the exchange ends.
        speed: How many times as fast as recorded to play it.
        accounts: Who may trade; two demonstration accounts by default, and none where a recording is played.
        state: File from which the venue is restored, if it exists, and to which it is saved in the end; a restored
            venue keeps its own symbols, rate and seed of the market.
        clock: Unix time in microseconds; on a loop with virtual time it must follow that loop.

    Attributes:
        trades: Trades since the start.

    Raises:
        ConfigurationError: A setting or the script is wrong, or symbols or rate are given and ``state`` has others.
        UnknownSymbol: A symbol cannot be split into its assets.
    """

    def __init__(
        self,
        symbols: Sequence[str] | None = None,
        *,
        port: int | None = 0,
        host: str = "127.0.0.1",
        seed: int = 0,
        rate: float | None = None,
        truth: Path | None = None,
        faults: Path | None = None,
        control_port: int | None = None,
        tls: Path | None = None,
        limits: ExchangeLimits | None = None,
        time_scale: float = 1.0,
        replay: Path | None = None,
        speed: float = 1.0,
        accounts: Sequence[ExchangeAccount] | None = None,
        state: Path | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._clock = clock or unix_us
        self._limits = (limits or ExchangeLimits()).scaled(time_scale)
        self._seed = seed
        self._script = [] if faults is None else read_script(faults)
        self._truth_path = truth
        self._truth: TruthFile | None = None
        self._host = host
        self._ca = None if tls is None else tls / AUTHORITY_FILE
        self._control = None if control_port is None else ControlSocket(self, control_port)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pump: asyncio.Handle | None = None
        self._next_session_us = 0
        self._market_due_us = 0
        self._tcp_refused_until_us: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = False
        self._ended = asyncio.Event()
        self._failure: Exception | None = None
        self.trades = 0
        if speed <= 0:
            raise ConfigurationError("a replay needs a speed above 0")
        counts = OrderCounts(self._limits, self._clock)
        feeds: Feeds
        if replay is not None:
            if accounts or state:
                raise ConfigurationError("nobody trades in a replay: it has neither accounts nor state")
            recorded = RecordedExchange(replay)
            super().__init__(recorded, ())
            feeds = ReplayFeeds(recorded, speed)
        else:
            memory = None if state is None else load_memory(state, self._clock(), symbols, rate)
            if memory is None:
                names, pace = DEFAULT_SYMBOLS if symbols is None else symbols, DEFAULT_RATE if rate is None else rate
                memory = Memory(Exchange(names, seed=seed, rate=pace, start_us=self._clock()), counts.dump())
            counts.load(memory.orders)
            super().__init__(memory.venue, DEMO_ACCOUNTS if accounts is None else accounts)
            feeds = Feeds(memory.venue)
        self._state = state
        self.venue.rate_limits = self._limits.shown
        self.venue.desk.listeners.append(counts.see)
        self._leave_us: int | None = None
        self._alone_us = 0
        self._faults = FaultBoard(seed=seed, start_us=self._clock())
        self._surroundings = Surroundings(
            exchange=self.venue,
            feeds=feeds,
            faults=self._faults,
            limits=self._limits,
            keys=self._keys,
            events=UserEvents(self.venue.desk),
            counts=counts,
            clock=self._clock,
            advance=self._advance,
            wake=self._wake,
        )
        self._reception = Reception(self._surroundings)
        self._sockets: SocketServer | None = None
        if port is not None:
            context = None if tls is None else server_context(tls, host)
            admit, rest = self._reception.admit_over_socket, self._reception.answer_rest
            self._sockets = SocketServer(admit, host, port, context, rest)

    # life

    async def start(self) -> None:
        """Open the sockets and let the market begin.

        Raises:
            ConfigurationError: The truth file cannot be written, or the exchange was started before.
            OSError: A port is taken.
        """
        if self._loop is not None:
            raise ConfigurationError("an exchange is started once")
        self._loop = asyncio.get_running_loop()
        try:
            if self._truth_path is not None:
                self._truth = TruthFile(self._truth_path)
            if self._sockets is not None:
                await self._sockets.listen()
            if self._control is not None:
                await self._control.listen()
        except (OSError, ConfigurationError):
            await self._end()
            raise
        self._market_due_us = self._clock()
        self._faults.start(self._script, self._market_due_us)
        self.venue.trade_listeners.append(self._count)
        if self._truth is not None:
            self.venue.trade_listeners.append(self._truth.take)
        self.venue.listen()
        self._pump = self._loop.call_soon(self._run)
        logger.info("local exchange: %s, port %s", ", ".join(self.venue.markets), self._sockets and self.port)

    async def stop(self) -> None:
        """Drop all connections, close the sockets and the truth file; may be called again.

        Raises:
            Exception: What made the exchange fail, if it did.
        """
        if self._loop is None:
            return
        await self._end()
        if self._failure is not None:
            raise self._failure

    async def _end(self) -> None:
        if self._ending:
            await self._ended.wait()
            return
        self._ending = True
        try:
            await self._close()
        except ConfigurationError as error:
            self._failure = error
        except Exception as error:
            logger.exception("the local exchange could not end in order")
            self._failure = self._failure or error
        finally:
            self._ended.set()

    async def _close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
        for session in tuple(self._surroundings.sessions):
            session.abort()
        if self._sockets is not None:
            await self._sockets.close()
        if self._control is not None:
            await self._control.close()
        await asyncio.sleep(0)  # connections in memory end in the next turn
        if self._truth is not None:
            self._truth.close()
        if isinstance(self.venue, RecordedExchange):
            self.venue.close()
        elif self._state is not None and self._failure is None:
            save_memory(Memory(self.venue, self._surroundings.counts.dump()), self._state)

    def request_stop(self) -> None:
        """Begin to stop, for callers that cannot wait; ``wait_ended`` tells when it is done."""
        self._start_task(self._end())

    async def wait_ended(self) -> None:
        """Wait until the exchange ends, by ``stop``, by command or by failure."""
        await self._ended.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # what it shows and obeys

    @property
    def port(self) -> int:
        """Port of streams and requests.

        Raises:
            ConfigurationError: The exchange has no sockets.
        """
        if self._sockets is None:
            raise ConfigurationError("this exchange has no port; use dial")
        return self._sockets.port

    @property
    def control_port(self) -> int | None:
        """Port of the control socket, if there is one."""
        return None if self._control is None else self._control.port

    @property
    def endpoint(self) -> Endpoint:
        """Where clients connect, by socket or by ``dial``."""
        if self._sockets is None:
            return Endpoint.local(host=self._host)
        return Endpoint.local(self.port, host=self._host, ca=None if self._ca is None else str(self._ca))

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._surroundings.sessions)

    def fault(self, kind: str, /, **where: Unpack[FaultOptions]) -> None:
        """Let something go wrong; the kinds and their options are those of ``Fault``.

        Raises:
            ConfigurationError: There is no such fault, or it does not know one of the options.
        """
        self.apply(make_fault(kind, dict(where)))

    def clear_faults(self) -> None:
        """Take lasting faults, bans and the rest of the script out of force."""
        self._faults.clear()
        self._reception.lift_bans()
        if self._tcp_refused_until_us is not None:
            self._end_tcp_refusal()

    def status(self) -> dict[str, Any]:
        """Port, symbols, connections, trades and the lasting faults in force, as JSON values."""
        return {
            "port": None if self._sockets is None else self.port,
            "symbols": list(self.venue.markets),
            "connections": self.connections,
            "trades": self.trades,
            "faults": [msgspec.to_builtins(fault) for fault in self._faults.active],
        }

    # clients

    async def dial(
        self,
        url: str,
        handler: FrameHandler,
        *,
        timeout: float,
        tls: ssl.SSLContext | None = None,  # noqa: ARG002 - memory needs none
    ) -> FrameTransport:
        """Connect a client in memory, on the exchange's own event loop; a ``Dialer``.

        Raises:
            ConnectFailed: The exchange refuses, gives no answer in time, or does not run.
        """
        await asyncio.sleep(0)
        if self._loop is None or self._ending or self._tcp_refused_until_us is not None:
            raise ConnectFailed(f"{url}: connection refused", url=url)
        parts = urlsplit(url)
        raw = f"{parts.path}?{parts.query}" if parts.query else parts.path
        session = self._reception.admit_in_memory(raw.encode())
        if isinstance(session, Refusal):
            if session.status is None:
                await asyncio.sleep(timeout)
                raise ConnectFailed(f"{url}: no answer within {timeout:g} s", url=url)
            raise handshake_refused(url, session.status, session.retry_after)
        client, server = memory_pair(handler, session, clock_ns=lambda: self._clock() * 1000)
        session.on_connected(server)
        return client

    # the pump

    def _run(self) -> None:
        """Let time pass, and come back when something is due."""
        if self._loop is None:
            return
        now_us = self._clock()
        try:
            next_us = self._step(now_us)
        except Exception as error:
            logger.exception("the local exchange failed")
            self._failure = error
            self.request_stop()
            return
        wait_us = min(max(next_us - now_us, _SHORTEST_STEP_US), _LONGEST_STEP_US)
        self._pump = self._loop.call_later(wait_us / 1e6, self._run)

    def _step(self, now_us: int) -> int:
        """Do what is due; returns when to be called again."""
        self._pump = None
        for fault in self._faults.advance(now_us):
            self.apply(fault)
        if self._tcp_refused_until_us is not None and now_us >= self._tcp_refused_until_us:
            self._end_tcp_refusal()
        next_us = self._advance(now_us)
        ready = self._surroundings.ready
        for session in ready:
            session.flush()
        ready.clear()
        if now_us >= self._next_session_us:
            self._next_session_us = now_us + _LONGEST_STEP_US
            due = [session.tick(now_us) for session in tuple(self._surroundings.sessions)]
            self._next_session_us = min(self._next_session_us, *due) if due else self._next_session_us
        self._end_replay(now_us)
        due_us = [next_us, self._next_session_us, self._faults.next_us, self._tcp_refused_until_us]
        return min(moment for moment in due_us if moment is not None)

    def _end_replay(self, now_us: int) -> None:
        """Once a recording is over: announce it, let clients finish what they have to ask, and end."""
        if not (isinstance(self.venue, RecordedExchange) and self.venue.is_over):
            return
        if self._leave_us is None:
            logger.info("the recording is over; %d frames of it could not be decoded", self.venue.undecodable)
            self._leave_us, self._alone_us = now_us + round(LEAVE_SECONDS * 1e6), now_us
            self.fault("server_shutdown", seconds=LEAVE_SECONDS)
            return
        if self.connections:
            self._alone_us = now_us
        if now_us >= self._leave_us or now_us >= self._alone_us + _ALONE_US:
            self.request_stop()

    def _advance(self, now_us: int) -> int:
        """Let the market act until now; returns when it wants to act again.

        A machine too slow for the rate gets a market that lags, not an exchange that answers no one.
        """
        until_us = min(now_us, self._market_due_us + _LONGEST_LEAP_US)
        self._market_due_us = self._surroundings.feeds.tick(until_us)
        if self._truth is not None:
            self._truth.flush()
        return self._market_due_us

    def _wake(self) -> None:
        """Look at the sessions soon: something has changed."""
        self._next_session_us = 0
        if self._pump is not None and self._loop is not None:
            self._pump.cancel()
            self._pump = self._loop.call_soon(self._run)

    def _count(self, trade: VenueTrade) -> None:  # noqa: ARG002 - a trade listener
        self.trades += 1

    # faults

    def apply(self, fault: Fault) -> None:
        """Let a fault befall the connections that are open, or put it in force."""
        now_us = self._clock()
        if fault.fault in AT_ONCE:
            self._hit_connections(fault, now_us)
        elif fault.fault is FaultKind.BAN:
            self._reception.ban(now_us, fault.length)
        elif fault.tcp:
            self._tcp_refused_until_us = now_us + round(fault.length * 1e6)
            if self._sockets is not None:
                self._sockets.stop_listening()
        else:
            self._faults.add(fault, now_us)
        self._wake()

    def _hit_connections(self, fault: Fault, now_us: int) -> None:
        left = math.inf if fault.count is None or fault.fault is FaultKind.GARBAGE else fault.count
        for session in tuple(self._surroundings.sessions):
            fits = fault.fits(session.kind) and (fault.stream is None or session.carries(fault.stream))
            if fits and left > 0 and self._faults.chance(fault):
                session.suffer(fault, now_us)
                left -= 1

    def _end_tcp_refusal(self) -> None:
        self._tcp_refused_until_us = None
        if self._sockets is not None:
            self._start_task(self._sockets.listen())

    def _start_task(self, work: Any) -> None:
        if self._loop is not None:
            task = self._loop.create_task(work, name="local exchange")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
