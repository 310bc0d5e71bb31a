"""Networks: the outermost wall.

Every row of substance belongs to one.
"""

from enum import StrEnum

from sqlmodel import Field

from models.base import Row, choice, later


class NetworkKind(StrEnum):
    INTRANET = "INTRANET"
    EXTRANET = "EXTRANET"
    PUBLIC = "PUBLIC"
    EVENT = "EVENT"


class OutsiderTier(StrEnum):
    """What those get from an event who do not attend it."""

    NONE = "NONE"
    AGENDA_ONLY = "AGENDA_ONLY"
    REPLAYS = "REPLAYS"
    FULL = "FULL"


class Network(Row, table=True):
    name: str = Field(max_length=100)
    kind: NetworkKind = choice(NetworkKind.INTRANET)
    # Communities of colleagues and of outsiders side by side.
    hybrid: bool = later(default=False)
    time_zone: str = later("UTC", max_length=64)
    outsider_tier: OutsiderTier = later(OutsiderTier.AGENDA_ONLY)
    guest_days_most: int = later(90)
