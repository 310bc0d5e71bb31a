"""What has been left behind: in the tables, in the change log, in the statements sent to a database."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import event, func, select
from sqlmodel import col

from models import Change, Database, Row
from server import Service
from tests.client import Client


async def changes(service: Service, *rows: Row) -> list[Change]:
    """What was announced, of these rows if any are named, in the order of writing."""
    async with service.database.read() as session:
        statement = select(Change).order_by(col(Change.seq))
        if rows:
            statement = statement.where(col(Change.row_id).in_([row.id for row in rows]))
        return list(await session.scalars(statement))


async def count(service: Service, table: Any, *where: Any) -> int:
    async with service.database.read() as session:
        return int((await session.scalar(select(func.count()).select_from(table).where(*where))) or 0)


def statements(service: Service) -> AbstractContextManager[list[str]]:
    """The statements that are sent to the database meanwhile, but for pragmas and the relay's and feed's own."""
    return sent_to(
        service.database,
        lambda said: "FROM head" not in said and "FROM change" not in said and said.startswith(("SELECT", "WITH")),
    )


@contextmanager
def sent_to(database: Database, is_wanted: Callable[[str], bool] = lambda _: True) -> Iterator[list[str]]:
    """The statements that readers send to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if is_wanted(statement):
            sent.append(statement)

    engine = database._reading.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def answer(client: Client, document: str, **variables: Any) -> str:
    """How a mutation is answered, in a word: Y, N (in sight, out of reach), - (as for an unknown id), or its code."""
    problems = (await client.payload(document, **variables))["problems"]
    code = problems[0]["code"] if problems else "Y"
    return {"FORBIDDEN": "N", "NOT_FOUND": "-"}.get(code, code)


async def look(client: Client, document: str, **variables: Any) -> str:
    """How a query is answered, in a word: as `answer`."""
    result = await client.execute(document, **variables)
    if not result.errors:
        return "Y"
    code = str((result.errors[0].extensions or {}).get("code"))
    return {"FORBIDDEN": "N", "NOT_FOUND": "-"}.get(code, code)


async def whole(client: Client, document: str, **variables: Any) -> Any:
    """Everything that is answered: data, and errors as they are sent."""
    result = await client.execute(document, **variables)
    return result.data, [error.formatted for error in result.errors or []]
