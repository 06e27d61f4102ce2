"""``cryptotrader simulator``: the local exchange as a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cryptotrader.cli.running import run, show_logs, split_symbols
from cryptotrader.simulator import DemoKeys, LocalExchange
from cryptotrader.simulator.server import DEFAULT_RATE, DEFAULT_SYMBOLS


def simulator(
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes a free port.")] = 9443,
    symbols: Annotated[
        str | None, typer.Option(help="Symbols to trade, with commas.", show_default=",".join(DEFAULT_SYMBOLS))
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same market.")] = 0,
    rate: Annotated[
        float | None,
        typer.Option(min=0, help="Trades a second, all symbols together.", show_default=f"{DEFAULT_RATE}"),
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Write every trade to this file, as JSON lines.")] = None,
    faults: Annotated[Path | None, typer.Option(help="A script of faults, as JSON lines with 'at' seconds.")] = None,
    control_port: Annotated[int | None, typer.Option(help="Listen for fault commands on this loopback port.")] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Play this recording instead, from the first subscription on; then exit.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.001, help="How many times as fast as recorded to play it.")] = 1.0,
    tls: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Serve wss:// with a certificate made here; clients trust DIR/ca.pem."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the demonstration accounts' private keys here, as PEM files."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Go on from this file if it exists, symbols and rate included; save to it in the end."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.")] = False,
) -> None:
    """Run a local exchange that speaks Binance's protocol: /ws, /stream and /ws-api/v3 on one port.

    Examples:

      cryptotrader simulator

      cryptotrader simulator --port 9443 --symbols BTCUSDT --rate 2000 --truth truth.jsonl

      cryptotrader simulator --faults faults.jsonl --control-port 9444

      cryptotrader simulator --replay btcusdt.rec --speed 20

      cryptotrader simulator --tls certificates

      cryptotrader simulator --keys keys --state exchange.state
    """
    show_logs(verbose=verbose)
    listed = None if symbols is None else split_symbols(symbols)

    async def serve() -> int:
        exchange = LocalExchange(
            listed,
            port=port,
            host=host,
            seed=seed,
            rate=rate,
            truth=truth,
            faults=faults,
            control_port=control_port,
            replay=replay,
            speed=speed,
            tls=tls,
            state=state,
        )
        async with exchange:
            what = f"trading {', '.join(exchange.venue.markets)}"
            if replay is not None:
                what = f"{what} as in {replay}, {speed:g} times as fast, from the first subscription on"
            typer.echo(f"local exchange on {exchange.endpoint.stream_url} {what}", err=True)
            if exchange.endpoint.ca is not None:
                typer.echo(f"clients trust it with --ca {exchange.endpoint.ca}", err=True)
            if exchange.control_port is not None:
                typer.echo(f"fault commands on 127.0.0.1:{exchange.control_port}", err=True)
            for account in exchange.demo_keys:
                _show_keys(account, keys)
            await exchange.wait_ended()
        return 0

    run(serve)


def _show_keys(account: DemoKeys, folder: Path | None) -> None:
    """Print the keys of a demonstration account: they open nothing but this exchange, and end with it."""
    typer.echo(
        f"demonstration account {account.uid}; its keys are no secrets, they work on this exchange only:", err=True
    )
    typer.echo(f"  HMAC     {account.hmac.api_key} secret {account.hmac_secret}", err=True)
    if folder is None:
        typer.echo("  Ed25519 and RSA keys: with --keys DIR", err=True)
        return
    for kind, api_key, path in account.write(folder):
        typer.echo(f"  {kind:<8} {api_key} in {path}", err=True)
