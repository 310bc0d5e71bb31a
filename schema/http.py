"""GraphQL over HTTP: which request gets which answer, as the specification's table has it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from graphql import ExecutionResult, GraphQLError, OperationType
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from resolvers.accounts import BadToken
from resolvers.caps import Caps
from resolvers.errors import Limited
from schema import media
from schema.context import Context
from schema.door import Door
from schema.encoding import Malformed, decode, encode
from schema.execution import Execution, TimedOut
from schema.rendering import Told
from schema.requests import Refused, Request, refusal
from schema.sse import Stream

METHODS = ("GET", "POST")
BODY_LIMIT = 256 * 1024
READ_DEADLINE = 10.0  # seconds that a client may take to send its request
NOT_SIMPLE = ("graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name")

# What pages of other origins may send beside the safe headers, and what they may read.
ASKED_WITH = ("authorization", "last-event-id", "traceparent", *NOT_SIMPLE)
TOLD_WITH = ("retry-after",)

# What was refused before it was executed; what is not named is 400.
TOO_MANY, TOO_LONG = 429, 503
STATUS = {"UNAUTHENTICATED": 401, "FORBIDDEN": 403, "LIMITED": TOO_MANY}
BUSY = {TOO_MANY, TOO_LONG}  # told by status to clients of every age: they may come again, and must not at once
PARTIAL = 294  # some of the data is missing, says the draft


class Bad(Exception):
    """A request that is told so by its status alone, whatever media type the answer has."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.errors = (GraphQLError(message, extensions={"code": "INVALID"}),)
        self.headers = headers


class Endpoint:
    def __init__(self, execution: Execution, door: Door, requests: Caps, streams: Caps) -> None:
        self._execution = execution
        self._door = door
        self._requests = requests
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(ClientDisconnect):  # whoever asked has gone
            response = await self._respond(HTTPRequest(scope, receive))
            await response(scope, receive, send)

    async def _respond(self, request: HTTPRequest) -> Response:
        accepted = media.ranges(request.headers.get("accept"))
        media_type = media.response_type(accepted)
        try:
            _check_method(request)
            _check_type(media_type, accepted)
            self._check_preflight(request)
            context = self._door.context(request)
            with self._requests.at(context.address):  # also while it arrives, and it is looked up who asks
                asked = await _read(request)
                try:
                    await context.sign_in_with(context.token)
                except BadToken as error:
                    return self._refuse_token(request, error, media_type or media.JSON)
                return await self._perform(request, context, asked, media_type)
        except Bad as bad:
            return _errors(bad.errors, bad.status, media_type or media.JSON, bad.headers)
        except Limited as limited:
            return _refused(refusal(limited), media_type or media.JSON)

    def _check_preflight(self, request: HTTPRequest) -> None:
        """A page of anybody may send a GET without asking; its own header makes the browser ask us first."""
        if request.method == "GET" and not (
            any(name in request.headers for name in NOT_SIMPLE)
            or _content_type(request) == media.JSON
            or self._door.is_ours(request)
        ):
            raise Bad(400, f"A GET needs one of the headers {', '.join(NOT_SIMPLE)}.")

    def _refuse_token(self, request: HTTPRequest, error: BadToken, media_type: str) -> Response:
        headers = {"www-authenticate": "Bearer"}
        response = _errors([GraphQLError(error.message, extensions=error.extensions)], 401, media_type, headers)
        if self._door.cookie_of(request):  # no script can take it away, and with it nobody can sign in
            self._door.take_cookie(response)
        return response

    async def _perform(
        self, request: HTTPRequest, context: Context, asked: Request, media_type: str | None
    ) -> Response:
        cookies = Response()
        if media_type is not None:  # a stream has begun before anything is done
            self._door.lend_cookie(context, request, cookies)
        try:
            with ExitStack() as place:
                admit = partial(self._admit, request, context, media_type, place)
                operation = await self._execution.prepare(context, asked, admit)
                if media_type is None or operation.type is OperationType.SUBSCRIPTION:
                    context.resume = request.headers.get("last-event-id")
                    return Stream(self._execution.results(operation), context, place.pop_all())
                result = await self._execution.run(operation)
        except Refused as refused:
            if media_type is None:
                return Stream(_failing(refused), context, ExitStack())
            response = _refused(refused, media_type)
        else:
            response = _executed(result, media_type)
        response.raw_headers.extend(header for header in cookies.raw_headers if header[0] == b"set-cookie")
        return response

    def _admit(
        self, request: HTTPRequest, context: Context, media_type: str | None, place: ExitStack, type_: OperationType
    ) -> None:
        """Check that the operation may come as it has come, and take the place that it needs."""
        _check(request, type_)
        is_stream = media_type is None or type_ is OperationType.SUBSCRIPTION
        viewer, address = context.viewer, context.address
        place.enter_context(self._streams.open(viewer, address) if is_stream else self._requests.of(viewer))


def _check(request: HTTPRequest, type_: OperationType) -> None:
    """Whether the operation may come as it has come.

    Subscriptions alone are streams: a list of types that merely has a stream among them makes no query one.
    """
    if type_ is OperationType.SUBSCRIPTION and not media.wants_stream(media.ranges(request.headers.get("accept"))):
        message = f"A subscription is a stream: accept {media.STREAM}, or come by WebSocket."
        raise Refused(GraphQLError(message, extensions={"code": "INVALID"}))
    if request.method == "GET" and type_ is OperationType.MUTATION:
        raise Bad(405, "A mutation is asked by POST.", allow="POST")


def _check_method(request: HTTPRequest) -> None:
    if request.method not in METHODS:
        raise Bad(405, "Ask by GET or POST.", allow=", ".join(METHODS))


def _check_type(media_type: str | None, accepted: media.Ranges) -> None:
    """A stream must be asked for by its name."""
    if media_type is None and not media.wants_stream(accepted):
        raise Bad(406, f"There is {media.GRAPHQL}, {media.JSON} and {media.STREAM}.")


async def _failing(refused: Refused) -> AsyncGenerator[Told]:
    yield Told(encode(refused.formatted))


# --- what comes in ---------------------------------------------------------------------------------------------------


async def _read(request: HTTPRequest) -> Request:
    try:
        return Request.of(_query(request) if request.method == "GET" else await _body(request))
    except Malformed as error:
        raise Bad(400, str(error)) from error


def _query(request: HTTPRequest) -> Mapping[str, Any]:
    """The parameters of a GET. An empty one is one that is not there."""
    given = {name: value for name, value in request.query_params.items() if value}
    return given | {name: decode(given[name]) for name in ("variables", "extensions") if name in given}


async def _body(request: HTTPRequest) -> Any:
    if _content_type(request) != media.JSON:
        raise Bad(415, f"A request is {media.JSON}.", accept=media.JSON)
    try:
        async with asyncio.timeout(READ_DEADLINE):
            return decode(await _bytes(request))
    except TimeoutError:
        raise Bad(408, "The request took too long to arrive.", connection="close") from None


async def _bytes(request: HTTPRequest) -> bytes:
    """Whatever the request says of its length."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Bad(413, f"A request has at most {BODY_LIMIT} bytes.")
    return bytes(body)


def _content_type(request: HTTPRequest) -> str:
    """Without its parameters; in another encoding than UTF-8 it is of no type that we read."""
    name, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    _, has_charset, charset = parameters.replace(" ", "").replace('"', "").partition("charset=")
    return name.strip() if not has_charset or charset.partition(";")[0] in {"utf-8", "utf8"} else ""


# --- what goes out ---------------------------------------------------------------------------------------------------


def _executed(result: ExecutionResult, media_type: str) -> Response:
    status = PARTIAL if result.errors and media_type == media.GRAPHQL else 200
    return _response(result.formatted, status, media_type)


def _refused(refused: Refused, media_type: str) -> Response:
    """Clients of the older type read 200 only; but who is to wait must be told in time."""
    status = TOO_LONG if isinstance(refused, TimedOut) else STATUS.get(refused.code, 400)
    if media_type == media.JSON and status not in BUSY:
        status = 200
    headers = {} if refused.retry_after is None else {"retry-after": str(refused.retry_after)}
    return _response(refused.formatted, status, media_type, headers)


def _errors(
    errors: Sequence[GraphQLError], status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    return _response({"errors": [error.formatted for error in errors]}, status, media_type, headers)


def _response(
    content: Mapping[str, Any], status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """What one viewer was told is kept for nobody."""
    kept = {"cache-control": "no-store", "content-type": f"{media_type}; charset=utf-8", **(headers or {})}
    return Response(encode(content), status, kept)
