"""Screenshots of the page for the README: ``python -m server.screenshots [FOLDER]``, by default ``docs/screenshots``.

The seed articles are indexed into a temporary folder and served from this process; Chromium is driven by playwright.
"""

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, sync_playwright

from indexer.articles import read_articles
from indexer.build import build_index
from indexer.encoder import load_encoder
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings

ROOT = Path(__file__).parents[1]
LARGEST = 400_000  # bytes of one picture
DESKTOP = (1440, 900)  # pixels
PHONE = (390, 844)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: where, and what is asked and opened before it is taken."""

    name: str
    size: tuple[int, int] = DESKTOP
    question: str = ""
    citation: int = 0  # its article is opened; 0: none
    night: bool = False
    locale: str = "zh-TW"


SHOTS = (
    Shot("front"),
    Shot("desktop", question="重慶2025年整車產量是多少?", citation=1),
    Shot("refusal", question="台積電2024年的營收是多少?"),
    Shot("night", (1280, 720), question="安世半导体发生了什么?", citation=2, night=True, locale="zh-CN"),
    Shot("phone", size=PHONE, question="重慶2025年整車產量是多少?"),
    Shot("phone-article", size=PHONE, question="重慶2025年整車產量是多少?", citation=1),
)


@contextmanager
def seeds_served() -> Iterator[str]:
    """A server over the seed articles; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        build_index(index, read_articles([ROOT / "seeds"]), load_encoder())
        app = create_app(Engine(lambda: load_answerer(Settings(index=index))))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.05)
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def take(browser: Browser, url: str, shot: Shot, file: Path) -> None:
    """Open the page, do what the shot says, and write the picture."""
    width, height = shot.size
    phone = shot.size == PHONE
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2 if phone else 1,
        is_mobile=phone,
        has_touch=phone,
        locale=shot.locale,
        color_scheme="dark" if shot.night else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#shelf li", state="attached")
    if shot.question:
        page.fill("#question", shot.question)
        page.press("#question", "Enter")
        page.wait_for_selector(".answer[aria-busy=false]")
        page.locator("#question").blur()
    if shot.citation:
        page.locator(".footnotes button").nth(shot.citation - 1).click()
        page.wait_for_selector("mark")
    page.mouse.move(0, 0)
    page.screenshot(path=file)
    context.close()


def main() -> int:
    """Take all pictures; returns the exit status."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    chromium = os.environ.get("YEWEN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("no Chromium: apt-get install chromium, or set YEWEN_CHROMIUM to one", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with seeds_served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for shot in SHOTS:
            file = folder / f"{shot.name}.png"
            take(browser, url, shot, file)
            size = file.stat().st_size
            print(f"{file} {size // 1000} kB")
            if size > LARGEST:
                print(f"{file} is larger than {LARGEST // 1000} kB: show less on it", file=sys.stderr)
                return 1
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
