"""Comments on topics and posts, and the one that answers."""

from uuid import UUID

from models import AnswerState, Comment, Content, ContentKind, Kind, Lifecycle
from realtime import topics
from resolvers import answering, policy
from resolvers.context import Context
from resolvers.errors import Conflict, NotFound
from resolvers.form import form
from resolvers.paging import Listing

ON_CONTENT = Listing("comments", policy.see_comment, order=("created_at",), parent="content_id")


async def add(ctx: Context, content_id: UUID, *, body: str) -> Comment:
    """Comment on a topic, post or idea. On a topic, anybody's comment but the asker's answers it."""
    with form() as check:
        body = check.text("body", body, most=10_000)
    async with ctx.transaction() as tx:
        content = await tx.get(policy.comment_on_content, content_id)
        author = await tx.member(content.network_id)
        comment = Comment(network_id=content.network_id, content_id=content_id, author_id=author.id, body=body)
        await tx.add(comment)
        tx.announce([topics.content(content_id)], Kind.ROW, comment)
        await tx.count(Content.comment_count, content, 1)
        answering.tell(tx, content, Kind.COUNTERS)
        if content.kind is ContentKind.TOPIC:
            await answering.commented(tx, content, comment)
        return tx.answer(comment)


async def edit(ctx: Context, comment_id: UUID, *, body: str) -> Comment:
    with form() as check:
        body = check.text("body", body, most=10_000)
    async with ctx.transaction() as tx:
        comment = await tx.get(policy.edit_comment, comment_id)
        comment.body, comment.edited_at = body, tx.now
        tx.announce([topics.content(comment.content_id)], Kind.ROW, comment)
        return tx.answer(comment)


async def withdraw(ctx: Context, comment_id: UUID) -> Comment:
    async with ctx.transaction() as tx:
        comment = await tx.get(policy.edit_comment, comment_id, lock=False)
        content = await tx.get(policy.see_content, comment.content_id)
        comment = await tx.get(policy.edit_comment, comment_id)
        if content.accepted_comment_id == comment_id:
            raise Conflict("This comment is the accepted answer. Accept another one first.")
        comment.lifecycle = Lifecycle.WITHDRAWN
        tx.announce([topics.content(content.id)], Kind.ROW, comment)
        await tx.count(Content.comment_count, content, -1)
        answering.tell(tx, content, Kind.COUNTERS)
        await tx.flush()
        await answering.uncommented(tx, content)
        return tx.answer(comment)


async def accept(ctx: Context, comment_id: UUID) -> Content:
    """Accept a comment as the answer: the topic, its escalation and its task are done."""
    async with ctx.transaction() as tx:
        comment = await tx.get(policy.see_comment, comment_id, lock=False)
        content = await tx.get(policy.accept_answer, comment.content_id)
        comment = await tx.get(policy.see_comment, comment_id)
        if comment.lifecycle is not Lifecycle.PUBLISHED:
            raise NotFound
        if content.answer_state is AnswerState.RESOLVED and content.accepted_comment_id == comment_id:
            return tx.answer(content)
        await answering.resolved(tx, content, comment)
        return tx.answer(content)
