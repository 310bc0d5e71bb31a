"""A board as a file: complete, for those who run it, silent on anonymous askers, safe in a spreadsheet."""

import csv
import io
import json
from typing import Any

import pytest

from models import AnsweredHow, CommunityRole, MemberKind, PollState, QuestionBoard, QuestionState
from schema.base import parse
from tests import documents as do
from tests.asking import ask
from tests.client import Client
from tests.traces import statements
from tests.world import World, gid

EXPORT = (
    "query ($id: ID!, $format: ExportFormat!) { node(id: $id) { ... on QuestionBoard { export(format: $format) } } }"
)
STATES = (
    QuestionState.VISIBLE,
    QuestionState.ANSWERED,
    QuestionState.DISMISSED,
    QuestionState.PENDING,
    QuestionState.REJECTED,
    QuestionState.WITHDRAWN,
)


async def exported(client: Client, board: QuestionBoard, form: str = "JSON") -> Any:
    found = (await client.ask(EXPORT, id=gid(board), format=form))["node"]["export"]
    return json.loads(found) if form == "JSON" else list(csv.DictReader(io.StringIO(found, newline="")))


@pytest.mark.parametrize("form", ["CSV", "JSON"])
async def test_an_export_is_for_those_who_run_the_board(world: World, ann, bob, community, board, form):
    await world.question(board, bob)
    presenter, responder = await world.person("Pia", MemberKind.GUEST), await world.person("Res")
    await world.belong(presenter, community, CommunityRole.PRESENTER)
    await world.belong(responder, community, CommunityRole.RESPONDER)
    clients = {
        "owner": ann.client,
        "presenter": presenter.client,
        "responder": responder.client,
        "asker": bob.client,
        "stranger": (await world.person("Sid")).client,
        "display": (await world.kiosk(board))[0],
    }
    got = {
        name: (await client.ask(EXPORT, id=gid(board), format=form))["node"]["export"] is not None
        for name, client in clients.items()
    }
    assert got == {name: name in {"owner", "presenter"} for name in clients}


async def test_an_export_has_every_question_with_all_that_became_of_it(world, ann, bob, board, clock):
    for n, state in enumerate(STATES):
        number = n + 1 if state in {"VISIBLE", "ANSWERED", "DISMISSED"} else None
        await world.question(board, bob, f"{state}?", state=state, number=number, votes=n)
    into = await world.question(
        board,
        bob,
        "Asked best",
        state=QuestionState.ANSWERED,
        number=7,
        answered_at=clock.now(),
        answered_how=AnsweredHow.TEXT,
        answer="Because",
        labels="\nmoney\npeople\n",
        private_labels="\nlater\n",
    )
    await world.question(board, bob, "Asked worse", state=QuestionState.MERGED, number=8, merged_into_id=into.id)
    found = (await exported(ann.client, board))["questions"]
    assert [line["state"] for line in found if line["number"]] == [*STATES[:3], "ANSWERED", "MERGED"]
    assert {line["state"]: line["question"] for line in found if not line["number"]} == {
        "PENDING": "PENDING?",
        "REJECTED": "REJECTED?",
        "WITHDRAWN": None,
    }
    assert {line["asker"] for line in found} == {"Bob"}
    best = next(line for line in found if line["number"] == 7)
    assert (best["labels"], best["private_labels"], best["answer"]) == (["money", "people"], ["later"], "Because")
    assert (best["answered_at"], best["answered_how"]) == (clock.now().isoformat(), "TEXT")
    assert next(line for line in found if line["state"] == "MERGED")["merged_into"] == 7
    assert [line["votes"] for line in found[:3]] == [0, 1, 2]


async def test_both_formats_say_the_same_of_questions(world, ann, bob, board):
    await world.question(board, bob, 'A "quoted", long\nquestion', number=1, labels="\na\nb\n")
    (line,) = (await exported(ann.client, board))["questions"]
    (row,) = await exported(ann.client, board, "CSV")
    assert list(row) == list(line)
    assert (row["question"], row["labels"], row["number"]) == (line["question"], "a, b", "1")
    assert (row["anonymous"], row["answer"]) == ("false", "")


async def test_an_export_knows_an_anonymous_asker_no_better_than_the_hall(world, ann, bob, board, clock):
    """No name, no handle, no finer time, and no order of asking among those that have no number."""
    await world.change(board, open_per_asker=8)
    asked = []
    for n in range(8):
        asked.append((await ask(bob, board, f"Anonymous {n}", anonymous=True))["id"])
        clock.advance(minutes=1, milliseconds=3)
    await ann.client.do(do.APPROVE, questionId=asked[0])
    told = [(await ann.client.ask(EXPORT, id=gid(board), format=form))["node"]["export"] for form in ("CSV", "JSON")]
    handles = "query ($id: ID!) { node(id: $id) { ... on Question { askerHandle publishedAt } } }"
    first = (await ann.client.ask(handles, id=asked[0]))["node"]
    for needle in (bob.name, bob.id, str(bob.principal_id), bob.principal_id.hex, str(bob.member.id)):
        assert needle not in "".join(told)
    assert first["askerHandle"]
    assert first["askerHandle"] not in "".join(told)
    lines = json.loads(told[1])["questions"]
    assert {line["asker"] for line in lines} == {None}
    assert [line["published_at"] for line in lines] == [first["publishedAt"], *[None] * 7]
    unpublished = [line["question"] for line in lines[1:]]
    by_id = sorted(range(1, 8), key=lambda n: parse(asked[n]))
    assert unpublished == [f"Anonymous {n}" for n in by_id], "by their random ids"


@pytest.mark.parametrize("body", ["=1+1", "+1", "-1", "@cmd", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20cmd"])
async def test_nothing_in_a_file_begins_a_formula(world, ann, bob, board, body):
    await world.change(bob.member, name="=Bob")
    await world.question(board, bob, body, number=1, answer=f"\t{body}", labels=f"\n{body}\nb\n")
    (row,) = await exported(ann.client, board, "CSV")
    assert (row["question"], row["asker"]) == (f"'{body}", "'=Bob")
    assert (row["answer"], row["labels"]) == (f"'\t{body}", f"'{body}, b")
    (line,) = (await exported(ann.client, board))["questions"]
    assert (line["question"], line["answer"]) == (body, f"\t{body}"), "JSON knows no formulas"


async def test_the_lines_of_a_file_end_as_the_standard_has_it(world, ann, bob, board):
    await world.question(board, bob, 'Say "why", please', number=1)
    text = (await ann.client.ask(EXPORT, id=gid(board), format="CSV"))["node"]["export"]
    head, line, end = text.split("\r\n")
    assert head.startswith("number,state,question,asker,anonymous,votes,")
    assert line.startswith('1,VISIBLE,"Say ""why"", please",Bob,false,0,')
    assert end == ""


async def test_an_export_has_the_polls_with_their_results(world, ann, bob, board):
    poll, (a, _) = await world.poll(board, "A", "B")
    await bob.client.do(do.CAST_BALLOT, pollId=gid(poll), optionIds=[gid(a)])
    await world.poll(board, state=PollState.WITHDRAWN)
    (found,) = (await exported(ann.client, board))["polls"]
    assert (found["title"], found["state"], found["voters"], found["anonymous"]) == ("Which?", "OPEN", 1, True)
    assert found["options"] == [{"text": "A", "votes": 1}, {"text": "B", "votes": 0}]
    assert "Bob" not in json.dumps(found)


async def test_a_long_board_is_exported_in_as_many_statements_as_a_short_one(world, ann, bob, board):
    async def cost() -> int:
        with statements(world.service) as sent:
            await exported(ann.client, board)
        return len(sent)

    await world.question(board, bob, number=1)
    await world.poll(board)
    one = await cost()
    for n in range(9):
        await world.question(board, bob, number=n + 2)
        await world.poll(board)
    assert await cost() == one
