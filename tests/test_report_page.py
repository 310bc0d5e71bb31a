"""`plenary report`: the closing report as one page of Markdown, for whoever may read it."""

import asyncio
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from commands import app
from models import ContentKind, NetworkRole, QuestionState
from tests.test_reports import session_of
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid


async def plenary(world: World, *arguments: str) -> Result:
    """As from a terminal: in a thread, because the program has a loop of its own."""
    settings = world.service.settings
    environment = {
        "PLENARY_DATABASE_URL": settings.database_url,
        "PLENARY_SECRET_KEY": settings.secret_key.get_secret_value(),
    }
    return await asyncio.to_thread(CliRunner().invoke, app, ["report", *arguments], env=environment)


@pytest.fixture
async def admin(world: World) -> Person:
    return await world.person("Adm", role=NetworkRole.ADMIN)


@pytest.fixture
async def session(world: World, ann: Person, bob: Person, community: Any, board: Any, clock: Any) -> Any:
    asked = await world.question(board, bob)
    clock.advance(minutes=62, seconds=5)
    await world.change(asked, state=QuestionState.ANSWERED, answered_at=clock.now(), asker_handle="handle")
    await world.question(board, bob)
    await world.content(community, bob, "Pipes | and *stars*\n# in <titles>", comment_count=3)
    await world.content(community, ann, "Better coffee", kind=ContentKind.IDEA, comment_count=1)
    return await session_of(world, community, "A `talk`")


PAGE = """
| figure | value |
|---|---:|
| sessions | 1 |
| expected | 2 |
| checked in | 0 |
| askers | 1 |
| voters | 0 |
| ballots in polls | 0 |
| questions answered | 50% |
| time to an answer, median | 1 h 2 min |
| time to the first answer | 1 h 2 min |

## Questions

| state | questions |
|---|---:|
| visible | 1 |
| answered | 1 |

## Most active discussions

1. Pipes \\| and \\*stars\\* \\# in \\<titles\\> (3 comments)

## Suggestions for next time

1. Better coffee (1 comment)
"""


async def test_a_conference_and_a_session_are_one_page_each(world, ann, admin, session):
    async with nothing_happens(world.service):
        conference = await plenary(world, "--network", "Halden", "--as", admin.account.email.upper())
        one = await plenary(world, "--network", "Halden", "--session", gid(session), "--as", ann.account.email)
    assert (conference.exit_code, one.exit_code) == (0, 0), conference.output + one.output
    assert conference.output == f"# Halden: closing report\n{PAGE}"
    assert one.output == f"# A \\`talk\\`: closing report\n{PAGE}"


async def test_where_nothing_happened_the_page_says_so(world, admin):
    page = (await plenary(world, "--network", "Halden", "--as", admin.account.email)).output
    assert "| questions answered | - |" in page
    assert "| time to the first answer | - |" in page
    assert page.endswith("## Suggestions for next time\n\nNone.\n")


async def test_whoever_may_not_read_it_gets_one_line(world, bob, admin, session):
    elsewhere = await World.make(world.service, "Elsewhere")
    for arguments, line in (
        (("--network", "Halden", "--as", bob.account.email), "bob@example.com may not read that report"),
        (("--network", "Halden", "--as", "nobody@example.com"), "nobody@example.com is in no network Halden."),
        (
            ("--network", elsewhere.network.name, "--as", admin.account.email),
            "adm@example.com is in no network Elsewhere.",
        ),
        (("--network", "Halden", "--session", "garbage", "--as", bob.account.email), "sees no such session in Halden."),
        (("--network", "Halden", "--session", gid(session), "--as", bob.account.email), "may not read that report"),
    ):
        refused = await plenary(world, *arguments)
        assert refused.exit_code == 1
        assert line in refused.output
        assert len(refused.output.splitlines()) == 1
