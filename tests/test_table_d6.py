"""Who sees a question in which state, cell by cell."""

from typing import Any

import pytest

from models import (
    Admits,
    CommunityRole,
    Question,
    QuestionAddressee,
    QuestionBoard,
    QuestionState,
    Visibility,
    VisitorRights,
)
from resolvers import policy
from tests import documents as do
from tests.client import Client
from tests.tables import table
from tests.traces import look
from tests.world import Person, World, gid

QUESTION = """query ($id: ID!) { node(id: $id) { ... on Question {
  body state author { name } isMine rejectReason rejectedBy { name } askerHandle privateLabels mergedInto { number }
  viewerIsAddressed
} } }"""
WHO = ("asker", "moderators", "audience", "display", "addressed", "visitor")

# own: with body, isMine. full: with body. reason: and why it was turned down. by: and by whom. to: what it was merged
# into. empty: without its body. high: put to the viewer by name. handle: with what the panel knows of its asker.
SIGHT = {
    # state, screen, published: asker, moderators, audience, display, addressed, visitor
    ("PENDING", False, False): ("own", "full handle", "-", "-", "-", "-"),
    ("PENDING", False, True): ("own", "full handle", "-", "-", "-", "-"),
    ("VISIBLE", False, True): ("own", "full handle", "full", "-", "full high", "full"),
    ("VISIBLE", True, True): ("own", "full handle", "full", "full", "full high", "full"),
    ("ANSWERED", False, True): ("own", "full handle", "full", "-", "full high", "full"),
    ("ANSWERED", True, True): ("own", "full handle", "full", "full", "full high", "full"),
    ("REJECTED", False, True): ("own reason", "full handle reason by", "-", "-", "-", "-"),
    ("MERGED", False, False): ("own to", "full handle to", "-", "-", "-", "-"),
    ("MERGED", False, True): ("own to", "full handle to", "empty to", "-", "empty high to", "empty to"),
    ("WITHDRAWN", False, True): ("own", "empty handle", "-", "-", "-", "-"),
    ("DISMISSED", False, True): ("own", "full handle", "full", "-", "full high", "full"),
}


class Hall:
    """A board in a community for everybody, and somebody of each kind before it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clients: dict[str, list[Client]] = {who: [] for who in WHO}

    async def fill(self) -> None:
        world = self.world
        self.owner = await world.person("Owner")
        community = await world.community(owner=self.owner, admits=Admits.EXTERNALS, visibility=Visibility.OPEN)
        self.board = await world.board(community, visitors=VisitorRights.ASK_AND_VOTE)
        self.people: dict[str, Person] = {}
        for name, roles, who in (
            ("Meg", CommunityRole.MANAGER, "moderators"),
            ("Pia", CommunityRole.PRESENTER, "moderators"),
            ("Res", CommunityRole.RESPONDER, "addressed"),
            ("Mel", CommunityRole.MEMBER, "audience"),
            ("Bob", CommunityRole.MEMBER, "-"),
        ):
            self.people[name] = person = await world.person(name)
            await world.belong(person, community, roles)
            self.clients.setdefault(who, []).append(person.client)
        self.clients["moderators"].append(self.owner.client)
        self.clients["audience"].append((await world.person("Sid")).client)
        self.clients["display"].append((await world.kiosk(self.board))[0])
        self.clients["visitor"].append(await world.visitor(self.board, "Vis"))
        self.asking = await world.visitor(self.board, "Ask")
        self.outside = [world.nobody, await world.visitor(await world.board(community), "Else")]
        self.target = await world.question(self.board, self.people["Mel"], "Target", number=1)

    async def ask(self, asker: str, state: str, on_screen: bool, was_published: bool) -> Question:
        columns: dict[str, Any] = {
            "state": QuestionState(state),
            "on_screen": on_screen,
            "number": self.number if was_published else None,
            "asker_handle": "somebody",
            "merged_into_id": self.target.id if state == "MERGED" else None,
        }
        if state == "REJECTED":
            columns |= {"reject_reason": "no", "rejected_by_id": self.owner.member.id}
        question = await self.world.question(
            self.board, self.people["Bob"], f"{state} body", anonymous=asker == "anonymous", **columns
        )
        if asker == "visitor":
            await self.world.sealed_to(question, self.asking, visitor_name="Ask")
        await self.world.add(QuestionAddressee(question_id=question.id, member_id=self.people["Res"].member.id))
        return question

    @property
    def number(self) -> int:
        self.published = getattr(self, "published", 1) + 1
        return self.published

    def clients_of(self, who: str, asker: str) -> list[Client]:
        if who == "asker":
            return [self.asking if asker == "visitor" else self.people["Bob"].client]
        return self.clients[who]


@table(
    policy.see_question,
    policy.see_published_question,
    policy.own_question,
    policy.moderate_question,
    policy.show_question,
    policy.read_question,
    policy.see_rejection,
    policy.addressed_question,
)
@pytest.mark.parametrize("asker", ["named", "anonymous", "visitor"])
async def test_who_sees_a_question_in_which_state(world: World, asker: str):
    hall = Hall(world)
    await hall.fill()
    for (state, on_screen, was_published), row in SIGHT.items():
        question = await hall.ask(asker, state, on_screen, was_published)
        got = {who: {await _sight(client, question) for client in hall.clients_of(who, asker)} for who in WHO}
        expected = {who: {cell} for who, cell in zip(WHO, row, strict=True)}
        assert ((state, was_published), got) == ((state, was_published), expected)
        assert [await look(client, do.NODE, id=gid(question)) for client in hall.outside] == ["-", "-"]


async def _sight(client: Client, question: Question) -> str:
    result = await client.execute(QUESTION, id=gid(question))
    if result.errors:
        return "-"
    seen = result.data["node"]
    assert seen["author"] in ([{"name": "Bob"}] if question.author_id else [None])
    assert seen["body"] in {None, f"{question.state} body"}
    assert (seen["askerHandle"] is None) == (seen["privateLabels"] is None)
    words = ["empty" if seen["body"] is None else "own" if seen["isMine"] else "full"]
    flags = {"high": "viewerIsAddressed", "handle": "askerHandle", "reason": "rejectReason", "by": "rejectedBy"}
    words += [word for word, field in (flags | {"to": "mergedInto"}).items() if seen[field]]
    return " ".join(words)


LISTS = {
    # feed                      asker  moderators  audience  addressed  visitor
    "questionBoard": {"VISIBLE", "ANSWERED", "DISMISSED", "Target"},
    "questionBoardModeration": {*QuestionState, "Target"},
    "questionBoardDisplay": {"VISIBLE", "ANSWERED"},
}


@pytest.mark.parametrize(
    ("feed", "who"),
    [
        ("questionBoard", "moderators"),
        ("questionBoard", "audience"),
        ("questionBoard", "visitor"),
        ("questionBoardModeration", "moderators"),
        ("questionBoardDisplay", "display"),
    ],
)
async def test_every_list_shows_the_states_that_are_for_it(world: World, feed: str, who: str):
    hall = Hall(world)
    await hall.fill()
    for state, on_screen, was_published in SIGHT:
        await hall.ask("named", state, on_screen, was_published)
    document = f"query ($id: ID!) {{ {feed}(id: $id) {{ questions(first: 50) {{ nodes {{ state number }} }} }} }}"
    for client in hall.clients[who]:
        nodes = (await client.ask(document, id=gid(hall.board)))[feed]["questions"]["nodes"]
        states = {"Target" if node["number"] == 1 else node["state"] for node in nodes}
        assert states == LISTS[feed]


RIGHTS = {
    VisitorRights.NONE: ("-", "-", "-"),
    VisitorRights.READ: ("Y", "N", "N"),
    VisitorRights.ASK: ("Y", "Y", "N"),
    VisitorRights.ASK_AND_VOTE: ("Y", "Y", "Y"),
}


@table(policy.see_board, policy.follow_board, policy.ask_on_board, policy.upvote_question)
@pytest.mark.parametrize("rights", VisitorRights)
async def test_a_visitor_does_what_the_board_lets_visitors_do(world: World, rights: VisitorRights):
    hall = Hall(world)
    await hall.fill()
    await world.change(hall.board, visitors=rights)
    (visitor,) = hall.clients["visitor"]
    assert await _deeds(visitor, hall.board, hall.target) == RIGHTS[rights]


@pytest.mark.parametrize("narrowed", [{"admits": Admits.INTERNALS}, {"visibility": Visibility.PRIVATE}])
async def test_where_a_community_is_no_longer_for_everybody_its_visitors_are_gone(world: World, narrowed: Any):
    hall = Hall(world)
    await hall.fill()
    community = await world.of(hall.board)
    await world.change(community, **narrowed)
    (visitor,) = hall.clients["visitor"]
    assert await _deeds(visitor, hall.board, hall.target) == RIGHTS[VisitorRights.NONE]


async def _deeds(client: Client, board: QuestionBoard, question: Question) -> tuple[str, ...]:
    found = (await client.execute(do.NODE, id=gid(question))).errors
    asked = await client.payload(do.ASK, boardId=gid(board), input={"body": "Why?"})
    voted = await client.payload(do.UPVOTE, questionId=gid(question))
    codes = [payload["problems"][0]["code"] if payload["problems"] else "Y" for payload in (asked, voted)]
    return ("-" if found else "Y", *({"FORBIDDEN": "N", "NOT_FOUND": "-"}.get(code, code) for code in codes))
