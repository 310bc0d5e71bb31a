"""Write the next revision: python -m migrations "what changes". It needs no database of yours."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from migrations import configuration, newest, upgrade

RUFF = {"fix": "check --quiet --fix-only", "format": "format --quiet"}


def write(connection: Connection, message: str) -> None:
    config = configuration(connection=connection)
    config.set_section_option("post_write_hooks", "hooks", ",".join(RUFF))
    for hook, options in RUFF.items():
        config.set_section_option("post_write_hooks", f"{hook}.type", "module")
        config.set_section_option("post_write_hooks", f"{hook}.module", "ruff")
        config.set_section_option("post_write_hooks", f"{hook}.options", f"{options} REVISION_SCRIPT_FILENAME")
    command.revision(
        config,
        message,
        autogenerate=True,
        rev_id=f"{int(newest() or 0) + 1:04}",
        process_revision_directives=refuse_bare_columns,
    )


def refuse_bare_columns(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """A column that may not be null fails on every database with rows, unless it brings their value."""
    for change in directives[0].upgrade_ops.as_diffs():
        if change[0] == "add_column" and not change[3].nullable and change[3].server_default is None:
            sys.exit(
                f"{change[2]}.{change[3].name} may not be null: rows that are there need a value. Give the model's "
                'column sa_column_kwargs={"server_default": "…"}, or let it be null.'
            )


async def main(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'scratch.db'}"
        await upgrade(url)
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            await connection.run_sync(write, message)
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or sys.exit(__doc__)))
