"""A session in a hall, with somebody of every kind."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from models import Admits, Community, CommunityRole, MemberKind, NetworkRole, Room, Session, Track
from tests.client import Client
from tests.world import Person, World

TIMES = {"startsAt": "2026-03-05T09:00:00Z", "endsAt": "2026-03-05T10:00:00Z"}
URL = "https://example.com/talk"
SCHEDULE = """query ($id: ID!, $mine: Boolean!) { schedule(networkId: $id, mine: $mine) {
  sessions(first: 20) { nodes { title } } overlaps { one { title } other { title } } ics } }"""
LIVE = """subscription ($id: ID!, $mine: Boolean!) { schedule(networkId: $id, mine: $mine) {
  __typename
  ... on Added { node { ...S } } ... on Changed { node { ...S } } ... on Counters { nodes { ...S } }
} }
fragment S on Session { title state changeNote startsAt room { name } expectedCount checkedInCount }"""


@dataclass
class Stage:
    world: World
    community: Community
    session: Session
    clients: dict[str, Client]
    people: dict[str, Person]


# Owner, manager, presenter, member; a guest on the panel; then those who do not belong.
WHO = ("OW", "MG", "PR", "ME", "GP", "NA", "IN", "EX", "GU", "AN")
ROLES = {
    "OW": CommunityRole.OWNER,
    "MG": CommunityRole.MANAGER,
    "PR": CommunityRole.PRESENTER,
    "ME": CommunityRole.MEMBER,
    "GP": CommunityRole.PRESENTER,
}
KINDS = {"GP": MemberKind.GUEST, "GU": MemberKind.GUEST, "EX": MemberKind.EXTERNAL}


async def furnish(world: World) -> Stage:
    """An open session, and somebody of every kind."""
    people = {
        who: await world.person(
            who, KINDS.get(who, MemberKind.INTERNAL), NetworkRole.ADMIN if who == "NA" else NetworkRole.MEMBER
        )
        for who in WHO
        if who != "AN"
    }
    community = await world.community("Talk", admits=Admits.EXTERNALS)
    for who, roles in ROLES.items():
        await world.belong(people[who], community, roles)
    session = await world.session(community)
    clients = {who: person.client for who, person in people.items()} | {"AN": world.nobody}
    return Stage(world, community, session, clients, people)


async def rows(world: World, what: Any, *where: Any) -> list[Any]:
    async with world.service.database.read() as session:
        return list(await session.scalars(select(what).where(*where)))


async def with_session(world: World, community: Community) -> None:
    """The community is that of a session, with all that a session may have."""
    track, room = [what(network_id=community.network_id, name=community.name) for what in (Track, Room)]
    await world.add(track, room)
    released = {"recording_url": URL, "replay_at": world.now}
    session = await world.session(community, track_id=track.id, room_id=room.id, **released)
    await world.speaker(f"Speaker of {community.name}", session)
