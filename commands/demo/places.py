"""The places of the demo, by the keys under which var/demo.json gives their ids."""

from commands.demo.cast import COMPANY, CONFERENCE

NETWORKS = {COMPANY: "Halden Instruments", CONFERENCE: "Halden Days 2026"}

EVERYONE, SUPPORT, DEVELOPERS = "everyone", "support", "developers"
FIELD, LABORATORY, HERON, TRIAL = "field", "laboratory", "heron", "trial"
FOYER, KEYNOTE = "foyer", "keynote"

COMMUNITIES = {
    EVERYONE: (COMPANY, "Everyone"),
    SUPPORT: (COMPANY, "Customer support"),
    DEVELOPERS: (COMPANY, "Ask the developers"),
    FIELD: (COMPANY, "Field service"),
    LABORATORY: (COMPANY, "Calibration laboratory"),
    HERON: (COMPANY, "Project Heron"),
    TRIAL: (COMPANY, "Trial at Nordbryg"),
    FOYER: (CONFERENCE, "Foyer"),
    KEYNOTE: (CONFERENCE, "Keynote: How sure are you of your numbers?"),
}

BOARD = "Questions to Ruth Abel and Sofia Marin"
DISPLAY = "Main hall, left screen"
