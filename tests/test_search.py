"""Search over what the viewer may read."""

import pytest

from models import ContentKind, Lifecycle, MemberKind, Visibility
from tests.traces import look
from tests.world import Person, World, gid

SEARCH = """query ($n: ID!, $text: String!, $first: Int, $after: String) {
  search(networkId: $n, text: $text, first: $first, after: $after) {
    nodes { __typename ... on Article { title } } pageInfo { hasNextPage endCursor }
  }
}"""


async def found(person: Person, world: World, text: str) -> list[str]:
    result = await person.client.ask(SEARCH, n=gid(world.network), text=text, first=100)
    return [node["title"] for node in result["search"]["nodes"]]


async def test_every_word_must_be_there_in_title_or_body_in_any_case(world: World, ann: Person, clock):
    community = await world.community(owner=ann)
    for title in ("Pumps stop", "Pumps leak", "Valves leak"):
        clock.advance(seconds=1)
        await world.content(community, ann, title)
    assert await found(ann, world, "leak") == ["Valves leak", "Pumps leak"]
    assert await found(ann, world, "LEAK pump") == ["Pumps leak"]
    assert await found(ann, world, "body valves") == ["Valves leak"]
    assert await found(ann, world, "stop valves") == []


@pytest.mark.parametrize(("title", "typed"), [("Ökologie", "ökologie"), ("Die große Übung", "ÜBUNG")])
async def test_case_is_ignored_beyond_ascii_too(world: World, ann: Person, title: str, typed: str):
    await world.content(await world.community(owner=ann), ann, title)
    assert await found(ann, world, typed) == [title]


@pytest.mark.parametrize("wild", ["%", "_", "\\", "'", "50%", "a_b"])
async def test_signs_that_a_database_takes_for_wild_cards_are_letters(world: World, ann: Person, wild: str):
    community = await world.community(owner=ann)
    await world.content(community, ann, "plain 500 axb")
    await world.content(community, ann, f"with {wild} in it")
    assert await found(ann, world, wild) == [f"with {wild} in it"]


async def test_nothing_is_found_that_the_viewer_may_not_read(world: World, ann: Person):
    viewer = await world.person("Vic")
    guest, external = await world.person("Gus", MemberKind.GUEST), await world.person("Eve", MemberKind.EXTERNAL)
    open_ = await world.community(owner=ann)
    private = await world.community(owner=ann, visibility=Visibility.PRIVATE)
    hidden = await world.community(owner=ann, visibility=Visibility.HIDDEN)
    await world.belong(guest, hidden)
    for name, community in (("open", open_), ("private", private), ("hidden", hidden)):
        await world.content(community, ann, f"Pump {name}")
        await world.content(community, ann, f"Pump {name} withdrawn", lifecycle=Lifecycle.WITHDRAWN)
    seen = {p.name: set(await found(p, world, "pump")) for p in (ann, viewer, guest, external)}
    assert seen == {
        "Ann": {"Pump open", "Pump private", "Pump hidden"},
        "Vic": {"Pump open"},
        "Gus": {"Pump hidden"},
        "Eve": set(),
    }


async def test_it_finds_posts_too_and_nothing_of_other_networks(world: World, ann: Person):
    await world.content(await world.community(owner=ann), ann, "Pump post", kind=ContentKind.POST)
    elsewhere = await World.make(world.service, "Elsewhere")
    stranger = await elsewhere.person("Sue")
    await elsewhere.content(await elsewhere.community(owner=stranger), stranger, "Pump elsewhere")
    assert await found(ann, world, "pump") == ["Pump post"]
    assert await look(ann.client, SEARCH, n=gid(elsewhere.network), text="pump", first=1) == "-"
    assert await look(world.nobody, SEARCH, n=gid(world.network), text="pump", first=1) == "-"


@pytest.mark.parametrize("text", ["", " ", "x" * 101, "a\x00b"], ids=["empty", "blank", "long", "nul"])
async def test_a_text_to_search_for_has_the_form_of_one(world: World, ann: Person, text: str):
    assert await ann.client.refused(SEARCH, n=gid(world.network), text=text, first=1) == "INVALID"


async def test_findings_come_page_by_page(world: World, ann: Person, clock):
    community = await world.community(owner=ann)
    for n in range(5):
        clock.advance(seconds=n % 2)
        await world.content(community, ann, f"Pump {n}")
    pages, after = [], None
    while True:
        page = (await ann.client.ask(SEARCH, n=gid(world.network), text="pump", first=2, after=after))["search"]
        pages.append([node["title"] for node in page["nodes"]])
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {title for page in pages for title in page} == {f"Pump {n}" for n in range(5)}
