"""What happens when and where: tracks, rooms, sessions, and who speaks."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from models.base import Row, choice, moment, ref


class SessionState(StrEnum):
    PLANNED = "PLANNED"
    CHANGED = "CHANGED"
    LIVE = "LIVE"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


class Track(Row, table=True):
    __table_args__ = (UniqueConstraint("network_id", "name"),)

    network_id: UUID = ref("network", index=False)
    name: str = Field(max_length=200)


class Room(Row, table=True):
    __table_args__ = (UniqueConstraint("network_id", "name"),)

    network_id: UUID = ref("network", index=False)
    name: str = Field(max_length=200)


class Session(Row, table=True):
    """A talk or a meeting. Its community is who plans to be there."""

    __table_args__ = (
        UniqueConstraint("network_id", "source", "external_id"),
        Index("ix_session_due", "state", "starts_at"),
    )

    network_id: UUID = ref("network", index=False)
    community_id: UUID = ref("community", unique=True)
    track_id: UUID | None = ref("track", default=None)
    room_id: UUID | None = ref("room", default=None)
    title: str = Field(max_length=300)
    subtitle: str = Field(default="", max_length=300)
    abstract_html: str = Field(default="", max_length=50_000)
    language: str = Field(default="", max_length=16)
    url: str | None = Field(default=None, max_length=500)
    starts_at: datetime = moment()
    ends_at: datetime = moment()
    state: SessionState = choice(SessionState.PLANNED)
    change_note: str | None = Field(default=None, max_length=500)
    changed_at: datetime | None = moment()
    recording_url: str | None = Field(default=None, max_length=500)
    slides_url: str | None = Field(default=None, max_length=500)
    replay_at: datetime | None = moment()
    checked_in_count: int = 0
    # Which schedule file it came from, and its id there; None for one that was made by hand.
    source: str | None = Field(default=None, max_length=100)
    external_id: str | None = Field(default=None, max_length=100)
    # A digest of each field as the file said it last: what people changed since is theirs.
    imported: dict[str, str] | None = Field(default=None, sa_type=JSON)


class Speaker(Row, table=True):
    """Somebody named in a schedule: the same one in all sessions, claimed by a member later."""

    __table_args__ = (UniqueConstraint("network_id", "source", "external_id"),)

    network_id: UUID = ref("network", index=False)
    name: str = Field(max_length=200)
    member_id: UUID | None = ref("member", default=None)
    claim_hash: bytes | None = Field(default=None, max_length=32, unique=True)
    source: str | None = Field(default=None, max_length=100)
    external_id: str | None = Field(default=None, max_length=100)


class SessionSpeaker(Row, table=True):
    __table_args__ = (UniqueConstraint("session_id", "speaker_id"),)

    session_id: UUID = ref("session", index=False)
    speaker_id: UUID = ref("speaker")
    position: int = 0
