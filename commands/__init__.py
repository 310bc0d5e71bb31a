"""The console program `plenary`: run the service, fill it, look after it."""

from importlib.metadata import version
from typing import Annotated

import typer

from commands import (
    create_account,
    demo,
    doctor,
    documents,
    export_schema,
    import_attendees,
    import_schedule,
    migrate,
    outbox,
    qr_sheets,
    report,
    serve,
)
from commands.console import out

app = typer.Typer(
    name="plenary",
    help="Plenary: an enterprise social network behind one GraphQL API, with live subscriptions.",
    epilog="Settings: PLENARY_DATABASE_URL, PLENARY_BROKER_URL, PLENARY_SECRET_KEY, PLENARY_ENVIRONMENT, "
    "PLENARY_TRUSTED_ADDRESSES, PLENARY_JOIN_URL, PLENARY_TRUSTED_DOCUMENTS, PLENARY_ALLOWED_ORIGINS, "
    "PLENARY_LOG_FORMAT, PLENARY_LOG_LEVEL, PLENARY_METRICS_TOKEN, PLENARY_OTLP_ENDPOINT, "
    "PLENARY_SMTP_URL, PLENARY_MAIL_FROM, PLENARY_MAIL_LOCALE, PLENARY_APP_URL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would show what variables held: tokens, passwords
)
app.command()(serve.serve)
app.command()(demo.demo)
app.command()(migrate.migrate)
app.command()(create_account.create_account)
app.command()(import_schedule.import_schedule)
app.command()(import_attendees.import_attendees)
app.command()(qr_sheets.qr_sheets)
app.command()(export_schema.export_schema)
app.command()(report.report)
app.add_typer(documents.app)
app.add_typer(outbox.app)
app.command()(doctor.doctor)


def _tell_version(is_asked: bool) -> None:  # noqa: FBT001 - Typer's form of a callback
    if is_asked:
        out.print(f"plenary {version('plenary')}")
        raise typer.Exit


@app.callback()
def program(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    app()
