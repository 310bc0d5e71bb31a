"""TypeScript: the types that @graphql-codegen makes of the examples, and the client of docs/live.md."""

import json
import re
from pathlib import Path

import pytest

from tests.conformance.conftest import Hall
from tests.conformance.node import BIN, HERE, ROOT, report, run

pytestmark = pytest.mark.usefixtures("node")

OPTIONS = {"strict": True, "module": "esnext", "moduleResolution": "bundler", "target": "es2022", "skipLibCheck": True}
# What the page in docs/live.md has from elsewhere.
PAGE = """import { type Feed, type State, follow } from "./client";
declare const token: string, boardId: string, BOARD: string, BOARD_LIVE: string, signal: AbortSignal;
declare const show: Feed["show"], signIn: Feed["signIn"], query: (document: string, variables: object) => Promise<any>;
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which TypeScript finds what is installed."""
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS}))
    return tmp_path


async def compiled(project: Path, *options: str) -> None:
    code, out, err = await run(BIN / "tsc", "--project", project, *options)
    assert code == 0, out + err


def stems(folder: Path, kind: str) -> set[str]:
    return {path.stem for path in folder.glob(f"*.{kind}")}


def documented() -> list[str]:
    return re.findall(r"```ts\n(.*?)```", (ROOT / "docs" / "live.md").read_text(), re.DOTALL)


async def test_the_examples_have_types_that_compile(project: Path) -> None:
    code, out, err = await run(BIN / "graphql-codegen", "--config", HERE / "tools" / "codegen.mjs", cwd=project)
    assert code == 0, out + err
    assert stems(project, "ts") == {"schema"} | stems(ROOT / "examples", "graphql")
    assert "WhoAmIQuery = {" in (project / "who_am_i.ts").read_text()
    await compiled(project, "--noEmit")


async def test_the_client_of_the_documentation_compiles(project: Path) -> None:
    client, page = documented()
    (project / "client.ts").write_text(client)
    (project / "page.ts").write_text(PAGE + page)
    await compiled(project, "--noEmit")


async def test_the_client_of_the_documentation_follows_a_board(project: Path, hall: Hall) -> None:
    (project / "client.ts").write_text(documented()[0])
    await compiled(project)
    checks = await report("documented.mjs", **hall.given, client=str(project / "client.js"))
    checks.passed(
        "rows come, change and go, and a lost connection is taken up again",
        "what cannot be followed is thrown",
        "it stops when it is told to",
    )
