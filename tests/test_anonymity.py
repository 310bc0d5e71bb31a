"""Anonymous questions: nobody learns who asked, not even who reads the tables."""

import json
import logging
from typing import Any

from sqlmodel import select

from models import Answer, AuthorSeal, Change, CommunityRole, QuestionState, Visibility
from resolvers import policy
from tests import documents as do
from tests.asking import ask
from tests.replica import KINDS
from tests.tables import table
from tests.traces import answer, changes
from tests.unchanged import everything
from tests.world import gid


async def test_an_anonymous_asker_is_named_nowhere(world, ann, bob, community, board, caplog):
    """Neither an answer, nor an event, nor a change, nor a log line, nor any table but the seal names the asker."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "plenary")
    presenter, member = await world.person("Pia"), await world.person("Mel")
    await world.belong(presenter, community, CommunityRole.PRESENTER)
    await world.belong(member, community)
    everybody = {"owner": ann, "presenter": presenter, "member": member}
    feeds = []
    for person in everybody.values():
        for kind, id in (
            ("questionBoard", board),
            ("questionBoardModeration", board),
            ("questionBoardDisplay", board),
            ("communityActivity", community),
            ("myFeed", world.network),
        ):
            feeds.append(await person.client.follow(KINDS[kind].subscription, id=gid(id)))
    before = await everything(world.service)
    asked = await ask(bob, board, "Why not?", anonymous=True)
    id = asked["id"]
    await ann.client.do(do.APPROVE, questionId=id)
    await ann.client.do(do.SHOW, questionId=id, onScreen=True)
    await member.client.do(do.UPVOTE, questionId=id)
    await ann.client.do(do.MARK_ANSWERED, questionId=id, input={"how": "LIVE"})
    told: list[Any] = [asked]
    for feed in feeds:
        told += await feed.take()
    assert any(event.get("__typename") == "Added" for event in told)
    deep = """query ($id: ID!) { node(id: $id) { ... on Question {
      id body author { id name } isMine publishedAt number viewerCan { withdraw { allowed } }
      community { name } board { id }
    } } }"""
    told += [await person.client.ask(deep, id=id) for person in everybody.values()]
    display = (await world.kiosk(board))[0]
    told.append(await display.ask(deep, id=id))
    needles = [bob.name, bob.id, bob.account.email]
    needles += [str(form) for row in (bob.member.id, bob.principal_id) for form in (row, row.hex)]
    for needle in needles:
        assert needle not in json.dumps(told), needle
        assert needle not in repr([change.model_dump() for change in await changes(world.service)]), needle
        assert needle not in caplog.text, needle
    after = await everything(world.service)
    grown = {name: [row for row in rows if row not in before[name]] for name, rows in after.items()}
    naming = {name for name, rows in grown.items() if bob.principal_id.hex in repr(rows).replace("-", "")}
    assert naming == {"author_seal"}
    assert bob.member.id.hex not in repr(grown).replace("-", "")
    for feed in feeds:
        await feed.stop()


async def test_a_kept_answer_does_not_link_an_anonymous_asker_to_the_question(world, bob, board):
    """The seal is the only place that knows, also when the asker's client retries."""
    said = {"body": "Why not?", "anonymous": True}
    asked = (await bob.client.do(do.ASK, boardId=gid(board), input=said, idempotencyKey="k"))["question"]["id"]
    again = (await bob.client.do(do.ASK, boardId=gid(board), input=said, idempotencyKey="k"))["question"]["id"]
    assert asked == again
    async with world.service.database.read() as session:
        (kept,) = (await session.scalars(select(Answer))).all()
        (seal,) = (await session.scalars(select(AuthorSeal))).all()
    assert seal.principal_id == kept.principal_id == bob.principal_id
    assert seal.question_id.hex not in repr(kept.model_dump()).replace("-", "")


async def test_the_time_of_an_anonymous_question_does_not_tell_who_typed_just_then(world, ann, bob, board, clock):
    published = "query ($id: ID!) { node(id: $id) { ... on Question { publishedAt } } }"
    times = []
    for anonymous in (True, False):
        asked = await ask(bob, board, anonymous=anonymous)
        await ann.client.do(do.APPROVE, questionId=asked["id"])
        times.append((await ann.client.ask(published, id=asked["id"]))["node"]["publishedAt"])
    assert times == [clock.now().replace(microsecond=0).isoformat(), clock.now().isoformat()]


async def test_an_anonymous_asker_finds_and_takes_back_the_own_question(world, ann, bob, board):
    asked = await ask(bob, board, anonymous=True)
    mine = "query ($id: ID!) { myQuestions(boardId: $id) { questions(first: 5) { nodes { id isMine } } } }"
    for person, expected in ((bob, [{"id": asked["id"], "isMine": True}]), (ann, [])):
        assert (await person.client.ask(mine, id=gid(board)))["myQuestions"]["questions"]["nodes"] == expected
    assert await answer(ann.client, do.WITHDRAW_QUESTION, questionId=asked["id"]) == "N"
    await bob.client.do(do.WITHDRAW_QUESTION, questionId=asked["id"])


async def test_ids_and_cursors_of_anonymous_questions_do_not_tell_their_order(world, ann, bob, board):
    """Ids are random; cursors of the same row differ each time and none contains the time."""
    asked = [await ask(bob, board, anonymous=True) for _ in range(8)]
    page = "query ($id: ID!) { questionBoardModeration(id: $id) { questions(first: 20) { edges { cursor } } } }"
    cursors = []
    for _ in range(2):
        found = (await ann.client.ask(page, id=gid(board)))["questionBoardModeration"]["questions"]["edges"]
        cursors += [edge["cursor"] for edge in found]
    assert len(set(cursors)) == 16
    assert len({len(cursor) for cursor in cursors}) == 1
    assert len({question["id"] for question in asked}) == 8
    async with world.service.database.read() as session:
        (change, *_) = (await session.scalars(select(Change))).all()
    assert {topic.partition(":")[0] for topic in change.topics} == {"activity", "board"}, "no topic per asker"


async def test_giving_a_task_does_not_try_out_who_asked(world, ann, bob, community, board):
    """Were an asker told of as one who sees what waits, a moderator would only have to go through the members."""
    member = await world.person("Mel")
    await world.belong(member, community)
    network, task = gid(world.network), {"title": "Find out"}
    asked = (await ask(bob, board, "Why not?", anonymous=True))["id"]

    async def tried(document: str, **variables: Any) -> list[str]:
        return [await answer(ann.client, document, **variables, assigneeId=person.id) for person in (bob, member)]

    async def tried_anew(question: str) -> list[str]:
        said = [task | {"questionId": question, "assigneeId": person.id} for person in (bob, member)]
        return [await answer(ann.client, do.CREATE_TASK, networkId=network, input=input) for input in said]

    assert await tried_anew(asked) == ["INVALID", "INVALID"]
    await ann.client.do(do.APPROVE, questionId=asked)
    assert await tried_anew(asked) == ["Y", "Y"]
    given = await ann.client.do(
        do.CREATE_TASK, networkId=network, input=task | {"questionId": asked, "assigneeId": ann.id}
    )
    await ann.client.do(do.REJECT, questionId=asked, reason="no")
    assert await tried(do.REASSIGN_TASK, taskId=given["task"]["id"]) == ["INVALID", "INVALID"]


TAKING_ON = {
    # state      asker  moderator  member  stranger
    "PENDING": ("-", "Y", "-", "-"),
    "VISIBLE": ("Y", "Y", "Y", "-"),
    "ANSWERED": ("Y", "Y", "Y", "-"),
    "DISMISSED": ("Y", "Y", "Y", "-"),
}


@table(policy.take_on_question)
async def test_who_can_be_given_a_task_about_a_question(world, ann, bob, board, community):
    member, stranger = await world.person("Mel"), await world.person("Sid")
    await world.belong(member, community)
    await world.change(community, visibility=Visibility.PRIVATE)
    for state, row in TAKING_ON.items():
        question = gid(await world.question(board, bob, state=QuestionState(state)))
        task = {"title": "Find out", "questionId": question}
        words = []
        for person in (bob, ann, member, stranger):
            said = task | {"assigneeId": person.id}
            word = await answer(ann.client, do.CREATE_TASK, networkId=gid(world.network), input=said)
            words.append({"INVALID": "-"}.get(word, word))
        assert (state, *words) == (state, *row)
