"""The manifest: what there is to query, to change and to follow."""

import asyncio
from collections.abc import Iterator
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from graphql import parse as parse_document
from strawberry.extensions import ParserCache, ValidationCache
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
from schema.masking import Masking, coded
from schema.members import MemberMutations
from schema.networks import NetworkMutations, NetworkQueries
from schema.polls import PollMutations
from schema.questions import PanelMutations, QuestionMutations
from schema.queues import QueueQueries
from schema.reports import ReportQueries
from schema.schedules import ScheduleMutations
from schema.search import SearchQueries
from schema.tasks import TaskMutations
from schema.visitors import VisitorMutations

MOST_NODES = 100
TOKENS = 2_000  # of a document
CACHED = 16_000  # characters: a longer document is read anew each time
KEPT = 200  # documents: read, one of 2,000 tokens takes more than a megabyte, and anybody can send as many as they like


async def _look_up(info: Info, id: ID) -> Node | None:
    noun, row_id = parse(id)
    row = policy.row_of(noun)
    found = await info.context.row(policy.see(row), row_id) if row else None
    return project(found) if found is not None and found.noun == noun else None


@strawberry.type(description="What there is to query.")
class Query(AccountQueries, NetworkQueries, CommunityQueries, QueueQueries, FeedQueries, SearchQueries, ReportQueries):
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


class Parsing(ParserCache):
    def on_parse(self) -> Iterator[None]:
        """A document too deep to be read, or that leaves open what to run, is the client's mistake and no bug."""
        context = self.execution_context
        context.parse_options["max_tokens"] = TOKENS
        query = context.query or ""
        read = self.cached_parse_document if len(query) <= CACHED else parse_document
        try:
            document = read(query, **context.parse_options)
        except RecursionError as error:
            raise GraphQLError("The document is too deep.") from error
        operations = [found for found in document.definitions if isinstance(found, OperationDefinitionNode)]
        if len(operations) > 1 and context._provided_operation_name is None:  # noqa: SLF001 - there is no other way
            raise GraphQLError("The document has several operations: say by operationName which one to run.")
        context.graphql_document = document
        yield


class Validating(ValidationCache):
    def on_validate(self) -> Iterator[None]:
        """What nobody would send twice is not kept."""
        if len(self.execution_context.query or "") <= CACHED:
            yield from super().on_validate()
        else:
            yield


class Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Masking has logged what is a bug, what the domain refuses is no news, and the rest is the client's own."""
        for error in errors:
            coded(error)


@cache
def build(*, sort_schema: bool = False) -> Schema:
    """The schema to run. Sorted, it is only to be printed: sorting copies types, and unions then miss their own."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=node_types(),
        config=StrawberryConfig(scalar_map={FeedCursor: FEED_CURSOR}, sort_schema=sort_schema),
        extensions=[Masking, lambda: Parsing(maxsize=KEPT), lambda: Validating(maxsize=KEPT)],
    )
