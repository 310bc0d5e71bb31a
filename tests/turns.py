"""A turn in the replay: what an action is made of, and what it is done with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Picks = tuple[int, int]


@dataclass(frozen=True)
class Turn:
    """What an action is done with: how many were before it, what there is by kind, and what is picked of it."""

    count: int
    ids: Mapping[str, list[str]]
    picks: Picks


def mutation(call: str, result: str, variables: str = "$a: ID!") -> str:
    return f"mutation ({variables}) {{ {call} {{ {result} problems {{ code }} }} }}"


def nothing(_turn: Turn) -> dict[str, Any]:
    return {}


def text(turn: Turn) -> dict[str, Any]:
    return {"text": f"text {turn.count}", "flag": bool(turn.picks[1] % 2), "tags": ["red", "blue"][: turn.picks[1] % 3]}


def options(turn: Turn) -> dict[str, Any]:
    """One or both of the first two options of the poll that is picked."""
    poll = turn.ids["polls"][turn.picks[0] % len(turn.ids["polls"])]
    first, second = turn.ids[f"options of {poll}"]
    return {"options": [[first], [second], [first, second]][turn.picks[1] % 3]}


def kind_of_poll(turn: Turn) -> dict[str, Any]:
    return text(turn) | {"results": ["ALWAYS", "AFTER_CLOSE"][turn.picks[1] // 2 % 2]}


def roles(turn: Turn) -> dict[str, Any]:
    return {"roles": [["MEMBER"], ["PRESENTER"], ["MANAGER"], ["RESPONDER"], ["OWNER"]][turn.picks[1] % 5]}


def rights(turn: Turn) -> dict[str, Any]:
    return {"rights": ["NONE", "READ", "ASK", "ASK_AND_VOTE"][turn.picks[1] % 4]}


def plan(turn: Turn) -> dict[str, Any]:
    counts, moderation = ["ALWAYS", "AFTER_CLOSE", "MODERATORS"], ["PRE", "NONE"]
    return text(turn) | {"counts": counts[turn.picks[1] % 3], "moderation": moderation[turn.picks[1] % 2]}


def hours(turn: Turn) -> dict[str, Any]:
    hour = turn.picks[1]
    return {"at": f"2026-03-02T{hour:02}:00:00Z", "until": f"2026-03-02T{hour + 1:02}:30:00Z"}


Action = tuple[str, tuple[str, ...], str, Callable[[Turn], dict[str, Any]]]
TEXT = "$a: ID!, $text: String!"
CONTENT = "$a: ID!, $text: String!, $tags: [String!]!"
