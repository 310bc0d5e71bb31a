"""Administering members: table D9, as far as it is about them."""

from datetime import timedelta
from typing import Any

import pytest

from models import (
    Admits,
    CommunityRole,
    EndedReason,
    Kind,
    MemberKind,
    MembershipState,
    MemberState,
    NetworkRole,
    Visibility,
)
from realtime import topics
from resolvers import policy
from tests import documents as do
from tests.memberships import state_of
from tests.tables import table
from tests.traces import answer, changes
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

# What is done to a plain member, by the deed.
DEEDS: dict[str, tuple[str, dict[str, Any]]] = {
    "make an administrator": (do.CHANGE_MEMBER_ROLE, {"role": "ADMIN"}),
    "make an external": (do.CHANGE_MEMBER_KIND, {"kind": "EXTERNAL"}),
    "let go at a moment": (do.CHANGE_MEMBER_EXPIRY, {"expiresAt": "2026-04-01T00:00:00Z"}),
    "disable": (do.DISABLE, {}),
    "enable": (do.ENABLE, {}),
}
WHO = ("OWNER", "ADMIN", "MODERATOR", "MEMBER", "external ADMIN", "guest OWNER", "expired OWNER", "self")
D9 = {deed: dict(zip(WHO, ["Y", "Y", "N", "N", "-", "-", "-", "N"], strict=True)) for deed in DEEDS}
D9["enable"]["self"] = "-"  # whoever is disabled sees nothing


async def actor(world: World, who: str) -> Person:
    *adjective, role = who.split()
    kind = {"external": MemberKind.EXTERNAL, "guest": MemberKind.GUEST}.get("".join(adjective), MemberKind.INTERNAL)
    person = await world.person("Actor", kind, NetworkRole[role])
    if who.startswith("expired"):
        await world.change(person.member, expires_at=world.now)
    return person


@table(policy.administer_member)
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("who", WHO)
async def test_members_are_changed_by_those_who_administer_the_network(world: World, bob: Person, who: str, deed: str):
    document, variables = DEEDS[deed]
    by = bob if who == "self" else await actor(world, who)
    if deed == "enable":
        await world.change(bob.member, state=MemberState.DISABLED)
    if D9[deed][who] == "Y":
        assert await answer(by.client, document, memberId=bob.id, **variables) == "Y"
        (told,) = await changes(world.service, bob.member)
        assert (told.kind, told.topics) == (Kind.RIGHTS, [topics.person(bob.principal_id)])
    else:
        async with nothing_happens(world.service):
            assert await answer(by.client, document, memberId=bob.id, **variables) == D9[deed][who]


# --- roles -----------------------------------------------------------------------------------------------------------


async def test_owners_are_made_and_unmade_by_owners_and_one_stays(world: World, owner: Person, bob: Person):
    admin = await world.person("Admin", role=NetworkRole.ADMIN)

    async def give(by: Person, to: Person, role: str) -> str:
        return await answer(by.client, do.CHANGE_MEMBER_ROLE, memberId=to.id, role=role)

    async with nothing_happens(world.service):
        problem = await admin.client.problem(do.CHANGE_MEMBER_ROLE, memberId=bob.id, role="OWNER")
        assert problem["rule"] == "owners_are_made_by_owners"
        assert await give(admin, owner, "MEMBER") == "N"
        assert await give(owner, owner, "ADMIN") == "CONFLICT"
    assert await give(owner, bob, "OWNER") == "Y"
    assert await give(bob, owner, "MEMBER") == "Y"
    assert await give(owner, bob, "MEMBER") == "N"


@pytest.mark.parametrize("kind", [MemberKind.EXTERNAL, MemberKind.GUEST])
async def test_only_internal_members_administer(world: World, owner: Person, kind: MemberKind):
    other = await world.person("Other", kind)
    async with nothing_happens(world.service):
        problem = await owner.client.problem(do.CHANGE_MEMBER_ROLE, memberId=other.id, role="MODERATOR")
    assert (problem["code"], problem["field"]) == ("INVALID", ["role"])


# --- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GUEST", "SERVICE"])
async def test_nobody_becomes_a_guest_or_a_service_by_being_called_one(
    world: World, owner: Person, bob: Person, kind: str
):
    async with nothing_happens(world.service):
        problem = await owner.client.problem(do.CHANGE_MEMBER_KIND, memberId=bob.id, kind=kind)
    assert (problem["code"], problem["field"]) == ("INVALID", ["kind"])


@pytest.mark.parametrize(
    ("admits", "visibility", "roles", "state", "answered"),
    [
        (Admits.EXTERNALS, Visibility.OPEN, CommunityRole.MEMBER, MembershipState.ACTIVE, "Y"),
        (Admits.EXTERNALS, Visibility.OPEN, CommunityRole.PRESENTER, MembershipState.ACTIVE, "Y"),
        (Admits.EXTERNALS, Visibility.OPEN, CommunityRole.MANAGER, MembershipState.ACTIVE, "CONFLICT"),
        (Admits.GUESTS, Visibility.PRIVATE, CommunityRole.MEMBER, MembershipState.ACTIVE, "CONFLICT"),
        (Admits.INTERNALS, Visibility.OPEN, CommunityRole.MEMBER, MembershipState.ACTIVE, "CONFLICT"),
        (Admits.INTERNALS, Visibility.OPEN, CommunityRole.MEMBER, MembershipState.INVITED, "CONFLICT"),
        (Admits.INTERNALS, Visibility.OPEN, CommunityRole.MEMBER, MembershipState.LEFT, "Y"),
    ],
)
async def test_nobody_becomes_what_a_community_of_theirs_does_not_admit(
    world: World,
    owner: Person,
    bob: Person,
    admits: Admits,
    visibility: Visibility,
    roles: CommunityRole,
    state: MembershipState,
    answered: str,
):
    community = await world.community(owner=owner, admits=admits, visibility=visibility)
    await world.belong(bob, community, roles, state)
    assert await answer(owner.client, do.CHANGE_MEMBER_KIND, memberId=bob.id, kind="EXTERNAL") == answered
    assert await state_of(world, community, bob) is state


async def test_who_administers_stays_internal(world: World, owner: Person):
    admin = await world.person("Admin", role=NetworkRole.ADMIN)
    async with nothing_happens(world.service):
        assert await answer(owner.client, do.CHANGE_MEMBER_KIND, memberId=admin.id, kind="EXTERNAL") == "CONFLICT"


async def test_who_becomes_an_external_has_no_part_in_tasks_any_more(world: World, owner: Person, bob: Person):
    assigned = {"assigneeId": bob.id, "title": "Sort it out"}
    task = (await owner.client.do(do.CREATE_TASK, networkId=gid(world.network), input=assigned))["task"]["id"]
    await owner.client.do(do.CHANGE_MEMBER_KIND, memberId=bob.id, kind="EXTERNAL")
    assert await bob.client.refused(do.NODE, id=task) == "NOT_FOUND"


# --- disabling and enabling ------------------------------------------------------------------------------------------


async def test_who_is_enabled_again_is_in_the_network_and_in_no_community(world: World, owner: Person, bob: Person):
    community = await world.community(owner=owner)
    await world.belong(bob, community)
    await owner.client.do(do.DISABLE, memberId=bob.id)
    member = await world.fresh(bob.member)
    assert (member.ended_at, member.ended_reason) == (world.now, EndedReason.DISABLED)
    enabled = (await owner.client.do(do.ENABLE, memberId=bob.id))["member"]
    assert (enabled["state"], enabled["endedAt"], enabled["endedReason"]) == ("ACTIVE", None, None)
    assert (await bob.client.ask("{ viewer { networks { name } } }"))["viewer"]["networks"] == [{"name": "Halden"}]
    assert await state_of(world, community, bob) is MembershipState.LEFT


@pytest.mark.parametrize("why", ["active", "a guest", "left", "expired meanwhile", "an owner by an administrator"])
async def test_who_is_not_enabled(world: World, owner: Person, why: str):
    kind = MemberKind.GUEST if why == "a guest" else MemberKind.INTERNAL
    role = NetworkRole.OWNER if why.startswith("an owner") else NetworkRole.MEMBER
    other = await world.person("Other", kind, role)
    by = await world.person("Admin", role=NetworkRole.ADMIN) if why.startswith("an owner") else owner
    state = {"active": MemberState.ACTIVE, "left": MemberState.LEFT}.get(why, MemberState.DISABLED)
    await world.change(other.member, state=state, expires_at=world.now if why.startswith("expired") else None)
    async with nothing_happens(world.service):
        answered = "N" if why.startswith("an owner") else "CONFLICT"
        assert await answer(by.client, do.ENABLE, memberId=other.id) == answered


@pytest.mark.parametrize("why", ["in grace", "expired"])
async def test_nobody_comes_back_by_another_kind_or_another_end(world: World, owner: Person, why: str):
    gus = await world.person("Gus", MemberKind.GUEST)
    ends = {"state": MemberState.GRACE, "expires_at": world.now + timedelta(days=1)}
    await world.change(gus.member, **(ends if why == "in grace" else {"expires_at": world.now}))
    later = (world.now + timedelta(days=2)).isoformat()
    async with nothing_happens(world.service):
        assert await answer(owner.client, do.CHANGE_MEMBER_KIND, memberId=gus.id, kind="INTERNAL") == "CONFLICT"
        assert await answer(owner.client, do.CHANGE_MEMBER_EXPIRY, memberId=gus.id, expiresAt=later) == "CONFLICT"
