"""The Training page without a browser: the table, forms and their lines, jobs, results, and what is not there."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.app.conftest import HOSTILE
from tests.app.test_pages import open_page
from workbench.app import training
from workbench.app import training_words as words
from workbench.app.components.model_table import near, span
from workbench.app.widgets import video_picture
from workbench.app.widgets.training_list import next_order, ordered, rows_of, told_apart
from workbench.data.images import encode_png
from workbench.errors import StoreError
from workbench.jobs import Job, Jobs
from workbench.specs import CoopSpec, MapSpec, PredictSpec, ProbeSpec, Spec, TrainSpec, spec_toml
from workbench.store import Artifact, Store


@pytest.fixture(scope="session")
def trained(workspace: Store, tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> Store:
    """The app's small workspace with probes, linear ones of two seeds among them, learned prompts and a network."""
    from workbench.studies.coop import coop
    from workbench.studies.predict import predict
    from workbench.studies.probe import probe
    from workbench.studies.train import train

    root = tmp_path_factory.mktemp("trained") / "workspace"
    shutil.copytree(workspace.root, root)
    store, clip = Store(root), f"local-dir:{tiny_clip_folder}"
    train(TrainSpec("faces", "lenet", epochs=2), store)
    for shots in (0, 2):
        coop(CoopSpec("faces", clip, length=2, shots=shots, epochs=2), store)
    for seed in (1, 0):
        probe(ProbeSpec("faces", "linear", clip=clip, seed=seed), store)
    probe(ProbeSpec("faces", "forest", clip=clip, trees=200), store)
    found = probe(ProbeSpec("faces", "knn", "pixels", settings="1,5"), store)
    predict(PredictSpec("faces", found.model), store)
    probe(ProbeSpec("hostile", "knn", clip=clip), store)
    return store


@pytest.fixture
def at_home(trained: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("WORKBENCH_HOME", str(trained.root))
    return trained


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    specs: list[Any] = []

    def submit(_: Jobs, spec: Spec) -> Any:
        specs.append(spec)
        return SimpleNamespace(id=len(specs))

    monkeypatch.setattr(Jobs, "submit", submit)
    monkeypatch.setattr(Jobs, "get", lambda _, number: SimpleNamespace(id=number, status="running"))
    return specs


def probes(store: Store, learner: str, dataset: str = "faces") -> list[Artifact]:
    found = [
        run for run in store.artifacts("probe") if (run.spec["learner"], run.spec["dataset"]) == (learner, dataset)
    ]
    return sorted(found, key=lambda run: int(run.spec["seed"]))


def press(app: AppTest, label: str, place: int = 0) -> AppTest:
    return [button for button in app.button if button.label == label][place].click().run()


def field(app: AppTest, label: str, place: int = 0) -> Any:
    kinds = (*app.text_input, *app.number_input, *app.selectbox, *app.get("button_group"))
    return [each for each in kinds if each.label == label][place]


def shown(app: AppTest) -> str:
    return " ".join(each.value for each in (*app.markdown, *app.caption, *app.info, *app.warning, *app.error))


def test_the_newest_classifier_is_shown_with_its_numbers(at_home: Store) -> None:
    app = open_page("training", dataset="faces")
    assert not app.exception
    assert not app.error
    (knn,) = probes(at_home, "knn")
    numbers = {metric.label: metric.value for metric in app.metric}
    reported, unseen = knn.summary["reported"], knn.summary["unseen"]
    assert numbers["Accuracy"] == f"{reported['accuracy']['value'] * 100:.1f} %"
    assert numbers["Without copies"] == f"{unseen['accuracy']['value'] * 100:.1f} %"
    assert numbers["Macro F1"] == f"{reported['macro_f1']['value'] * 100:.1f} %"
    assert numbers["Images"] == "120"
    assert "Nearest neighbours" in shown(app)
    for note in knn.summary["notes"]:
        assert note.split("'")[0] in shown(app).replace("\\", "")


@pytest.mark.parametrize("learner", ["linear", "forest"])
def test_a_probe_shows_what_it_tried_and_a_forest_how_it_grew(at_home: Store, learner: str) -> None:
    run = probes(at_home, learner)[0]
    app = open_page("training", model=f"probe:{run.name}")
    assert not app.exception
    assert not app.error
    assert app.query_params["model"] == f"probe:{run.name}"
    if learner == "forest":
        assert "Tree by tree" in shown(app)
    else:
        table = app.dataframe[0].value
        assert len(table) == len(run.summary["tried"])
        assert table["value"].str.contains("(chosen)", regex=False).sum() == 1


@pytest.mark.parametrize("part", list(words.PARTS))
def test_every_part_is_drawn(at_home: Store, part: str) -> None:
    app = open_page("training", dataset="faces", part=part)
    assert not app.exception
    assert not app.error


def test_a_picture_gets_its_probabilities_without_a_score_and_what_learned_nothing_is_said(
    at_home: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = at_home.artifacts("trained")
    picture = encode_png(Image.new("L", (48, 48), 90))
    monkeypatch.setattr(video_picture, "picture_of", lambda _: picture)
    for commonest in (0.5, 0.0):
        monkeypatch.setattr(training, "no_better_than", lambda _, share=commonest: share)
        app = open_page("training", model=f"trained:{run.name}", part="try", whose="whole")
        assert not app.exception
        assert not app.error
        assert "Emotion" in {metric.label for metric in app.metric}
        assert not [metric.label for metric in app.metric if "score" in metric.label]
        assert "mean score of its concepts" not in shown(app)
        assert ("always answering the commonest class (50.0 %" in shown(app)) == bool(commonest)


def test_a_classifier_is_held_against_always_the_commonest_class() -> None:
    def run(low: float) -> Any:
        reported = {"images": 10, "confusion": [[6, 0], [2, 2]], "accuracy": {"low": low}}
        return SimpleNamespace(summary={"reported": reported})

    assert training.no_better_than(run(0.55)) == 0.6
    assert training.no_better_than(run(0.65)) == 0


@pytest.mark.parametrize(
    "parameters",
    [{"dataset": "nowhere"}, {"model": "probe:none"}, {"model": "<b>"}, {"sort": "none"}, {"part": "none"}],
)
def test_what_is_not_there_gets_one_line(at_home: Store, parameters: dict[str, str]) -> None:
    app = open_page("training", **{"dataset": "faces", **parameters})
    assert not app.exception
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value


def test_learned_prompts_stand_between_zero_shot_and_a_linear_probe(at_home: Store) -> None:
    run = next(run for run in at_home.artifacts("coop") if not run.spec["shots"])
    app = open_page("training", model=f"coop:{run.name}")
    assert not app.exception
    assert not app.error
    numbers = {metric.label: metric.value for metric in app.metric}
    for label, found in (
        ("Learned prompts", run.summary),
        *zip(("Zero-shot", "Linear probe"), bounds_of(run), strict=True),
    ):
        assert numbers[label] == f"{found['reported']['accuracy']['value'] * 100:.1f} %"
    assert "Nearest words" in shown(app)
    assert "By training images of each class" in shown(app)
    assert {each["shots"] for each in training.by_shots(run, at_home.artifacts("coop"))} == {0, 2}


def bounds_of(run: Artifact) -> list[dict[str, Any]]:
    return [run.summary["bounds"][name] for name in ("zero-shot", "linear probe")]


def test_learned_prompts_are_drawn_on_a_map_as_a_job(at_home: Store, submitted: list[Any]) -> None:
    run = at_home.artifacts("coop")[0]
    press(open_page("training", model=f"coop:{run.name}"), "Draw them on a map")
    assert submitted == [MapSpec("faces", run.spec["clip"], concepts=f"coop:{run.name}")]


def test_a_network_shows_its_course_and_the_epoch_that_was_kept(at_home: Store) -> None:
    (run,) = at_home.artifacts("trained")
    app = open_page("training", model=f"trained:{run.name}")
    assert not app.exception
    assert not app.error
    assert f"Kept: epoch {run.summary['chosen_epoch']}" in shown(app)
    assert "2 epochs: all that were asked for" in shown(app)
    links = [link.proto.label for link in app.get("page_link")]
    assert {"Dissect it", "Use it on a video"} <= set(links)


def test_seeds_of_one_setting_stand_together_with_mean_and_range(at_home: Store) -> None:
    runs = tuple(probes(at_home, "linear"))
    mean, first, second = rows_of(runs, runs[0].manifest["content"]["rows"])
    values = [run.summary["reported"]["accuracy"]["value"] for run in runs]
    assert mean.value == pytest.approx(sum(values) / 2)
    assert (mean.low, mean.high) == (min(values), max(values))
    assert mean.note.endswith("mean of 2 seeds")
    assert mean.cells[0][1].startswith("seeds ")  # what stands there in other rows is an interval
    assert not first.cells[0][1].startswith("seeds ")
    assert (first.name, second.name) == ("seed 0", "seed 1")
    assert first.inside
    assert second.inside
    assert mean.group
    assert not first.muted


def test_what_was_asked_for_tells_classifiers_of_one_name_apart(at_home: Store) -> None:
    (run,) = at_home.artifacts("trained")
    other = SimpleNamespace(name="other", kind=run.kind, spec={**run.spec, "augment": 0.5, "epochs": 9, "seed": 3})
    told = told_apart([run, other])  # type: ignore[list-item]
    assert told == {run.name: f"epochs 2, augment {run.spec['augment']}", "other": "epochs 9, augment 0.5"}
    assert set(told_apart([run, *probes(at_home, "linear")]).values()) == {""}
    assert rows_of((run,), "", told[run.name])[0].note.endswith(told[run.name])


def test_a_dataset_that_has_changed_since_is_said(at_home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (run,) = probes(at_home, "knn")
    (row,) = rows_of((run,), "another")
    assert row.muted
    monkeypatch.setattr(training, "is_stale", lambda *_: True)
    assert "has changed since" in shown(open_page("training", dataset="faces"))


@pytest.mark.parametrize("name", ["accuracy", "ece", "seconds", "made", "name"])
def test_a_heading_sorts_both_ways(at_home: Store, name: str) -> None:
    found = [run for run in at_home.artifacts("probe") if run.spec["dataset"] == "faces"]
    rising = [runs[0].name for runs in ordered(found, name)]
    falling = [runs[0].name for runs in ordered(found, f"-{name}")]
    assert len(rising) == 3
    if name != "name":
        means = [training.spreads(runs)[name].mean for runs in ordered(found, name)]
        assert means == sorted(means)
    assert rising == falling[::-1]
    assert next_order(next_order("", name), name).removeprefix("-") == name
    assert next_order("", name) != next_order(next_order("", name), name)


def test_an_axis_holds_every_interval() -> None:
    assert span([]) == (0.0, 1.0)
    assert span([0.55, 0.63]) == (0.5, 0.7)
    assert span([0.91, 0.93]) == (0.8, 1.0)
    assert span([0.12, 0.13]) == pytest.approx((0.1, 0.3))


def test_an_axis_leaves_out_what_lies_far_below_the_others() -> None:
    most = [(0.88 + place / 1000, 0.93) for place in range(5)]
    assert span(near([*most, (0.19, 0.26)])) == (0.8, 1.0)
    assert span(near([*most[:2], (0.19, 0.26)])) == pytest.approx((0.1, 1.0))
    even = [(place / 10, place / 10 + 0.05) for place in range(2, 9)]
    assert span(near(even)) == pytest.approx((0.2, 0.9))


def test_probes_are_submitted_one_a_seed(at_home: Store, submitted: list[Any]) -> None:
    app = open_page("training", dataset="faces")
    field(app, "Settings").input("1, 10")
    field(app, "Seeds").set_value(2)
    press(app, "Train")
    assert not app.exception
    assert not app.error
    assert submitted == [ProbeSpec("faces", settings="1, 10", seed=seed) for seed in (0, 1)]


def test_prompts_are_submitted_as_they_are_asked_for(at_home: Store, submitted: list[Any]) -> None:
    app = open_page("training", dataset="faces")
    field(app, "Vectors").set_value(4)
    field(app, "Shots").set_value(16)
    field(app, "Initial words").input("a photo of a")
    press(app, "Learn prompts")
    assert not app.error
    assert submitted == [CoopSpec("faces", length=4, shots=16, words="a photo of a")]


def test_a_network_is_submitted_as_it_is_asked_for(at_home: Store, submitted: list[Any]) -> None:
    app = open_page("training", dataset="faces")
    field(app, "Network").set_value("resnet18")
    field(app, "Rare classes").set_value("weights")
    field(app, "Start from").input("IMAGENET1K_V1")
    press(app, "Train", 1)
    assert not app.error
    assert submitted == [TrainSpec("faces", "resnet18", "IMAGENET1K_V1", balance="weights")]


@pytest.mark.parametrize(
    ("label", "value", "line"), [("Learning rate", 0.0, "rate is 0"), ("Report on", "train", "share 120 images")]
)
def test_prompts_that_cannot_be_are_refused(
    at_home: Store, submitted: list[Any], label: str, value: object, line: str
) -> None:
    app = open_page("training", dataset="faces")
    field(app, label, 1 if label == "Report on" else 0).set_value(value)
    press(app, "Learn prompts")
    assert not app.exception
    assert line in app.error[0].value.replace("\\", "")
    assert submitted == []


@pytest.mark.parametrize(
    ("label", "value", "line"),
    [
        ("Settings", "1,x", "'x' is not a number"),
        ("Settings", "0", "not above 0"),
        ("Report on", "train", "share 120 images; report on images that were not learned from"),
        ("Choose on", "train", "share 120 images; choose on images that were not learned from"),
        ("Learn from", "all", "share 120 images"),
    ],
)
def test_what_cannot_be_is_refused_before_a_job_is_made(
    at_home: Store, submitted: list[Any], label: str, value: str, line: str
) -> None:
    app = open_page("training", dataset="faces")
    field(app, label).set_value(value)
    press(app, "Train")
    assert not app.exception
    assert line in app.error[0].value.replace("\\", "")
    assert submitted == []


def test_a_dataset_without_a_classifier_gets_the_forms(
    workspace: Store, monkeypatch: pytest.MonkeyPatch, submitted: list[Any]
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.root))
    app = open_page("training", dataset="faces")
    assert "Nothing has been trained" in app.info[0].value
    press(app, "Train")
    assert submitted == [ProbeSpec("faces")]


def test_an_empty_workspace_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "workspace"))
    app = open_page("training")
    assert not app.exception
    assert "no dataset yet" in app.info[0].value


def test_a_classification_is_started_or_linked_to(at_home: Store, submitted: list[Any]) -> None:
    (knn,), (forest,) = probes(at_home, "knn"), probes(at_home, "forest")
    app = open_page("training", model=f"probe:{knn.name}")
    assert not [button for button in app.button if button.label == "Classify the dataset with it"]
    assert training.classified(knn) is not None
    app = open_page("training", model=f"probe:{forest.name}")
    press(app, "Classify the dataset with it")
    assert submitted == [PredictSpec("faces", f"probe:{forest.name}")]


def test_a_classifier_goes_to_a_video_with_its_form_filled_in(at_home: Store) -> None:
    (forest,) = probes(at_home, "forest")
    app = open_page("video", score_with=f"probe:{forest.name}")
    assert not app.exception
    assert next(each.value for each in app.multiselect if each.label == "Models") == [f"probe:{forest.name}"]


def test_a_network_goes_to_the_neurons_page_with_its_form_filled_in(at_home: Store) -> None:
    app = open_page("neurons", dataset="faces", dissect="trained:some-network")
    assert not app.exception
    assert not app.error
    assert next(each.value for each in app.selectbox if each.label == "Network") == "trained:some-network"
    assert "dissect" not in app.query_params


def job_of(folder: Path, spec: Spec, status: str, number: int = 1) -> Job:
    place = folder / str(number)
    place.mkdir(parents=True, exist_ok=True)
    (place / "spec.toml").write_text(spec_toml(spec), encoding="utf-8")
    now = time.time()
    error = "the rate diverges" if status == "failed" else ""
    finished = None if status in ("running", "queued") else now
    return Job(number, spec.kind, spec.title, status, now, now, finished, "", error, place)


def test_a_training_that_runs_is_followed_and_one_that_was_stopped_goes_on(
    at_home: Store, monkeypatch: pytest.MonkeyPatch, submitted: list[Any], tmp_path: Path
) -> None:
    stopped, failed = ProbeSpec("faces", "forest", trees=9000), ProbeSpec("faces", "mlp", settings="7")
    jobs = [
        job_of(tmp_path, ProbeSpec("faces", "mlp"), "running", 5),
        job_of(tmp_path, failed, "failed", 4),
        job_of(tmp_path, stopped, "cancelled", 3),
        job_of(tmp_path, stopped, "cancelled", 2),
        job_of(tmp_path, ProbeSpec("hostile"), "running", 1),
    ]
    monkeypatch.setattr(Jobs, "list", lambda _: jobs)
    app = open_page("training", dataset="faces")
    assert not app.exception
    assert "was stopped; what it had finished is kept" in shown(app)
    assert "the rate diverges" in shown(app)
    assert len([button for button in app.button if button.label == "Start the same again"]) == 2
    press(app, "Start the same again", 1)
    assert submitted == [stopped]
    app = open_page("training", dataset="faces")
    press(press(app, "Leave it"), "Leave it")
    assert "the rate diverges" not in shown(app)


def test_a_job_whose_spec_is_gone_is_left_out(at_home: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    job = job_of(tmp_path, ProbeSpec("faces"), "cancelled")
    (job.folder / "spec.toml").unlink()
    monkeypatch.setattr(Jobs, "list", lambda _: [job])
    app = open_page("training", dataset="faces")
    assert not app.exception
    assert "was stopped" not in shown(app)


def test_starting_again_that_fails_is_said(at_home: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Jobs, "list", lambda _: [job_of(tmp_path, ProbeSpec("faces"), "cancelled")])
    monkeypatch.setattr(Jobs, "submit", refuse)
    app = press(open_page("training", dataset="faces"), "Start the same again")
    assert not app.exception
    assert "the disk is full" in app.toast[0].value


def test_hostile_names_are_text(at_home: Store) -> None:
    for part in words.PARTS:
        app = open_page("training", dataset="hostile", part=part)
        assert not app.exception
        for text in (*app.markdown, *app.caption, *app.warning):
            assert not any(hostile in text.value for hostile in HOSTILE)


@pytest.mark.parametrize(
    ("number", "text"), [(903, "903"), (267_000, "267 k"), (1_234_567, "1.2 M"), (123e6, "123 M"), (float("nan"), "–")]
)
def test_counts_are_short(number: float, text: str) -> None:
    assert words.short(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (42, "42 s"), (600, "10 min"), (7200, "2.0 h"), (float("nan"), "–")]
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert words.lasted(seconds) == text
