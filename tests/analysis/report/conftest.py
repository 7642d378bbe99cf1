"""A real browser for the tests marked `browser`: Debian's Chromium, driven by Playwright.

Where there is none they are skipped, and say so; always run in CI.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Open = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("CI") or Path(CHROMIUM).exists():
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=f"there is no browser at {CHROMIUM}"))


# Playwright keeps an event loop in this thread, in which no other can run: not for longer.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens a file, and sees to it that the page asks for nothing else and complains of nothing."""
    with ExitStack() as stack:
        complaints: list[str] = []

        def open_page(path: Path, address: str = "", **options: object) -> Page:
            context = browser.new_context(viewport={"width": 1400, "height": 900}, **options)  # type: ignore[arg-type]
            stack.callback(context.close)
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda request: complaints.append(_unwanted(request.url, path)))
            page.goto(f"{path.as_uri()}{address}")
            page.wait_for_selector("html[data-ready]", state="attached")
            return page

        yield open_page
        assert [complaint for complaint in complaints if complaint] == []


def _unwanted(url: str, path: Path) -> str:
    wanted = url.split("#")[0] == path.as_uri() or url.startswith(("blob:", "data:"))
    return "" if wanted else f"requested {url}"
