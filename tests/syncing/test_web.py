"""Pages of a real server on this machine, well-behaved and otherwise."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.syncing.site import Page, Site, html, moved, sitemap

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.settings import Web
from groundtone.syncing.scanning import Scan
from groundtone.syncing.web.addresses import is_address, is_public, normal
from groundtone.syncing.web.fetching import STRIKES, NotFetched, Session
from groundtone.syncing.web.kinds import ending
from groundtone.syncing.web.pages import Pages

MODIFIED = "Tue, 03 Mar 2026 10:00:00 GMT"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def get() -> Iterator[Callable[..., Any]]:
    """Fetches one address with these limits."""
    opened = []

    def got(address: str, *, stay: str | None = None, **limits: Any) -> Any:
        session = Session(Web(**{"allow_private": True, "delay": 0, "seconds": 5} | limits))
        opened.append(session)
        return session.get(address, stay=stay)

    yield got
    for session in opened:
        session.close()


class Sources:
    """Looks at sources as one sync after another would."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        self.folder = folder
        self.limits = Web(**{"allow_private": True, "delay": 0, "seconds": 5} | limits)
        self.known: set[str] = set()

    def scan(self, source: str, **more: Any) -> Scan:
        pages = Pages(self.folder, self.limits)
        try:
            found = pages.scan(source, self.known, **more)
        finally:
            pages.close()
        present = {file.name for file in found.files}
        kept = {name for name in self.known - present if found.may_still_exist(name)}
        self.known = present | kept
        return found

    def check(self, source: str) -> None:
        pages = Pages(self.folder, self.limits)
        try:
            pages.check(source)
        finally:
            pages.close()


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path / "downloads")


def names(found: Scan, site: Site) -> list[str]:
    return [file.name.removeprefix(site.url) for file in found.files]


# -- addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("http://example.com:80/a#part", "http://example.com/a"),
        ("https://example.com:8443/a?b=c d", "https://example.com:8443/a?b=c%20d"),
        ("https://bücher.example/über", "https://xn--bcher-kva.example/%C3%BCber"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("https://example.com/a%20b", "https://example.com/a%20b"),
    ],
)
def test_an_address_has_one_spelling(given: str, wanted: str) -> None:
    assert normal(given) == wanted
    assert normal(wanted) == wanted


@pytest.mark.parametrize(
    "given",
    [
        "ftp://example.com/a", "file:///etc/passwd", "https://", "http://user:secret@example.com/",
        "http://example.com:99999/", "http://exa mple.com/", "http://[::1/", "javascript:alert(1)",
        "http://..example/", "http://" + "a" * 70 + ".example/",
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError):
        normal(given)


def test_paths_are_no_addresses() -> None:
    assert not any(map(is_address, ("docs", "/a/b", "C:\\docs", "https:/x", "a b://c")))
    assert is_address("https://example.com") and is_address("ftp://example.com")


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.5.4", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "fe80::1%eth0", "fc00::1",
        "::ffff:192.168.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::", "ff02::1", "198.18.0.1",
    ],
)  # fmt: skip
def test_private_and_reserved_addresses_are_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are(ip: str) -> None:
    assert is_public(ip)


@pytest.mark.parametrize(
    ("media_type", "path", "wanted"),
    [
        ("text/html", "/guide.pdf", ".html"),
        ("text/html", "/guide", ".html"),
        ("text/plain", "/guide.md", ".md"),
        ("text/plain", "/LICENSE", ".txt"),
        ("application/octet-stream", "/guide.pdf", ".pdf"),
        ("application/pdf", "/download?id=7", ".pdf"),
        ("text/markdown", "/readme", ".md"),
        ("", "/guide", ".html"),
        ("image/png", "/guide.md", None),
        ("application/octet-stream", "/program.exe", None),
        ("application/x-unheard-of", "/a.b/c", None),
    ],
)
def test_the_kind_of_a_page(media_type: str, path: str, wanted: str | None) -> None:
    assert ending(media_type, "https://example.com" + path) == wanted


# -- one page -----------------------------------------------------------------------------------


def test_a_page_with_what_was_declared(site: Site, get: Callable[..., Any]) -> None:
    site.pages["/a"] = html("A", type="text/html; charset=ISO-8859-2", etag='"1"')
    answer = get(f"{site.url}/a")
    assert (answer.media_type, answer.charset, answer.etag) == ("text/html", "iso-8859-2", '"1"')
    assert b"blue key" in answer.body
    [agent] = site.agents
    assert agent.startswith("groundtone/")


def test_redirects_are_followed_and_counted(site: Site, get: Callable[..., Any]) -> None:
    site.pages |= {"/0": moved("/1"), "/1": moved("2", 301), "/2": html("Here")}
    assert get(f"{site.url}/0").address == f"{site.url}/2"
    with pytest.raises(NotFetched, match="more than 1 times"):
        get(f"{site.url}/0", redirects=1)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("/loop", "in a circle"),
        ("/other", "in a circle"),
        ("file:///etc/passwd", "no http or https"),
        ("gopher://127.0.0.1/", "no http or https"),
        ("http://user:word@127.0.0.1/", "password"),
        ("", "leads nowhere"),
    ],
)
def test_redirects_that_lead_nowhere_good(
    site: Site, get: Callable[..., Any], place: str, reason: str
) -> None:
    site.pages |= {"/loop": moved(place), "/other": moved("/loop")}
    with pytest.raises(NotFetched, match=reason):
        get(f"{site.url}/loop")


def test_a_redirect_to_another_site_may_be_refused(site: Site, get: Callable[..., Any]) -> None:
    other = Site()
    other.pages["/b"] = html("B")
    site.pages["/a"] = moved(f"{other.url}/b")
    try:
        assert get(f"{site.url}/a").address == f"{other.url}/b"
        with pytest.raises(NotFetched, match="another site"):
            get(f"{site.url}/a", stay=site.host)
    finally:
        other.close()


def test_private_addresses_are_refused_before_anything_is_sent(
    site: Site, get: Callable[..., Any]
) -> None:
    port = site.host.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(NotFetched, match="private address"):
            get(f"http://{host}:{port}/a", allow_private=False)
    assert site.asked == []


def test_a_name_is_judged_by_what_is_connected_to(
    site: Site, get: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: a public answer for the check, a private one for the connection."""
    port = int(site.host.rpartition(":")[2])
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    connected = []
    real = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **more: Any) -> Any:
        if host != "rebind.example":
            return real(host, *rest, **more)
        ips = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> Any:
        connected.append(address[0])
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    for reason in ("no connection", "private address"):
        with pytest.raises(NotFetched, match=reason):
            get(f"http://rebind.example:{port}/a", allow_private=False)
    assert connected == ["93.184.216.34"]
    answers[:] = [["10.0.0.1", "93.184.216.34"]]
    with pytest.raises(NotFetched, match="no connection"):
        get(f"http://rebind.example:{port}/a", allow_private=False)
    assert connected == ["93.184.216.34"] * 2, "only the public address of the two"


def test_a_redirect_into_a_private_network_is_refused(
    site: Site, get: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundtone.syncing.web import connecting

    port = site.host.rpartition(":")[2]
    monkeypatch.setattr(connecting, "is_public", lambda ip: ip == "127.0.0.1")
    site.pages["/a"] = moved(f"http://[::1]:{port}/secret")
    with pytest.raises(NotFetched, match="::1 is a private address"):
        get(f"{site.url}/a", allow_private=False)


def test_a_huge_body_is_cut_off_early(site: Site, get: Callable[..., Any]) -> None:
    sent = []

    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent.append(65536)

    site.pages |= {"/endless": Page(send=endless), "/declared": Page(b"x" * 200_000)}
    for path in ("/endless", "/declared"):
        with pytest.raises(NotFetched, match=r"larger than 100,000 bytes \(\[web\] max_bytes"):
            get(site.url + path, max_bytes=100_000)
    assert sum(sent) < 20_000_000


def test_a_bomb_is_never_unpacked_whole(site: Site, get: Callable[..., Any]) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(60)) + packer.flush()
    site.pages["/bomb"] = Page(bomb, headers={"Content-Encoding": "gzip"})
    site.pages["/sitemap.xml.gz"] = Page(bomb, "application/gzip")
    started = time.perf_counter()
    with pytest.raises(NotFetched, match="larger than 1,000,000 bytes"):
        get(f"{site.url}/bomb", max_bytes=1_000_000)
    assert time.perf_counter() - started < 20


def test_packed_bodies_are_unpacked(site: Site, get: Callable[..., Any]) -> None:
    packed = gzip.compress(b"<p>one</p>") + gzip.compress(b"<p>two</p>")
    site.pages |= {
        "/gzip": Page(packed, headers={"Content-Encoding": "gzip"}),
        "/cut": Page(packed[:20], headers={"Content-Encoding": "gzip"}),
        "/broken": Page(b"no gzip at all", headers={"Content-Encoding": "gzip"}),
        "/br": Page(b"x", headers={"Content-Encoding": "br"}),
    }
    assert get(f"{site.url}/gzip").body == b"<p>one</p><p>two</p>"
    for path, reason in (("/cut", "cut off"), ("/broken", "broken"), ("/br", "'br'")):
        with pytest.raises(NotFetched, match=reason):
            get(site.url + path)


def drip(seconds: float, headers_too: bool) -> Callable[[Any], None]:
    """A byte every so many seconds."""

    def send(handler: Any) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\n"
        if not headers_too:
            handler.wfile.write(head)
        for byte in (head if headers_too else b"") + b"x" * 500:
            handler.wfile.write(bytes([byte]))
            time.sleep(seconds)

    return send


@pytest.mark.parametrize("headers_too", [False, True])
def test_a_slow_server_costs_only_the_time_of_one_page(
    site: Site, get: Callable[..., Any], headers_too: bool
) -> None:
    site.pages["/slow"] = Page(send=drip(0.05, headers_too))
    started = time.perf_counter()
    with pytest.raises(NotFetched, match=r"not there within 1.5 s"):
        get(f"{site.url}/slow", seconds=1.5)
    assert time.perf_counter() - started < 20


def test_the_time_holds_for_all_redirects_together(site: Site, get: Callable[..., Any]) -> None:
    def wait(place: str) -> Callable[[Any], None]:
        def send(handler: Any) -> None:
            time.sleep(0.25)
            handler.send_response(302)
            handler.send_header("Location", place)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        return send

    site.pages |= {f"/{n}": Page(send=wait(f"/{n + 1}")) for n in range(9)}
    with pytest.raises(NotFetched, match="not there within"):
        get(f"{site.url}/0", seconds=1.5, redirects=20)


def test_a_cut_connection_and_a_server_that_is_not_there(
    site: Site, get: Callable[..., Any]
) -> None:
    def cut(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nonly this")
        handler.close_connection = True

    def nonsense(handler: Any) -> None:
        handler.wfile.write(b"\x00\x01 this is not HTTP\r\n\r\n")
        handler.close_connection = True

    site.pages |= {"/cut": Page(send=cut), "/nonsense": Page(send=nonsense)}
    for path in ("/cut", "/nonsense"):
        with pytest.raises(NotFetched, match="no connection"):
            get(site.url + path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotFetched, match=r"^no connection"):
        get(f"http://127.0.0.1:{port}/")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_certificate_that_nobody_vouches_for_is_refused(
    site: Site, get: Callable[..., Any], tmp_path: Path
) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    made += ["-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    site.pages["/a"] = html("A")
    site.secure(context)
    with pytest.raises(NotFetched, match=r"(?i)certificate"):
        get(f"https://{site.host}/a")
    assert site.asked == []


def test_robots_are_respected(site: Site, get: Callable[..., Any]) -> None:
    site.pages |= {"/open": html("Open"), "/closed/a": html("Closed"), "/closed/open": html("Open")}
    site.pages["/robots.txt"] = Page(
        "User-agent: *\nDisallow: /\n\n"
        "User-agent: groundtone\nDisallow: /closed/\nAllow: /closed/open$\n",
        "text/plain",
    )
    get(f"{site.url}/open")
    get(f"{site.url}/closed/open")
    with pytest.raises(NotFetched, match=r"robots.txt does not allow"):
        get(f"{site.url}/closed/a")
    site.pages["/to"] = moved("/closed/a")
    with pytest.raises(NotFetched, match=r"robots.txt does not allow"):
        get(f"{site.url}/to")
    assert "/closed/a" not in site.paths()


def test_robots_that_cannot_be_had(site: Site, get: Callable[..., Any]) -> None:
    site.pages["/a"] = html("A")
    site.pages["/robots.txt"] = Page(status=403)
    get(f"{site.url}/a")
    site.pages["/robots.txt"] = Page(status=503)
    with pytest.raises(NotFetched, match=r"robots.txt could not be asked: HTTP 503"):
        get(f"{site.url}/a")
    site.pages["/robots.txt"] = moved("/rules.txt")
    site.pages["/rules.txt"] = Page("User-agent: *\nDisallow: /a\n" + "#" * 2_000_000, "text/plain")
    with pytest.raises(NotFetched, match=r"robots.txt does not allow"):
        get(f"{site.url}/a")


def test_requests_to_one_site_keep_their_distance(site: Site) -> None:
    site.pages |= {"/a": html("A"), "/b": html("B")}
    session = Session(Web(allow_private=True, delay=0.15))
    started = time.perf_counter()
    session.get(f"{site.url}/a")
    session.get(f"{site.url}/b")
    session.close()
    assert time.perf_counter() - started > 0.28  # robots.txt, a, b


def test_a_busy_server_is_asked_once_more_when_it_says_when(
    site: Site, get: Callable[..., Any]
) -> None:
    def busy_once(handler: Any) -> None:
        site.pages["/a"] = html("A")
        body = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
        handler.wfile.write(body)

    site.pages |= {"/a": Page(send=busy_once), "/b": Page(status=503)}
    assert get(f"{site.url}/a").fresh
    with pytest.raises(NotFetched, match="HTTP 503"):
        get(f"{site.url}/b")
    assert site.paths() == ["/a", "/a", "/b"]


def test_a_site_that_does_not_answer_is_left_alone(site: Site) -> None:
    session = Session(Web(allow_private=True, delay=0, seconds=0.2))
    site.pages |= {f"/{n}": Page(send=drip(1, True)) for n in range(6)}
    reasons = []
    for n in range(6):
        with pytest.raises(NotFetched) as caught:
            session.get(f"{site.url}/{n}")
        reasons.append(caught.value.reason)
    session.close()
    assert len(site.paths()) == STRIKES
    assert "not tried" in reasons[-1]


# -- sources ------------------------------------------------------------------------------------


def test_a_page_is_a_source_and_costs_a_304_when_unchanged(site: Site, sources: Sources) -> None:
    site.pages["/guide"] = html("The guide", etag='"v1"', modified=MODIFIED)
    source = f"{site.url}/guide"
    [file] = sources.scan(source).files
    assert file.name == source and file.path.suffix == ".html"
    assert b"blue key" in file.path.read_bytes()
    assert int(file.mtime_ns // 10**9) == 1772532000, "the page's own time"
    assert sources.scan(source).files == [file]
    assert [status for _, status in site.asked if _ == "/guide"] == [200, 304]
    site.pages["/guide"] = html("The guide", "Turn the pink key", etag='"v2"', modified=MODIFIED)
    [changed] = sources.scan(source).files
    assert changed.mtime_ns != file.mtime_ns, "though size and Last-Modified are the same"
    assert b"pink key" in changed.path.read_bytes()


def test_the_same_bytes_again_are_unchanged_without_a_304(site: Site, sources: Sources) -> None:
    site.pages["/a"] = html("A")
    first = sources.scan(f"{site.url}/a").files
    assert sources.scan(f"{site.url}/a").files == first
    assert site.paths(200) == ["/a", "/a"]


def test_a_page_that_was_tampered_with_is_fetched_whole(site: Site, sources: Sources) -> None:
    site.pages["/a"] = html("A", etag='"1"')
    [file] = sources.scan(f"{site.url}/a").files
    file.path.write_text("half a page")
    [again] = sources.scan(f"{site.url}/a").files
    assert b"blue key" in again.path.read_bytes()
    record = next(sources.folder.rglob("*.record"))
    record.write_text("{")
    assert b"blue key" in sources.scan(f"{site.url}/a").files[0].path.read_bytes()


def test_a_page_that_becomes_another_kind(site: Site, sources: Sources) -> None:
    site.pages["/a"] = html("A")
    sources.scan(f"{site.url}/a")
    site.pages["/a"] = Page("# A", "text/markdown")
    [file] = sources.scan(f"{site.url}/a").files
    kept = {path.name for path in file.path.parent.iterdir()}
    assert file.path.suffix == ".md" and len(kept) == 2, "the page and its record"


def test_a_page_is_asked_for_once_in_a_sync(site: Site, tmp_path: Path) -> None:
    site.pages["/a"] = html("A")
    pages = Pages(tmp_path, Web(allow_private=True, delay=0))
    assert pages.scan(f"{site.url}/a") is pages.scan(f"{site.url}/a")
    pages.close()
    assert site.paths() == ["/a"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_vanished_is_deleted(site: Site, sources: Sources, status: int) -> None:
    site.pages["/a"] = html("A")
    sources.scan(f"{site.url}/a")
    site.pages["/a"] = Page(status=status)
    found = sources.scan(f"{site.url}/a")
    assert found.files == [] and found.failed == [] and sources.known == set()
    assert "does not exist" in found.notes[0]
    assert list(sources.folder.rglob("*.html")) == []


@pytest.mark.parametrize("status", [500, 502, 503, 403, 401, 429])
def test_a_page_that_fails_for_now_is_kept(site: Site, sources: Sources, status: int) -> None:
    site.pages["/a"] = html("A")
    sources.scan(f"{site.url}/a")
    site.pages["/a"] = Page(status=status)
    found = sources.scan(f"{site.url}/a")
    assert found.failed[0][0] == f"{site.url}/a" and str(status) in found.failed[0][1]
    assert sources.known == {f"{site.url}/a"}
    assert len(list(sources.folder.rglob("*.html"))) == 1


def test_a_server_that_is_down_keeps_everything(site: Site, sources: Sources) -> None:
    site.pages |= {"/a": html("A"), "/b": html("B")}
    site.pages["/sitemap.xml"] = sitemap([f"{site.url}/a", f"{site.url}/b"])
    sources.scan(f"{site.url}/sitemap.xml")
    known = set(sources.known)
    site.close()
    found = sources.scan(f"{site.url}/sitemap.xml")
    assert found.files == [] and len(found.failed) == 1
    assert sources.known == known and len(known) == 2


def test_a_text_of_another_encoding_is_kept_in_utf8(site: Site, sources: Sources) -> None:
    site.pages["/a.txt"] = Page(
        "Příliš žluťoučký".encode("iso-8859-2"), "text/plain; charset=ISO-8859-2"
    )
    site.pages["/b.txt"] = Page("“quoted” €5".encode("cp1252"), "text/plain; charset=iso-8859-1")
    site.pages["/c.txt"] = Page("schön".encode(), "text/plain; charset=bogus")
    for name, text in (("a", "Příliš žluťoučký"), ("b", "“quoted” €5"), ("c", "schön")):
        [file] = sources.scan(f"{site.url}/{name}.txt").files
        assert file.path.read_text("utf-8-sig") == text


def test_the_first_page_of_a_site_names_its_sitemaps(site: Site, sources: Sources) -> None:
    site.pages["/"] = html("Home")
    site.pages["/robots.txt"] = Page(f"Sitemap: {site.url}/all.xml\n", "text/plain")
    assert f"{site.url}/all.xml" in sources.scan(site.url + "/").notes[0]
    assert sources.scan(site.url + "/").notes == [], "said once"


def test_a_sitemap_brings_all_its_pages(site: Site, sources: Sources) -> None:
    site.pages |= {f"/{n}": html(f"Page {n}", etag=f'"{n}"') for n in range(4)}
    site.pages["/map.xml"] = sitemap([f"{site.url}/{n}" for n in range(4)])
    source = f"{site.url}/map.xml"
    assert names(sources.scan(source), site) == ["/0", "/1", "/2", "/3"]
    del site.pages["/1"]
    site.pages["/2"] = Page(status=500)
    site.pages["/map.xml"] = sitemap([f"{site.url}/{n}" for n in (0, 1, 2)])
    found = sources.scan(source)
    assert names(found, site) == ["/0"]
    reason = "HTTP 500: internal error of the server; kept the last good version"
    assert found.failed == [(f"{site.url}/2", reason)]
    assert any("1 page" in note and "do not exist" in note for note in found.notes)
    assert sources.known == {f"{site.url}/0", f"{site.url}/2"}, "1 is gone, 3 is listed no more"
    assert len(list(sources.folder.rglob("*.html"))) == 2


@pytest.mark.parametrize("packed", [False, True])
def test_an_index_of_sitemaps_packed_or_not(site: Site, sources: Sources, packed: bool) -> None:
    site.pages |= {f"/{n}": html(f"Page {n}") for n in range(4)}
    site.pages["/one.xml.gz"] = sitemap([f"{site.url}/0", f"{site.url}/1"], packed=True)
    site.pages["/two.xml"] = sitemap([f"{site.url}/2", f"{site.url}/index.xml"])
    children = [f"{site.url}/one.xml.gz", f"{site.url}/two.xml", f"{site.url}/index.xml"]
    site.pages["/index.xml"] = sitemap(children, index=True, packed=packed)
    found = sources.scan(f"{site.url}/index.xml")
    assert names(found, site) == ["/0", "/1", "/2"]
    site.pages["/one.xml.gz"] = Page(status=500)
    found = sources.scan(f"{site.url}/index.xml")
    assert names(found, site) == ["/2"]
    assert f"{site.url}/0" in sources.known, "which pages that sitemap lists is not known now"


def test_pages_of_other_sites_are_left_out(site: Site, sources: Sources) -> None:
    site.pages |= {"/a": html("A"), "/away": moved("http://127.0.0.2:1/"), "/b": html("B")}
    listed = [f"{site.url}/a", "https://elsewhere.example/x", "file:///etc/passwd", "/b", "away"]
    site.pages["/sitemap.xml"] = sitemap(listed)
    found = sources.scan(f"{site.url}/sitemap.xml")
    assert names(found, site) == ["/a", "/b"]
    assert any("2 pages" in note and "elsewhere.example" in note for note in found.notes)
    assert "another site" in found.failed[0][1]


def test_no_more_pages_than_allowed_and_known_ones_first(site: Site, tmp_path: Path) -> None:
    sources = Sources(tmp_path, max_pages=3)
    site.pages |= {f"/{n}": html(f"Page {n}") for n in range(6)}
    site.pages["/sitemap.xml"] = sitemap([f"{site.url}/{n}" for n in (3, 4, 5)])
    sources.scan(f"{site.url}/sitemap.xml")
    site.pages["/sitemap.xml"] = sitemap([f"{site.url}/{n}" for n in range(6)])
    found = sources.scan(f"{site.url}/sitemap.xml")
    assert names(found, site) == ["/3", "/4", "/5"]
    assert any("lists 6 pages, 3 were taken" in note for note in found.notes)


def test_pages_of_a_sitemap_are_chosen_by_their_paths(site: Site, tmp_path: Path) -> None:
    sources = Sources(tmp_path, include=["guide/**", "*.txt"], exclude=["guide/old"])
    paths = ["/", "/guide/a", "/guide/old/b", "/blog/c", "/blog/d.txt"]
    site.pages |= {path: html(path) for path in paths}
    site.pages["/map.xml"] = sitemap([site.url + path for path in paths])
    assert names(sources.scan(f"{site.url}/map.xml"), site) == ["/blog/d.txt", "/guide/a"]


def test_pages_that_are_the_same_page_are_taken_once(site: Site, sources: Sources) -> None:
    site.pages |= {"/": html("Home"), "/index.html": moved("/"), "/a": html("A")}
    addresses = [f"{site.url}/index.html", f"{site.url}/", f"{site.url}/a", f"{site.url}/a#top"]
    site.pages["/sitemap.xml"] = sitemap(addresses)
    found = sources.scan(f"{site.url}/sitemap.xml", taken=[f"{site.url}/a"])
    assert names(found, site) == ["/index.html"]
    assert any("belong to other sources" in note for note in found.notes)


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (html("We are back soon"), "was a sitemap and is none now"),
        (sitemap([]), "without pages"),
        (Page("<urlset><url><loc>", "application/xml"), "broken XML"),
        (Page('<!DOCTYPE a [<!ENTITY b "c">]><urlset/>', "application/xml"), "document type"),
        (Page(status=404), "404"),
    ],
)
def test_a_sitemap_that_breaks_loses_nothing(
    site: Site, sources: Sources, page: Page, reason: str
) -> None:
    site.pages |= {"/a": html("A"), "/map.xml": sitemap([f"{site.url}/a"])}
    sources.scan(f"{site.url}/map.xml")
    site.pages["/map.xml"] = page
    found = sources.scan(f"{site.url}/map.xml")
    assert reason in found.failed[0][1]
    assert sources.known == {f"{site.url}/a"}


@pytest.mark.parametrize(
    ("page", "error", "says"),
    [
        (Page(status=404), WrongUse, "does not exist"),
        (Page(b"\x89PNG", "image/png"), GroundtoneError, "image/png"),
        (Page(status=500), GroundtoneError, "HTTP 500"),
        (sitemap([]), GroundtoneError, "without pages"),
        (sitemap(["https://elsewhere.example/"]), GroundtoneError, "without pages"),
        (Page("<rss/>", "application/xml"), GroundtoneError, "neither a page"),
    ],
)
def test_a_new_source_that_holds_nothing_is_refused(
    site: Site, sources: Sources, page: Page, error: type[GroundtoneError], says: str
) -> None:
    site.pages["/a"] = page
    with pytest.raises(error, match=says):
        sources.check(f"{site.url}/a")


def test_what_was_kept_of_forgotten_sources_is_swept(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/a": html("A"), "/b": html("B")}
    pages = Pages(tmp_path, Web(allow_private=True, delay=0))
    for path in ("/a", "/b"):
        pages.scan(site.url + path)
    pages.sweep([f"{site.url}/b"])
    pages.close()
    assert len(list(tmp_path.iterdir())) == 1
