"""Who may see and change a content and its comments (table D3)."""

from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy.orm import aliased

from models import Comment, Content, ContentKind, Lifecycle, Revision
from resolvers.policy.communities import MANAGERS, belongs_to, contributes_to, is_active, reads
from resolvers.policy.networks import internal, is_self, stands_in
from resolvers.policy.rules import Condition, Viewer, rule, sight, some


@sight(Content, local=True)
def see_content(viewer: Viewer, content: Any) -> Condition:
    return and_(
        reads(viewer, content.community_id),
        or_(
            content.lifecycle == Lifecycle.PUBLISHED,
            is_self(viewer, content.author_id),
            belongs_to(viewer, content.community_id, roles=MANAGERS),
        ),
    )


def sees_content(viewer: Viewer, content_id: Any) -> Condition:
    content = aliased(Content)
    return some(content, where=[content.id == content_id, see_content(viewer, content)])


@rule(Content, local=True)
def follow_content(viewer: Viewer, content: Any) -> Condition:
    """In the viewer's own feed: what communities publish to which the viewer belongs."""
    return and_(content.lifecycle == Lifecycle.PUBLISHED, belongs_to(viewer, content.community_id))


@rule(Content)
def edit_content(viewer: Viewer, content: Any) -> Condition:
    return and_(
        content.lifecycle == Lifecycle.PUBLISHED,
        is_self(viewer, content.author_id),
        contributes_to(viewer, content.community_id),
    )


@rule(Content)
def withdraw_content(viewer: Viewer, content: Any) -> Condition:
    return and_(
        content.lifecycle == Lifecycle.PUBLISHED,
        is_active(content.community_id),
        is_self(viewer, content.author_id),
        see_content(viewer, content),
    )


@rule(Content)
def comment_on_content(viewer: Viewer, content: Any) -> Condition:
    """Who escalated a topic may follow it up where it went, without belonging there."""
    return and_(
        content.lifecycle == Lifecycle.PUBLISHED,
        is_active(content.community_id),
        or_(belongs_to(viewer, content.community_id), is_self(viewer, content.author_id)),
        see_content(viewer, content),
    )


@rule(Content)
def accept_answer(viewer: Viewer, content: Any) -> Condition:
    return and_(
        content.kind == ContentKind.TOPIC,
        content.lifecycle == Lifecycle.PUBLISHED,
        is_active(content.community_id),
        or_(is_self(viewer, content.author_id), belongs_to(viewer, content.community_id, roles=MANAGERS)),
        see_content(viewer, content),
    )


@rule(Content)
def escalate_content(viewer: Viewer, content: Any) -> Condition:
    return and_(
        content.kind == ContentKind.TOPIC,
        content.lifecycle == Lifecycle.PUBLISHED,
        is_active(content.community_id),
        stands_in(viewer, content.network_id, internal),
        belongs_to(viewer, content.community_id),
    )


@rule(Content)
def create_task_on_content(viewer: Viewer, content: Any) -> Condition:
    return and_(
        content.lifecycle == Lifecycle.PUBLISHED,
        stands_in(viewer, content.network_id, internal),
        contributes_to(viewer, content.community_id),
    )


@sight(Revision)
def see_revision(viewer: Viewer, revision: Any) -> Condition:
    return sees_content(viewer, revision.content_id)


@sight(Comment)
def see_comment(viewer: Viewer, comment: Any) -> Condition:
    return and_(
        sees_content(viewer, comment.content_id),
        or_(comment.lifecycle == Lifecycle.PUBLISHED, is_self(viewer, comment.author_id)),
    )


@rule(Comment)
def edit_comment(viewer: Viewer, comment: Any) -> Condition:
    content = aliased(Content)
    return and_(
        comment.lifecycle == Lifecycle.PUBLISHED,
        is_self(viewer, comment.author_id),
        some(content, where=[content.id == comment.content_id, comment_on_content(viewer, content)]),
    )


@rule(Comment)
def create_task_on_comment(viewer: Viewer, comment: Any) -> Condition:
    content = aliased(Content)
    return and_(
        comment.lifecycle == Lifecycle.PUBLISHED,
        some(content, where=[content.id == comment.content_id, create_task_on_content(viewer, content)]),
    )
