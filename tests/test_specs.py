from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.errors import SpecError
from workbench.specs import (
    AblateSpec,
    AnglesSpec,
    ClassifySpec,
    CleanSpec,
    CompareSpec,
    CoopSpec,
    DemoSpec,
    DissectSpec,
    EmbedSpec,
    ImportSpec,
    LeakageSpec,
    MapSpec,
    PredictSpec,
    ProbeSpec,
    PromptsSpec,
    RetrainSpec,
    ReweightSpec,
    ScoreSpec,
    SlicesSpec,
    Spec,
    SuspectsSpec,
    TrainSpec,
    parse_spec,
    read_spec,
    spec_toml,
)

EXAMPLES = [
    ImportSpec('a "quoted" source\n#é', "faces", "contempt=disgust"),
    EmbedSpec("faces", "local-dir:/some where"),
    ClassifySpec("faces", concepts="mine.yaml#emotion", aggregate="vote", top_k=2),
    DissectSpec("faces", "python:mine:network", "conv*,lin1", tau=0.25, alpha=0.01, weights="mine.pt"),
    AblateSpec("face-cnn-0123", "lin1", "zero", sizes="1,3", by="label"),
    ReweightSpec("face-cnn-0123", "lin1", thresholds="-1,0,1e-3", protocol="test-set"),
    PredictSpec("faces", "network:reweighted", top_k=1),
    ScoreSpec("a b/clip.mp4", "face-clip,network:mine", scores="happy=4.5", faces="track:2", rate=5.0, parts="1,0,1"),
    MapSpec("faces", "local-dir:/some where", "tsne", space="raw", perplexity=5.0),
    AnglesSpec("faces", split="test", resamples=500),
    SuspectsSpec("faces", network="", encoder="out-of-fold", votes="a b/fer2013new.csv"),
    CleanSpec("faces", "faces-clean", "Ann, Bo", "majority", suspects="faces-face-clip", above=0.5),
    RetrainSpec("faces-clean", report_on="validation", leaks="keep"),
    LeakageSpec("faces", seed=4),
    SlicesSpec("faces-fer7", attribute="mine.csv", smallest=5),
    PromptsSpec("faces", aggregate="vote", metric="macro_f1", least=0.01, sizes="1,4", draws=2),
    ProbeSpec("faces", "forest", on="pixels", settings="1,5", trees=10_000),
    CompareSpec("faces-face-clip", "faces-face-cnn", split="validation", resamples=500),
    DemoSpec(seed=3, count=500),
]


@pytest.mark.parametrize("spec", EXAMPLES, ids=lambda spec: spec.kind)
def test_a_spec_survives_toml(spec: Spec, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(spec_toml(spec), encoding="utf-8")
    assert read_spec(tmp_path / "spec.toml") == spec


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", ".hidden", "a b", "x" * 65, "a\n", "é"])
def test_a_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="cannot be a dataset's name"):
        ImportSpec("source", name)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "names no kind"),
        ({"kind": "clasify", "dataset": "a"}, "did you mean 'classify'"),
        ({"kind": "classify"}, "classify needs dataset"),
        ({"kind": "classify", "dataset": "a", "concept": "x"}, "did you mean 'concepts'"),
        ({"kind": "classify", "dataset": "a", "top_k": "3"}, "top_k must be int, not str"),
        ({"kind": "classify", "dataset": "a", "top_k": True}, "top_k must be int, not bool"),
        ({"kind": "classify", "dataset": "a", "top_k": 0}, "must be 1 or more"),
        ({"kind": "classify", "dataset": "a", "aggregate": "mean"}, "unknown aggregate 'mean'"),
        ({"kind": "import", "name": "a", "source": ""}, "needs a source"),
        ({"kind": "dissect", "dataset": "a", "similarity": "soft-wpmi"}, "did you mean 'soft_wpmi'"),
        ({"kind": "dissect", "dataset": "a", "tau": float("nan")}, "tau is nan"),
        ({"kind": "score", "video": ""}, "a video is needed"),
        ({"kind": "score", "video": "a", "model": " , "}, "model is empty"),
        ({"kind": "score", "video": "a", "model": "a,b", "weights": "c"}, "goes with one model"),
        ({"kind": "score", "video": "a", "faces": "track:"}, "faces is 'track:'"),
        ({"kind": "score", "video": "a", "faces": "everyone"}, "it must be largest, whole"),
        ({"kind": "score", "video": "a", "every": 0}, "every is 0; it must be 1 to"),
        ({"kind": "score", "video": "a", "every": 2, "rate": 5.0}, "not both"),
        ({"kind": "score", "video": "a", "rate": float("nan")}, "rate is nan"),
        ({"kind": "score", "video": "a", "end_frames": 0.0}, "end_frames is 0"),
        ({"kind": "score", "video": "a", "end_frames": float("nan")}, "end_frames is nan"),
        ({"kind": "score", "video": "a", "parts": "0.5,0.5"}, "it takes three numbers"),
        ({"kind": "score", "video": "a", "parts": "0,0,0"}, "it takes three numbers"),
        ({"kind": "score", "video": "a", "parts": "1,-1,1"}, "it takes three numbers"),
        ({"kind": "score", "video": "a", "scores": "happy"}, "not of the form name=score"),
        ({"kind": "score", "video": "a", "scores": "happy=6"}, "the score of 'happy' is 6.0; it must be 1 to 5"),
        ({"kind": "score", "video": "a", "scores": "happy=4,Happy=5"}, "'Happy' stands twice"),
        ({"kind": "score", "video": "a", "scores": "happy=3;sad=2"}, "use a list such as"),
        ({"kind": "score", "video": "a", "smoothing": 5e-324}, "it must be 0, or 0.001 seconds"),
        ({"kind": "score", "video": "a", "parts": "1e308,1e308,1e308"}, "it takes three numbers"),
        ({"kind": "score", "video": "a", "scores": "happy=x"}, "is 'x', which is no number; use a list"),
        ({"kind": "score", "video": "a", "colour": "grey"}, "did you mean 'gray'"),
        ({"kind": "score", "video": "a", "peak": "max"}, "unknown peak 'max'"),
        ({"kind": "score", "video": "a", "smoothing": -1.0}, "smoothing is -1.0"),
        ({"kind": "dissect", "dataset": "a", "alpha": 5}, "alpha is 5"),
        ({"kind": "dissect", "dataset": "a", "tau": "0"}, "tau must be float, not str"),
        ({"kind": "dissect", "dataset": "a", "top_k": 0}, "top_k is 0; it must be 1 to 40"),
        ({"kind": "ablate", "dissection": "a", "layer": "lin1", "sizes": "1,2.5"}, "use whole numbers"),
        ({"kind": "ablate", "dissection": "a", "layer": "lin1", "controls": 3}, "controls is 3"),
        ({"kind": "reweight", "dissection": "a", "layer": "lin1", "factors": "1.5,-2"}, "each must be above 0"),
        ({"kind": "reweight", "dissection": "a", "layer": "lin1", "thresholds": "0,,1"}, "thresholds: '' is not a"),
        ({"kind": "reweight", "dissection": "a", "layer": "b", "choose_on": "test"}, "name two splits"),
        ({"kind": "predict", "dataset": "a", "top_k": 0}, "top_k is 0"),
        ({"kind": "demo", "count": 10}, "takes 300 to 1,000,000"),
        ({"kind": "demo", "count": 10**20}, "takes 300 to 1,000,000"),
        ({"kind": "demo", "seed": -1}, "must be 0 or more"),
        ({"kind": "demo", "seed": 2**40}, "below 2\\^31"),
    ],
)
def test_a_wrong_spec_says_what_is_wrong(values: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        parse_spec(values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"kind = ", b"\xff\xfe", b"kind = 3"])
def test_a_file_that_is_no_spec_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=r"spec\.toml"):
        read_spec(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"rate = {'1' * 400}", "rate is a number of more than 300 digits"),
        (f"seed = 0x{'f' * 9000}", "seed is a number of more than 300 digits"),
        (f"seed = {'1' * 5000}", "holds a number of thousands of digits"),
        (f"seed = [0x{'f' * 9000}]", "seed must be int, not list$"),
        (f"seed = {'[' * 5000}", "nested too deeply"),
    ],
)
def test_a_number_or_a_nesting_beyond_measure_is_one_line_that_names_the_file(
    line: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(f'kind = "train"\ndataset = "a"\n{line}\n', encoding="utf-8")
    with pytest.raises(SpecError, match=rf"spec\.toml: {words}"):
        read_spec(path)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: CoopSpec("a", concepts="\0.yaml"), r"concepts: '\\x00\.yaml' holds a null character; leave it out"),
        (lambda: CoopSpec("a", words="\udcff"), r"words: '\\udcff' is not UTF-8; .* rename the file"),
        (lambda: ImportSpec("z\udcff", "a"), r"source: 'z\\udcff' is not UTF-8"),
        (lambda: ProbeSpec("a", clip=f"local-dir:{'x' * 5000}"), r"clip: 'local-dir:x+\.\.\.' is too long; a name"),
        (lambda: TrainSpec("a", start=f"a/{'é' * 128}.pt"), "start: .* takes at most 255 bytes"),
        (lambda: PredictSpec("a", weights="a/" * 1100), "weights: .* a path 2,048"),
    ],
)
def test_a_text_that_no_file_could_be_named_by_is_refused_in_one_line(made: Callable[[], Spec], words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        made()
    assert len(str(caught.value)) < 200


def test_lists_and_words_may_be_long() -> None:
    assert len(CompareSpec("a" * 255, f"/{'b' * 255}/c").second) == 258
    assert len(DissectSpec("a", layers="layer1," * 100).layers) == 700
    assert len(CoopSpec("a", words="a photo of " * 30).words) == 330


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nothing\.toml: cannot be read"):
        read_spec(tmp_path / "nothing.toml")


def test_the_parts_of_a_score_are_divided_by_their_sum_and_models_stand_once() -> None:
    spec = ScoreSpec("a.mp4", model="face-clip, face-cnn ,face-clip", parts="5,1,4", scores="a=b=2, Happy = 4.5")
    assert spec.part_weights == (0.5, 0.1, 0.4)
    assert spec.models == ("face-clip", "face-cnn")
    assert spec.score_changes == {"a=b": 2.0, "Happy": 4.5}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: MapSpec("a", method="tsnee"), "tsne"),
        (lambda: MapSpec("a", perplexity=1.0), "perplexity is 1.0"),
        (lambda: MapSpec("a", most=1), "most is 1"),
        (lambda: AnglesSpec("a", resamples=1), "resamples"),
        (lambda: SuspectsSpec("a", folds=1), "folds is 1"),
        (lambda: SuspectsSpec("a", encoder="own"), "encoder"),
        (lambda: CleanSpec("a", "a"), "parent's own name"),
        (lambda: CleanSpec("a", "b", disputed="ignore"), "disputed"),
        (lambda: RetrainSpec("a", train="test"), "not learned from"),
        (lambda: LeakageSpec("a", train="test"), "between two splits"),
        (lambda: SlicesSpec(""), "stored classification"),
    ],
)
def test_a_map_or_review_that_cannot_be_is_refused_in_one_line(made: Callable[[], Spec], words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        made()
    assert "\n" not in str(caught.value)
