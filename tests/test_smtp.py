"""SMTP: to which server letters go, and that they go over nothing that could be overheard."""

import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd import smtp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr, ValidationError

from realtime.smtp import Away, Never, Safety, Server
from server import Settings
from tests.mail_server import PASSWORD, USER, MailServer, mail_server

LOGIN = f"{USER.decode()}:{PASSWORD.decode().replace(' ', '%20')}@"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of localhost, signed by itself; with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    key_pem = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password)
    path = tmp_path / "certificate.pem"
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem) + key_pem)
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As whoever has a certificate authority of their own tells OpenSSL."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def message(to: str = "ann@example.com", policy: Any = SMTP) -> EmailMessage:
    made = EmailMessage(policy)
    made["From"], made["To"], made["Subject"] = "plenary@example.com", to, "Subject"
    made.set_content("Text")
    return made


async def send(mail: MailServer, scheme: str, login: str = "", *messages: EmailMessage) -> None:
    async with Server.of(f"{scheme}://{login}localhost:{mail.port}").connected() as line:
        for one in messages or [message()]:
            await line.send(one)


@pytest.mark.usefixtures("trusted")
async def test_over_starttls_with_a_password(tls: ssl.SSLContext) -> None:
    async with mail_server(tls=tls, starts=True, asks=True) as mail:
        await send(mail, "smtp", LOGIN)
    assert mail.recipients == ["ann@example.com"]
    assert (mail.logins[0].login, mail.logins[0].password) == (USER, PASSWORD)


@pytest.mark.usefixtures("trusted")
async def test_over_tls_from_the_first_byte(tls: ssl.SSLContext) -> None:
    async with mail_server(tls=tls) as mail:
        await send(mail, "smtps")
    assert mail.recipients == ["ann@example.com"]


# asyncio's server forgets a socket on which nobody shook hands.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("scheme", "starts"), [("smtp", True), ("smtps", False)])
async def test_a_server_that_cannot_prove_itself_gets_neither_password_nor_letter(
    tls: ssl.SSLContext, scheme: str, starts: bool
) -> None:
    async with mail_server(tls=tls, starts=starts, asks=True) as mail:
        with pytest.raises(Away):
            await send(mail, scheme, LOGIN)
    assert (mail.logins, mail.raw) == ([], [])


async def test_a_server_without_starttls_gets_nothing_but_where_that_was_said() -> None:
    async with mail_server() as mail:
        with pytest.raises(Away):
            await send(mail, "smtp")
        assert mail.raw == []
        await send(mail, "smtp+plain")
    assert len(mail.raw) == 1


@pytest.mark.usefixtures("trusted")
async def test_a_wrong_password_says_nothing_about_any_letter(tls: ssl.SSLContext) -> None:
    async with mail_server(tls=tls, starts=True, asks=True) as mail:
        with pytest.raises(Away) as away:
            await send(mail, "smtp", "plenary:wrong@")
    assert away.value.reason == "AuthenticationError 535"


async def test_after_an_answer_that_is_none_nothing_more_is_said_on_that_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def babble(*_: Any) -> str:
        return "what?"

    async with mail_server() as mail:
        monkeypatch.setattr(mail, "handle_MAIL", babble, raising=False)
        with pytest.raises(Away):
            await send(mail, "smtp+plain")
        monkeypatch.undo()
        monkeypatch.setattr(mail, "handle_DATA", babble)
        with pytest.raises(Away):
            await send(mail, "smtp+plain")


async def test_an_address_in_any_script_is_reached() -> None:
    async with mail_server() as mail:
        await send(mail, "smtp+plain", "", message("jörg@example.com", SMTPUTF8), message("ann@xn--bcher-kva.example"))
    assert mail.recipients == ["jörg@example.com", "ann@xn--bcher-kva.example"]


async def test_a_server_that_knows_ascii_alone_refuses_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async with mail_server() as mail:
        monkeypatch.setattr("tests.mail_server.SMTP", _without_utf8)
        with pytest.raises(Never, match="ADDRESS"):
            await send(mail, "smtp+plain", "", message("jörg@example.com", SMTPUTF8))
    assert mail.raw == []


def _without_utf8(*arguments: Any, **options: Any) -> smtp.SMTP:
    return smtp.SMTP(*arguments, **options | {"enable_SMTPUTF8": False})


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("smtp://mail.example.com", Server("mail.example.com", 587, Safety.STARTTLS)),
        ("smtps://mail.example.com", Server("mail.example.com", 465, Safety.TLS)),
        ("smtp+plain://127.0.0.1:1025", Server("127.0.0.1", 1025, Safety.NONE)),
        ("smtp://a%40b:s%2Fs@[::1]:25/", Server("::1", 25, Safety.STARTTLS, "a@b", "s/s")),
    ],
)
def test_what_urls_mean(url: str, meant: Server) -> None:
    assert Server.of(url) == meant


@pytest.mark.parametrize(
    "url",
    [
        *("mail.example.com", "http://mail.example.com", "smtp://", "smtp://:25", "smtp://sesame@", "smtp://mail:port"),
        *("smtp://mail:99999", "smtp://mail/path", "smtp://mail?tls=no", "smtp+plain://plenary:sesame@mail"),
    ],
)
def test_what_names_no_server_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(smtp_url=SecretStr(url), mail_from="plenary@example.com")
    assert "sesame" not in str(refusal.value)


def test_the_password_is_not_in_what_is_printed() -> None:
    settings = Settings(smtp_url=SecretStr("smtps://plenary:sesame@mail"), mail_from="plenary@example.com")
    assert "sesame" not in f"{settings!r} {settings.mail_server!r} {settings.mail_server} {settings.model_dump()}"


@pytest.mark.parametrize(
    "value",
    [
        *("", "nobody", "a@example.com, b@example.com", "x <y>", "a@example.com\nBcc: b@c.de"),
        *("a@bücher.example", "jörg@example.com"),
    ],
)
def test_letters_need_one_sender(value: str) -> None:
    with pytest.raises(ValidationError, match=r"PLENARY_SMTP_URL is|one address"):
        Settings(smtp_url=SecretStr("smtp://mail"), mail_from=value)
