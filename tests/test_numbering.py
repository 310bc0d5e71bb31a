"""Numbering: who writes alone numbers what they write, and nobody notices a difference."""

import asyncio

import pytest

from models import Change, Community, Kind
from realtime import topics
from server import Service
from tests.client import Client, settled
from tests.traces import changes
from tests.world import World


async def announce(service: Service, row: Community, *, fails: bool = False) -> None:
    async with Client(service).context().transaction() as tx:
        tx.hold(row)
        tx.announce([topics.community_activity(row.id)], Kind.ROW, row)
        tx.announce([topics.community_activity(row.id)], Kind.COUNTERS, row)
        if fails:
            raise RuntimeError("It has changed its mind.")


async def test_what_is_written_at_the_same_time_has_one_order_without_a_gap(world: World):
    community = await world.community(owner=await world.person("Ann"))
    await settled(world.service)
    head = (await world.service.feed.head()).position
    failing = [announce(world.service, community, fails=n % 3 == 0) for n in range(12)]
    ends = await asyncio.gather(*failing, return_exceptions=True)
    assert sum(isinstance(end, RuntimeError) for end in ends) == 4
    await settled(world.service)
    made = await changes(world.service, community)
    assert sorted(change.position or 0 for change in made)[-16:] == list(range(head + 1, head + 17))
    assert (await world.service.feed.head()).position == head + 16


async def test_on_sqlite_a_change_has_its_number_when_it_is_committed_and_is_the_one_in_the_log(world: World):
    if world.service.database.dialect != "sqlite":
        pytest.skip("others may be about to commit")
    told: list[Change] = []
    world.service.relay.numbered = told.extend
    community = await world.community(owner=await world.person("Ann"))
    await announce(world.service, community)
    logged = (await changes(world.service, community))[-2:]
    kept = [change.model_dump(exclude={"seq"}) for change in told[-2:]]
    assert kept == [change.model_dump(exclude={"seq"}) for change in logged]
    assert None not in {change.position for change in logged}


async def test_what_somebody_else_has_left_without_a_number_is_numbered_by_the_relay(world: World):
    community = await world.community(owner=await world.person("Ann"))
    await settled(world.service)
    head = (await world.service.feed.head()).position
    async with world.service.database.write() as session:
        session.add(
            Change(kind=Kind.ROW, topics=["elsewhere"], noun="Community", row_id=community.id, at=community.created_at)
        )
    await announce(world.service, community)
    await settled(world.service)
    positions = sorted(change.position or 0 for change in await changes(world.service, community))
    assert positions[-3:] == [head + 1, head + 2, head + 3]


async def test_a_transaction_that_announces_nothing_wakes_nobody(world: World, monkeypatch: pytest.MonkeyPatch):
    nudged: list[bool] = []
    monkeypatch.setattr(world.service.relay, "nudge", lambda: nudged.append(True))
    async with Client(world.service).context().transaction():
        pass
    assert nudged == []


async def test_a_row_that_was_not_held_is_not_announced_as_new(world: World):
    community = await world.community(owner=await world.person("Ann"))
    with pytest.raises(KeyError):
        async with Client(world.service).context().transaction() as tx:
            tx.announce([topics.community_activity(community.id)], Kind.ROW, community)
