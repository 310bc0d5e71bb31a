"""Rosters: attendees from a CSV file, line by line, each with its own answer."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import NoReturn
from uuid import UUID

from sqlmodel import col

from models import Account, Attendance, Attendee, Kind, Member, MemberKind, MemberState, Network, Principal, SignInLink
from realtime import topics
from resolvers import attendees, policy, tickets
from resolvers.context import Context
from resolvers.errors import Flaw, Invalid
from resolvers.form import form
from resolvers.session import Transaction

LINES_MOST = 5_000
CHUNK = 500
COLUMNS = ("name", "email")


class Outcome(StrEnum):
    ADDED = "ADDED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    REFUSED = "REFUSED"


@dataclass(frozen=True)
class Line:
    """What has become of one line of the file. The tokens are told to whoever imports, once."""

    line: int
    email: str
    outcome: Outcome
    message: str = ""
    sign_in_token: str | None = field(default=None, repr=False)
    ticket: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Entry:
    """One line of the file, in good form."""

    line: int
    name: str
    email: str
    attendance: Attendance | None


class Rehearsed(Exception):
    """No error: what was tried is to be undone."""

    def __init__(self, report: list[Line]) -> None:
        super().__init__()
        self.report = report


async def take_in(ctx: Context, network_id: UUID, *, text: str, dry_run: bool = False) -> list[Line]:
    """Put everybody on the list. What is wrong with a line is said of that line; the others count.

    Nobody's account is touched or looked for elsewhere: who is no member here gets a principal of the list's own.
    """
    entries, refused = _read(text)
    try:
        async with ctx.transaction() as tx:
            network = await tx.get(policy.administer_network, network_id)
            desk = Desk(ctx, tx, network)
            for start in range(0, len(entries), CHUNK):
                await desk.take_in(entries[start : start + CHUNK])
            report = sorted([*refused, *desk.report], key=lambda line: line.line)
            if dry_run:
                _undo(report)
            tx.answer(network, secret=to_text(report))
            return report
    except Rehearsed as rehearsal:
        return rehearsal.report


def _undo(report: list[Line]) -> NoReturn:
    """Tokens of what is not there are good for nothing."""
    raise Rehearsed([replace(line, sign_in_token=None, ticket=None) for line in report])


def to_text(report: Sequence[Line]) -> str:
    """As a retry gets it again."""
    return json.dumps([asdict(line) for line in report])


def from_text(text: str) -> list[Line]:
    return [Line(**{**line, "outcome": Outcome(line["outcome"])}) for line in json.loads(text)]


# --- reading -------------------------------------------------------------------------------------------------------


def _read(text: str) -> tuple[list[Entry], list[Line]]:
    """The lines in good form, and what is wrong with the others."""
    entries: dict[str, Entry] = {}
    refused: list[Line] = []
    for number, values in _lines(text):
        try:
            entry = _entry(number, values)
        except Invalid as invalid:
            refused.append(Line(number, values.get("email", "")[:254], Outcome.REFUSED, invalid.message))
            continue
        if first := entries.get(entry.email):
            refused.append(Line(number, entry.email, Outcome.REFUSED, f"listed above, in line {first.line}"))
        else:
            entries[entry.email] = entry
    return list(entries.values()), refused


def _lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line that is not empty, with its number in the file and its values by column."""
    text = text.removeprefix("\ufeff")
    header, _, _ = text.partition("\n")
    delimiter = ";" if header.count(";") > header.count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    count, names = 0, None
    try:
        for row in rows:
            if not any(value.strip() for value in row):
                continue
            if names is None:
                names = _names(row)
                continue
            count += 1
            if count > LINES_MOST:
                raise _flaw(f"more than {LINES_MOST:,} lines")
            yield rows.line_num, dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise _flaw(f"line {rows.line_num}: {error}") from error
    if names is None:
        raise _flaw("the list is empty")


def _names(row: list[str]) -> list[str]:
    names = [name.strip().lower() for name in row]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise _flaw(f"the first line names no column {' and no column '.join(missing)}")
    return names


def _gone(member: Member) -> str:
    return "expired" if member.state is MemberState.ACTIVE else member.state.lower()


def _flaw(message: str) -> Invalid:
    return Invalid(Flaw(message, ("csv",)))


def _entry(number: int, values: dict[str, str]) -> Entry:
    wanted = values.get("attendance", "").strip().upper()
    with form() as check:
        name = check.text("name", values.get("name", ""), most=100)
        email = check.email("email", values.get("email", ""))
        if wanted and wanted not in Attendance.__members__:
            check.flaw("attendance", f"attendance is none of {', '.join(Attendance)}")
    return Entry(number, name, email, Attendance(wanted) if wanted else None)


# --- writing -------------------------------------------------------------------------------------------------------


@dataclass
class New:
    """What is to be written, in the order in which rows point at each other."""

    principals: list[Principal] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    attendees: list[Attendee] = field(default_factory=list)
    links: list[SignInLink] = field(default_factory=list)


class Desk:
    """Where the list is gone through, within one transaction."""

    def __init__(self, ctx: Context, tx: Transaction, network: Network) -> None:
        self.cipher = ctx.means.cipher
        self.tx = tx
        self.network = network
        self.report: list[Line] = []

    async def take_in(self, entries: Sequence[Entry]) -> None:
        """Many lines at once: what is known of them is asked for once, and what is new is written once."""
        listed, members = await self._known([entry.email for entry in entries])
        new = New()
        for entry in entries:
            attendee, member = listed.get(entry.email), members.get(entry.email)
            if member is not None and not self.tx.is_here(member):
                told = f"this member is {_gone(member)} here; an invitation leads back in"
                self.report.append(Line(entry.line, entry.email, Outcome.REFUSED, told))
            elif attendee is not None and member is not None:
                self._update(entry, attendee, member)
            elif member is not None:
                self._link(entry, member, new)
            else:
                self._add(entry, new)
        for rows in (new.principals, new.members, new.attendees, new.links):
            await self.tx.add_all(rows)

    async def _known(self, emails: list[str]) -> tuple[dict[str, Attendee], dict[str, Member]]:
        """Who is on the list, and who is a member here, by the e-mail of the list or of their account."""
        tx, here = self.tx, self.network.id
        attendees_ = await tx.find_all(Attendee, Attendee.network_id == here, col(Attendee.email).in_(emails))
        listed = {attendee.member_id: attendee.email for attendee in attendees_}
        mine = (col(Account.email).in_(emails), Member.principal_id == Account.principal_id, Member.network_id == here)
        owners = {account.principal_id: account.email for account in await tx.find_all(Account, *mine)}
        by_account = await tx.find_all(Member, Member.network_id == here, col(Member.principal_id).in_(owners))
        by_list = await tx.find_all(Member, col(Member.id).in_(listed))
        members = {owners[member.principal_id]: member for member in by_account}
        members |= {listed[member.id]: member for member in by_list}
        self.owners = set(owners)
        return {attendee.email: attendee for attendee in attendees_}, members

    def _update(self, entry: Entry, attendee: Attendee, member: Member) -> None:
        """The list's own members are called what the list says; others have named themselves."""
        has_changed = self._counted_in(entry, member)
        if member.principal_id not in self.owners and member.name != entry.name:
            member.name, has_changed = entry.name, True
        outcome = Outcome.UPDATED if has_changed else Outcome.UNCHANGED
        self._tell(entry, outcome, ticket=tickets.issue(self.cipher, attendee))

    def _counted_in(self, entry: Entry, member: Member) -> bool:
        if entry.attendance is None or member.attendance is entry.attendance:
            return False
        member.attendance = entry.attendance
        self.tx.announce([topics.person(member.principal_id)], Kind.RIGHTS, member)
        return True

    def _link(self, entry: Entry, member: Member, new: New) -> None:
        """A member of the network keeps their account, and gets a ticket for the door."""
        self._counted_in(entry, member)
        attendee = Attendee(network_id=self.network.id, member_id=member.id, email=entry.email)
        told = "a member already: they sign in with their account, the ticket is for the door"
        self._tell(entry, Outcome.ADDED, told, ticket=tickets.issue(self.cipher, attendee))
        new.attendees.append(attendee)

    def _add(self, entry: Entry, new: New) -> None:
        principal, here = Principal(), self.network.id
        member = Member(network_id=here, principal_id=principal.id, kind=MemberKind.EXTERNAL, name=entry.name)
        member.attendance = entry.attendance
        attendee = Attendee(network_id=here, member_id=member.id, email=entry.email)
        link, token = attendees.new_link(self.tx, principal.id)
        self._tell(entry, Outcome.ADDED, sign_in_token=token, ticket=tickets.issue(self.cipher, attendee))
        new.principals.append(principal)
        new.members.append(member)
        new.attendees.append(attendee)
        new.links.append(link)

    def _tell(self, entry: Entry, outcome: Outcome, message: str = "", **tokens: str) -> None:
        self.report.append(Line(entry.line, entry.email, outcome, message, **tokens))
