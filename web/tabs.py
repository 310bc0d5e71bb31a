"""GraphiQL's ready tabs: for each story a document of examples/, with the demo's ids and a sign-in of its role."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent.parent / "examples"


@dataclass(frozen=True)
class Tab:
    """`ids` says where in the demo a variable is found: a section, and a name in it (the first one if left out)."""

    story: str
    role: str
    ids: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> str:
        return (EXAMPLES / f"{self.story}.graphql").read_text()

    def variables(self, demo: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _id(demo, *place.split("/")) for name, place in self.ids.items()} | dict(self.given)

    def headers(self, demo: Mapping[str, Any]) -> dict[str, str]:
        tokens = [sign_in.get("token") for sign_in in demo.get("signIns") or [] if sign_in.get("role") == self.role]
        token = next(iter(tokens), None)
        return {"authorization": f"Bearer {token}"} if token else {}


TABS = (
    Tab("who_am_i", "employee"),
    Tab("my_feed", "developer", {"networkId": "networks/company"}, {"after": None}),
    Tab("board_as_attendee", "attendee", {"boardId": "boards/keynote"}, {"after": None, "questionId": ""}),
    Tab("board_as_moderator", "moderator", {"boardId": "boards/keynote"}, {"after": None, "questionId": ""}),
    Tab("board_on_screen", "display", {"boardId": "boards/keynote"}, {"after": None}),
    Tab("schedule", "attendee", {"networkId": "networks/conference"}, {"after": None, "mine": False, "sessionId": ""}),
    Tab("escalations", "support agent", {"networkId": "networks/company"}, {"after": None}),
    Tab("ask_a_question", "attendee", {"boardId": "boards/keynote"}, {"body": "Is there tea?", "anonymous": False}),
    Tab(
        "escalate_a_topic",
        "support agent",
        {"fromCommunityId": "communities/support", "toCommunityId": "communities/developers"},
        {"topicId": ""},
    ),
)


def ready_tabs(demo_file: Path) -> list[dict[str, str]]:
    """What GraphiQL calls `defaultTabs`. Without a demo the documents are there, but no ids and no sign-ins."""
    demo = _read(demo_file)
    return [
        {
            "query": tab.document,
            "variables": json.dumps(tab.variables(demo), indent=2),
            "headers": json.dumps(tab.headers(demo), indent=2),
        }
        for tab in TABS
    ]


def _read(demo_file: Path) -> dict[str, Any]:
    try:
        demo = json.loads(demo_file.read_text())
    except (OSError, ValueError):
        return {}
    return demo if isinstance(demo, dict) else {}


def _id(demo: Mapping[str, Any], section: str, name: str = "") -> str:
    ids: dict[str, str] = demo.get(section) or {}
    return ids.get(name) or next(iter(ids.values()), "")
