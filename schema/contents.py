"""Topics, posts and ideas."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from models import AnswerState, ContentKind, Lifecycle
from resolvers import comments, contents, policy
from schema.base import ID, Node, edge, node, plain, project, row_id, seen, viewer_can
from schema.communities import Community
from schema.context import Info
from schema.members import Member
from schema.paging import Connection, connection
from schema.problems import mutation

if TYPE_CHECKING:
    from schema.comments import Comment
    from schema.escalations import Escalation
else:
    Comment = Annotated["Comment", strawberry.lazy("schema.comments")]
    Escalation = Annotated["Escalation", strawberry.lazy("schema.escalations")]

strawberry.enum(ContentKind, description="What sort of content it is.")
strawberry.enum(Lifecycle, description="Whether something stands, or was taken back by its author.")
strawberry.enum(AnswerState, description="How far a topic has got.")


@strawberry.interface(description="What shows in a community's activity.")
class Content(Node):
    published_at: datetime | None = plain("When it was published.")
    community: Community | None = edge("community_id", policy.see_community, "Where it was published.")
    author: Member | None = edge("author_id", policy.see_member, "Who wrote it; null if the viewer may not know.")


@strawberry.interface(description="A content with a title, a body and comments.")
class Article(Content):
    title: str = plain("What it is about.")
    body: str = plain("What it says.")
    lifecycle: Lifecycle = plain("Whether it stands.")
    edited_at: datetime | None = plain("When it was last changed.")
    revision: int = plain("Counts its versions, from 1; give it back as `ifVersion`.")
    comment_count: int = plain("How many comments stand.")
    comments: Connection[Comment] = connection(comments.ON_CONTENT, "Its comments, oldest first.")
    revisions: Connection[Annotated["Revision", strawberry.lazy("schema.contents")]] = connection(
        contents.REVISIONS, "What it said before it was edited, newest first."
    )
    viewer_can = viewer_can(
        "Content",
        edit=policy.edit_content,
        withdraw=policy.withdraw_content,
        comment=policy.comment_on_content,
        accept_answer=policy.accept_answer,
        escalate=policy.escalate_content,
        create_task=policy.create_task_on_content,
    )

    @strawberry.field(description="Its tags, in alphabetical order.")
    def tags(self) -> list[str]:
        return contents.tags_of(self.row.tags)


@node("A question or subject that waits for answers.")
class Topic(Article):
    answer_state: AnswerState = plain("How far it has got.")
    accepted_answer: Comment | None = edge("accepted_comment_id", policy.see_comment, "The comment that was accepted.")

    @strawberry.field(description="Its escalation, if it is one; null if the viewer may not see it.")
    async def escalation(self, info: Info) -> Escalation | None:
        found = await info.context.of_row(contents.escalation_of, self.row.id)
        return project(await info.context.row(policy.see_escalation, found)) if found else None

    @strawberry.field(description="Where it was escalated to, as far as the viewer may see.")
    async def escalated_to(self, info: Info) -> list[Escalation]:
        found = await info.context.of_row(contents.escalations_from, self.row.id)
        return await seen(info, policy.see_escalation, found)


@node("Something to read.")
class Post(Article):
    pass


@node("A suggestion: what to talk about next time, what to do better.")
class Idea(Article):
    pass


@node("What a content said before it was edited.")
class Revision(Node):
    no: int = plain("Which version it was.")
    title: str = plain("Its title then.")
    body: str = plain("Its body then.")
    created_at: datetime = plain("When it was replaced.")
    author: Member | None = edge("author_id", policy.see_member, "Who replaced it.")


@strawberry.input(description="A new topic, post or idea.")
class ContentInput:
    title: str = plain("At most 200 characters.")
    body: str = strawberry.field(default="", description="At most 20,000 characters.")
    tags: list[str] = strawberry.field(default_factory=list, description="At most 20, of at most 50 characters each.")


@strawberry.input(description="What it is to say instead.")
class EditContentInput:
    title: str = plain("At most 200 characters.")
    body: str = plain("At most 20,000 characters.")
    tags: list[str] | None = strawberry.field(default=None, description="All its tags; they stay if left out.")


@strawberry.type
class ContentMutations:
    @mutation("Publish a topic.")
    async def create_topic(self, info: Info, community_id: ID, input: ContentInput) -> Topic:
        return Topic.of(await _publish(info, community_id, ContentKind.TOPIC, input))

    @mutation("Publish a post.")
    async def create_post(self, info: Info, community_id: ID, input: ContentInput) -> Post:
        return Post.of(await _publish(info, community_id, ContentKind.POST, input))

    @mutation("Publish an idea: a suggestion for next time.")
    async def create_idea(self, info: Info, community_id: ID, input: ContentInput) -> Idea:
        return Idea.of(await _publish(info, community_id, ContentKind.IDEA, input))

    @mutation("Say something anew; what it said before stays as a revision.")
    async def edit_content(
        self, info: Info, content_id: ID, input: EditContentInput, if_version: int | None = None
    ) -> Content:
        edited = await contents.edit(
            info.context,
            row_id(content_id, models.Content),
            title=input.title,
            body=input.body,
            tags=input.tags,
            if_version=if_version,
        )
        return project(edited)

    @mutation("Take a topic, post or idea back.")
    async def withdraw_content(self, info: Info, content_id: ID) -> Content:
        return project(await contents.withdraw(info.context, row_id(content_id, models.Content)))


async def _publish(info: Info, community_id: ID, kind: ContentKind, input: ContentInput) -> models.Content:
    id = row_id(community_id, models.Community)
    return await contents.publish(info.context, id, kind=kind, title=input.title, body=input.body, tags=input.tags)
