"""Tasks: given, taken, handed on, done, and talked about in private."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from models import MemberKind, NetworkRole, Task, TaskMessage, TaskParticipant, Visibility
from resolvers import policy
from tests import documents as do
from tests.client import Client
from tests.replica import KINDS
from tests.tables import table
from tests.traces import answer, count, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

TASK = """query ($id: ID!) { task(id: $id) { task { title state
  participants(first: 10) { nodes { role state member { name } } } messages(first: 10) { nodes { body } }
} } }"""
MINE = "query ($id: ID!) { myTasks(networkId: $id) { tasks(first: 10) { nodes { id state } } } }"


async def give(creator: Person, assignee: Person, network: Any, **more: Any) -> str:
    said = {"assigneeId": assignee.id, "title": "Mend the pump", **more}
    return str((await creator.client.do(do.CREATE_TASK, networkId=gid(network), input=said))["task"]["id"])


async def parts(client: Client, task: str) -> dict[tuple[str, str], str]:
    nodes = (await client.ask(TASK, id=task))["task"]["task"]["participants"]["nodes"]
    return {(node["member"]["name"], node["role"]): node["state"] for node in nodes}


async def mine(person: Person, network: Any) -> list[str]:
    nodes = (await person.client.ask(MINE, id=gid(network)))["myTasks"]["tasks"]["nodes"]
    return [node["id"] for node in nodes]


@pytest.fixture
async def cyd(world: World) -> Person:
    return await world.person("Cyd")


# Creator, assignee, who had it before, the community's owner, a member of it, an administrator of the network, an
# internal colleague, a guest in the community, nobody.
WHO = ("creator", "assignee", "former", "owner", "member", "admin", "colleague", "guest", "nobody")


@dataclass
class Cast:
    world: World
    clients: dict[str, Client]
    people: dict[str, Person]
    content: Any
    current: str | None = None

    async def task(self) -> str:
        """About a topic; given to the former assignee, who has handed it on. As good as new until somebody moved it."""
        self.current = self.current or await self._new()
        return self.current

    async def _new(self) -> str:
        creator, former, assignee = (self.people[who] for who in ("creator", "former", "assignee"))
        task = await give(creator, former, self.world.network, contentId=gid(self.content))
        await former.client.do(do.REASSIGN_TASK, taskId=task, assigneeId=assignee.id)
        return task


@pytest.fixture
async def cast(world: World) -> Cast:
    kinds, roles = {"guest": MemberKind.GUEST}, {"admin": NetworkRole.OWNER}
    people = {
        who: await world.person(who, kinds.get(who, MemberKind.INTERNAL), roles.get(who, NetworkRole.MEMBER))
        for who in WHO
        if who != "nobody"
    }
    community = await world.community(owner=people["owner"])
    for who in ("creator", "assignee", "former", "member", "guest"):
        await world.belong(people[who], community)
    content = await world.content(community, people["owner"])
    clients = {who: person.client for who, person in people.items()} | {"nobody": world.nobody}
    return Cast(world, clients, people, content)


Try = Callable[[Cast, Client, str], Awaitable[str]]


async def knows_of_it(cast: Cast, client: Client, who: str) -> str:
    return await look(client, TASK, id=await cast.task())


async def finds_it_by_id(cast: Cast, client: Client, who: str) -> str:
    return await look(client, do.NODE, id=await cast.task())


async def reads_the_talk(cast: Cast, client: Client, who: str) -> str:
    task, said = await cast.task(), {"body": "Between us"}
    message = (await cast.clients["creator"].do(do.POST_TASK_MESSAGE, taskId=task, input=said))["taskMessage"]
    return await look(client, do.NODE, id=message["id"])


async def talks(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.POST_TASK_MESSAGE, taskId=await cast.task(), input={"body": "Well"})


async def reassigns(cast: Cast, client: Client, who: str) -> str:
    assignee = cast.people["member"].id
    return await answer(client, do.REASSIGN_TASK, taskId=await cast.task(), assigneeId=assignee)


async def accepts(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.ACCEPT_TASK, taskId=await cast.task())


async def completes(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.COMPLETE_TASK, taskId=await cast.task())


async def declines(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.DECLINE_TASK, taskId=await cast.task())


async def cancels(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.CANCEL_TASK, taskId=await cast.task())


async def reschedules(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.RESCHEDULE_TASK, taskId=await cast.task(), dueAt="2026-04-01T12:00:00Z")


TABLE: list[tuple[Try, str]] = [
    #                 creator assignee former owner member admin colleague guest nobody
    (knows_of_it,    "Y       Y        Y      -     -      -     -         -     - "),
    (finds_it_by_id, "Y       Y        Y      -     -      -     -         -     - "),
    (reads_the_talk, "Y       Y        Y      -     -      -     -         -     - "),
    (talks,          "Y       Y        Y      -     -      -     -         -     - "),
    (reassigns,      "Y       Y        N      -     -      -     -         -     - "),
    (accepts,        "N       Y        N      -     -      -     -         -     - "),
    (completes,      "N       Y        N      -     -      -     -         -     - "),
    (declines,       "N       Y        N      -     -      -     -         -     - "),
    (cancels,        "Y       N        N      -     -      -     -         -     - "),
    (reschedules,    "Y       N        N      -     -      -     -         -     - "),
]  # fmt: skip


@table(
    policy.see_task,
    policy.see_message,
    policy.see_participant,
    policy.discuss_task,
    policy.reassign_task,
    policy.accept_task,
    policy.carry_out_task,
    policy.cancel_task,
)
@pytest.mark.parametrize("part", [0, 1])
async def test_a_task_belongs_to_those_who_take_part_and_to_nobody_else(cast: Cast, part: int):
    for attempt, row in TABLE[part::2]:
        expected = dict(zip(WHO, row.split(), strict=True))
        got = {}
        for who in WHO:
            got[who] = await attempt(cast, cast.clients[who], who)
            if got[who] == "Y":
                cast.current = None
        assert (attempt.__name__, got) == (attempt.__name__, expected)


async def test_whoever_is_refused_changes_nothing(cast: Cast):
    task = await cast.task()
    async with nothing_happens(cast.world.service):
        for who in ("former", "owner", "member", "guest", "nobody"):
            for document in (do.ACCEPT_TASK, do.COMPLETE_TASK, do.DECLINE_TASK, do.CANCEL_TASK):
                assert await answer(cast.clients[who], document, taskId=task) in {"N", "-"}
            assignee = cast.people["member"].id
            assert await answer(cast.clients[who], do.REASSIGN_TASK, taskId=task, assigneeId=assignee) in {"N", "-"}


async def test_a_task_about_nothing_is_given_and_stands_in_both_lists(world: World, ann, bob, cyd):
    due = "2026-03-09T12:00:00Z"
    task = await give(ann, bob, world.network, dueAt=due, body="Soon")
    assert await parts(ann.client, task) == {("Ann", "CREATOR"): "ACCEPTED", ("Bob", "ASSIGNEE"): "ASKED"}
    assert [await mine(person, world.network) for person in (ann, bob, cyd)] == [[task], [task], []]


async def test_a_task_runs_from_open_over_in_progress_to_done(world: World, ann, bob, clock):
    task = await give(ann, bob, world.network)
    accepted = (await bob.client.do(do.ACCEPT_TASK, taskId=task))["task"]
    assert (accepted["state"], accepted["closedAt"]) == ("IN_PROGRESS", None)
    clock.advance(hours=1)
    done = (await bob.client.do(do.COMPLETE_TASK, taskId=task))["task"]
    assert (done["state"], done["closedAt"][:16]) == ("DONE", clock.now().isoformat()[:16])
    assert (await parts(ann.client, task))["Bob", "ASSIGNEE"] == "DONE"


@pytest.mark.parametrize(
    ("ending", "by", "state"),
    [(do.COMPLETE_TASK, "bob", "DONE"), (do.DECLINE_TASK, "bob", "DECLINED"), (do.CANCEL_TASK, "ann", "CANCELLED")],
    ids=["done", "declined", "cancelled"],
)
async def test_a_task_ends_once(world: World, ann, bob, cyd, ending: str, by: str, state: str):
    people = {"ann": ann, "bob": bob}
    task = await give(ann, bob, world.network)
    assert (await people[by].client.do(ending, taskId=task))["task"]["state"] == state
    async with nothing_happens(world.service):
        for document, person in (
            (do.ACCEPT_TASK, bob),
            (do.COMPLETE_TASK, bob),
            (do.DECLINE_TASK, bob),
            (do.CANCEL_TASK, ann),
        ):
            assert (await person.client.problem(document, taskId=task))["code"] == "FORBIDDEN"
        moved = await ann.client.problem(do.REASSIGN_TASK, taskId=task, assigneeId=cyd.id)
        assert moved["code"] == "FORBIDDEN"


async def test_the_assignee_hands_it_on_and_goes_on_watching(world: World, ann, bob, cyd):
    task = await give(ann, bob, world.network)
    await bob.client.do(do.ACCEPT_TASK, taskId=task)
    moved = (await bob.client.do(do.REASSIGN_TASK, taskId=task, assigneeId=cyd.id))["task"]
    assert moved["state"] == "OPEN"
    assert await parts(bob.client, task) == {
        ("Ann", "CREATOR"): "ACCEPTED",
        ("Bob", "ASSIGNEE"): "REASSIGNED",
        ("Cyd", "ASSIGNEE"): "ASKED",
    }
    assert [await mine(person, world.network) for person in (ann, bob, cyd)] == [[task]] * 3


async def test_a_task_that_comes_back_is_asked_of_the_same_person_again(world: World, ann, bob, cyd):
    task = await give(ann, bob, world.network)
    await bob.client.do(do.REASSIGN_TASK, taskId=task, assigneeId=cyd.id)
    await cyd.client.do(do.REASSIGN_TASK, taskId=task, assigneeId=bob.id)
    assert (await parts(ann.client, task))["Bob", "ASSIGNEE"] == "ASKED"
    assert (await bob.client.do(do.COMPLETE_TASK, taskId=task))["task"]["state"] == "DONE"
    assert await count(world.service, TaskParticipant) == 3


async def test_it_is_not_reassigned_to_whoever_has_it(world: World, ann, bob):
    task = await give(ann, bob, world.network)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.REASSIGN_TASK, taskId=task, assigneeId=bob.id)
    assert problem["code"] == "CONFLICT"


async def test_a_task_is_given_to_active_internal_members_only(world: World, ann, bob):
    guest = await world.person("Gus", MemberKind.GUEST)
    task = await give(ann, bob, world.network)
    async with nothing_happens(world.service):
        said = {"assigneeId": guest.id, "title": "t"}
        problem = await ann.client.problem(do.CREATE_TASK, networkId=gid(world.network), input=said)
        assert (problem["code"], problem["field"]) == ("INVALID", ["input", "assigneeId"])
        problem = await bob.client.problem(do.REASSIGN_TASK, taskId=task, assigneeId=guest.id)
        assert (problem["code"], problem["field"]) == ("INVALID", ["assigneeId"])
        unknown = {"assigneeId": gid(world.network), "title": "t"}
        problem = await ann.client.problem(do.CREATE_TASK, networkId=gid(world.network), input=unknown)
        assert problem["code"] == "NOT_FOUND"


async def test_a_task_about_something_private_is_not_given_to_somebody_who_cannot_see_it(world: World, ann, bob):
    community = await world.community(owner=ann, visibility=Visibility.PRIVATE)
    content = await world.content(community, ann)
    written = await world.comment(content, ann)
    async with nothing_happens(world.service):
        for subject in ({"contentId": gid(content)}, {"commentId": gid(written)}):
            said = {"assigneeId": bob.id, "title": "t", **subject}
            problem = await ann.client.problem(do.CREATE_TASK, networkId=gid(world.network), input=said)
            assert (problem["code"], problem["field"]) == ("INVALID", ["input", "assigneeId"])


async def test_a_task_is_not_about_a_topic_of_another_network(world: World, ann, bob):
    elsewhere = await World.make(world.service, "Elsewhere")
    own, other = ann.member.network_id, elsewhere.network.id
    stranger = await elsewhere.person("Sue")
    content = await elsewhere.content(await elsewhere.community(owner=stranger), stranger)
    async with nothing_happens(world.service):
        said = {"assigneeId": bob.id, "title": "t", "contentId": gid(content)}
        problem = await ann.client.problem(do.CREATE_TASK, networkId=gid(world.network), input=said)
    assert (problem["code"], own != other) == ("NOT_FOUND", True)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "t" * 201}, "title"),
        ({"title": "t", "body": "b" * 10_001}, "body"),
        ({"title": "t", "dueAt": "2026-03-09T12:00:00"}, "dueAt"),
        ({"title": "t", "dueAt": "0001-01-01T00:00:00+14:00"}, "dueAt"),
    ],
    ids=["blank", "long", "long body", "no zone", "out of time"],
)
async def test_what_has_the_wrong_form_is_no_task(world: World, ann, bob, said, field):
    async with nothing_happens(world.service):
        said = {"assigneeId": bob.id, **said}
        problem = await ann.client.problem(do.CREATE_TASK, networkId=gid(world.network), input=said)
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", field])


async def test_the_due_date_is_moved_and_taken_away(world: World, ann, bob):
    task = await give(ann, bob, world.network)
    moved = (await ann.client.do(do.RESCHEDULE_TASK, taskId=task, dueAt="2026-04-01T14:00:00+02:00"))["task"]
    assert moved["dueAt"] == "2026-04-01T12:00:00+00:00"
    assert (await ann.client.do(do.RESCHEDULE_TASK, taskId=task, dueAt=None))["task"]["dueAt"] is None


async def test_what_a_task_is_about_is_shown_only_while_one_may_see_it(world: World, ann, bob):
    community = await world.community(owner=ann, visibility=Visibility.PRIVATE)
    membership = await world.belong(bob, community)
    content = await world.content(community, ann)
    written = await world.comment(content, ann)
    task = await give(ann, bob, world.network, commentId=gid(written))
    about = "query ($id: ID!) { task(id: $id) { task { title content { id } comment { id } } } }"
    assert (await bob.client.ask(about, id=task))["task"]["task"]["content"] == {"id": gid(content)}
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership))
    seen = (await bob.client.ask(about, id=task))["task"]["task"]
    assert seen == {"title": "Mend the pump", "content": None, "comment": None}


async def test_private_talk_leaves_no_trace_on_its_subject(world: World, ann, bob, cyd):
    """Whatever happens in a task: what everybody else is told about its subject stays the same, byte for byte."""
    community = await world.community(owner=ann)
    await world.belong(bob, community)
    content = await world.content(community, ann)
    written = await world.comment(content, bob)
    thread = KINDS["content"]
    search = 'query ($n: ID!) { search(networkId: $n, text: "Title", first: 5) { nodes { id publishedAt } } }'
    outsiders = [cyd, await world.person("Meg"), bob]
    await world.belong(outsiders[1], community)

    async def told() -> str:
        answers = []
        for person in outsiders[:2]:
            found = (await person.client.ask(do.snapshot(thread), id=gid(content)))["content"]
            assert found.pop("cursor")
            answers.append([found, await person.client.ask(search, n=gid(world.network))])
        return repr(answers)

    before = await told()
    feeds = [await person.client.follow(thread.subscription, id=gid(content)) for person in outsiders]
    kinds = (("communityActivity", gid(community)), ("myFeed", gid(world.network)), ("escalations", gid(world.network)))
    for name, id in kinds:
        feeds += [await person.client.follow(KINDS[name].subscription, id=id) for person in outsiders]
    strangers = [
        await person.client.follow(KINDS["myTasks"].subscription, id=gid(world.network)) for person in outsiders
    ]
    for subject in ({"contentId": gid(content)}, {"commentId": gid(written)}):
        task = await give(ann, bob, world.network, **subject)
        await bob.client.do(do.ACCEPT_TASK, taskId=task)
        await bob.client.do(do.POST_TASK_MESSAGE, taskId=task, input={"body": "Between us"})
        await bob.client.do(do.COMPLETE_TASK, taskId=task)
    assert [await feed.take() for feed in feeds] == [[]] * len(feeds)
    told_to = [len(await feed.take()) for feed in strangers]
    assert told_to == [0, 0, 6], "those who take part hear of each of three steps twice, and nobody else does"
    assert await told() == before
    for feed in (*feeds, *strangers):
        await feed.stop()


async def test_a_task_message_has_the_form_of_one(world: World, ann, bob):
    task = await give(ann, bob, world.network)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.POST_TASK_MESSAGE, taskId=task, input={"body": " "})
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", "body"])
    said = (await ann.client.do(do.POST_TASK_MESSAGE, taskId=task, input={"body": "So"}))["taskMessage"]
    assert (said["body"], said["author"]) == ("So", {"name": "Ann"})
    assert (await count(world.service, TaskMessage), await count(world.service, Task)) == (1, 1)
