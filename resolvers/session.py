"""Fetching is asking permission: rows come out of the database under a rule, or not at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, TypeVarTuple, overload
from uuid import UUID

from sqlalchemy import Executable, Result, Select, bindparam, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import class_mapper
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import SQLModel, col

from models import Change, Kind, Member, MemberState, Row
from models.database import CHANGES
from realtime.relay import number
from realtime.topics import Topic
from resolvers.errors import Forbidden, NotFound
from resolvers.policy.networks import is_here
from resolvers.policy.rules import LOCK, Audience, Rule, Seen, array_value

R = TypeVar("R", bound=Row)
Columns = TypeVarTuple("Columns")

BULK_MOST = 200


class Reader:
    """One viewer's eyes on the database, for as long as one session lives."""

    def __init__(self, session: AsyncSession, viewer: UUID, now: datetime, dialect: str) -> None:
        self._session = session
        self.dialect = dialect
        self.viewer = viewer
        self.now = now

    def witness(self) -> "Witness":
        return Witness(self._session, self.viewer, self.now, self.dialect)

    async def get(self, rule: Rule[R], row_id: UUID) -> R:
        """The row. NotFound if it is out of sight, Forbidden if the rule does not allow."""
        row, _ = await self._look_up(rule, row_id)
        return self.hold(row)

    async def _look_up(
        self, rule: Rule[R], row_id: UUID, also: Rule[R] | None = None, *, anew: bool = False
    ) -> tuple[R, bool]:
        statement = rule.look_up(self.dialect, also, anew=anew)
        found = (await self.execute(statement, {"row_id": row_id})).one_or_none()
        if found is None:
            raise NotFound
        row, is_allowed, is_also_allowed = found
        if not is_allowed:
            raise Forbidden(rule.name)
        return row, is_also_allowed

    def select(self, rule: Rule[R]) -> Select[R]:
        """All rows that the rule allows, to be narrowed by the caller."""
        return rule.selection

    async def all(self, statement: Select[R], **values: Any) -> Sequence[R]:
        return (await self.execute(statement, values)).scalars().all()

    async def seen(self, rule: Rule[Any], row_ids: Collection[UUID]) -> Sequence[Seen]:
        """Those of the rows that the rule allows."""
        found = await self.execute(rule.rows(self.dialect), {"ids": self.listed(row_ids)})
        return [Seen(row, bool(is_sure)) for row, is_sure in found]

    async def those(self, rule: Rule[Any], row_ids: Collection[UUID]) -> set[UUID]:
        """Those of the rows that the rule allows, by their ids alone."""
        asked = {"ids": self.listed(row_ids)}
        return set((await self.execute(rule.those(self.dialect), asked)).scalars())

    async def total(self, statement: Select[Any]) -> int:
        """How many rows the statement has."""
        counted = statement.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
        return int((await self.execute(counted)).scalar_one())

    async def audience(
        self, audience: Audience, row_id: UUID, viewers: Collection[UUID], *, least: bool = False, **facts: Any
    ) -> set[UUID]:
        """Those of the viewers whom the rule allows; at the least, those whom it would allow whoever they were."""
        statement = audience.statement(self.dialect, least=least)
        values = {"viewers": self.listed(viewers), "row_id": row_id, **facts}
        return set((await self.execute(statement, values)).scalars())

    def listed(self, ids: Collection[UUID]) -> Any:
        """Ids as a statement binds them, all in one."""
        return array_value(self.dialect, ids)

    @overload
    async def find(self, what: type[R], *where: Any) -> R | None: ...
    @overload
    async def find(self, what: Any, *where: Any) -> Any: ...
    async def find(self, what: Any, *where: Any) -> Any:
        """One row or column by facts that the caller vouches for. No rule is asked."""
        found = (await self.raw(select(what).where(*where).limit(1))).scalars().first()
        return self.hold(found) if isinstance(found, Row) else found

    async def find_all(self, what: type[R], *where: Any, order: Any = None) -> Sequence[R]:
        """As `find`: rows by facts that the caller vouches for."""
        return (await self.raw(select(what).where(*where).order_by(order))).scalars().all()

    async def member(self, network_id: UUID) -> Member:
        """The viewer as a member of the network. NotFound without a membership."""
        member = await self.find(
            Member,
            Member.network_id == network_id,
            Member.principal_id == self.viewer,
            is_here(Member, self.now),
        )
        if member is None:
            raise NotFound
        return member

    def is_here(self, member: Member) -> bool:
        """As the policy's condition of that name, of a row at hand."""
        has_expired = member.expires_at is not None and member.expires_at <= self.now
        return member.state is MemberState.ACTIVE and not has_expired

    async def raw(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Result[Any]:
        """The visible escape: no rule is asked. Say at the call why none is needed."""
        return await self._session.execute(statement, dict(values or {}))

    async def execute(self, statement: Select[*Columns], values: Mapping[str, Any] | None = None) -> Result[*Columns]:
        return await self._session.execute(statement, {"viewer": self.viewer, "now": self.now, **(values or {})})

    def hold(self, row: R) -> R:
        """The row as it is; a transaction also remembers it."""
        return row


class Witness(Reader):
    """A reader that notices whether it mattered who reads."""

    has_mattered = False

    @property
    def viewer(self) -> UUID:
        self.has_mattered = True
        return self._viewer

    @viewer.setter
    def viewer(self, viewer: UUID) -> None:
        self._viewer = viewer


class Transaction(Reader):
    """One operation's writing. Announcements are written with the change, in the same transaction."""

    def __init__(self, session: AsyncSession, viewer: UUID, now: datetime, dialect: str) -> None:
        super().__init__(session, viewer, now, dialect)
        self._before: dict[UUID, dict[str, Any] | None] = {}
        self._settled: set[UUID] = set()
        self.answered: tuple[Row | None, str | None] = (None, None)
        self.has_changed_rights = False
        self._announced: list[dict[str, Any]] = []

    async def get(self, rule: Rule[R], row_id: UUID, *, lock: bool = True) -> R:
        return (await self.get_with(rule, row_id))[0] if lock else await super().get(rule, row_id)

    async def get_with(self, rule: Rule[R], row_id: UUID, also: Rule[R] | None = None) -> tuple[R, bool]:
        """The row, locked, and whether another rule allows, too."""
        # What a statement asks beside the row that it locks it asks of the moment before it waited: so lock, then ask.
        if self.dialect == "postgresql" and not (await self.execute(rule.lock(self.dialect), {"row_id": row_id})).all():
            raise NotFound
        row, is_also_allowed = await self._look_up(rule, row_id, also, anew=True)
        return self._settle(row), is_also_allowed

    async def execute(self, statement: Select[*Columns], values: Mapping[str, Any] | None = None) -> Result[*Columns]:
        """After what has changed so far is written, which nobody does for a statement that is written out."""
        await self._session.flush()
        return await super().execute(statement, values)

    async def all(self, statement: Select[R], **values: Any) -> Sequence[R]:
        """Locked, in the order of the statement: what a transaction reads it reads in order to write."""
        entity = statement.column_descriptions[0]["entity"]
        locked = statement.with_for_update(of=entity, **LOCK).execution_options(populate_existing=True)
        return [self._settle(row) for row in await super().all(locked, **values)]

    async def lock(self, what: type[R], *where: Any, patient: bool = True) -> R | None:
        """As `find`, and nobody else changes it until this transaction has ended. Impatiently: None if it is locked."""
        chosen = select(what).where(*where).limit(1)
        locked = chosen.with_for_update(skip_locked=not patient, **LOCK).execution_options(populate_existing=True)
        row = (await self.raw(locked)).scalars().first()
        return None if row is None else self._settle(row)

    async def lock_all(self, what: type[R], *where: Any) -> Sequence[R]:
        """As `lock`, for all such rows, in the one order in which everybody takes them."""
        locked = select(what).where(*where).order_by(col(what.id)).with_for_update(of=what, **LOCK)
        rows = (await self.raw(locked.execution_options(populate_existing=True))).scalars().all()
        return [self._settle(row) for row in rows]

    def hold(self, row: R) -> R:
        """Remember what decided, before this transaction, who could see the row."""
        self._before.setdefault(row.id, facts(row))
        return row

    def _settle(self, row: R) -> R:
        """As `hold`, for a row that is locked now: what was read before the lock may have been out of date."""
        if row.id not in self._settled:
            self._settled.add(row.id)
            self._before[row.id] = facts(row)
        return row

    async def add(self, row: R) -> R:
        await self.add_all([row])
        return row

    async def add_all(self, rows: Iterable[Row]) -> None:
        """Many rows in few statements. Those that others point at come in an earlier call."""
        for row in rows:
            row.created_at = self.now
            self._before[row.id] = None
            self._settled.add(row.id)
            self._session.add(row)
        await self._session.flush()

    async def add_once(self, row: R) -> bool:
        """Add the row unless its unique key is taken; whether it was added. Waits for whoever is at that key."""
        row.created_at = self.now
        once = _adding(type(row), self.dialect)
        return (await self._session.execute(once, row.model_dump())).first() is not None

    async def count(self, column: Any, row: Row, by: int) -> None:
        """Move a counter in the database, not in memory, so that none is lost."""
        moved = await self._session.execute(_moving(type(row), column.key), {"row_id": row.id, "by": by})
        set_committed_value(row, column.key, moved.scalar_one())

    def announce(
        self,
        topics: Iterable[Topic],
        kind: Kind,
        row: Row,
        *,
        gained: Iterable[UUID] = (),
        lost: Iterable[UUID] = (),
        seen_with: Row | None = None,
    ) -> None:
        """Say that the row has changed: to whom it matters by topic, to whom it may matter by rule."""
        self.has_changed_rights |= kind is Kind.RIGHTS
        companion = {"noun": seen_with.noun, "id": seen_with.id.hex} if seen_with else None
        self._announced.append(
            {
                "kind": kind,
                "topics": sorted(set(topics)),
                "noun": row.noun,
                "row_id": row.id,
                # A row of which it is not known what it was: whoever saw it would be told that it is new.
                "before": self._before[row.id] if kind is Kind.ROW else self._before.get(row.id),
                "gained": [principal.hex for principal in gained],
                "lost": [principal.hex for principal in lost],
                "seen_with": companion,
                "at": self.now,
            }
        )

    def announce_each(self, topics: Iterable[Topic], kind: Kind, rows: Sequence[Row], *, scope: Row) -> None:
        """One change for each row; of too many, one for the whole scope: whoever follows it takes a new snapshot."""
        heard = list(topics)
        if len(rows) > BULK_MOST:
            self.announce(heard, Kind.RIGHTS, scope)
            return
        for row in rows:
            self.announce(heard, kind, row)

    def answer(self, row: R, *, secret: str | None = None) -> R:
        """The row that the operation returns (and a token shown once): a retry with the same key gets it again."""
        self.answered = (row, secret)
        return row

    async def flush(self) -> None:
        """Write what has changed so far, so that a unique key speaks now."""
        await self._session.flush()

    async def log(self) -> None:
        """Write down what was announced: the last thing before the commit."""
        if not self._announced:
            self._session.info[CHANGES] = ()
            return
        if self.dialect == "sqlite":
            await number(self._session, self._announced)
        await self._session.execute(ANNOUNCED, self._announced)


def _table(what: type[SQLModel]) -> Any:
    return class_mapper(what).local_table


# What is written at every turn goes past the unit of work, in statements that are built once.


@cache
def _adding(what: type[Row], dialect: str) -> Executable:
    insert_once = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert_once(_table(what)).on_conflict_do_nothing().returning(literal(1))


@cache
def _moving(what: type[Row], name: str) -> Executable:
    table = _table(what)
    counter = table.c[name]
    moved = update(table).where(table.c.id == bindparam("row_id")).values({name: counter + bindparam("by")})
    return moved.returning(counter)


ANNOUNCED = insert(_table(Change))


def facts(row: Row) -> dict[str, Any]:
    """What decides who may see the row, as it is."""
    return {name: getattr(row, name) for name in row.deciding}
