"""Topics, posts and ideas."""

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlmodel import col

from models import Content, ContentKind, Escalation, Lifecycle, Revision
from realtime import topics
from resolvers import answering, policy
from resolvers.context import Context
from resolvers.errors import Conflict
from resolvers.form import form
from resolvers.live import Source, Subject, fixed
from resolvers.paging import Listing
from resolvers.session import Reader, Transaction

REVISIONS = Listing("revisions", policy.see_revision, order=("-no",), parent="content_id")


async def publish(
    ctx: Context, community_id: UUID, *, kind: ContentKind, title: str, body: str, tags: list[str]
) -> Content:
    """A new topic, post or idea in a community to which the viewer belongs."""
    title, body, tags = _checked(title, body, tags)
    async with ctx.transaction() as tx:
        community = await tx.get(policy.contribute_to_community, community_id, lock=False)
        author = await tx.member(community.network_id)
        content = Content(
            network_id=community.network_id,
            community_id=community_id,
            author_id=author.id,
            kind=kind,
            title=title,
            body=body,
            tags=tagged(tags),
        )
        return tx.answer(await put(tx, content))


def _checked(title: str, body: str, tags: list[str]) -> tuple[str, str, list[str]]:
    with form() as check:
        title = check.text("title", title, most=200)
        body = check.text("body", body, most=20_000, least=0)
        tags = check.tags("tags", tags)
    return title, body, tags


async def put(tx: Transaction, content: Content) -> Content:
    content.published_at = tx.now
    await tx.add(content)
    answering.tell(tx, content)
    return content


def tagged(tags: Iterable[str]) -> str:
    """Tags as they are stored."""
    return "".join(f"\n{tag}" for tag in tags) + "\n"


def tags_of(stored: str | None) -> list[str]:
    """As they were given to `tagged`."""
    return (stored or "").strip("\n").splitlines()


async def edit(
    ctx: Context, content_id: UUID, *, title: str, body: str, tags: list[str] | None, if_version: int | None
) -> Content:
    """Say it anew; what it said before stays as a revision."""
    title, body, checked = _checked(title, body, tags or [])
    async with ctx.transaction() as tx:
        content = await tx.get(policy.edit_content, content_id)
        if if_version is not None and if_version != content.revision:
            raise Conflict("Somebody has edited this meanwhile.", currentVersion=content.revision)
        author = await tx.member(content.network_id)
        said = Revision(
            content_id=content_id, author_id=author.id, no=content.revision, title=content.title, body=content.body
        )
        await tx.add(said)
        content.title, content.body, content.edited_at = title, body, tx.now
        content.revision += 1
        if tags is not None:
            content.tags = tagged(checked)
        answering.tell(tx, content)
        return tx.answer(content)


async def withdraw(ctx: Context, content_id: UUID) -> Content:
    """Take it back; only its author and the community's managers still see it."""
    async with ctx.transaction() as tx:
        content = await tx.get(policy.withdraw_content, content_id)
        content.lifecycle = Lifecycle.WITHDRAWN
        answering.tell(tx, content)
        await answering.withdrawn(tx, content)
        return tx.answer(content)


async def escalation_of(db: Reader, content_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The escalations that these topics are; whether the viewer may see them is asked elsewhere."""
    found = await db.find_all(Escalation, col(Escalation.topic_id).in_(content_ids))
    return {escalation.topic_id: escalation.id for escalation in found}


async def escalations_from(db: Reader, content_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The escalations that began at these topics; whether the viewer may see them is asked elsewhere."""
    began: dict[UUID, list[UUID]] = {id: [] for id in content_ids}
    for escalation in await db.find_all(
        Escalation, col(Escalation.from_content_id).in_(content_ids), order=Escalation.created_at
    ):
        if escalation.from_content_id is not None:
            began[escalation.from_content_id].append(escalation.id)
    return began


def thread(content: Content, viewer: UUID) -> Subject:
    """One content with its comments."""
    return Subject(
        name="content",
        arguments=(content.id,),
        rule=policy.see_content,
        row=content,
        sources=(
            Source(policy.see_content, lambda row: (row.id == content.id,)),
            Source(policy.see_comment, lambda row: (row.content_id == content.id,)),
        ),
        topics=fixed(topics.content(content.id)),
        rights=frozenset({topics.standing(viewer, content.community_id), topics.person(viewer)}),
    )
