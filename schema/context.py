"""What every field is given: the operation's context, the live feeds, and loaders that never remember."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NoReturn, Self, TypeVar
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from models import Row
from models.database import work
from realtime import topics
from resolvers import accounts
from resolvers.context import Context as DomainContext
from resolvers.errors import Limited
from resolvers.live import Live
from resolvers.paging import Listing, Page, Slice
from resolvers.policy import Rule
from resolvers.policy.rules import UNSEEN, Seen
from resolvers.session import Reader
from schema.tracing import Trace

log = logging.getLogger("plenary.sign_ins")

RETRY = 1.0

R = TypeVar("R", bound=Row)
T = TypeVar("T")
Load = Callable[[Collection[UUID]], Awaitable[dict[UUID, Any]]]
Read = Callable[[Reader, Collection[UUID]], Awaitable[dict[UUID, Any]]]


class Transport(StrEnum):
    """How an operation has come, and how its results go."""

    HTTP = "http"
    SSE = "sse"
    WEBSOCKET = "websocket"


@dataclass(kw_only=True)
class Context(DomainContext):
    """One per operation. A loader joins what is asked at once, and keeps nothing: an operation may last."""

    live: Live
    transport: Transport = Transport.HTTP
    trace: Trace | None = None  # of a request, which has one operation; those of a socket have one each
    token: str | None = field(default=None, repr=False)
    resume: str | None = None  # the cursor that a lost stream comes back with; it goes before `after`
    set_cookie: Callable[[str], None] | None = field(default=None, repr=False)
    take_cookie: Callable[[], None] = field(default=lambda: None, repr=False)
    _good_at: int | None = None  # how many changes of rights had been heard when the token was last found good
    _loaders: dict[Hashable, DataLoader[UUID, Any]] = field(default_factory=dict, repr=False)

    def copy(self) -> Self:
        """The same viewer, for one more operation of theirs."""
        return replace(self, _loaders={})

    async def sign_in_with(self, token: str | None, *, again: bool = False) -> None:
        """Become whoever the token speaks for; without one, nobody. Raises BadToken or ExpiredToken."""
        self.token = token
        if token is not None:
            began, rights = time.monotonic(), self.live.rights_heard
            known = await accounts.of_token(self, token, again=again)
            self._good_at = rights if known.asked_at >= began else None
            self.viewer, self.token_kind, self.sign_in = known.principal_id, known.kind, known.sign_in

    async def signed_out(self) -> NoReturn:
        """Wait until the token is good no longer, and raise what is wrong with it. Without a token, for ever."""
        heard = {topics.person(self.viewer)} | ({topics.sign_in(self.sign_in.id)} if self.sign_in else set())
        with self.live.delivery.listen(heard if self.token else ()) as bell:
            while True:
                bell.clear()
                if self._good_at != self.live.rights_heard:  # what was told before we listened was not for us to hear
                    await self._look_again()
                self._good_at = None
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._remaining()):
                        await bell.wait()

    async def _look_again(self) -> None:
        """Whether the token is good, however often that has to be asked."""
        while True:
            try:
                return await self.sign_in_with(self.token, again=True)
            except accounts.BadToken:
                raise
            except Exception:
                log.exception("could not look a sign-in up; trying again")
                await asyncio.sleep(RETRY)

    def _remaining(self) -> float | None:
        return (self.sign_in.expires_at - self.means.clock.now()).total_seconds() if self.sign_in else None

    async def row(self, rule: Rule[Any], row_id: UUID) -> Row | None:
        """The row, if the rule allows the viewer."""
        found: Row | None = (await self.seen(rule, row_id)).row
        return found

    async def seen(self, rule: Rule[Any], row_id: UUID) -> Seen:
        """As `row`, and whether the rule allows it to whoever stands where the viewer does."""
        return await self._loader(("row", rule), lambda ids: self._rows(rule, ids)).load(row_id) or UNSEEN

    async def allows(self, rule: Rule[Any], row_id: UUID) -> bool:
        """Whether there is such a row, and the rule allows it to the viewer."""
        return await self._loader(("may", rule), lambda ids: self._those(rule, ids)).load(row_id)

    async def page(self, listing: Listing[Any], parent: UUID, page: Page) -> Slice[Any]:
        """The page of the parent's list; for all parents of one level in one statement."""
        return await self._loader(("page", listing, page), lambda ids: self._pages(listing, ids, page)).load(parent)

    async def of_row(self, read: Read, row_id: UUID) -> Any:
        """What `read` knows of rows that were fetched under a rule; for all of one level at once."""

        async def load(ids: Collection[UUID]) -> dict[UUID, Any]:
            async with self.reading() as db:
                return await read(db, ids)

        return await self._loader(read, load).load(row_id)

    async def witnessed(self, read: Read, row_id: UUID) -> tuple[Any, bool]:
        """As `of_row`, and whether it mattered who the viewer is."""

        async def load(ids: Collection[UUID]) -> dict[UUID, Any]:
            async with self.reading() as db:
                witness = db.witness()
                found = await read(witness, ids)
                return {id: (found.get(id), witness.has_mattered) for id in ids}

        found: tuple[Any, bool] = await self._loader(("witnessed", read), load).load(row_id)
        return found

    async def get(self, rule: Rule[R], row_id: UUID) -> R:
        """The row; NotFound or Forbidden if the rule does not allow."""
        async with self.reading() as db:
            return await db.get(rule, row_id)

    def _loader(self, key: Hashable, load: Load) -> DataLoader[UUID, Any]:
        async def load_all(ids: list[UUID]) -> Sequence[Any]:
            self._loaders.pop(key, None)
            found = await _in_time(load(set(ids)))
            return [found.get(id) for id in ids]

        return self._loaders.setdefault(key, DataLoader(load_fn=load_all, cache=False))

    async def _rows(self, rule: Rule[Any], ids: Collection[UUID]) -> dict[UUID, Any]:
        async with self.reading() as db:
            return {seen.row.id: seen for seen in await db.seen(rule, ids)}

    async def _those(self, rule: Rule[Any], ids: Collection[UUID]) -> dict[UUID, Any]:
        async with self.reading() as db:
            allowed = await db.those(rule, ids)
            return {id: id in allowed for id in ids}

    async def _pages(self, listing: Listing[Any], parents: Collection[UUID], page: Page) -> dict[UUID, Any]:
        async with self.reading() as db:
            return await listing.of(db, parents, page)


async def _in_time(loading: Awaitable[T]) -> T:
    """Loaders have tasks of their own, which do not end with the operation that began them."""
    doing = work.get()
    try:
        async with asyncio.timeout_at(doing.deadline if doing else None):
            return await loading
    except TimeoutError:
        raise Limited("This took too long.") from None


Info = strawberry.Info[Context, None]
