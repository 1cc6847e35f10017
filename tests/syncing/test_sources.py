"""Which sources are synced: paths, addresses, and one inside another."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.syncing.place import Place
from tests.syncing.site import Page, Site, html, moved, sitemap

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.settings import Settings
from groundtone.syncing.sources import find, resolve

WEB = {"allow_private": True, "delay": 0, "seconds": 3}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "kb", settings=Settings(web=WEB))
    yield place
    place.close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.pages |= {
        "/map.xml": sitemap([f"{site.url}/a", f"{site.url}/b.md"]),
        "/a": html("About keys", "The blue key opens the door.", etag='"1"'),
        "/b.md": Page("# Windows\n\nThey stay shut.\n", "text/markdown", etag='"1"'),
        "/c": html("Contact", "Ring the bell twice."),
    }
    yield site
    site.close()


def counts(report: object) -> tuple[int, ...]:
    return tuple(getattr(report, name) for name in ("added", "updated", "deleted", "unchanged"))


def titles(place: Place) -> dict[str, str]:
    return {document.path: document.title for document in place.catalog.documents()}


def test_pages_are_documents_named_by_their_address(place: Place, site: Site) -> None:
    report = place.sync([f"{site.url}/map.xml"])
    assert counts(report) == (2, 0, 0, 0) and report.failed == []
    assert titles(place) == {f"{site.url}/a": "About keys", f"{site.url}/b.md": "Windows"}
    assert "blue key" in place.contents()[f"{site.url}/a"]
    [first, *_] = place.found("The blue key opens the door.")
    assert first[0] == f"{site.url}/a"
    place.check()


def test_unchanged_pages_cost_a_304_and_are_not_read_again(place: Place, site: Site) -> None:
    place.sync([f"{site.url}/map.xml"])
    site.asked.clear()
    embedded = place.embedder.embedded
    assert counts(place.sync([])) == (0, 0, 0, 2)
    assert site.asked == [("/robots.txt", 404), ("/map.xml", 200), ("/a", 304), ("/b.md", 304)]
    assert place.embedder.embedded == embedded


def test_pages_change_vanish_and_fail(place: Place, site: Site) -> None:
    place.sync([f"{site.url}/map.xml"])
    site.pages["/a"] = html("About keys", "The red key opens the door.", etag='"2"')
    site.pages["/b.md"] = Page(status=503)
    report = place.sync([])
    assert counts(report) == (0, 1, 0, 0)
    assert [path for path, _ in report.failed] == [f"{site.url}/b.md"]
    assert "red key" in place.contents()[f"{site.url}/a"]
    assert f"{site.url}/b.md" in place.contents()
    site.pages["/b.md"] = Page(status=410)
    assert counts(place.sync([])) == (0, 0, 1, 1)
    assert set(place.contents()) == {f"{site.url}/a"}
    place.check()


def test_a_server_that_is_away_loses_nothing_and_does_not_stop_the_folders(
    place: Place, site: Site
) -> None:
    place.write("guide.md", "# Guide\n\nOpen it.\n")
    place.sync([place.docs, f"{site.url}/map.xml", f"{site.url}/c"])
    assert len(place.contents()) == 4
    site.close()
    place.write("guide.md", "# Guide\n\nClose it.\n", age=50)
    report = place.sync([])
    assert counts(report)[:3] == (0, 1, 0)
    assert {path for path, _ in report.failed} == {f"{site.url}/map.xml", f"{site.url}/c"}
    assert len(place.contents()) == 4


def test_a_rebuild_without_a_network_keeps_the_pages(place: Place, site: Site) -> None:
    place.sync([f"{site.url}/map.xml"])
    before = place.contents()
    site.close()
    report = place.sync(rebuild=True, sources=[])
    assert report.failed and place.contents() == before
    place.check()


def test_a_page_of_a_known_sitemap_means_that_source(place: Place, site: Site) -> None:
    place.sync([f"{site.url}/map.xml"])
    place.sync([f"{site.url}/a#keys"])
    assert [source.path for source in place.catalog.sources()] == [f"{site.url}/map.xml"]
    assert len(place.contents()) == 2


def test_a_page_that_is_a_source_of_its_own_is_not_taken_twice(place: Place, site: Site) -> None:
    place.sync([f"{site.url}/a"])
    place.sync([f"{site.url}/map.xml"])
    assert len(place.catalog.sources()) == 2
    assert len(place.contents()) == 2
    assert counts(place.sync([])) == (0, 0, 0, 2)
    site.pages["/d"] = moved("/a")
    site.pages["/map.xml"] = sitemap([f"{site.url}/{name}" for name in ("a", "b.md", "d")])
    report = place.sync([])
    assert len(place.contents()) == 2 and any("there already" in note for note in report.notes)


@pytest.mark.parametrize(
    ("path", "says"), [("/none", "does not exist"), ("/broken", "HTTP 500"), ("/cat", "image/png")]
)
def test_a_new_address_that_cannot_be_had_is_not_remembered(
    place: Place, site: Site, path: str, says: str
) -> None:
    place.write("guide.md", "# Guide\n\nOpen it.\n")
    site.pages |= {"/broken": Page(status=500), "/cat": Page(b"\x89PNG", "image/png")}
    with pytest.raises(GroundtoneError, match=says):
        place.sync([f"{site.url}{path}"])
    assert place.catalog.sources() == []


def test_private_addresses_are_refused_unless_allowed(tmp_path: Path, site: Site) -> None:
    place = Place(tmp_path / "kb")
    with pytest.raises(
        GroundtoneError,
        match=r"^http\S+ could not be fetched: 127.0.0.1 is a private address.*set `allow_private",
    ):
        place.sync([f"{site.url}/a"])
    assert site.asked == []
    place.close()


def test_a_dry_run_asks_nobody_and_remembers_nothing(place: Place, site: Site) -> None:
    report = place.sync([f"{site.url}/map.xml"], dry_run=True)
    assert report.dry_run and any("not fetched" in note for note in report.notes)
    assert site.asked == [] and place.catalog.sources() == []
    place.sync([f"{site.url}/map.xml"])
    report = place.sync([], dry_run=True)
    assert (report.deleted, report.changes) == (0, [])


def test_downloads_of_forgotten_sources_are_swept(place: Place, site: Site) -> None:
    place.sync([f"{site.url}/a", f"{site.url}/c"])
    downloads = place.state / "downloads"
    assert len(list(downloads.iterdir())) == 2
    place.catalog.remove_source(find(place.catalog, place.root, f"{site.url}/c").id)
    place.sync([])
    assert len(list(downloads.iterdir())) == 1


def test_progress_names_the_page_that_is_fetched(place: Place, site: Site) -> None:
    seen = []
    place.sync([f"{site.url}/map.xml"], progress=lambda step: seen.append(step))
    pages = [(step.page, step.done, step.total) for step in seen if step.page]
    assert pages[1:] == [(f"{site.url}/a", 1, 2), (f"{site.url}/b.md", 2, 2)]
    assert seen[-1].page is None and seen[-1].done == 2


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("ftp://example.com/a", "no http or https"),
        ("https://me:secret@example.com/", "password"),
        ("nowhere", "There is no"),
        (Path("https://example.com/a"), "as text"),
    ],
)
def test_what_is_no_source_is_refused(named: str | Path, says: str) -> None:
    with pytest.raises(WrongUse, match=says):
        resolve(named)


def test_a_source_is_found_by_any_of_its_spellings(
    place: Place, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("guide.md", "# Guide\n\nOpen it.\n")
    place.sync([place.docs, f"{site.url}/a"])
    folder, page = place.catalog.sources()
    monkeypatch.chdir(place.root)
    for spelling in ("docs", "./docs", place.docs, str(place.docs)):
        assert find(place.catalog, place.root, spelling) == folder
    for spelling in (f"{site.url}/a", f"{site.url.upper().replace('HTTP', 'Http')}/a#top"):
        assert find(place.catalog, place.root, spelling) == page
    with pytest.raises(WrongUse, match=r"no source.*known are: docs, http"):
        find(place.catalog, place.root, "other")


def test_what_cannot_be_read_is_named_with_its_reason_and_the_rest_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("guide.md", "# Guide\n\nOpen the door.\n")
    place.write("two\nlines.md", "# Lines\n\nA name may hold a line break.\n")
    place.write("closed/secret.md", "# Secret\n\nNobody may look.\n")
    (place.docs / "loop").symlink_to(place.docs)
    (place.docs / "me.md").symlink_to("me.md")
    (place.docs / "endless.txt").symlink_to("/dev/zero")
    os.mkfifo(place.docs / "pipe.md")
    named = ["closed", "endless.txt", "me.md", "pipe.md"]
    with contextlib.suppress(OSError):  # not every file system has such names
        Path(os.fsdecode(os.fsencode(place.docs) + b"/\xff.md")).write_text("# Text")
        named.append("\ufffd.md")
    scandir = os.scandir

    def refuse(path: object) -> object:
        if Path(str(path)).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refuse)
    report = place.sync()
    assert sorted(place.contents()) == ["guide.md", "two\nlines.md"]
    assert [path for path, _ in report.failed] == named
    assert all(reason for _, reason in report.failed)
    assert counts(place.sync()) == (0, 0, 0, 2)
