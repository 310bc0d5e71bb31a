"""Organisations: whom the people of a network work for, and which of those compete."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import Row, choice, ref


class OrganisationKind(StrEnum):
    OWN = "OWN"
    CUSTOMER = "CUSTOMER"
    PARTNER = "PARTNER"
    VENDOR = "VENDOR"
    PROSPECT = "PROSPECT"


class Organisation(Row, table=True):
    __table_args__ = (UniqueConstraint("network_id", "name"),)

    network_id: UUID = ref("network", index=False)
    name: str = Field(max_length=200)
    kind: OrganisationKind = choice(OrganisationKind.CUSTOMER)
    external_ref: str | None = Field(default=None, max_length=100)


class Competition(Row, table=True):
    """One competes with the other. Each such pair has two rows, so that either finds the other."""

    __table_args__ = (UniqueConstraint("organisation_id", "competitor_id"),)

    organisation_id: UUID = ref("organisation", index=False)
    competitor_id: UUID = ref("organisation")
