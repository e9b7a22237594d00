"""The file of --pacs: what it may say, and a sentence that names file and key for everything else."""

import pytest

from fibrolens.errors import UsageError
from fibrolens.pacs.peers import OBJECTS, Limits, Peer, Secret, WebServer
from fibrolens.pacs.settings import read_pacs

LEAST = """
ae_title = "FIBROLENS"
port = 11112
[[peers]]
ae_title = "PACS"
host = "10.0.0.5"
port = 104
"""
FULL = """
ae_title = "FIBROLENS"
port = 11112
bind = "0.0.0.0"
quiet_seconds = 30
max_associations = 4
max_study_gb = 2
max_instance_mb = 100
keep_free_gb = 0.5

[[peers]]
ae_title = "PACS"
host = "pacs.hospital.example"
port = 104
tls = true

[[peers]]
ae_title = "CT1"

[send]
to = "PACS"
objects = ["report", "seg"]
retry_hours = 1

[fetch]
url = "https://pacs.hospital.example/dicom-web/"
user = "fibrolens"
password_file = "secret"
ca = "ca.pem"

[tls]
certificate = "own.pem"
key = "own.key"
ca = "ca.pem"
"""


@pytest.fixture
def write(tmp_path):
    """Write a settings file beside the files that it names."""
    for name in ("own.pem", "own.key", "ca.pem"):
        (tmp_path / name).touch()

    def written(text):
        (tmp_path / "pacs.toml").write_text(text, encoding="utf-8")
        return tmp_path / "pacs.toml"

    return written


def test_little_is_needed_and_the_rest_is_safe(write):
    pacs = read_pacs(write(LEAST))
    assert pacs.peers == (Peer("PACS", "10.0.0.5", 104),)
    assert (pacs.bind, pacs.quiet_seconds, pacs.limits) == ("127.0.0.1", 60, Limits())
    assert pacs.send is pacs.fetch is pacs.tls is None


def test_everything_can_be_said(write, tmp_path):
    pacs = read_pacs(write(FULL))
    assert (pacs.bind, pacs.quiet_seconds) == ("0.0.0.0", 30)  # noqa: S104  (only read)
    assert pacs.limits == Limits(4, 2 * 2**30, 100 * 2**20, 2**29)
    assert pacs.send.to == pacs.peer("PACS") == Peer("PACS", "pacs.hospital.example", 104, tls=True)
    assert pacs.send.objects == ("seg", "report")  # in the order in which they refer to each other
    secret = Secret(file=tmp_path / "secret")
    url = "https://pacs.hospital.example/dicom-web"
    assert pacs.fetch == WebServer(url, "fibrolens", secret, tmp_path / "ca.pem")
    assert pacs.tls.key == tmp_path / "own.key"
    assert pacs.peer("NOBODY") is None


def test_all_objects_are_sent_unless_told_otherwise(write):
    assert read_pacs(write(LEAST + '[send]\nto = "PACS"')).send.objects == OBJECTS


def test_a_service_may_ask_for_a_token(write):
    found = read_pacs(write(LEAST + '[send]\nurl = "http://127.0.0.1:8042/dicom-web"\ntoken_env = "PACS_TOKEN"'))
    assert found.send.to == WebServer("http://127.0.0.1:8042/dicom-web", secret=Secret(environment="PACS_TOKEN"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('ae_title = "FIBROLENS"', 'ae_title = "A TITLE THAT IS TOO LONG"'), "ae_title must be given: up to 16"),
        (('ae_title = "FIBROLENS"', "ae_title = 5"), "ae_title must be a text in quotation marks"),
        (('ae_title = "FIBROLENS"', r"ae_title = 'A\B'"), "ae_title must be given"),
        (('ae_title = "FIBROLENS"', ""), "ae_title must be given"),
        (("port = 11112", "port = 70000"), "port must be a whole number of 0 to 65535"),
        (("port = 11112", 'port = "11112"'), "port must be a whole number"),
        (("port = 11112", ""), "port must be a whole number"),
        (("port = 11112", "port = 11112\nprot = 3"), "prot is not known here"),
        (("port = 11112", "port = 11112\nquiet_seconds = nan"), "quiet_seconds must be a number of 0.1 to 86400"),
        (('host = "10.0.0.5"', ""), "peers.host is missing"),
        (('host = "10.0.0.5"', 'hots = "10.0.0.5"\nhost = "a"'), "peers.hots is not known here"),
        (("[[peers]]", "[peers]"), "peers must be given, each one as a table: [[peers]]"),
        (("port = 104", 'port = 104\ntls = "yes"'), "peers.tls must be true or false"),
        (("port = 104", "port = 104\ntls = true"), "tls is needed where a peer has tls = true"),
        (("port = 104", 'port = 104\n[[peers]]\nae_title = "PACS"'), "peers names PACS more than once"),
        (("port = 104", "port = 104\n[send]"), "send.to or url is needed, one of both"),
        (("port = 104", 'port = 104\n[send]\nto = "OTHER"'), "send.to names 'OTHER', which is no AE title"),
        (
            ("port = 104", 'port = 104\n[[peers]]\nae_title = "CT1"\n[send]\nto = "CT1"'),
            "send.to names CT1, whose host",
        ),
        (("port = 104", 'port = 104\n[send]\nto = "PACS"\nobjects = ["pdf"]'), "send.objects holds 'pdf'"),
        (("port = 104", 'port = 104\n[send]\nto = "PACS"\nobjects = []'), "send.objects is empty"),
        (("port = 104", 'port = 104\n[send]\nto = "PACS"\nobjects = "seg"'), "send.objects must be a list of texts"),
        (("port = 104", 'port = 104\n[send]\nto = "PACS"\ntoken_env = "X"'), "send.token_env is not known here"),
        (("port = 104", 'port = 104\n[fetch]\nurl = "ftp://x"'), "fetch.url is no address that begins with http"),
        (("port = 104", 'port = 104\n[fetch]\nurl = "http://me:secret@x/"'), "fetch.url holds a user"),
        (("port = 104", 'port = 104\n[fetch]\nurl = "http://x/"\nuser = "me"'), "fetch.password_env or password_file"),
        (("port = 104", 'port = 104\n[fetch]\nurl = "http://x/"\npassword = "x"'), "fetch.password is not known here"),
        (("port = 104", "port = 104\n[tls]"), "tls.certificate must name a file that exists"),
        (("port = 104", "port ="), "is not TOML"),
    ],
)
def test_what_cannot_be_is_told_by_file_and_key(write, change, sentence):
    assert change[0] in LEAST
    with pytest.raises(UsageError) as error:
        read_pacs(write(LEAST.replace(*change, 1)))
    assert "pacs.toml" in str(error.value)
    assert sentence in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_pacs(tmp_path / "none.toml")
