"""Who may see and do what: `policy.see_question` and its like.

The only place that says so.
"""

from resolvers.policy.accounts import see_account
from resolvers.policy.attendees import manage_attendee, scan_tickets, see_attendee
from resolvers.policy.boards import RUNNING as RUNNING_BOARDS
from resolvers.policy.boards import (
    ask_on_board,
    change_answer_window,
    count_on_board,
    display_board,
    follow_board,
    manage_board,
    revoke_kiosk_key,
    run_board,
    see_answer_window,
    see_board,
    see_kiosk_key,
)
from resolvers.policy.communities import (
    PANEL,
    RESPONDERS,
    accept_membership,
    answer_in_community,
    contribute_to_community,
    edit_community,
    escalate_into_community,
    invite_guest,
    is_open_to_all,
    join_community,
    leave_community,
    list_members,
    manage_community,
    manage_membership,
    own_community,
    read_community,
    run_boards_in_community,
    see_community,
    see_membership,
)
from resolvers.policy.contents import (
    accept_answer,
    comment_on_content,
    create_task_on_comment,
    create_task_on_content,
    edit_comment,
    edit_content,
    escalate_content,
    follow_content,
    see_comment,
    see_content,
    see_revision,
    withdraw_content,
)
from resolvers.policy.escalations import follow_escalation, push_escalation, resolve_escalation, see_escalation
from resolvers.policy.invitations import revoke_invitation, see_invitation
from resolvers.policy.members import (
    administer_member,
    edit_member,
    read_about,
    read_headline,
    read_terms,
    remind_of_guest,
    renew_guest,
    see_member,
    take_over_guest,
)
from resolvers.policy.networks import administer_network, create_community, create_task, is_here, see_network
from resolvers.policy.nominations import decide_nomination, nominate_person, read_decision, see_nomination
from resolvers.policy.organisations import manage_organisation, read_relations, see_organisation
from resolvers.policy.polls import (
    count_option,
    create_poll_on_board,
    decide_poll,
    moderate_poll,
    read_results,
    see_ballot,
    see_option,
    see_poll,
    see_published_poll,
    show_poll,
    vote_in_poll,
)
from resolvers.policy.questions import (
    addressed_question,
    count_votes,
    decide_question,
    edit_question,
    follow_question,
    hand_on_question,
    moderate_question,
    own_question,
    read_question,
    see_published_question,
    see_question,
    see_rejection,
    show_question,
    take_on_question,
    upvote_question,
    upvoted_question,
    voting_budget,
    withdraw_question,
)
from resolvers.policy.rules import Audience, Condition, Rule, Viewer, row_of, see
from resolvers.policy.schedules import (
    change_session,
    check_in_to_session,
    count_heads,
    link_slides,
    plan_session,
    read_schedule,
    report_on_session,
    see_check_in,
    see_room,
    see_session,
    see_speaker,
    see_track,
    vouch_for_speaker,
    watch_replay,
)
from resolvers.policy.tasks import RUNNING as RUNNING_TASKS
from resolvers.policy.tasks import (
    accept_task,
    cancel_task,
    carry_out_task,
    discuss_task,
    reassign_task,
    see_message,
    see_participant,
    see_task,
)
from resolvers.policy.visitors import board_by_code, see_visit
