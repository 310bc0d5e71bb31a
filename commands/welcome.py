"""What a newcomer sees when the service has started: where to look, and as whom."""

from pathlib import Path

from rich.table import Table

from commands.console import out, say
from commands.demo.cast import PASSWORD
from commands.demo.record import Record

PAGE = "/graphiql"
OUTBOX = "/outbox"


def greet(address: str, found: Record | None, path: Path, *, has_page: bool) -> None:
    say(f"Plenary listens on {address}/graphql")
    say(f"Live feeds: {address.replace('http', 'ws', 1)}/graphql, protocol graphql-transport-ws")
    if has_page:
        say(f"GraphiQL, with a tab for each story: {address}{PAGE}")
        say(f"What would be mailed: {address}{OUTBOX}")
    if found:
        out.print(_sign_ins(found))
        say(f"The password of all: {PASSWORD}. Their tokens, and ids to ask for: {path}")
    say("Ctrl-C ends it.")


def _sign_ins(found: Record) -> Table:
    table = Table("Role", "Name", "E-mail")
    for sign_in in found.sign_ins:
        table.add_row(sign_in.role, sign_in.name, sign_in.email or "by its token")
    return table
