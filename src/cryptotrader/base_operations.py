"""Opening connections: everything else does it through ``stream_connection`` and ``api_connection``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptotrader.api_connection import ApiConnection, refuse_in_clear
from cryptotrader.config import Backoff, Endpoint, Timeouts, get_logger
from cryptotrader.connection import BinanceWebSocketConnection, ConnectionState
from cryptotrader.environment import Environment
from cryptotrader.errors import ConnectFailed
from cryptotrader.models.control_models import ServerShutdown
from cryptotrader.protocol.api_session import ApiSession, Key
from cryptotrader.protocol.limits import AddressBudgets
from cryptotrader.protocol.stream_session import StreamSession

logger = get_logger(__name__)


class StreamConnection(BinanceWebSocketConnection):
    """A connection to the market streams.

    Attributes:
        session: What is wanted and confirmed; after a change call ``work()``.
    """

    def __init__(self, base_url: str, session: StreamSession, **options: Any) -> None:
        super().__init__(base_url, session, **options)
        self.session = session

    def on_frame(self, payload: bytes, received_ns: int) -> None:
        """One message came."""
        self._received = True
        session = self.session
        session.receive(payload, received_ns)
        if session.outbox or session.dead is not None:
            self.work()


def stream_connection(
    endpoint: Endpoint,
    *,
    on_shutdown: Callable[[ServerShutdown], None],
    on_confirmed: Callable[[set[str]], None],
    on_problem: Callable[[str | None, Exception], None],
    on_lost: Callable[[str], None] | None = None,
    on_failed: Callable[[ConnectFailed], None] | None = None,
    backoff: Backoff | None = None,
    timeouts: Timeouts | None = None,
    environment: Environment | None = None,
) -> StreamConnection:
    """A connection to the market streams of ``endpoint``; not yet opened."""
    session = StreamSession(
        time_unit=endpoint.time_unit,
        timeouts=timeouts,
        on_shutdown=on_shutdown,
        on_confirmed=on_confirmed,
        on_problem=on_problem,
    )
    return StreamConnection(
        endpoint.stream_url,
        session,
        endpoint=endpoint,
        backoff=backoff,
        timeouts=timeouts,
        environment=environment,
        on_lost=on_lost,
        on_failed=on_failed,
    )


def api_connection(
    endpoint: Endpoint,
    *,
    key: Key | None = None,
    recv_window: float | None = None,
    on_user_event: Callable[[int | None, bytes, int], None] | None = None,
    on_lost: Callable[[str], None] | None = None,
    on_failed: Callable[[ConnectFailed], None] | None = None,
    backoff: Backoff | None = None,
    timeouts: Timeouts | None = None,
    environment: Environment | None = None,
) -> ApiConnection:
    """A connection to the WebSocket API of ``endpoint``; opened by its first call.

    Raises:
        RequestInvalid: ``recv_window`` is none that can be sent.
        ConfigurationError: A key would be shown on a connection that is neither encrypted nor on this machine.
    """
    if key is not None:
        refuse_in_clear(endpoint.api_url)
    environment = environment or Environment()
    session = ApiSession(
        weights=environment.budgets(endpoint.api_url).weights,
        time_unit=endpoint.time_unit,
        timeouts=timeouts,
        on_shutdown=lambda event: logger.info("%s: server shutdown announced at %d", endpoint.name, event.event_time),
        on_problem=lambda error: logger.warning("%s: %s", endpoint.name, error),
        on_user_event=on_user_event,
    )
    return ApiConnection(
        endpoint.api_url,
        session,
        key=key,
        recv_window=recv_window,
        endpoint=endpoint,
        backoff=backoff,
        timeouts=timeouts,
        environment=environment,
        on_lost=on_lost,
        on_failed=on_failed,
    )


__all__ = [
    "AddressBudgets",
    "ApiConnection",
    "BinanceWebSocketConnection",
    "ConnectionState",
    "Environment",
    "StreamConnection",
    "api_connection",
    "stream_connection",
]
