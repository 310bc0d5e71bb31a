"""What schemathesis is told of our schema: its own scalars, how lists are paged, and what an error looks like."""

from typing import Any

import schemathesis
from graphql import DocumentNode, FieldNode, IntValueNode, Visitor, visit
from hypothesis import strategies as st
from schemathesis.graphql import nodes

CODES = {
    *("UNAUTHENTICATED", "NOT_FOUND", "FORBIDDEN", "INVALID", "CONFLICT", "LIMITED"),
    *("COST_EXCEEDED", "STALE_CURSOR", "GATE"),
}
FORWARD, BACKWARD = {"first", "after"}, {"last", "before"}

schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda at: nodes.String(f"{at.isoformat()}Z")))
schemathesis.graphql.scalar("FeedCursor", st.text(max_size=80).map(nodes.String))


class OneDirection(Visitor):
    """A list that is asked for both its beginning and its end is refused, and nothing below it is reached."""

    def leave_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        first = given.get("first")
        if not isinstance(first, IntValueNode) or "last" not in given:
            return None
        dropped = BACKWARD if int(first.value) % 2 else FORWARD
        kept = tuple(argument for argument in node.arguments or () if argument.name.value not in dropped)
        return FieldNode(**{name: getattr(node, name) for name in node.keys if name != "loc"} | {"arguments": kept})


@schemathesis.hook
def map_body(context: Any, body: DocumentNode) -> Any:
    return visit(body, OneDirection())


@schemathesis.check
def every_error_has_its_code(ctx: Any, response: Any, case: Any) -> None:
    """One of the closed list, and not the code of a bug."""
    assert response.status_code < 500
    for error in response.json().get("errors", []):
        assert error["extensions"]["code"] in CODES, error
