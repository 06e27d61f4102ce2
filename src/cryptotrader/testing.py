"""Pytest plugin: a running local exchange as a fixture, for sync and async tests of any framework.

Installed with the library, so a test only has to ask for it::

    def test_my_bot(exchange):
        exchange.fault("drop", connection="stream")
        run_my_bot(exchange.endpoint, exchange.demo_keys[0].ed25519)
        assert exchange.trades > 0

``exchange_factory(rate=1000, symbols=["SOLUSDT"])`` makes exchanges with other settings: those of ``LocalExchange``.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

import pytest

from cryptotrader.config import Endpoint

if TYPE_CHECKING:  # this module is imported by every pytest run where the library is installed: keep that cheap
    from cryptotrader.simulator import DemoKeys, LocalExchange
    from cryptotrader.simulator.faults import FaultOptions

T = TypeVar("T")
_PATIENCE_SECONDS = 60.0


class RunningExchange:
    """A ``LocalExchange`` on a thread and an event loop of its own; may be used from any thread.

    Args:
        settings: Those of ``LocalExchange``; by default it takes free ports.

    Raises:
        ConfigurationError: A setting is wrong.
        UnknownSymbol: A symbol cannot be split into its assets.
        OSError: A port is taken.
    """

    def __init__(self, **settings: Any) -> None:
        self._started: Future[tuple[asyncio.AbstractEventLoop, LocalExchange]] = Future()
        self._finished: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(settings,), name="local exchange", daemon=True)
        self._thread.start()
        self._loop, self._exchange = self._started.result(_PATIENCE_SECONDS)

    def _run(self, settings: dict[str, Any]) -> None:
        try:
            asyncio.run(self._serve(settings))
        except Exception as error:  # noqa: BLE001 - raised where the exchange was asked for, or where it is stopped
            (self._finished if self._started.done() else self._started).set_exception(error)
        else:
            self._finished.set_result(None)

    async def _serve(self, settings: dict[str, Any]) -> None:
        from cryptotrader.simulator import LocalExchange  # noqa: PLC0415 - see TYPE_CHECKING above

        exchange = LocalExchange(**settings)
        await exchange.start()
        self._started.set_result((asyncio.get_running_loop(), exchange))
        await exchange.wait_ended()
        await exchange.stop()

    @property
    def endpoint(self) -> Endpoint:
        """Where to connect."""
        return self._exchange.endpoint

    @property
    def port(self) -> int:
        """Port of streams and requests."""
        return self._exchange.port

    @property
    def control_port(self) -> int | None:
        """Port of the control socket, if there is one."""
        return self._exchange.control_port

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return self._exchange.connections

    @property
    def trades(self) -> int:
        """Trades since the start."""
        return self._exchange.trades

    @property
    def demo_keys(self) -> list[DemoKeys]:
        """Keys of the demonstration accounts, made at the start."""
        return self._exchange.demo_keys

    def revoke(self, api_key: str) -> None:
        """Take a key out of force.

        Raises:
            ConfigurationError: There is no such key.
        """
        self._in_its_loop(lambda: self._exchange.revoke(api_key))

    def deposit(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Add to a balance.

        Raises:
            ConfigurationError: There is no such account, or no such amount.
        """
        self._in_its_loop(lambda: self._exchange.deposit(uid, asset, amount))

    def withdraw(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Take from what is free of a balance.

        Raises:
            ConfigurationError: There is no such account, no such amount, or not as much.
        """
        self._in_its_loop(lambda: self._exchange.withdraw(uid, asset, amount))

    def lock(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Let another system lock a part of a balance.

        Raises:
            ConfigurationError: There is no such account, no such amount, or not as much free.
        """
        self._in_its_loop(lambda: self._exchange.lock(uid, asset, amount))

    def unlock(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Let another system free what it locked.

        Raises:
            ConfigurationError: There is no such account, no such amount, or not as much locked.
        """
        self._in_its_loop(lambda: self._exchange.unlock(uid, asset, amount))

    def fault(self, kind: str, /, **where: Unpack[FaultOptions]) -> None:
        """Let something go wrong; it has begun when this returns. See ``cryptotrader.simulator.Fault``.

        Raises:
            ConfigurationError: There is no such fault, or it does not know one of the options.
        """
        self._in_its_loop(lambda: self._exchange.fault(kind, **where))

    def clear_faults(self) -> None:
        """Take lasting faults and bans out of force."""
        self._in_its_loop(self._exchange.clear_faults)

    def stop(self) -> None:
        """Stop the exchange and its thread; may be called again.

        Raises:
            Exception: What made the exchange fail, if it did.
        """
        if not self._finished.done():
            with contextlib.suppress(RuntimeError):  # its loop has ended by itself in the meantime
                self._loop.call_soon_threadsafe(self._exchange.request_stop)
        self._finished.result(_PATIENCE_SECONDS)
        self._thread.join(_PATIENCE_SECONDS)

    def _in_its_loop(self, work: Callable[[], T]) -> T:
        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE_SECONDS)


@pytest.fixture
def exchange_factory() -> Iterator[Callable[..., RunningExchange]]:
    """Makes running exchanges with settings of your own; they stop when the test ends."""
    running: list[RunningExchange] = []

    def make(**settings: Any) -> RunningExchange:
        running.append(RunningExchange(**settings))
        return running[-1]

    yield make
    for exchange in running:
        exchange.stop()


@pytest.fixture
def exchange(exchange_factory: Callable[..., RunningExchange]) -> RunningExchange:
    """A running exchange on a free port, with BTCUSDT, ETHUSDT and ETHBTC at 50 trades a second."""
    return exchange_factory()
