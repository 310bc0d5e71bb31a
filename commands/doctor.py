"""Say what is wrong, and what to do about it."""

import asyncio

import typer
from pydantic import ValidationError

from commands import checks
from commands.checks import Finding
from commands.console import out, say
from commands.settings import BAD_SETTING, flaws
from server import Settings


def doctor() -> None:
    """Check settings, database, migrations, head row, broker and mail server: a line each, and what to do.

    Exits with 1 if there is a problem, with 2 if it is a setting.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        for flaw in flaws(error):
            _tell(Finding("settings", flaw, "correct the variable"))
        raise typer.Exit(BAD_SETTING) from None
    findings = [Finding("settings", f"good, for {settings.environment}"), *asyncio.run(_examine(settings))]
    for finding in findings:
        _tell(finding)
    if any(finding.remedy for finding in findings):
        raise typer.Exit(1)


async def _examine(settings: Settings) -> list[Finding]:
    """What stands on a missing database is not looked at."""
    findings = [await checks.database(settings)]
    if not findings[0].remedy:
        findings.append(await checks.tables(settings))
    if not findings[-1].remedy:
        findings += [await checks.head(settings), await checks.letters(settings)]
    return [*findings, await checks.broker(settings), await checks.mail(settings)]


def _tell(finding: Finding) -> None:
    out.print("[red]problem[/]" if finding.remedy else "[green]ok[/]     ", end="  ")
    say(f"{finding.subject:10}  {finding.found}" + (f": {finding.remedy}" if finding.remedy else ""))
