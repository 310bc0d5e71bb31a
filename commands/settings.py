"""The settings, or one clear line about each that is bad."""

from typing import Any

from pydantic import ValidationError

from commands.console import fail
from server import Settings

BAD_SETTING = 2


def read() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        fail("\n".join(flaws(error)), code=BAD_SETTING)


def flaws(error: ValidationError) -> list[str]:
    """Which variable is bad, and what it must be. What it is is not said: it may hold a password."""
    return [f"PLENARY_{str(flaw['loc'][0]).upper()}: {_reason(flaw)}" for flaw in error.errors()]


def _reason(flaw: Any) -> str:
    raised = flaw.get("ctx", {}).get("error")
    return str(raised) if isinstance(raised, Exception) else flaw["msg"].replace("Input should", "must")
