"""Logs: what every line goes through, ours and the libraries', on its way to standard error."""

import logging
import sys
from typing import Any

from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor

from commands import tracebacks
from schema import tracing
from server import LogFormat, Settings

TEXT_LIMIT = 500

# The fields that a line may have. What else a record carries stays there.
FIELDS = (
    *("trace_id", "operation", "type", "transport", "viewer", "cost", "outcome", "codes", "duration_ms", "events"),
    "left_out",
)


def configuration(settings: Settings) -> dict[str, Any]:
    """For `logging.config.dictConfig`."""
    logging.raiseExceptions = False  # or a line that cannot be written is printed with all its arguments
    line = {
        "()": ProcessorFormatter,
        "foreign_pre_chain": _shared(),
        "processors": _last(settings.log_format),
        "pass_foreign_args": True,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "plenary": {"level": str(settings.log_level).upper()},
            "uvicorn.access": {"level": "INFO"},
        },
    }


def _shared() -> list[Processor]:
    return [
        TimeStamper(fmt="iso", utc=True),
        add_log_level,
        add_logger_name,
        _plain,
        _request,
        ExtraAdder(FIELDS),
        _trace,
        _exception,
    ]


def _last(format_: LogFormat | None) -> list[Processor]:
    if format_ is LogFormat.JSON:
        return [ProcessorFormatter.remove_processors_meta, JSONRenderer()]
    renderer = ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)
    return [ProcessorFormatter.remove_processors_meta, renderer]


def _plain(_logger: object, _method: str, line: EventDict) -> EventDict:
    """One line, printable, of bounded length. asyncio puts the repr of a task and its error on the ones below."""
    first = str(line["event"]).partition("\n")[0][:TEXT_LIMIT]
    line["event"] = first if first.isprintable() else "".join(map(_printable, first))
    return line


def _printable(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def _request(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Uvicorn's line without the address, and without the query: a GET has its document and variables there."""
    arguments = line.pop("positional_args", None)
    if line["logger"] == "uvicorn.access" and isinstance(arguments, tuple):
        _address, method, path, _version, status = arguments
        line.update(event="request", method=method, path=path.partition("?")[0][:TEXT_LIMIT], status=status)
    return line


def _trace(_logger: object, _method: str, line: EventDict) -> EventDict:
    if "trace_id" not in line and (trace := tracing.current()):
        line["trace_id"] = trace.id
    return line


def _exception(_logger: object, _method: str, line: EventDict) -> EventDict:
    found = line.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        line["exception"] = tracebacks.told(error)
    return line
