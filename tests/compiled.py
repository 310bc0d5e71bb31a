"""Statements are compiled once for all tests: each has a database of its own, and would compile them anew."""

from typing import Any

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as aiosqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import LRUCache

from models import Database

KEPT = 20_000

_compiled: dict[str, LRUCache[Any, Any]] = {}
_make = Database._engine


def _engine(database: Database, pool_size: int, **options: Any) -> AsyncEngine:
    engine = _make(database, pool_size, **options)
    kind = engine.sync_engine.dialect.name
    engine.sync_engine._compiled_cache = _compiled.setdefault(kind, LRUCache(KEPT))
    return engine


def share(patch: pytest.MonkeyPatch) -> None:
    """What was compiled is looked up by its dialect, so dialects of a kind are taken for one."""
    patch.setattr(Database, "_engine", _engine)
    for dialect in (aiosqlite, asyncpg):
        patch.setattr(dialect, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(dialect, "__hash__", lambda one: hash(type(one)))
