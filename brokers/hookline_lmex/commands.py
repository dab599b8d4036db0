"""``hookline lmex``: look at markets and at the account, once or again and again."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookline.errors import ConfigError
from hookline.hookspecs import hookimpl
from hookline_lmex.feed_hosts import Environment, rest_host

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from hookline_lmex.client import LmexClient
    from hookline_lmex.credentials import Credentials
    from hookline_lmex.tables_cells import View

__all__ = ["register_commands"]

app = typer.Typer(
    name="lmex",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""Look at the markets of LMEX and at your account there. Nothing here sends an order.

    Markets need no key:

    hookline lmex ticker

    hookline lmex book --symbol BTC-PERP --watch

    Your account needs a key with the permission to read (and, for spot orders, to trade). Put it into the environment, or into
    a file .env in this folder:

    LMEX_API_KEY=...

    LMEX_API_SECRET=...   (the web site calls it the passphrase)

    hookline lmex positions --watch

    hookline lmex orders --json
    """,
)

_Fetch = Callable[["LmexClient"], Awaitable["View"]]

_Symbols = Annotated[
    list[str] | None,
    typer.Option("--symbol", "-s", help="Market, such as BTC-PERP or BTC-USDT; repeat for more."),
]
_Url = Annotated[
    str | None, typer.Option("--url", help="Another host, such as that of an emulator: http://127.0.0.1:8080")
]
_Speed = Annotated[
    float,
    typer.Option(
        "--clock-speed", min=0.001, help="Venue seconds in one of ours; other than 1 with an emulator."
    ),
]
_Environment = Annotated[Environment, typer.Option("--environment", help="The venue's hosts.")]
_Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show it again and again, until Ctrl-C.")]
_Every = Annotated[float, typer.Option("--every", min=0.2, help="Seconds between two looks with --watch.")]
_Json = Annotated[
    bool, typer.Option("--json", help="Write JSON, for programs; with --watch a line for each look.")
]
_KeyEnv = Annotated[str, typer.Option("--key-env", help="Environment variable of the API key.")]
_SecretEnv = Annotated[str, typer.Option("--secret-env", help="Environment variable of its secret.")]

_KEY, _SECRET = "LMEX_API_KEY", "LMEX_API_SECRET"


@app.command()
def ticker(
    symbol: _Symbols = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Without --symbol: how many, by turnover.")] = 20,
    watch: _Watch = False,
    every: _Every = 2.0,
    as_json: _Json = False,
    environment: _Environment = "production",
    url: _Url = None,
    clock_speed: _Speed = 1.0,
) -> None:
    """Show prices, turnover and funding of markets.

    For example: hookline lmex ticker --symbol BTC-PERP --symbol BTC-USDT --watch
    """
    from hookline_lmex.commands_views import fetch_ticker

    place = _Place(rest_host(environment, url), clock_speed)
    _show(place, lambda client: fetch_ticker(client, symbol, top), watch, every, as_json)


@app.command()
def book(
    symbol: Annotated[
        str, typer.Option("--symbol", "-s", help="Market, such as BTC-PERP.", show_default=False)
    ],
    depth: Annotated[int, typer.Option("--depth", min=1, max=50, help="Levels of each side.")] = 15,
    watch: _Watch = False,
    every: _Every = 1.0,
    as_json: _Json = False,
    environment: _Environment = "production",
    url: _Url = None,
    clock_speed: _Speed = 1.0,
) -> None:
    """Show the order book of a market, in base units, with the notional up to each level.

    For example: hookline lmex book --symbol BTC-PERP --depth 10 --watch
    """
    from hookline_lmex.commands_views import fetch_book

    units: dict[str, Decimal | None] = {}
    place = _Place(rest_host(environment, url), clock_speed)
    _show(place, lambda client: fetch_book(client, symbol, depth, units), watch, every, as_json)


@app.command()
def positions(
    symbol: _Symbols = None,
    watch: _Watch = False,
    every: _Every = 2.0,
    as_json: _Json = False,
    environment: _Environment = "production",
    url: _Url = None,
    clock_speed: _Speed = 1.0,
    key_env: _KeyEnv = _KEY,
    secret_env: _SecretEnv = _SECRET,
) -> None:
    """Show open positions of perpetuals, where they would be liquidated and what they have gained. Needs a key.

    For example: hookline lmex positions --watch
    """
    from hookline_lmex.commands_views import fetch_positions

    place = _Place(rest_host(environment, url), clock_speed, _credentials(key_env, secret_env))
    _show(place, lambda client: fetch_positions(client, symbol), watch, every, as_json)


@app.command()
def orders(
    symbol: _Symbols = None,
    watch: _Watch = False,
    every: _Every = 2.0,
    as_json: _Json = False,
    environment: _Environment = "production",
    url: _Url = None,
    clock_speed: _Speed = 1.0,
    key_env: _KeyEnv = _KEY,
    secret_env: _SecretEnv = _SECRET,
) -> None:
    """Show open orders of spot and perpetuals, oldest first. Needs a key.

    For example: hookline lmex orders --symbol BTC-PERP
    """
    from hookline_lmex.commands_views import fetch_orders

    place = _Place(rest_host(environment, url), clock_speed, _credentials(key_env, secret_env))
    _show(place, lambda client: fetch_orders(client, symbol), watch, every, as_json)


@app.command()
def balance(
    watch: _Watch = False,
    every: _Every = 5.0,
    as_json: _Json = False,
    environment: _Environment = "production",
    url: _Url = None,
    clock_speed: _Speed = 1.0,
    key_env: _KeyEnv = _KEY,
    secret_env: _SecretEnv = _SECRET,
) -> None:
    """Show what is in the spot wallet and behind the futures positions. Needs a key.

    For example: hookline lmex balance --json
    """
    from hookline_lmex.commands_views import fetch_balance

    place = _Place(rest_host(environment, url), clock_speed, _credentials(key_env, secret_env))
    _show(place, fetch_balance, watch, every, as_json)


@dataclass(frozen=True)
class _Place:
    """Where to ask, and as whom."""

    rest_url: str
    clock_speed: float
    credentials: Credentials | None = None

    def client(self) -> LmexClient:
        from hookline_lmex.client import LmexClient
        from hookline_lmex.settings import Settings

        return LmexClient(Settings(rest_url=self.rest_url, clock_speed=self.clock_speed), self.credentials)


def _credentials(key_env: str, secret_env: str) -> Credentials:
    from hookline.session.environment import read_dotenv
    from hookline_lmex.credentials import read_credentials

    environ = {**read_dotenv(Path(".env")), **os.environ}
    found = read_credentials(key_env, secret_env, environ=environ)
    if found is None:
        raise ConfigError(
            f"lmex: this needs an API key: set {key_env} and {secret_env} in the environment, "
            f"or as lines {key_env}=... and {secret_env}=... of a file .env in this folder"
        )
    return found


def _show(place: _Place, fetch: _Fetch, watch: bool, every: float, as_json: bool) -> None:
    """Print what was asked for once, or until Ctrl-C."""
    from rich.console import Console

    try:
        asyncio.run(_look(Console(), place, fetch, every if watch else None, as_json))
    except KeyboardInterrupt:
        if not watch:
            raise
        raise typer.Exit from None


async def _look(console: Console, place: _Place, fetch: _Fetch, every: float | None, as_json: bool) -> None:
    async with place.client() as client:
        view = await fetch(client)
        if every is None:
            _print(console, view, as_json)
            return
        if as_json:
            while True:
                _print(console, view, as_json)
                await asyncio.sleep(every)
                view = await fetch(client)
        await _watch(console, client, fetch, view, every)


def _print(console: Console, view: View, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(view.plain(), allow_nan=False))
    else:
        console.print(view.render())


async def _watch(console: Console, client: LmexClient, fetch: _Fetch, view: View, every: float) -> None:
    """Show the view anew every few seconds; what goes wrong meanwhile stands below the last one."""
    from rich.live import Live

    from hookline_lmex.errors import LmexError

    with Live(
        _page(client, view, ""), console=console, auto_refresh=False, screen=console.is_terminal
    ) as live:
        while True:
            await asyncio.sleep(every)
            problem = ""
            try:
                view = await fetch(client)
            except LmexError as error:
                problem = str(error)
            live.update(_page(client, view, problem), refresh=True)


def _page(client: LmexClient, view: View, problem: str) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from hookline.clock import isoformat

    now = client.clock.now // 10**9 * 10**9
    below = Text(f" {problem}", "red") if problem else Text(f" {isoformat(now)}, Ctrl-C to end", "dim")
    return Group(view.render(), below)


@hookimpl
def register_commands() -> list[Any]:
    return [app]
