"""A mail server in the test: it speaks SMTP on a port of its own, and refuses what a test wants it to."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

TAKEN = "250 taken"
USER, PASSWORD = b"plenary", b"s3same of the mail"


class MailServer:
    """`refusals` are answers to recipients by address; `answers` those to what comes, one by one, then it is taken."""

    def __init__(self) -> None:
        self.port = 0
        self.raw: list[bytes] = []
        self.recipients: list[str] = []
        self.logins: list[LoginPassword] = []
        self.refusals: dict[str, str] = {}
        self.answers: deque[str] = deque()
        self.taking: Callable[[], None] = lambda: None
        self._server: asyncio.Server | None = None

    @property
    def letters(self) -> list[EmailMessage]:
        return [message_from_bytes(one, policy=policy.default) for one in self.raw]

    async def start(self, *, tls: ssl.SSLContext | None = None, starts: bool = False, asks: bool = False) -> None:
        """`starts`: it takes nothing before STARTTLS; else `tls` is there from the first byte. `asks` who it is."""
        options: dict[str, Any] = {"hostname": "mail.test", "enable_SMTPUTF8": True}
        if starts:
            options |= {"tls_context": tls, "require_starttls": True}
        if asks:
            options |= {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": starts}
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, loop=loop, **options), "127.0.0.1", self.port, ssl=None if starts else tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Gone, until it starts again on the same port."""
        if self._server:
            self._server.close()
            self._server = None

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, said: Any) -> AuthResult:
        self.logins.append(said)
        return AuthResult(success=said == LoginPassword(USER, PASSWORD), handled=said == LoginPassword(USER, PASSWORD))

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.answers.popleft() if self.answers else TAKEN
        if answer == "vanish":
            server.transport.abort()
            return TAKEN
        if answer == TAKEN:
            self.raw.append(envelope.original_content)
            self.recipients += envelope.rcpt_tos
            self.taking()
        return answer


@asynccontextmanager
async def mail_server(**options: Any) -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start(**options)
    yield server
    await server.stop()
