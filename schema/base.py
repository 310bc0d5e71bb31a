"""How types are made here: nodes project rows, edges and permissions are declared, mutations answer with problems."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Collection
from typing import Any, Self, TypeVar
from uuid import UUID

import strawberry
from strawberry.types import get_object_definition

from models import NOBODY, Row
from resolvers import policy
from resolvers.policy import Rule
from schema.context import Info

ID = strawberry.ID
N = TypeVar("N", bound="Node")

_types: dict[str, type["Node"]] = {}


def global_id(noun: str, row_id: UUID) -> ID:
    return ID(base64.urlsafe_b64encode(f"{noun}:{row_id.hex}".encode()).decode().rstrip("="))


def row_id(id: str, *rows: type[Row]) -> UUID:
    """The row behind a global id. Garbage, or an id of something else, leads nowhere, like any unknown id."""
    noun, found = parse(id)
    return found if policy.row_of(noun) in rows else NOBODY


def parse(id: str) -> tuple[str, UUID]:
    try:
        noun, _, text = base64.urlsafe_b64decode(id + "=" * (-len(id) % 4)).decode().partition(":")
        return noun, UUID(hex=text)
    except (binascii.Error, ValueError):
        return "", NOBODY


def plain(description: str) -> Any:
    """A column that is shown as it is, under its own name."""
    return strawberry.field(description=description)


@strawberry.interface(description="Anything with an id.")
class Node:
    id: ID = plain("Opaque, and unique across all types.")
    row: strawberry.Private[Any] = None

    @classmethod
    def of(cls, row: Any) -> Self:
        """Copies the columns that the type lists as plain fields, and nothing else."""
        fields = get_object_definition(cls, strict=True).fields
        names = [f.python_name for f in fields if f.base_resolver is None and f.python_name != "id"]
        return cls(row=row, id=global_id(row.noun, row.id), **{name: getattr(row, name) for name in names})


def node(description: str) -> Callable[[type[N]], type[N]]:
    """A type whose rows can be looked up by id. Its name is the noun in the id."""

    def declare(cls: type[N]) -> type[N]:
        _types[cls.__name__] = cls
        return strawberry.type(cls, description=description)

    return declare


def node_types() -> list[type[Node]]:
    return list(_types.values())


def project(row: Row | None) -> Any:
    """The node of a row of any type."""
    return None if row is None else _types[row.noun].of(row)


def edge(key: str, rule: Rule[Any], description: str) -> Any:
    """The row that a column points at, if the viewer may see it."""

    async def resolve(self: Any, info: Info) -> Any:
        target = getattr(self.row, key)
        return None if target is None else project(await info.context.row(rule, target))

    return strawberry.field(resolver=resolve, description=description)


async def seen(info: Info, rule: Rule[Any], ids: Collection[UUID] | None) -> list[Any]:
    """Those of the rows that the rule lets the viewer see, in this order."""
    found = await asyncio.gather(*(info.context.row(rule, id) for id in ids or ()))
    return [project(row) for row in found if row is not None]


def guarded(column: str, rule: Rule[Any], description: str) -> Any:
    """A column that only some who see the row may read; for the others it is null."""

    async def resolve(self: Any, info: Info) -> Any:
        value = getattr(self.row, column)
        return value if value is not None and await info.context.allows(rule, self.row.id) else None

    return strawberry.field(resolver=resolve, description=description)


def flag(rule: Rule[Any], description: str) -> Any:
    """Whether a rule holds between the viewer and the row."""

    async def resolve(self: Any, info: Info) -> Any:
        return await info.context.allows(rule, self.row.id)

    return strawberry.field(resolver=resolve, description=description)


@strawberry.type(description="Whether the viewer may do something, and if not, which rule stands in the way.")
class Permission:
    allowed: bool = plain("Whether it would be allowed now.")
    rule: str | None = plain("The rule that does not allow it; null when it is allowed.")


@strawberry.type
class Permissions:
    row: strawberry.Private[Any]


def viewer_can(noun: str, **rules: Rule[Any]) -> Any:
    """What the viewer may do with the row, by the policy's own rules."""

    def permission(rule: Rule[Any]) -> Any:
        async def resolve(self: Any, info: Info) -> Permission:
            allowed = await info.context.allows(rule, self.row.id)
            return Permission(allowed=allowed, rule=None if allowed else rule.name)

        return strawberry.field(resolver=resolve, description=f"By the rule `{rule.name}`.")

    fields = {name: permission(rule) for name, rule in rules.items()}
    permissions = type(f"{noun}Permissions", (Permissions,), fields)
    made: Any = strawberry.type(permissions, description=f"What the viewer may do with this {noun}.")

    def resolve(self: Any) -> made:
        return made(row=self.row)

    return strawberry.field(resolver=resolve, description="What the viewer may do here; a front end need not guess.")
