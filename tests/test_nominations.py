"""Nominations: whoever is in a community may ask that somebody be let in; those who manage it decide."""

from typing import Any

import pytest
from sqlmodel import col

from models import (
    Account,
    Admits,
    Community,
    CommunityRole,
    CommunityState,
    Invitation,
    Member,
    MemberKind,
    MembershipState,
    NetworkRole,
    Nomination,
    NominationState,
    Visibility,
)
from resolvers import policy
from resolvers.nominations import MOST
from tests import documents as do
from tests.client import Client
from tests.invited import NEW, only, sign_up
from tests.tables import table
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

PERSON = {"name": "Nora", "email": NEW, "reason": "She knows the pump", "organisation": "Works"}
LOOK = """query ($id: ID!) { node(id: $id) { ... on Nomination {
  state name declineReason nominator { name } invitation { id } viewerCan { decide { allowed } }
} } }"""
LISTED = "query ($id: ID!) { community(id: $id) { nominations(first: 9) { nodes { name } } } }"


@pytest.fixture
async def project(world: World, ann: Person) -> Community:
    return await world.community(owner=ann, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)


@pytest.fixture
async def gus(world: World, project: Community) -> Person:
    guest = await world.person("Gus", MemberKind.GUEST)
    await world.belong(guest, project)
    return guest


async def nominated(project: Community, by: Person) -> str:
    made = await by.client.do(do.NOMINATE_PERSON, communityId=gid(project), input=PERSON)
    id: str = made["nomination"]["id"]
    return id


def terms(world: World) -> dict[str, str]:
    return {"purpose": "The new pump", "staysUntil": "2026-04-01T00:00:00Z"}


# May nominate; sees the nomination of another, and decides it.
WHO = {
    "OWNER": "Y-ND",
    "MANAGER": "Y-ND",
    "RESPONDER": "Y",
    "PRESENTER": "Y",
    "MEMBER": "Y",
    "GUEST": "Y",
    "EXTERNAL": "Y",
    "GUEST as MANAGER": "Y",
    "nominator": "Y-N",
    "expired OWNER": "-",
    "administrator outside": "N",
    "colleague outside": "N",
    "guest outside": "-",
    "nobody": "-",
}


async def client_of(world: World, community: Community, who: str) -> Client:
    kind = next((kind for kind in MemberKind if who.upper().startswith(kind)), MemberKind.INTERNAL)
    role = NetworkRole.ADMIN if who.startswith("administrator") else NetworkRole.MEMBER
    person = await world.person("Who", kind, role)
    if not who.endswith("outside"):
        roles = CommunityRole.__members__.get(who.rpartition(" ")[2], CommunityRole.MEMBER)
        await world.belong(person, community, roles)
    if who.startswith("expired"):
        await world.change(person.member, expires_at=world.now)
    return person.client


@table(policy.nominate_person, policy.see_nomination, policy.decide_nomination, policy.read_decision)
@pytest.mark.parametrize("who", WHO)
async def test_who_nominates_and_who_decides(world: World, gus: Person, project: Community, who: str):
    id = await nominated(project, gus)
    if who in {"nobody", "nominator"}:
        client = world.nobody if who == "nobody" else gus.client
    else:
        client = await client_of(world, project, who)
    may, _, sees = WHO[who].partition("-") if WHO[who] != "-" else ("-", "", "")
    assert await answer(client, do.NOMINATE_PERSON, communityId=gid(project), input=PERSON) == may
    found = (await client.execute(LOOK, id=id)).data["node"]
    assert ("N" if found else "") + "D" * bool(found and found["viewerCan"]["decide"]["allowed"]) == sees
    declined = await answer(client, do.DECLINE_NOMINATION, nominationId=id, reason="Not now")
    assert declined == ("Y" if "D" in sees else "N" if sees else "-")
    found = (await client.execute(LOOK, id=id)).data["node"]
    assert (found and found["declineReason"]) == ("Not now" if "D" in sees else None)


async def test_a_nomination_becomes_an_invitation_and_then_a_guest(
    world: World, ann: Person, gus: Person, project: Community
):
    id = await nominated(project, gus)
    payload = await ann.client.do(do.ACCEPT_NOMINATION, nominationId=id, input=terms(world))
    invitation = await only(world, Invitation)
    assert (invitation.email, invitation.kind, invitation.inviter_id) == (NEW, MemberKind.GUEST, ann.member.id)
    assert (invitation.community_id, invitation.purpose) == (project.id, "The new pump")
    mine = (await gus.client.ask(LOOK, id=id))["node"]
    assert (mine["state"], mine["invitation"], mine["nominator"]) == ("ACCEPTED", None, {"name": "Gus"})
    theirs = (await ann.client.ask(LOOK, id=id))["node"]
    assert theirs["invitation"] == {"id": payload["invitation"]["id"]}
    assert (await sign_up(world, payload["token"], "Nora"))["problems"] == []
    account = await only(world, Account, col(Account.email) == NEW)
    member = await only(world, Member, col(Member.principal_id) == account.principal_id)
    assert (member.kind, member.sponsor_id) == (MemberKind.GUEST, ann.member.id)


async def test_who_nominated_learns_the_state_and_not_why(world: World, ann: Person, gus: Person, project: Community):
    id = await nominated(project, gus)
    declined = await ann.client.do(do.DECLINE_NOMINATION, nominationId=id, reason="She works for a rival")
    assert declined["nomination"]["declineReason"] == "She works for a rival"
    mine = (await gus.client.ask(LOOK, id=id))["node"]
    assert (mine["state"], mine["declineReason"]) == ("DECLINED", None)
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.ACCEPT_NOMINATION, nominationId=id, input=terms(world)) == "N"


async def test_a_guest_sees_their_own_nominations_alone(world: World, ann: Person, gus: Person, project: Community):
    other = await world.person("Other", MemberKind.GUEST)
    await world.belong(other, project)
    await nominated(project, gus)

    async def listed(person: Person) -> list[str]:
        found = (await person.client.ask(LISTED, id=gid(project)))["community"]["nominations"]["nodes"]
        return [node["name"] for node in found]

    assert [await listed(person) for person in (ann, gus, other)] == [["Nora"], ["Nora"], []]


async def test_what_is_wrong_with_an_acceptance_leaves_the_nomination_open(
    world: World, ann: Person, gus: Person, project: Community
):
    id = await nominated(project, gus)
    async with nothing_happens(world.service):
        for change, field in (({"purpose": " "}, "purpose"), ({"staysUntil": "2026-09-01T00:00:00Z"}, "staysUntil")):
            input = terms(world) | change
            problem = await ann.client.problem(do.ACCEPT_NOMINATION, nominationId=id, input=input)
            assert problem["field"] == ["input", field]
    assert (await only(world, Nomination)).state is NominationState.PENDING


async def test_nobody_is_let_in_as_a_guest_where_guests_are_not_admitted(world: World, ann: Person, bob: Person):
    community = await world.community(owner=ann)
    await world.belong(bob, community)
    id = await nominated(community, bob)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.ACCEPT_NOMINATION, nominationId=id, input=terms(world))
    assert problem["rule"] == "not_admitted_here"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"email": "nobody"}, ["email"]),
        ({"reason": "x" * 501}, ["reason"]),
        (
            {"name": "x" * 101, "email": "", "organisation": " ", "reason": ""},
            ["name", "email", "organisation", "reason"],
        ),
    ],
    ids=["nameless", "no e-mail", "long reason", "everything"],
)
async def test_all_that_is_wrong_with_a_nomination_is_said_at_once(
    world: World, gus: Person, project: Community, change: dict[str, str], fields: list[str]
):
    async with nothing_happens(world.service):
        payload = await gus.client.payload(do.NOMINATE_PERSON, communityId=gid(project), input=PERSON | change)
    assert [problem["field"] for problem in payload["problems"]] == [["input", field] for field in fields]


async def test_nobody_floods_those_who_decide(world: World, ann: Person, gus: Person, project: Community):
    variables: dict[str, Any] = {"communityId": gid(project), "input": PERSON}
    ids = [await nominated(project, gus) for _ in range(MOST)]
    async with nothing_happens(world.service):
        assert await answer(gus.client, do.NOMINATE_PERSON, **variables) == "CONFLICT"
    await ann.client.do(do.DECLINE_NOMINATION, nominationId=ids[0], reason="Not now")
    assert await answer(gus.client, do.NOMINATE_PERSON, **variables) == "Y"


async def test_nobody_nominates_into_an_archive_and_nobody_who_has_left(
    world: World, gus: Person, bob: Person, project: Community
):
    await world.belong(bob, project, state=MembershipState.LEFT)
    variables: dict[str, Any] = {"communityId": gid(project), "input": PERSON}
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.NOMINATE_PERSON, **variables) == "N"
    await world.change(project, state=CommunityState.ARCHIVED)
    async with nothing_happens(world.service):
        assert await answer(gus.client, do.NOMINATE_PERSON, **variables) == "N"
