"""Those who look at a community from outside."""

from models import MemberKind, MemberState, NetworkRole
from tests.client import Client
from tests.world import World


async def viewer(world: World, who: str) -> Client:
    """Somebody of each kind, belonging to no community."""
    if who == "NOBODY":
        return world.nobody
    if who == "KIOSK":
        return (await world.kiosk(await world.board(await world.community())))[0]
    if who == "STRANGER":
        return (await (await World.make(world.service, "Elsewhere")).person("Stranger")).client
    if who in {"OWNER", "ADMIN", "MODERATOR"}:
        return (await world.person(who, role=NetworkRole[who])).client
    person = await world.person(who, MemberKind.__members__.get(who, MemberKind.INTERNAL))
    if who == "DISABLED":
        await world.change(person.member, state=MemberState.DISABLED)
    if who == "EXPIRED":
        await world.change(person.member, expires_at=world.now)
    return person.client
