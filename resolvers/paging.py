"""Pages by key, never by offset; for many parents at once in one statement."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, func, or_, select
from sqlalchemy.orm import aliased

from models.base import Row, UTCDateTime
from resolvers.cipher import Cipher, from_text, to_text
from resolvers.errors import Flaw, Invalid, StaleCursor
from resolvers.policy.rules import IDS, Condition, Rule
from resolvers.session import Reader

R = TypeVar("R", bound=Row)
Key = tuple[Any, ...]

MOST = 100


@dataclass(frozen=True)
class Page:
    """The part of a list that was asked for: `size` rows behind one key, or before one when read `backwards`."""

    size: int
    backwards: bool = False
    after: Key | None = None
    before: Key | None = None


@dataclass(frozen=True)
class Slice(Generic[R]):
    """Rows in the order of the list, each with its key."""

    rows: Sequence[R]
    keys: Sequence[Key]
    has_more: bool
    page: Page

    @property
    def has_next_page(self) -> bool:
        return self.page.before is not None if self.page.backwards else self.has_more

    @property
    def has_previous_page(self) -> bool:
        return self.has_more if self.page.backwards else self.page.after is not None


def cut(rows: Sequence[R], keys: Sequence[Key], page: Page) -> Slice[R]:
    """A slice out of up to one row too many, given in reading order."""
    has_more, rows, keys = len(rows) > page.size, rows[: page.size], keys[: page.size]
    if page.backwards:
        rows, keys = rows[::-1], keys[::-1]
    return Slice(rows, keys, has_more, page)


@dataclass(frozen=True)
class Listing(Generic[R]):
    """A list of rows: the rule that lets them be seen, their order, and the column that names their parent.

    `order` holds column names; a leading "-" means descending. The id comes last by itself.
    """

    name: str
    rule: Rule[R]
    order: tuple[str, ...]
    parent: str | None = None

    async def read(self, db: Reader, page: Page, *where: Condition) -> Slice[R]:
        row = self.rule.row
        listed = self._keyed(db.select(self.rule).where(*where), row, page)
        rows = await db.all(listed.order_by(*self._ordering(row, page)).limit(page.size + 1))
        return cut(rows, [self._key(row) for row in rows], page)

    async def of(self, db: Reader, parents: Collection[UUID], page: Page) -> dict[UUID, Slice[R]]:
        """The same page of each parent's list."""
        is_first = page.after is None and page.before is None
        ranked = _first_of(self, page.size, page.backwards) if is_first else self._ranked(page)
        found: defaultdict[UUID, list[R]] = defaultdict(list)
        for one in await db.all(ranked, ids=list(parents)):
            found[getattr(one, self.parent or "")].append(one)
        return {id: cut(found[id], [self._key(row) for row in found[id]], page) for id in parents}

    def _ranked(self, page: Page) -> Select[Any]:
        """The page of each of the parents bound in `ids`."""
        row = self.rule.row
        parent = getattr(row, self.parent or "")
        place = func.row_number().over(partition_by=parent, order_by=self._ordering(row, page))
        listed = self._keyed(self.rule.selection.where(parent.in_(IDS)), row, page)
        ranked = listed.add_columns(place.label("place_in_list")).subquery()
        return (
            select(aliased(row, ranked)).where(ranked.c.place_in_list <= page.size + 1).order_by(ranked.c.place_in_list)
        )

    @property
    def _columns(self) -> list[tuple[str, bool]]:
        return [(name.lstrip("-"), name.startswith("-")) for name in (*self.order, "id")]

    def _key(self, row: R) -> Key:
        return tuple(getattr(row, name) for name, _ in self._columns)

    def _ordering(self, row: Any, page: Page) -> list[Any]:
        return ordering([(getattr(row, name), descending) for name, descending in self._columns], page)

    def _keyed(self, statement: Select[Any], row: Any, page: Page) -> Select[Any]:
        return statement.where(*bounds([(getattr(row, name), falls) for name, falls in self._columns], page))

    def seal(self, cipher: Cipher, key: Key) -> str:
        """The cursor: encrypted, because a key may tell when an anonymous question was asked."""
        return to_text(cipher.seal_json(f"page:{self.name}", [_plain(value) for value in key]))

    def page(
        self,
        cipher: Cipher,
        *,
        first: int | None,
        last: int | None,
        after: str | None = None,
        before: str | None = None,
    ) -> Page:
        if (first is None) == (last is None):
            raise Invalid(Flaw("Give either first or last.", ("first",)))
        size = first if first is not None else last
        if size is None or not 1 <= size <= MOST:
            raise Invalid(
                Flaw(f"A page has between 1 and {MOST} entries.", ("first" if first is not None else "last",))
            )
        return Page(size, first is None, self._open(cipher, after), self._open(cipher, before))

    def _open(self, cipher: Cipher, cursor: str | None) -> Key | None:
        if cursor is None:
            return None
        try:
            values = cipher.open_json(f"page:{self.name}", from_text(cursor))
        except ValueError as error:
            raise StaleCursor from error
        types = [getattr(self.rule.row, name).type for name, _ in self._columns]
        return tuple(_typed(type_, value) for type_, value in zip(types, values, strict=True))


@lru_cache(maxsize=500)
def _first_of(listing: Listing[Any], size: int, backwards: bool) -> Select[Any]:  # noqa: FBT001 - as in `Page`
    """What is asked most is built once: building is dear."""
    return listing._ranked(Page(size, backwards))  # noqa: SLF001 - of this module


def ordering(columns: Sequence[tuple[Any, bool]], page: Page) -> list[Any]:
    return [column.desc() if descending != page.backwards else column.asc() for column, descending in columns]


def bounds(columns: Sequence[tuple[Any, bool]], page: Page) -> list[Condition]:
    """Strictly behind `after` and strictly before `before`."""
    found = []
    for key, beyond in ((page.after, False), (page.before, True)):
        if key is not None:
            steps = []
            for n, (column, descending) in enumerate(columns):
                same = [c == value for (c, _), value in zip(columns[:n], key, strict=False)]
                steps.append(and_(*same, column < key[n] if descending != beyond else column > key[n]))
            found.append(or_(*steps))
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value


def _typed(type_: Any, value: Any) -> Any:
    if isinstance(type_, UTCDateTime):
        return datetime.fromisoformat(value)
    return UUID(value) if isinstance(type_, Uuid) else value
