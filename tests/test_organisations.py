"""Organisations: who knows of them, who changes them, and that competitors are kept apart (table D4)."""

from functools import partial
from typing import Any

import pytest
from sqlmodel import col

from models import (
    Account,
    Admits,
    Community,
    CommunityRole,
    Competition,
    Member,
    MemberKind,
    Membership,
    MembershipState,
    NetworkRole,
    Organisation,
    Visibility,
)
from resolvers import policy
from tests import documents as do
from tests.client import Client
from tests.invited import guest_input, only, sign_up
from tests.memberships import membership_of, state_of
from tests.tables import table
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

LOOK = "query ($id: ID!) { node(id: $id) { ... on Organisation { name kind competesWith { name } } } }"
LISTED = "query ($id: ID!) { network(id: $id) { organisations(first: 9) { nodes { name } } } }"


async def organisation(world: World, name: str, *people: Person) -> Organisation:
    made = Organisation(network_id=world.network.id, name=name)
    await world.add(made)
    for person in people:
        await world.change(person.member, organisation_id=made.id)
    return made


async def compete(world: World, one: Organisation, other: Organisation) -> None:
    await world.add(
        Competition(organisation_id=one.id, competitor_id=other.id),
        Competition(organisation_id=other.id, competitor_id=one.id),
    )


# --- who knows of them -----------------------------------------------------------------------------------------------

# N that it is there, R what it is to the company and with whom it competes.
SEEN = {
    "owner": "NR",
    "colleague": "NR",
    "guest of it": "N",
    "guest beside one of it": "N",
    "external beside one of it": "N",
    "guest elsewhere": "",
    "external elsewhere": "",
    "expired colleague": "",
    "stranger": "",
    "nobody": "",
}


@table(policy.see_organisation, policy.read_relations)
async def test_who_knows_of_an_organisation(world: World, owner: Person, ann: Person):
    people = {who: await world.person(who, MemberKind[who.split()[0].upper()]) for who in SEEN if " e" in who}
    people |= {who: await world.person(who, MemberKind[who.split()[0].upper()]) for who in SEEN if " beside" in who}
    people |= {"guest of it": await world.person("Gus", MemberKind.GUEST), "owner": owner, "colleague": ann}
    people["expired colleague"] = await world.person("Late")
    await world.change(people["expired colleague"].member, expires_at=world.now)
    works = await organisation(world, "Works", people["guest of it"])
    await compete(world, works, await organisation(world, "Rival"))
    shared = await world.community(owner=ann, admits=Admits.EXTERNALS, visibility=Visibility.PRIVATE)
    for who in ("guest of it", "guest beside one of it", "external beside one of it"):
        await world.belong(people[who], shared)
    elsewhere = await World.make(world.service, "Elsewhere")
    clients = {who: person.client for who, person in people.items()}
    clients |= {"stranger": (await elsewhere.person("Stranger")).client, "nobody": world.nobody}
    got = {}
    for who in SEEN:
        result = await clients[who].execute(LOOK, id=gid(works))
        found = result.data["node"]
        got[who] = ("N" + "R" * (found["competesWith"] == [{"name": "Rival"}])) if found else ""
        assert not found or (found["kind"] is None) == (found["competesWith"] is None)
    assert got == SEEN
    assert [node["name"] for node in await listed(world, owner)] == ["Rival", "Works"]
    assert [node["name"] for node in await listed(world, people["guest of it"])] == ["Works"]


async def listed(world: World, person: Person) -> Any:
    return (await person.client.ask(LISTED, id=gid(world.network)))["network"]["organisations"]["nodes"]


# --- who changes them ------------------------------------------------------------------------------------------------


@table(policy.manage_organisation)
@pytest.mark.parametrize(
    ("role", "kind", "answered"),
    [
        (NetworkRole.OWNER, MemberKind.INTERNAL, "Y"),
        (NetworkRole.ADMIN, MemberKind.INTERNAL, "Y"),
        (NetworkRole.MODERATOR, MemberKind.INTERNAL, "N"),
        (NetworkRole.MEMBER, MemberKind.INTERNAL, "N"),
        (NetworkRole.OWNER, MemberKind.GUEST, "-"),
    ],
)
async def test_organisations_are_changed_by_those_who_administer_the_network(
    world: World, bob: Person, role: NetworkRole, kind: MemberKind, answered: str
):
    actor = await world.person("Actor", kind, role)
    works, rival = await organisation(world, "Works"), await organisation(world, "Rival")
    deeds: list[tuple[str, dict[str, Any]]] = [
        (do.UPDATE_ORGANISATION, {"organisationId": gid(works), "input": {"name": "Mill", "kind": "PARTNER"}}),
        (do.SET_COMPETITION, {"organisationId": gid(works), "competitorId": gid(rival)}),
        (do.CHANGE_MEMBER_ORGANISATION, {"memberId": bob.id, "organisationId": gid(works)}),
    ]
    for document, variables in deeds:
        if answered == "Y":
            assert await answer(actor.client, document, **variables) == "Y"
        else:
            async with nothing_happens(world.service):
                assert await answer(actor.client, document, **variables) == answered
    added = {"networkId": gid(world.network), "input": {"name": "New", "kind": "VENDOR", "externalRef": "7"}}
    assert await answer(actor.client, do.CREATE_ORGANISATION, **added) == ("Y" if answered == "Y" else "N")


async def test_competition_holds_for_both_and_ends_for_both(world: World, owner: Person):
    works, rival = await organisation(world, "Works"), await organisation(world, "Rival")
    pair = {"organisationId": gid(works), "competitorId": gid(rival)}
    for competes, expected in ((True, ["Rival"]), (True, ["Rival"]), (False, []), (False, [])):
        changed = (await owner.client.do(do.SET_COMPETITION, **pair, competes=competes))["organisation"]
        assert [other["name"] for other in changed["competesWith"]] == expected
        other = (await owner.client.ask(LOOK, id=gid(rival)))["node"]["competesWith"]
        assert [one["name"] for one in other] == (["Works"] if competes else [])
    async with nothing_happens(world.service):
        assert await answer(owner.client, do.SET_COMPETITION, **pair | {"competitorId": gid(works)}) == "INVALID"


async def test_organisations_of_two_networks_are_not_mixed(world: World, owner: Person, bob: Person):
    elsewhere = await World.make(world.service, "Elsewhere")
    foreign, works = await organisation(elsewhere, "Foreign"), await organisation(world, "Works")
    async with nothing_happens(world.service):
        pair = {"organisationId": gid(works), "competitorId": gid(foreign)}
        assert await answer(owner.client, do.SET_COMPETITION, **pair) == "-"
        put = {"memberId": bob.id, "organisationId": gid(foreign)}
        assert await answer(owner.client, do.CHANGE_MEMBER_ORGANISATION, **put) == "-"


async def test_a_name_is_there_once_in_a_network(world: World, owner: Person):
    works, mill = await organisation(world, "Works"), await organisation(world, "Mill")
    async with nothing_happens(world.service):
        added = {"networkId": gid(world.network), "input": {"name": "Works"}}
        assert await answer(owner.client, do.CREATE_ORGANISATION, **added) == "CONFLICT"
        renamed = {"organisationId": gid(mill), "input": {"name": works.name}}
        assert await answer(owner.client, do.UPDATE_ORGANISATION, **renamed) == "CONFLICT"
        for name in (" ", "x" * 201):
            problem = await owner.client.problem(do.CREATE_ORGANISATION, **added | {"input": {"name": name}})
            assert problem["field"] == ["input", "name"]


# --- competitors are kept apart --------------------------------------------------------------------------------------


@pytest.fixture
async def tender(world: World, ann: Person) -> Community:
    """A private community in which somebody of Works is."""
    community = await world.community(owner=ann, admits=Admits.EXTERNALS, visibility=Visibility.PRIVATE)
    gus, rita = await world.person("Gus", MemberKind.GUEST), await world.person("Rita", MemberKind.GUEST)
    works, rival = await organisation(world, "Works", gus), await organisation(world, "Rival", rita)
    await compete(world, works, rival)
    await world.belong(gus, community)
    return community


async def of(world: World, name: str) -> Any:
    return await only(world, Organisation, col(Organisation.name) == name)


async def rita_of(world: World) -> Person:
    account = await only(world, Account, col(Account.display_name) == "Rita")
    member = await only(world, Member, col(Member.principal_id) == account.principal_id)
    return Person("Rita", Client(world.service, account.principal_id), account, member)


@pytest.mark.parametrize(
    ("visibility", "state", "answered"),
    [
        (Visibility.OPEN, MembershipState.ACTIVE, "Y"),
        (Visibility.PRIVATE, MembershipState.ACTIVE, "N"),
        (Visibility.PRIVATE, MembershipState.INVITED, "N"),
        (Visibility.PRIVATE, MembershipState.LEFT, "Y"),
        (Visibility.HIDDEN, MembershipState.ACTIVE, "N"),
    ],
)
async def test_nobody_is_invited_where_a_competitors_people_are(
    world: World, ann: Person, tender: Community, visibility: Visibility, state: MembershipState, answered: str
):
    gus = await only(world, Membership, col(Membership.roles) == int(CommunityRole.MEMBER))
    await world.change(gus, state=state)
    await world.change(tender, visibility=visibility)
    rita = await rita_of(world)
    variables: dict[str, Any] = {"communityId": gid(tender), "input": {"memberId": rita.id}}
    if answered == "Y":
        assert await answer(ann.client, do.INVITE, **variables) == "Y"
    else:
        async with nothing_happens(world.service):
            problem = await ann.client.problem(do.INVITE, **variables)
        assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "competitors_are_kept_apart")


async def test_an_owner_says_why_competitors_meet_and_a_manager_does_not(world: World, ann: Person, tender: Community):
    manager, rita = await world.person("Manager"), await rita_of(world)
    await world.belong(rita, await world.community("Elsewhere", admits=Admits.EXTERNALS))  # so that she stays a guest
    await world.belong(manager, tender, CommunityRole.MANAGER)
    variables: dict[str, Any] = {"communityId": gid(tender)}
    async with nothing_happens(world.service):
        input = {"memberId": rita.id, "overrideCompetition": "Both are in the consortium"}
        assert (await manager.client.problem(do.INVITE, **variables, input=input))["rule"] == "own_community"
        blank = input | {"overrideCompetition": " "}
        assert (await ann.client.problem(do.INVITE, **variables, input=blank))["field"] == [
            "input",
            "overrideCompetition",
        ]
    assert await answer(ann.client, do.INVITE, **variables, input=input) == "Y"
    assert await answer(rita.client, do.ACCEPT_MEMBERSHIP, **variables) == "Y"
    membership = await membership_of(world, tender, rita)
    assert membership
    assert membership.override_reason == "Both are in the consortium"
    await rita.client.do(do.LEAVE, **variables)
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.INVITE, **variables, input={"memberId": rita.id}) == "N"


async def test_who_asked_is_let_in_with_a_reason_alone(world: World, ann: Person, tender: Community):
    rita = await rita_of(world)
    asked = await world.belong(rita, tender, state=MembershipState.REQUESTED)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.APPROVE_MEMBERSHIP, membershipId=gid(asked))
    assert problem["rule"] == "competitors_are_kept_apart"
    reasoned = {"membershipId": gid(asked), "overrideCompetition": "Both are in the consortium"}
    assert await answer(ann.client, do.APPROVE_MEMBERSHIP, **reasoned) == "Y"


async def test_a_guest_is_invited_with_a_reason_alone(world: World, ann: Person, tender: Community):
    input = guest_input(world) | {"organisationId": gid(await of(world, "Rival"))}
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.INVITE_GUEST, communityId=gid(tender), input=input)
    assert problem["rule"] == "competitors_are_kept_apart"
    reasoned = input | {"overrideCompetition": "Both are in the consortium"}
    token = (await ann.client.do(do.INVITE_GUEST, communityId=gid(tender), input=reasoned))["token"]
    assert (await sign_up(world, token))["problems"] == []


async def test_who_accepts_later_does_not_learn_that_a_competitor_has_come(
    world: World, ann: Person, tender: Community
):
    rita = await rita_of(world)
    await world.belong(rita, tender, state=MembershipState.INVITED)
    async with nothing_happens(world.service):
        problem = await rita.client.problem(do.ACCEPT_MEMBERSHIP, communityId=gid(tender))
    assert (problem["code"], problem["rule"]) == ("CONFLICT", None)
    assert await state_of(world, tender, rita) is MembershipState.INVITED


async def test_who_signs_up_later_does_not_learn_that_a_competitor_has_come(
    world: World, ann: Person, tender: Community
):
    elsewhere = await World.make(world.service, "Elsewhere")
    stranger = await elsewhere.person("Stranger")
    await world.change(tender, visibility=Visibility.HIDDEN)
    gus = await only(world, Membership, col(Membership.roles) == int(CommunityRole.MEMBER))
    await world.change(gus, state=MembershipState.LEFT)
    rival = {"organisationId": gid(await of(world, "Rival"))}
    inputs = [guest_input(world, email) | rival for email in ("new@example.com", stranger.account.email)]
    invite = partial(ann.client.do, do.INVITE_GUEST, communityId=gid(tender))
    tokens = [(await invite(input=input))["token"] for input in inputs]
    await world.change(gus, state=MembershipState.ACTIVE)
    async with nothing_happens(world.service):
        problems = (await sign_up(world, tokens[0]))["problems"]
        problems.append(await stranger.client.problem(do.ACCEPT_INVITATION, token=tokens[1]))
    assert [(problem["code"], problem["rule"]) for problem in problems] == [("CONFLICT", None)] * 2


async def test_a_reason_counts_for_as_long_as_whoever_gave_it_owns_the_community(
    world: World, ann: Person, tender: Community
):
    rival = {"organisationId": gid(await of(world, "Rival")), "overrideCompetition": "A consortium"}
    input = guest_input(world) | rival
    token = (await ann.client.do(do.INVITE_GUEST, communityId=gid(tender), input=input))["token"]
    membership = await membership_of(world, tender, ann)
    assert membership
    await world.change(membership, roles=int(CommunityRole.MANAGER))
    async with nothing_happens(world.service):
        assert [problem["code"] for problem in (await sign_up(world, token))["problems"]] == ["INVALID"]
