"""A session of a hidden community is not there for those who do not belong: in no list, by no id, in no answer."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from models import Admits, Room, Row, Session, Speaker, Track, Visibility
from schema.base import global_id
from tests import documents as do
from tests.halls import TIMES
from tests.traces import whole
from tests.unchanged import nothing_happens
from tests.viewers import viewer
from tests.world import World, gid

MUTATIONS: list[tuple[str, str, type[Row], dict[str, Any]]] = [
    (do.CHANGE_SESSION, "sessionId", Session, {"input": {**TIMES, "speakers": ["Mata"], "note": "x"}}),
    (do.CANCEL_SESSION, "sessionId", Session, {"note": "x"}),
    (do.LINK_RECORDING, "sessionId", Session, {"url": "https://example.com"}),
    (do.LINK_SLIDES, "sessionId", Session, {"url": "https://example.com"}),
    (do.RELEASE_REPLAY, "sessionId", Session, {}),
    (do.CHECK_IN, "sessionId", Session, {}),
    (do.CREATE_SPEAKER_CLAIM, "speakerId", Speaker, {}),
]
LISTS = (
    "query ($id: ID!) { schedule(networkId: $id) { ics overlaps { one { id } } sessions(first: 9) { nodes { id } } } }",
    "query ($id: ID!) { network(id: $id) { tracks(first: 9) { nodes { id } } rooms(first: 9) { nodes { id } } } }",
)


@pytest.mark.parametrize("who", ["NOBODY", "GUEST", "EXTERNAL", "INTERNAL", "ADMIN", "OWNER", "KIOSK", "STRANGER"])
async def test_a_hidden_session_is_answered_like_an_id_that_leads_nowhere(world: World, who: str):
    owner = await world.person("Ann")
    client = await viewer(world, who)
    empty = [await whole(client, listed, id=gid(world.network)) for listed in LISTS]
    community = await world.community(owner=owner, visibility=Visibility.HIDDEN, admits=Admits.EXTERNALS)
    track, room = [what(network_id=world.network.id, name="Secret") for what in (Track, Room)]
    await world.add(track, room)
    link = "https://example.com"
    released = {"recording_url": link, "slides_url": link, "replay_at": world.now}
    session = await world.session(community, track_id=track.id, room_id=room.id, **released)
    speaker = await world.speaker("Mata", session)
    rows: dict[type[Row], Row] = {Session: session, Speaker: speaker, Track: track, Room: room}
    async with nothing_happens(world.service):
        for noun, row in rows.items():
            nowhere = str(global_id(noun.__name__, uuid4()))
            answers = [await whole(client, do.NODE, id=id) for id in (gid(row), nowhere)]
            assert answers[0] == answers[1], noun
            assert answers[0][1][0]["extensions"] == {"code": "NOT_FOUND"}
        for document, name, noun, arguments in MUTATIONS:
            ids = (gid(rows[noun]), str(global_id(noun.__name__, uuid4())))
            answers = [await whole(client, document, **{name: id}, **arguments) for id in ids]
            assert answers[0] == answers[1], document
            assert [problem["code"] for problem in next(iter(answers[0][0].values()))["problems"]] == ["NOT_FOUND"]
        again = [await whole(client, listed, id=gid(world.network)) for listed in LISTS]
        assert again == empty, "no list and no calendar is longer"


async def test_whoever_comes_through_two_doors_at_once_is_counted_once(world: World):
    owner, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=owner)
    session = await world.session(community)
    answers = await asyncio.gather(*(bob.client.payload(do.CHECK_IN, sessionId=gid(session)) for _ in range(4)))
    assert [answer["problems"] for answer in answers] == [[]] * 4
    assert (await world.fresh(session)).checked_in_count == 1
    assert (await world.fresh(community)).member_count == 2


async def test_everybody_who_comes_at_once_is_counted(world: World):
    owner, people = await world.person("Ann"), [await world.person(f"P{n}") for n in range(8)]
    community = await world.community(owner=owner)
    session = await world.session(community)
    await asyncio.gather(*(person.client.do(do.CHECK_IN, sessionId=gid(session)) for person in people))
    assert (await world.fresh(session)).checked_in_count == 8
    assert (await world.fresh(community)).member_count == 9
