"""SMTP: a mail server that takes letters, and what its refusals mean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from typing import Any, ClassVar, Self
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from models import LetterState

ANSWER = 20.0  # seconds that the server may take over one answer
LETTER = 120.0  # seconds that it may take over one letter: some read it first, and whoever hangs up sends it twice
CLOSING, GARBLED, FOR_GOOD = 421, -1, 500


class Unsent(Exception):
    """`reason` is a class of reasons: what a server says in words may hold an address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Later(Unsent):
    """The letter was not taken now."""


class Never(Unsent):
    """The letter will not be taken."""


class Away(Unsent):
    """The server is: that says nothing about any letter."""


class Safety(StrEnum):
    """How the line to the server is secured: from its first byte, before anything is said, or not at all."""

    TLS = "smtps"
    STARTTLS = "smtp"
    NONE = "smtp+plain"


PORTS = {Safety.TLS: 465, Safety.STARTTLS: 587, Safety.NONE: 25}


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    safety: Safety
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    settles: ClassVar = LetterState.SENT

    @classmethod
    def of(cls, url: str) -> Self:
        """ValueError for what names no server. A password goes nowhere where it could be overheard."""
        try:
            parts = urlsplit(url)
            safety, port = Safety(parts.scheme), parts.port
        except ValueError:
            raise ValueError("must be smtp://…, smtps://… or smtp+plain://…; its port, if any, is a number") from None
        if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("must be a host and a port, with user:password@ before them if the server asks for it")
        if safety is Safety.NONE and parts.username is not None:
            raise ValueError("must be smtp:// or smtps://: no password goes over a line that is not encrypted")
        username, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
        return cls(parts.hostname, port or PORTS[safety], safety, username, password)

    def __str__(self) -> str:
        return f"{self.safety}://{self.host}:{self.port}"

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Line"]:
        """Raises Away."""
        client = SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.safety is Safety.TLS,
            start_tls=self.safety is Safety.STARTTLS,
            timeout=ANSWER,
        )
        try:
            await _connect(client)
            client.timeout = LETTER
            yield Line(client)
            with suppress(SMTPException, OSError):
                await client.quit(timeout=ANSWER)
        finally:
            client.close()


async def _connect(client: SMTP) -> None:
    try:
        await client.connect()
    except (SMTPException, OSError, ValueError) as error:
        raise Away(_class(error)) from error


class Line:
    """A connection to the server."""

    def __init__(self, client: SMTP) -> None:
        self._client = client

    async def send(self, message: EmailMessage) -> None:
        """Raises Later, Never or Away."""
        try:
            async with asyncio.timeout(LETTER):
                await self._say(message)
        except SMTPRecipientsRefused as error:
            raise _meant("RECIPIENT", error.recipients[0]) from error
        except SMTPDataError as error:
            raise _meant("DATA", error) from error
        except (SMTPNotSupported, ValueError) as error:
            raise Never("ADDRESS") from error
        except (SMTPException, OSError) as error:  # of the sender, too: something is wrong with us, not with a letter
            raise Away(_class(error)) from error

    async def _say(self, message: EmailMessage) -> None:
        sender, recipient = (message[name].addresses[0].addr_spec for name in ("From", "To"))
        options = ["SMTPUTF8"] if message.policy.utf8 else []  # type: ignore[attr-defined] # an EmailPolicy has it
        await self._client.sendmail(sender, [recipient], message.as_bytes(), mail_options=options)


def _meant(stage: str, error: SMTPResponseException) -> Unsent:
    if error.code in {CLOSING, GARBLED}:  # after either, nobody knows what the next answer is to
        return Away(f"{stage} {error.code}")
    return (Never if error.code >= FOR_GOOD else Later)(f"{stage} {error.code}")


def _class(error: Any) -> str:
    """The kind of error: `SenderRefused 550`, `ConnectTimeoutError`."""
    name = type(error).__name__.removeprefix("SMTP")
    return f"{name} {error.code}"[:32] if isinstance(error, SMTPResponseException) else name[:32]
