"""Examples: for every root field that takes an id, arguments with which it succeeds, and rows that nobody may see."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import update
from sqlmodel import col, select

from models import (
    Admits,
    AnswerWindow,
    BoardState,
    Community,
    CommunityPurpose,
    CommunityRole,
    MemberKind,
    MembershipState,
    NetworkRole,
    Organisation,
    PollState,
    QuestionState,
    Visibility,
)
from tests.drawing import NOUNS
from tests.test_no_guest_adds import Scene
from tests.world import Person, World, gid

ID_OF = {
    "Community": "communityId",
    "Content": "contentId",
    "Task": "taskId",
    "Session": "sessionId",
    "QuestionBoard": "boardId",
}
# Further examples of a field, where one cannot have all that it may be given.
VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "createTask": tuple(
        {f"createTask.{other}": None for other in ("contentId", "commentId", "questionId") if other != one}
        for one in ("contentId", "commentId", "questionId")
    ),
}


class Examples(Scene):
    """A scene in which the boss of everything can call every field once."""

    async def known(self, boss: Person) -> dict[str, Any]:
        known = await self.make(boss, CommunityRole.OWNER)
        other = await self.world.person(f"Other-{uuid4().hex}", role=NetworkRole.OWNER)
        community = await self._community(boss, purpose=CommunityPurpose.ESCALATION)
        known |= await self._communities(boss, community)
        known |= await self._boards(boss, other, community)
        known |= await self._organisations()
        known["cancelTask.taskId"] = known["rescheduleTask.taskId"] = await self._task(boss, other)
        known["updateProfile.memberId"] = boss.id
        known["renewGuest.memberId"] = known["takeOverGuest.memberId"] = await self._guest(boss)
        known |= {f"{name}.id": known[ID_OF[noun]] for name, noun in NOUNS.items()}
        known |= {"network.id": known["networkId"], "node.id": known["communityId"], "first": 10, "text": "Title"}
        return known | {"ids": [known["communityId"]]}

    async def _community(self, member: Person | None, **columns: Any) -> Community:
        community = await self.world.community(admits=Admits.EXTERNALS)
        if member:
            await self.world.belong(member, community, CommunityRole.OWNER)
        await self.world.change(community, **columns)
        return community

    async def _communities(self, boss: Person, into: Community) -> dict[str, Any]:
        world = self.world
        asked, invited = [await self._community(None) for _ in range(2)]
        await world.belong(boss, asked, state=MembershipState.INVITED)
        await world.belong(boss, invited, state=MembershipState.INVITED)
        return {
            "joinCommunity.communityId": gid(await self._community(None)),
            "acceptMembership.communityId": gid(asked),
            "declineMembership.communityId": gid(invited),
            "escalateTopic.communityId": gid(into),
            "escalateQuestion.communityId": gid(into),
            "communityIds": [gid(into)],
        }

    async def _boards(self, boss: Person, other: Person, community: Community) -> dict[str, Any]:
        world = self.world
        board = await world.board(community, state=BoardState.SCHEDULED)
        begin, end = (world.now + timedelta(hours=n) for n in (1, 2))
        window = AnswerWindow(
            network_id=board.network_id, board_id=board.id, starts_at=begin, ends_at=end, time_zone="UTC"
        )
        await world.add(window)
        opened = await world.board(community)
        question = await world.question(opened, other, asker_handle="handle")
        second = await world.question(opened, other)
        answered = await world.question(opened, other, state=QuestionState.ANSWERED)
        merged = await world.question(opened, other, state=QuestionState.MERGED, merged_into_id=second.id)
        draft, _ = await world.poll(opened, state=PollState.DRAFT)
        talk = await world.session(await self._community(boss), recording_url="https://example.com")
        return {
            "openQuestionBoard.boardId": gid(board),
            "answerWindowId": gid(window),
            "upvoteQuestion.questionId": gid(question),
            "retractUpvote.questionId": gid(question),
            "mergeQuestions.questionId": gid(question),
            "mergeQuestions.intoId": gid(second),
            "unmergeQuestion.questionId": gid(merged),
            "unmarkQuestionAnswered.questionId": gid(answered),
            "muteAsker.boardId": gid(opened),
            "handle": "handle",
            "openPoll.pollId": gid(draft),
            "withdrawPoll.pollId": gid(draft),
            "createPoll.options": ["One", "Two"],
            "releaseReplay.sessionId": gid(talk),
        }

    async def _guest(self, sponsor: Person) -> str:
        guest = await self.world.person(f"Guest-{uuid4().hex}", MemberKind.GUEST)
        ends = {"expires_at": self.world.now + timedelta(days=9)}
        await self.world.change(guest.member, sponsor_id=sponsor.member.id, purpose="An audit", **ends)
        return guest.id

    async def _organisations(self) -> dict[str, Any]:
        network_id = self.world.network.id
        rows = [Organisation(network_id=network_id, name=f"{name}-{uuid4().hex}") for name in ("Alder", "Birch")]
        await self.world.add(*rows)
        ours, theirs = map(gid, rows)
        return {
            "updateOrganisation.organisationId": ours,
            "setCompetition.organisationId": ours,
            "competitorId": theirs,
        }


async def hidden(world: World, insider: Person) -> dict[str, Any]:
    """The same rows, in communities of whose existence nobody else knows."""
    async with world.service.database.read() as session:
        before = set(await session.scalars(select(Community.id)))
    found = await Examples(world).known(insider)
    async with world.service.database.write() as session:
        after = col(Community.id).not_in(before)
        await session.execute(update(Community).where(after).values(visibility=Visibility.HIDDEN))
    return found
