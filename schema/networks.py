"""Networks."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from models import NetworkKind, OutsiderTier
from resolvers import attendees, communities, guests, invitations, members, networks, organisations, policy, schedules
from schema.base import ID, Node, node, plain, project, row_id, viewer_can
from schema.context import Info
from schema.paging import Connection, connection
from schema.problems import mutation

if TYPE_CHECKING:
    from schema.attendees import Attendee
    from schema.communities import Community
    from schema.invitations import Invitation
    from schema.members import Member
    from schema.organisations import Organisation
    from schema.schedules import Room, Track
else:
    Attendee = Annotated["Attendee", strawberry.lazy("schema.attendees")]
    Community = Annotated["Community", strawberry.lazy("schema.communities")]
    Invitation = Annotated["Invitation", strawberry.lazy("schema.invitations")]
    Member = Annotated["Member", strawberry.lazy("schema.members")]
    Organisation = Annotated["Organisation", strawberry.lazy("schema.organisations")]
    Room = Annotated["Room", strawberry.lazy("schema.schedules")]
    Track = Annotated["Track", strawberry.lazy("schema.schedules")]

strawberry.enum(NetworkKind, description="What a network is for.")
strawberry.enum(OutsiderTier, description="What those get of an event who do not attend it.")


@node("A network: the outermost wall.")
class Network(Node):
    name: str = plain("What it is called.")
    kind: NetworkKind = plain("What it is for.")
    hybrid: bool = plain("Whether communities of colleagues and of outsiders stand side by side here.")
    time_zone: str = plain("The time zone in which its events take place, by its name in the IANA database.")
    outsider_tier: OutsiderTier = plain("What those get of its events who do not attend.")
    guest_days_most: int = plain("For how many days a guest is let in, at most, each time.")
    members: Connection[Member] = connection(
        members.DIRECTORY, "Its members, by name, as far as the viewer may see them."
    )
    guests_to_renew: Connection[Member] = connection(
        guests.TO_RENEW, "Guests whose time will soon be over and whom the viewer may renew, the most urgent first."
    )
    organisations: Connection[Organisation] = connection(
        organisations.IN_NETWORK, "For whom its people work, by name, as far as the viewer may know."
    )
    communities: Connection[Community] = connection(communities.IN_NETWORK, "Its communities, by name.")
    invitations: Connection[Invitation] = connection(
        invitations.IN_NETWORK, "Invitations, newest first; for those who administer it or manage where they lead."
    )
    tracks: Connection[Track] = connection(schedules.TRACKS, "The tracks of its schedule, by name.")
    rooms: Connection[Room] = connection(schedules.ROOMS, "The rooms of its schedule, by name.")
    attendees: Connection[Attendee] = connection(
        attendees.IN_NETWORK, "Who is on the list, by e-mail; seen by those who administer it."
    )
    viewer_can = viewer_can(
        "Network",
        read_schedule=policy.read_schedule,
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


@strawberry.input(description="Settings of a network; what is left out stays.")
class UpdateNetworkInput:
    name: str | None = strawberry.field(default=None, description="At most 100 characters.")
    hybrid: bool | None = strawberry.field(
        default=None, description="Whether communities may admit guests and externals, whatever the network's kind."
    )
    time_zone: str | None = strawberry.field(default=None, description="A name of the IANA database: Europe/Oslo.")
    outsider_tier: OutsiderTier | None = strawberry.field(
        default=None, description="What those get of its events who do not attend."
    )
    guest_days_most: int | None = strawberry.field(default=None, description="Between 1 and 366.")


@strawberry.type
class NetworkMutations:
    @mutation("Change the settings of a network; for those who administer it.")
    async def update_network(self, info: Info, network_id: ID, input: UpdateNetworkInput) -> Network:
        changed = await networks.update(
            info.context,
            row_id(network_id, models.Network),
            name=input.name,
            hybrid=input.hybrid,
            time_zone=input.time_zone,
            outsider_tier=input.outsider_tier,
            guest_days_most=input.guest_days_most,
        )
        return Network.of(changed)
