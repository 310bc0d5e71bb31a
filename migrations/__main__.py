"""Write the next revision: python -m migrations "what changes". It needs no database of yours."""

import asyncio
import sys
import tempfile
from pathlib import Path

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
    command.revision(config, message, autogenerate=True, rev_id=f"{int(newest() or 0) + 1:04}")


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
