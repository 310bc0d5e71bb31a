"""Reminders: whoever has a task is told when it is due, once, and only while they have it."""

from datetime import timedelta
from typing import Any

from models import AccountState, Community, CommunityPurpose, LetterState, NetworkRole, Task
from resolvers import timetable
from tests import documents as do
from tests.conftest import ManualClock
from tests.invited import only
from tests.letterbox import arrived, rows, text
from tests.world import Person, World, gid

ESCALATION = CommunityPurpose.ESCALATION
HOUR = timedelta(hours=1)


async def given(world: World, by: Person, to: Person, **input: Any) -> str:
    input = {"assigneeId": to.id, "title": "Count the chairs", "dueAt": (world.now + HOUR).isoformat()} | input
    return str((await by.client.do(do.CREATE_TASK, networkId=gid(world.network), input=input))["task"]["id"])


async def later(world: World, clock: ManualClock, **by: float) -> list[Any]:
    """What has arrived after so long."""
    clock.advance(**by)
    await timetable.tick(world.service.means)
    return await arrived(world.service)


async def test_who_has_a_task_is_told_when_it_is_due_and_once(
    world: World, ann: Person, bob: Person, clock: ManualClock
) -> None:
    await given(world, ann, bob)
    assert await later(world, clock, minutes=59) == []
    (letter,) = await later(world, clock, minutes=1)
    assert (letter["To"], letter["Subject"]) == ("bob@example.com", "Due now: Count the chairs")
    assert "2026-03-02 10:00 UTC" in text(letter)
    assert (await only(world, Task)).remind_at is None, "or it would be looked at for ever"
    assert len(await later(world, clock, days=1)) == 1


async def test_the_letter_leads_to_the_task_by_its_id(
    world: World, ann: Person, bob: Person, clock: ManualClock
) -> None:
    object.__setattr__(world.service.means.letterhead, "app_url", "https://app.example.com")
    task_id = await given(world, ann, bob)
    (letter,) = await later(world, clock, hours=1)
    assert f"https://app.example.com/tasks/{task_id}\n" in text(letter)


async def test_a_task_that_is_due_at_another_time_is_told_of_again(
    world: World, ann: Person, bob: Person, clock: ManualClock
) -> None:
    task_id = await given(world, ann, bob)
    first = (world.now + HOUR).isoformat()
    assert len(await later(world, clock, hours=1)) == 1
    await ann.client.do(do.RESCHEDULE_TASK, taskId=task_id, dueAt=(world.now + HOUR).isoformat())
    assert len(await later(world, clock, minutes=30)) == 1
    assert len(await later(world, clock, minutes=30)) == 2
    await ann.client.do(do.RESCHEDULE_TASK, taskId=task_id, dueAt=first)
    assert len(await later(world, clock, hours=1)) == 2, "of that it was told"


async def test_what_is_done_or_no_longer_due_then_is_not_told(
    world: World, ann: Person, bob: Person, clock: ManualClock
) -> None:
    done, moved = await given(world, ann, bob), await given(world, ann, bob)
    await given(world, ann, bob, dueAt=None)
    await bob.client.do(do.COMPLETE_TASK, taskId=done)
    await ann.client.do(do.RESCHEDULE_TASK, taskId=moved, dueAt=None)
    assert await later(world, clock, hours=2) == []
    assert await rows(world.service) == []


async def test_whoever_has_it_no_longer_when_the_letter_leaves_gets_none(
    world: World, ann: Person, bob: Person, clock: ManualClock
) -> None:
    """By then the policy is asked again: it was handed on, done, put off, or its reader is gone."""
    cyd, dan, eve = await world.person("Cyd"), await world.person("Dan"), await world.person("Eve")
    owner = await world.person("Owner", role=NetworkRole.OWNER)
    tasks = {person.name: await given(world, ann, person) for person in (bob, cyd, dan, eve)}
    await given(world, ann, ann)
    clock.advance(hours=1)
    await timetable.tick(world.service.means)
    await bob.client.do(do.REASSIGN_TASK, taskId=tasks["Bob"], assigneeId=ann.id)
    await cyd.client.do(do.COMPLETE_TASK, taskId=tasks["Cyd"])
    await owner.client.do(do.DISABLE, memberId=dan.id)
    await world.change(eve.account, state=AccountState.SUSPENDED)
    assert [letter["To"] for letter in await arrived(world.service)] == ["ann@example.com"]
    assert sorted(letter.state for letter in await rows(world.service)) == [LetterState.KEPT] + [LetterState.VOID] * 4


async def test_one_that_was_put_off_before_the_letter_left_is_told_of_then(
    world: World, ann: Person, bob: Person, clock: ManualClock
) -> None:
    task_id = await given(world, ann, bob)
    clock.advance(hours=1)
    await timetable.tick(world.service.means)
    await ann.client.do(do.RESCHEDULE_TASK, taskId=task_id, dueAt=(world.now + HOUR).isoformat())
    assert await arrived(world.service) == []
    assert len(await later(world, clock, hours=1)) == 1


async def test_whom_a_topic_is_pushed_to_is_reminded_too(
    world: World, ann: Person, bob: Person, community: Community, clock: ManualClock
) -> None:
    topic = await world.content(community, bob, title="<b>Why?</b>")
    there = await world.community("There", owner=ann, purpose=ESCALATION)
    escalated = await bob.client.do(do.ESCALATE_TOPIC, topicId=gid(topic), input={"communityId": gid(there)})
    input = {"assigneeId": ann.id, "dueAt": (world.now + HOUR).isoformat()}
    await ann.client.do(do.PUSH_ESCALATION, escalationId=escalated["escalation"]["id"], input=input)
    (letter,) = await later(world, clock, hours=1)
    assert "&lt;b&gt;Why" in letter.get_body(("html",)).get_content()
