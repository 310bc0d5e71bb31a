"""Server-Sent Events: the results of one operation as a stream, after GraphQL over SSE (distinct connections)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from resolvers.errors import DomainError
from schema import media
from schema.context import Context, Transport
from schema.encoding import encode
from schema.execution import Lagging
from schema.masking import masked
from schema.rendering import Told
from schema.requests import Refused, refusal

KEEP_ALIVE = 12.0  # seconds; proxies cut what is silent for longer

# Proxies that collect an answer before they pass it on would keep a stream to themselves.
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Stream(StreamingResponse):
    """`place` is what it holds for as long as it lasts."""

    def __init__(self, answers: AsyncGenerator[Told], context: Context, place: ExitStack) -> None:
        context.transport = Transport.SSE
        self._events = _events(answers, context)
        super().__init__(self._events, headers=HEADERS, media_type=media.STREAM)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As Starlette's, whose cancelling goes on and on, also while what was begun is brought to its end."""
        with self._place:
            telling = asyncio.ensure_future(self.stream_response(send))
            leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
            try:
                await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await ended(telling, leaving)
                await self._events.aclose()
            if not telling.cancelled():
                telling.result()


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel what is not done, once, and wait for its end."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _events(answers: AsyncGenerator[Told], context: Context) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(_kept_alive(answers, context)) as told:
            async for answer in told:
                yield _next(answer.data, answer.cursor) if answer else b":\n\n"
    except Lagging:
        return  # without a word that it is complete: a client comes back to where it was
    except Refused as refused:
        yield _next(encode(refused.formatted))
    except Exception as bug:  # noqa: BLE001 - too late for a status
        yield _next(encode({"errors": [masked(bug).formatted]}))
    yield b"event: complete\ndata:\n\n"


def _next(data: bytes, cursor: str | None = None) -> bytes:
    """The id is what a browser sends back as `Last-Event-ID` when it has lost the stream."""
    mark = b"" if cursor is None else b"id: " + cursor.encode() + b"\n"
    return b"event: next\n" + mark + b"data: " + data + b"\n\n"


async def _kept_alive(answers: AsyncGenerator[Told], context: Context) -> AsyncGenerator[Told | None]:
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
        try:
            await ended(*(task for task in (coming, leaving) if task))
        finally:
            await answers.aclose()


async def _signed_out(context: Context) -> None:
    """Raises Refused when the token that came with the request is good no longer."""
    try:
        await context.signed_out()
    except DomainError as error:
        raise refusal(error) from error
