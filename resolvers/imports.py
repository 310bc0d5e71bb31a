"""Imports: a network's schedule follows a file, and what people made of it stays theirs.

A field is taken from the file when the file has changed it: what the file said last is kept as digests.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import col

from models import (
    Admits,
    Community,
    CommunityPurpose,
    CommunityRole,
    Content,
    Kind,
    Member,
    Membership,
    Network,
    Room,
    Session,
    SessionState,
    Speaker,
    Track,
)
from realtime import topics
from resolvers import answering, attendance, combinations, markup, programme, speakers
from resolvers.frab import Conference, Person, Talk
from resolvers.session import BULK_MOST, Transaction

GONE, CANCELLED_HERE = "gone", "cancelled"  # what people cancelled no file brings back
NO_LONGER, AGAIN = "It is no longer in the schedule.", "It takes place after all."
PLAIN = ("title", "subtitle", "abstract_html", "language", "url", "starts_at", "ends_at")
FIELDS = (*PLAIN, "track", "room", "people")

P = TypeVar("P", Track, Room)


@dataclass
class Tally:
    added: int = 0
    changed: int = 0
    cancelled: int = 0
    unchanged: int = 0

    @property
    def told(self) -> int:
        return self.added + self.changed + self.cancelled


@dataclass
class Report:
    """What an import did, by kind."""

    sessions: Tally = field(default_factory=Tally)
    tracks: Tally = field(default_factory=Tally)
    rooms: Tally = field(default_factory=Tally)
    people: Tally = field(default_factory=Tally)


async def take_in(
    tx: Transaction,
    network: Network,
    conference: Conference,
    *,
    opens_before: timedelta,
    told: Callable[[int], None] = lambda _count: None,
) -> Report:
    """Bring the network's schedule to what the file says, by the viewer, who has it locked."""
    return await Import(tx, network, await tx.member(network.id), conference, opens_before, told).run()


@dataclass
class Import:
    """One file on its way into one network: its rows by the names that the file gives them."""

    tx: Transaction
    network: Network
    organiser: Member
    conference: Conference
    opens_before: timedelta
    told: Callable[[int], None]
    report: Report = field(default_factory=Report)
    tracks: dict[str, UUID] = field(default_factory=dict)
    rooms: dict[str, UUID] = field(default_factory=dict)
    speakers: dict[str, Speaker] = field(default_factory=dict)
    touched: list[Session] = field(default_factory=list)
    posts: list[Content] = field(default_factory=list)

    async def run(self) -> Report:
        """The network is locked: of two imports at once one comes after the other."""
        talks = {talk.id: talk for talk in self.conference.talks}
        self.tracks = await self._places(Track, (talk.track for talk in talks.values()), self.report.tracks)
        self.rooms = await self._places(Room, (talk.room for talk in talks.values()), self.report.rooms)
        await self._know(talks.values())
        of_file = (Session.network_id == self.network.id, Session.source == self.conference.acronym)
        if (
            not await self.tx.find(Session.id, Session.network_id == self.network.id)
            and self.network.time_zone == "UTC"
        ):
            self.network.time_zone = self.conference.time_zone  # one that was never set
        held = {session.external_id: session for session in await self.tx.find_all(Session, *of_file)}
        claimed = {speaker.member_id for speaker in self.speakers.values() if speaker.member_id}
        await self.tx.lock_all(Member, col(Member.id).in_(claimed))  # before any community
        await self._add([talk for id, talk in talks.items() if id not in held])
        differing = [session for session in held.values() if _differs(session, talks)]
        self.told(len(held) - len(differing))
        await self._update(differing, talks)
        self.report.sessions.unchanged = len(held) - self.report.sessions.changed - self.report.sessions.cancelled
        await self._tell()
        return self.report

    async def _places(self, what: type[P], named: Iterable[str], tally: Tally) -> dict[str, UUID]:
        names = {name for name in named if name}
        found: Sequence[P] = await self.tx.find_all(what, what.network_id == self.network.id, col(what.name).in_(names))
        made: list[P] = [
            what(network_id=self.network.id, name=name) for name in sorted(names - {row.name for row in found})
        ]
        await self.tx.add_all(made)
        tally.added, tally.unchanged = len(made), len(found)
        return {row.name: row.id for row in (*found, *made)}

    async def _know(self, talks: Collection[Talk]) -> None:
        """The speakers of the file; of one who goes by several names the last."""
        people = {person.id: person for talk in talks for person in talk.people}
        of_file = (Speaker.network_id == self.network.id, Speaker.source == self.conference.acronym)
        known = {speaker.external_id or "": speaker for speaker in await self.tx.find_all(Speaker, *of_file)}
        new = [self._speaker(person) for id, person in people.items() if id not in known]
        await self.tx.add_all(new)
        for id in people.keys() & known.keys():
            if known[id].name != people[id].name:
                known[id].name = people[id].name
                self.report.people.changed += 1
        self.report.people.added = len(new)
        self.report.people.unchanged = len(people) - len(new) - self.report.people.changed
        self.speakers = known | {speaker.external_id or "": speaker for speaker in new}

    def _speaker(self, person: Person) -> Speaker:
        acronym = self.conference.acronym
        return Speaker(network_id=self.network.id, name=person.name, source=acronym, external_id=person.id)

    def _speaking(self, talk: Talk) -> list[Speaker]:
        return [self.speakers[person.id] for person in talk.people]

    async def _add(self, talks: Collection[Talk]) -> None:
        """With all that goes with a session; the organiser owns its community."""
        made = [(talk, *self._made(talk)) for talk in talks]
        roles = int(CommunityRole.OWNER | CommunityRole.MEMBER)
        seats = [
            Membership(network_id=self.network.id, community_id=community.id, member_id=self.organiser.id, roles=roles)
            for _, community, _ in made
        ]
        boards = [
            programme.new_board(session, opens_at=session.starts_at - self.opens_before, now=self.tx.now)
            for _, _, session in made
        ]
        await self.tx.add_all(community for _, community, _ in made)
        await self.tx.add_all([*seats, *boards])
        await self.tx.add_all(session for _, _, session in made)
        await self.tx.add_all(
            link for talk, _, session in made for link in speakers.links(session, self._speaking(talk))
        )
        await self._seat(made)
        if made:
            heard = [topics.memberships(self.organiser.principal_id)]
            self.tx.announce(heard, Kind.RIGHTS, seats[0])
        self.touched += [session for _, _, session in made]
        self.report.sessions.added = len(made)

    def _made(self, talk: Talk) -> tuple[Community, Session]:
        community = Community(
            network_id=self.network.id,
            name=markup.cut(talk.title, 100),
            purpose=CommunityPurpose.SESSION,
            admits=Admits.EXTERNALS if combinations.is_at_home(self.network, Admits.EXTERNALS) else Admits.INTERNALS,
            member_count=1,
        )
        session = Session(
            network_id=self.network.id,
            community_id=community.id,
            source=self.conference.acronym,
            external_id=talk.id,
            imported=_digests(talk),
            **self._values(talk),
        )
        self.told(1)
        return community, session

    def _values(self, talk: Talk, names: Collection[str] = FIELDS) -> dict[str, Any]:
        """The columns for these fields of the file."""
        values = {name: getattr(talk, name) for name in PLAIN if name in names}
        if "track" in names:
            values["track_id"] = self.tracks.get(talk.track)
        if "room" in names:
            values["room_id"] = self.rooms.get(talk.room)
        return values

    async def _seat(self, made: Collection[tuple[Talk, Community, Session]]) -> None:
        """Who has claimed to be a speaker sits on the panels of their new sessions, too."""
        claimed = {id for id, speaker in self.speakers.items() if speaker.member_id}
        for talk, _, session in made:
            if people := [self.speakers[person.id] for person in talk.people if person.id in claimed]:
                await speakers.seat_all(self.tx, [session], people)

    async def _update(self, sessions: Collection[Session], talks: Mapping[str, Talk]) -> None:
        """Locked, the communities first."""
        places = [session.community_id for session in sessions]
        if not places:
            return
        found = await self.tx.lock_all(Community, col(Community.id).in_(places))
        communities = {community.id: community for community in found}
        for session in await self.tx.lock_all(Session, col(Session.community_id).in_(places)):
            talk = talks.get(session.external_id or "")
            if talk is None:
                self._cancel(session)
            elif await self._change(session, communities[session.community_id], talk):
                self.touched.append(session)
                self.report.sessions.changed += 1
            self.told(1)

    def _cancel(self, session: Session) -> None:
        is_coming = session.state not in {SessionState.CANCELLED, SessionState.DONE}
        session.imported = (session.imported or {}) | {GONE: CANCELLED_HERE if is_coming else ""}
        if not is_coming:
            return
        session.state = SessionState.CANCELLED
        self._note(session, "Cancelled", NO_LONGER)
        self.touched.append(session)
        self.report.sessions.cancelled += 1

    async def _change(self, session: Session, community: Community, talk: Talk) -> bool:
        """Take what the file has changed; whether that changed anything here."""
        said, says = session.imported or {}, _digests(talk)
        session.imported = says
        was, title = programme.slot(session), session.title
        is_back = said.get(GONE) == CANCELLED_HERE and session.state is SessionState.CANCELLED
        fields = {name for name in FIELDS if said.get(name) != says[name]}
        values = {name: value for name, value in self._values(talk, fields).items() if getattr(session, name) != value}
        for name, value in values.items():
            setattr(session, name, value)
        if "people" in fields:  # also where only a name has changed, which shows in the session
            await speakers.put(self.tx, session, self._speaking(talk))
        if not (values or "people" in fields or is_back):
            return False
        await programme.follow_up(self.tx, session, community, was=was, title=title)
        await self._move(session, was, is_back=is_back)
        return True

    async def _move(self, session: Session, was: programme.Slot, *, is_back: bool) -> None:
        is_moved = programme.slot(session) != was
        if session.state is SessionState.CANCELLED and not is_back:
            return
        if is_moved or is_back:
            session.state = SessionState.CHANGED if is_moved else SessionState.PLANNED
            moved = await programme.says_moved(self.tx, session, was) if is_moved else ""
            note = " ".join(part for part in (AGAIN if is_back else "", moved) if part)
            self._note(session, "Takes place" if is_back else "Moved", note)

    def _note(self, session: Session, what: str, note: str) -> None:
        session.change_note, session.changed_at = note, self.tx.now
        self.posts.append(programme.notice(session, self.organiser, what=what, body=note, now=self.tx.now))

    async def _tell(self) -> None:
        """One by one; of very many, only that there are."""
        await self.tx.add_all(self.posts)
        if self.report.sessions.told > BULK_MOST:
            activities = [topics.community_activity(post.community_id) for post in self.posts]
            self.tx.announce([topics.schedule(self.network.id), *activities], Kind.RIGHTS, self.network)
            return
        for session in self.touched:
            attendance.tell(self.tx, session)
        for post in self.posts:
            answering.tell(self.tx, post)


def _differs(session: Session, talks: Mapping[str, Talk]) -> bool:
    talk = talks.get(session.external_id or "")
    said = session.imported or {}
    return GONE not in said if talk is None else said != _digests(talk)


def _digests(talk: Talk) -> dict[str, str]:
    return {name: hashlib.sha256(repr(getattr(talk, name)).encode()).hexdigest()[:16] for name in FIELDS}
