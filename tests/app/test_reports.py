"""A result of every kind as one HTML file: complete, offline, and unable to run what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.app.conftest import HOSTILE, Visit, open_tab, serve
from tests.figures.test_document import Tags
from tests.studies.review_data import judge, judged_dataset, pictures
from workbench import reports
from workbench.app.launch import stop
from workbench.app.report_routes import REPORT_ROUTES, report_address
from workbench.cli import main
from workbench.definitions.results import DEFINITIONS
from workbench.errors import SpecError
from workbench.exports.document_figures import figures_of
from workbench.exports.document_of import document_of, find_result
from workbench.specs import (
    AblateSpec,
    AnglesSpec,
    ClassifySpec,
    CleanSpec,
    CompareSpec,
    CoopSpec,
    DissectSpec,
    LadderSpec,
    LeakageSpec,
    MapSpec,
    PredictSpec,
    ProbeSpec,
    PromptsSpec,
    RetrainSpec,
    ReweightSpec,
    RobustnessSpec,
    SlicesSpec,
    SuspectsSpec,
    TrainSpec,
)
from workbench.store import Artifact, Store
from workbench.studies import run_study

SCORES = ("score", "score-table")
KINDS = [kind for kind in reports.KINDS if kind not in SCORES]
WITHOUT_FIGURES = ("embeddings", "leakage")
"""Of these images none leaks."""
FLIPPED = [0, 1, 2, 15, 16]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> Store:
    """A small dataset with a result of every kind but scores of videos."""
    root = tmp_path_factory.mktemp("reports")
    store, clip = Store(root / "workspace"), f"local-dir:{tiny_clip_folder}"
    dataset = judged_dataset(store, root, 150, FLIPPED)
    run = run_study(ClassifySpec("faces", clip), store).partition("/")[2]
    probe = run_study(ProbeSpec("faces", on="pixels", settings="10"), store).partition("/")[2]
    other = run_study(PredictSpec("faces", f"probe:{probe}"), store).partition("/")[2]
    judge(store, dataset, *((row, pictures(150)[1][row], "ann") for row in FLIPPED))
    dissection = run_study(DissectSpec("faces", "face-cnn", "lin2", "fer7", clip, draws=100, resamples=50), store)
    name = dissection.partition("/")[2]
    for spec in (
        CompareSpec(run, other, resamples=100),
        MapSpec("faces", clip, method="pca"),
        AnglesSpec("faces", clip),
        SuspectsSpec("faces", clip=clip, network="", folds=2),
        SlicesSpec(other, clip, slices=3, smallest=5),
        CleanSpec("faces", "better"),
        RetrainSpec("better", clip, resamples=100),
        LeakageSpec("faces", clip),
        PromptsSpec("faces", clip, concepts="fer7", sizes="1", draws=1, most_steps=1),
        CoopSpec("faces", clip, length=2, epochs=1),
        TrainSpec("faces", "vgg-small", epochs=1),
        LadderSpec("faces", clip, rungs="names,linear", seeds=1, resamples=100),
        RobustnessSpec("faces", "face-cnn", disturbances="blur", faces=0, resamples=100),
        AblateSpec(name, "lin2"),
        ReweightSpec(name, "lin2"),
    ):
        run_study(spec, store)
    return store


def one(store: Store, kind: str) -> Artifact:
    return store.artifacts(kind)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_of_every_kind_is_told_with_all_it_needs(made: Store, kind: str) -> None:
    artifact = one(made, kind)
    text = document_of(artifact, made)
    words = Tags(text).words
    report = reports.of_artifact(artifact)
    assert artifact.reference in words
    for part in report.parts:
        lines = [part.removeprefix("note: ")] if isinstance(part, str) else [part.title, *part.head]
        for line in lines:
            assert line.removeprefix("stored as ") in words
    for word, meaning in DEFINITIONS[kind].items():
        assert word in words
        assert meaning in words
    for name, value in artifact.spec.items():
        assert f"{name} = " in words, f"the spec's {name} ({value!r})"
    assert "Fingerprint of the dataset" in words
    assert "expression-workbench" in words
    assert str(artifact.manifest["digest"]) in words
    assert text.count('class="plot"') == len(list(figures_of(artifact, made)))
    assert ('class="plot"' in text) == (kind not in WITHOUT_FIGURES)
    for tag, attrs in Tags(text).tags:
        assert tag not in ("link", "iframe", "object", "base", "form", "a")
        assert not (attrs.get("src") or attrs.get("href") or "").startswith(("http", "//", "/"))


def test_scores_of_videos_have_theirs(scored: Store) -> None:
    for kind in SCORES:
        artifact = one(scored, kind)
        words = Tags(document_of(artifact, scored)).words
        assert "smile.mp4" in words
        assert str(scored.root) not in words  # where a video lay is nobody else's business
    assert "mean absolute error" in words


def test_every_kind_has_words_for_its_numbers() -> None:
    assert set(DEFINITIONS) == set(reports.KINDS) - {"score"}


SCORES_DEFINED = {
    "top-3": "Top-3 accuracy",
    "macro f1": "Macro F1",
    "weighted f1": "Weighted F1",
    "balanced accuracy": "Balanced accuracy",
    "ece": "ECE",
    "log loss": "Log loss",
    "numbers kept": "numbers kept",
    "images/s": "images/s",
}
"""Heads of tables, and under which word a report defines them."""


@pytest.mark.parametrize("kind", ["classification", "comparison", "prompts", "ladder", "probe", "coop", "trained"])
def test_a_report_defines_the_scores_that_it_holds_and_no_others(made: Store, kind: str) -> None:
    report = reports.of_artifact(one(made, kind))
    tables = [part for part in report.parts if isinstance(part, reports.Table)]
    held = [str(cell).lower() for table in tables for cell in (*table.head, *(row[0] for row in table.rows))]
    expected = {defined for word, defined in SCORES_DEFINED.items() if any(cell.startswith(word) for cell in held)}
    assert expected == set(DEFINITIONS[kind]) & set(SCORES_DEFINED.values())


@pytest.mark.parametrize("kind", ["comparison", "prompts", "retrain", "leakage", "slices"])
def test_a_report_with_intervals_of_shares_says_so(kind: str) -> None:
    assert "Wilson's" in DEFINITIONS[kind]["95 % interval"]
    assert "Wilson's" not in DEFINITIONS["probe"]["95 % interval"]


@pytest.mark.parametrize("kind", ["classification", "dissection", "ablation"])
def test_hostile_names_stay_text(workspace: Store, kind: str) -> None:
    artifact = next(
        each for each in workspace.artifacts(kind) if kind == "ablation" or each.spec["dataset"] == "hostile"
    )
    text = document_of(artifact, workspace)
    found = Tags(text)
    assert not any(name.startswith("on") for _, attrs in found.tags for name in attrs)
    assert not any(tag == "img" for tag, _ in found.tags)
    if kind == "classification":
        assert all(name in found.words for name in HOSTILE)
    assert re.search(r"<script>window", text) is None


def test_a_dataset_that_is_gone_or_has_changed_is_said(made: Store, tmp_path: Path) -> None:
    import shutil

    copy = Store(tmp_path / "copy")
    shutil.copytree(made.root, copy.root)
    artifact = one(copy, "map")
    shutil.rmtree(copy.datasets_dir / "faces")
    words = Tags(document_of(artifact, copy)).words
    assert "faces: no longer in the workspace" in words
    judged_dataset(copy, tmp_path, 60)
    words = Tags(document_of(artifact, copy)).words
    assert "60 images; it has changed since" in words


def test_a_result_is_found_by_its_name_its_beginning_and_its_hash(made: Store) -> None:
    artifact = one(made, "map")
    for name in (artifact.reference, artifact.name, artifact.name[:-3], artifact.name.rpartition("-")[2], "map/faces"):
        assert find_result(name, made).reference == artifact.reference


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "unknown result 'nothing'"),
        ("maps/faces", "unknown kind of result 'maps'; did you mean 'map'"),
        ("map/other", "unknown map 'other'"),
        ("faces", r"'faces' fits \d+ results: .*; name one in full"),
        ("classification/faces", r"'faces' fits|fits 4 results|fits \d+ results of kind classification"),
        ("", "unknown result ''"),
        ("../..", "unknown kind of result"),
    ],
)
def test_a_name_that_is_none_or_several_is_refused_with_the_candidates(made: Store, name: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        find_result(name, made)


def test_the_command_writes_the_file_and_never_over_another(
    made: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "deep" / "map.html"
    asked = ["--workspace", str(made.root), "report", "map/faces"]
    assert main(asked) == 0
    assert "trustworthiness" in capsys.readouterr().out
    assert main([*asked, "--out", str(place)]) == 0
    assert f"is written to {place} (" in capsys.readouterr().out
    assert place.read_text(encoding="utf-8") == document_of(one(made, "map"), made)
    assert main([*asked, "--out", str(place)]) == 2
    assert "is there already; choose another name, or add --force" in capsys.readouterr().err
    assert main([*asked, "--out", str(place), "--force"]) == 0
    assert main([*asked, "--out", str(tmp_path / "map.pdf")]) == 2
    assert "let its name end in .html" in capsys.readouterr().err


@pytest.fixture
def client(made: Store, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("WORKBENCH_HOME", str(made.root))
    return TestClient(Starlette(routes=REPORT_ROUTES))


def test_the_route_hands_the_file_out(client: TestClient, made: Store) -> None:
    artifact = one(made, "embeddings")
    answer = client.get(report_address(artifact))
    assert answer.text == document_of(artifact, made)
    assert answer.headers["content-disposition"] == f'attachment; filename="embeddings-{artifact.name}.html"'
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["map/faces", "map/..", "../map", "datasets/faces", "texts/x", "map/%2e%2e%2fjobs"])
def test_the_route_takes_whole_names_only(client: TestClient, path: str) -> None:
    assert client.get(f"/api/report/{path}").status_code == 404


@pytest.fixture(scope="module")
def reports_server(made: Store) -> Iterator[str]:
    child, address = serve(made.root)
    yield address
    stop(child)


@pytest.fixture
def visit(chromium: Browser, reports_server: str) -> Iterator[Visit]:
    for each in open_tab(chromium, reports_server):
        yield each
        assert each.outside == []
        assert each.errors == []


@pytest.mark.browser
@pytest.mark.parametrize(
    "path",
    [
        "confusions?dataset=faces",
        "map?dataset=faces&tab=gap",
        "map?dataset=faces&tab=angles",
        "slices?dataset=faces",
        "neurons?dataset=faces&tab=layers",
        "reweight?dataset=faces",
        "review?dataset=faces&tab=suspects",
        "ladder?dataset=faces",
        "ladder?dataset=faces&tab=robustness",
        "prompts?dataset=faces&tab=studies",
    ],
)
def test_a_page_offers_its_results_report(visit: Visit, path: str) -> None:
    visit.go(path)
    link = visit.page.get_by_role("link", name="Report as HTML").first
    expect(link).to_have_attribute("href", re.compile("^/api/report/[a-z]+/[a-z0-9-]+$"))


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["robustness", "classification", "map", "ladder", "suspects", "prompts"])
def test_a_report_that_was_saved_draws_its_figures_with_the_network_off(
    made: Store, chromium: Browser, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "report.html"
    place.write_text(document_of(one(made, kind), made), encoding="utf-8")
    said: list[str] = []
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("data:") else said.append(request.url))
    page.goto(place.as_uri())
    page.wait_for_function("[...document.querySelectorAll('.plot')].every(each => each.querySelector('.main-svg'))")
    assert page.locator(".plot").count() == len(list(figures_of(one(made, kind), made)))
    assert said == [place.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


@pytest.mark.browser
def test_the_link_saves_the_file(visit: Visit, made: Store) -> None:
    visit.go("ladder?dataset=faces&tab=robustness")
    link = visit.page.get_by_role("link", name="Report as HTML")
    link.evaluate("link => link.removeAttribute('target')")
    with visit.page.expect_download() as download:
        link.click()
    artifact = one(made, "robustness")
    assert download.value.suggested_filename == f"robustness-{artifact.name}.html"
    assert Path(download.value.path()).read_text(encoding="utf-8") == document_of(artifact, made)
