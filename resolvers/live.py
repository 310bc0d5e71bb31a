"""What a feed is: rows under a rule, the same ones that its query shows, and who may follow it."""

import hashlib
import struct
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Any, cast
from uuid import UUID
from weakref import WeakValueDictionary

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import class_mapper

from models import NOBODY, Change, Kind, Row
from realtime.delivery import Admit, Delivery
from realtime.feed import Feed
from realtime.operation import Mark, Operation, Outcome, Party, Ref, Sink
from realtime.teller import STALE, Render
from realtime.topics import Topic
from resolvers import policy, standings
from resolvers.cipher import from_text, to_text
from resolvers.context import Context, Means
from resolvers.policy import Audience, Condition, Rule
from resolvers.policy.rules import Seen
from resolvers.session import Reader, facts
from resolvers.standings import Standing, Standings

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
    def surely(self) -> Any:
        return self.rule.surely.where(*self.where(self.rule.row))

    @cached_property
    def now(self) -> Audience:
        return self.rule.now.kept(self.where)

    @cached_property
    def before(self) -> Audience:
        return self.rule.before.kept(self.where)


Topics = Callable[[Reader], Awaitable[frozenset[Topic]]]
Answer = tuple[Collection[Party], Collection[Party]]


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

    def __init__(self, means: Means, feed: Feed, render: Render, **timing: float) -> None:
        self._means = means
        self._feed = feed
        self._epoch = NOBODY
        self.rights_heard = 0  # how many changes of anybody's rights
        self._standings = Standings()
        self._subjects: WeakValueDictionary[Subject, Subject] = WeakValueDictionary()
        self.delivery = Delivery(feed, self, render, **timing)

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
        head = await self._feed.recent_head()
        is_known = epoch == head.epoch.bytes and digest == subject.digest
        return Mark(position, counters) if is_known and min(position, counters) >= head.trimmed else None

    async def follow(self, ctx: Context, subject: Subject, after: str | None, *, sink: Sink, shape: Any) -> None:
        """Events in order, to the sink, until the feed ends. Raises at once if the viewer may not follow."""
        here = Mark(self.delivery.position, self.delivery.position)
        mark = here if after is None else await self._open(subject, after)
        # Whoever follows the same shares one subject, and with it its statements: building them is dear.
        shared = self._subjects.setdefault(subject, subject)
        operation = Operation(shared, ctx.viewer, sink, mark or here, shape, subject.rights)
        admit = partial(self._admit, ctx, subject)
        following = self._look_anew(operation, admit) if mark is None else self.delivery.follow(operation, admit=admit)
        del ctx, subject, admit  # it may last, and then holds what is shared alone
        await following

    async def _admit(self, ctx: Context, subject: Subject) -> frozenset[Topic]:
        async with ctx.reading() as db:
            await db.get(*subject.scope)
            return await subject.topics(db)

    async def _look_anew(self, operation: Operation, admit: Admit) -> None:
        await admit()
        await self.delivery.say(operation, STALE)

    async def rows(self, ctx: Context, subject: Subject, refs: Sequence[Ref]) -> Mapping[Ref, Seen]:
        """Those of the rows that the feed shows this viewer now."""
        return await self._those(ctx, refs, lambda ref: (source := subject.source(ref.noun)) and source.surely)

    async def counted(self, ctx: Context, subject: Subject, refs: Sequence[Ref]) -> Mapping[Ref, Seen]:
        """Those of the rows whose numbers this viewer may see move, where not everybody who sees the row may."""

        def surely(ref: Ref) -> Any:
            source = subject.source(ref.noun)
            return source.counters.surely if source and source.counters else None

        return await self._those(ctx, refs, surely)

    async def _those(self, ctx: Context, refs: Sequence[Ref], surely: Callable[[Ref], Any]) -> Mapping[Ref, Seen]:
        wanted: dict[int, tuple[Any, list[UUID]]] = {}
        for ref in refs:
            if (statement := surely(ref)) is not None:
                wanted.setdefault(id(statement), (statement, []))[1].append(ref.row_id)
        if not wanted:
            return {}
        async with ctx.reading() as db:
            found = [one for statement, ids in wanted.values() for one in await db.execute(statement, {"ids": ids})]
        return {Ref(row.noun, row.id): Seen(row, bool(is_sure)) for row, is_sure in found}

    # --- the audience ------------------------------------------------------------------------------------------------

    def hear(self, change: Change) -> None:
        self.rights_heard += change.kind is Kind.RIGHTS
        self._standings.hear(change)

    def forget_all(self) -> None:
        self.rights_heard += 1
        self._standings.forget_all()

    async def is_behind(self, position: int) -> bool:
        async with self._reading() as db:
            return await standings.is_behind(db, position)

    async def parties(self, subject: Subject, operations: Collection[Operation], *, alike: bool) -> Sequence[Party]:
        if not alike:
            return _strangers(operations)
        async with self._reading() as db:
            return await self._standings.parties(db, *subject.scope, operations)

    async def ask(self, audience: Audience, row_id: UUID, parties: Collection[Party]) -> Answer:
        """The parties whom the rule allows now and the others, divided where they do not agree."""
        async with self._reading() as db:
            return await self._standings.ask(db, audience, row_id, parties)

    def divided(self, row_id: UUID, parties: Collection[Party], standing: Standing | None) -> Answer:
        """Those who are known to stand at the row as one who stands so, and the others."""
        return self._standings.divided(row_id, parties, standing)

    async def are_still(self, rows: Iterable[Row]) -> bool:
        """Whether what decides who may see the rows is as it was when they were read."""
        read = {row.id: row for row in rows if row.deciding}
        async with self._reading() as db:
            for kind in {type(row) for row in read.values()}:
                ids = [row.id for row in read.values() if type(row) is kind]
                now = await db.raw(_deciding(cast("Hashable", kind)), {"ids": ids})
                if any(dict(zip(kind.deciding, row[1:], strict=True)) != facts(read[row[0]]) for row in now):
                    return False
        return True

    async def outcomes(
        self, subject: Subject, change: Change, operations: Collection[Operation], *, alike: bool
    ) -> Collection[tuple[Outcome, Party]]:
        """What the change means to each, by their rights now and by what the row was before."""
        async with self._reading() as db:
            if change.kind is Kind.RIGHTS:
                return await self._rights(db, subject, operations)
            source = subject.source(change.noun)
            if source is None:
                return ()
            parties: Collection[Party] = (
                await self._standings.parties(db, source.rule, change.row_id, operations)
                if alike
                else _strangers(operations)
            )
            is_subject = change.row_id == subject.scope[1]
            return await self._sight(
                db, source, change, parties, gone=Outcome.REVOKED if is_subject else Outcome.REMOVED
            )

    def _reading(self) -> AbstractAsyncContextManager[Reader]:
        return Context(self._means).reading()

    async def _rights(
        self, db: Reader, subject: Subject, operations: Collection[Operation]
    ) -> Collection[tuple[Outcome, Party]]:
        rule, row_id = subject.scope
        admitted, others = await self._standings.ask(db, rule.now, row_id, _strangers(operations))
        return [*((Outcome.RESYNC, party) for party in admitted), *((Outcome.REVOKED, party) for party in others)]

    async def _sight(
        self, db: Reader, source: Source, change: Change, parties: Collection[Party], *, gone: Outcome
    ) -> Collection[tuple[Outcome, Party]]:
        # Nobody saw it, and who sees it now is asked when it is rendered; but that is for each shape.
        if change.is_new and len({party.operations[0].shape.key for party in parties}) == 1:
            return [(Outcome.ADDED, party) for party in parties]
        see, others = await self._standings.ask(
            db, source.now, change.row_id, await self._witnesses(db, change, parties)
        )
        saw_too, new = await self._saw(db, source, change, see)
        saw, _ = await self._saw(db, source, change, others)
        told = {Outcome.CHANGED: saw_too, Outcome.ADDED: new, gone: saw}
        return [(outcome, party) for outcome, some in told.items() for party in some]

    async def _saw(self, db: Reader, source: Source, change: Change, parties: Collection[Party]) -> Answer:
        """Who could see the row before, and who could not."""
        saw: Collection[Party] = []
        others = parties
        if change.before is not None and parties:
            before = {f"before_{name}": value for name, value in change.before.items()}
            saw, others = await self._standings.ask(db, source.before, change.row_id, parties, **before)
        lost, others = _divided(others, change.lost)
        gained, saw = _divided(saw, change.gained)
        return [*saw, *lost], [*others, *gained]

    async def _witnesses(self, db: Reader, change: Change, parties: Collection[Party]) -> Collection[Party]:
        """Those who may see the companion without which the change means nothing."""
        if not change.seen_with:
            return parties
        row = policy.row_of(change.seen_with["noun"])
        if row is None:
            return ()
        return (await self._standings.ask(db, policy.see(row).now, UUID(change.seen_with["id"]), parties))[0]


@cache
def _deciding(kind: Any) -> Select[Any]:
    columns = class_mapper(kind).columns
    decide = [columns[name] for name in kind.deciding]
    return select(columns.id, *decide).where(columns.id.in_(bindparam("ids", expanding=True)))


def _strangers(operations: Iterable[Operation]) -> Sequence[Party]:
    """Of whom nothing is known."""
    return standings.together((operation, None) for operation in operations)


def _divided(parties: Collection[Party], viewers: Collection[str]) -> Answer:
    if not viewers:
        return [], list(parties)
    named = set(map(UUID, viewers))
    parts = [party.divided(named) for party in parties]
    return [party for among, _ in parts for party in among], [party for _, others in parts for party in others]
