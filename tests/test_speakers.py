"""Speakers claim who they are, and sit on the panels of their sessions."""

import asyncio
from typing import Any

import pytest

from models import (
    Admits,
    Attendance,
    CommunityRole,
    MemberKind,
    Membership,
    MembershipState,
    OutsiderTier,
    SessionSpeaker,
    Speaker,
    Visibility,
)
from tests import documents as do
from tests.halls import rows
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

PANEL = int(CommunityRole.MEMBER | CommunityRole.PRESENTER)


@pytest.fixture
async def ruth(world: World) -> Person:
    return await world.person("Ruth", MemberKind.EXTERNAL)


async def spoken(world: World, owner: Person, count: int = 1, **columns: Any) -> tuple[Speaker, list[Any]]:
    """A speaker, and the communities of the sessions in which they speak."""
    columns = {"admits": Admits.EXTERNALS} | columns
    communities = [await world.community(owner=owner, **columns) for _ in range(count)]
    sessions = [await world.session(community) for community in communities]
    return await world.speaker("Ruth", *sessions), communities


async def token_of(owner: Person, speaker: Speaker) -> str:
    return str((await owner.client.do(do.CREATE_SPEAKER_CLAIM, speakerId=gid(speaker)))["token"])


async def test_whoever_claims_sits_on_the_panel_of_every_session(world: World, ann: Person, ruth: Person):
    speaker, communities = await spoken(world, ann, 3)
    await world.belong(ruth, communities[0])
    await world.belong(ruth, communities[1], state=MembershipState.LEFT)
    token = await token_of(ann, speaker)
    claimed = (await ruth.client.do(do.CLAIM_SPEAKER, token=token))["speaker"]
    assert (claimed["id"], claimed["member"]["id"]) == (gid(speaker), ruth.id)
    seats = await rows(world, Membership, Membership.member_id == ruth.member.id)
    assert {(seat.community_id, seat.roles, str(seat.state)) for seat in seats} == {
        (community.id, PANEL, "ACTIVE") for community in communities
    }
    assert [(await world.fresh(community)).member_count for community in communities] == [2, 2, 2]


async def test_a_role_that_one_has_stays(world: World, ann: Person, bob: Person):
    speaker, (community,) = await spoken(world, ann)
    seat = await world.belong(bob, community, CommunityRole.MANAGER)
    await bob.client.do(do.CLAIM_SPEAKER, token=await token_of(ann, speaker))
    assert (await world.fresh(seat)).roles == PANEL | CommunityRole.MANAGER


@pytest.mark.parametrize("case", ["banned", "not admitted", "archived"])
async def test_nobody_enters_by_a_claim_where_they_may_not(world: World, ann: Person, ruth: Person, case: str):
    speaker, (community,) = await spoken(
        world, ann, admits=Admits.INTERNALS if case == "not admitted" else Admits.EXTERNALS
    )
    token = await token_of(ann, speaker)
    if case == "banned":
        await world.belong(ruth, community, state=MembershipState.BANNED)
    if case == "archived":
        await world.change(community, state="ARCHIVED")
    assert (await ruth.client.payload(do.CLAIM_SPEAKER, token=token))["problems"] == []
    seats = await rows(world, Membership, Membership.member_id == ruth.member.id)
    assert [seat for seat in seats if seat.state is MembershipState.ACTIVE] == []


async def test_a_token_is_good_once_and_the_last_one_only(world: World, ann: Person, ruth: Person, bob: Person):
    speaker, _ = await spoken(world, ann)
    first, last = await token_of(ann, speaker), await token_of(ann, speaker)
    invalid = {"code": "INVALID", "field": ["token"], "rule": None, "retryAfter": None, "currentVersion": None}
    async with nothing_happens(world.service):
        assert await ruth.client.problem(do.CLAIM_SPEAKER, token=first) == invalid
        assert await ruth.client.problem(do.CLAIM_SPEAKER, token="garbage") == invalid
        assert await answer(world.nobody, do.CLAIM_SPEAKER, token=last) == "UNAUTHENTICATED"
    await ruth.client.do(do.CLAIM_SPEAKER, token=last)
    async with nothing_happens(world.service):
        assert await bob.client.problem(do.CLAIM_SPEAKER, token=last) == invalid
        assert (await ann.client.problem(do.CREATE_SPEAKER_CLAIM, speakerId=gid(speaker)))["code"] == "CONFLICT"


async def test_of_two_who_claim_at_once_one_is_the_speaker(world: World, ann: Person, ruth: Person, bob: Person):
    speaker, _ = await spoken(world, ann)
    token = await token_of(ann, speaker)
    people = [ruth, bob]
    answers = await asyncio.gather(*(answer(person.client, do.CLAIM_SPEAKER, token=token) for person in people))
    assert sorted(answers) == ["INVALID", "Y"]
    assert (await world.fresh(speaker)).member_id == people[answers.index("Y")].member.id


async def test_the_token_is_stored_as_a_hash_and_nobody_of_another_network_can_use_it(world: World, ann: Person):
    speaker, _ = await spoken(world, ann)
    token = await token_of(ann, speaker)
    assert token.encode() not in ((await world.fresh(speaker)).claim_hash or b"")
    stranger = await (await World.make(world.service, "Elsewhere")).person("Sid")
    async with nothing_happens(world.service):
        assert await answer(stranger.client, do.CLAIM_SPEAKER, token=token) == "INVALID"


async def test_one_vouches_only_for_whom_one_manages_everywhere(world: World, ann: Person, bob: Person):
    """Else a manager of one session could seat somebody on the panel of another."""
    speaker, (community,) = await spoken(world, ann)
    await world.belong(bob, community, CommunityRole.MANAGER)
    assert await answer(bob.client, do.CREATE_SPEAKER_CLAIM, speakerId=gid(speaker)) == "Y"
    hidden = await world.community(owner=ann, visibility=Visibility.HIDDEN)
    session = await world.session(hidden)
    await world.add(SessionSpeaker(session_id=session.id, speaker_id=speaker.id))
    assert await answer(bob.client, do.CREATE_SPEAKER_CLAIM, speakerId=gid(speaker)) == "N"
    assert await answer(ann.client, do.CREATE_SPEAKER_CLAIM, speakerId=gid(speaker)) == "Y"


async def test_whoever_speaks_is_no_outsider(world: World, ann: Person, ruth: Person):
    await world.change(ruth.member, attendance=Attendance.NONE)
    await world.change(world.network, outsider_tier=OutsiderTier.AGENDA_ONLY)
    speaker, (community,) = await spoken(world, ann)
    assert await ruth.client.refused(do.COMMUNITY, id=gid(community)) == "NOT_FOUND"
    await ruth.client.do(do.CLAIM_SPEAKER, token=await token_of(ann, speaker))
    assert (await ruth.client.ask(do.COMMUNITY, id=gid(community)))["community"]["viewerCan"]["contribute"]["allowed"]


async def test_a_speaker_who_is_named_in_another_session_sits_there_too(world: World, ann: Person, ruth: Person):
    speaker, _ = await spoken(world, ann)
    await ruth.client.do(do.CLAIM_SPEAKER, token=await token_of(ann, speaker))
    community = await world.community(owner=ann, admits=Admits.EXTERNALS)
    session = await world.session(community)
    named = {"speakers": ["Sofia", "Ruth"]}
    changed = (await ann.client.do(do.CHANGE_SESSION, sessionId=gid(session), input=named))["session"]
    assert [found["id"] == gid(speaker) for found in changed["speakers"]] == [False, True]
    (seat,) = await rows(world, Membership, Membership.community_id == community.id, Membership.roles == PANEL)
    assert seat.member_id == ruth.member.id
