"""Attendees of an event, their tickets, and the links with which they first sign in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import Row, later, moment, ref


class Attendee(Row, table=True):
    """Somebody who was put on the list. `ticket_no` counts the tickets that were issued; the last one is good."""

    __table_args__ = (UniqueConstraint("network_id", "email"),)

    network_id: UUID = ref("network", index=False)
    member_id: UUID = ref("member", unique=True)
    email: str = Field(max_length=254)
    ticket_no: int = 1


class SignInLink(Row, table=True):
    """Signs in once. One that came by mail is an account's; the others are made for attendees without one."""

    principal_id: UUID = ref("principal")
    token_hash: bytes = Field(max_length=32, unique=True)
    expires_at: datetime = moment()
    used_at: datetime | None = moment()
    by_mail: bool = later(default=False)
