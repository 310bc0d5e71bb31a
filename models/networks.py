"""Networks: the outermost wall.

Every row of substance belongs to one.
"""

from enum import StrEnum

from sqlmodel import Field

from models.base import Row, choice


class NetworkKind(StrEnum):
    INTRANET = "INTRANET"
    EXTRANET = "EXTRANET"
    PUBLIC = "PUBLIC"
    EVENT = "EVENT"


class Network(Row, table=True):
    name: str = Field(max_length=100)
    kind: NetworkKind = choice(NetworkKind.INTRANET)
