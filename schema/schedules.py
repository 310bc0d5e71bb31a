"""The schedule: sessions, their tracks, rooms and speakers."""

from datetime import datetime
from typing import Any

import strawberry

import models
from models import Admits, JoinPolicy, SessionState, Visibility
from resolvers import policy, schedules, speakers
from resolvers.programme import Draft
from resolvers.schedules import Circle
from schema.base import ID, Node, edge, guarded, node, plain, project, row_id, viewer_can
from schema.communities import Community, Membership
from schema.context import Info
from schema.members import Member
from schema.paging import Connection, connection
from schema.problems import Payload, mutation

strawberry.enum(SessionState, description="Whether a session will take place as planned, goes on, or is over.")


@node("A part of the programme: what belongs together by its subject.")
class Track(Node):
    name: str = plain("What it is called.")
    sessions: Connection["Session"] = connection(schedules.ON_TRACK, "Its sessions, by time.")


@node("Where sessions take place.")
class Room(Node):
    name: str = plain("What it is called.")
    sessions: Connection["Session"] = connection(schedules.IN_ROOM, "What takes place there, by time.")


@node("Somebody named in the schedule: the same one in all of their sessions.")
class Speaker(Node):
    name: str = plain("What the schedule calls them.")
    member: Member | None = edge("member_id", policy.see_member, "Who has claimed to be this speaker.")
    viewer_can = viewer_can("Speaker", create_claim=policy.vouch_for_speaker)

    @strawberry.field(description="Where they speak, by time, as far as the viewer may see it.")
    async def sessions(self, info: Info) -> list["Session"]:
        return [project(session) for session in await info.context.of_row(speakers.sessions_of, self.row.id)]


@node("A talk or a meeting. To join its community is to plan to attend.")
class Session(Node):
    title: str = plain("What it is called.")
    subtitle: str = plain("What else it is called; often empty.")
    abstract_html: str = plain("What it is about, as harmless HTML.")
    language: str = plain("In which language it is held; empty if the schedule does not say.")
    url: str | None = plain("Its page elsewhere.")
    starts_at: datetime = plain("When it begins.")
    ends_at: datetime = plain("When it ends.")
    state: SessionState = plain("Whether it takes place, and how far it is.")
    change_note: str | None = plain("What was said about the last change.")
    changed_at: datetime | None = plain("When it was moved, cancelled or commented last.")
    replay_at: datetime | None = plain("When recording and slides were released to those who were not there.")
    recording_url: str | None = guarded(
        "recording_url", policy.watch_replay, "The recording; for those who were not there after its release."
    )
    slides_url: str | None = guarded(
        "slides_url", policy.watch_replay, "The slides; for those who were not there after their release."
    )
    checked_in_count: int | None = guarded("checked_in_count", policy.count_heads, "How many came.")
    track: Track | None = edge("track_id", policy.see_track, "The track on which it is.")
    room: Room | None = edge("room_id", policy.see_room, "Where it takes place.")
    community: Community | None = edge("community_id", policy.see_community, "Those who plan to attend.")
    viewer_can = viewer_can(
        "Session",
        change=policy.change_session,
        check_in=policy.check_in_to_session,
        link_slides=policy.link_slides,
        watch_replay=policy.watch_replay,
    )

    @strawberry.field(description="How many plan to attend: the head count of its community.")
    async def expected_count(self, info: Info) -> int | None:
        if not await info.context.allows(policy.count_heads, self.row.id):
            return None
        expected: int | None = await info.context.of_row(schedules.expected, self.row.community_id)
        return expected

    @strawberry.field(description="Who speaks, in the order of the programme.")
    async def speakers(self, info: Info) -> list[Speaker]:
        return [project(speaker) for speaker in await info.context.of_row(speakers.of_sessions, self.row.id)]


@strawberry.type(description="Two sessions that take place at the same time.")
class SessionOverlap:
    one: Session = plain("The one that begins first.")
    other: Session = plain("The other one.")


@strawberry.type(description="A speaker and the token with which they are claimed, or why there is none.")
class CreateSpeakerClaimPayload(Payload):
    speaker: Speaker | None = strawberry.field(default=None, description="The speaker.")
    token: str | None = strawberry.field(default=None, description="What the speaker needs. Told once.")

    @classmethod
    def again(cls, node: Any, secret: str | None) -> "CreateSpeakerClaimPayload":
        return cls(speaker=node, token=secret)


@strawberry.input(description="A new session.")
class CreateSessionInput:
    title: str = plain("At most 300 characters.")
    starts_at: datetime = plain("When it begins.")
    ends_at: datetime = plain("When it ends.")
    subtitle: str = strawberry.field(default="", description="At most 300 characters.")
    abstract_html: str = strawberry.field(
        default="", description="At most 50,000 characters; what is not harmless is taken out."
    )
    language: str = strawberry.field(default="", description="A code of at most 16 characters: en.")
    url: str | None = strawberry.field(default=None, description="Its page elsewhere.")
    track: str | None = strawberry.field(default=None, description="The name of its track; made if there is none.")
    room: str | None = strawberry.field(default=None, description="The name of its room; made if there is none.")
    speakers: list[str] = strawberry.field(
        default_factory=list, description="Names. Somebody of the same name in the schedule is the same speaker."
    )
    opens_at: datetime | None = strawberry.field(
        default=None, description="When its board takes questions; a day before it begins if left out."
    )
    admits: Admits = strawberry.field(default=Admits.EXTERNALS, description="Whom its community is for.")
    visibility: Visibility = strawberry.field(default=Visibility.OPEN, description="How far that is seen.")
    join_policy: JoinPolicy | None = strawberry.field(
        default=None, description="How one comes in; the widest way that goes with the rest if left out."
    )


@strawberry.input(description="Changes to a session; what is left out stays, an empty text takes away what was there.")
class ChangeSessionInput:
    note: str | None = strawberry.field(
        default=None, description="What those are told who plan to attend; at most 500 characters."
    )
    title: str | None = strawberry.field(default=None, description="At most 300 characters.")
    starts_at: datetime | None = strawberry.field(
        default=None, description="When it begins; brings a cancelled session back."
    )
    ends_at: datetime | None = strawberry.field(default=None, description="When it ends.")
    subtitle: str | None = strawberry.field(default=None, description="At most 300 characters.")
    abstract_html: str | None = strawberry.field(default=None, description="At most 50,000 characters.")
    language: str | None = strawberry.field(default=None, description="A code of at most 16 characters.")
    url: str | None = strawberry.field(default=None, description="Its page elsewhere.")
    track: str | None = strawberry.field(default=None, description="The name of its track; made if there is none.")
    room: str | None = strawberry.field(default=None, description="The name of its room; made if there is none.")
    speakers: list[str] | None = strawberry.field(default=None, description="Names, in order.")


def _draft(input: CreateSessionInput | ChangeSessionInput) -> Draft:
    return Draft(
        title=input.title,
        subtitle=input.subtitle,
        abstract_html=input.abstract_html,
        language=input.language,
        url=input.url,
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        track=input.track,
        room=input.room,
        speakers=None if input.speakers is None else tuple(input.speakers),
    )


@strawberry.type
class ScheduleMutations:
    @mutation("Make a session with its community and its board; the viewer owns the community.")
    async def create_session(self, info: Info, network_id: ID, input: CreateSessionInput) -> Session:
        created = await schedules.create(
            info.context,
            row_id(network_id, models.Network),
            _draft(input),
            circle=Circle(input.admits, input.visibility, input.join_policy),
            opens_at=input.opens_at,
        )
        return Session.of(created)

    @mutation("Change a session. Another time or room, or a note, is told to all who plan to attend.")
    async def change_session(self, info: Info, session_id: ID, input: ChangeSessionInput) -> Session:
        id = row_id(session_id, models.Session)
        return Session.of(await schedules.change(info.context, id, _draft(input), note=input.note))

    @mutation("Cancel a session and say why to all who plan to attend.")
    async def cancel_session(self, info: Info, session_id: ID, note: str) -> Session:
        return Session.of(await schedules.cancel(info.context, row_id(session_id, models.Session), note=note))

    @mutation("Say where the recording is; without an address it takes the link away.")
    async def link_recording(self, info: Info, session_id: ID, url: str | None = None) -> Session:
        return Session.of(await schedules.link_recording(info.context, row_id(session_id, models.Session), url=url))

    @mutation("Say where the slides are; without an address it takes the link away. Speakers may, too.")
    async def link_slides(self, info: Info, session_id: ID, url: str | None = None) -> Session:
        return Session.of(await schedules.link_slides(info.context, row_id(session_id, models.Session), url=url))

    @mutation("Release recording and slides to those who were not there, as far as the network's tier lets them.")
    async def release_replay(self, info: Info, session_id: ID) -> Session:
        return Session.of(await schedules.release_replay(info.context, row_id(session_id, models.Session)))

    @mutation("Say that one has come to a session. Whoever has not planned to joins its community on the spot.")
    async def check_in(self, info: Info, session_id: ID) -> Membership:
        return Membership.of(await schedules.check_in(info.context, row_id(session_id, models.Session)))

    @mutation("Make a token with which a member says: this speaker is me.")
    async def create_speaker_claim(self, info: Info, speaker_id: ID) -> CreateSpeakerClaimPayload:
        speaker, token = await speakers.create_claim(info.context, row_id(speaker_id, models.Speaker))
        return CreateSpeakerClaimPayload(speaker=Speaker.of(speaker), token=token)

    @mutation("Claim to be a speaker, and sit on the panels of all of their sessions.")
    async def claim_speaker(self, info: Info, token: str) -> Speaker:
        return Speaker.of(await speakers.claim(info.context, token=token))
