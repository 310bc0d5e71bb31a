"""The people of the demo: a company, and those who come to its conference."""

from dataclasses import dataclass, field

PASSWORD = "welcome to halden"  # noqa: S105 - known to all, and for development only

COMPANY, CONFERENCE = "company", "conference"


@dataclass(frozen=True)
class Person:
    """`role` is what they are in the network `at`, for whoever tries the API."""

    name: str
    headline: str
    role: str
    at: str = COMPANY
    host: str = field(default="halden.example", kw_only=True)

    @property
    def email(self) -> str:
        return f"{'.'.join(self.name.lower().split())}@{self.host}"


IDA = Person("Ida Halden", "Managing director", "owner")
MAREK = Person("Marek Novak", "People and systems; ask me for access", "administrator")
HENRIK = Person("Henrik Solberg", "Field service, North Sea and Baltic", "employee")
PRIYA = Person("Priya Raman", "Support, flow meters", "support agent")
TOM = Person("Tom Okafor", "Support, weighing and dosing", "support agent")
LENA = Person("Lena Fischer", "Head of support", "support agent")
JONAS = Person("Jonas Lind", "Firmware of the FM series", "developer")
WEI = Person("Wei Zhang", "Gateway and cloud", "developer")
NADIA = Person("Nadia Haddad", "Bus protocols: Modbus, PROFINET, IO-Link", "developer")
SOFIA = Person("Sofia Marin", "Lead developer, signal processing", "responder")
YUSUF = Person("Yusuf Demir", "Calibration laboratory", "laboratory")
AMARA = Person("Amara Diallo", "Product manager, Heron", "moderator", CONFERENCE)
CLARA = Person("Clara Rossi", "Events; I run Halden Days", "moderator", CONFERENCE)

STAFF = (IDA, MAREK, HENRIK, PRIYA, TOM, LENA, JONAS, WEI, NADIA, SOFIA, YUSUF, AMARA, CLARA)
AGENTS = (PRIYA, TOM, LENA)
DEVELOPERS = (SOFIA, JONAS, WEI, NADIA)

NORA = Person("Nora Lund", "Brewmaster, Nordbryg", "guest", host="nordbryg.example")

RUTH = Person("Ruth Abel", "Professor of metrology", "speaker", CONFERENCE, host="tu-eichwald.example")
KARIN = Person("Karin Holm", "Process engineer, Nordbryg", "attendee", CONFERENCE, host="nordbryg.example")
PAUL = Person(
    "Paul Weber", "Maintenance, Chemwerk Lautertal", "anonymous attendee", CONFERENCE, host="lautertal.example"
)
CROWD = tuple(
    Person(name, headline, "attendee", CONFERENCE, host=host)
    for name, headline, host in (
        ("Aiko Mori", "Quality, Mori Dairy", "mori-dairy.example"),
        ("Ben Hughes", "Automation, Severn Water", "severn-water.example"),
        ("Chiara Conti", "Plant manager, Conti Paper", "conti-paper.example"),
        ("Dmitri Orlov", "Instrumentation, Delta Pharma", "delta-pharma.example"),
        ("Elif Kaya", "Energy, Bosphorus District Heating", "bdh.example"),
        ("Femi Adeyemi", "Operations, Lagos Beverages", "lagos-beverages.example"),
        ("Grace Lee", "Integrator, Lee Controls", "lee-controls.example"),
        ("Hugo Martin", "Metering, Ville de Sarnay", "sarnay.example"),
    )
)
GUESTS = (RUTH, KARIN, PAUL, *CROWD)

# As whom a newcomer may sign in, one of each role; and whom the bots play.
NEWCOMERS = (HENRIK, PRIYA, JONAS, SOFIA, NORA, CLARA, RUTH, KARIN, PAUL, IDA)
BOTS = (TOM, LENA, WEI, NADIA, AMARA, *CROWD)
