"""Inviting into a network: who may, whom, and who sees it."""

import hashlib
from typing import Any

import pytest

from models import Admits, Invitation, MemberKind, NetworkRole, Visibility
from resolvers import policy
from resolvers.invitations import LIFETIME
from tests import documents as do
from tests.invited import NEW, invited, only
from tests.tables import table
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid


async def test_an_invitation_tells_its_token_once_and_keeps_its_hash(world: World, owner: Person):
    payload = await owner.client.do(do.ADD_MEMBER, networkId=gid(world.network), input={"email": " New@Example.com "})
    made = payload["invitation"]
    assert (made["email"], made["kind"], made["role"], made["state"]) == (NEW, "INTERNAL", "MEMBER", "PENDING")
    assert made["inviter"] == {"name": "Owner"}
    assert made["network"] == {"id": gid(world.network)}
    assert made["community"] is None
    assert made["expiresAt"] == (world.now + LIFETIME).isoformat()
    row = await only(world, Invitation)
    assert row.token_hash == hashlib.sha256(payload["token"].encode()).digest()
    assert payload["token"] not in repr(row.model_dump())


@table(policy.administer_network)
@pytest.mark.parametrize(
    ("role", "kind", "answered"),
    [
        (NetworkRole.OWNER, MemberKind.INTERNAL, "Y"),
        (NetworkRole.ADMIN, MemberKind.INTERNAL, "Y"),
        (NetworkRole.MODERATOR, MemberKind.INTERNAL, "N"),
        (NetworkRole.MEMBER, MemberKind.INTERNAL, "N"),
        (NetworkRole.ADMIN, MemberKind.EXTERNAL, "N"),
        (NetworkRole.OWNER, MemberKind.GUEST, "N"),
        (NetworkRole.MEMBER, MemberKind.GUEST, "N"),
        (None, None, "-"),
    ],
)
async def test_members_are_added_by_those_who_administer_the_network(
    world: World, role: NetworkRole | None, kind: MemberKind | None, answered: str
):
    client = (await world.person("Actor", kind, role)).client if role and kind else world.nobody
    if answered == "Y":
        assert await answer(client, do.ADD_MEMBER, networkId=gid(world.network), input={"email": NEW}) == "Y"
    else:
        async with nothing_happens(world.service):
            assert await answer(client, do.ADD_MEMBER, networkId=gid(world.network), input={"email": NEW}) == answered


@pytest.mark.parametrize(
    ("input", "fields"),
    [
        ({"email": "nobody"}, ["email"]),
        ({"email": "a@b@c"}, ["email"]),
        ({"email": f"{chr(0xD800)}@example.com"}, ["email"]),
        ({"email": NEW, "kind": "SERVICE"}, ["kind"]),
        ({"email": NEW, "kind": "GUEST"}, ["kind"]),
        ({"email": NEW, "kind": "EXTERNAL", "role": "ADMIN"}, ["role"]),
        ({"email": "", "kind": "GUEST", "role": "OWNER"}, ["email", "kind", "role"]),
    ],
    ids=["no e-mail", "two ats", "surrogate", "service", "guest", "external admin", "everything"],
)
async def test_all_that_is_wrong_with_an_invitation_is_said_at_once(
    world: World, owner: Person, input: Any, fields: list[str]
):
    async with nothing_happens(world.service):
        payload = await owner.client.payload(do.ADD_MEMBER, networkId=gid(world.network), input=input)
    assert {problem["code"] for problem in payload["problems"]} == {"INVALID"}
    assert [problem["field"] for problem in payload["problems"]] == [["input", field] for field in fields]


async def test_owners_are_made_by_owners(world: World, owner: Person):
    admin = await world.person("Admin", role=NetworkRole.ADMIN)
    async with nothing_happens(world.service):
        problem = await admin.client.problem(
            do.ADD_MEMBER, networkId=gid(world.network), input={"email": NEW, "role": "OWNER"}
        )
    assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "owners_are_made_by_owners")
    assert await invited(world, owner, role="OWNER")


@pytest.mark.parametrize(
    ("admits", "kind", "answered"),
    [
        (Admits.INTERNALS, "INTERNAL", "Y"),
        (Admits.INTERNALS, "EXTERNAL", "N"),
        (Admits.GUESTS, "INTERNAL", "Y"),
        (Admits.GUESTS, "EXTERNAL", "N"),
        (Admits.EXTERNALS, "EXTERNAL", "Y"),
        (Admits.EXTERNALS, "INTERNAL", "Y"),
    ],
)
async def test_an_invitation_into_a_community_is_for_whom_it_admits(
    world: World, owner: Person, admits: Admits, kind: str, answered: str
):
    community = await world.community(owner=owner, admits=admits, visibility=Visibility.PRIVATE)
    input = {"email": NEW, "kind": kind, "communityId": gid(community)}
    if answered == "Y":
        assert await answer(owner.client, do.ADD_MEMBER, networkId=gid(world.network), input=input) == "Y"
    else:
        async with nothing_happens(world.service):
            problem = await owner.client.problem(do.ADD_MEMBER, networkId=gid(world.network), input=input)
        assert problem["rule"] == "not_admitted_here"


async def test_nobody_invites_into_a_community_that_they_do_not_manage(world: World, owner: Person):
    other = await world.person("Other")
    open_, hidden = await world.community(owner=other), await world.community(owner=other, visibility=Visibility.HIDDEN)
    async with nothing_happens(world.service):
        for community, answered in ((open_, "N"), (hidden, "-")):
            input = {"email": NEW, "communityId": gid(community)}
            assert await answer(owner.client, do.ADD_MEMBER, networkId=gid(world.network), input=input) == answered
        assert await answer(other.client, do.ADD_MEMBER, networkId=gid(world.network), input=input) == "N"


@table(policy.see_invitation, policy.revoke_invitation)
@pytest.mark.parametrize(
    ("role", "kind", "sees"),
    [
        (NetworkRole.OWNER, MemberKind.INTERNAL, True),
        (NetworkRole.ADMIN, MemberKind.INTERNAL, True),
        (NetworkRole.MODERATOR, MemberKind.INTERNAL, False),
        (NetworkRole.MEMBER, MemberKind.INTERNAL, False),
        (NetworkRole.ADMIN, MemberKind.GUEST, False),
    ],
)
async def test_invitations_are_seen_and_revoked_by_those_who_administer_the_network(
    world: World, owner: Person, role: NetworkRole, kind: MemberKind, sees: bool
):
    invitation_id, _ = await invited(world, owner)
    actor = await world.person("Actor", kind, role)
    listed = "query ($id: ID!) { network(id: $id) { invitations(first: 5) { nodes { id } } } }"
    network = (await actor.client.ask(listed, id=gid(world.network)))["network"]
    assert network["invitations"]["nodes"] == ([{"id": invitation_id}] if sees else [])
    if sees:
        assert (await actor.client.do(do.REVOKE_INVITATION, invitationId=invitation_id))["invitation"][
            "state"
        ] == "REVOKED"
    else:
        async with nothing_happens(world.service):
            assert await answer(actor.client, do.REVOKE_INVITATION, invitationId=invitation_id) == "-"
            assert await actor.client.refused(do.NODE, id=invitation_id) == "NOT_FOUND"
