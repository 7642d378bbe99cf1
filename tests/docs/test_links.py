"""Links between pages, to files and to images lead somewhere; other links are well-formed."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cluster import ROOT
from pages import PAGES, anchors, links, name_of


def problem(page: Path, target: str) -> str | None:
    """Return why a link of a page leads nowhere, or None."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None if parts.scheme in ("https", "mailto") and parts.netloc else "no address"
    path = (page.parent / parts.path).resolve() if parts.path else page
    if not path.is_relative_to(ROOT) or not path.exists():
        return "no such file in the repository"
    if parts.fragment and (path.suffix != ".md" or parts.fragment not in anchors(path)):
        return "no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken = {
        f"{name_of(page)}:{line}": (target, why)
        for target, line in links(page)
        if (why := problem(page, target))
    }
    assert broken == {}


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("../README.md", None),
        ("../README.md#nothing", "no such heading"),
        ("files.md#run-json", "no such heading"),
        ("files.md#runjson", None),
        ("#untrusted-folders", None),
        ("../../outside", "no such file in the repository"),
        ("http://example.org", "no address"),
        ("https://example.org/a", None),
    ],
)
def test_a_link_that_leads_nowhere_is_found(link: str, expected: str | None) -> None:
    page = ROOT / "docs" / "files.md"
    assert problem(page, link) == expected


def test_every_chapter_is_in_the_index_and_every_picture_on_a_page() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / target.partition("#")[0]).resolve() for target, _ in links(index)}
    for page in PAGES:
        if ROOT / "docs" in page.parents and page != index:
            assert page in listed
    shown = {(page.parent / target).resolve() for page in PAGES for target, _ in links(page)}
    assert sorted({*(ROOT / "docs" / "images").iterdir()} - shown) == []
