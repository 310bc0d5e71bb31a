"""What a rule is: one condition on rows, used three ways.

May I, which may I, which of these viewers may.
"""

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, String, Uuid, bindparam, column, exists, func, literal, select
from sqlalchemy.orm import aliased, class_mapper

from models.base import Row

R = TypeVar("R", bound=Row)

Viewer = ColumnElement[UUID]
Condition = ColumnElement[bool]

VIEWER: Viewer = bindparam("viewer", type_=Uuid())
ROW_ID = bindparam("row_id", type_=Uuid())
IDS = bindparam("ids", type_=Uuid(), expanding=True)

_sight: dict[type[Row], "Rule[Any]"] = {}


def some(*rows: Any, where: Collection[Any]) -> Condition:
    """Is there such a row? Everything but `rows` (aliases) belongs to the statement around it."""
    return exists(select(literal(1)).select_from(*rows).where(*where).correlate_except(*rows))


class Rule(Generic[R]):
    """The sentence "the viewer may …", as a condition on (viewer, row). Statements are built once: building is dear."""

    def __init__(self, row: type[R], condition: Callable[[Viewer, Any], Condition]) -> None:
        self.row = row
        self.name = condition.__name__
        self._condition = condition

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
    def look_up(self) -> Select[R, bool]:
        """May I? The row if it is in sight, and whether the rule allows."""
        allowed = literal(True) if self is self.sight else self(VIEWER, self.row)
        row_id: Any = self.row.id
        return select(self.row, allowed).where(row_id == ROW_ID, self.sight(VIEWER, self.row))

    @cached_property
    def now(self) -> "Audience":
        """Which of these viewers may, as the row is?"""
        return Audience.of(self, self.row)

    @cached_property
    def before(self) -> "Audience":
        """Which of these viewers might, when the row's deciding columns were as bound in `before_<column>`?"""
        columns = class_mapper(self.row).columns
        facts = [
            bindparam(f"before_{c.name}", type_=c.type).label(c.name) if c.name in self.row.deciding else c
            for c in columns
        ]
        return Audience.of(
            self, aliased(self.row, select(*facts).where(columns.id == ROW_ID).subquery(), adapt_on_names=True)
        )


class Audience:
    """The statement with the viewer as a column."""

    def __init__(self, row: Any, statements: dict[str, Select[UUID]]) -> None:
        self._row = row
        self._statements = statements

    @classmethod
    def of(cls, rule: Rule[Any], row: Any) -> "Audience":
        def build(viewers: Any) -> Select[UUID]:
            return select(viewers.c.value).where(row.id == ROW_ID, rule(viewers.c.value, row))

        return cls(row, {dialect: build(viewers) for dialect, viewers in _viewers().items()})

    def kept(self, where: Callable[[Any], Collection[Condition]]) -> "Audience":
        """As it is, for rows that `where` keeps."""
        filters = where(self._row)
        return Audience(self._row, {name: built.where(*filters) for name, built in self._statements.items()})

    def statement(self, dialect: str) -> Select[UUID]:
        return self._statements[dialect]


def _viewers() -> dict[str, Any]:
    """The viewers as one array: ten times as fast as a list of thousands of parameters."""
    value = column("value", Uuid())
    array = func.unnest(bindparam("viewers", type_=ARRAY(Uuid()))).table_valued(value).render_derived()
    return {"sqlite": func.json_each(bindparam("viewers", type_=String())).table_valued(value), "postgresql": array}


def viewers_value(dialect: str, viewers: Collection[UUID]) -> Any:
    """The viewers in the form that the statement of this dialect binds."""
    if dialect == "sqlite":
        return "[" + ",".join(f'"{viewer.hex}"' for viewer in viewers) + "]"
    return list(viewers)


def rule(row: type[R]) -> Callable[[Callable[[Viewer, Any], Condition]], Rule[R]]:
    return lambda condition: Rule(row, condition)


def sight(row: type[R]) -> Callable[[Callable[[Viewer, Any], Condition]], Rule[R]]:
    """The rule that every other rule on this row presupposes."""

    def declare(condition: Callable[[Viewer, Any], Condition]) -> Rule[R]:
        return _sight.setdefault(row, Rule(row, condition))

    return declare


def see(row: type[R]) -> Rule[R]:
    return _sight[row]


def row_of(noun: str) -> type[Row] | None:
    """The rows that go by this name."""
    return next((row for row in _sight if noun in (row.nouns or (row.__name__,))), None)
