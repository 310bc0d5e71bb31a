"""What a rule is: one condition on rows, used three ways.

May I, which may I, which of these viewers may.
"""

from collections.abc import Callable, Collection, Hashable
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    ColumnElement,
    Select,
    String,
    TextualSelect,
    Uuid,
    bindparam,
    column,
    exists,
    false,
    func,
    literal,
    select,
)
from sqlalchemy.orm import aliased, class_mapper
from sqlmodel import col

from models.base import Row
from resolvers.policy.written import place, written

R = TypeVar("R", bound=Row)

Viewer = ColumnElement[UUID]
Condition = ColumnElement[bool]

VIEWER = bindparam("viewer", type_=Uuid())
ROW_ID = bindparam("row_id", type_=Uuid())
IDS = bindparam("ids", type_=Uuid(), expanding=True)
ALLOWED = column("is_allowed", Boolean()), column("is_also_allowed", Boolean())
SURE = column("is_sure", Boolean())

# FOR NO KEY UPDATE: a row that is held may be pointed at. A full lock would stop every insert that names the row, in
# whatever order foreign keys are looked at, and with it the order of locks.
LOCK: Any = {"key_share": True}

# While it is built what a rule allows at the least: then nothing that is personal holds.
_is_least: ContextVar[bool] = ContextVar("is_least", default=False)

_sight: dict[type[Row], "Rule[Any]"] = {}


class Seen(NamedTuple):
    """A row that a rule allows; if it is sure, to whoever stands where the viewer does. Without a row: it does not."""

    row: Any = None
    is_sure: bool = False


UNSEEN = Seen()


def some(*rows: Any, where: Collection[Any]) -> Condition:
    """Is there such a row? Everything but `rows` (aliases) belongs to the statement around it."""
    return exists(select(literal(1)).select_from(*rows).where(*where).correlate_except(*rows))


def personal(condition: Condition) -> Condition:
    """A condition on who exactly the viewer is: the author, a voter. All others are on where the viewer stands.

    It only ever adds to what one may: in a rule that is `local` it stands under no `not_`.
    """
    return false() if _is_least.get() else condition


class Rule(Generic[R]):
    """The sentence "the viewer may …", as a condition on (viewer, row). Statements are built once: building is dear.

    A rule is `local` if it looks at nothing of the viewer but where they stand in the row's own network, community and
    board, and at what is `personal`. Whoever stands there alike then may the same, but for what is personal.
    """

    def __init__(self, row: type[R], condition: Callable[[Viewer, Any], Condition], *, is_local: bool = False) -> None:
        self.row = row
        self.name = condition.__name__
        self.is_local = is_local
        self._condition = condition
        self._built: dict[Hashable, Any] = {}

    def __call__(self, viewer: Viewer, row: Any) -> Condition:
        return self._condition(viewer, row)

    @property
    def sight(self) -> "Rule[R]":
        return _sight[self.row]

    @cached_property
    def selection(self) -> Select[R]:
        """Which may I?"""
        return select(self.row).where(self(VIEWER, self.row))

    @cached_property
    def among(self) -> Select[R]:
        """Which of the rows bound in `ids` may I?"""
        row_id: Any = self.row.id
        return self.selection.where(row_id.in_(IDS))

    @cached_property
    def surely(self) -> Select[R, bool]:
        """As `among`; of each, whether the rule allows it to whoever stands where I do."""
        return self.among.add_columns(self._least(VIEWER).label(SURE.name))

    def _least(self, viewer: Viewer) -> Condition:
        token = _is_least.set(True)
        try:
            return self(viewer, self.row) if self.is_local else false()
        finally:
            _is_least.reset(token)

    def look_up(self, dialect: str, also: "Rule[R] | None" = None, *, anew: bool = False) -> Any:
        """May I? The row if it is in sight, whether the rule allows, and whether `also` does."""
        return self._once((also, dialect, anew), lambda: self._look_up(dialect, also, anew=anew))

    def _look_up(self, dialect: str, also: "Rule[R] | None", *, anew: bool) -> Any:
        viewer, is_also = place(VIEWER), also(place(VIEWER), self.row) if also else false()
        is_allowed = literal(True) if self is self.sight else self(viewer, self.row)
        asked = zip(ALLOWED, (is_allowed, is_also), strict=True)
        looked_up = select(self.row, *(condition.label(answer.name) for answer, condition in asked))
        seen = looked_up.where(col(self.row.id) == place(ROW_ID), self.sight(viewer, self.row))
        found = written(seen, dialect, VIEWER, ROW_ID).columns(*class_mapper(self.row).columns, *ALLOWED)
        return select(self.row, *ALLOWED).from_statement(found).execution_options(populate_existing=anew)

    def lock(self, dialect: str) -> Any:
        """Nobody else changes the row any more, if it is in sight."""
        return self._once(("lock", dialect), lambda: self._lock(dialect))

    def _lock(self, dialect: str) -> Any:
        row_id = col(self.row.id)
        in_sight = select(row_id).where(row_id == place(ROW_ID), self.sight(place(VIEWER), self.row))
        return written(in_sight.with_for_update(of=self.row, **LOCK), dialect, VIEWER, ROW_ID).columns(id=Uuid())

    def rows(self, dialect: str) -> Any:
        """As `surely`, written out."""
        return self._once(("rows", dialect), lambda: self._rows(dialect))

    def _rows(self, dialect: str) -> Any:
        ids, viewer = array(dialect, "ids"), place(VIEWER)
        asked = col(self.row.id).in_(select(each(dialect, place(ids)).c.value))
        rows = select(self.row, self._least(viewer).label(SURE.name)).where(asked, self(viewer, self.row))
        found = written(rows, dialect, VIEWER, ids).columns(*class_mapper(self.row).columns, SURE)
        return select(self.row, SURE).from_statement(found)

    def those(self, dialect: str) -> Any:
        """The ids of those of the rows bound in `ids` which I may."""
        return self._once(("those", dialect), lambda: self._those(dialect))

    def _those(self, dialect: str) -> Any:
        ids, row_id = array(dialect, "ids"), col(self.row.id)
        asked = row_id.in_(select(each(dialect, place(ids)).c.value))
        those = select(row_id).where(asked, self(place(VIEWER), self.row))
        return written(those, dialect, VIEWER, ids).columns(id=Uuid())

    def _once(self, key: Hashable, build: Callable[[], Any]) -> Any:
        if key not in self._built:
            self._built[key] = build()
        return self._built[key]

    @cached_property
    def now(self) -> "Audience":
        """Which of these viewers may, as the row is?"""
        return Audience(self, self.row)

    @cached_property
    def before(self) -> "Audience":
        """Which of these viewers might, when the row's deciding columns were as bound in `before_<column>`?"""
        columns = class_mapper(self.row).columns
        facts = [
            bindparam(f"before_{c.name}", type_=c.type).label(c.name) if c.name in self.row.deciding else c
            for c in columns
        ]
        return Audience(
            self, aliased(self.row, select(*facts).where(columns.id == ROW_ID).subquery(), adapt_on_names=True)
        )


class Audience:
    """The statement with the viewer as a column."""

    def __init__(self, rule: Rule[Any], row: Any, filters: Collection[Condition] = ()) -> None:
        self.rule = rule
        self._row = row
        self._filters = filters
        self._statements: dict[tuple[str, bool], Any] = {}

    def kept(self, where: Callable[[Any], Collection[Condition]]) -> "Audience":
        """As it is, for rows that `where` keeps."""
        return Audience(self.rule, self._row, where(self._row))

    @cached_property
    def is_personal(self) -> bool:
        """Whether it could matter who exactly a viewer is."""
        return str(self.statement("sqlite")) != str(self.statement("sqlite", least=True))

    def statement(self, dialect: str, *, least: bool = False) -> Any:
        """Which viewers may; at the least, whoever they are."""
        if (dialect, least) not in self._statements:
            token = _is_least.set(least)
            try:
                self._statements[dialect, least] = self._written(dialect) if self._is_fixed else self._built(dialect)
            finally:
                _is_least.reset(token)
        return self._statements[dialect, least]

    @property
    def _is_fixed(self) -> bool:
        """What filters is of one feed, and the outer world may have said it."""
        return self._row is self.rule.row and not self._filters

    def _written(self, dialect: str) -> TextualSelect:
        viewers = array(dialect, "viewers")
        of = self._of(each(dialect, place(viewers)), place(ROW_ID))
        return written(of, dialect, viewers, ROW_ID).columns(value=Uuid())

    def _built(self, dialect: str) -> Select[UUID]:
        return self._of(listed(dialect), ROW_ID)

    def _of(self, viewers: Any, row_id: ColumnElement[UUID]) -> Select[UUID]:
        viewer = viewers.c.value
        return select(viewer).where(self._row.id == row_id, self.rule(viewer, self._row), *self._filters)


def listed(dialect: str) -> Any:
    """The viewers as one array: ten times as fast as a list of thousands of parameters."""
    return each(dialect, array(dialect, "viewers"))


def array(dialect: str, name: str) -> BindParameter[Any]:
    return bindparam(name, type_=String() if dialect == "sqlite" else ARRAY(Uuid()))


def each(dialect: str, ids: ColumnElement[Any]) -> Any:
    """The ids of an array as rows."""
    value = column("value", Uuid())
    if dialect == "sqlite":
        return func.json_each(ids).table_valued(value)
    return func.unnest(ids).table_valued(value).render_derived()


def array_value(dialect: str, ids: Collection[UUID]) -> Any:
    """The ids in the form that the statement of this dialect binds."""
    if dialect == "sqlite":
        return "[" + ",".join(f'"{id.hex}"' for id in ids) + "]"
    return list(ids)


def rule(row: type[R], *, local: bool = False) -> Callable[[Callable[[Viewer, Any], Condition]], Rule[R]]:
    return lambda condition: Rule(row, condition, is_local=local)


def sight(row: type[R], *, local: bool = False) -> Callable[[Callable[[Viewer, Any], Condition]], Rule[R]]:
    """The rule that every other rule on this row presupposes."""

    def declare(condition: Callable[[Viewer, Any], Condition]) -> Rule[R]:
        return _sight.setdefault(row, Rule(row, condition, is_local=local))

    return declare


def see(row: type[R]) -> Rule[R]:
    return _sight[row]


def row_of(noun: str) -> type[Row] | None:
    """The rows that go by this name."""
    return next((row for row in _sight if noun in (row.nouns or (row.__name__,))), None)
