"""A statement written out once, as text with its constants in it.

SQLAlchemy hashes and binds all of a statement's tree at each execution, and that of a rule has hundreds of nodes.
Only what the code says goes into the text: whatever comes from outside is bound.
"""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, TextClause, literal_column, make_url, text

DRIVERS = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}
DIALECTS = {name: make_url(f"{name}+{driver}://").get_dialect()() for name, driver in DRIVERS.items()}


def place(bound: BindParameter[Any]) -> ColumnElement[Any]:
    """Where in a statement that will be written out this value is to be bound."""
    return literal_column(f":{bound.key}", bound.type)


def written(statement: Select[*tuple[Any, ...]], dialect: str, *bound: BindParameter[Any]) -> TextClause:
    content = str(statement.compile(dialect=DIALECTS[dialect], compile_kwargs={"literal_binds": True}))
    named = [one for one in bound if f":{one.key}" in content]
    return text(content).bindparams(*named)
