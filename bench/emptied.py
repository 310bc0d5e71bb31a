"""The program `plenary` with nothing behind `upvoteQuestion`: what is left is what any mutation of ours costs.

python -m bench.emptied serve --port 0
"""

from typing import Any
from uuid import UUID

from commands import main
from models import Question
from resolvers import votes


async def nothing(_ctx: Any, question_id: UUID) -> Question:
    """As if it had been voted for."""
    return Question(id=question_id, body="Why?", votes=1)


if __name__ == "__main__":
    votes.upvote = nothing
    main()
