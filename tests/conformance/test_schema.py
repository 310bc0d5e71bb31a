"""Other people's tools on schema.graphql: linters, what would break clients, what a release promised."""

from pathlib import Path

import pytest

from tests.conformance.node import HERE, ROOT, report

pytestmark = pytest.mark.usefixtures("node")

SDL = ROOT / "schema.graphql"
RELEASED = HERE / "released.graphql"


def unreleased(changes: str) -> str:
    """What the change log says of the version that is to come."""
    return changes.split("\n## ")[1]


async def broken(present: Path) -> dict[str, str]:
    """What would break clients of the last release."""
    changes = await report("../tools/breaking.mjs", released=str(RELEASED), present=str(present))
    return {change.name: change.message for change in changes if not change.ok}


def named(path: str, changes: str) -> bool:
    """`Type.field` or `Type` of what has changed stands in the change log, as code."""
    parts = path.split(".")
    return any(f"`{'.'.join(parts[: n + 1])}`" in changes for n in range(len(parts)))


async def lint(sdl: Path) -> list[str]:
    found = await report("../tools/lint.mjs", sdl=str(sdl), folder=str(sdl.parent))
    assert "read" in [check.name for check in found]
    return [f"{check.name}: {check.message}" for check in found if not check.ok]


async def test_what_would_break_clients_of_the_last_release_is_named_in_the_change_log() -> None:
    changes = unreleased((ROOT / "CHANGELOG.md").read_text())
    assert [message for path, message in (await broken(SDL)).items() if not named(path, changes)] == []


async def test_a_field_that_goes_would_break_clients(tmp_path: Path) -> None:
    (tmp_path / "schema.graphql").write_text(SDL.read_text().replace("memberCount: Int!", "headCount: Int!"))
    found = await broken(tmp_path / "schema.graphql")
    assert found["Community.memberCount"] == "Field 'memberCount' was removed from object type 'Community'"
    assert not named("Community.memberCount", "### Changed\n\n- Heads are counted elsewhere.")
    assert named("Community.memberCount", "### Removed\n\n- `Community.memberCount`: count `memberships` instead.")


async def test_the_schema_keeps_the_rules_of_graphql_eslint() -> None:
    assert await lint(SDL) == []


async def test_a_type_against_the_rules_is_found(tmp_path: Path) -> None:
    sdl = tmp_path / "schema.graphql"
    sdl.write_text(SDL.read_text() + '"""Bad."""\ntype bad_type { x: Int }\n')
    rules = {found.split(",")[0].split("/")[1] for found in await lint(sdl)}
    assert rules == {"naming-convention", "strict-id-in-types", "no-unreachable-types"}
