"""Every feed, by the same questions: what it shows, what it hides, how it goes on, and when it ends."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from models import Community, Head
from schema.root import build
from tests import documents as do
from tests.client import Follower, settled
from tests.replica import KINDS, FeedKind
from tests.scenes import SCENES, Scene, Stage
from tests.traces import look
from tests.world import World, gid

LIVE = Path(__file__).parent.parent / "docs" / "live.md"
WITH = {
    "gone": {"communityActivity", "myFeed", "content", "questionBoard", "questionBoardDisplay"},
    "counted": {
        "communityActivity",
        "myFeed",
        "questionBoard",
        "questionBoardModeration",
        "questionBoardDisplay",
        "myQuestions",
        "schedule",
    },
    "kept": set(SCENES) - {"questionBoardDisplay", "myTasks", "task"},
}
each_feed = pytest.mark.parametrize("name", SCENES)


@pytest.fixture
async def stage(world: World) -> Stage:
    stage = Stage(world)
    await stage.set()
    return stage


async def arranged(stage: Stage, name: str) -> Scene:
    """All that happened while it was arranged has been told."""
    scene = await SCENES[name](stage)
    await settled(stage.world.service)
    return scene


async def snapshot(scene: Scene, kind: FeedKind) -> tuple[dict[str, Any], str]:
    """What the query shows, by id, and where to go on."""
    (found,) = (await scene.client.ask(do.snapshot(kind), id=scene.id)).values()
    return {node["id"]: node for node in kind.nodes(found)}, found["cursor"]


async def follow(scene: Scene, kind: FeedKind, after: str | None = None) -> Follower:
    return await scene.client.follow(kind.subscription, id=scene.id, after=after)


def applied(state: dict[str, Any], events: list[Any]) -> dict[str, Any]:
    for event in events:
        nodes = event.get("nodes") or [event[key] for key in ("node",) if key in event]
        state = {**state, **{node["id"]: node for node in nodes}}
        if event["__typename"] == "Removed":
            state.pop(event["id"], None)
    return state


def told(events: list[Any]) -> list[tuple[str, str]]:
    """The rows that were told, without counters."""
    return [
        (event["__typename"], event["id"] if "id" in event else event["node"]["id"])
        for event in events
        if event["__typename"] in {"Added", "Changed", "Removed"}
    ]


def test_there_is_a_scene_for_every_feed_of_the_schema():
    subscriptions = build()._schema.subscription_type
    assert subscriptions is not None
    assert set(subscriptions.fields) == set(SCENES) == set(KINDS)


def test_the_documents_name_every_feed_of_the_schema():
    table = LIVE.read_text().partition("## The feeds")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"(?m)^\| `(\w+)\(", table)) == sorted(SCENES)


@each_feed
async def test_a_feed_shows_what_its_query_shows(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    held, cursor = await snapshot(scene, kind)
    feed = await follow(scene, kind, cursor)
    for deed in (*scene.shown, scene.counted, scene.gone):
        if deed is None:
            continue
        await deed()
        events = await feed.take()
        assert events, "each of these deeds shows"
        held = applied(held, events)
        now, _ = await snapshot(scene, kind)
        # The board of one's own questions is followed with them, though no list of the query holds it.
        assert {id: node for id, node in held.items() if id in now} == now
        assert {node["__typename"] for id, node in held.items() if id not in now} <= {"QuestionBoard"}
    await feed.stop()
    assert (scene.gone is not None, scene.counted is not None) == (name in WITH["gone"], name in WITH["counted"])


@each_feed
async def test_a_feed_hides_what_its_query_hides(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    before, cursor = await snapshot(scene, kind)
    feed = await follow(scene, kind)
    for deed in scene.hidden:
        await deed()
    assert await feed.take() == []
    resumed = await follow(scene, kind, cursor)
    assert await resumed.take() == []
    assert (await snapshot(scene, kind))[0] == before
    await feed.stop()
    await resumed.stop()


@each_feed
async def test_a_feed_goes_on_from_every_cursor_without_gap_or_double(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    _, cursor = await snapshot(scene, kind)
    feed = await follow(scene, kind)
    events = []
    for deed in (*scene.hidden, *scene.shown):
        await deed()
        events += [event for event in await feed.take() if event["__typename"] != "Counters"]
    assert len(events) >= len(scene.shown)
    latest, _ = await snapshot(scene, kind)
    for n, after in enumerate([cursor, *(event["cursor"] for event in events)]):
        resumed = await follow(scene, kind, after)
        replayed = await resumed.take()
        assert told(replayed) == told(events[n:])
        for node in (event["node"] for event in replayed if "node" in event):
            assert node == latest.get(node["id"], node), "the row as it is now"
        await resumed.stop()
    await feed.stop()


@pytest.mark.parametrize("name", sorted(WITH["counted"]))
async def test_a_feed_that_goes_on_tells_the_last_value_of_what_was_counted_meanwhile(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    assert scene.counted
    held, cursor = await snapshot(scene, kind)
    await scene.counted()
    await settled(stage.world.service)
    feed = await follow(scene, kind, cursor)
    held = applied(held, await feed.take())
    assert held == (await snapshot(scene, kind))[0]
    await feed.stop()


@pytest.mark.parametrize("name", sorted(WITH["gone"]))
async def test_a_feed_that_goes_on_tells_what_has_gone_meanwhile_by_its_id_alone(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    assert scene.gone
    for deed in scene.shown:
        await deed()
    await settled(stage.world.service)
    held, cursor = await snapshot(scene, kind)
    await scene.gone()
    await settled(stage.world.service)
    feed = await follow(scene, kind, cursor)
    events = await feed.take()
    assert [set(event) for event in events if event["__typename"] == "Removed"] == [
        {"__typename", "cursor", "id", "typename"}
    ]
    assert applied(held, events) == (await snapshot(scene, kind))[0]
    await feed.stop()


@each_feed
async def test_a_feed_ends_with_the_right_to_follow_it(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    _, cursor = await snapshot(scene, kind)
    feed = await follow(scene, kind)
    await scene.lost()
    await feed.done()
    assert feed.events == [{"__typename": "AccessRevoked", "scope": scene.scope}]
    assert await look(scene.client, do.snapshot(kind), id=scene.id) == scene.refusal
    for after in (None, cursor, "garbage"):
        again = await follow(scene, kind, after)
        await again.done()
        assert (again.events, again.code) == ([], {"-": "NOT_FOUND", "N": "FORBIDDEN"}[scene.refusal])


@pytest.mark.parametrize("name", sorted(WITH["kept"]))
async def test_a_feed_whose_viewer_has_other_rights_now_asks_for_a_new_snapshot(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    assert scene.kept
    _, cursor = await snapshot(scene, kind)
    feed = await follow(scene, kind)
    await scene.kept()
    await feed.done()
    expected = [{"__typename": "ResyncRequired", "reason": "ACCESS_CHANGED"}]
    assert feed.events == expected
    resumed = await follow(scene, kind, cursor)
    await resumed.done()
    assert resumed.events == expected
    _, cursor = await snapshot(scene, kind)
    again = await follow(scene, kind, cursor)
    assert (await again.take(), again.is_done) == ([], False)
    await again.stop()


@each_feed
async def test_what_happened_before_the_right_was_lost_is_told_before_the_end(stage: Stage, name: str):
    """Nothing that was committed earlier comes later, and nothing at all comes after the end."""
    scene, kind = await arranged(stage, name), KINDS[name]
    feed = await follow(scene, kind)
    await scene.shown[0]()
    await settled(stage.world.service)
    await scene.lost()
    await feed.done()
    kinds = [event["__typename"] for event in feed.events]
    assert kinds[-1] == "AccessRevoked"
    assert "AccessRevoked" not in kinds[:-1]
    assert len(kinds) > 1


STALE = [{"__typename": "ResyncRequired", "reason": "CURSOR_STALE"}]


@pytest.mark.parametrize("name", ["communityActivity", "questionBoard", "escalations"])
async def test_a_cursor_that_does_not_fit_asks_for_a_new_snapshot(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    _, cursor = await snapshot(scene, kind)
    other = "myTasks" if name != "myTasks" else "myFeed"
    (foreign,) = (
        await stage.member.client.ask(
            f"query ($id: ID!) {{ {other}(networkId: $id) {{ cursor }} }}", id=gid(stage.world.network)
        )
    ).values()
    altered = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    for after in (foreign["cursor"], "garbage", "", "é", "====", cursor[:-4], altered):
        feed = await follow(scene, kind, after)
        await feed.done()
        assert (after, feed.events) == (after, STALE)


@pytest.mark.parametrize("name", ["communityActivity", "questionBoardDisplay", "myTasks"])
async def test_a_cursor_older_than_the_log_asks_for_a_new_snapshot(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    _, cursor = await snapshot(scene, kind)
    await scene.shown[0]()
    await settled(stage.world.service)
    async with stage.world.service.database.write() as session:
        await session.execute(update(Head).values(trimmed=Head.position))
    feed = await follow(scene, kind, cursor)
    await feed.done()
    assert feed.events == STALE
    _, fresh = await snapshot(scene, kind)
    again = await follow(scene, kind, fresh)
    assert (await again.take(), again.is_done) == ([], False)
    await again.stop()


FILTERS = {
    "communityActivity": ("communityId: $id", ("", "kinds: [POST]", 'tags: ["acme"]', 'tags: ["acme", "b"]')),
    "myFeed": ("networkId: $id", ("", "filter: {kinds: [POST]}", 'filter: {tags: ["acme"]}')),
    "escalations": ("networkId: $id", ("", "filter: {states: [PULL]}", "filter: {communityIds: []}")),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_a_cursor_fits_only_the_filter_that_it_was_given_for(stage: Stage, name: str):
    argument, filters = FILTERS[name]
    client, id = stage.member.client, gid(stage.community if name == "communityActivity" else stage.world.network)
    calls = [f"{name}({argument} {kept}" for kept in filters]
    cursors = [
        (await client.ask(f"query ($id: ID!) {{ {call}) {{ cursor }} }}", id=id))[name]["cursor"] for call in calls
    ]
    for n, call in enumerate(calls):
        events = "{ __typename ... on ResyncRequired { reason } }"
        document = f"subscription ($id: ID!, $after: FeedCursor) {{ {call} after: $after) {events} }}"
        for m, cursor in enumerate(cursors):
            feed = await client.follow(document, id=id, after=cursor)
            assert (n, m, feed.is_done, feed.events) == (n, m, n != m, [] if n == m else STALE)
            await feed.stop()


@each_feed
async def test_whoever_may_not_follow_is_told_what_the_query_tells(stage: Stage, name: str):
    scene, kind = await arranged(stage, name), KINDS[name]
    stranger = await stage.world.person("Sid")
    unknown = gid(Community(network_id=stage.world.network.id, name="never"))
    for client, id in ((stage.world.nobody, scene.id), (stranger.client, scene.id), (stranger.client, unknown)):
        expected = await look(client, do.snapshot(kind), id=id)
        feed = await client.follow(kind.subscription, id=id)
        code = {"-": "NOT_FOUND", "N": "FORBIDDEN"}.get(expected)
        if code:
            assert (feed.is_done, feed.code) == (True, code)
        else:
            assert (feed.is_done, feed.events) == (False, [])
        await feed.stop()
    nobody = await look(stage.world.nobody, do.snapshot(kind), id=scene.id)
    assert nobody == await look(stranger.client, do.snapshot(kind), id=unknown) == "-"


async def test_two_viewers_of_one_event_see_each_what_they_may(stage: Stage):
    """Fresh for each: is it mine, who asked it, why was it turned down."""
    document = """subscription ($id: ID!) { questionBoardModeration(id: $id) {
      ... on Changed { node { ... on Question { isMine author { name } rejectReason viewerHasVoted } } }
    } }"""
    await stage.promote("PRESENTER")()
    question = await stage.world.question(stage.board, stage.member, anonymous=True)
    feeds = [await person.client.follow(document, id=gid(stage.board)) for person in (stage.owner, stage.member)]
    await stage.did(stage.owner, do.REJECT, questionId=gid(question), reason="no")()
    seen = [[event["node"] for event in await feed.take()] for feed in feeds]
    assert seen == [
        [{"isMine": mine, "author": None, "rejectReason": "no", "viewerHasVoted": False}] for mine in (False, True)
    ]
    for feed in feeds:
        await feed.stop()


async def test_equal_positions_do_not_look_equal(stage: Stage):
    """A cursor tells neither how much happened elsewhere nor whether two events are the same."""
    scene, kind = await arranged(stage, "communityActivity"), KINDS["communityActivity"]
    cursors = [(await snapshot(scene, kind))[1] for _ in range(3)]
    for deed in scene.hidden:
        await deed()
    cursors.append((await snapshot(scene, kind))[1])
    assert len(set(cursors)) == 4
    assert len({len(cursor) for cursor in cursors}) == 1
