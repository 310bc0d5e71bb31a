"""Attendees: signing in by link and by ticket, and being checked in."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from models import (
    Attendee,
    Community,
    CommunityRole,
    JoinPolicy,
    Member,
    Membership,
    MembershipState,
    Session,
    SignIn,
    SignInLink,
)
from resolvers import guesses, policy, tickets
from resolvers.accounts import BadToken
from resolvers.attendees import LIFETIME
from tests import documents as do
from tests.device import Device
from tests.memberships import head_count
from tests.tables import table
from tests.test_rosters import KARIN, imported
from tests.traces import answer, count
from tests.unchanged import nothing_happens
from tests.visiting import hall
from tests.world import Person, World, gid

ME = "{ viewer { account { id } networks { name viewerMember { name kind } } } }"


@dataclass
class Karin:
    """An attendee without an account: the row, and what she was sent."""

    attendee: Attendee
    member: Member
    link: str
    ticket: str


@pytest.fixture
async def karin(world: World, owner: Person) -> Karin:
    (line,) = await imported(world, owner, KARIN)
    async with world.service.database.read() as session:
        attendee = (await session.scalars(select(Attendee))).one()
        member = await session.get_one(Member, attendee.member_id)
    return Karin(attendee, member, line["signInToken"], line["ticket"])


async def signed_in(world: World, document: str, **secret: str) -> Device:
    device = Device(world.service)
    device.token = (await device.do(document, **secret))["token"]
    await device.come_back()
    return device


# --- links ---------------------------------------------------------------------------------------------------------


async def test_a_link_signs_in_once_as_the_attendee(world, karin):
    device = await signed_in(world, do.SIGN_IN_WITH_LINK, token=karin.link)
    assert device.viewer == karin.member.principal_id
    home = {"name": "Halden", "viewerMember": {"name": "Karin Holm", "kind": "EXTERNAL"}}
    assert (await device.ask(ME))["viewer"] == {"account": None, "networks": [home]}
    async with nothing_happens(world.service):
        assert await answer(world.nobody, do.SIGN_IN_WITH_LINK, token=karin.link) == "INVALID"


async def test_of_two_who_use_a_link_at_once_one_is_signed_in(world, karin):
    async with asyncio.timeout(30):
        answers = await asyncio.gather(
            *(answer(world.nobody, do.SIGN_IN_WITH_LINK, token=karin.link) for _ in range(6))
        )
    assert sorted(answers) == ["INVALID"] * 5 + ["Y"]
    assert await count(world.service, SignIn) == 1


@pytest.mark.parametrize("how", ["unknown", "empty", "odd", "expired", "used", "void", "disabled"])
async def test_a_link_that_is_good_no_longer_is_answered_alike_whatever_the_reason(world, owner, karin, clock, how):
    token = {"unknown": karin.link[:-1] + "_", "empty": "", "odd": "\ud800\x00"}.get(how, karin.link)
    match how:
        case "expired":
            clock.advance(seconds=LIFETIME.total_seconds())
        case "used":
            await world.nobody.do(do.SIGN_IN_WITH_LINK, token=karin.link)
        case "void":
            await owner.client.do(do.CREATE_SIGN_IN_LINK, attendeeId=gid(karin.attendee))
        case "disabled":
            await owner.client.do(do.DISABLE, memberId=gid(karin.member))
    async with nothing_happens(world.service):
        problem = await world.nobody.problem(do.SIGN_IN_WITH_LINK, token=token)
    assert problem == {"code": "INVALID", "field": ["token"], "rule": None, "retryAfter": None, "currentVersion": None}


async def test_a_new_link_signs_in_and_the_sign_ins_from_before_stay(world, owner, karin):
    first = await signed_in(world, do.SIGN_IN_WITH_LINK, token=karin.link)
    made = await owner.client.do(do.CREATE_SIGN_IN_LINK, attendeeId=gid(karin.attendee))
    second = await signed_in(world, do.SIGN_IN_WITH_LINK, token=made["token"])
    await first.come_back()
    assert first.viewer == second.viewer == karin.member.principal_id


async def test_a_link_lasts_until_its_last_second(world, karin, clock):
    clock.advance(seconds=LIFETIME.total_seconds() - 1)
    assert timedelta(days=7) == LIFETIME
    await signed_in(world, do.SIGN_IN_WITH_LINK, token=karin.link)


# --- tickets -------------------------------------------------------------------------------------------------------


async def test_a_ticket_signs_in_on_one_device_at_a_time(world, karin):
    by_link = await signed_in(world, do.SIGN_IN_WITH_LINK, token=karin.link)
    first = await signed_in(world, do.SIGN_IN_WITH_TICKET, ticket=karin.ticket)
    second = await signed_in(world, do.SIGN_IN_WITH_TICKET, ticket=karin.ticket)
    assert first.viewer == second.viewer == karin.member.principal_id
    with pytest.raises(BadToken):
        await first.come_back()
    await second.come_back()
    await by_link.come_back()


async def test_of_many_devices_that_use_a_ticket_at_once_one_stays_signed_in(world, karin):
    async with asyncio.timeout(30):
        await asyncio.gather(*(world.nobody.do(do.SIGN_IN_WITH_TICKET, ticket=karin.ticket) for _ in range(6)))
    assert await count(world.service, SignIn, col(SignIn.ended_at).is_(None)) == 1


async def test_another_ticket_voids_the_one_before_it_and_ends_its_sign_in(world, owner, karin):
    device = await signed_in(world, do.SIGN_IN_WITH_TICKET, ticket=karin.ticket)
    made = (await owner.client.do(do.REISSUE_TICKET, attendeeId=gid(karin.attendee)))["ticket"]
    assert made != karin.ticket
    with pytest.raises(BadToken):
        await device.come_back()
    assert await answer(world.nobody, do.SIGN_IN_WITH_TICKET, ticket=karin.ticket) == "INVALID"
    await signed_in(world, do.SIGN_IN_WITH_TICKET, ticket=made)


FORGED = ["unknown", "empty", "odd", "short", "altered", "of another network's key", "disabled"]


@pytest.mark.parametrize("how", FORGED)
async def test_a_ticket_that_is_not_good_is_answered_alike_whatever_the_reason(world, owner, karin, how):
    cipher, row = world.service.means.cipher, karin.attendee
    forged = {
        "unknown": tickets.issue(cipher, row.model_copy(update={"id": owner.member.id})),
        "empty": "",
        "odd": "plenary_ticket_\ud800",
        "short": karin.ticket[:-2],
        "altered": karin.ticket[:-3] + ("A" if karin.ticket[-3] != "A" else "B") + karin.ticket[-2:],
        "of another network's key": tickets.issue(cipher, row.model_copy(update={"network_id": owner.member.id})),
    }
    if how == "disabled":
        await owner.client.do(do.DISABLE, memberId=gid(karin.member))
    async with nothing_happens(world.service):
        problem = await world.nobody.problem(do.SIGN_IN_WITH_TICKET, ticket=forged.get(how, karin.ticket))
    assert problem == {"code": "INVALID", "field": ["ticket"], "rule": None, "retryAfter": None, "currentVersion": None}


def test_a_ticket_fits_a_small_qr_code(karin):
    assert len(karin.ticket) <= 60


async def test_bad_tickets_are_limited_by_address_and_good_ones_cost_nothing(world, karin):
    device = Device(world.service)
    wrong = " ".join(f'a{n}: signInWithTicket(ticket: "x") {{ problems {{ code }} }}' for n in range(50))
    for _ in range(guesses.MOST // 50):
        assert await answer(device, do.SIGN_IN_WITH_TICKET, ticket=karin.ticket) == "Y"
        assert {one["problems"][0]["code"] for one in (await device.ask(f"mutation {{ {wrong} }}")).values()} == {
            "INVALID"
        }
    async with nothing_happens(world.service):
        assert await answer(device, do.SIGN_IN_WITH_TICKET, ticket=karin.ticket) == "LIMITED"
        assert await answer(device, do.SIGN_IN_WITH_LINK, token=karin.link) == "LIMITED"
    assert await answer(Device(world.service, "192.0.2.2"), do.SIGN_IN_WITH_TICKET, ticket=karin.ticket) == "Y"


# --- what an attendee is -------------------------------------------------------------------------------------------


async def test_a_disabled_attendee_is_signed_out_everywhere(world, owner, karin):
    devices = [
        await signed_in(world, do.SIGN_IN_WITH_LINK, token=karin.link),
        await signed_in(world, do.SIGN_IN_WITH_TICKET, ticket=karin.ticket),
    ]
    await owner.client.do(do.DISABLE, memberId=gid(karin.member))
    for device in devices:
        with pytest.raises(BadToken):
            await device.come_back()


async def test_an_attendee_without_an_account_signs_out(world, karin):
    device = await signed_in(world, do.SIGN_IN_WITH_LINK, token=karin.link)
    out = "mutation { signOut { account { id } problems { code } } }"
    assert (await device.do(out))["account"] is None
    with pytest.raises(BadToken):
        await device.come_back()


async def test_an_attendee_takes_part_as_an_external_member(world, ann, karin):
    community = await hall(world, ann)
    board = await world.board(community)
    device = await signed_in(world, do.SIGN_IN_WITH_LINK, token=karin.link)
    assert await answer(device, do.JOIN, communityId=gid(community)) == "Y"
    assert await answer(device, do.ASK, boardId=gid(board), input={"body": "Why?"}) == "Y"
    private = await world.community(owner=ann)
    assert await answer(device, do.JOIN, communityId=gid(private)) == "-"


async def test_no_secret_of_an_attendee_is_stored_or_logged(world, owner, caplog):
    caplog.set_level(logging.DEBUG)
    (line,) = await imported(world, owner, KARIN)
    await signed_in(world, do.SIGN_IN_WITH_LINK, token=line["signInToken"])
    await signed_in(world, do.SIGN_IN_WITH_TICKET, ticket=line["ticket"])
    async with world.service.database.read() as session:
        link = (await session.scalars(select(SignInLink))).one()
    assert link.token_hash == hashlib.sha256(line["signInToken"].encode()).digest()
    assert [secret for secret in (line["signInToken"], line["ticket"]) if secret in caplog.text] == []


# --- the door ------------------------------------------------------------------------------------------------------


async def talk(world: World, community: Community) -> Session:
    session = Session(network_id=world.network.id, community_id=community.id, title="Talk")
    session.starts_at, session.ends_at = world.now, world.now + timedelta(hours=1)
    await world.add(session)
    return session


async def membership_of(world: World, karin: Karin) -> Any:
    async with world.service.database.read() as session:
        mine = select(Membership).where(col(Membership.member_id) == karin.member.id)
        return (await session.scalars(mine)).one_or_none()


SCANNING = {
    "OWNER": "Y", "MANAGER": "Y", "PRESENTER": "Y", "RESPONDER": "N", "MEMBER": "N", "OUTSIDER": "N", "NOBODY": "-",
}  # fmt: skip


@table(policy.scan_tickets)
@pytest.mark.parametrize("who", SCANNING)
async def test_the_panel_scans_tickets_at_the_door(world, ann, karin, who):
    community = await hall(world, ann)
    session = await talk(world, community)
    client = world.nobody
    if who != "NOBODY":
        person = await world.person("Scanner")
        client = person.client
        if who != "OUTSIDER":
            await world.belong(person, community, CommunityRole[who])
    heads = await head_count(world, community)
    asked = {"sessionId": gid(session), "ticket": karin.ticket}
    if SCANNING[who] != "Y":
        async with nothing_happens(world.service):
            assert await answer(client, do.CHECK_IN_ATTENDEE, **asked) == SCANNING[who]
        return
    done = (await client.do(do.CHECK_IN_ATTENDEE, **asked))["membership"]
    assert (done["state"], done["member"]["name"]) == ("ACTIVE", "Karin Holm")
    assert (await membership_of(world, karin)).checked_in_at == world.now
    assert await head_count(world, community) == heads + 1
    await client.do(do.CHECK_IN_ATTENDEE, **asked)
    assert (await world.fresh(session)).checked_in_count == 1


async def test_whoever_was_invited_to_the_panel_comes_in_by_ticket_as_that(world, ann, karin):
    """Coming is accepting: a speaker whose badge is scanned first must not sit in the hall instead."""
    community = await hall(world, ann)
    session = await talk(world, community)
    roles = int(CommunityRole.MEMBER | CommunityRole.PRESENTER)
    await world.add(
        Membership(
            network_id=world.network.id,
            community_id=community.id,
            member_id=karin.attendee.member_id,
            state=MembershipState.INVITED,
            roles=roles,
        )
    )
    await ann.client.do(do.CHECK_IN_ATTENDEE, sessionId=gid(session), ticket=karin.ticket)
    found = await membership_of(world, karin)
    assert (found.state, found.roles) == (MembershipState.ACTIVE, roles)


async def test_a_ticket_that_is_scanned_at_two_doors_at_once_counts_once(world, ann, karin):
    community = await hall(world, ann)
    session = await talk(world, community)
    asked = {"sessionId": gid(session), "ticket": karin.ticket}
    async with asyncio.timeout(30):
        await asyncio.gather(*(ann.client.do(do.CHECK_IN_ATTENDEE, **asked) for _ in range(5)))
    assert (await world.fresh(session)).checked_in_count == 1
    assert await head_count(world, community) == 2


async def test_the_door_answers_every_bad_ticket_alike_and_lets_nobody_in(world, owner, ann, karin):
    community = await hall(world, ann)
    session = await talk(world, community)
    elsewhere = await World.make(world.service, "Elsewhere")
    boss = await elsewhere.person("Boss", role=owner.member.role)
    (foreign,) = await imported(elsewhere, boss, KARIN)
    await owner.client.do(do.REISSUE_TICKET, attendeeId=gid(karin.attendee))
    for ticket in ("x", foreign["ticket"], karin.ticket):
        async with nothing_happens(world.service):
            problem = await ann.client.problem(do.CHECK_IN_ATTENDEE, sessionId=gid(session), ticket=ticket)
        assert (problem["code"], problem["field"]) == ("INVALID", ["ticket"])


async def test_where_one_joins_by_invitation_only_managers_let_in_by_ticket(world, ann, karin):
    community = await hall(world, ann)
    await world.change(community, join_policy=JoinPolicy.REQUEST)
    community = await world.fresh(community)
    session = await talk(world, community)
    presenter = await world.person("Pia")
    await world.belong(presenter, community, CommunityRole.PRESENTER)
    asked = {"sessionId": gid(session), "ticket": karin.ticket}
    async with nothing_happens(world.service):
        assert await answer(presenter.client, do.CHECK_IN_ATTENDEE, **asked) == "N"
    assert await answer(ann.client, do.CHECK_IN_ATTENDEE, **asked) == "Y"
    assert (await membership_of(world, karin)).state is MembershipState.ACTIVE
