"""What happens in the replay test: every deed that a feed may show, and who usually does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Picks = tuple[int, int]


@dataclass(frozen=True)
class Turn:
    """What an action is done with: how many were before it, what there is by kind, and what is picked of it."""

    count: int
    ids: Mapping[str, list[str]]
    picks: Picks


def mutation(call: str, result: str, variables: str = "$a: ID!") -> str:
    return f"mutation ({variables}) {{ {call} {{ {result} problems {{ code }} }} }}"


def nothing(_turn: Turn) -> dict[str, Any]:
    return {}


def text(turn: Turn) -> dict[str, Any]:
    return {"text": f"text {turn.count}", "flag": bool(turn.picks[1] % 2), "tags": ["red", "blue"][: turn.picks[1] % 3]}


def roles(turn: Turn) -> dict[str, Any]:
    return {"roles": [["MEMBER"], ["PRESENTER"], ["MANAGER"], ["RESPONDER"], ["OWNER"]][turn.picks[1] % 5]}


def rights(turn: Turn) -> dict[str, Any]:
    return {"rights": ["NONE", "READ", "ASK", "ASK_AND_VOTE"][turn.picks[1] % 4]}


Action = tuple[str, tuple[str, ...], str, Callable[[Turn], dict[str, Any]]]
TEXT = "$a: ID!, $text: String!"
CONTENT = "$a: ID!, $text: String!, $tags: [String!]!"
ACTIONS: dict[str, Action] = {
    "ask": (
        mutation(
            "askQuestion(boardId: $a, input: {body: $text, anonymous: $flag})",
            "question { id }",
            TEXT + ", $flag: Boolean!",
        ),
        ("boards",),
        "questions",
        text,
    ),
    "approve": (mutation("approveQuestion(questionId: $a)", "question { id }"), ("questions",), "", nothing),
    "reject": (
        mutation("rejectQuestion(questionId: $a, reason: $text)", "question { id }", TEXT),
        ("questions",),
        "",
        text,
    ),
    "hide": (mutation("hideQuestion(questionId: $a)", "question { id }"), ("questions",), "", nothing),
    "show": (
        mutation("showQuestion(questionId: $a, onScreen: $flag)", "question { id }", "$a: ID!, $flag: Boolean!"),
        ("questions",),
        "",
        text,
    ),
    "answer": (mutation("markQuestionAnswered(questionId: $a)", "question { id }"), ("questions",), "", nothing),
    "unanswer": (mutation("unmarkQuestionAnswered(questionId: $a)", "question { id }"), ("questions",), "", nothing),
    "withdraw question": (mutation("withdrawQuestion(questionId: $a)", "question { id }"), ("questions",), "", nothing),
    "upvote": (mutation("upvoteQuestion(questionId: $a)", "question { id }"), ("questions",), "", nothing),
    "retract": (mutation("retractUpvote(questionId: $a)", "question { id }"), ("questions",), "", nothing),
    "open": (mutation("openQuestionBoard(boardId: $a)", "questionBoard { id }"), ("boards",), "", nothing),
    "pause": (mutation("pauseQuestionBoard(boardId: $a)", "questionBoard { id }"), ("boards",), "", nothing),
    "close": (mutation("closeQuestionBoard(boardId: $a)", "questionBoard { id }"), ("boards",), "", nothing),
    "revoke key": (mutation("revokeKioskKey(kioskKeyId: $a)", "kioskKey { id }"), ("kiosk_keys",), "", nothing),
    "topic": (
        mutation(
            "createTopic(communityId: $a, input: {title: $text, body: $text, tags: $tags})", "topic { id }", CONTENT
        ),
        ("communities",),
        "contents",
        text,
    ),
    "post": (
        mutation("createPost(communityId: $a, input: {title: $text, tags: $tags})", "post { id }", CONTENT),
        ("communities",),
        "contents",
        text,
    ),
    "edit": (
        mutation(
            "editContent(contentId: $a, input: {title: $text, body: $text, tags: $tags})", "content { id }", CONTENT
        ),
        ("contents",),
        "",
        text,
    ),
    "withdraw": (mutation("withdrawContent(contentId: $a)", "content { id }"), ("contents",), "", nothing),
    "comment": (
        mutation("addComment(contentId: $a, input: {body: $text})", "comment { id }", TEXT),
        ("contents",),
        "comments",
        text,
    ),
    "edit comment": (
        mutation("editComment(commentId: $a, input: {body: $text})", "comment { id }", TEXT),
        ("comments",),
        "",
        text,
    ),
    "withdraw comment": (mutation("withdrawComment(commentId: $a)", "comment { id }"), ("comments",), "", nothing),
    "accept answer": (mutation("acceptAnswer(commentId: $a)", "topic { id }"), ("comments",), "", nothing),
    "escalate": (
        mutation("escalateTopic(topicId: $a, input: {communityId: $b})", "escalation { id }", "$a: ID!, $b: ID!"),
        ("contents", "communities"),
        "escalations",
        nothing,
    ),
    "push": (
        mutation("pushEscalation(escalationId: $a, input: {assigneeId: $b})", "escalation { id }", "$a: ID!, $b: ID!"),
        ("escalations", "members"),
        "",
        nothing,
    ),
    "resolve": (mutation("resolveEscalation(escalationId: $a)", "escalation { id }"), ("escalations",), "", nothing),
    "task": (
        mutation("createTask(networkId: $a, input: {assigneeId: $b, title: $text})", "task { id }", TEXT + ", $b: ID!"),
        ("networks", "members"),
        "tasks",
        text,
    ),
    "task on content": (
        mutation(
            "createTask(networkId: $n, input: {contentId: $a, assigneeId: $b, title: $text})",
            "task { id }",
            TEXT + ", $b: ID!, $n: ID!",
        ),
        ("contents", "members"),
        "tasks",
        lambda turn: text(turn) | {"n": turn.ids["networks"][0]},
    ),
    "accept": (mutation("acceptTask(taskId: $a)", "task { id }"), ("tasks",), "", nothing),
    "decline": (mutation("declineTask(taskId: $a)", "task { id }"), ("tasks",), "", nothing),
    "complete": (mutation("completeTask(taskId: $a)", "task { id }"), ("tasks",), "", nothing),
    "cancel": (mutation("cancelTask(taskId: $a)", "task { id }"), ("tasks",), "", nothing),
    "reschedule": (mutation("rescheduleTask(taskId: $a, dueAt: null)", "task { id }"), ("tasks",), "", nothing),
    "reassign": (
        mutation("reassignTask(taskId: $a, assigneeId: $b)", "task { id }", "$a: ID!, $b: ID!"),
        ("tasks", "members"),
        "",
        nothing,
    ),
    "say": (
        mutation("postTaskMessage(taskId: $a, input: {body: $text})", "taskMessage { id }", TEXT),
        ("tasks",),
        "",
        text,
    ),
    "join": (mutation("joinCommunity(communityId: $a)", "membership { id }"), ("communities",), "memberships", nothing),
    "leave": (mutation("leaveCommunity(communityId: $a)", "membership { id }"), ("communities",), "", nothing),
    "invite": (
        mutation("inviteToCommunity(communityId: $a, input: {memberId: $b})", "membership { id }", "$a: ID!, $b: ID!"),
        ("communities", "members"),
        "memberships",
        nothing,
    ),
    "accept membership": (
        mutation("acceptMembership(communityId: $a)", "membership { id }"),
        ("communities",),
        "",
        nothing,
    ),
    "decline membership": (
        mutation("declineMembership(communityId: $a)", "membership { id }"),
        ("communities",),
        "",
        nothing,
    ),
    "approve membership": (
        mutation("approveMembership(membershipId: $a)", "membership { id }"),
        ("memberships",),
        "",
        nothing,
    ),
    "remove": (
        mutation("removeMembership(membershipId: $a, ban: $flag)", "membership { id }", "$a: ID!, $flag: Boolean!"),
        ("memberships",),
        "",
        text,
    ),
    "change roles": (
        mutation(
            "changeRoles(membershipId: $a, roles: $roles)", "membership { id }", "$a: ID!, $roles: [CommunityRole!]!"
        ),
        ("memberships",),
        "",
        roles,
    ),
    "update community": (
        mutation("updateCommunity(communityId: $a, input: {about: $text})", "community { id }", TEXT),
        ("communities",),
        "",
        text,
    ),
    "found": (
        mutation("createCommunity(networkId: $a, input: {name: $text})", "community { id }", TEXT),
        ("networks",),
        "communities",
        text,
    ),
    "set up": (
        mutation("createQuestionBoard(communityId: $a, input: {title: $text})", "questionBoard { id }", TEXT),
        ("communities",),
        "boards",
        text,
    ),
    "give a code": (mutation("createJoinCode(boardId: $a)", "questionBoard { id }"), ("boards",), "", nothing),
    "rotate the code": (
        mutation("rotateJoinCode(boardId: $a, endVisits: $flag)", "questionBoard { id }", "$a: ID!, $flag: Boolean!"),
        ("boards",),
        "",
        text,
    ),
    "let visitors": (
        mutation(
            "setVisitors(boardId: $a, visitors: $rights)", "questionBoard { id }", "$a: ID!, $rights: VisitorRights!"
        ),
        ("boards",),
        "",
        rights,
    ),
    "archive": (mutation("archiveCommunity(communityId: $a)", "community { id }"), ("communities",), "", nothing),
    "disable": (mutation("disableMember(memberId: $a)", "member { id }"), ("members",), "", nothing),
}

_ACCOUNT = "of an account: what it ends, it ends at the door, which the replay does not pass"
_LIST = "the list of attendees is in no feed"
_INVITATION = "an invitation is in no feed"
# Mutations of the schema that are no action, and why.
NO_ACTION = {
    "signIn": _ACCOUNT,
    "signOut": _ACCOUNT,
    "signOutEverywhere": _ACCOUNT,
    "changePassword": _ACCOUNT,
    "signUp": "whoever is new follows nothing yet",
    "addMember": _INVITATION,
    "revokeInvitation": _INVITATION,
    "acceptInvitation": "five steps seldom lead out of a network and in again; tests/test_comebacks.py goes there",
    "updateProfile": "a profile is in no feed",
    "importAttendees": _LIST,
    "createSignInLink": _LIST,
    "reissueTicket": _LIST,
    "signInWithLink": _ACCOUNT,
    "signInWithTicket": _ACCOUNT,
    "checkInAttendee": "who enters by the door enters as by joining",
    "joinBoard": "a code is for those who come; who has come is the replay's visitor",
    "createKioskKey": "a key is in no feed, and its display follows nothing yet",
}

# Who does it so that something happens, most of the time; now and then anybody tries.
USUAL = {
    "approve": "presenter", "reject": "presenter", "hide": "owner", "show": "presenter", "answer": "presenter",
    "unanswer": "owner", "open": "owner", "pause": "owner", "ask": "asker", "withdraw question": "asker",
    "upvote": "member", "topic": "member", "comment": "helper", "accept answer": "member", "escalate": "member",
    "push": "member", "task": "outsider", "reassign": "outsider", "remove": "owner", "change roles": "owner",
    "invite": "owner", "edit": "member", "set up": "owner", "give a code": "owner", "rotate the code": "owner",
    "let visitors": "presenter",
}  # fmt: skip
