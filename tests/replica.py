"""A client's copy of a feed: its snapshot, and every event since, by the recipe of docs/live.md."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.client import Client, Follower, event_of

# Types that return the same name in different shapes need aliases, as for any client that selects them together.
FRAGMENT = """
fragment Row on Node {
  __typename id
  ... on Topic {
    title text: body lifecycle tags revision publishedAt editedAt commentCount answerState acceptedAnswer { id }
  }
  ... on Idea { title text: body lifecycle tags revision publishedAt editedAt commentCount }
  ... on Post { title text: body lifecycle tags revision publishedAt editedAt commentCount }
  ... on Question {
    body questionState: state number votes anonymous onScreen publishedAt answeredAt answeredHow rejectReason isMine
    viewerHasVoted visitorName source timecodeMs revision editedAt rank answer answerLink answerTimecodeMs askerHandle
    viewerIsAddressed labels privateLabels
  }
  ... on Community { name about purpose visibility admits joinPolicy communityState: state memberCount }
  ... on QuestionBoard {
    title boardState: state moderation anonymity showCounts order maxLength openPerAsker asksPerMinute votesPerPerson
    opensAt openedAt closedAt visitors
  }
  ... on Comment { text: body lifecycle createdAt editedAt }
  ... on Task {
    title text: body taskState: state dueAt createdAt closedAt participants(first: 100) { nodes { id role state } }
  }
  ... on TaskMessage { text: body createdAt }
  ... on Escalation {
    escalationState: state createdAt pushedAt answeredAt resolvedAt answeredByPull topic { id } task { id }
    assignee { id }
  }
  ... on Poll {
    question: title pollState: state choicesMost anonymous results openedAt closedAt voters
    options { id text counted: votes }
  }
  ... on Session {
    title subtitle abstractHtml language url startsAt endsAt sessionState: state changeNote changedAt replayAt
    recordingUrl slidesUrl expectedCount checkedInCount room { name } track { name } speakers { name }
  }
}
"""
# Plain fields of a feed's types that the fragment leaves out, by "Type.field", and why.
_PANEL = "told to the panel by its own feed alone; tests/test_visits.py follows it there"
LEFT_OUT: dict[str, str] = {
    "QuestionBoard.joinCode": _PANEL,
    "QuestionBoard.joinUrl": _PANEL,
    "QuestionBoard.visitorCount": "counted when it is asked for: those who come are not announced",
    "QuestionBoard.mutedAskers": "the hall is not told when somebody is muted, only the panel",
    "QuestionBoard.export": "a file of all that is on the board, made when it is asked for",
}
ROW = "...Row"


@dataclass(frozen=True)
class FeedKind:
    """How a feed is queried. `nodes` finds every node in the snapshot."""

    name: str
    arguments: str
    snapshot: str
    nodes: Callable[[Any], Iterable[Any]]

    @property
    def subscription(self) -> str:
        call = f"{self.name}({self.arguments}, after: $after)"
        return f"subscription ($id: ID!, $after: FeedCursor) {{ {call} {event_of(ROW)} }}{FRAGMENT}"


def _part(one: str, *lists: str) -> Callable[[Any], Iterable[Any]]:
    return lambda found: [*([found[one]] if one else []), *(node for many in lists for node in found[many]["nodes"])]


def _nested(one: str, many: str) -> Callable[[Any], Iterable[Any]]:
    def nodes(found: Any) -> Iterable[Any]:
        inner = found[one].pop(many)
        return [found[one], *inner["nodes"]]

    return nodes


def _list(name: str) -> str:
    return f"{name}(first: 100) {{ nodes {{ {ROW} }} }}"


KINDS = {
    kind.name: kind
    for kind in (
        FeedKind(
            "communityActivity",
            "communityId: $id",
            f"community {{ {ROW} }} {_list('contents')}",
            _part("community", "contents"),
        ),
        FeedKind("myFeed", "networkId: $id", _list("contents"), _part("", "contents")),
        FeedKind(
            "content",
            "id: $id",
            f"content {{ {ROW} ... on Article {{ {_list('comments')} }} }}",
            _nested("content", "comments"),
        ),
        *(
            FeedKind(
                name,
                "id: $id",
                f"board {{ {ROW} }} {_list('questions')} {_list('polls')}",
                _part("board", "questions", "polls"),
            )
            for name in ("questionBoard", "questionBoardModeration", "questionBoardDisplay")
        ),
        FeedKind("myQuestions", "boardId: $id", f"board {{ {ROW} }} {_list('questions')}", _part("board", "questions")),
        FeedKind("myTasks", "networkId: $id", _list("tasks"), _part("", "tasks")),
        FeedKind("task", "id: $id", f"task {{ {ROW} {_list('messages')} }}", _nested("task", "messages")),
        FeedKind("schedule", "networkId: $id", _list("sessions"), _part("", "sessions")),
        FeedKind("escalations", "networkId: $id", _list("escalations"), _part("", "escalations")),
    )
}


class Replica:
    """What one viewer holds of one feed. `state` is None while the viewer may not see it."""

    def __init__(self, client: Client, kind: FeedKind, id: str) -> None:
        self.client = client
        self.kind = kind
        self.id = id
        self.state: dict[str, Any] | None = None
        self.follower: Follower | None = None

    async def open(self) -> None:
        """Take a snapshot and follow it, if the viewer may."""
        ((self.state, cursor),) = await fresh(self.client, [self])
        if cursor is not None:
            self.follower = await self.client.follow(self.kind.subscription, wait=False, id=self.id, after=cursor)

    @property
    def is_followed(self) -> bool:
        return self.follower is not None and not self.follower.is_done

    def apply(self) -> list[Any]:
        """Take in what has come; the nodes that came with it."""
        if self.follower is None or self.state is None:
            return []
        nodes: list[Any] = []
        events, self.follower.events = self.follower.events, []
        assert self.follower.error is None, self.follower.error
        for event in events:
            told: list[Any] = []
            match event["__typename"]:
                case "Added" | "Changed":
                    told = [event["node"]]
                case "Counters":
                    told = event["nodes"]
                case "Removed":
                    self.state.pop(event["id"], None)
                case "AccessRevoked":
                    self.state, self.follower = None, None
                    return nodes
                case "ResyncRequired":
                    self.follower = None
                    return nodes
            self.state |= {node["id"]: node for node in told}
            nodes += told
        return nodes

    async def close(self) -> None:
        if self.follower:
            await self.follower.stop()


async def fresh(client: Client, replicas: list[Replica]) -> list[tuple[dict[str, Any] | None, str | None]]:
    """What a query returns now for each of one viewer's replicas, with its cursor; in one document."""
    fields = [f"f{n}: {r.kind.name}({r.kind.arguments.replace('$id', f'$i{n}')})" for n, r in enumerate(replicas)]
    bodies = [f"{{ cursor {r.kind.snapshot} }}" for r in replicas]
    variables = ", ".join(f"$i{n}: ID!" for n in range(len(replicas)))
    document = f"query ({variables}) {{ {' '.join(map(' '.join, zip(fields, bodies, strict=True)))} }}{FRAGMENT}"
    result = await client.execute(document, **{f"i{n}": replica.id for n, replica in enumerate(replicas)})
    for error in result.errors or []:
        assert (error.extensions or {}).get("code") in {"NOT_FOUND", "FORBIDDEN"}, error
    found = [result.data[f"f{n}"] for n in range(len(replicas))]
    return [_held(replica.kind, one) if one else (None, None) for replica, one in zip(replicas, found, strict=True)]


def _held(kind: FeedKind, found: Any) -> tuple[dict[str, Any], str]:
    return {node["id"]: node for node in kind.nodes(found)}, found["cursor"]
