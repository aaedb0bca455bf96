"""The report in a real browser, opened as a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.stages.report_world import report, write_world

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
@pytest.mark.parametrize("file", ["index.html", "examples/topk.html"])
@pytest.mark.parametrize("applies", [True, False])
@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_opens_from_a_file_in_silence(tmp_path: Path, file: str, applies: bool, width: int) -> None:
    """Opening the page logs nothing, asks for nothing but itself, and never scrolls sideways."""
    write_world(tmp_path, languages=applies, problems=applies)
    address = (report(tmp_path, tmp_path) / "report" / file).as_uri()
    said: list[str] = []
    asked: list[str] = []

    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        browser.close()

    assert said == []
    assert asked == [address]
    assert overflow == 0
