"""What a command says to a person at a terminal, and how it gives up."""

from typing import NoReturn

import typer
from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)


def say(line: str) -> None:
    """One line as it is: what it quotes may look like markup."""
    out.print(line, markup=False)


def fail(line: str, *, code: int = 1) -> NoReturn:
    """One clear line, and out."""
    errors.print(line, markup=False)
    raise typer.Exit(code)
