import asyncio

from sqlmodel import col, select

from models import Admits, MemberKind, NetworkRole, ParticipantState, Task, TaskParticipant, Visibility
from resolvers import policy
from tests import documents as do
from tests.client import event_of
from tests.invited import guest_invited
from tests.queues import holding
from tests.tables import table
from tests.traces import look
from tests.world import World, gid

ACCEPT = "mutation ($token: String!) { acceptInvitation(token: $token) { member { kind } problems { code } } }"
TASK_FEED = (
    "subscription ($id: ID!) { task(id: $id) "
    + event_of("... on Task { participants(first: 9) { nodes { role } } }")
    + " }"
)
COUNT = "query ($id: ID!) { community(id: $id) { memberCount } }"


async def test_who_comes_back_as_a_guest_has_nothing_of_what_they_had_as_a_colleague(world: World):
    admin, ann = await world.person("Admin", role=NetworkRole.OWNER), await world.person("Ann")
    hidden = await world.community("Layoffs", owner=ann, visibility=Visibility.HIDDEN)
    partners = await world.community(owner=admin, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    secret = await world.content(hidden, ann)
    assigned = {"assigneeId": ann.id, "title": "Sort it out"}
    task = (await admin.client.do(do.CREATE_TASK, networkId=gid(world.network), input=assigned))["task"]["id"]
    await admin.client.do(do.DISABLE, memberId=ann.id)
    _, token = await guest_invited(world, admin, partners, ann.account.email)
    assert (await ann.client.do(ACCEPT, token=token))["member"] == {"kind": "GUEST"}
    node = "query ($id: ID!) { node(id: $id) { id } }"
    ids = [gid(partners), gid(hidden), gid(secret), task]
    assert [await look(ann.client, node, id=id) for id in ids] == ["Y", "-", "-", "-"]


async def test_the_task_of_who_came_back_as_a_guest_can_be_given_to_another(world: World):
    admin, ann = await world.person("Admin", role=NetworkRole.OWNER), await world.person("Ann")
    bob = await world.person("Bob")
    partners = await world.community(owner=admin, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    assigned = {"assigneeId": ann.id, "title": "Sort it out"}
    task = (await admin.client.do(do.CREATE_TASK, networkId=gid(world.network), input=assigned))["task"]["id"]
    await admin.client.do(do.DISABLE, memberId=ann.id)
    _, token = await guest_invited(world, admin, partners, ann.account.email)
    feed = await admin.client.follow(TASK_FEED, id=task)
    await ann.client.do(ACCEPT, token=token)
    (event,) = await feed.take()
    assert event["node"]["participants"]["nodes"] == [{"role": "CREATOR"}]
    await feed.stop()
    reassigned = (await admin.client.do(do.REASSIGN_TASK, taskId=task, assigneeId=bob.id))["task"]
    assert {p["member"]["name"] for p in reassigned["participants"]["nodes"]} == {"Admin", "Bob"}


async def test_a_disabled_member_is_counted_no_longer(world: World):
    admin, ann = await world.person("Admin", role=NetworkRole.OWNER), await world.person("Ann")
    community = await world.community(owner=admin)
    await world.belong(ann, community)
    assert (await admin.client.ask(COUNT, id=gid(community)))["community"] == {"memberCount": 2}
    await admin.client.do(do.DISABLE, memberId=ann.id)
    assert (await admin.client.ask(COUNT, id=gid(community)))["community"] == {"memberCount": 1}


@table(policy.follow_escalation)
async def test_a_guest_sees_how_far_an_escalation_is_but_not_who_has_it(world: World):
    ann, dan = await world.person("Ann"), await world.person("Dan")
    guest = await world.person("Gus", MemberKind.GUEST)
    support = await world.community(owner=ann)
    help_ = await world.community(owner=dan, admits=Admits.GUESTS, visibility=Visibility.PRIVATE, purpose="ESCALATION")
    for person in (ann, guest):
        await world.belong(person, help_)
    topic = await world.content(support, ann)
    to = {"communityId": gid(help_)}
    escalation = (await ann.client.do(do.ESCALATE_TOPIC, topicId=gid(topic), input=to))["escalation"]["id"]
    await ann.client.do(do.PUSH_ESCALATION, escalationId=escalation, input={"assigneeId": dan.id})
    query = """query ($id: ID!, $n: ID!) {
      node(id: $id) { ... on Escalation { state assignee { name } pushedAt answeredByPull } }
      escalations(networkId: $n) { pullRatio }
    }"""
    seen = {p.name: (await p.client.ask(query, id=escalation, n=gid(world.network)))["node"] for p in (ann, guest)}
    assert seen["Ann"]["assignee"] == {"name": "Dan"}
    assert seen["Ann"]["pushedAt"]
    assert seen["Gus"] == {"state": "PUSHED", "assignee": None, "pushedAt": None, "answeredByPull": None}


async def test_who_resolves_without_an_answer_has_answered_nothing(world: World):
    ann, dan = await world.person("Ann"), await world.person("Dan")
    support, help_ = await world.community(owner=ann), await world.community(owner=dan, purpose="ESCALATION")
    topic = await world.content(support, ann)
    to = {"communityId": gid(help_)}
    escalation = (await ann.client.do(do.ESCALATE_TOPIC, topicId=gid(topic), input=to))["escalation"]["id"]
    await ann.client.do(do.RESOLVE_ESCALATION, escalationId=escalation)
    query = """query ($id: ID!, $n: ID!) {
      node(id: $id) { ... on Escalation { state answeredAt answeredByPull } } escalations(networkId: $n) { pullRatio }
    }"""
    seen = await ann.client.ask(query, id=escalation, n=gid(world.network))
    assert seen["node"] == {"state": "RESOLVED", "answeredAt": None, "answeredByPull": None}
    assert seen["escalations"] == {"pullRatio": None}


async def test_of_two_who_wait_for_a_task_the_second_sees_what_the_first_did(world: World):
    """Ann hands the task on while Bob accepts it: one row is held, both queue for it, then it is let go."""
    ann, bob, cyd = [await world.person(name) for name in ("Ann", "Bob", "Cyd")]
    assigned = {"assigneeId": bob.id, "title": "Sort it out"}
    task = (await ann.client.do(do.CREATE_TASK, networkId=gid(world.network), input=assigned))["task"]["id"]
    async with holding(world, Task) as start:
        first = await start(ann.client.payload(do.REASSIGN_TASK, taskId=task, assigneeId=cyd.id))
        second = await start(bob.client.payload(do.ACCEPT_TASK, taskId=task))
    reassigned, accepted = await asyncio.gather(first, second)
    assert reassigned["problems"] == []
    assert [problem["code"] for problem in accepted["problems"]] == ["FORBIDDEN"]
    async with world.service.database.read() as session:
        held = select(TaskParticipant.state).where(col(TaskParticipant.role) == "ASSIGNEE")
        states = (await session.scalars(held)).all()
    assert sorted(states) == [ParticipantState.ASKED, ParticipantState.REASSIGNED]
