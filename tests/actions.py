"""What happens in the replay test: every deed that a feed may show, and who usually does it."""

from tests.session_actions import SESSION_ACTIONS
from tests.turns import CONTENT, TEXT, Action, kind_of_poll, mutation, nothing, options, plan, rights, roles, text

ACTIONS: dict[str, Action] = SESSION_ACTIONS | {
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
    "draft poll": (
        mutation(
            'createPoll(boardId: $a, input: {title: $text, options: ["A", "B"], choicesMost: 2, '
            "anonymous: $flag, results: $results})",
            "poll { id options { id } }",
            TEXT + ", $flag: Boolean!, $results: PollResults!",
        ),
        ("boards",),
        "polls",
        kind_of_poll,
    ),
    "open poll": (mutation("openPoll(pollId: $a)", "poll { id }"), ("polls",), "", nothing),
    "close poll": (mutation("closePoll(pollId: $a)", "poll { id }"), ("polls",), "", nothing),
    "withdraw poll": (mutation("withdrawPoll(pollId: $a)", "poll { id }"), ("polls",), "", nothing),
    "cast ballot": (
        mutation("castBallot(pollId: $a, optionIds: $options)", "poll { id }", "$a: ID!, $options: [ID!]!"),
        ("polls",),
        "",
        options,
    ),
    "retract ballot": (mutation("retractBallot(pollId: $a)", "poll { id }"), ("polls",), "", nothing),
    "open": (mutation("openQuestionBoard(boardId: $a)", "questionBoard { id }"), ("boards",), "", nothing),
    "pause": (mutation("pauseQuestionBoard(boardId: $a)", "questionBoard { id }"), ("boards",), "", nothing),
    "close": (
        mutation(
            "closeQuestionBoard(boardId: $a, unanswered: $plan)",
            "questionBoard { id }",
            "$a: ID!, $plan: Unanswered",
        ),
        ("boards",),
        "",
        lambda turn: {"plan": ["TOPICS", "DISMISSED"][turn.picks[1] % 2]},
    ),
    "run otherwise": (
        mutation(
            "updateQuestionBoard(boardId: $a, input: {title: $text, showCounts: $counts, moderation: $moderation})",
            "questionBoard { id }",
            TEXT + ", $counts: ShowCounts, $moderation: Moderation",
        ),
        ("boards",),
        "",
        plan,
    ),
    "window": (
        mutation(
            'addAnswerWindow(boardId: $a, input: {startsAt: "2031-01-01T00:00:00Z", endsAt: "2031-01-02T00:00:00Z"})',
            "answerWindow { id }",
        ),
        ("boards",),
        "windows",
        nothing,
    ),
    "no window": (
        mutation("removeAnswerWindow(answerWindowId: $a)", "questionBoard { id }"),
        ("windows",),
        "",
        nothing,
    ),
    "arrange": (
        mutation("arrangeQuestions(boardId: $a, questionIds: [$b])", "questionBoard { id }", "$a: ID!, $b: ID!"),
        ("boards", "questions"),
        "",
        nothing,
    ),
    "edit question": (
        mutation("editQuestion(questionId: $a, body: $text)", "question { id }", TEXT),
        ("questions",),
        "",
        text,
    ),
    "label": (
        mutation(
            "labelQuestion(questionId: $a, input: {labels: $tags, privateLabels: [$text]})", "question { id }", CONTENT
        ),
        ("questions",),
        "",
        text,
    ),
    "merge": (
        mutation("mergeQuestions(questionId: $a, intoId: $b)", "question { id }", "$a: ID!, $b: ID!"),
        ("questions", "questions"),
        "",
        nothing,
    ),
    "unmerge": (mutation("unmergeQuestion(questionId: $a)", "question { id }"), ("questions",), "", nothing),
    "go on as topic": (
        mutation("turnQuestionIntoTopic(questionId: $a)", "topic { id }"),
        ("questions",),
        "contents",
        nothing,
    ),
    "escalate question": (
        mutation("escalateQuestion(questionId: $a, input: {communityId: $b})", "escalation { id }", "$a: ID!, $b: ID!"),
        ("questions", "communities"),
        "escalations",
        nothing,
    ),
    "task on question": (
        mutation(
            "createTask(networkId: $n, input: {questionId: $a, assigneeId: $b, title: $text})",
            "task { id }",
            TEXT + ", $b: ID!, $n: ID!",
        ),
        ("questions", "members"),
        "tasks",
        lambda turn: text(turn) | {"n": turn.ids["networks"][0]},
    ),
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
    "idea": (
        mutation("createIdea(communityId: $a, input: {title: $text, tags: $tags})", "idea { id }", CONTENT),
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
    "enable": (mutation("enableMember(memberId: $a)", "member { id }"), ("members",), "", nothing),
    "promote": (
        mutation("changeMemberRole(memberId: $a, role: $role)", "member { id }", "$a: ID!, $role: NetworkRole!"),
        ("members",),
        "",
        lambda turn: {"role": ["MEMBER", "ADMIN"][turn.picks[1] % 2]},
    ),
    "change kind": (
        mutation("changeMemberKind(memberId: $a, kind: $kind)", "member { id }", "$a: ID!, $kind: MemberKind!"),
        ("members",),
        "",
        lambda turn: {"kind": ["INTERNAL", "EXTERNAL"][turn.picks[1] % 2]},
    ),
}

_ACCOUNT = "of an account: what it ends, it ends at the door, which the replay does not pass"
_LIST = "the list of attendees is in no feed"
_NOMINATION = "a nomination is in no feed"
_ORGANISATION = "an organisation is in no feed"
_INVITATION = "an invitation is in no feed"
# Mutations of the schema that are no action, and why.
NO_ACTION = {
    "signIn": _ACCOUNT,
    "signOut": _ACCOUNT,
    "signOutEverywhere": _ACCOUNT,
    "changePassword": _ACCOUNT,
    "signUp": "whoever is new follows nothing yet",
    "addMember": _INVITATION,
    "inviteGuest": _INVITATION,
    "renewGuest": "the clock of the replay goes on by seconds; tests/test_renewing.py goes on by more",
    "takeOverGuest": "a guest for whom nobody vouches is in no feed; tests/test_renewing.py takes them over",
    "nominatePerson": _NOMINATION,
    "acceptNomination": _NOMINATION,
    "declineNomination": _NOMINATION,
    "createOrganisation": _ORGANISATION,
    "updateOrganisation": _ORGANISATION,
    "setCompetition": _ORGANISATION,
    "changeMemberOrganisation": _ORGANISATION,
    "revokeInvitation": _INVITATION,
    "acceptInvitation": "five steps seldom lead out of a network and in again; tests/test_comebacks.py goes there",
    "changeMemberExpiry": "the clock of the replay goes on by seconds; tests/test_expiry.py goes on by more",
    "updateProfile": "a profile is in no feed",
    "muteAsker": "a mute is told where mutedAskers is asked for, and refuses what the asker does next",
    "createSpeakerClaim": "a claim is in no feed",
    "claimSpeaker": "its token is told to one client; tests/test_speakers.py claims",
    "importAttendees": _LIST,
    "createSignInLink": _LIST,
    "reissueTicket": _LIST,
    "signInWithLink": _ACCOUNT,
    "signInWithTicket": _ACCOUNT,
    "requestSignInLink": _ACCOUNT,
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
    "invite": "owner", "edit": "member", "set up": "owner", "run otherwise": "owner", "window": "owner",
    "no window": "owner",
    "arrange": "presenter", "edit question": "asker", "label": "presenter", "merge": "presenter",
    "unmerge": "presenter", "go on as topic": "owner", "escalate question": "owner", "task on question": "owner",
    "draft poll": "presenter", "open poll": "presenter", "close poll": "presenter",
    "withdraw poll": "owner", "cast ballot": "member", "retract ballot": "member",
    "tier": "admin", "enable": "admin", "promote": "admin", "change kind": "admin", "check in": "member",
    "give a code": "owner", "rotate the code": "owner", "let visitors": "presenter",
}  # fmt: skip
