"""Lists of attendees: what becomes of each line, and what an organiser does not get by them."""

from typing import Any

import pytest
from sqlmodel import col, select

from models import (
    Account,
    Attendance,
    Attendee,
    Member,
    MemberKind,
    MemberState,
    NetworkRole,
    Principal,
    SignIn,
    SignInLink,
)
from resolvers import policy, rosters
from tests import documents as do
from tests.client import Client
from tests.tables import table
from tests.traces import answer, count, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

KARIN = "name,email\nKarin Holm,karin@example.org\n"
LIST = "query ($id: ID!) { network(id: $id) { attendees(first: 9) { nodes { id email member { name kind } } } } }"


async def imported(world: World, owner: Person, csv: str, **more: Any) -> list[Any]:
    """The report, line by line."""
    lines = (await owner.client.do(do.IMPORT_ATTENDEES, networkId=gid(world.network), csv=csv, **more))["lines"]
    return list(lines)


async def outcomes(world: World, owner: Person, csv: str) -> list[tuple[int, str]]:
    return [(line["line"], line["outcome"]) for line in await imported(world, owner, csv)]


async def only(world: World, table: Any, *where: Any) -> Any:
    async with world.service.database.read() as session:
        return (await session.scalars(select(table).where(*where))).one_or_none()


async def test_somebody_new_becomes_an_external_member_without_an_account(world, owner):
    (line,) = await imported(world, owner, KARIN)
    assert (line["line"], line["email"], line["outcome"], line["message"]) == (2, "karin@example.org", "ADDED", "")
    assert line["signInToken"].startswith("plenary_link_")
    assert line["ticket"].startswith("plenary_ticket_")
    attendee = await only(world, Attendee)
    member = await only(world, Member, col(Member.id) == attendee.member_id)
    assert (member.name, member.kind, member.state) == ("Karin Holm", MemberKind.EXTERNAL, MemberState.ACTIVE)
    assert (member.attendance, member.role) == (None, NetworkRole.MEMBER)
    assert await count(world.service, Account) == 1
    seen = (await owner.client.ask(LIST, id=gid(world.network)))["network"]["attendees"]["nodes"]
    karin = {"email": "karin@example.org", "member": {"name": "Karin Holm", "kind": "EXTERNAL"}}
    assert seen == [{"id": gid(attendee)} | karin]


async def test_a_list_that_comes_again_changes_what_it_has_changed(world, owner):
    first = (
        "name;email;attendance\nKarin;karin@example.org;remote\nLars;lars@example.org;\nMia;mia@example.org;ONSITE\n"
    )
    assert await outcomes(world, owner, first) == [(2, "ADDED"), (3, "ADDED"), (4, "ADDED")]
    async with nothing_happens(world.service):
        again = await imported(world, owner, first)
    assert {(line["outcome"], line["signInToken"]) for line in again} == {("UNCHANGED", None)}
    header = "attendance,email,name,table\n"
    second = header + "onsite,Karin@Example.ORG,Karin,4\n,lars@example.org,Lars H.,\n,mia@example.org,Mia,"
    assert await outcomes(world, owner, second) == [(2, "UPDATED"), (3, "UPDATED"), (4, "UNCHANGED")]
    async with world.service.database.read() as session:
        rows = await session.execute(
            select(col(Member.name), col(Member.attendance)).where(col(Member.kind) == MemberKind.EXTERNAL)
        )
        people = sorted(tuple(row) for row in rows)
    assert people == [("Karin", Attendance.ONSITE), ("Lars H.", None), ("Mia", Attendance.ONSITE)]


async def test_each_line_has_its_own_answer_and_the_good_ones_count(world, owner):
    csv = (
        "\ufeffName, Email ,attendance\r\n"
        "Karin,karin@example.org,ONSITE\r\n"
        "\r\n"
        ",nobody@example.org,\r\n"
        "No Mail,not an address,\r\n"
        "Odd,odd@example.org,SOMETIMES\r\n"
        '"Holm, Karin",KARIN@example.org,\r\n'
        "Short\r\n"
        f"{'x' * 101},long@example.org,\r\n"
        "Nul\x00,nul@example.org,\r\n"
        '"Ö. ""The"" Name",oe@example.org,REMOTE'
    )
    report = await imported(world, owner, csv)
    assert [(line["line"], line["outcome"]) for line in report] == [
        (2, "ADDED"), (4, "REFUSED"), (5, "REFUSED"), (6, "REFUSED"), (7, "REFUSED"), (8, "REFUSED"), (9, "REFUSED"),
        (10, "REFUSED"), (11, "ADDED"),
    ]  # fmt: skip
    assert [line["message"] for line in report[1:5]] == [
        "name is empty",
        "email is not an e-mail address",
        "attendance is none of ONSITE, REMOTE, NONE",
        "listed above, in line 2",
    ]
    assert all(line["ticket"] is line["signInToken"] is None for line in report if line["outcome"] == "REFUSED")
    assert await only(world, Member, col(Member.name) == 'Ö. "The" Name')
    assert await count(world.service, Attendee) == 2


BAD = {
    "empty": "",
    "blank": "\n \n",
    "no header": "Karin,karin@example.org\n",
    "a quote without an end": 'name,email\n"Karin,karin@example.org\n',
    "too long": "name,email\n" + "".join(f"P,p{n}@example.org\n" for n in range(5_001)),
}


@pytest.mark.parametrize("how", BAD)
async def test_a_list_that_cannot_be_read_stores_nothing(world, owner, how):
    async with nothing_happens(world.service):
        asked = {"networkId": gid(world.network), "csv": BAD[how]}
        problem = await owner.client.problem(do.IMPORT_ATTENDEES, **asked)
    assert (problem["code"], problem["field"]) == ("INVALID", ["csv"])


async def test_five_thousand_lines_are_taken(world, owner):
    csv = "name,email\n" + "".join(f"P,p{n}@example.org\n" for n in range(rosters.LINES_MOST))
    assert {outcome for _, outcome in await outcomes(world, owner, csv)} == {"ADDED"}
    assert await count(world.service, Attendee) == rosters.LINES_MOST


async def test_a_rehearsal_says_what_would_be_done_and_does_nothing(world, owner):
    await imported(world, owner, KARIN)
    csv = "name,email\nKarin H.,karin@example.org\nLars,lars@example.org\n,x\n"
    async with nothing_happens(world.service):
        report = await imported(world, owner, csv, dryRun=True)
    assert [line["outcome"] for line in report] == ["UPDATED", "ADDED", "REFUSED"]
    assert {line["signInToken"] for line in report} | {line["ticket"] for line in report} == {None}
    assert await outcomes(world, owner, csv) == [(2, "UPDATED"), (3, "ADDED"), (4, "REFUSED")]


async def test_a_retry_under_a_key_gets_the_same_tokens_and_adds_nobody(world, owner):
    first = await imported(world, owner, KARIN, idempotencyKey="k")
    async with nothing_happens(world.service):
        assert await imported(world, owner, KARIN, idempotencyKey="k") == first


# --- safety --------------------------------------------------------------------------------------------------------


async def test_an_account_elsewhere_is_neither_touched_nor_found_out(world, owner):
    """Whether the e-mail has an account: the report is the same, and so is what is stored."""
    elsewhere = await World.make(world.service, "Elsewhere")
    stranger = await elsewhere.person("Stranger")
    csv = f"name,email\nKnown,{stranger.account.email}\nUnknown,unknown@example.com\n"
    known, unknown = await imported(world, owner, csv)
    assert (known["outcome"], known["message"]) == (unknown["outcome"], unknown["message"]) == ("ADDED", "")
    assert [bool(line["signInToken"]) for line in (known, unknown)] == [True, True]
    mine = await only(world, Member, col(Member.network_id) == world.network.id, col(Member.name) == "Known")
    assert mine.principal_id != stranger.principal_id
    signed_in = await world.nobody.do(do.SIGN_IN_WITH_LINK, token=known["signInToken"])
    assert signed_in["account"] is None
    assert await count(world.service, SignIn, col(SignIn.principal_id) == stranger.principal_id) == 0
    assert await count(world.service, SignInLink, col(SignInLink.principal_id) == stranger.principal_id) == 0


async def test_a_member_is_linked_and_gets_a_ticket_for_the_door_alone(world, owner):
    bob = await world.person("Bob")
    async with nothing_happens(world.service):
        assert (await world.nobody.problem(do.SIGN_IN_WITH_LINK, token="x"))["code"] == "INVALID"
    (line,) = await imported(world, owner, "name,email,attendance\nRobert,BOB@example.com,ONSITE\n")
    assert (line["outcome"], line["signInToken"]) == ("ADDED", None)
    assert "account" in line["message"]
    member = await world.fresh(bob.member)
    assert (member.name, member.kind, member.attendance) == ("Bob", MemberKind.INTERNAL, Attendance.ONSITE)
    assert await count(world.service, Principal) == 2
    async with nothing_happens(world.service):
        assert (await world.nobody.problem(do.SIGN_IN_WITH_TICKET, ticket=line["ticket"]))["code"] == "INVALID"
        attendee = gid(await only(world, Attendee))
        assert await answer(owner.client, do.CREATE_SIGN_IN_LINK, attendeeId=attendee) == "CONFLICT"


@pytest.mark.parametrize("state", ["DISABLED", "LEFT", "INVITED"])
@pytest.mark.parametrize("listed", [False, True])
async def test_who_was_put_out_is_not_brought_back_by_a_list(world, owner, state, listed):
    bob = await world.person("Bob")
    csv = "name,email\nBob,bob@example.com\n"
    if listed:
        await imported(world, owner, csv)
    await world.change(bob.member, state=MemberState[state])
    async with nothing_happens(world.service):
        (line,) = await imported(world, owner, csv)
    assert (line["outcome"], line["ticket"], line["signInToken"]) == ("REFUSED", None, None)


async def test_the_same_e_mail_is_somebody_else_in_another_network(world, owner):
    elsewhere = await World.make(world.service, "Elsewhere")
    other = await elsewhere.person("Other", role=NetworkRole.OWNER)
    await imported(world, owner, KARIN)
    assert await outcomes(elsewhere, other, KARIN) == [(2, "ADDED")]
    async with world.service.database.read() as session:
        rows = (await session.scalars(select(Attendee))).all()
    assert len({row.member_id for row in rows}) == 2


# --- who may -------------------------------------------------------------------------------------------------------

ADMINISTERING = {
    "OWNER": "Y", "ADMIN": "Y", "MODERATOR": "N", "MEMBER": "N", "EXTERNAL OWNER": "N", "GUEST": "N", "STRANGER": "-",
    "NOBODY": "-",
}  # fmt: skip


async def someone(world: World, who: str) -> Client:
    if who == "NOBODY":
        return world.nobody
    if who == "STRANGER":
        return (await (await World.make(world.service, "Elsewhere")).person("S", role=NetworkRole.OWNER)).client
    kind = {"EXTERNAL OWNER": MemberKind.EXTERNAL, "GUEST": MemberKind.GUEST}.get(who, MemberKind.INTERNAL)
    role = NetworkRole.__members__.get(who.removeprefix("EXTERNAL "), NetworkRole.MEMBER)
    return (await world.person("Somebody", kind, role)).client


@table(policy.see_attendee, policy.manage_attendee)
@pytest.mark.parametrize("who", ADMINISTERING)
async def test_the_list_is_for_those_who_administer_the_network(world, who):
    boss = await world.person("Boss", role=NetworkRole.OWNER)
    await imported(world, boss, KARIN)
    attendee = gid(await only(world, Attendee))
    client, may = await someone(world, who), ADMINISTERING[who] == "Y"
    assert await look(client, do.NODE, id=attendee) == ("Y" if may else "-")
    if ADMINISTERING[who] != "-":
        seen = (await client.ask(LIST, id=gid(world.network)))["network"]["attendees"]["nodes"]
        assert bool(seen) == may
    asked = {"networkId": gid(world.network), "csv": "name,email\nLars,lars@example.org\n"}
    if may:
        assert await answer(client, do.CREATE_SIGN_IN_LINK, attendeeId=attendee) == "Y"
        assert await answer(client, do.REISSUE_TICKET, attendeeId=attendee) == "Y"
        assert await answer(client, do.IMPORT_ATTENDEES, **asked) == "Y"
        return
    async with nothing_happens(world.service):
        assert await answer(client, do.CREATE_SIGN_IN_LINK, attendeeId=attendee) == "-"
        assert await answer(client, do.REISSUE_TICKET, attendeeId=attendee) == "-"
        assert await answer(client, do.IMPORT_ATTENDEES, **asked) == ADMINISTERING[who]
