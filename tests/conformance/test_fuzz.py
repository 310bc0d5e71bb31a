"""schemathesis: whatever the schema allows to ask, nothing that it finds is a bug."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from models import Member, NetworkRole
from tests.conformance.node import ROOT, run
from tests.conformance.test_schema import SDL
from tests.halls import rows
from tests.started import SIGN_IN, Door, tracebacks
from tests.test_examples import furnished
from tests.world import PASSWORD, World

SEED = 20_261_122
EXAMPLES = 4  # of each operation
REACHED = 0.9  # of the operations have answered with data, and not with errors alone
# They would end the fuzzer's own sign-in.
EXCLUDED = ("signOut", "signOutEverywhere", "changePassword", "disableMember")
DEADLINE = 200.0  # ten times what it takes
BOARDS = ("questionBoard", "questionBoardDisplay", "questionBoardModeration")


def known(ids: Mapping[str, Any]) -> dict[str, list[str]]:
    """Values for arguments, so that what is asked reaches beyond NOT_FOUND."""
    named = {name: [id] for name, id in ids.items() if name.endswith("Id")}
    everything = sorted({id for values in named.values() for id in values})
    lists = {"ids.[*]": everything, "optionIds.[*]": ids["optionIds"], "questionIds.[*]": named["questionId"]}
    named |= lists | {"memberId": named["assigneeId"], "intoId": named["pendingId"]}
    anywhere = {f"*.*.{path}{name}": values for name, values in named.items() for path in ("", "input.")}
    by_id = {f"Query.{name}.id": named[f"{name}Id"] for name in ("community", "content", "network", "task")}
    boards = {f"Query.{name}.id": named["boardId"] for name in BOARDS}
    return anywhere | by_id | boards | {"Query.node.id": everything, "Query.search.text": [ids["text"]]}


def configured(ids: Mapping[str, Any]) -> str:
    lines = ['hooks = "tests.conformance.fuzzing"']
    for n, (path, values) in enumerate(known(ids).items()):
        lines += [f"dictionaries.d{n}.values = {json.dumps(values)}"]
        lines += [f'parameters."{path}" = {{ dictionary = "d{n}", probability = 0.8 }}']
    return "\n".join(lines)


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


@pytest.mark.timeout(2 * DEADLINE)
async def test_schemathesis_finds_no_bug(
    door: Door, world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = await furnished(world)
    (olga,) = await rows(world, Member, Member.name == "Olga")
    await world.change(olga, role=NetworkRole.OWNER)
    answer = await door.post(SIGN_IN, email="olga@example.com", password=PASSWORD, cookie=False)
    config, told = tmp_path / "schemathesis.toml", tmp_path / "report.json"
    config.write_text(configured(stage.ids))
    code, out, err = await run(
        *(Path(sys.executable).parent / "schemathesis", "--no-color", "--config-file", config),
        *("run", SDL, "--url", f"{door.origin}/graphql", "--report-json-path", told),
        *("--header", f"Authorization: Bearer {answer['signIn']['token']}"),
        *("--phases", "fuzzing", "--max-examples", str(EXAMPLES), "--workers", "3"),
        *("--seed", str(SEED), "--generation-database", "none", "--suppress-health-check", "all"),
        *("--checks", "response_schema_conformance,every_error_has_its_code", "--output-truncate", "false"),
        *(word for name in EXCLUDED for word in ("--exclude-name", f"Mutation.{name}")),
        cwd=ROOT,
        deadline=DEADLINE,
    )
    print(out)
    report = json.loads(told.read_text())
    assert code == 0, err
    assert tracebacks(caplog) == []
    operations, warnings = report["operations"], report["warnings"]
    assert operations["tested"] == operations["selected"] > 100
    assert len(warnings["missing_test_data"]) <= (1 - REACHED) * operations["tested"]
    assert warnings["rate_limited"] == []
