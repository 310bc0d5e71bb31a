import asyncio
import hashlib
import logging
from typing import Any

import pytest
from sqlmodel import col, select

from models import (
    Account,
    Admits,
    CommunityRole,
    CommunityState,
    Invitation,
    InvitationState,
    Kind,
    Member,
    MemberKind,
    Membership,
    MembershipState,
    MemberState,
    NetworkRole,
    Row,
    Visibility,
)
from resolvers import policy
from resolvers.invitations import LIFETIME
from tests import documents as do
from tests.client import Client
from tests.conftest import ManualClock
from tests.documents import mutation
from tests.tables import table
from tests.traces import answer, changes
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

ADD = mutation(
    "addMember",
    "networkId: ID!, input: AddMemberInput!",
    "token invitation { id email kind role state expiresAt inviter { name } community { id } network { id } }",
)
REVOKE = mutation("revokeInvitation", "invitationId: ID!", "invitation { id state }")
ACCEPT = mutation("acceptInvitation", "token: String!", "member { id name kind role state }")
SIGN_UP = """mutation ($token: String!, $name: String!, $password: String!) {
  signUp(input: {token: $token, name: $name, password: $password}) {
    token account { email displayName } problems { code field rule message }
  }
}"""
NEW = "new@example.com"
PASSWORD = "a good long password"


@pytest.fixture
async def owner(world: World) -> Person:
    return await world.person("Owner", role=NetworkRole.OWNER)


async def invited(world: World, by: Person, email: str = NEW, **input: Any) -> tuple[str, str]:
    """The id and the token of a new invitation."""
    payload = await by.client.do(ADD, networkId=gid(world.network), input={"email": email, **input})
    return payload["invitation"]["id"], payload["token"]


async def sign_up(world: World, token: str, name: str = "Newcomer", password: str = PASSWORD) -> Any:
    return await world.nobody.payload(SIGN_UP, token=token, name=name, password=password)


async def only(world: World, table: type[Row], *where: Any) -> Any:
    async with world.service.database.read() as session:
        return (await session.scalars(select(table).where(*where))).one_or_none()


async def change(world: World, row: Row, **columns: Any) -> None:
    async with world.service.database.write() as session:
        stored: Any = await session.get(type(row), row.id)
        for name, value in columns.items():
            setattr(stored, name, value)


# --- inviting ------------------------------------------------------------------------------------------------------


async def test_an_invitation_tells_its_token_once_and_keeps_its_hash(world: World, owner: Person):
    payload = await owner.client.do(ADD, networkId=gid(world.network), input={"email": " New@Example.com "})
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
        assert await answer(client, ADD, networkId=gid(world.network), input={"email": NEW}) == "Y"
    else:
        async with nothing_happens(world.service):
            assert await answer(client, ADD, networkId=gid(world.network), input={"email": NEW}) == answered


@pytest.mark.parametrize(
    ("input", "fields"),
    [
        ({"email": "nobody"}, ["email"]),
        ({"email": "a@b@c"}, ["email"]),
        ({"email": f"{chr(0xD800)}@example.com"}, ["email"]),
        ({"email": NEW, "kind": "SERVICE"}, ["kind"]),
        ({"email": NEW, "kind": "GUEST"}, ["communityId"]),
        ({"email": NEW, "kind": "EXTERNAL", "role": "ADMIN"}, ["role"]),
        ({"email": "", "kind": "GUEST", "role": "OWNER"}, ["email", "communityId", "role"]),
    ],
    ids=["no e-mail", "two ats", "surrogate", "service", "guest nowhere", "external admin", "everything"],
)
async def test_all_that_is_wrong_with_an_invitation_is_said_at_once(
    world: World, owner: Person, input: Any, fields: list[str]
):
    async with nothing_happens(world.service):
        payload = await owner.client.payload(ADD, networkId=gid(world.network), input=input)
    assert {problem["code"] for problem in payload["problems"]} == {"INVALID"}
    assert [problem["field"] for problem in payload["problems"]] == [["input", field] for field in fields]


async def test_owners_are_made_by_owners(world: World, owner: Person):
    admin = await world.person("Admin", role=NetworkRole.ADMIN)
    async with nothing_happens(world.service):
        problem = await admin.client.problem(ADD, networkId=gid(world.network), input={"email": NEW, "role": "OWNER"})
    assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "owners_are_made_by_owners")
    assert await invited(world, owner, role="OWNER")


@pytest.mark.parametrize(
    ("admits", "kind", "answered"),
    [
        (Admits.INTERNALS, "INTERNAL", "Y"),
        (Admits.INTERNALS, "GUEST", "N"),
        (Admits.INTERNALS, "EXTERNAL", "N"),
        (Admits.GUESTS, "GUEST", "Y"),
        (Admits.GUESTS, "EXTERNAL", "N"),
        (Admits.EXTERNALS, "EXTERNAL", "Y"),
        (Admits.EXTERNALS, "GUEST", "Y"),
    ],
)
async def test_an_invitation_into_a_community_is_for_whom_it_admits(
    world: World, owner: Person, admits: Admits, kind: str, answered: str
):
    community = await world.community(owner=owner, admits=admits, visibility=Visibility.PRIVATE)
    input = {"email": NEW, "kind": kind, "communityId": gid(community)}
    if answered == "Y":
        assert await answer(owner.client, ADD, networkId=gid(world.network), input=input) == "Y"
    else:
        async with nothing_happens(world.service):
            problem = await owner.client.problem(ADD, networkId=gid(world.network), input=input)
        assert problem["rule"] == "not_admitted_here"


async def test_nobody_invites_into_a_community_that_they_do_not_manage(world: World, owner: Person):
    other = await world.person("Other")
    open_, hidden = await world.community(owner=other), await world.community(owner=other, visibility=Visibility.HIDDEN)
    async with nothing_happens(world.service):
        for community, answered in ((open_, "N"), (hidden, "-")):
            input = {"email": NEW, "communityId": gid(community)}
            assert await answer(owner.client, ADD, networkId=gid(world.network), input=input) == answered
        assert await answer(other.client, ADD, networkId=gid(world.network), input=input) == "N"


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
        assert (await actor.client.do(REVOKE, invitationId=invitation_id))["invitation"]["state"] == "REVOKED"
    else:
        async with nothing_happens(world.service):
            assert await answer(actor.client, REVOKE, invitationId=invitation_id) == "-"
            assert await actor.client.refused(do.NODE, id=invitation_id) == "NOT_FOUND"


# --- redeeming -----------------------------------------------------------------------------------------------------


async def test_signing_up_makes_an_account_and_a_member_and_signs_in(world: World, owner: Person):
    _, token = await invited(world, owner, role="MODERATOR")
    payload = await sign_up(world, token, "  Nell  ")
    assert payload["problems"] == []
    assert payload["account"] == {"email": NEW, "displayName": "Nell"}
    account = await only(world, Account, col(Account.email) == NEW)
    member = await only(world, Member, col(Member.principal_id) == account.principal_id)
    assert (member.name, member.kind, member.role, member.state) == (
        "Nell",
        MemberKind.INTERNAL,
        NetworkRole.MODERATOR,
        MemberState.ACTIVE,
    )
    client = Client(world.service, account.principal_id)
    context = client.context()
    await context.sign_in_with(payload["token"])
    assert context.viewer == account.principal_id
    assert (await client.ask("{ viewer { networks { name } } }"))["viewer"] == {"networks": [{"name": "Halden"}]}
    (announced,) = await changes(world.service, member)
    assert announced.kind is Kind.RIGHTS


async def test_who_is_invited_into_a_community_finds_themselves_there(world: World, owner: Person):
    community = await world.community(owner=owner, admits=Admits.GUESTS, visibility=Visibility.HIDDEN)
    _, token = await invited(world, owner, kind="GUEST", communityId=gid(community))
    assert (await sign_up(world, token))["problems"] == []
    account = await only(world, Account, col(Account.email) == NEW)
    member = await only(world, Member, col(Member.principal_id) == account.principal_id)
    membership = await only(world, Membership, col(Membership.member_id) == member.id)
    assert (member.kind, membership.community_id) == (MemberKind.GUEST, community.id)
    assert (membership.state, membership.roles) == (MembershipState.ACTIVE, CommunityRole.MEMBER)
    assert (await world.fresh(community)).member_count == 2


async def test_an_account_accepts_an_invitation_into_a_second_network(world: World, owner: Person):
    elsewhere = await World.make(world.service, "Elsewhere")
    stranger = await elsewhere.person("Stranger")
    _, token = await invited(world, owner, stranger.account.email)
    member = (await stranger.client.do(ACCEPT, token=token))["member"]
    assert (member["name"], member["kind"], member["state"]) == ("Stranger", "INTERNAL", "ACTIVE")
    networks = (await stranger.client.ask("{ viewer { networks { name } } }"))["viewer"]["networks"]
    assert networks == [{"name": "Elsewhere"}, {"name": "Halden"}]


@pytest.mark.parametrize(
    ("name", "password", "field"), [("", PASSWORD, "name"), ("x" * 101, PASSWORD, "name"), ("N", "short", "password")]
)
async def test_a_sign_up_of_bad_form_leaves_the_invitation_unused(
    world: World, owner: Person, name: str, password: str, field: str
):
    _, token = await invited(world, owner)
    async with nothing_happens(world.service):
        (problem,) = (await sign_up(world, token, name, password))["problems"]
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", field])
    assert (await sign_up(world, token))["problems"] == []


UNUSABLE = ["used", "revoked", "expired", "unknown", "garbage", "odd"]


@pytest.mark.parametrize("how", UNUSABLE)
async def test_an_invitation_that_cannot_be_used_is_answered_alike_whatever_the_reason(
    world: World, owner: Person, clock: ManualClock, how: str
):
    stranger = await (await World.make(world.service, "Elsewhere")).person("Stranger")
    invitation_id, token = await invited(world, owner, stranger.account.email)
    if how == "used":
        await stranger.client.do(ACCEPT, token=token)
    elif how == "revoked":
        await owner.client.do(REVOKE, invitationId=invitation_id)
    elif how == "expired":
        clock.advance(seconds=LIFETIME.total_seconds())
    else:
        token = {"unknown": token[:-1] + ("A" if token[-1] != "A" else "B"), "garbage": "", "odd": chr(0xD800)}[how]
    async with nothing_happens(world.service):
        accepted = await stranger.client.payload(ACCEPT, token=token)
        signed_up = await sign_up(world, token)
    assert accepted["problems"][0]["code"] == "INVALID"
    assert signed_up["problems"][0]["message"] == "This invitation is not valid."
    assert (signed_up["token"], signed_up["account"]) == (None, None)


async def test_an_invitation_lasts_until_its_last_second(world: World, owner: Person, clock: ManualClock):
    _, token = await invited(world, owner)
    clock.advance(seconds=LIFETIME.total_seconds() - 1)
    assert (await sign_up(world, token))["problems"] == []


async def test_an_invitation_is_for_one_address(world: World, owner: Person):
    elsewhere = await World.make(world.service, "Elsewhere")
    right, wrong = await elsewhere.person("Right"), await elsewhere.person("Wrong")
    _, token = await invited(world, owner, right.account.email)
    async with nothing_happens(world.service):
        problem = await wrong.client.problem(ACCEPT, token=token)
        assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "invitation_is_for_another_address")
        assert (await world.nobody.problem(ACCEPT, token=token))["code"] == "UNAUTHENTICATED"
        assert (await sign_up(world, token))["problems"][0]["code"] == "CONFLICT"
    assert await answer(right.client, ACCEPT, token=token) == "Y"


async def test_a_member_does_not_accept_a_second_time(world: World, owner: Person):
    bob = await world.person("Bob")
    _, token = await invited(world, owner, bob.account.email, role="ADMIN")
    async with nothing_happens(world.service):
        assert await answer(bob.client, ACCEPT, token=token) == "CONFLICT"
    assert (await world.fresh(bob.member)).role is NetworkRole.MEMBER


async def test_who_had_left_comes_back_as_the_invitation_says(world: World, owner: Person):
    bob = await world.person("Bob", role=NetworkRole.ADMIN)
    await change(world, bob.member, state=MemberState.LEFT)
    _, token = await invited(world, owner, bob.account.email, kind="EXTERNAL")
    member = (await bob.client.do(ACCEPT, token=token))["member"]
    assert (member["id"], member["kind"], member["role"], member["state"]) == (bob.id, "EXTERNAL", "MEMBER", "ACTIVE")


@pytest.mark.parametrize(
    "how", ["demoted", "disabled", "no guests' admin", "removed there", "demoted there", "archived", "admits others"]
)
async def test_redeeming_asks_every_rule_again(world: World, owner: Person, how: str):
    inviter = await world.person("Inviter", role=NetworkRole.ADMIN)
    community = await world.community(owner=owner, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    membership = await world.belong(inviter, community, CommunityRole.MANAGER)
    _, token = await invited(world, inviter, kind="GUEST", communityId=gid(community))
    happened: dict[str, tuple[Row, dict[str, Any]]] = {
        "demoted": (inviter.member, {"role": NetworkRole.MODERATOR}),
        "disabled": (inviter.member, {"state": MemberState.DISABLED}),
        "no guests' admin": (inviter.member, {"kind": MemberKind.GUEST}),
        "removed there": (membership, {"state": MembershipState.REMOVED}),
        "demoted there": (membership, {"roles": int(CommunityRole.MEMBER)}),
        "archived": (community, {"state": CommunityState.ARCHIVED}),
        "admits others": (community, {"admits": Admits.INTERNALS}),
    }
    row, columns = happened[how]
    await change(world, row, **columns)
    async with nothing_happens(world.service):
        assert (await sign_up(world, token))["problems"] != []


async def test_an_owner_is_not_made_by_one_who_is_owner_no_more(world: World, owner: Person):
    other = await world.person("Other", role=NetworkRole.OWNER)
    _, token = await invited(world, other, role="OWNER")
    await change(world, other.member, role=NetworkRole.ADMIN)
    async with nothing_happens(world.service):
        assert (await sign_up(world, token))["problems"] != []


async def test_of_two_who_use_an_invitation_at_once_one_comes_in(world: World, owner: Person):
    _, token = await invited(world, owner)
    async with asyncio.timeout(30):
        payloads = await asyncio.gather(*(sign_up(world, token, f"N{n}") for n in range(6)))
    assert sorted(len(payload["problems"]) for payload in payloads) == [0, 1, 1, 1, 1, 1]
    assert await only(world, Account, col(Account.email) == NEW)


async def test_an_invitation_is_used_or_revoked_and_never_both(world: World, owner: Person):
    elsewhere = await World.make(world.service, "Elsewhere")
    people = [await elsewhere.person(f"P{n}") for n in range(8)]
    made = [await invited(world, owner, person.account.email) for person in people]
    attempts = [
        attempt
        for person, (invitation_id, token) in zip(people, made, strict=True)
        for attempt in (
            answer(person.client, ACCEPT, token=token),
            answer(owner.client, REVOKE, invitationId=invitation_id),
        )
    ]
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*attempts)
    for n, person in enumerate(people):
        accepted, revoked = answers[2 * n : 2 * n + 2]
        row = await only(world, Invitation, col(Invitation.email) == person.account.email)
        here = (col(Member.network_id) == world.network.id, col(Member.principal_id) == person.principal_id)
        is_member = await only(world, Member, *here) is not None
        assert (accepted == "Y", revoked == "Y", is_member) in {(True, False, True), (False, True, False)}
        assert row.state is (InvitationState.ACCEPTED if is_member else InvitationState.REVOKED)


async def test_a_used_invitation_cannot_be_revoked(world: World, owner: Person):
    invitation_id, token = await invited(world, owner)
    await sign_up(world, token)
    async with nothing_happens(world.service):
        assert await answer(owner.client, REVOKE, invitationId=invitation_id) == "CONFLICT"


async def test_no_secret_of_an_invitation_is_in_a_log(world: World, owner: Person, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    _, token = await invited(world, owner)
    payload = await sign_up(world, token)
    logging.getLogger("plenary.test").debug("the log is heard")
    assert "the log is heard" in caplog.text
    assert [secret for secret in (token, PASSWORD, payload["token"]) if secret in caplog.text] == []
