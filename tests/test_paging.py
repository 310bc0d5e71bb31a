"""Pages by key: complete in both directions, nested, opaque, and in a number of statements that does not grow."""

from collections.abc import Callable
from typing import Any

import pytest

from models import Community, CommunityPurpose, MemberKind, QuestionBoard
from tests import documents as do
from tests.client import Client
from tests.traces import statements
from tests.world import Person, World, gid

QUESTIONS = """query ($id: ID!, $order: BoardOrder! = NEW, $first: Int, $after: String, $last: Int, $before: String) {
  questionBoard(id: $id) { questions(order: $order, first: $first, after: $after, last: $last, before: $before) {
    nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}"""


@pytest.fixture
async def community(world: World, ann: Person) -> Community:
    return await world.community(owner=ann)


@pytest.fixture
async def board(world: World, ann: Person, community: Community, clock) -> QuestionBoard:
    """Seven questions, of which several were published in the same moment and several have as many votes."""
    board = await world.board(community)
    for n in range(7):
        clock.advance(seconds=n % 3 == 0)
        await world.question(board, ann, f"Q{n}", votes=n % 2)
    return board


async def page(client: Client, board: QuestionBoard, **arguments: Any) -> Any:
    return (await client.ask(QUESTIONS, id=gid(board), **arguments))["questionBoard"]["questions"]


@pytest.mark.parametrize("order", ["TOP", "NEW"])
@pytest.mark.parametrize("size", [1, 3, 7])
async def test_pages_in_both_directions_make_the_whole_list_also_where_keys_are_equal(ann, board, order, size):
    everything = [node["id"] for node in (await page(ann.client, board, order=order, first=100))["nodes"]]
    assert len(everything) == 7
    forward: list[str] = []
    cursor, info = None, {"hasNextPage": True}
    while info["hasNextPage"]:
        found = await page(ann.client, board, order=order, first=size, after=cursor)
        assert found["pageInfo"]["hasPreviousPage"] == bool(forward)
        forward += [node["id"] for node in found["nodes"]]
        info, cursor = found["pageInfo"], found["pageInfo"]["endCursor"]
    assert forward == everything
    backward: list[str] = []
    cursor, info = None, {"hasPreviousPage": True}
    while info["hasPreviousPage"]:
        found = await page(ann.client, board, order=order, last=size, before=cursor)
        assert found["pageInfo"]["hasNextPage"] == bool(backward)
        backward = [*(node["id"] for node in found["nodes"]), *backward]
        info, cursor = found["pageInfo"], found["pageInfo"]["startCursor"]
    assert backward == everything


async def test_every_edge_has_the_cursor_behind_which_the_rest_begins(ann, board):
    found = await page(ann.client, board, first=100)
    ids = [node["id"] for node in found["nodes"]]
    for n, edge in enumerate(found["edges"]):
        behind = await page(ann.client, board, first=100, after=edge["cursor"])
        before = await page(ann.client, board, last=100, before=edge["cursor"])
        assert [node["id"] for node in behind["nodes"]] == ids[n + 1 :]
        assert [node["id"] for node in before["nodes"]] == ids[:n]


async def test_between_two_cursors_lies_what_lies_between(ann, board):
    found = await page(ann.client, board, first=100)
    ids, edges = [node["id"] for node in found["nodes"]], found["edges"]
    between = await page(ann.client, board, first=100, after=edges[1]["cursor"], before=edges[5]["cursor"])
    assert [node["id"] for node in between["nodes"]] == ids[2:5]


async def test_a_list_without_entries_has_no_cursors(world, ann, community):
    found = await page(ann.client, await world.board(community), first=5)
    assert found["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.parametrize(
    "arguments",
    [{}, {"first": 0}, {"first": 101}, {"last": 0}, {"last": 101}, {"first": -1}, {"first": 1, "last": 1}],
    ids=str,
)
async def test_a_page_has_a_size_between_1_and_100_and_one_direction(ann, board, arguments):
    assert await ann.client.refused(QUESTIONS, id=gid(board), **arguments) == "INVALID"


@pytest.mark.parametrize("where", ["after", "before"])
async def test_a_cursor_of_another_list_or_an_altered_one_is_refused(ann, board, where):
    cursor = (await page(ann.client, board, order="NEW", first=1))["pageInfo"]["endCursor"]
    altered = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    for one in (altered, cursor[:-8], "garbage", "", "é", "\ud800"):
        assert (
            await ann.client.refused(QUESTIONS, id=gid(board), order="NEW", first=1, **{where: one}) == "STALE_CURSOR"
        )
    assert await ann.client.refused(QUESTIONS, id=gid(board), order="TOP", first=1, **{where: cursor}) == "STALE_CURSOR"


async def test_a_cursor_shows_nothing(ann, board):
    cursors = [(await page(ann.client, board, first=1))["pageInfo"]["endCursor"] for _ in range(3)]
    assert len(set(cursors)) == 3


async def test_a_page_goes_on_behind_its_key_when_the_row_has_gone(world, ann, board):
    found = await page(ann.client, board, first=100)
    ids = [node["id"] for node in found["nodes"]]
    hide = "mutation ($id: ID!) { hideQuestion(questionId: $id) { problems { code } } }"
    await ann.client.do(hide, id=ids[2])
    behind = await page(ann.client, board, first=2, after=found["edges"][2]["cursor"])
    assert [node["id"] for node in behind["nodes"]] == ids[3:5]


NESTED = """query ($n: ID!, $first: Int, $last: Int, $after: String) { network(id: $n) {
  communities(first: 50) { nodes { name boards(first: $first, last: $last, after: $after) {
    edges { cursor node { id title } } pageInfo { hasNextPage hasPreviousPage }
  } } }
} }"""


async def test_nested_lists_are_cut_each_for_itself(world, ann, clock):
    ids: dict[str, list[str]] = {}
    for count in (0, 2, 5):
        community = await world.community(f"C{count}", owner=ann)
        ids[community.name] = []
        for _ in range(count):
            clock.advance(seconds=1)
            ids[community.name].append(gid(await world.board(community)))
    for arguments, part, more in (
        ({"first": 3}, slice(0, 3), ("hasNextPage", {"C0": False, "C2": False, "C5": True})),
        ({"last": 3}, slice(-3, None), ("hasPreviousPage", {"C0": False, "C2": False, "C5": True})),
    ):
        found = (await ann.client.ask(NESTED, n=gid(world.network), **arguments))["network"]["communities"]["nodes"]
        got = {c["name"]: [edge["node"]["id"] for edge in c["boards"]["edges"]] for c in found}
        assert got == {name: boards[part] for name, boards in ids.items()}
        assert {c["name"]: c["boards"]["pageInfo"][more[0]] for c in found} == more[1]
    cursor = found[2]["boards"]["edges"][0]["cursor"]
    rest = (await ann.client.ask(NESTED, n=gid(world.network), first=5, after=cursor))["network"]["communities"][
        "nodes"
    ]
    assert [edge["node"]["id"] for edge in rest[2]["boards"]["edges"]] == ids["C5"][3:]


# --- statements -----------------------------------------------------------------------------------------------------

AUTHOR = "author { id name headline about isViewer viewerCan { edit { allowed } disable { allowed } } }"
LISTS: dict[str, tuple[str, Callable[[dict[str, str]], str]]] = {
    "activity": (
        f"""query ($id: ID!) {{ communityActivity(communityId: $id) {{ contents(first: 50) {{ nodes {{
          id {AUTHOR}
          community {{ name viewerMembership {{ state }} viewerCan {{ read {{ allowed }} join {{ allowed }} }} }}
          ... on Article {{ title articleCan: viewerCan {{ edit {{ allowed }} comment {{ allowed }} }}
            comments(first: 5) {{ nodes {{ body {AUTHOR} viewerCan {{ edit {{ allowed }} }} }} }}
            revisions(first: 5) {{ nodes {{ no }} }} }}
          ... on Topic {{ escalation {{ id }} escalatedTo {{ id }} acceptedAnswer {{ id }} }}
          ... on Question {{ questionBody: body isMine viewerHasVoted rejectReason board {{ title }}
            viewerCan {{ upvote {{ allowed }} withdraw {{ allowed }} moderate {{ allowed }} }} }}
        }} }} }} }}""",
        lambda ids: ids["community"],
    ),
    "my feed": (
        f"query ($id: ID!) {{ myFeed(networkId: $id) {{ contents(first: 50) {{ nodes {{ id {AUTHOR} }} }} }} }}",
        lambda ids: ids["network"],
    ),
    "board": (
        f"""query ($id: ID!) {{ questionBoard(id: $id) {{ questions(first: 50) {{ nodes {{
          id body isMine viewerHasVoted {AUTHOR} viewerCan {{ upvote {{ allowed }} }}
        }} }} }} }}""",
        lambda ids: ids["board"],
    ),
    "moderation": (
        f"""query ($id: ID!) {{ questionBoardModeration(id: $id) {{ questions(first: 50) {{ nodes {{
          id {AUTHOR}
        }} }} }} }}""",
        lambda ids: ids["board"],
    ),
    "tasks": (
        f"""query ($id: ID!) {{ myTasks(networkId: $id) {{ tasks(first: 50) {{ nodes {{
          title content {{ id }} participants(first: 5) {{ nodes {{ role member {{ name }} }} }}
          messages(first: 5) {{ nodes {{ body {AUTHOR} }} }} viewerCan {{ accept {{ allowed }} cancel {{ allowed }} }}
        }} }} }} }}""",
        lambda ids: ids["network"],
    ),
    "escalations": (
        """query ($id: ID!) { escalations(networkId: $id) { pullRatio escalations(first: 50) { nodes {
          state topic { title } origin { title } community { name } escalatedBy { name } assignee { name } task { id }
          viewerCan { push { allowed } }
        } } } }""",
        lambda ids: ids["network"],
    ),
    "search": (
        f'query ($id: ID!) {{ search(networkId: $id, text: "topic", first: 50) {{ nodes {{ id {AUTHOR} }} }} }}',
        lambda ids: ids["network"],
    ),
    "members": (
        "query ($id: ID!) { network(id: $id) { members(first: 100) { nodes { name headline about isViewer } } } }",
        lambda ids: ids["network"],
    ),
    "memberships": (
        """query ($id: ID!) { community(id: $id) { memberships(first: 100) { nodes {
          state roles member { name } viewerCan { manage { allowed } }
        } } } }""",
        lambda ids: ids["community"],
    ),
}


async def test_no_list_sends_more_statements_when_it_is_longer(world, ann, community):
    """One per edge and level, however many rows there are: N+1 shows at once."""
    board = await world.board(community)
    target = await world.community("Developers", owner=ann, purpose=CommunityPurpose.ESCALATION)
    ids = {"network": gid(world.network), "community": gid(community), "board": gid(board)}

    async def grow(count: int) -> None:
        for _ in range(count):
            person = await world.person(f"P{len(people)}", MemberKind.INTERNAL)
            people.append(person)
            await world.belong(person, community)
            topic = await world.content(community, person, "A topic")
            await world.comment(topic, person)
            await world.question(board, person)
            escalated = {"communityId": gid(target)}
            made = (await ann.client.do(do.ESCALATE_TOPIC, topicId=gid(topic), input=escalated))["escalation"]["id"]
            pushed = {"assigneeId": person.id}
            task = (await ann.client.do(do.PUSH_ESCALATION, escalationId=made, input=pushed))["escalation"]["task"][
                "id"
            ]
            await person.client.do(do.POST_TASK_MESSAGE, taskId=task, input={"body": "So"})

    async def counts() -> dict[str, int]:
        found = {}
        for name, (document, subject) in LISTS.items():
            with statements(world.service) as sent:
                await ann.client.ask(document, id=subject(ids))
            assert sent, name
            found[name] = len(sent)
        return found

    people: list[Person] = []
    await grow(2)
    few = await counts()
    await grow(5)
    many = await counts()
    # Two edges to the same rows share a statement when they are asked at once, so there may be one more or less.
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name] + 2} == {}
    assert max(many.values()) < 40
