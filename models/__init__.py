"""What is stored."""

from models.accounts import Account, AccountState, KioskKey, SignIn
from models.base import NOBODY, Lifecycle, MemberKind, NetworkRole, Row, metadata
from models.boards import Anonymity, BoardState, Moderation, QuestionBoard
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
from models.escalations import Escalation, EscalationState
from models.idempotency import Answer
from models.invitations import Invitation, InvitationState
from models.members import Member, MemberState
from models.networks import Network, NetworkKind
from models.principals import Principal, PrincipalKind
from models.questions import AnsweredHow, AuthorSeal, Question, QuestionState, Vote
from models.tasks import ParticipantRole, ParticipantState, Task, TaskMessage, TaskParticipant, TaskState
