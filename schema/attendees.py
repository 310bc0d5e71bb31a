"""Attendees of an event: the list, the links and tickets with which they sign in, and the door."""

from datetime import datetime
from typing import Any

import strawberry

import models
from models import Attendance
from resolvers import attendees, policy, rosters
from schema.accounts import SignInPayload, keeper, signed_in
from schema.base import ID, Node, edge, node, plain, row_id
from schema.communities import Membership
from schema.context import Info
from schema.members import Member
from schema.problems import Payload, mutation

strawberry.enum(Attendance, description="How somebody takes part in an event.")
strawberry.enum(
    rosters.Outcome, name="AttendeeOutcome", description="What has become of a line of a list of attendees."
)


@node("Somebody on the list of an event; seen by those who administer the network.")
class Attendee(Node):
    email: str = plain("Where mail reaches them.")
    created_at: datetime = plain("When they were put on the list.")
    member: Member | None = edge("member_id", policy.see_member, "Who they are in the network.")


@strawberry.type(description="What has become of one line of a list of attendees.")
class AttendeeLine:
    line: int = plain("Its number in the file.")
    email: str = plain("Whom it is about.")
    outcome: rosters.Outcome = plain("What was done.")
    message: str = plain("Why, where that needs saying.")
    sign_in_token: str | None = plain("For a link that signs in once; for somebody new without an account. Told once.")
    ticket: str | None = plain("What goes into the QR code on the badge.")


@strawberry.type(description="What has become of each line, or why the list was not read.")
class ImportAttendeesPayload(Payload):
    lines: list[AttendeeLine] | None = strawberry.field(default=None, description="In the order of the file.")

    @classmethod
    def of(cls, report: list[rosters.Line]) -> "ImportAttendeesPayload":
        names = AttendeeLine.__annotations__
        return cls(lines=[AttendeeLine(**{name: getattr(line, name) for name in names}) for line in report])

    @classmethod
    def again(cls, _node: Any, secret: str | None) -> "ImportAttendeesPayload":
        return cls.of(rosters.from_text(secret)) if secret else cls()


@strawberry.type(description="A link that signs in once, or why there is none.")
class CreateSignInLinkPayload(Payload):
    attendee: Attendee | None = strawberry.field(default=None, description="Whom it signs in.")
    token: str | None = strawberry.field(default=None, description="What the link carries. Told once.")

    @classmethod
    def again(cls, node: Any, secret: str | None) -> "CreateSignInLinkPayload":
        return cls(attendee=node, token=secret)


@strawberry.type(description="Another ticket, or why there is none.")
class ReissueTicketPayload(Payload):
    attendee: Attendee | None = strawberry.field(default=None, description="Whose it is.")
    ticket: str | None = strawberry.field(default=None, description="What goes into the QR code on the badge.")

    @classmethod
    def again(cls, node: Any, secret: str | None) -> "ReissueTicketPayload":
        return cls(attendee=node, ticket=secret)


@strawberry.type
class AttendeeMutations:
    @mutation("Put attendees on the list, out of a CSV file with the columns name, email and, if you like, attendance.")
    async def import_attendees(
        self, info: Info, network_id: ID, csv: str, dry_run: bool = False
    ) -> ImportAttendeesPayload:
        id = row_id(network_id, models.Network)
        return ImportAttendeesPayload.of(await rosters.take_in(info.context, id, text=csv, dry_run=dry_run))

    @mutation("Make a link that signs an attendee in once, within seven days. The links before it are void.")
    async def create_sign_in_link(self, info: Info, attendee_id: ID) -> CreateSignInLinkPayload:
        attendee, token = await attendees.create_link(info.context, row_id(attendee_id, models.Attendee))
        return CreateSignInLinkPayload(attendee=Attendee.of(attendee), token=token)

    @mutation("Make another ticket. The one before it is void, and whoever signed in with it is signed out.")
    async def reissue_ticket(self, info: Info, attendee_id: ID) -> ReissueTicketPayload:
        attendee, ticket = await attendees.reissue_ticket(info.context, row_id(attendee_id, models.Attendee))
        return ReissueTicketPayload(attendee=Attendee.of(attendee), ticket=ticket)

    @mutation("Sign in with a link; it works once.", once=False)
    async def sign_in_with_link(self, info: Info, token: str, cookie: bool = False) -> SignInPayload:
        keep = keeper(info, is_asked=cookie)
        begun = await attendees.sign_in_with_link(info.context, token=token)
        return signed_in(begun, keep)

    @mutation("Sign in with a ticket, on one device at a time: the one before it is signed out.", once=False)
    async def sign_in_with_ticket(self, info: Info, ticket: str) -> SignInPayload:
        return signed_in(await attendees.sign_in_with_ticket(info.context, ticket=ticket))

    @mutation("Check the holder of a ticket in to a session; they join its community on the spot.")
    async def check_in_attendee(self, info: Info, session_id: ID, ticket: str) -> Membership:
        id = row_id(session_id, models.Session)
        return Membership.of(await attendees.check_in(info.context, id, ticket=ticket))
