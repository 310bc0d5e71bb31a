"""Activity: what is new in one community, or in all of the viewer's.

Contents and questions in one list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import false, literal, union_all

from models import Community, Content, ContentKind, Lifecycle, Membership, MembershipState, Network, Row
from realtime import topics
from resolvers import policy
from resolvers.live import Source, Subject, fixed
from resolvers.paging import Listing, Page, Slice, bounds, cut, ordering
from resolvers.policy import Condition
from resolvers.session import Reader

# Only its cursors are used: the list itself spans two tables. Both are ordered by these columns.
LIST: Listing[Content] = Listing("activity", policy.see_content, order=("-published_at",))


@dataclass(frozen=True)
class Filter:
    """Which contents: of these kinds, with all of these tags. None means all."""

    kinds: tuple[ContentKind, ...] | None = None
    tags: tuple[str, ...] = ()

    def keep_content(self, content: Any) -> Sequence[Condition]:
        kept = [content.lifecycle == Lifecycle.PUBLISHED]
        if self.kinds is not None:
            kept.append(content.kind.in_(self.kinds))
        kept.extend(content.tags.contains(f"\n{tag}\n", autoescape=True) for tag in self.tags)
        return kept

    def keep_question(self, _question: Any) -> Sequence[Condition]:
        """Questions have no tags."""
        wanted = not self.tags and (self.kinds is None or ContentKind.QUESTION in self.kinds)
        return () if wanted else (false(),)


def of_community(community: Community, viewer: UUID, kept: Filter) -> Subject:
    return Subject(
        name="communityActivity",
        arguments=(community.id, kept),
        rule=policy.read_community,
        row=community,
        sources=(
            Source(policy.see_content, lambda row: (row.community_id == community.id, *kept.keep_content(row))),
            Source(
                policy.see_published_question,
                lambda row: (row.community_id == community.id, *kept.keep_question(row)),
                policy.count_votes,
            ),
            Source(policy.read_community, lambda row: (row.id == community.id,)),
        ),
        topics=fixed(topics.community_activity(community.id)),
        rights=frozenset({topics.standing(viewer, community.id), topics.person(viewer)}),
    )


def of_viewer(network: Network, viewer: UUID, kept: Filter) -> Subject:
    """What is new in all communities to which the viewer belongs."""
    return Subject(
        name="myFeed",
        arguments=(network.id, kept),
        rule=policy.see_network,
        row=network,
        sources=(
            Source(policy.follow_content, lambda row: (row.network_id == network.id, *kept.keep_content(row))),
            Source(
                policy.follow_question,
                lambda row: (row.network_id == network.id, *kept.keep_question(row)),
                policy.count_votes,
            ),
        ),
        topics=lambda db: _activities(db, network.id),
        rights=frozenset({topics.memberships(viewer), topics.person(viewer)}),
    )


async def _activities(db: Reader, network_id: UUID) -> frozenset[topics.Topic]:
    member = await db.member(network_id)
    mine = (Membership.member_id == member.id, Membership.state == MembershipState.ACTIVE)
    memberships = await db.find_all(Membership, *mine, order=Membership.created_at)
    return frozenset(topics.community_activity(membership.community_id) for membership in memberships)


async def read(db: Reader, subject: Subject, page: Page) -> Slice[Any]:
    """The contents and questions of the subject, newest first, in one list."""
    return await merged(db, [source for source in subject.sources if source.rule.row is not Community], page)


async def merged(db: Reader, sources: Sequence[Source], page: Page, *, newest_first: bool = True) -> Slice[Any]:
    """What the sources show, in one list by the time of publication."""
    if not sources:
        return cut([], [], page)
    branches = [_branch(n, source, page, newest_first).subquery().select() for n, source in enumerate(sources)]
    union = union_all(*branches).subquery()
    order = ordering([(union.c.at, newest_first), (union.c.id, newest_first)], page)
    keys = (await db.execute(union.select().order_by(*order).limit(page.size + 1))).all()
    rows: dict[UUID, Row] = {}
    for n, source in enumerate(sources):
        ids = [key.id for key in keys if key.n == n]
        rows |= {row.id: row for row in await db.all(source.among, ids=ids)} if ids else {}
    seen = [key for key in keys if key.id in rows]
    return cut([rows[key.id] for key in seen], [(key.at, key.id) for key in seen], page)


def _branch(n: int, source: Source, page: Page, newest_first: bool) -> Any:  # noqa: FBT001 - as in `merged`
    row: Any = source.rule.row
    columns = [(row.published_at, newest_first), (row.id, newest_first)]
    keyed = source.rule.selection.where(*source.where(row), *bounds(columns, page))
    named = keyed.with_only_columns(literal(n).label("n"), row.published_at.label("at"), row.id.label("id"))
    return named.order_by(*ordering(columns, page)).limit(page.size + 1)
