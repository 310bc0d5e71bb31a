"""Standings: viewers who stand alike in a place may do the same there, so that one of them is asked for all.

A place is a network, with a community and a board in it. Who exactly a viewer is counts only in what a rule marks as
personal; where that could matter, viewers are asked one by one.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, cast
from uuid import UUID
from weakref import WeakValueDictionary

from cachetools import LRUCache
from sqlalchemy import Select, Uuid, bindparam, exists, func, literal, or_, select
from sqlalchemy.orm import class_mapper
from sqlmodel import col

from models import (
    NOBODY,
    Change,
    Community,
    Head,
    Kind,
    KioskKey,
    Member,
    Membership,
    Network,
    QuestionBoard,
    Row,
    Visit,
)
from realtime import topics
from realtime.operation import Operation, Party
from realtime.topics import Topic
from resolvers.policy import Audience, Rule
from resolvers.policy.rules import listed
from resolvers.session import Reader

PLACES, ROWS = 1_000, 10_000  # that are remembered


class Place(NamedTuple):
    network_id: UUID
    community_id: UUID
    board_id: UUID

    def has(self, other: "Place") -> bool:
        """Whether the other is this place, or one around it."""
        return self is other or all(theirs in {own, NOBODY} for own, theirs in zip(self, other, strict=True))


NOWHERE = Place(NOBODY, NOBODY, NOBODY)
ITSELF: dict[type[Row], str] = {Network: "network_id", Community: "community_id", QuestionBoard: "board_id"}

Facts = frozenset[tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class Standing:
    """One for all who stand alike."""

    place: Place
    facts: Facts


class Standings:
    """Remembers where viewers stand, until a change of their rights is heard of."""

    def __init__(self) -> None:
        self._places: LRUCache[UUID, Place] = LRUCache(ROWS)
        self._same: LRUCache[Place, Place] = LRUCache(ROWS)  # one for all rows in it
        self._known: LRUCache[Place, dict[UUID, Standing]] = LRUCache(PLACES)
        self._standings: WeakValueDictionary[tuple[Place, Facts], Standing] = WeakValueDictionary()
        self._forgotten = 0  # how often something was: what is read meanwhile may be of before
        self._heard = 0  # how often rights have changed

    def hear(self, change: Change) -> None:
        """Forget those whose rights have changed; where it does not say whose they are, everybody."""
        if change.kind is Kind.RIGHTS:
            self._heard += 1
            persons = {topics.person_of(Topic(topic)) for topic in change.topics}
            if None in persons:
                self.forget_all()
            self.forget(*filter(None, persons))

    def forget_all(self) -> None:
        self._heard += 1
        self._forgotten += 1
        self._known.clear()

    def forget(self, *viewers: UUID) -> None:
        self._forgotten += 1
        for known in self._known.values():
            for viewer in viewers:
                known.pop(viewer, None)

    async def parties(self, db: Reader, rule: Rule[Any], row_id: UUID, operations: Iterable[Operation]) -> list[Party]:
        """The operations, put together where they ask the same and their viewers stand alike at the row."""
        place, operations, heard = await self._place(db, rule, row_id), list(operations), self._heard
        if unsure := [one for one in operations if one.stood[0] != heard or one.stood[1].place is not place]:
            known = await self._stand(db, place, {operation.viewer for operation in unsure})
            for operation in unsure:
                operation.stood = heard, known[operation.viewer]
        return together((operation, operation.stood[1]) for operation in operations)

    async def ask(
        self, db: Reader, audience: Audience, row_id: UUID, parties: Iterable[Party], **facts: Any
    ) -> tuple[list[Party], list[Party]]:
        """The parties that the rule allows and those that it does not, divided where they do not agree."""
        sure, unsure = await self._alike(db, audience.rule, row_id, parties)
        asked = {party.viewer for party in sure}
        may = await db.audience(audience, row_id, asked, least=audience.is_personal, **facts) if asked else set()
        allowed = [party for party in sure if party.viewer in may]
        refused: list[Party] = []
        for party in sure:
            if party.viewer not in may:
                (unsure if audience.is_personal else refused).append(party)
        if unsure:
            viewers = {operation.viewer for party in unsure for operation in party.operations}
            may = await db.audience(audience, row_id, viewers, **facts)
            for party in unsure:
                yes, no = party.divided(may)
                allowed += yes
                refused += no
        return allowed, refused

    def divided(
        self, row_id: UUID, parties: Collection[Party], standing: Standing | None
    ) -> tuple[Collection[Party], Collection[Party]]:
        """Those who are known to stand at the row as one who stands so, and the others."""
        place = self._places.get(row_id)
        if standing is None or place is None or not standing.place.has(place):
            return [], parties
        return _parted(parties, lambda party: party.standing is standing)

    async def _alike(
        self, db: Reader, rule: Rule[Any], row_id: UUID, parties: Iterable[Party]
    ) -> tuple[list[Party], list[Party]]:
        """Those parties of which one may be asked for all, and the others."""
        if not rule.is_local:
            return [], list(parties)
        place = await self._place(db, rule, row_id)
        return _parted(parties, lambda party: party.standing is not None and party.standing.place.has(place))

    async def _place(self, db: Reader, rule: Rule[Any], row_id: UUID) -> Place:
        """Where the row is. What is not there yet is looked for again: nowhere, everybody would stand alike."""
        if place := self._places.get(row_id):
            return place
        found = (await db.raw(_placing(cast("Hashable", rule.row)), {"row_id": row_id})).first()
        if found is None:
            return NOWHERE
        place = Place._make(found)
        return self._places.setdefault(row_id, self._same.setdefault(place, place))

    async def _stand(self, db: Reader, place: Place, viewers: Collection[UUID]) -> Mapping[UUID, Standing]:
        known = self._known.setdefault(place, {})
        found = {viewer: known[viewer] for viewer in viewers if viewer in known}  # they may be forgotten meanwhile
        if new := [viewer for viewer in viewers if viewer not in found]:
            forgotten = self._forgotten
            facts = await _facts(db, place, new)
            read = {viewer: self._standing(place, facts[viewer]) for viewer in new}
            if forgotten == self._forgotten:
                known |= read
            found |= read
        return found

    def _standing(self, place: Place, facts: Collection[tuple[Any, ...]]) -> Standing:
        key = place, frozenset(facts)
        return self._standings.setdefault(key, Standing(*key))


@cache
def _placing(row: Any) -> Select[Any]:
    """Where a row is: what its columns say of that never changes."""
    columns = class_mapper(row).columns
    place = [columns.get("id" if ITSELF.get(row) == name else name, literal(NOBODY, Uuid())) for name in Place._fields]
    return select(*(func.coalesce(column, NOBODY) for column in place)).where(columns.id == bindparam("row_id"))


def _parted(parties: Iterable[Party], is_one: Callable[[Party], bool]) -> tuple[list[Party], list[Party]]:
    parts: tuple[list[Party], list[Party]] = [], []
    for party in parties:
        parts[not is_one(party)].append(party)
    return parts


def together(stand: Iterable[tuple[Operation, Standing | None]]) -> list[Party]:
    """Parties of operations that ask the same and stand alike."""
    found: defaultdict[Any, list[Operation]] = defaultdict(list)
    for operation, standing in stand:
        found[standing, operation.shape.key].append(operation)
    return [Party(operations, standing) for (standing, _), operations in found.items()]


async def _facts(db: Reader, place: Place, viewers: Collection[UUID]) -> Mapping[UUID, set[tuple[Any, ...]]]:
    """What the tables say of where each viewer stands: no more than this may a local rule look at."""
    found: defaultdict[UUID, set[tuple[Any, ...]]] = defaultdict(set)
    for name, statement in STATEMENTS[db.dialect].items():
        for row in await db.raw(statement, {"viewers": db.listed(viewers), **place._asdict()}):
            found[row[0]].add((name, *row[1:]))
    return found


def _statements(dialect: str) -> dict[str, Select[Any]]:
    """By table, every column of it that a rule looks at, but for who it is."""
    network, community, board = (bindparam(name, type_=Uuid()) for name in Place._fields)

    def of(person: Any, *facts: Any) -> Select[Any]:
        return select(person, *facts).where(col(person).in_(select(listed(dialect).c.value)))

    return {
        "member": of(Member.principal_id, Member.kind, Member.role, Member.state, Member.attendance).where(
            col(Member.network_id) == network
        ),
        "membership": of(Member.principal_id, Membership.state, Membership.roles, Member.state)
        .join(Membership, col(Membership.member_id) == col(Member.id))
        .where(col(Membership.community_id) == community),
        "visit": of(Visit.principal_id, col(Visit.ended_at).is_(None)).where(col(Visit.board_id) == board),
        "key": of(KioskKey.principal_id, col(KioskKey.revoked_at).is_(None)).where(col(KioskKey.board_id) == board),
    }


STATEMENTS = {dialect: _statements(dialect) for dialect in ("sqlite", "postgresql")}
IS_UNHEARD = exists().where(
    col(Change.kind) == Kind.RIGHTS, or_(col(Change.position).is_(None), col(Change.position) > bindparam("told"))
)
# What was trimmed before it was heard may have been anything.
UNHEARD = select(col(Head.id)).where(or_(IS_UNHEARD, col(Head.trimmed) > bindparam("told")))


async def is_behind(db: Reader, told: int) -> bool:
    """Whether rights have changed of which has not been heard yet. `told`: how far into the log they were."""
    return (await db.raw(UNHEARD.limit(1), {"told": told})).first() is not None
