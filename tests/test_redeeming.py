"""Redeeming an invitation: who comes in by it, and who does not."""

import asyncio
import logging
from typing import Any

import pytest
from sqlmodel import col

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
from resolvers.invitations import LIFETIME
from tests import documents as do
from tests.client import Client
from tests.conftest import ManualClock
from tests.invited import NEW, PASSWORD, guest_invited, invited, only, sign_up
from tests.traces import answer, changes
from tests.unchanged import nothing_happens
from tests.world import Person, World


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
    _, token = await guest_invited(world, owner, community)
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
    member = (await stranger.client.do(do.ACCEPT_INVITATION, token=token))["member"]
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
        await stranger.client.do(do.ACCEPT_INVITATION, token=token)
    elif how == "revoked":
        await owner.client.do(do.REVOKE_INVITATION, invitationId=invitation_id)
    elif how == "expired":
        clock.advance(seconds=LIFETIME.total_seconds())
    else:
        token = {"unknown": token[:-1] + ("A" if token[-1] != "A" else "B"), "garbage": "", "odd": chr(0xD800)}[how]
    async with nothing_happens(world.service):
        accepted = await stranger.client.payload(do.ACCEPT_INVITATION, token=token)
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
        problem = await wrong.client.problem(do.ACCEPT_INVITATION, token=token)
        assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "invitation_is_for_another_address")
        assert (await world.nobody.problem(do.ACCEPT_INVITATION, token=token))["code"] == "UNAUTHENTICATED"
        assert (await sign_up(world, token))["problems"][0]["code"] == "CONFLICT"
    assert await answer(right.client, do.ACCEPT_INVITATION, token=token) == "Y"


async def test_a_member_does_not_accept_a_second_time(world: World, owner: Person):
    bob = await world.person("Bob")
    _, token = await invited(world, owner, bob.account.email, role="ADMIN")
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.ACCEPT_INVITATION, token=token) == "CONFLICT"
    assert (await world.fresh(bob.member)).role is NetworkRole.MEMBER


async def test_who_had_left_comes_back_as_the_invitation_says(world: World, owner: Person):
    bob = await world.person("Bob", role=NetworkRole.ADMIN)
    await world.change(bob.member, state=MemberState.LEFT)
    _, token = await invited(world, owner, bob.account.email, kind="EXTERNAL")
    member = (await bob.client.do(do.ACCEPT_INVITATION, token=token))["member"]
    assert (member["id"], member["kind"], member["role"], member["state"]) == (bob.id, "EXTERNAL", "MEMBER", "ACTIVE")


@pytest.mark.parametrize(("role", "answered"), [(NetworkRole.MEMBER, "INVALID"), (NetworkRole.ADMIN, "Y")])
async def test_who_was_disabled_is_let_in_again_by_administrators_alone(
    world: World, owner: Person, role: NetworkRole, answered: str
):
    bob, inviter = await world.person("Bob"), await world.person("Inviter", role=role)
    community = await world.community(owner=inviter, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    await owner.client.do(do.DISABLE, memberId=bob.id)
    _, token = await guest_invited(world, inviter, community, bob.account.email)
    assert await answer(bob.client, do.ACCEPT_INVITATION, token=token) == answered
    assert (await world.fresh(bob.member)).state == ("ACTIVE" if answered == "Y" else "DISABLED")


@pytest.mark.parametrize(
    "how", ["disabled", "expired", "no guests' admin", "removed there", "demoted there", "archived", "admits others"]
)
async def test_redeeming_asks_every_rule_again(world: World, owner: Person, how: str):
    inviter = await world.person("Inviter", role=NetworkRole.ADMIN)
    community = await world.community(owner=owner, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    membership = await world.belong(inviter, community, CommunityRole.MANAGER)
    _, token = await guest_invited(world, inviter, community)
    happened: dict[str, tuple[Row, dict[str, Any]]] = {
        "expired": (inviter.member, {"expires_at": world.now}),
        "disabled": (inviter.member, {"state": MemberState.DISABLED}),
        "no guests' admin": (inviter.member, {"kind": MemberKind.GUEST}),
        "removed there": (membership, {"state": MembershipState.REMOVED}),
        "demoted there": (membership, {"roles": int(CommunityRole.MEMBER)}),
        "archived": (community, {"state": CommunityState.ARCHIVED}),
        "admits others": (community, {"admits": Admits.INTERNALS}),
    }
    row, columns = happened[how]
    await world.change(row, **columns)
    async with nothing_happens(world.service):
        assert (await sign_up(world, token))["problems"] != []


async def test_an_owner_is_not_made_by_one_who_is_owner_no_more(world: World, owner: Person):
    other = await world.person("Other", role=NetworkRole.OWNER)
    _, token = await invited(world, other, role="OWNER")
    await world.change(other.member, role=NetworkRole.ADMIN)
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
            answer(person.client, do.ACCEPT_INVITATION, token=token),
            answer(owner.client, do.REVOKE_INVITATION, invitationId=invitation_id),
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
        assert await answer(owner.client, do.REVOKE_INVITATION, invitationId=invitation_id) == "CONFLICT"


async def test_no_secret_of_an_invitation_is_in_a_log(world: World, owner: Person, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    _, token = await invited(world, owner)
    payload = await sign_up(world, token)
    logging.getLogger("plenary.test").debug("the log is heard")
    assert "the log is heard" in caplog.text
    assert [secret for secret in (token, PASSWORD, payload["token"]) if secret in caplog.text] == []
