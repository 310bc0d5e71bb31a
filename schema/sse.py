"""Server-Sent Events: the results of one operation as a stream, after GraphQL over SSE (distinct connections)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from resolvers.errors import DomainError
from schema import media
from schema.context import Context, Transport
from schema.encoding import encode
from schema.execution import Answer
from schema.masking import masked
from schema.requests import Refused, refusal

KEEP_ALIVE = 12.0  # seconds; proxies cut what is silent for longer

# Proxies that collect an answer before they pass it on would keep a stream to themselves.
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Stream(StreamingResponse):
    """`place` is what it holds for as long as it lasts."""

    def __init__(self, answers: AsyncGenerator[Answer], context: Context, place: ExitStack) -> None:
        context.transport = Transport.SSE
        super().__init__(_events(answers, context), headers=HEADERS, media_type=media.STREAM)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)


async def _events(answers: AsyncGenerator[Answer], context: Context) -> AsyncIterator[bytes]:
    try:
        async with aclosing(_kept_alive(answers, context)) as told:
            async for answer in told:
                yield _next(answer.result.formatted, answer.cursor) if answer else b":\n\n"
    except Refused as refused:
        yield _next(refused.formatted)
    except Exception as bug:  # noqa: BLE001 - too late for a status
        yield _next({"errors": [masked(bug).formatted]})
    yield b"event: complete\ndata:\n\n"


def _next(content: Any, cursor: str | None = None) -> bytes:
    """The id is what a browser sends back as `Last-Event-ID` when it has lost the stream."""
    mark = b"" if cursor is None else b"id: " + cursor.encode() + b"\n"
    return b"event: next\n" + mark + b"data: " + encode(content) + b"\n\n"


async def _kept_alive(answers: AsyncGenerator[Answer], context: Context) -> AsyncGenerator[Answer | None]:
    """The answers, and None where there was none for a while. Raises Refused when the sign-in ends."""
    coming: asyncio.Future[Any] | None = None
    leaving: asyncio.Future[Any] = asyncio.ensure_future(_signed_out(context))
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(answers, None))
            done, _ = await asyncio.wait({coming, leaving}, timeout=KEEP_ALIVE, return_when=asyncio.FIRST_COMPLETED)
            if leaving in done:
                leaving.result()
            if not done:
                yield None
            else:
                answer, coming = coming.result(), None
                if answer is None:
                    return
                yield answer
    finally:
        tasks = [task for task in (coming, leaving) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await answers.aclose()


async def _signed_out(context: Context) -> None:
    """Raises Refused when the token that came with the request is good no longer."""
    try:
        await context.signed_out()
    except DomainError as error:
        raise refusal(error) from error
