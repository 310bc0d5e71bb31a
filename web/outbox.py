"""The outbox page: the letters that would have been sent, to look at while one develops."""

from collections.abc import Awaitable, Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route

HERE = Path(__file__).parent
NEAR = {"localhost", "127.0.0.1", "::1"}
SHOWN = 200
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
}
# A letter has its own styles, and nothing in it runs, loads or leads out of its frame.
FRAMED = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}

pages = Environment(loader=FileSystemLoader(HERE), autoescape=True)


def routes(
    every: Callable[[], Awaitable[Sequence[Any]]], opened: Callable[[UUID], Awaitable[EmailMessage | None]]
) -> list[BaseRoute]:
    """For development only: letters hold what signs one in."""

    async def outbox(request: Request) -> HTMLResponse:
        _admit(request)
        letters = (await every())[:SHOWN]
        return HTMLResponse(pages.get_template("outbox.html").render(letters=letters), headers=HEADERS)

    async def letter(request: Request) -> HTMLResponse:
        message = await _open(request)
        text = _part(message, "plain")
        page = pages.get_template("letter.html").render(message=message, text=text, id=request.path_params["id"].hex)
        return HTMLResponse(page, headers=HEADERS)

    async def framed(request: Request) -> HTMLResponse:
        return HTMLResponse(_part(await _open(request), "html"), headers=FRAMED)

    async def _open(request: Request) -> EmailMessage:
        _admit(request)
        message = await opened(request.path_params["id"])
        if message is None:
            raise HTTPException(404)
        return message

    return [
        Route("/outbox", outbox),
        Route("/outbox/{id:uuid}", letter),
        Route("/outbox/{id:uuid}/page", framed),
    ]


def _admit(request: Request) -> None:
    """From this machine, by its own name: a stranger's page may have one that leads here. And for no other page."""
    is_asked_by_page = "origin" in request.headers  # which nobody has who opens an address
    if is_asked_by_page or not request.client or {request.client.host, request.url.hostname} - NEAR:
        raise HTTPException(404)


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""
