"""``hookline lmex-emulator``: a venue on this machine to rehearse on."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookline.clock import isoformat
from hookline.errors import ConfigError
from hookline.hookspecs import hookimpl

if TYPE_CHECKING:
    from hookline_lmex.emulator.config import EmulatorConfig
    from hookline_lmex.emulator.emulator import Emulator

__all__ = ["register_commands"]

_PORT = 8797
_HELP = """Serve an exchange with LMEX's protocol on this machine, to rehearse live trading on.

REST and sockets are those of LMEX, the money and the key are worth nothing. It listens on 127.0.0.1 alone, prints what it serves,
the key as environment lines and the params for a session file, and runs until Ctrl-C.

Without options it makes up BTC-PERP, ETH-PERP and BTC-USDT with order books, from now on. With --config FILE it serves the markets of a
YAML file; --feed with --symbol serves the data of one feed. Faults can be switched on from the start (--fault) or while it runs
(POST /emulator/faults).

Examples:

    hookline lmex-emulator --speed 24

    hookline lmex-emulator --feed parquet:path=data/BTCUSDT_1m.parquet --symbol BTC-PERP=BTCUSDT --start 2024-03-01 --speed 3600

    hookline lmex-emulator --fault error_after=cut --fault sequence_gaps --config venue.yaml
"""


def lmex_emulator(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="YAML file with markets, accounts and habits.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(help="Seconds of the venue in one; 0 for steps only. Default: 1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help=f"On 127.0.0.1; 0 for any that is free. Default: {_PORT}.")
    ] = None,
    feed: Annotated[
        str | None, typer.Option(help="Feed to play, NAME or NAME:param=value,param=value; needs --symbol.")
    ] = None,
    symbol: Annotated[
        list[str] | None,
        typer.Option(help="Market to serve from --feed, NAME or NAME=ITS-NAME-IN-THE-FEED; may be repeated."),
    ] = None,
    timeframe: Annotated[str, typer.Option(help="Of the bars of --feed.")] = "1m",
    tape: Annotated[
        str, typer.Option(help="What --feed has beside bars: book,trades,quotes. Orders then fill at once.")
    ] = "",
    start: Annotated[
        str | None, typer.Option(help="ISO time at which playing begins; before it is history.")
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Play the data again when it is over.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of ids and faults.")] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="Fault to switch on, NAME or NAME=VALUE; may be repeated.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not print what accounts do.")] = False,
) -> None:
    changes: dict[str, Any] = {"port": port, "start": start, "seed": seed}
    changes["at_end"] = "loop" if loop else None
    changes = {name: value for name, value in changes.items() if value is not None}
    if speed is not None:
        changes["speed"] = speed or None
    if fault:
        changes["faults"] = dict(map(_fault, fault))
    if feed is None and (symbol or tape):
        raise ConfigError("--symbol and --tape: need --feed, which they are of")
    if feed is not None:
        changes |= _of_feed(feed, symbol or [], timeframe, tape)
    asyncio.run(_serve(_config(config, changes), quiet=quiet))


lmex_emulator.__doc__ = _HELP


def _config(path: Path | None, changes: dict[str, Any]) -> EmulatorConfig:
    from hookline_lmex.emulator.config import default_config, made_config, read_config

    if path is not None:
        return read_config(path, os.environ, changes)
    if "markets" in changes:
        return made_config({"port": _PORT, **changes})
    return default_config(**{"port": _PORT, **changes})


def _of_feed(text: str, symbols: list[str], timeframe: str, tape: str) -> dict[str, Any]:
    """Return the fields that ``--feed`` and its companions stand for."""
    if not symbols:
        raise ConfigError("--feed: needs at least one --symbol to serve")
    name, _, rest = text.partition(":")
    params = dict(_pair(part) for part in rest.split(",") if part)
    kinds = [kind.strip() for kind in tape.split(",") if kind.strip()]
    markets = [{**_market(symbol), "timeframe": timeframe, "tape": kinds} for symbol in symbols]
    return {"feed": {"use": name, "params": params}, "markets": markets}


def _market(text: str) -> dict[str, Any]:
    symbol, equals, source = text.partition("=")
    return {"symbol": symbol, "source": source} if equals else {"symbol": symbol}


def _pair(text: str) -> tuple[str, Any]:
    from hookline.session.yaml_loader import parse

    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--feed: parameters must be written name=value, was {text!r}")
    return name, parse(value, "--feed", {}, is_file=False).data


def _fault(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    try:
        return name, float(value) if value else None
    except ValueError:
        return name, value


async def _serve(config: EmulatorConfig, *, quiet: bool) -> None:
    """Serve until a signal, or until something of the emulator breaks."""
    from hookline_lmex.emulator.emulator import Emulator
    from hookline_lmex.emulator.telling import Teller

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with Emulator(config) as emulator:
        _show(emulator)
        if not quiet:
            emulator.exchange.listen(Teller(typer.echo))
        waiting = {asyncio.create_task(stopped.wait()), asyncio.create_task(emulator.failed())}
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()
    typer.echo("stopped")


def _show(emulator: Emulator) -> None:
    """Print what is served and how to reach it."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("market", "product", "orders fill by", "tick", "lot", "bars before", title="emulated LMEX")
    for symbol, state in emulator.exchange.states.items():
        setup = state.setup
        table.add_row(
            symbol,
            str(setup.product),
            ", ".join(sorted(set(setup.tape) - {"bars"})) or "bars",
            f"{setup.instrument.tick_size}",
            f"{setup.instrument.lot_size}",
            f"{0 if setup.history is None else len(setup.history):,}",
        )
    console.print(table)
    config, account = emulator.config, emulator.config.accounts[0] if emulator.config.accounts else None
    pace = (
        "by steps (POST /emulator/step)"
        if config.speed is None
        else f"{config.speed:g} times as fast as time"
    )
    typer.echo(f"venue time {isoformat(emulator.clock.now)}, {pace}; then {config.at_end}")
    typer.echo(
        f"REST     {emulator.rest_url}\nsockets  {emulator.socket_url}\nstate    {emulator.rest_url}/emulator/state"
    )
    if account is not None:
        typer.echo(f"\nkey of {account.label!r}, worth nothing elsewhere:")
        typer.echo(f"export LMEX_API_KEY={account.key}\nexport LMEX_API_SECRET={account.secret}")
    urls = f"rest_url: {emulator.rest_url}, socket_url: {emulator.socket_url}"
    urls += f", clock_speed: {config.speed or 1:g}" if config.speed != 1 else ""
    typer.echo("\nin a session file:")
    typer.echo(f"feed: {{use: lmex, params: {{{urls}}}}}\nbroker: {{use: lmex, params: {{{urls}}}}}")
    typer.echo("\nCtrl-C stops it")


@hookimpl
def register_commands() -> list[Any]:
    return [lmex_emulator]
