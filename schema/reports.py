"""Reports: what a board, a session or a conference came to."""

import strawberry
from strawberry.types import get_object_definition

import models
from models import QuestionState
from resolvers import reports
from schema.base import ID, plain, project, row_id
from schema.contents import Idea, Topic
from schema.context import Info
from schema.questions import Question  # noqa: F401 - which makes an enum of the states


@strawberry.type(description="How many questions are in one state.")
class QuestionCount:
    state: QuestionState = plain("How far they got.")
    count: int = plain("How many.")


@strawberry.type(description="A closing report. It counts what the viewer may read, and nothing else.")
class Report:
    title: str = plain("What it is about.")
    sessions: int = plain("How many sessions.")
    expected: int = plain("How many planned to be there: who belongs to the communities of the sessions, each once.")
    checked_in: int = plain("How many came, each once.")
    askers: int = plain(
        "How many asked: everybody who did by name, and every anonymous handle. Whether somebody did both is not told, "
        "and without a name somebody is counted on each board."
    )
    voters: int = plain("How many voted for questions whose votes the viewer may know.")
    ballots: int = plain("How many ballots were cast in polls whose results the viewer may know.")
    share_answered: float | None = plain("The share of the published questions that were answered; null without any.")
    median_time_to_answer: int | None = plain("How many seconds questions waited for their answer, in the median.")
    time_to_first_answer: int | None = plain(
        "How many seconds a board's first answer came after its first question; of several boards the median."
    )
    found: strawberry.Private[reports.Report]

    @strawberry.field(description="How many questions are in which state; without those of which there are none.")
    def questions(self) -> list[QuestionCount]:
        return [QuestionCount(state=state, count=count) for state, count in self.found.questions.items()]

    @strawberry.field(description="The topics with most comments: at most 5.")
    def discussions(self) -> list[Topic]:
        return [project(content) for content in self.found.discussions]

    @strawberry.field(description="The ideas for next time with most comments: at most 10.")
    def ideas(self) -> list[Idea]:
        return [project(content) for content in self.found.ideas]


def _told(found: reports.Report) -> Report:
    names = [f.python_name for f in get_object_definition(Report, strict=True).fields if f.base_resolver is None]
    return Report(found=found, **{name: getattr(found, name) for name in names})


@strawberry.type
class ReportQueries:
    @strawberry.field(description="What a board came to; for those who run it.")
    async def board_report(self, info: Info, board_id: ID) -> Report | None:
        return _told(await reports.on_board(info.context, row_id(board_id, models.QuestionBoard)))

    @strawberry.field(description="What a session came to, on all its boards; for those who run them.")
    async def session_report(self, info: Info, session_id: ID) -> Report | None:
        return _told(await reports.on_session(info.context, row_id(session_id, models.Session)))

    @strawberry.field(description="What a conference came to; for the administrators of its network.")
    async def conference_report(self, info: Info, network_id: ID) -> Report | None:
        return _told(await reports.on_conference(info.context, row_id(network_id, models.Network)))
