"""Inviting and signing up, as most tests of it do."""

from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from models import Account, Community, Member, Row
from tests import documents as do
from tests.client import Client
from tests.world import Person, World, gid

SIGN_UP = """mutation ($token: String!, $name: String!, $password: String!) {
  signUp(input: {token: $token, name: $name, password: $password}) {
    token account { email displayName } problems { code field rule message }
  }
}"""
NEW = "new@example.com"
PASSWORD = "a good long password"


async def invited(world: World, by: Person, email: str = NEW, **input: Any) -> tuple[str, str]:
    """The id and the token of a new invitation."""
    payload = await by.client.do(do.ADD_MEMBER, networkId=gid(world.network), input={"email": email, **input})
    return payload["invitation"]["id"], payload["token"]


def guest_input(world: World, email: str = NEW, *, days: float = 30, purpose: str = "The new pump") -> dict[str, str]:
    return {"email": email, "purpose": purpose, "staysUntil": (world.now + timedelta(days=days)).isoformat()}


async def guest_invited(world: World, by: Person, community: Community, email: str = NEW) -> tuple[str, str]:
    """As `invited`, of a guest."""
    payload = await by.client.do(do.INVITE_GUEST, communityId=gid(community), input=guest_input(world, email))
    return payload["invitation"]["id"], payload["token"]


async def sign_up(world: World, token: str, name: str = "Newcomer", password: str = PASSWORD) -> Any:
    return await world.nobody.payload(SIGN_UP, token=token, name=name, password=password)


async def only(world: World, table: type[Row], *where: Any) -> Any:
    async with world.service.database.read() as session:
        return (await session.scalars(select(table).where(*where))).one_or_none()


async def guest_of(world: World, by: Person, community: Community, email: str = NEW) -> Person:
    """Somebody who has accepted an invitation as a guest."""
    _, token = await guest_invited(world, by, community, email)
    await sign_up(world, token, "Gus")
    account = await only(world, Account, col(Account.email) == email)
    member = await only(world, Member, col(Member.principal_id) == account.principal_id)
    return Person("Gus", Client(world.service, account.principal_id), account, member)
