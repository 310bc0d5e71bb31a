"""Fetching is asking permission: rows come out of the database under a rule, or not at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, TypeVarTuple, overload
from uuid import UUID

from sqlalchemy import Executable, Result, Select, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col

from models import Change, Kind, Member, MemberState, Row
from realtime.topics import Topic
from resolvers.errors import Forbidden, NotFound
from resolvers.policy.rules import Audience, Rule, viewers_value

R = TypeVar("R", bound=Row)
Columns = TypeVarTuple("Columns")

BULK_MOST = 200
# FOR NO KEY UPDATE: a row that is held may be pointed at. A full lock would stop every insert that names the row, in
# whatever order foreign keys are looked at, and with it the order of locks.
LOCK: Any = {"key_share": True}


class Reader:
    """One viewer's eyes on the database, for as long as one session lives."""

    def __init__(self, session: AsyncSession, viewer: UUID, now: datetime, dialect: str) -> None:
        self._session = session
        self._dialect = dialect
        self.viewer = viewer
        self.now = now

    async def get(self, rule: Rule[R], row_id: UUID, *, lock: bool = False) -> R:
        """The row. NotFound if it is out of sight, Forbidden if the rule does not allow."""
        statement = rule.look_up
        if lock:
            statement = statement.with_for_update(of=rule.row, **LOCK).execution_options(populate_existing=True)
        found = (await self.execute(statement, {"row_id": row_id})).one_or_none()
        if found is None:
            raise NotFound
        row, is_allowed = found
        if not is_allowed:
            raise Forbidden(rule.name)
        return self.hold(row)

    def select(self, rule: Rule[R]) -> Select[R]:
        """All rows that the rule allows, to be narrowed by the caller."""
        return rule.selection

    async def all(self, statement: Select[R], **values: Any) -> Sequence[R]:
        return (await self.execute(statement, values)).scalars().all()

    async def total(self, statement: Select[Any]) -> int:
        """How many rows the statement has."""
        counted = statement.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
        return int((await self.execute(counted)).scalar_one())

    async def audience(self, audience: Audience, row_id: UUID, viewers: Collection[UUID], **facts: Any) -> set[UUID]:
        """Those of the viewers whom the rule allows."""
        statement = audience.statement(self._dialect)
        values = {"viewers": viewers_value(self._dialect, viewers), "row_id": row_id, **facts}
        return set((await self.execute(statement, values)).scalars())

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
            Member.state == MemberState.ACTIVE,
        )
        if member is None:
            raise NotFound
        return member

    async def raw(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Result[Any]:
        """The visible escape: no rule is asked. Say at the call why none is needed."""
        return await self._session.execute(statement, dict(values or {}))

    async def execute(self, statement: Select[*Columns], values: Mapping[str, Any] | None = None) -> Result[*Columns]:
        return await self._session.execute(statement, {"viewer": self.viewer, **(values or {})})

    def hold(self, row: R) -> R:
        """The row as it is; a transaction also remembers it."""
        return row


class Transaction(Reader):
    """One operation's writing. Announcements are written with the change, in the same transaction."""

    def __init__(self, session: AsyncSession, viewer: UUID, now: datetime, dialect: str) -> None:
        super().__init__(session, viewer, now, dialect)
        self._before: dict[UUID, dict[str, Any] | None] = {}
        self._settled: set[UUID] = set()
        self.answered: tuple[Row | None, str | None] = (None, None)
        self.has_changed_rights = False

    async def get(self, rule: Rule[R], row_id: UUID, *, lock: bool = True) -> R:
        row = await super().get(rule, row_id, lock=lock)
        if lock and self._dialect == "postgresql":
            # What a statement asks beside the locked row it asks of the moment before it waited: so ask again.
            row = await super().get(rule, row_id, lock=lock)
        return self._settle(row) if lock else row

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
        self._before.setdefault(row.id, _facts(row))
        return row

    def _settle(self, row: R) -> R:
        """As `hold`, for a row that is locked now: what was read before the lock may have been out of date."""
        if row.id not in self._settled:
            self._settled.add(row.id)
            self._before[row.id] = _facts(row)
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
        insert = postgresql.insert if self._dialect == "postgresql" else sqlite.insert
        once = insert(type(row)).values(row.model_dump()).on_conflict_do_nothing().returning(literal(1))
        return (await self._session.execute(once)).first() is not None

    async def count(self, column: Any, row: Row, by: int) -> None:
        """Move a counter in the database, not in memory, so that none is lost."""
        table = type(row)
        moved = update(table).where(col(table.id) == row.id).values({column: column + by}).returning(column)
        set_committed_value(row, column.key, (await self._session.execute(moved)).scalar_one())

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
        self._session.add(
            Change(
                kind=kind,
                topics=sorted(set(topics)),
                noun=row.noun,
                row_id=row.id,
                before=self._before.get(row.id),
                gained=[principal.hex for principal in gained],
                lost=[principal.hex for principal in lost],
                seen_with=companion,
                at=self.now,
            )
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


def _facts(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.deciding}
