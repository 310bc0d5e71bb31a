"""Voting in polls, and how they stand."""

from typing import Any

from models import Poll, PollOption
from tests import documents as do
from tests.client import event_of
from tests.world import Person, World, gid

POLL = "query ($id: ID!) { node(id: $id) { ... on Poll { voters options { text votes } viewerChoices { text } } } }"
NEW = {"title": "Which?", "options": ["A", "B"]}


def hall(feed: str = "questionBoard") -> str:
    events = event_of("... on Poll { voters options { votes } }")
    return f"subscription ($id: ID!) {{ {feed}(id: $id) {events} }}"


async def vote(person: Person, poll: Poll, *options: PollOption) -> Any:
    ids = [gid(option) for option in options]
    return (await person.client.do(do.CAST_BALLOT, pollId=gid(poll), optionIds=ids))["poll"]


async def standing(world: World, poll: Poll, *options: PollOption) -> tuple[int, ...]:
    """How the poll stands in the tables: voters, and votes by option."""
    return ((await world.fresh(poll)).voters, *[(await world.fresh(option)).votes for option in options])
