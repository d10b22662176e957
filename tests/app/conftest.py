"""A small workspace, a server on it, and a headless Chromium that notes what it asks for."""

from __future__ import annotations

import shutil
import signal
import subprocess
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.app.synthetic import write_ablation, write_dissection
from tests.conftest import write_source
from workbench.app.launch import ADDRESS, command, environment, free_port, stop, wait_until_ready
from workbench.jobs import Jobs
from workbench.specs import ClassifySpec, ImportSpec
from workbench.store import Store

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FACES = 360
UNITS = 120
PATIENCE = 60_000
"""Milliseconds a page has for anything: what CI and this machine do besides is not what is tested."""
HOSTILE = (
    '<img src="http://outside.invalid/a.png" onerror="window.hacked=1">',
    "![picture](http://outside.invalid/b.png)",
    "<script>window.hacked=2</script>",
    "[link](javascript:window.hacked=3) :red[x] $x^2$",
)


@dataclass
class Visit:
    """A browser tab, and what it asked for and complained of."""

    page: Page
    address: str
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.address}/{path}")
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=PATIENCE)

    def values(self, url: str = "") -> dict[str, str]:
        """Return what the page's address holds, or another address."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlparse(url or self.page.url).query))

    def wait_for_value(self, name: str, value: str | None) -> None:
        """Wait until the address holds ``name=value``, or for None no such name."""
        self.page.wait_for_url(lambda url: self.values(url).get(name) == value)


def serve(root: Path, script: str = "") -> tuple[subprocess.Popen[bytes], str]:
    """Serve the workspace ``root`` by the app, or by a script of this folder; return the process and its address."""
    port = free_port()
    words = [str(Path(__file__).with_name(script)) if script and w.endswith("serve.py") else w for w in command(port)]
    child = subprocess.Popen(words, env=environment(root), stdout=subprocess.DEVNULL)
    address = f"http://{ADDRESS}:{port}"
    wait_until_ready(child, address)
    return child, address


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> Store:
    """Two datasets, classified with a random CLIP and dissected: ``faces``, and ``hostile`` whose labels attack."""
    from workbench.studies.classify import classify
    from workbench.studies.importing import import_dataset

    root = tmp_path_factory.mktemp("app")
    store = Store(root / "workspace")
    clip = f"local-dir:{tiny_clip_folder}"
    import_dataset(ImportSpec(str(write_source(root / "faces.parquet", FACES)), "faces"), store)
    for concepts in ("fer7", "facial-expressions"):
        classify(ClassifySpec("faces", clip, concepts), store)
    import_dataset(ImportSpec(str(write_hostile(root)), "hostile"), store)
    classify(ClassifySpec("hostile", clip, str(root / "hostile.yaml")), store)
    write_ablation(store, write_dissection(store, "faces", UNITS), "conv1")
    write_dissection(store, "hostile", 30, concepts=str(root / "hostile.yaml"))
    return store


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory, face_video: Path, tiny_clip_folder: Path) -> Store:
    """Videos and their scores; see video_workspace."""
    from tests.app.video_workspace import write_scores

    return write_scores(tmp_path_factory.mktemp("scored"), face_video, tiny_clip_folder)


def write_hostile(root: Path) -> Path:
    source = write_source(root / "plain.parquet", 40, seed=1)
    table = pq.read_table(source)
    labels = [HOSTILE[index % len(HOSTILE)] for index in range(len(table))]
    ids = [f"{index} {HOSTILE[index % len(HOSTILE)]}" for index in range(len(table))]
    table = table.set_column(table.schema.get_field_index("label"), "label", pa.array(labels))
    table = table.set_column(table.schema.get_field_index("id"), "id", pa.array(ids))
    pq.write_table(table, root / "hostile.parquet")
    names = [name.replace("'", "''") for name in HOSTILE]
    concepts = "\n".join(f"  - {{text: '{name}', classes: ['{name}']}}" for name in names)
    classes = ", ".join(f"'{name}'" for name in names)
    text = f"name: hostile\nattribute: emotion\nclasses: [{classes}]\nconcepts:\n{concepts}\n"
    (root / "hostile.yaml").write_text(text, encoding="utf-8")
    return root / "hostile.parquet"


@pytest.fixture(scope="session")
def server(workspace: Store) -> Iterator[str]:
    child, address = serve(workspace.root)
    yield address
    stop(child)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        executable = found or playwright.chromium.executable_path
        if not Path(executable).exists():
            pytest.skip("no Chromium on this machine; install Debian's chromium or run `playwright install chromium`")
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, server: str) -> Iterator[Visit]:
    yield from open_tab(chromium, server)


def open_tab(chromium: Browser, address: str) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    tab = Visit(context.new_page(), address)
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    tab.page.on("request", lambda request: None if request.url.startswith(own) else tab.outside.append(request.url))
    tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
    yield tab
    context.close()


def interrupt(child: subprocess.Popen[bytes]) -> int:
    child.send_signal(signal.SIGINT)
    return child.wait(60)


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The specs that pages submit; nothing is run."""
    specs: list[Any] = []
    monkeypatch.setattr(Jobs, "submit", lambda _, spec: specs.append(spec))
    return specs
