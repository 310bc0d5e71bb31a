"""Tracebacks as a log may hold them: where it happened and what kind of error, but no value that somebody sent.

The text of an error quotes what it was about: `int()` its argument, a database a whole row. It is told only where it
stands in the code word for word; of what comes from a system or a database, its code is.
"""

import errno
import sqlite3
import traceback

FRAMES = 30  # of each error, the innermost
CHAIN = 5


def told(error: BaseException) -> str:
    """The error and what led to it, the first cause first."""
    return "\n".join(
        "".join((*traceback.format_tb(link.__traceback__, limit=-FRAMES), named(link))) for link in _chain(error)
    )


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain and len(chain) < CHAIN:
        chain.insert(0, link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    if isinstance(error, BaseExceptionGroup):
        chain[:0] = error.exceptions[:CHAIN]
    return chain


def named(error: BaseException) -> str:
    """The error's type and what is known of it that no client has sent."""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return ": ".join(filter(None, (name, _known(error))))


def _known(error: BaseException) -> str:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "")
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0, "")
    if state := getattr(error, "sqlstate", None):
        names = (getattr(error, kind, None) for kind in ("table_name", "column_name", "constraint_name"))
        return " ".join(("sqlstate", str(state), *filter(None, names)))
    text = error.args[0] if len(error.args) == 1 else None
    return text if isinstance(text, str) and text in _constants(error) else ""


def _constants(error: BaseException) -> tuple[object, ...]:
    """What stands word for word in the function that raised it."""
    spot = error.__traceback__
    while spot and spot.tb_next:
        spot = spot.tb_next
    return spot.tb_frame.f_code.co_consts if spot else ()
