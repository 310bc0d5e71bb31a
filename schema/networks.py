"""Networks."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from models import NetworkKind
from resolvers import attendees, communities, invitations, members, policy
from schema.base import ID, Node, node, plain, project, row_id, viewer_can
from schema.context import Info
from schema.paging import Connection, connection

if TYPE_CHECKING:
    from schema.attendees import Attendee
    from schema.communities import Community
    from schema.invitations import Invitation
    from schema.members import Member
else:
    Attendee = Annotated["Attendee", strawberry.lazy("schema.attendees")]
    Community = Annotated["Community", strawberry.lazy("schema.communities")]
    Invitation = Annotated["Invitation", strawberry.lazy("schema.invitations")]
    Member = Annotated["Member", strawberry.lazy("schema.members")]

strawberry.enum(NetworkKind, description="What a network is for.")


@node("A network: the outermost wall.")
class Network(Node):
    name: str = plain("What it is called.")
    kind: NetworkKind = plain("What it is for.")
    members: Connection[Member] = connection(
        members.DIRECTORY, "Its members, by name, as far as the viewer may see them."
    )
    communities: Connection[Community] = connection(communities.IN_NETWORK, "Its communities, by name.")
    invitations: Connection[Invitation] = connection(
        invitations.IN_NETWORK, "Invitations into it, newest first; seen by those who administer it."
    )
    attendees: Connection[Attendee] = connection(
        attendees.IN_NETWORK, "Who is on the list, by e-mail; seen by those who administer it."
    )
    viewer_can = viewer_can(
        "Network",
        administer=policy.administer_network,
        create_community=policy.create_community,
        create_task=policy.create_task,
    )

    @strawberry.field(description="The viewer as a member of it.")
    async def viewer_member(self, info: Info) -> Member | None:
        return project(await info.context.of_row(members.of_viewer, self.row.id))


@strawberry.type
class NetworkQueries:
    @strawberry.field(description="A network to which the viewer belongs.")
    async def network(self, info: Info, id: ID) -> Network | None:
        return project(await info.context.get(policy.see_network, row_id(id, models.Network)))
