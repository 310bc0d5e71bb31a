"""Escalations by hand: into the open first, then into somebody's hands."""

import asyncio
from typing import Any

import pytest

from models import Community, CommunityPurpose, CommunityRole, Content, ContentKind, Escalation, MemberKind, Visibility
from resolvers import policy
from tests import documents as do
from tests.client import event_of
from tests.replica import KINDS
from tests.tables import table
from tests.traces import answer, count, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

SOURCE = """query ($id: ID!) { content(id: $id) { content { ... on Topic {
  escalation { id } escalatedTo { id state topic { id } }
} } } }"""
ESCALATION = """query ($id: ID!) { node(id: $id) { ... on Escalation {
  state topic { id } origin { id } community { id } escalatedBy { name } assignee { name } task { id } answeredByPull
} } }"""
RATIO = "query ($n: ID!, $f: EscalationFilter) { escalations(networkId: $n, filter: $f) { pullRatio } }"


@pytest.fixture
async def ann(world: World) -> Person:
    """Of the support team; she escalates."""
    return await world.person("Ann")


@pytest.fixture
async def dev(world: World) -> Person:
    """Of the developers, whose escalation community it is."""
    return await world.person("Dev")


@pytest.fixture
async def team(world: World, ann: Person) -> Community:
    return await world.community("Support", owner=ann, visibility=Visibility.PRIVATE)


@pytest.fixture
async def target(world: World, dev: Person) -> Community:
    return await world.community("Developers", owner=dev, purpose=CommunityPurpose.ESCALATION)


@pytest.fixture
async def source(world: World, ann: Person, team: Community) -> Content:
    return await world.content(team, ann, "Pump stops", tags=("acme",))


async def escalate(person: Person, source: Content, target: Community, **said: str) -> dict[str, Any]:
    wanted = {"communityId": gid(target), **said}
    return dict((await person.client.do(do.ESCALATE_TOPIC, topicId=gid(source), input=wanted))["escalation"])


async def push(person: Person, escalation: str, assignee: Person) -> dict[str, Any]:
    wanted = {"assigneeId": assignee.id}
    return dict((await person.client.do(do.PUSH_ESCALATION, escalationId=escalation, input=wanted))["escalation"])


async def comment(person: Person, topic: str) -> str:
    return str((await person.client.do(do.ADD_COMMENT, contentId=topic, input={"body": "So"}))["comment"]["id"])


async def shown(person: Person, escalation: str) -> dict[str, Any]:
    return dict((await person.client.ask(ESCALATION, id=escalation))["node"])


async def test_an_escalated_topic_stands_in_the_other_community_with_its_words_and_tags(
    world, ann, dev, source, target
):
    made = await escalate(ann, source, target)
    assert (made["state"], made["escalatedBy"], made["task"]) == ("PULL", {"name": "Ann"}, None)
    assert (made["topic"]["title"], made["topic"]["body"]) == ("Pump stops", "Body of Pump stops")
    assert made["origin"] == {"id": gid(source)}
    found = await dev.client.ask(SOURCE, id=made["topic"]["id"])
    assert found["content"]["content"]["escalation"] == {"id": made["id"]}


async def test_it_is_escalated_in_other_words_when_they_are_given(ann, source, target):
    made = await escalate(ann, source, target, title="A pump stops", body="")
    assert (made["topic"]["title"], made["topic"]["body"]) == ("A pump stops", "")


async def test_a_topic_is_escalated_once_into_the_same_community(world, ann, dev, source, target):
    await escalate(ann, source, target)
    async with nothing_happens(world.service):
        wanted = {"communityId": gid(target)}
        problem = await ann.client.problem(do.ESCALATE_TOPIC, topicId=gid(source), input=wanted)
    assert problem["code"] == "CONFLICT"
    other = await world.community(owner=dev, purpose=CommunityPurpose.ESCALATION)
    await escalate(ann, source, other)
    assert await count(world.service, Escalation) == 2


async def test_two_who_escalate_at_once_make_one_escalation(world, ann, source, team, target):
    second = await world.person("Bea")
    await world.belong(second, team)
    wanted = {"communityId": gid(target)}
    payloads = await asyncio.gather(
        *(person.client.payload(do.ESCALATE_TOPIC, topicId=gid(source), input=wanted) for person in (ann, second))
    )
    assert sorted(len(payload["problems"]) for payload in payloads) == [0, 1]
    assert await count(world.service, Escalation) == 1


@table(policy.escalate_content, policy.escalate_into_community)
async def test_what_may_be_escalated_and_where_to(world, ann, dev, team, target, source):
    outsider = await world.person("Oli")
    guest = await world.person("Gus", MemberKind.GUEST)
    await world.belong(guest, team)
    post = await world.content(team, ann, kind=ContentKind.POST)
    talk = await world.community("Talk", owner=dev)
    closed = await world.community(
        "Closed", owner=dev, visibility=Visibility.PRIVATE, purpose=CommunityPurpose.ESCALATION
    )
    hidden = await world.community(
        "Hidden", owner=dev, visibility=Visibility.HIDDEN, purpose=CommunityPurpose.ESCALATION
    )
    cases = {
        "by an outsider": (outsider, source, target, "-"),
        "by a guest": (guest, source, target, "N"),
        "a post": (ann, post, target, "N"),
        "into talk": (ann, source, talk, "N"),
        "into a closed one": (ann, source, closed, "N"),
        "into a hidden one": (ann, source, hidden, "-"),
        "by a member": (ann, source, target, "Y"),
    }
    async with nothing_happens(world.service):
        got = {
            name: await answer(who.client, do.ESCALATE_TOPIC, topicId=gid(what), input={"communityId": gid(where)})
            for name, (who, what, where, expected) in cases.items()
            if expected != "Y"
        }
    assert got == {name: expected for name, (*_, expected) in cases.items() if expected != "Y"}
    assert await escalate(ann, source, target)


async def test_links_are_shown_only_to_those_who_see_the_other_end(world, ann, dev, source, team, target):
    """Ann's colleague sees the source; Dev sees the escalation; Gus, a guest of the team, sees no developers."""
    colleague, guest = await world.person("Bea"), await world.person("Gus", MemberKind.GUEST)
    for person in (colleague, guest):
        await world.belong(person, team)
    made = await escalate(ann, source, target)
    for person, links in ((ann, 1), (colleague, 1), (guest, 0)):
        found = (await person.client.ask(SOURCE, id=gid(source)))["content"]["content"]["escalatedTo"]
        assert (person.name, len(found)) == (person.name, links)
    assert (await shown(dev, made["id"]))["origin"] is None
    assert (await shown(ann, made["id"]))["origin"] == {"id": gid(source)}
    assert await look(guest.client, do.NODE, id=made["id"]) == "-"
    assert await look(dev.client, do.NODE, id=gid(source)) == "-"


async def test_whoever_does_not_see_the_other_end_hears_of_no_link(world, ann, source, team, target):
    guest = await world.person("Gus", MemberKind.GUEST)
    await world.belong(guest, team)
    feeds = {}
    for person in (guest, ann):
        for kind, id in (("content", gid(source)), ("communityActivity", gid(team)), ("myFeed", gid(world.network))):
            feeds[person.name, kind] = await person.client.follow(KINDS[kind].subscription, id=id)
    made = await escalate(ann, source, target)
    await comment(await _helper(world, target), made["topic"]["id"])
    told = {name: [event["__typename"] for event in await feed.take()] for name, feed in feeds.items()}
    assert told == {
        ("Gus", "content"): [],
        ("Gus", "communityActivity"): [],
        ("Gus", "myFeed"): [],
        ("Ann", "content"): ["Changed"],
        ("Ann", "communityActivity"): ["Changed"],
        ("Ann", "myFeed"): ["Changed"],
    }
    for feed in feeds.values():
        await feed.stop()


async def _helper(world: World, target: Community) -> Person:
    helper = await world.person("Hal")
    await world.belong(helper, target)
    return helper


async def test_pushed_it_becomes_a_task_that_the_pusher_watches(world, ann, dev, source, target):
    made = await escalate(ann, source, target)
    pushed = await push(ann, made["id"], dev)
    assert (pushed["state"], pushed["assignee"], bool(pushed["pushedAt"])) == ("PUSHED", {"name": "Dev"}, True)
    task = (
        await dev.client.ask(
            do_task := "query ($id: ID!) { node(id: $id) { ... on Task { title state content { id } } } }",
            id=pushed["task"]["id"],
        )
    )["node"]
    assert task == {"title": "Pump stops", "state": "OPEN", "content": {"id": made["topic"]["id"]}}
    assert (await ann.client.ask(do_task, id=pushed["task"]["id"]))["node"] == task


async def test_others_see_who_has_it_but_not_the_task(world, ann, dev, source, target):
    member = await _helper(world, target)
    pushed = await push(ann, (await escalate(ann, source, target))["id"], dev)
    seen = await shown(member, pushed["id"])
    assert (seen["assignee"], seen["task"]) == ({"name": "Dev"}, None)


async def test_whoever_reassigns_the_task_hands_on_the_escalation(world, ann, dev, source, target):
    colleague = await _helper(world, target)
    pushed = await push(ann, (await escalate(ann, source, target))["id"], dev)
    await dev.client.do(do.REASSIGN_TASK, taskId=pushed["task"]["id"], assigneeId=colleague.id)
    assert (await shown(ann, pushed["id"]))["assignee"] == {"name": "Hal"}


async def test_it_is_pushed_anew_only_when_its_task_has_ended(world, ann, dev, source, target):
    colleague = await _helper(world, target)
    pushed = await push(ann, (await escalate(ann, source, target))["id"], dev)
    wanted = {"assigneeId": colleague.id}
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.PUSH_ESCALATION, escalationId=pushed["id"], input=wanted)
    assert problem["code"] == "CONFLICT"
    await dev.client.do(do.DECLINE_TASK, taskId=pushed["task"]["id"])
    again = await push(ann, pushed["id"], colleague)
    assert (again["assignee"], again["pushedAt"]) == ({"name": "Hal"}, pushed["pushedAt"])


@table(policy.see_escalation, policy.push_escalation, policy.resolve_escalation)
async def test_who_sees_pushes_and_resolves(world, ann, dev, source, team, target):
    who = {"escalator": ann, "owner": dev}
    for name, roles in (("responder", CommunityRole.RESPONDER), ("member", CommunityRole.MEMBER)):
        who[name] = await world.person(name)
        await world.belong(who[name], target, roles)
    who["guest"], who["colleague"] = await world.person("Gus", MemberKind.GUEST), await world.person("Oli")
    who["external"] = await world.person("Eve", MemberKind.EXTERNAL)
    got = {}
    for name, person in who.items():
        seen = []
        for document, extra in (
            (None, {}),
            (do.PUSH_ESCALATION, {"input": {"assigneeId": dev.id}}),
            (do.RESOLVE_ESCALATION, {}),
        ):
            topic = await world.content(team, ann)
            id = (await escalate(ann, topic, target))["id"]
            seen.append(
                await answer(person.client, document, escalationId=id, **extra)
                if document
                else await look(person.client, do.NODE, id=id)
            )
        got[name] = " ".join(seen)
    assert got == {
        "escalator": "Y Y Y",
        "owner": "Y Y Y",
        "responder": "Y Y Y",
        "member": "Y Y N",
        "colleague": "Y N N",
        "guest": "- - -",
        "external": "- - -",
    }


async def test_it_is_answered_by_anybody_but_the_one_who_asks(world, ann, dev, source, target):
    made = await escalate(ann, source, target)
    await comment(ann, made["topic"]["id"])
    assert (await shown(ann, made["id"]))["state"] == "PULL"
    answered = await comment(await _helper(world, target), made["topic"]["id"])
    assert ((await shown(ann, made["id"]))["state"], (await shown(ann, made["id"]))["answeredByPull"]) == (
        "ANSWERED",
        True,
    )
    assert answered


@pytest.mark.parametrize("pushed", [False, True], ids=["pull", "pushed"])
async def test_it_waits_again_as_before_when_the_answer_is_taken_back(world, ann, dev, source, target, pushed):
    helper = await _helper(world, target)
    made = await escalate(ann, source, target)
    if pushed:
        await push(ann, made["id"], dev)
    answered = await comment(helper, made["topic"]["id"])
    assert (await shown(ann, made["id"]))["state"] == "ANSWERED"
    await helper.client.do(do.WITHDRAW_COMMENT, commentId=answered)
    seen = await shown(ann, made["id"])
    assert (seen["state"], seen["answeredByPull"]) == ("PUSHED" if pushed else "PULL", None)


async def test_the_accepted_answer_resolves_it_and_ends_its_task(world, ann, dev, source, target):
    made = await push(ann, (await escalate(ann, source, target))["id"], dev)
    answered = await comment(dev, made["topic"]["id"])
    await ann.client.do(do.ACCEPT_ANSWER, commentId=answered)
    task = await ann.client.ask("query ($id: ID!) { node(id: $id) { ... on Task { state } } }", id=made["task"]["id"])
    assert ((await shown(ann, made["id"]))["state"], task["node"]["state"]) == ("RESOLVED", "DONE")


async def test_the_source_is_not_answered_by_what_happens_elsewhere(world, ann, dev, source, target):
    made = await escalate(ann, source, target)
    await ann.client.do(do.ACCEPT_ANSWER, commentId=await comment(dev, made["topic"]["id"]))
    fresh = await world.fresh(source)
    assert (fresh.answer_state, fresh.revision, fresh.comment_count) == (source.answer_state, 1, 0)


async def test_resolved_by_hand_it_stays_resolved(world, ann, dev, source, target):
    made = await escalate(ann, source, target)
    resolved = (await ann.client.do(do.RESOLVE_ESCALATION, escalationId=made["id"]))["escalation"]
    assert (resolved["state"], resolved["topic"]["answerState"], bool(resolved["resolvedAt"])) == (
        "RESOLVED",
        "RESOLVED",
        True,
    )
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.RESOLVE_ESCALATION, escalationId=made["id"]) == "N"
        wanted = {"assigneeId": dev.id}
        assert await answer(ann.client, do.PUSH_ESCALATION, escalationId=made["id"], input=wanted) == "N"


async def test_withdrawing_the_topic_cancels_it_and_its_task(world, ann, dev, source, target):
    made = await push(ann, (await escalate(ann, source, target))["id"], dev)
    await ann.client.do(do.WITHDRAW_CONTENT, contentId=made["topic"]["id"])
    seen = await shown(ann, made["id"])
    task = await ann.client.ask("query ($id: ID!) { node(id: $id) { ... on Task { state } } }", id=made["task"]["id"])
    assert (seen["state"], task["node"]["state"]) == ("CANCELLED", "CANCELLED")


async def test_the_pull_ratio_counts_what_was_answered_before_anybody_was_pushed(world, ann, dev, team, target, clock):
    ratio = await ann.client.ask(RATIO, n=gid(world.network))
    assert ratio["escalations"]["pullRatio"] is None
    for steps in ("a", "pa", "ap", "p", ""):
        made = await escalate(ann, await world.content(team, ann, f"T{steps}"), target)
        for step in steps:
            clock.advance(minutes=1)
            if step == "p":
                await push(ann, made["id"], dev)
            else:
                await comment(dev, made["topic"]["id"])
    ratio = await ann.client.ask(RATIO, n=gid(world.network))
    assert ratio["escalations"]["pullRatio"] == pytest.approx(2 / 3)
    ratio = await ann.client.ask(RATIO, n=gid(world.network), f={"states": ["PULL"]})
    assert ratio["escalations"]["pullRatio"] is None


async def test_the_pull_ratio_counts_only_what_the_viewer_may_see(world, ann, dev, team, target):
    closed = await world.community(owner=dev, visibility=Visibility.PRIVATE, purpose=CommunityPurpose.ESCALATION)
    await world.belong(ann, closed)
    for community, is_pushed in ((target, False), (closed, True)):
        made = await escalate(ann, await world.content(team, ann), community)
        if is_pushed:
            await push(ann, made["id"], dev)
        await comment(dev, made["topic"]["id"])
    outsider = await world.person("Oli")
    seen = {
        p.name: (await p.client.ask(RATIO, n=gid(world.network)))["escalations"]["pullRatio"] for p in (ann, outsider)
    }
    assert seen == {"Ann": 0.5, "Oli": 1.0}


async def test_the_dashboard_shows_what_moves_into_and_out_of_its_filter(world, ann, dev, source, target):
    events = event_of("... on Escalation { state }")
    document = f"subscription ($n: ID!, $f: EscalationFilter) {{ escalations(networkId: $n, filter: $f) {events} }}"
    waiting = await ann.client.follow(document, n=gid(world.network), f={"states": ["PULL", "PUSHED"]})
    answered = await ann.client.follow(document, n=gid(world.network), f={"states": ["ANSWERED"]})
    elsewhere = await ann.client.follow(document, n=gid(world.network), f={"communityIds": []})
    told: list[list[str]] = [[], [], []]
    made = await escalate(ann, source, target)
    for step in (None, push(ann, made["id"], dev), comment(dev, made["topic"]["id"])):
        if step:
            await step
        for heard, feed in zip(told, (waiting, answered, elsewhere), strict=True):
            heard += [event["__typename"] for event in await feed.take()]
    assert told == [["Added", "Changed", "Removed"], ["Added"], []]
    for feed in (waiting, answered, elsewhere):
        await feed.stop()
