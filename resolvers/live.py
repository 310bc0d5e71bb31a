"""What a feed is: rows under a rule, the same ones that its query shows, and who may follow it."""

import hashlib
import struct
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from models import NOBODY, Change, Kind, Row
from realtime.delivery import Delivery
from realtime.feed import Feed
from realtime.operation import Event, Mark, Outcome, Ref
from realtime.topics import Topic
from resolvers import policy
from resolvers.cipher import from_text, to_text
from resolvers.context import Context, Means
from resolvers.policy import Audience, Condition, Rule
from resolvers.session import Reader

PURPOSE = "feed"
CURSOR = struct.Struct(">16sqq8s")  # epoch, position, counters, feed and filter: always as long


@dataclass(frozen=True, eq=False)
class Source:
    """One kind of row that a feed shows: those that `rule` allows, of them those that `where` keeps.

    `counters` is the rule for its hot numbers, where not everybody who sees the row may see them move.
    """

    rule: Rule[Any]
    where: Callable[[Any], Sequence[Condition]]
    counters: Rule[Any] | None = None

    @cached_property
    def among(self) -> Any:
        """Which of the rows bound in `ids` the feed shows. As the audiences, built once: building is dear."""
        return self.rule.among.where(*self.where(self.rule.row))

    @cached_property
    def now(self) -> Audience:
        return self.rule.now.kept(self.where)

    @cached_property
    def before(self) -> Audience:
        return self.rule.before.kept(self.where)


Topics = Callable[[Reader], Awaitable[frozenset[Topic]]]


def fixed(*topics: Topic) -> Topics:
    async def same_for_all(_db: Reader) -> frozenset[Topic]:
        return frozenset(topics)

    return same_for_all


@dataclass(frozen=True)
class Subject:
    """What is followed. Two are equal when name and arguments are: then a change asks the same question for both.

    `rule` lets one follow it, `row` is what it is about, as it was when the viewer came. `rights` are the topics on
    which the viewer's access may change, `topics` those on which the subject itself does.
    """

    name: str
    arguments: tuple[Any, ...]
    rule: Rule[Any] = field(compare=False)
    row: Row = field(compare=False)
    sources: tuple[Source, ...] = field(compare=False)
    topics: Topics = field(compare=False)
    rights: frozenset[Topic] = field(compare=False)

    @property
    def scope(self) -> tuple[Rule[Any], UUID]:
        return self.rule, self.row.id

    def source(self, noun: str) -> Source | None:
        row = policy.row_of(noun)
        return next((source for source in self.sources if source.rule.row is row), None)

    @property
    def digest(self) -> bytes:
        """Tells one feed and filter from another, in a cursor."""
        return hashlib.sha256(repr((self.name, self.arguments)).encode()).digest()[:8]


class Live:
    """All live feeds of this process: their cursors, their audiences, and what they are told."""

    def __init__(self, means: Means, feed: Feed, **timing: float) -> None:
        self._means = means
        self._feed = feed
        self._epoch = NOBODY
        self.delivery = Delivery(feed, self.audience, **timing)

    async def start(self) -> None:
        self._epoch = (await self._feed.head()).epoch
        await self.delivery.start()

    def here(self) -> Mark:
        """Where a feed continues a snapshot. Taken before the snapshot's rows are read: then nothing is missed."""
        return Mark(self.delivery.settled, self.delivery.settled)

    def seal(self, subject: Subject, mark: Mark) -> str:
        content = CURSOR.pack(self._epoch.bytes, *mark, subject.digest)
        return to_text(self._means.cipher.seal(PURPOSE, content))

    async def _open(self, subject: Subject, cursor: str) -> Mark | None:
        """The mark, unless it is of another log, another feed, or older than what is kept."""
        try:
            content = self._means.cipher.open(PURPOSE, from_text(cursor))
        except ValueError:
            return None
        epoch, position, counters, digest = CURSOR.unpack(content)
        head = await self._feed.head()
        is_known = epoch == head.epoch.bytes and digest == subject.digest
        return Mark(position, counters) if is_known and min(position, counters) >= head.trimmed else None

    async def follow(self, ctx: Context, subject: Subject, after: str | None) -> AsyncGenerator[Event]:
        """Events in order. Raises at once if the viewer may not follow."""

        async def admit() -> frozenset[Topic]:
            async with ctx.reading() as db:
                await db.get(*subject.scope)
                return await subject.topics(db)

        mark = None if after is None else await self._open(subject, after)
        if after is not None and mark is None:
            await admit()
            yield Event(Outcome.RESYNC, Mark(0, 0), reason="CURSOR_STALE")
            return
        events = self.delivery.follow(subject, ctx.viewer, topics=subject.rights, admit=admit, after=mark)
        async with aclosing(events):
            async for event in events:
                yield event

    async def rows(self, ctx: Context, subject: Subject, refs: Sequence[Ref]) -> Sequence[Row]:
        """Those of the rows that the feed shows this viewer now."""
        wanted: defaultdict[Source, list[UUID]] = defaultdict(list)
        for ref in refs:
            if source := subject.source(ref.noun):
                wanted[source].append(ref.row_id)
        async with ctx.reading() as db:
            return [row for source, ids in wanted.items() for row in await db.all(source.among, ids=ids)]

    async def audience(self, subject: Subject, change: Change, viewers: Collection[UUID]) -> Mapping[UUID, Outcome]:
        """What the change means to each of these viewers, by their rights now and by what the row was before."""
        means = self._means
        async with means.database.read() as session:
            db = Reader(session, NOBODY, means.clock.now(), means.database.dialect)
            if change.kind is Kind.RIGHTS:
                return await _rights(db, subject, viewers)
            source = subject.source(change.noun)
            return await _sight(db, subject, source, change, viewers) if source else {}


async def _rights(db: Reader, subject: Subject, viewers: Collection[UUID]) -> Mapping[UUID, Outcome]:
    rule, row_id = subject.scope
    admitted = await db.audience(rule.now, row_id, viewers)
    return {viewer: Outcome.RESYNC if viewer in admitted else Outcome.REVOKED for viewer in viewers}


async def _sight(
    db: Reader, subject: Subject, source: Source, change: Change, viewers: Collection[UUID]
) -> Mapping[UUID, Outcome]:
    see_now = await db.audience(source.now, change.row_id, viewers)
    if change.kind is Kind.COUNTERS:
        may_count = await db.audience(source.counters.now, change.row_id, see_now) if source.counters else see_now
        return dict.fromkeys(may_count, Outcome.COUNTERS)
    saw: set[UUID] = set()
    if change.before is not None:
        facts = {f"before_{name}": value for name, value in change.before.items()}
        saw = await db.audience(source.before, change.row_id, viewers, **facts)
    saw = (saw | set(map(UUID, change.lost))) - set(map(UUID, change.gained))
    touched = (see_now | saw) & set(viewers) & await _witnesses(db, change, viewers)
    ended = Outcome.REVOKED if change.row_id == subject.scope[1] else Outcome.REMOVED
    return {
        viewer: ended if viewer not in see_now else Outcome.CHANGED if viewer in saw else Outcome.ADDED
        for viewer in touched
    }


async def _witnesses(db: Reader, change: Change, viewers: Collection[UUID]) -> set[UUID]:
    """Those who may see the companion without which the change means nothing."""
    if not change.seen_with:
        return set(viewers)
    row = policy.row_of(change.seen_with["noun"])
    return await db.audience(policy.see(row).now, UUID(change.seen_with["id"]), viewers) if row else set()
