"""A statement written out once, as text with its constants in it.

SQLAlchemy hashes and binds all of a statement's tree at each execution, and that of a rule has hundreds of nodes.
Only what the code says goes into the text: whatever comes from outside is bound.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Dialect,
    Select,
    TextClause,
    bindparam,
    literal_column,
    make_url,
    text,
)

from models.base import UTCDateTime

DRIVERS = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}
DIALECTS = {name: make_url(f"{name}+{driver}://").get_dialect()() for name, driver in DRIVERS.items()}


class _Moment(UTCDateTime):
    """Written out, it is still a place."""

    cache_ok = True

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return lambda _value: f":{NOW.key}"


# The moment at which a statement is asked. Whoever forgets to say it asks at the end of time, when nobody is left.
NOW: BindParameter[datetime] = bindparam("now", datetime.max.replace(tzinfo=UTC), type_=_Moment())


def place(bound: BindParameter[Any]) -> ColumnElement[Any]:
    """Where in a statement that will be written out this value is to be bound."""
    return literal_column(f":{bound.key}", bound.type)


def written(statement: Select[*tuple[Any, ...]], dialect: str, *bound: BindParameter[Any]) -> TextClause:
    content = str(statement.compile(dialect=DIALECTS[dialect], compile_kwargs={"literal_binds": True}))
    named = [one for one in (*bound, NOW) if f":{one.key}" in content]
    return text(content).bindparams(*named)
