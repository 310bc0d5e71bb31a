"""Make an account by hand: the first one of a network, which nobody can invite."""

import asyncio
import sys
from typing import Annotated

import typer

from commands import checks, founding, settings
from commands.console import fail, say
from commands.means import lent
from models import Account, Member, NetworkRole
from resolvers.context import Context
from resolvers.errors import Conflict, Invalid
from resolvers.form import form
from schema.base import global_id
from server import Settings

BAD_INPUT = 2


def create_account(
    email: Annotated[str, typer.Option(help="Where mail reaches them; they sign in with it.")],
    name: Annotated[str, typer.Option(help="What they are called.")],
    network: Annotated[str, typer.Option(help="The network they belong to; made if there is none of this name.")],
    role: Annotated[NetworkRole, typer.Option(help="What they administer there.")] = NetworkRole.OWNER,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the standard input.")
    ] = False,
) -> None:
    """Make an account and its membership of a network, and print their ids.

    Somebody who has an account keeps it and its password, and becomes a member of the network too.
    """
    known = settings.read()
    try:
        with form() as check:
            email, name = check.email("email", email), check.text("name", name, most=100)
            network = check.text("network", network, most=100)
        asyncio.run(checks.demand(known))
        password = "" if asyncio.run(_has_account(known, email)) else _password(from_stdin=password_stdin)
        asyncio.run(_create(known, email=email, name=name, network=network, role=role, password=password))
    except Invalid as invalid:
        fail(invalid.message, code=BAD_INPUT)
    except Conflict as conflict:
        fail(conflict.message)


def _password(*, from_stdin: bool) -> str:
    """As it is typed: white space counts."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    with form() as check:
        check.password("password", password)
    return password


async def _has_account(known: Settings, email: str) -> bool:
    async with lent(known) as means, Context(means).reading() as db:
        return await db.find(Account, Account.email == email) is not None


async def _create(known: Settings, *, email: str, name: str, network: str, role: NetworkRole, password: str) -> None:
    async with lent(known) as means:
        password_hash = await means.passwords.hash(password)
        async with Context(means).transaction() as tx:
            home = await founding.network(tx, network)
            account = await founding.account(tx, email=email, name=name, password_hash=password_hash)
            if await tx.find(Member, Member.network_id == home.id, Member.principal_id == account.principal_id):
                raise Conflict(f"{email} is a member of {network} already.")
            member = await founding.member(tx, home, account, name=name, role=role)
    for row in (account, home, member):
        say(f"{row.noun:8} {global_id(row.noun, row.id)}")
