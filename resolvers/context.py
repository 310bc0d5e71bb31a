"""Who asks, and with what at hand: the first argument of every operation."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from cachetools import TLRUCache
from sqlalchemy.exc import DBAPIError, IntegrityError

from models import NOBODY, Database, SignIn
from resolvers import idempotency
from resolvers.cipher import Cipher
from resolvers.clock import Clock
from resolvers.errors import Conflict, Unauthenticated
from resolvers.limits import Limiter
from resolvers.passwords import Passwords
from resolvers.session import Reader, Transaction

# Seconds for which an answer to whose a token is counts. What ends a sign-in in this process is known here at once.
REMEMBERED = 0.9
MOST_REMEMBERED = 10_000

DEADLOCKS = {"40001", "40P01"}  # PostgreSQL: serialization_failure, deadlock_detected


class Known(NamedTuple):
    """Whom a token spoke for when that was asked, by the clock that only goes on."""

    principal_id: UUID
    sign_in: SignIn | None
    asked_at: float


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
    sign_ins: TLRUCache[bytes, Known] = field(default_factory=_sign_ins, repr=False)


@dataclass
class Context:
    """`viewer` is a principal, never a snapshot of rights: rights are asked of the rows, each time."""

    means: Means
    viewer: UUID = NOBODY
    sign_in: SignIn | None = field(default=None, repr=False)
    address: str = ""

    def somebody(self) -> UUID:
        """The viewer, who must be signed in."""
        if self.viewer == NOBODY:
            raise Unauthenticated("Sign in first.")
        return self.viewer

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        database = self.means.database
        async with database.read() as session:
            yield Reader(session, self.viewer, self.means.clock.now(), database.dialect)

    async def repeat(self) -> None:
        """Raise `Repeated` if this very request was done before."""
        async with self.reading() as db:
            await idempotency.repeat(db, self.means.cipher)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One operation, one transaction. A unique key that speaks up is a Conflict."""
        database, cipher = self.means.database, self.means.cipher
        try:
            async with database.write() as session:
                tx = Transaction(session, self.viewer, self.means.clock.now(), database.dialect)
                claimed = await idempotency.claim(tx, cipher)
                yield tx
                if claimed:
                    await idempotency.keep(tx, cipher, claimed)
            if tx.has_changed_rights:
                self.means.sign_ins.clear()
        except IntegrityError as error:
            raise Conflict("Somebody else was first.") from error
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in DEADLOCKS:
                raise Conflict("Somebody else was at the same thing. Try again.") from error
            raise
