"""The manifest: what there is to query, to change and to follow."""

import asyncio
from functools import cache

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers import policy
from resolvers.errors import Flaw, Invalid, NotFound
from schema.accounts import AccountMutations, AccountQueries
from schema.attendees import AttendeeMutations
from schema.base import ID, Node, node_types, parse, project
from schema.boards import BoardMutations
from schema.comments import CommentMutations
from schema.communities import CommunityMutations, CommunityQueries
from schema.contents import ContentMutations
from schema.context import Info
from schema.escalations import EscalationMutations
from schema.feeds import FeedQueries, Subscription
from schema.invitations import InvitationMutations
from schema.live import FEED_CURSOR, FeedCursor
from schema.members import MemberMutations
from schema.networks import NetworkMutations, NetworkQueries
from schema.nominations import NominationMutations
from schema.organisations import OrganisationMutations
from schema.polls import PollMutations
from schema.questions import PanelMutations, QuestionMutations
from schema.queues import QueueQueries
from schema.rate_limit import RateLimitQueries
from schema.reports import ReportQueries
from schema.schedules import ScheduleMutations
from schema.search import SearchQueries
from schema.tasks import TaskMutations
from schema.visitors import VisitorMutations

MOST_NODES = 100


async def _look_up(info: Info, id: ID) -> Node | None:
    noun, row_id = parse(id)
    row = policy.row_of(noun)
    found = await info.context.row(policy.see(row), row_id) if row else None
    return project(found) if found is not None and found.noun == noun else None


@strawberry.type(description="What there is to query.")
class Query(
    AccountQueries,
    NetworkQueries,
    CommunityQueries,
    QueueQueries,
    FeedQueries,
    SearchQueries,
    ReportQueries,
    RateLimitQueries,
):
    @strawberry.field(description="Anything that the viewer may see, by its id.")
    async def node(self, info: Info, id: ID) -> Node | None:
        found = await _look_up(info, id)
        if found is None:
            raise NotFound
        return found

    @strawberry.field(description="As `node`, for at most 100 ids; null for each that leads nowhere.")
    async def nodes(self, info: Info, ids: list[ID]) -> list[Node | None]:
        if len(ids) > MOST_NODES:
            raise Invalid(Flaw(f"At most {MOST_NODES} ids at a time.", ("ids",)))
        return await asyncio.gather(*(_look_up(info, id) for id in ids))


@strawberry.type(description="What there is to do.")
class Mutation(
    AccountMutations,
    InvitationMutations,
    MemberMutations,
    NetworkMutations,
    OrganisationMutations,
    NominationMutations,
    CommunityMutations,
    ContentMutations,
    CommentMutations,
    TaskMutations,
    EscalationMutations,
    BoardMutations,
    QuestionMutations,
    PollMutations,
    PanelMutations,
    ScheduleMutations,
    VisitorMutations,
    AttendeeMutations,
):
    pass


@cache
def build(*, sort_schema: bool = False) -> strawberry.Schema:
    """The schema to run. Sorted, it is only to be printed: sorting copies types, and unions then miss their own."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=node_types(),
        config=StrawberryConfig(scalar_map={FeedCursor: FEED_CURSOR}, sort_schema=sort_schema),
    )
