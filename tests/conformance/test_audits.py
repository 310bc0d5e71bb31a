"""The audits of graphql-http, as an anonymous client: MUST, SHOULD and MAY."""

import pytest

from tests.conformance.conftest import Hall
from tests.conformance.node import report


@pytest.mark.usefixtures("node")
async def test_every_audit_of_graphql_http_passes(hall: Hall) -> None:
    audits = await report("audits.mjs", origin=hall.origin)
    audits.passed(*(audit.name for audit in audits))
    assert len(audits) == 61
