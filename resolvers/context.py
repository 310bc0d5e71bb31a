"""Who asks, and with what at hand: the first argument of every operation."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from cachetools import TLRUCache
from sqlalchemy.exc import DBAPIError, IntegrityError

from models import NOBODY, Database, SignIn
from resolvers import idempotency
from resolvers.cipher import Cipher
from resolvers.clock import Clock
from resolvers.errors import Conflict, Limited, Unauthenticated
from resolvers.gathering import Gathering
from resolvers.limits import Limiter
from resolvers.passwords import Passwords
from resolvers.session import Reader, Transaction
from resolvers.stationery import Letterhead

# Seconds for which an answer to whose a token is counts. What ends a sign-in in this process is known here at once.
REMEMBERED = 0.9
MOST_REMEMBERED = 10_000

DEADLOCKS = {"40001", "40P01"}  # PostgreSQL: serialization_failure, deadlock_detected
CANCELLED = "57014"  # PostgreSQL: query_canceled
INTERRUPTED = "interrupted"  # SQLite


class ViewerKind(StrEnum):
    """What a viewer is, as far as their token tells: what they may see is never asked of it."""

    ANONYMOUS = "anonymous"
    GUEST = "guest"  # without an account: a visitor's device, or an attendee
    MEMBER = "member"
    INTEGRATION = "integration"  # a key of a display


class Known(NamedTuple):
    """Whom a token spoke for when that was asked, by the clock that only goes on."""

    principal_id: UUID
    kind: ViewerKind
    sign_in: SignIn | None = None
    asked_at: float = 0.0


def _sign_ins() -> TLRUCache[bytes, Known]:
    return TLRUCache(MOST_REMEMBERED, ttu=lambda _, known, __: known.asked_at + REMEMBERED, timer=time.monotonic)


@dataclass(frozen=True)
class Means:
    """What every operation needs, made once per process."""

    database: Database
    clock: Clock
    cipher: Cipher
    limiter: Limiter
    passwords: Passwords
    join_url: str = ""  # where a join code leads; the code is put behind it
    letterhead: Letterhead = field(default_factory=Letterhead)
    sign_ins: TLRUCache[bytes, Known] = field(default_factory=_sign_ins, repr=False)
    _gatherings: dict[Any, Gathering[Any, Any]] = field(default_factory=dict, repr=False)

    def gathering(self, load: Callable[["Context", Sequence[Any]], Awaitable[Mapping[Any, Any]]]) -> Any:
        """All who ask for what this loads. It loads for nobody in particular."""
        return self._gatherings.setdefault(load, Gathering(partial(load, Context(self))))


@dataclass
class Context:
    """`viewer` is a principal, never a snapshot of rights: rights are asked of the rows, each time."""

    means: Means
    viewer: UUID = NOBODY
    sign_in: SignIn | None = field(default=None, repr=False)
    address: str = ""
    token_kind: ViewerKind | None = None  # who signed in by a token; None for nobody, and where no token was asked for

    @property
    def kind(self) -> ViewerKind:
        return self.token_kind or (ViewerKind.ANONYMOUS if self.viewer == NOBODY else ViewerKind.MEMBER)

    @property
    def is_person(self) -> bool:
        """Somebody signed in, with an account or as an attendee: no device and no display."""
        return self.sign_in is not None or self.kind is ViewerKind.MEMBER

    def somebody(self) -> UUID:
        """The viewer, who must be signed in."""
        if self.viewer == NOBODY:
            raise Unauthenticated("Sign in first.")
        return self.viewer

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        database = self.means.database
        try:
            async with database.read() as session:
                yield Reader(session, self.viewer, self.means.clock.now(), database.dialect)
        except DBAPIError as error:
            _check_time(error)
            raise

    async def repeat(self) -> None:
        """Raise `Repeated` if this very request was done before."""
        async with self.reading() as db:
            await idempotency.repeat(db, self.means.cipher)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One operation, one transaction. A unique key that speaks up is a Conflict."""
        database, cipher = self.means.database, self.means.cipher
        try:
            with ExitStack() as afterwards:
                async with database.write() as session:
                    tx = Transaction(session, self.viewer, self.means.clock.now(), database.dialect)
                    claimed = await idempotency.claim(tx, cipher)
                    yield tx
                    if claimed:
                        await idempotency.keep(tx, cipher, claimed)
                    await tx.log()
                    if tx.has_changed_rights:
                        afterwards.callback(self.means.sign_ins.clear)  # also if the commit is cancelled, and ends well
        except IntegrityError as error:
            raise Conflict("Somebody else was first.") from error
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in DEADLOCKS:
                raise Conflict("Somebody else was at the same thing. Try again.") from error
            _check_time(error)
            raise


def _check_time(error: DBAPIError) -> None:
    """Raise Limited if the statement took too long."""
    if getattr(error.orig, "sqlstate", None) == CANCELLED or str(error.orig) == INTERRUPTED:
        raise Limited("This took too long.") from error
