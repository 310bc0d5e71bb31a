"""The door: who is asking, by token or by cookie, and from which page."""

import re
from collections.abc import Callable, Collection
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from resolvers import accounts
from resolvers.context import Means
from resolvers.live import Live
from schema import tracing
from schema.context import Context, Transport

# Pages of front ends that somebody is working on.
LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


def bearer(authorization: object) -> str | None:
    """The token of an `Authorization` header, or of the same words in `connection_init`.

    Another scheme is a token that nobody has: whoever meant to sign in learns that it did not work.
    """
    if authorization is None:
        return None
    words = str(authorization).strip()
    scheme, _, token = words.partition(" ")
    return (token.strip() if scheme.lower() == "bearer" else words) or None


class Door:
    """Makes the context of whoever comes. Pages of `allowed_origins` count as our own.

    `is_local`: this is somebody's own machine, without TLS, where front ends come from other ports.
    """

    def __init__(self, means: Means, live: Live, *, is_local: bool, allowed_origins: Collection[str] = ()) -> None:
        self._means = means
        self._live = live
        self._is_local = is_local
        self._allowed = frozenset(filter(None, map(normalize_origin, allowed_origins)))
        # The prefix makes browsers refuse the cookie from anywhere but this host, over TLS.
        self._cookie = "plenary" if is_local else "__Host-plenary"

    def context(self, connection: HTTPConnection) -> Context:
        """Somebody at this address, who has not said yet who they are but may have brought a token."""
        context = Context(
            means=self._means, live=self._live, address=connection.client.host if connection.client else ""
        )
        if connection.scope["type"] == "http":
            context.trace = tracing.current()
        else:
            context.transport = Transport.WEBSOCKET
        context.token = bearer(connection.headers.get("authorization")) or self.cookie_of(connection)
        return context

    def is_ours(self, connection: HTTPConnection) -> bool:
        """Whether a browser says that one of our own pages asks. No page can say so for another."""
        if connection.headers.get("sec-fetch-site") == "same-origin":
            return True
        origin = connection.headers.get("origin")
        return origin is not None and (
            is_same_origin(origin, connection.headers.get("host")) or normalize_origin(origin) in self._allowed
        )

    def admits(self, connection: HTTPConnection) -> bool:
        """Whether a page may open a socket. It says who it is itself, so one that is not ours brings no cookie."""
        origin = connection.headers.get("origin") or ""
        return self.is_ours(connection) or (self._is_local and LOCAL.fullmatch(origin) is not None)

    def cookie_of(self, connection: HTTPConnection) -> str | None:
        """The cookie counts only without a token, and from our own pages: browsers send it from any."""
        if bearer(connection.headers.get("authorization")) or not self.is_ours(connection):
            return None
        return connection.cookies.get(self._cookie)

    def lend_cookie(self, context: Context, connection: HTTPConnection, response: Response) -> None:
        """Let operations give and take the cookie with this response."""
        context.set_cookie = self._cookie_setter(response)
        if self.cookie_of(connection):
            context.take_cookie = lambda: self.take_cookie(response)

    def _cookie_setter(self, response: Response) -> Callable[[str], None]:
        def set_cookie(token: str) -> None:
            lifetime = int(accounts.LIFETIME.total_seconds())
            response.set_cookie(
                self._cookie,
                token,
                max_age=lifetime,
                path="/",
                secure=not self._is_local,
                httponly=True,
                samesite="strict",
            )

        return set_cookie

    def take_cookie(self, response: Any) -> None:
        response.delete_cookie(self._cookie, path="/", secure=not self._is_local, httponly=True, samesite="strict")
