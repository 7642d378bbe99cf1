"""The pages of the documentation, their code blocks, links and headings."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from cluster import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@dataclass(frozen=True)
class Block:
    """A code block: its language, the name of the file that it shows or "", text and place."""

    language: str
    file: str
    text: str
    place: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    for token in _tokens(page):
        if token.type in ("fence", "code_block"):
            yield _block(page, token)


def sections(page: Path) -> dict[str, list[Block]]:
    """Return the blocks of each section of a page, by the title of its second-level heading."""
    found: dict[str, list[Block]] = {}
    title = ""
    for before, token in pairwise(_tokens(page)):
        if before.type == "heading_open" and before.tag == "h2":
            title = token.content
        if token.type == "fence":
            found.setdefault(title, []).append(_block(page, token))
    return found


def links(page: Path) -> Iterator[tuple[str, int]]:
    """Yield the target of each link and image, and its line."""
    for token in _tokens(page):
        for child in token.children or ():
            target = child.attrGet("href" if child.type == "link_open" else "src")
            if child.type in ("link_open", "image"):
                assert token.map
                yield str(target), token.map[0] + 1


def anchors(page: Path) -> set[str]:
    """Return the anchors that a code host gives to the headings of a page."""
    seen = Counter[str]()
    found = set()
    tokens = _tokens(page)
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            text = "".join(part.content for part in token.children or ())
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return found


def _block(page: Path, token: Token) -> Block:
    language, _, file = token.info.strip().partition(" ")
    assert token.map
    return Block(language, file, token.content, f"{name_of(page)}:{token.map[0] + 1}")


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt().enable("table").parse(page.read_text())
