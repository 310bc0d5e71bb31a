"""Guests: invited by those who manage a community, each with a sponsor, a purpose and an end (table D4)."""

from typing import Any

import pytest
from sqlmodel import col

from models import (
    Admits,
    Community,
    CommunityRole,
    CommunityState,
    Invitation,
    MemberKind,
    Membership,
    MembershipState,
    NetworkRole,
    Visibility,
)
from resolvers import policy
from tests import documents as do
from tests.client import Client
from tests.conftest import ManualClock
from tests.invited import guest_input, guest_invited, guest_of, only, sign_up
from tests.memberships import state_of
from tests.tables import table
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

TERMS = """query ($id: ID!) { node(id: $id) { ... on Member {
  kind purpose expiresAt sponsor { name } network { name }
} } }"""


@pytest.fixture
async def project(world: World, ann: Person) -> Community:
    return await world.community(owner=ann, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)


async def test_a_guest_comes_with_a_sponsor_a_purpose_and_an_end(world: World, ann: Person, project: Community):
    guest = await guest_of(world, ann, project)
    until = guest_input(world)["staysUntil"]
    told = {"kind": "GUEST", "purpose": "The new pump", "expiresAt": until, "sponsor": {"name": "Ann"}}
    for client in (ann.client, guest.client):
        assert (await client.ask(TERMS, id=guest.id))["node"] == told | {"network": {"name": "Halden"}}
    assert await state_of(world, project, guest) is MembershipState.ACTIVE


async def test_other_guests_do_not_learn_who_vouches_for_one_and_what_for(
    world: World, ann: Person, project: Community
):
    guest, other = await guest_of(world, ann, project), await guest_of(world, ann, project, "other@example.com")
    untold = {"kind": "GUEST", "purpose": None, "expiresAt": None, "sponsor": None, "network": {"name": "Halden"}}
    assert (await other.client.ask(TERMS, id=guest.id))["node"] == untold


# --- who invites guests ----------------------------------------------------------------------------------------------

INVITE = {
    "OWNER": "Y",
    "MANAGER": "Y",
    "RESPONDER": "N",
    "PRESENTER": "N",
    "MEMBER": "N",
    "GUEST": "N",
    "EXTERNAL as OWNER": "N",
    "expired OWNER": "-",
    "administrator outside": "N",
    "colleague outside": "N",
    "guest outside": "-",
    "nobody": "-",
}


async def client_of(world: World, community: Community, who: str) -> Client:
    if who == "nobody":
        return world.nobody
    kind = next((kind for kind in MemberKind if who.upper().startswith(kind)), MemberKind.INTERNAL)
    role = NetworkRole.ADMIN if who.startswith("administrator") else NetworkRole.MEMBER
    person = await world.person("Who", kind, role)
    if not who.endswith("outside"):
        await world.belong(
            person, community, CommunityRole.__members__.get(who.rsplit(maxsplit=1)[-1], CommunityRole.MEMBER)
        )
    if who.startswith("expired"):
        await world.change(person.member, expires_at=world.now)
    return person.client


@table(policy.invite_guest)
@pytest.mark.parametrize("who", INVITE)
async def test_guests_are_invited_by_those_who_manage_the_community(world: World, project: Community, who: str):
    client = await client_of(world, project, who)
    variables: dict[str, Any] = {"communityId": gid(project), "input": guest_input(world)}
    if INVITE[who] == "Y":
        assert await answer(client, do.INVITE_GUEST, **variables) == "Y"
    else:
        async with nothing_happens(world.service):
            assert await answer(client, do.INVITE_GUEST, **variables) == INVITE[who]


@pytest.mark.parametrize(
    ("admits", "answered"), [(Admits.INTERNALS, "N"), (Admits.GUESTS, "Y"), (Admits.EXTERNALS, "Y")]
)
async def test_guests_are_invited_where_guests_are_admitted(world: World, ann: Person, admits: Admits, answered: str):
    community = await world.community(owner=ann, admits=admits, visibility=Visibility.PRIVATE)
    variables: dict[str, Any] = {"communityId": gid(community), "input": guest_input(world)}
    assert await answer(ann.client, do.INVITE_GUEST, **variables) == answered


async def test_nobody_is_invited_into_an_archive(world: World, ann: Person, project: Community):
    await world.change(project, state=CommunityState.ARCHIVED)
    async with nothing_happens(world.service):
        variables: dict[str, Any] = {"communityId": gid(project), "input": guest_input(world)}
        assert await answer(ann.client, do.INVITE_GUEST, **variables) == "N"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"email": "nobody"}, ["email"]),
        ({"purpose": "  "}, ["purpose"]),
        ({"purpose": "x" * 501}, ["purpose"]),
        ({"staysUntil": "2026-03-02T10:00:00"}, ["staysUntil"]),
        ({"staysUntil": "2026-03-02T09:00:00.123456Z"}, ["staysUntil"]),
        ({"staysUntil": "2026-05-31T09:00:00.123457Z"}, ["staysUntil"]),
        ({"email": "", "purpose": "", "staysUntil": "2300-01-01T00:00:00Z"}, ["email", "purpose", "staysUntil"]),
    ],
    ids=["no e-mail", "no purpose", "long purpose", "no time zone", "now", "over the longest stay", "everything"],
)
async def test_all_that_is_wrong_with_a_guests_invitation_is_said(
    world: World, ann: Person, project: Community, change: dict[str, str], fields: list[str]
):
    input = guest_input(world) | change
    async with nothing_happens(world.service):
        payload = await ann.client.payload(do.INVITE_GUEST, communityId=gid(project), input=input)
    assert {problem["code"] for problem in payload["problems"]} == {"INVALID"}
    assert [problem["field"] for problem in payload["problems"]] == [["input", field] for field in fields]


async def test_guests_stay_as_long_as_the_network_lets_them(
    world: World, owner: Person, ann: Person, project: Community
):
    async def invited(days: float) -> str:
        input = guest_input(world, f"{days}@example.com", days=days)
        return await answer(ann.client, do.INVITE_GUEST, communityId=gid(project), input=input)

    assert [await invited(90), await invited(91)] == ["Y", "INVALID"]
    changed = await owner.client.do(do.UPDATE_NETWORK, networkId=gid(world.network), input={"guestDaysMost": 7})
    assert changed["network"]["guestDaysMost"] == 7
    assert [await invited(7), await invited(8)] == ["Y", "INVALID"]
    async with nothing_happens(world.service):
        for days in (0, 367):
            input = {"guestDaysMost": days}
            problem = await owner.client.problem(do.UPDATE_NETWORK, networkId=gid(world.network), input=input)
            assert problem["field"] == ["input", "guestDaysMost"]


async def test_an_invitation_does_not_outlive_the_stay_that_it_is_for(
    world: World, clock: ManualClock, ann: Person, project: Community
):
    input = guest_input(world, days=1)
    payload = await ann.client.do(do.INVITE_GUEST, communityId=gid(project), input=input)
    assert payload["invitation"]["expiresAt"] == input["staysUntil"]
    clock.advance(days=1)
    async with nothing_happens(world.service):
        assert (await sign_up(world, payload["token"]))["problems"] != []


# --- who sees an invitation ------------------------------------------------------------------------------------------


@table(policy.see_invitation, policy.revoke_invitation)
@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.HIDDEN])
async def test_an_invitation_is_seen_by_who_manages_the_community_and_by_administrators_who_may_know_of_it(
    world: World, owner: Person, ann: Person, bob: Person, visibility: Visibility
):
    community = await world.community(owner=ann, admits=Admits.GUESTS, visibility=visibility)
    await world.belong(bob, community)
    manager = await world.person("Manager")
    await world.belong(manager, community, CommunityRole.MANAGER)
    id, _ = await guest_invited(world, ann, community)
    people = {"owner": ann, "manager": manager, "member": bob, "administrator": owner}
    seen = {who for who, person in people.items() if not (await person.client.execute(do.NODE, id=id)).errors}
    assert seen == {"owner", "manager"} | ({"administrator"} if visibility is Visibility.PRIVATE else set())
    assert await answer(bob.client, do.REVOKE_INVITATION, invitationId=id) == "-"
    assert await answer(manager.client, do.REVOKE_INVITATION, invitationId=id) == "Y"


# --- what guests are not ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["OWNER", "MANAGER", "RESPONDER"])
async def test_a_guest_has_no_role_of_colleagues(world: World, ann: Person, project: Community, role: str):
    guest = await guest_of(world, ann, project)
    membership = await only(world, Membership, col(Membership.member_id) == guest.member.id)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.CHANGE_ROLES, membershipId=gid(membership), roles=[role])
    assert problem["rule"] == "not_admitted_here"


async def test_a_guest_of_one_community_is_invited_into_another_and_stays_as_long_as_before(
    world: World, ann: Person, bob: Person, project: Community
):
    guest = await guest_of(world, ann, project)
    other = await world.community(owner=bob, admits=Admits.GUESTS, visibility=Visibility.HIDDEN)
    input = guest_input(world, days=60, purpose="Another pump")
    token = (await bob.client.do(do.INVITE_GUEST, communityId=gid(other), input=input))["token"]
    assert await answer(guest.client, do.ACCEPT_INVITATION, token=token) == "Y"
    assert await state_of(world, other, guest) is MembershipState.ACTIVE
    assert await world.fresh(guest.member) == guest.member
    assert (await only(world, Invitation, col(Invitation.community_id) == other.id)).state == "ACCEPTED"


async def test_a_colleague_does_not_become_a_guest_by_an_invitation(
    world: World, ann: Person, bob: Person, project: Community
):
    _, token = await guest_invited(world, ann, project, bob.account.email)
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.ACCEPT_INVITATION, token=token) == "CONFLICT"


async def test_the_time_of_a_guest_is_never_without_end(world: World, owner: Person, ann: Person, project: Community):
    guest = await guest_of(world, ann, project)
    async with nothing_happens(world.service):
        assert await answer(owner.client, do.CHANGE_MEMBER_EXPIRY, memberId=guest.id) == "INVALID"
        late = "2026-06-30T00:00:00Z"
        assert await answer(owner.client, do.CHANGE_MEMBER_EXPIRY, memberId=guest.id, expiresAt=late) == "INVALID"


async def test_a_guest_who_is_hired_needs_no_sponsor(world: World, owner: Person, ann: Person, project: Community):
    guest = await guest_of(world, ann, project)
    assert await answer(owner.client, do.CHANGE_MEMBER_KIND, memberId=guest.id, kind="INTERNAL") == "Y"
    member = await world.fresh(guest.member)
    assert (member.kind, member.sponsor_id, member.purpose, member.expires_at) == (
        MemberKind.INTERNAL,
        None,
        None,
        None,
    )
