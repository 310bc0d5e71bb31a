"""What happens to sessions in the replay."""

from tests.turns import TEXT, Action, hours, mutation, nothing, text

SESSION_ACTIONS: dict[str, Action] = {
    "plan session": (
        mutation(
            "createSession(networkId: $a, input: {title: $text, startsAt: $at, endsAt: $until, visibility: $seen})",
            "session { id }",
            TEXT + ", $at: DateTime!, $until: DateTime!, $seen: Visibility!",
        ),
        ("networks",),
        "sessions",
        lambda turn: text(turn) | hours(turn) | {"seen": ["OPEN", "PRIVATE", "HIDDEN"][turn.picks[1] % 3]},
    ),
    "move session": (
        mutation(
            "changeSession(sessionId: $a, input: {startsAt: $at, endsAt: $until, room: $text, note: $text})",
            "session { id }",
            TEXT + ", $at: DateTime!, $until: DateTime!",
        ),
        ("sessions",),
        "",
        lambda turn: text(turn) | hours(turn),
    ),
    "rename session": (
        mutation("changeSession(sessionId: $a, input: {title: $text, speakers: [$text]})", "session { id }", TEXT),
        ("sessions",),
        "",
        text,
    ),
    "cancel session": (
        mutation("cancelSession(sessionId: $a, note: $text)", "session { id }", TEXT),
        ("sessions",),
        "",
        text,
    ),
    "link recording": (
        mutation('linkRecording(sessionId: $a, url: "https://example.com/r")', "session { id }"),
        ("sessions",),
        "",
        nothing,
    ),
    "link slides": (
        mutation('linkSlides(sessionId: $a, url: "https://example.com/s")', "session { id }"),
        ("sessions",),
        "",
        nothing,
    ),
    "release replay": (mutation("releaseReplay(sessionId: $a)", "session { id }"), ("sessions",), "", nothing),
    "check in": (mutation("checkIn(sessionId: $a)", "membership { id }"), ("sessions",), "memberships", nothing),
    "tier": (
        mutation(
            "updateNetwork(networkId: $a, input: {outsiderTier: $tier})",
            "network { id }",
            "$a: ID!, $tier: OutsiderTier!",
        ),
        ("networks",),
        "",
        lambda turn: {"tier": ["NONE", "AGENDA_ONLY", "REPLAYS", "FULL"][turn.picks[1] % 4]},
    ),
}
