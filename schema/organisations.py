"""Organisations for which people work."""

from typing import Annotated

import strawberry

import models
from models import OrganisationKind
from resolvers import organisations, policy
from schema.base import ID, Node, guarded, node, plain, row_id, seen, viewer_can
from schema.context import Info
from schema.problems import mutation

strawberry.enum(OrganisationKind, description="What an organisation is to the company.")


@node("An organisation for which people work.")
class Organisation(Node):
    name: str = plain("What it is called.")
    kind: OrganisationKind | None = guarded("kind", policy.read_relations, "What it is to the company.")
    external_ref: str | None = guarded("external_ref", policy.read_relations, "What another system calls it.")
    viewer_can = viewer_can("Organisation", manage=policy.manage_organisation)

    @strawberry.field(description="With whom it competes; known to internal members alone.")
    async def competes_with(
        self, info: Info
    ) -> list[Annotated["Organisation", strawberry.lazy("schema.organisations")]] | None:
        if not await info.context.allows(policy.read_relations, self.row.id):
            return None
        return await seen(
            info, policy.see_organisation, await info.context.of_row(organisations.competitors, self.row.id)
        )


@strawberry.input(description="A new organisation.")
class CreateOrganisationInput:
    name: str = plain("At most 200 characters; one of a name in each network.")
    kind: OrganisationKind = strawberry.field(
        default=OrganisationKind.CUSTOMER, description="What it is to the company."
    )
    external_ref: str | None = strawberry.field(
        default=None, description="What another system calls it; at most 100 characters."
    )


@strawberry.input(description="Changes to an organisation; what is left out stays.")
class UpdateOrganisationInput:
    name: str | None = strawberry.field(default=None, description="At most 200 characters.")
    kind: OrganisationKind | None = strawberry.field(default=None, description="What it is to the company.")
    external_ref: str | None = strawberry.field(default=None, description="At most 100 characters.")


@strawberry.type
class OrganisationMutations:
    @mutation("Add an organisation to the network.")
    async def create_organisation(self, info: Info, network_id: ID, input: CreateOrganisationInput) -> Organisation:
        made = await organisations.create(
            info.context,
            row_id(network_id, models.Network),
            name=input.name,
            kind=input.kind,
            external_ref=input.external_ref,
        )
        return Organisation.of(made)

    @mutation("Change an organisation.")
    async def update_organisation(
        self, info: Info, organisation_id: ID, input: UpdateOrganisationInput
    ) -> Organisation:
        changed = await organisations.update(
            info.context,
            row_id(organisation_id, models.Organisation),
            name=input.name,
            kind=input.kind,
            external_ref=input.external_ref,
        )
        return Organisation.of(changed)

    @mutation("Say whether two organisations compete: their people are then kept apart.")
    async def set_competition(
        self, info: Info, organisation_id: ID, competitor_id: ID, competes: bool = True
    ) -> Organisation:
        changed = await organisations.set_competition(
            info.context,
            row_id(organisation_id, models.Organisation),
            competitor_id=row_id(competitor_id, models.Organisation),
            competes=competes,
        )
        return Organisation.of(changed)
