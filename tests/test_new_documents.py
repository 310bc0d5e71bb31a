"""New documents: reading one takes longer than all else, so there is a bound for those that nobody has sent before."""

import pytest

from resolvers.budgets import Budget
from resolvers.errors import Limited
from tests.conftest import ManualClock, make_service
from tests.started import VIEWER, started
from tests.test_budgets import BOB, Purse


def test_reading_new_documents_has_a_bound_of_its_own_that_fills_by_itself() -> None:
    purse = Purse(Budget(100, 10))
    purse.read(1_500)
    with pytest.raises(Limited) as refused:
        purse.read(700)
    assert refused.value.extensions == {"code": "LIMITED", "retryAfter": 1}
    purse.read(2_000, BOB)
    purse.time += 1
    purse.read(700)
    assert purse.spend(100).told()["available"] == 0, "points are another thing"


async def test_a_flood_of_new_documents_is_limited_and_known_ones_are_read_on(
    database_url: str, clock: ManualClock
) -> None:
    """However wrong they are: reading one takes milliseconds in which nobody else is served."""
    service = make_service(database_url, clock, {"budget_anonymous": Budget(100, 10)})
    async with started(service) as door, door.http() as client:
        known = {"query": VIEWER}
        assert (await client.post("/graphql", json=known)).status_code == 200
        codes = []
        for n in range(12):
            wrong = f"{{ node(id: {{{' '.join(f'x{n}_{m}: 1' for m in range(30))}}}) {{ id }} }}"
            answer = (await client.post("/graphql", json={"query": wrong})).json()
            codes.append(answer["errors"][0]["extensions"]["code"])
        assert (codes[0], codes[-1]) == ("INVALID", "LIMITED")
        assert (await client.post("/graphql", json=known)).json()["data"] == {"viewer": None}
    await service.database.close()
