"""The first tables."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# The last one first: each refers only to those behind it.
TABLES = (
    "task_participant",
    "task_message",
    "escalation",
    "vote",
    "task",
    "author_seal",
    "revision",
    "question",
    "kiosk_key",
    "comment",
    "question_board",
    "membership",
    "invitation",
    "content",
    "sign_in",
    "member",
    "community",
    "answer",
    "account",
    "principal",
    "network",
    "head",
    "change",
)


def upgrade() -> None:
    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("noun", sa.String(length=32), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("gained", sa.JSON(), nullable=False),
        sa.Column("lost", sa.JSON(), nullable=False),
        sa.Column("seen_with", sa.JSON(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change")),
        sa.UniqueConstraint("position", name=op.f("uq_change_position")),
    )
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("trimmed", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_head")),
    )
    op.bulk_insert(head, [{"id": 1, "position": 0, "trimmed": 0, "epoch": uuid4()}])
    op.create_table(
        "network",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network")),
    )
    op.create_table(
        "principal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_principal")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("display_name", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_account_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
    )
    op.create_index(op.f("ix_account_principal_id"), "account", ["principal_id"], unique=True)
    op.create_table(
        "answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("mutation", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("arguments_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_answer_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("principal_id", "mutation", "key", name=op.f("uq_answer_principal_id_mutation_key")),
    )
    op.create_index("ix_answer_age", "answer", ["created_at"])
    op.create_table(
        "community",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("about", sa.String(length=5000), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("admits", sa.String(length=16), nullable=False),
        sa.Column("visibility", sa.String(length=16), nullable=False),
        sa.Column("join_policy", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("member_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_community_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community")),
    )
    op.create_index(op.f("ix_community_network_id"), "community", ["network_id"], unique=False)
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("headline", sa.String(length=200), nullable=False),
        sa.Column("about", sa.String(length=5000), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_member_network_id")),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_member_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("network_id", "principal_id", name=op.f("uq_member_network_id_principal_id")),
    )
    op.create_index(op.f("ix_member_principal_id"), "member", ["principal_id"], unique=False)
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_sign_in_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_token_hash")),
    )
    op.create_index(op.f("ix_sign_in_principal_id"), "sign_in", ["principal_id"], unique=False)
    op.create_table(
        "content",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(length=20000), nullable=False),
        sa.Column("tags", sa.String(length=1100), nullable=False),
        sa.Column("lifecycle", sa.String(length=16), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("comment_count", sa.Integer(), nullable=False),
        sa.Column("answer_state", sa.String(length=16), nullable=False),
        sa.Column("accepted_comment_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["member.id"], name=op.f("fk_content_author_id")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_content_community_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_content_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content")),
    )
    op.create_index("ix_content_activity", "content", ["community_id", "published_at", "id"], unique=False)
    op.create_index(op.f("ix_content_author_id"), "content", ["author_id"], unique=False)
    op.create_index(op.f("ix_content_network_id"), "content", ["network_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("inviter_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_invitation_community_id")),
        sa.ForeignKeyConstraint(["inviter_id"], ["member.id"], name=op.f("fk_invitation_inviter_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_invitation_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_community_id"), "invitation", ["community_id"], unique=False)
    op.create_index(op.f("ix_invitation_inviter_id"), "invitation", ["inviter_id"], unique=False)
    op.create_index(op.f("ix_invitation_network_id"), "invitation", ["network_id"], unique=False)
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_membership_community_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_membership_member_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_membership_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("community_id", "member_id", name=op.f("uq_membership_community_id_member_id")),
    )
    op.create_index(op.f("ix_membership_member_id"), "membership", ["member_id"], unique=False)
    op.create_table(
        "question_board",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("moderation", sa.String(length=16), nullable=False),
        sa.Column("anonymity", sa.String(length=16), nullable=False),
        sa.Column("published_count", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_question_board_community_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_question_board_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question_board")),
    )
    op.create_index(op.f("ix_question_board_community_id"), "question_board", ["community_id"], unique=False)
    op.create_index(op.f("ix_question_board_network_id"), "question_board", ["network_id"], unique=False)
    op.create_table(
        "comment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(length=10000), nullable=False),
        sa.Column("lifecycle", sa.String(length=16), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["member.id"], name=op.f("fk_comment_author_id")),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_comment_content_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_comment_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
    )
    op.create_index(op.f("ix_comment_author_id"), "comment", ["author_id"], unique=False)
    op.create_index(op.f("ix_comment_network_id"), "comment", ["network_id"], unique=False)
    op.create_index("ix_comment_thread", "comment", ["content_id", "created_at", "id"], unique=False)
    op.create_table(
        "kiosk_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["board_id"], ["question_board.id"], name=op.f("fk_kiosk_key_board_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_kiosk_key_network_id")),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_kiosk_key_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kiosk_key")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_kiosk_key_token_hash")),
    )
    op.create_index(op.f("ix_kiosk_key_board_id"), "kiosk_key", ["board_id"], unique=False)
    op.create_index(op.f("ix_kiosk_key_network_id"), "kiosk_key", ["network_id"], unique=False)
    op.create_index(op.f("ix_kiosk_key_principal_id"), "kiosk_key", ["principal_id"], unique=True)
    op.create_table(
        "question",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("body", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reject_reason", sa.String(length=500), nullable=True),
        sa.Column("on_screen", sa.Boolean(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_how", sa.String(length=16), nullable=True),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["member.id"], name=op.f("fk_question_author_id")),
        sa.ForeignKeyConstraint(["board_id"], ["question_board.id"], name=op.f("fk_question_board_id")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_question_community_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_question_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
    )
    op.create_index("ix_question_activity", "question", ["community_id", "published_at", "id"], unique=False)
    op.create_index(op.f("ix_question_author_id"), "question", ["author_id"], unique=False)
    op.create_index(op.f("ix_question_board_id"), "question", ["board_id"], unique=False)
    op.create_index(op.f("ix_question_network_id"), "question", ["network_id"], unique=False)
    op.create_table(
        "revision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(length=20000), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["member.id"], name=op.f("fk_revision_author_id")),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_revision_content_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
        sa.UniqueConstraint("content_id", "no", name=op.f("uq_revision_content_id_no")),
    )
    op.create_index(op.f("ix_revision_author_id"), "revision", ["author_id"], unique=False)
    op.create_table(
        "author_seal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_author_seal_principal_id")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_author_seal_question_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_author_seal")),
    )
    op.create_index(op.f("ix_author_seal_principal_id"), "author_seal", ["principal_id"], unique=False)
    op.create_index(op.f("ix_author_seal_question_id"), "author_seal", ["question_id"], unique=True)
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.Column("content_id", sa.Uuid(), nullable=True),
        sa.Column("comment_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(length=10000), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_task_comment_id")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_task_community_id")),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_task_content_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_task_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(op.f("ix_task_comment_id"), "task", ["comment_id"], unique=False)
    op.create_index(op.f("ix_task_community_id"), "task", ["community_id"], unique=False)
    op.create_index(op.f("ix_task_content_id"), "task", ["content_id"], unique=False)
    op.create_index(op.f("ix_task_network_id"), "task", ["network_id"], unique=False)
    op.create_table(
        "vote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_vote_principal_id")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_vote_question_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote")),
        sa.UniqueConstraint("question_id", "principal_id", name=op.f("uq_vote_question_id_principal_id")),
    )
    op.create_index(op.f("ix_vote_principal_id"), "vote", ["principal_id"], unique=False)
    op.create_table(
        "escalation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("topic_id", sa.Uuid(), nullable=False),
        sa.Column("from_content_id", sa.Uuid(), nullable=False),
        sa.Column("escalated_by_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["assignee_id"], ["member.id"], name=op.f("fk_escalation_assignee_id")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_escalation_community_id")),
        sa.ForeignKeyConstraint(["escalated_by_id"], ["member.id"], name=op.f("fk_escalation_escalated_by_id")),
        sa.ForeignKeyConstraint(["from_content_id"], ["content.id"], name=op.f("fk_escalation_from_content_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_escalation_network_id")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_escalation_task_id")),
        sa.ForeignKeyConstraint(["topic_id"], ["content.id"], name=op.f("fk_escalation_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
    )
    op.create_index(op.f("ix_escalation_assignee_id"), "escalation", ["assignee_id"], unique=False)
    op.create_index(op.f("ix_escalation_community_id"), "escalation", ["community_id"], unique=False)
    op.create_index(op.f("ix_escalation_escalated_by_id"), "escalation", ["escalated_by_id"], unique=False)
    op.create_index(op.f("ix_escalation_from_content_id"), "escalation", ["from_content_id"], unique=False)
    op.create_index(op.f("ix_escalation_network_id"), "escalation", ["network_id"], unique=False)
    op.create_index(op.f("ix_escalation_task_id"), "escalation", ["task_id"], unique=False)
    op.create_index(op.f("ix_escalation_topic_id"), "escalation", ["topic_id"], unique=True)
    op.create_table(
        "task_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(length=10000), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["member.id"], name=op.f("fk_task_message_author_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_task_message_network_id")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_message_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_message")),
    )
    op.create_index(op.f("ix_task_message_author_id"), "task_message", ["author_id"], unique=False)
    op.create_index(op.f("ix_task_message_network_id"), "task_message", ["network_id"], unique=False)
    op.create_index(op.f("ix_task_message_task_id"), "task_message", ["task_id"], unique=False)
    op.create_table(
        "task_participant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_task_participant_member_id")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_participant_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_participant")),
        sa.UniqueConstraint("task_id", "member_id", "role", name=op.f("uq_task_participant_task_id_member_id_role")),
    )
    op.create_index(op.f("ix_task_participant_member_id"), "task_participant", ["member_id"], unique=False)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
