"""Topics: the names under which changes are announced and listened for."""

from typing import NewType
from uuid import UUID

Topic = NewType("Topic", str)


PERSONAL = {"standing", "memberships", "person", "sign_in"}


def _topic(name: str, *ids: UUID) -> Topic:
    return Topic(":".join([name, *(i.hex for i in ids)]))


def community_activity(community_id: UUID) -> Topic:
    """Contents and published questions of a community, and the community itself."""
    return _topic("activity", community_id)


def content(content_id: UUID) -> Topic:
    """One content and its comments."""
    return _topic("content", content_id)


def board(board_id: UUID) -> Topic:
    """One board and its questions."""
    return _topic("board", board_id)


def panel(board_id: UUID) -> Topic:
    """What those who run a board hear of it, and the hall does not."""
    return _topic("panel", board_id)


def task(task_id: UUID) -> Topic:
    return _topic("task", task_id)


def tasks_of(principal_id: UUID) -> Topic:
    return _topic("tasks", principal_id)


def network_escalations(network_id: UUID) -> Topic:
    return _topic("escalations", network_id)


def schedule(network_id: UUID) -> Topic:
    """The sessions of a network."""
    return _topic("schedule", network_id)


def standing(principal_id: UUID, community_id: UUID) -> Topic:
    """One person's membership or role in one community."""
    return _topic("standing", principal_id, community_id)


def memberships(principal_id: UUID) -> Topic:
    """One person's memberships anywhere: for feeds that span communities."""
    return _topic("memberships", principal_id)


def person(principal_id: UUID) -> Topic:
    """One person's or kiosk's standing as a whole: disabled, revoked, signed out everywhere."""
    return _topic("person", principal_id)


def person_of(topic: Topic) -> UUID | None:
    """Whose standing a topic tells of; None if it is not one person's. A sign-in's end changes nobody's."""
    name, _, ids = topic.partition(":")
    return UUID(ids.partition(":")[0]) if name in PERSONAL else None


def sign_in(sign_in_id: UUID) -> Topic:
    return _topic("sign_in", sign_in_id)
