"""What the log says, as `plenary serve` writes it."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from commands import logs
from server import Environment, LogFormat, LogLevel, Settings


class Lines:
    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def all(self, event: str | None = None) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in lines if event in {None, line["event"]}]

    @property
    def operations(self) -> list[dict[str, Any]]:
        return self.all("operation")

    def only(self, event: str) -> dict[str, Any]:
        (line,) = self.all(event)
        return line


@contextmanager
def written(level: LogLevel = LogLevel.DEBUG, format_: LogFormat = LogFormat.JSON) -> Iterator[Lines]:
    """Everything that is logged within the block goes through the pipeline of production."""
    settings = Settings(
        environment=Environment.PRODUCTION, secret_key=SecretStr("s" * 32), log_level=level, log_format=format_
    )
    configuration = logs.configuration(settings)
    line = dict(configuration["formatters"]["line"])
    lines = Lines()
    handler = logging.StreamHandler(lines.stream)
    handler.setFormatter(line.pop("()")(**line))
    logger, root = logging.getLogger("plenary"), logging.getLogger()
    before = logger.level
    root.addHandler(handler)
    logger.setLevel(configuration["loggers"]["plenary"]["level"])
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        logger.setLevel(before)
