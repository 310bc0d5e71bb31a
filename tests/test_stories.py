"""The two stories of the product, through the public API alone, against a started server."""

import asyncio
from typing import Any

import pytest

from models import NetworkRole
from tests.started import Door
from tests.stories import Actor, Cast, cast
from tests.world import World, gid


def do(call: str, result: str, variables: str = "") -> str:
    return f"mutation {variables} {{ {call} {{ {result} problems {{ code message rule }} }} }}"


COMMUNITY = do(
    "createCommunity(networkId: $n, input: $input)", "community { id }", "($n: ID!, $input: CreateCommunityInput!)"
)
JOIN = do("joinCommunity(communityId: $id)", "membership { id state }", "($id: ID!)")
TOPIC = do("createTopic(communityId: $id, input: $input)", "topic { id }", "($id: ID!, $input: ContentInput!)")
COMMENT = do("addComment(contentId: $id, input: {body: $body})", "comment { id }", "($id: ID!, $body: String!)")
ACCEPT_ANSWER = do("acceptAnswer(commentId: $id)", "topic { answerState }", "($id: ID!)")
ESCALATE = do(
    "escalateTopic(topicId: $id, input: {communityId: $to})",
    "escalation { id state topic { id } }",
    "($id: ID!, $to: ID!)",
)
PUSH = do(
    "pushEscalation(escalationId: $id, input: {assigneeId: $to})",
    "escalation { state task { id } }",
    "($id: ID!, $to: ID!)",
)
REASSIGN = do("reassignTask(taskId: $id, assigneeId: $to)", "task { id state }", "($id: ID!, $to: ID!)")
ACCEPT_TASK = do("acceptTask(taskId: $id)", "task { state }", "($id: ID!)")
SAY = do("postTaskMessage(taskId: $id, input: {body: $body})", "taskMessage { id }", "($id: ID!, $body: String!)")
LINKS = """query ($id: ID!) { node(id: $id) { ... on Topic {
  escalatedTo { id topic { title } } escalation { origin { id } }
} } }"""


@pytest.fixture
async def office(door: Door) -> Any:
    """A started server with one owner, who invites everybody else."""
    world = await World.make(door.service)
    owner = await world.person("Olga", role=NetworkRole.OWNER)
    async with cast(door) as people:
        yield people, people.enter("Olga", await door.sign_in(owner)), gid(world.network)


async def test_escalation(office: tuple[Cast, Actor, str]) -> None:
    """A question that support cannot solve finds the one developer who can."""
    people, owner, network = office
    (sue, _), (dan, dan_id), (dora, dora_id), (otto, _) = [
        await people.invite(owner, network, name) for name in ("Sue", "Dan", "Dora", "Otto")
    ]
    support = (await sue.do(COMMUNITY, n=network, input={"name": "Support", "visibility": "PRIVATE"}))["community"][
        "id"
    ]
    developers = (await dan.do(COMMUNITY, n=network, input={"name": "Developers", "purpose": "ESCALATION"}))[
        "community"
    ]["id"]
    await dora.do(JOIN, id=developers)
    for developer in (dan, dora):
        await developer.watch("myFeed", network)
        await developer.watch("myTasks", network)
    for viewer in (sue, dan, dora, otto):
        await viewer.watch("escalations", network)
    await sue.watch("communityActivity", support)

    question = {"title": "Sensor drifts at night", "body": "By two degrees.", "tags": ["sensor"]}
    topic = (await sue.do(TOPIC, id=support, input=question))["topic"]["id"]
    await people.agree()

    escalation = (await sue.do(ESCALATE, id=topic, to=developers))["escalation"]
    await people.agree()
    assert escalation["state"] == "PULL"
    asked = escalation["topic"]["id"]
    assert asked in _replica(dan, "myFeed"), "it shows in a developer's own feed"
    assert (await sue.ask(LINKS, id=topic))["node"]["escalatedTo"][0]["topic"]["title"] == question["title"]
    assert (await dan.ask(LINKS, id=asked))["node"]["escalation"]["origin"] is None, "the private end stays private"

    for viewer in (sue, dan, dora):
        await viewer.watch("content", asked)
    pushed = (await sue.do(PUSH, id=escalation["id"], to=dan_id))["escalation"]
    task = pushed["task"]["id"]
    assert pushed["state"] == "PUSHED"
    await people.agree()
    await sue.watch("task", task)
    await dan.watch("task", task)
    assert task in _replica(dan, "myTasks")

    await dan.do(ACCEPT_TASK, id=task)
    await dan.do(SAY, id=task, body="Dora wrote the compensation; she knows.")
    await people.agree()
    await dan.do(REASSIGN, id=task, to=dora_id)
    await people.agree()
    assert task in _replica(dora, "myTasks")
    await dora.watch("task", task)

    answer = (await dora.do(COMMENT, id=asked, body="Update to 2.4: the table was wrong."))["comment"]["id"]
    await people.agree()
    (escalated,) = _replica(sue, "escalations").values()
    assert (escalated["escalationState"], escalated["answeredByPull"]) == ("ANSWERED", False)
    assert (await sue.do(ACCEPT_ANSWER, id=answer))["topic"] == {"answerState": "RESOLVED"}
    await people.agree()
    (watched,) = [node for node in _replica(sue, "task").values() if node["__typename"] == "Task"]
    assert watched["taskState"] == "DONE", "who pushed has watched it to the end"
    assert {node["escalationState"] for node in _replica(otto, "escalations").values()} == {"RESOLVED"}

    found = await otto.ask(
        'query ($n: ID!) { search(networkId: $n, text: "sensor night", first: 10) { nodes { id } } '
        "escalations(networkId: $n, filter: {states: [RESOLVED]}) { pullRatio escalations(first: 10) { nodes { id } } }"
        " }",
        n=network,
    )
    assert found["search"]["nodes"] == [{"id": asked}], "found again, and the private question is not"
    assert found["escalations"] == {"pullRatio": 0.0, "escalations": {"nodes": [{"id": escalation["id"]}]}}


def _replica(actor: Actor, kind: str) -> dict[str, Any]:
    (replica,) = [replica for replica in actor.replicas if replica.kind.name == kind]
    assert replica.state is not None
    return replica.state


BOARD = do('createQuestionBoard(communityId: $id, input: {title: "Keynote"})', "questionBoard { id }", "($id: ID!)")
OPEN = do("openQuestionBoard(boardId: $id)", "questionBoard { state }", "($id: ID!)")
CLOSE = do("closeQuestionBoard(boardId: $id)", "questionBoard { state }", "($id: ID!)")
KIOSK = do('createKioskKey(boardId: $id, label: "Hall")', "token", "($id: ID!)")
ROLES = do(
    "changeRoles(membershipId: $id, roles: $roles)", "membership { roles }", "($id: ID!, $roles: [CommunityRole!]!)"
)
ASK = do(
    "askQuestion(boardId: $id, input: {body: $body, anonymous: $hidden})",
    "question { id author { id } }",
    "($id: ID!, $body: String!, $hidden: Boolean!)",
)
APPROVE = do("approveQuestion(questionId: $id)", "question { number }", "($id: ID!)")
REJECT = do('rejectQuestion(questionId: $id, reason: "Off topic")', "question { state }", "($id: ID!)")
UPVOTE = do("upvoteQuestion(questionId: $id)", "question { votes }", "($id: ID!)")
SHOW = do("showQuestion(questionId: $id)", "question { onScreen }", "($id: ID!)")
ANSWERED = do("markQuestionAnswered(questionId: $id)", "question { state }", "($id: ID!)")
WITHDRAW = do("withdrawQuestion(questionId: $id)", "question { state }", "($id: ID!)")


async def test_conference_session(
    office: tuple[Cast, Actor, str],
) -> None:
    """A hall asks, votes, sees and is answered; nobody learns what is not for them."""
    people, owner, network = office
    hall = {"name": "Keynote", "purpose": "SESSION", "admits": "EXTERNALS"}
    session = (await owner.do(COMMUNITY, n=network, input=hall))["community"]["id"]
    board = (await owner.do(BOARD, id=session))["questionBoard"]["id"]
    moderators = [(await people.invite(owner, network, f"Moderator {n}"))[0] for n in range(2)]
    speaker, _ = await people.invite(owner, network, "Speaker")
    attendees = [(await people.invite(owner, network, f"Attendee {n}", kind="EXTERNAL"))[0] for n in range(20)]
    for actor, role in ((moderators[0], "MANAGER"), (moderators[1], "MANAGER"), (speaker, "PRESENTER")):
        membership = (await actor.do(JOIN, id=session))["membership"]["id"]
        await owner.do(ROLES, id=membership, roles=[role])
    await asyncio.gather(*(attendee.do(JOIN, id=session) for attendee in attendees))
    display = people.enter("display", (await moderators[0].do(KIOSK, id=board))["token"])
    await display.watch("questionBoardDisplay", board)
    for actor in (*moderators, speaker):
        await actor.watch("questionBoardModeration", board)
    for attendee in attendees:
        await attendee.watch("questionBoard", board)
        await attendee.watch("myQuestions", board)
    await attendees[0].watch("communityActivity", session)
    await moderators[0].do(OPEN, id=board)
    await people.agree()

    asked = await asyncio.gather(
        *(a.do(ASK, id=board, body=f"Question {n}", hidden=n < 3) for n, a in enumerate(attendees))
    )
    ids = [answer["question"]["id"] for answer in asked]
    assert all(answer["question"]["author"] is None for answer in asked[:3]), "anonymous to themselves, too"
    await people.agree()
    assert all(len(_questions(attendee)) == 0 for attendee in attendees), "nobody in the hall sees what waits"

    await asyncio.gather(*(moderators[n % 2].do(APPROVE, id=id) for n, id in enumerate(ids[:10])))
    await asyncio.gather(*(moderators[n % 2].do(REJECT, id=id) for n, id in enumerate(ids[10:12])))
    await people.agree()
    assert all(set(_questions(attendee)) == set(ids[:10]) for attendee in attendees)
    assert _replica(attendees[10], "myQuestions")[ids[10]]["rejectReason"] == "Off topic"

    voters = attendees[10:]
    await asyncio.gather(*(voter.do(UPVOTE, id=ids[0]) for voter in voters for _ in range(2)))
    await asyncio.gather(*(voter.do(UPVOTE, id=ids[1]) for voter in voters[:4]))
    await people.agree()
    assert [_questions(attendees[5])[id]["votes"] for id in ids[:2]] == [10, 4]

    await moderators[1].do(SHOW, id=ids[0])
    await people.agree()
    assert _shown(display) == {ids[0]}
    await speaker.do(ANSWERED, id=ids[0])
    await speaker.do(SHOW, id=ids[1])
    await attendees[2].do(WITHDRAW, id=ids[2])
    await people.agree()
    assert _shown(display) == {ids[1]}
    assert ids[2] not in _questions(attendees[7])

    await moderators[0].do(CLOSE, id=board)
    await people.agree()
    assert _questions(attendees[0])[ids[0]]["questionState"] == "ANSWERED"
    await asyncio.gather(*(_names_no_asker(actor, ids[:3]) for actor in (*moderators, speaker, attendees[4])))


def _questions(attendee: Actor) -> dict[str, Any]:
    return {id: node for id, node in _replica(attendee, "questionBoard").items() if node["__typename"] == "Question"}


def _shown(display: Actor) -> set[str]:
    return {id for id, n in _replica(display, "questionBoardDisplay").items() if n["__typename"] == "Question"}


async def _names_no_asker(actor: Actor, ids: list[str]) -> None:
    found = await actor.ask(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Question { author { name } isMine } } }", ids=ids
    )
    assert all(node is None or node == {"author": None, "isMine": False} for node in found["nodes"])
