"""Pages opened from file:// in a real browser: playwright with the Chromium of the machine, without any network."""

import shutil
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: WebGL is computed in software, so that the viewer works without a graphics card.
OPTIONS = ["--no-sandbox", "--disable-quic", "--disable-sync", "--enable-unsafe-swiftshader"]
AXE = Path(__file__).parents[2] / "web" / "axe.js"


@pytest.fixture(scope="session")
def browser():
    """Chromium; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """visit(file, width=1600, scheme="light", fragment="") -> the page; `page.errors`: its complaints."""
    contexts = []

    def visit(file, width=1600, scheme="light", fragment="", **options):
        size = {"width": width, "height": 900}
        # The policy of the page forbids scripts from outside, axe-core too.
        context = browser.new_context(
            viewport=size, color_scheme=scheme, bypass_csp=True, offline=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.errors, page.requests = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and page.errors.append(message.text))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(f"file://{file}{fragment and '#' + fragment}")
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture
def accessibility_faults():
    """accessibility_faults(page) -> what axe-core finds: (rule, number of places, the first of them)."""
    if not AXE.is_file():
        pytest.skip("axe-core is not fetched: run scripts/web.py")

    def faults(page):
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run()")["violations"]
        return [(one["id"], len(one["nodes"]), one["nodes"][0]["html"]) for one in found]

    return faults
