"""Run by Alembic for each command: joins the open connection to the models' metadata."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationInfo
from alembic.script import Script
from sqlalchemy import Enum
from sqlmodel.sql.sqltypes import AutoString

from models import metadata
from models.base import UTCDateTime


def frozen(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Types of our own are written as what they are in the database: a revision outlives the models."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum | AutoString):
        return f"sa.String(length={item.length})"
    return False


def tell(*, step: MigrationInfo, **_: Any) -> None:
    applied = context.config.attributes.get("applied")
    revision = step.up_revision
    if applied and isinstance(revision, Script):
        applied(revision.revision, revision.doc)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=frozen,
    on_version_apply=tell,  # type: ignore[arg-type] # it is called by keywords
)
with context.begin_transaction():
    context.run_migrations()
