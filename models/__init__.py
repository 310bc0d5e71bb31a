"""What is stored."""

from models.accounts import Account, AccountState, KioskKey, SignIn
from models.attendees import Attendee, SignInLink
from models.base import NOBODY, Lifecycle, MemberKind, NetworkRole, Row, metadata
from models.boards import (
    Anonymity,
    AnswerWindow,
    AskerMute,
    BoardOrder,
    BoardState,
    Moderation,
    QuestionBoard,
    ShowCounts,
    Unanswered,
    VisitorRights,
    WindowAnswerer,
)
from models.changes import Change, Head, Kind
from models.comments import Comment
from models.communities import (
    Admits,
    Community,
    CommunityPurpose,
    CommunityRole,
    CommunityState,
    JoinPolicy,
    Membership,
    MembershipState,
    Visibility,
)
from models.contents import AnswerState, Content, ContentKind, Revision
from models.database import Database
from models.documents import TrustedDocument
from models.escalations import Escalation, EscalationState
from models.idempotency import Answer
from models.invitations import Invitation, InvitationState
from models.letters import Letter, LetterState
from models.members import Attendance, EndedReason, Member, MemberState
from models.networks import Network, NetworkKind, OutsiderTier
from models.nominations import Nomination, NominationState
from models.organisations import Competition, Organisation, OrganisationKind
from models.polls import Ballot, BallotChoice, Poll, PollOption, PollResults, PollState
from models.principals import Principal, PrincipalKind
from models.questions import (
    UNRANKED,
    AnsweredHow,
    AuthorSeal,
    Question,
    QuestionAddressee,
    QuestionSource,
    QuestionState,
    Vote,
)
from models.schedules import Room, Session, SessionSpeaker, SessionState, Speaker, Track
from models.tasks import ParticipantRole, ParticipantState, Task, TaskMessage, TaskParticipant, TaskState
from models.visitors import Visit, Visitor
