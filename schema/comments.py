"""Comments."""

from datetime import datetime

import strawberry

import models
from models import Lifecycle
from resolvers import comments, policy
from schema.base import ID, Node, edge, node, plain, row_id, viewer_can
from schema.contents import Content, Topic
from schema.context import Info
from schema.members import Member
from schema.problems import mutation


@node("A comment.")
class Comment(Node):
    body: str = plain("What it says.")
    lifecycle: Lifecycle = plain("Whether it stands.")
    created_at: datetime = plain("When it was written.")
    edited_at: datetime | None = plain("When it was last changed.")
    author: Member | None = edge("author_id", policy.see_member, "Who wrote it; null if the viewer may not know.")
    content: Content | None = edge("content_id", policy.see_content, "What it is about.")
    viewer_can = viewer_can("Comment", edit=policy.edit_comment, create_task=policy.create_task_on_comment)


@strawberry.input(description="What a comment says.")
class CommentInput:
    body: str = plain("At most 10,000 characters.")


@strawberry.type
class CommentMutations:
    @mutation("Comment on a topic, post or idea.")
    async def add_comment(self, info: Info, content_id: ID, input: CommentInput) -> Comment:
        return Comment.of(await comments.add(info.context, row_id(content_id, models.Content), body=input.body))

    @mutation("Say a comment anew.")
    async def edit_comment(self, info: Info, comment_id: ID, input: CommentInput) -> Comment:
        return Comment.of(await comments.edit(info.context, row_id(comment_id, models.Comment), body=input.body))

    @mutation("Take a comment back.")
    async def withdraw_comment(self, info: Info, comment_id: ID) -> Comment:
        return Comment.of(await comments.withdraw(info.context, row_id(comment_id, models.Comment)))

    @mutation("Accept a comment as the answer: topic, escalation and task are done.")
    async def accept_answer(self, info: Info, comment_id: ID) -> Topic:
        return Topic.of(await comments.accept(info.context, row_id(comment_id, models.Comment)))
