"""Run the service."""

import asyncio
import gc
import logging
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from logging.config import dictConfig
from typing import Annotated, Any

import typer

from commands import bots as inhabitants
from commands import checks, logs, settings, welcome
from commands.console import fail
from commands.demo import record
from commands.demo.record import Record
from commands.means import lent
from commands.workers import Workers
from resolvers.context import Context
from schema import serving
from schema.wire import Patience
from server import Service, Settings, create_app

log = logging.getLogger("plenary.serve")

LONELY = (
    "The broker memory:// carries nothing from one process to another. To do: use PostgreSQL, which is a broker, too, "
    "or set PLENARY_BROKER_URL, for example to redis://127.0.0.1:6379."
)

Life = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


class Server(serving.Server):
    """Greets once it listens, and ends what lives in it before it stops listening."""

    def __init__(
        self,
        app: Any,
        patience: Patience,
        service: Service,
        greet: Callable[[], None],
        life: Life | None,
        **more: Any,
    ) -> None:
        super().__init__(app, patience, **more)
        self._service = service
        self._greet = greet
        self._life = life
        self._living: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What was made to serve stays as it is. Looking through it for garbage takes tenths of a second, again and
        # again, in which nobody is answered.
        gc.collect()
        gc.freeze()
        self._greet()
        if self._life:
            self._living = asyncio.create_task(self._life(self._closing))
            self._living.add_done_callback(_complain)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.is_closing = True
        if self._living:
            self._closing.set()
            await asyncio.wait([self._living], timeout=self.config.patience.drain)
        await super().shutdown(sockets)


def _complain(ended: asyncio.Task[None]) -> None:
    if not ended.cancelled() and ended.exception():
        log.error("the bots have died", exc_info=ended.exception())


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.", min=0, max=65_535)] = 8000,
    *,
    workers: Annotated[int, typer.Option(help="How many processes serve.", min=1, max=256)] = 1,
    bots: Annotated[bool, typer.Option("--bots", help="Let bots live in the demo data.")] = False,
    bot_pace: Annotated[float, typer.Option(help="Seconds between a bot's deeds, about.", min=0.01)] = 4.0,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log each request.")] = False,
) -> None:
    """Serve the API over HTTP and WebSocket, until Ctrl-C."""
    known = settings.read()
    if workers > 1 and known.broker_url.startswith("memory://"):
        fail(LONELY)
    asyncio.run(checks.demand(known))
    found = asyncio.run(_demo(known))
    if bots and found is None:
        fail("There is no demo data for the bots to live in. To do: run `plenary demo`, in development.")
    listener = _listen(host, port)
    address = _address(host, listener)
    life = partial(inhabitants.live, address, found, bot_pace) if bots and found else None
    greet = partial(welcome.greet, address, found, known.demo_file, has_page=known.is_development)
    if workers == 1:
        with suppress(KeyboardInterrupt):
            _server(known, greet, life, access_log=access_log).run(sockets=[listener])
    else:
        dictConfig(logs.configuration(known))
        make = partial(_worker, life, access_log=access_log)
        Workers(workers, listener, make, greet, drain=known.drain_seconds).run()


def _worker(life: Life | None, place: int, *, access_log: bool) -> Server:
    """In a process of its own, which reads the settings again. One is enough for the bots."""
    return _server(settings.read(), lambda: None, None if place else life, access_log=access_log)


def _server(known: Settings, greet: Callable[[], None], life: Life | None, *, access_log: bool) -> Server:
    service = Service(known)
    log_config = logs.configuration(known)
    return Server(
        create_app(service), known.patience, service, greet, life, access_log=access_log, log_config=log_config
    )


async def _demo(known: Settings) -> Record | None:
    if not known.is_development:
        return None
    async with lent(known) as means, Context(means).reading() as db:
        return await record.of(db, known.demo_file)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        fail(f"Cannot listen on {host} port {port}: {error.strerror or error}.")


def _address(host: str, listener: socket.socket) -> str:
    """Where this machine reaches the server."""
    reached = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
    return f"http://{f'[{reached}]' if ':' in reached else reached}:{listener.getsockname()[1]}"
