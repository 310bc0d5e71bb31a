"""The documents that tests send: one per mutation, each with everything that a test may look at."""

from tests.replica import FRAGMENT, FeedKind

PROBLEMS = "problems { code rule field retryAfter currentVersion }"


def mutation(name: str, arguments: str, *returns: str) -> str:
    """`arguments` is written as in the schema: "taskId: ID!, input: TaskMessageInput!"."""
    names = [argument.split(":")[0].strip() for argument in arguments.split(",")]
    declared = ", ".join(f"${argument.strip()}" for argument in arguments.split(","))
    passed = ", ".join(f"{name}: ${name}" for name in names)
    return (
        f"mutation ({declared}, $idempotencyKey: String) "
        f"{{ {name}({passed}, idempotencyKey: $idempotencyKey) {{ {' '.join(returns)} {PROBLEMS} }} }}"
    )


def snapshot(kind: FeedKind) -> str:
    """A feed's query, with everything that its replica holds."""
    return f"query ($id: ID!) {{ {kind.name}({kind.arguments}) {{ cursor {kind.snapshot} }} }}{FRAGMENT}"


_ARTICLE = "id title body lifecycle tags revision commentCount"
_TOPIC = f"topic {{ {_ARTICLE} answerState acceptedAnswer {{ id }} }}"
_CONTENT = f"content {{ __typename id ... on Article {{ {_ARTICLE} }} ... on Topic {{ answerState }} }}"
_COMMENT = "comment { id body lifecycle editedAt author { id } }"
_TASK = "task { id title body state dueAt closedAt participants(first: 20) { nodes { role state member { name } } } }"
_ESCALATION = (
    "escalation { id state pushedAt answeredAt resolvedAt answeredByPull assignee { name } escalatedBy { name }"
    " topic { id title body answerState } origin { id } task { id } }"
)
_BOARD = "questionBoard { id title state moderation anonymity openedAt closedAt }"
_QUESTION = (
    "question { id body state number votes anonymous onScreen answeredHow rejectReason isMine viewerHasVoted"
    " author { id } }"
)
_SESSION = (
    "session { id title subtitle abstractHtml language url startsAt endsAt state changeNote changedAt replayAt"
    " recordingUrl slidesUrl expectedCount checkedInCount track { name } room { name }"
    " speakers { id name member { id } } community { id name purpose memberCount viewerMembership { roles }"
    " boards(first: 5) { nodes { id title state } } } }"
)
_SPEAKER = "speaker { id name member { id } sessions { id title } }"

_POLL = (
    "poll { id title state choicesMost anonymous results voters openedAt closedAt"
    " options { id text votes } viewerChoices { text } viewerCan { vote { allowed } moderate { allowed } } }"
)

CREATE_TOPIC = mutation("createTopic", "communityId: ID!, input: ContentInput!", _TOPIC)
CREATE_POST = mutation("createPost", "communityId: ID!, input: ContentInput!", f"post {{ {_ARTICLE} }}")
CREATE_IDEA = mutation("createIdea", "communityId: ID!, input: ContentInput!", f"idea {{ {_ARTICLE} }}")
EDIT_CONTENT = mutation("editContent", "contentId: ID!, input: EditContentInput!, ifVersion: Int", _CONTENT)
WITHDRAW_CONTENT = mutation("withdrawContent", "contentId: ID!", _CONTENT)

ADD_COMMENT = mutation("addComment", "contentId: ID!, input: CommentInput!", _COMMENT)
EDIT_COMMENT = mutation("editComment", "commentId: ID!, input: CommentInput!", _COMMENT)
WITHDRAW_COMMENT = mutation("withdrawComment", "commentId: ID!", _COMMENT)
ACCEPT_ANSWER = mutation("acceptAnswer", "commentId: ID!", _TOPIC)

CREATE_TASK = mutation("createTask", "networkId: ID!, input: CreateTaskInput!", _TASK)
ACCEPT_TASK = mutation("acceptTask", "taskId: ID!", _TASK)
DECLINE_TASK = mutation("declineTask", "taskId: ID!", _TASK)
COMPLETE_TASK = mutation("completeTask", "taskId: ID!", _TASK)
CANCEL_TASK = mutation("cancelTask", "taskId: ID!", _TASK)
RESCHEDULE_TASK = mutation("rescheduleTask", "taskId: ID!, dueAt: DateTime", _TASK)
REASSIGN_TASK = mutation("reassignTask", "taskId: ID!, assigneeId: ID!", _TASK)
POST_TASK_MESSAGE = mutation(
    "postTaskMessage", "taskId: ID!, input: TaskMessageInput!", "taskMessage { id body author { name } }"
)

ESCALATE_TOPIC = mutation("escalateTopic", "topicId: ID!, input: EscalateTopicInput!", _ESCALATION)
PUSH_ESCALATION = mutation("pushEscalation", "escalationId: ID!, input: PushEscalationInput!", _ESCALATION)
RESOLVE_ESCALATION = mutation("resolveEscalation", "escalationId: ID!", _ESCALATION)

CREATE_BOARD = mutation("createQuestionBoard", "communityId: ID!, input: CreateQuestionBoardInput!", _BOARD)
OPEN_BOARD = mutation("openQuestionBoard", "boardId: ID!", _BOARD)
PAUSE_BOARD = mutation("pauseQuestionBoard", "boardId: ID!", _BOARD)
CLOSE_BOARD = mutation("closeQuestionBoard", "boardId: ID!, unanswered: Unanswered", _BOARD)
CREATE_KIOSK_KEY = mutation("createKioskKey", "boardId: ID!, label: String!", "kioskKey { id label revokedAt } token")
REVOKE_KIOSK_KEY = mutation("revokeKioskKey", "kioskKeyId: ID!", "kioskKey { id label revokedAt }")

UPDATE_BOARD = mutation(
    "updateQuestionBoard",
    "boardId: ID!, input: UpdateQuestionBoardInput!",
    "questionBoard { id title state moderation anonymity showCounts order maxLength openPerAsker asksPerMinute "
    "votesPerPerson opensAt }",
)
ADD_WINDOW = mutation(
    "addAnswerWindow",
    "boardId: ID!, input: AnswerWindowInput!",
    "answerWindow { id startsAt endsAt timeZone answerers { name } }",
)
REMOVE_WINDOW = mutation("removeAnswerWindow", "answerWindowId: ID!", _BOARD)
MUTE_ASKER = mutation("muteAsker", "boardId: ID!, handle: String!, muted: Boolean", "questionBoard { id mutedAskers }")
ARRANGE = mutation("arrangeQuestions", "boardId: ID!, questionIds: [ID!]!", _BOARD)

ASK = mutation("askQuestion", "boardId: ID!, input: AskQuestionInput!", _QUESTION)
APPROVE = mutation("approveQuestion", "questionId: ID!, ifVersion: Int", _QUESTION)
REJECT = mutation("rejectQuestion", "questionId: ID!, reason: String!", _QUESTION)
HIDE = mutation("hideQuestion", "questionId: ID!", _QUESTION)
SHOW = mutation("showQuestion", "questionId: ID!, onScreen: Boolean", _QUESTION)
MARK_ANSWERED = mutation("markQuestionAnswered", "questionId: ID!, input: AnswerInput", _QUESTION)
UNMARK_ANSWERED = mutation("unmarkQuestionAnswered", "questionId: ID!", _QUESTION)
WITHDRAW_QUESTION = mutation("withdrawQuestion", "questionId: ID!", _QUESTION)
EDIT_QUESTION = mutation("editQuestion", "questionId: ID!, body: String!, ifVersion: Int", _QUESTION)
LABEL = mutation("labelQuestion", "questionId: ID!, input: LabelsInput!", "question { id labels privateLabels }")
MERGE = mutation("mergeQuestions", "questionId: ID!, intoId: ID!", _QUESTION)
UNMERGE = mutation("unmergeQuestion", "questionId: ID!", _QUESTION)
TO_TOPIC = mutation("turnQuestionIntoTopic", "questionId: ID!", "topic { id title body author { name } }")
ESCALATE_QUESTION = mutation("escalateQuestion", "questionId: ID!, input: EscalateQuestionInput!", _ESCALATION)
UPVOTE = mutation("upvoteQuestion", "questionId: ID!", _QUESTION)
RETRACT_UPVOTE = mutation("retractUpvote", "questionId: ID!", _QUESTION)

CREATE_POLL = mutation("createPoll", "boardId: ID!, input: CreatePollInput!", _POLL)
OPEN_POLL = mutation("openPoll", "pollId: ID!", _POLL)
CLOSE_POLL = mutation("closePoll", "pollId: ID!", _POLL)
WITHDRAW_POLL = mutation("withdrawPoll", "pollId: ID!", _POLL)
CAST_BALLOT = mutation("castBallot", "pollId: ID!, optionIds: [ID!]!", _POLL)
RETRACT_BALLOT = mutation("retractBallot", "pollId: ID!", _POLL)

_CODE = "questionBoard { id visitors joinCode joinUrl visitorCount visitorBurst { at size } }"
JOIN_BOARD = mutation(
    "joinBoard",
    "code: String!, name: String!, deviceToken: String",
    "token visit { id name createdAt endedAt boardId board { id title } }",
)
CREATE_JOIN_CODE = mutation("createJoinCode", "boardId: ID!", _CODE)
ROTATE_JOIN_CODE = mutation("rotateJoinCode", "boardId: ID!, endVisits: Boolean", _CODE)
SET_VISITORS = mutation("setVisitors", "boardId: ID!, visitors: VisitorRights!", _CODE)

_LINE = "lines { line email outcome message signInToken ticket }"
_SIGNED_IN = "token expiresAt account { id }"
IMPORT_ATTENDEES = mutation("importAttendees", "networkId: ID!, csv: String!, dryRun: Boolean", _LINE)
CREATE_SIGN_IN_LINK = mutation("createSignInLink", "attendeeId: ID!", "attendee { id email } token")
REISSUE_TICKET = mutation("reissueTicket", "attendeeId: ID!", "attendee { id email } ticket")
SIGN_IN_WITH_LINK = mutation("signInWithLink", "token: String!", _SIGNED_IN)
REQUEST_SIGN_IN_LINK = mutation("requestSignInLink", "email: String!", "")
SIGN_IN_WITH_TICKET = mutation("signInWithTicket", "ticket: String!", _SIGNED_IN)
CHECK_IN_ATTENDEE = mutation(
    "checkInAttendee", "sessionId: ID!, ticket: String!", "membership { id state member { name } }"
)

INVITE = mutation("inviteToCommunity", "communityId: ID!, input: InviteToCommunityInput!", "membership { id state }")
JOIN = mutation("joinCommunity", "communityId: ID!", "membership { id state }")
ACCEPT_MEMBERSHIP = mutation("acceptMembership", "communityId: ID!", "membership { id state roles }")
DECLINE_MEMBERSHIP = mutation("declineMembership", "communityId: ID!", "membership { id state }")
LEAVE = mutation("leaveCommunity", "communityId: ID!", "membership { id state }")
APPROVE_MEMBERSHIP = mutation(
    "approveMembership", "membershipId: ID!, overrideCompetition: String", "membership { id state }"
)
REMOVE_MEMBERSHIP = mutation("removeMembership", "membershipId: ID!, ban: Boolean", "membership { id state }")
CHANGE_ROLES = mutation("changeRoles", "membershipId: ID!, roles: [CommunityRole!]!", "membership { id state roles }")
CREATE_COMMUNITY = mutation(
    "createCommunity",
    "networkId: ID!, input: CreateCommunityInput!",
    "community { id name about visibility admits joinPolicy memberCount viewerMembership { state roles } }",
)
UPDATE_COMMUNITY = mutation(
    "updateCommunity", "communityId: ID!, input: UpdateCommunityInput!", "community { name about }"
)
ARCHIVE = mutation("archiveCommunity", "communityId: ID!", "community { state }")
_INVITED = (
    "token invitation { id email kind role state expiresAt purpose staysUntil inviter { name } community { id }"
    " network { id } }"
)
ADD_MEMBER = mutation("addMember", "networkId: ID!, input: AddMemberInput!", _INVITED)
INVITE_GUEST = mutation("inviteGuest", "communityId: ID!, input: InviteGuestInput!", _INVITED)
_NOMINATION = "nomination { id name state declineReason }"
NOMINATE_PERSON = mutation("nominatePerson", "communityId: ID!, input: NominatePersonInput!", _NOMINATION)
ACCEPT_NOMINATION = mutation("acceptNomination", "nominationId: ID!, input: AcceptNominationInput!", _INVITED)
DECLINE_NOMINATION = mutation("declineNomination", "nominationId: ID!, reason: String!", _NOMINATION)
REVOKE_INVITATION = mutation("revokeInvitation", "invitationId: ID!", "invitation { id state }")
ACCEPT_INVITATION = mutation("acceptInvitation", "token: String!", "member { id name kind role state }")
_MEMBER = "member { state role kind expiresAt endedAt endedReason }"
CHANGE_MEMBER_ROLE = mutation("changeMemberRole", "memberId: ID!, role: NetworkRole!", _MEMBER)
CHANGE_MEMBER_KIND = mutation("changeMemberKind", "memberId: ID!, kind: MemberKind!", _MEMBER)
CHANGE_MEMBER_EXPIRY = mutation("changeMemberExpiry", "memberId: ID!, expiresAt: DateTime", _MEMBER)
CHANGE_MEMBER_ORGANISATION = mutation("changeMemberOrganisation", "memberId: ID!, organisationId: ID", _MEMBER)
_ORGANISATION = "organisation { id name kind externalRef competesWith { name } }"
CREATE_ORGANISATION = mutation("createOrganisation", "networkId: ID!, input: CreateOrganisationInput!", _ORGANISATION)
UPDATE_ORGANISATION = mutation(
    "updateOrganisation", "organisationId: ID!, input: UpdateOrganisationInput!", _ORGANISATION
)
SET_COMPETITION = mutation("setCompetition", "organisationId: ID!, competitorId: ID!, competes: Boolean", _ORGANISATION)
RENEW_GUEST = mutation("renewGuest", "memberId: ID!, staysUntil: DateTime!", _MEMBER)
TAKE_OVER_GUEST = mutation(
    "takeOverGuest",
    "memberId: ID!, staysUntil: DateTime!, communityId: ID",
    "member { state sponsor { name } expiresAt }",
)
ENABLE = mutation("enableMember", "memberId: ID!", _MEMBER)
DISABLE = mutation("disableMember", "memberId: ID!", "member { state }")

UPDATE_NETWORK = mutation(
    "updateNetwork",
    "networkId: ID!, input: UpdateNetworkInput!",
    "network { id name hybrid timeZone outsiderTier guestDaysMost }",
)

CREATE_SESSION = mutation("createSession", "networkId: ID!, input: CreateSessionInput!", _SESSION)
CHANGE_SESSION = mutation("changeSession", "sessionId: ID!, input: ChangeSessionInput!", _SESSION)
CANCEL_SESSION = mutation("cancelSession", "sessionId: ID!, note: String!", _SESSION)
LINK_RECORDING = mutation("linkRecording", "sessionId: ID!, url: String", _SESSION)
LINK_SLIDES = mutation("linkSlides", "sessionId: ID!, url: String", _SESSION)
RELEASE_REPLAY = mutation("releaseReplay", "sessionId: ID!", _SESSION)
CHECK_IN = mutation("checkIn", "sessionId: ID!", "membership { id state checkedInAt }")
CREATE_SPEAKER_CLAIM = mutation("createSpeakerClaim", "speakerId: ID!", f"token {_SPEAKER}")
CLAIM_SPEAKER = mutation("claimSpeaker", "token: String!", _SPEAKER)

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
COMMUNITY = """query ($id: ID!) { community(id: $id) {
  name about purpose memberCount viewerCan { join { allowed } read { allowed } contribute { allowed } }
  memberships(first: 20) { nodes { member { name } } }
} }"""
