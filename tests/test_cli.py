from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import write_source
from workbench.cli import main
from workbench.store import Store


def run(*arguments: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench", *arguments]
    environment = {**os.environ, "WORKBENCH_HOME": str(workspace)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


def test_the_main_job_from_import_to_confusions(
    workspace: Path, tmp_path: Path, tiny_clip_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = f"local-dir:{tiny_clip_folder}"
    home = ["--workspace", str(workspace)]
    assert main([*home, "import", str(write_source(tmp_path / "faces.parquet")), "--name", "faces"]) == 0
    assert "60 images" in capsys.readouterr().out
    assert main([*home, "embed", "faces", "--clip", clip]) == 0
    assert main([*home, "classify", "faces", "--clip", clip, "--split", "test"]) == 0
    text = capsys.readouterr().out
    assert "Classes on split 'test'" in text
    assert "stored as classification/" in text
    assert main(["classify", "faces", "--clip", clip, *home, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert set(values["metrics"]) == {"train", "validation", "test", "merged-test", "all"}
    for command in (["datasets"], ["artifacts", "--verify"], ["jobs"], ["health", "faces"], ["concepts"]):
        assert main([*home, *command]) == 0
        assert main([*home, *command, "--json"]) == 0
    capsys.readouterr()


def test_a_stored_spec_runs_again(
    workspace: Path, tmp_path: Path, tiny_clip_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import tomli_w

    home = ["--workspace", str(workspace)]
    main([*home, "import", str(write_source(tmp_path / "faces.parquet")), "--name", "faces"])
    main([*home, "classify", "faces", "--clip", f"local-dir:{tiny_clip_folder}"])
    (artifact,) = Store(workspace).artifacts("classification")
    (tmp_path / "spec.toml").write_text(tomli_w.dumps(artifact.spec))
    capsys.readouterr()
    assert main([*home, "run", str(tmp_path / "spec.toml")]) == 0
    assert f"stored as {artifact.reference}" in capsys.readouterr().out
    assert len(Store(workspace).artifacts("classification")) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["classify", "nothing"], "unknown dataset 'nothing'"),
        (["import", "/no/such/place", "--name", "x"], "/no/such/place"),
        (["import", ".", "--name", "../x"], "cannot be a dataset's name"),
        (["import", ".", "--name", "a/b"], "cannot be a dataset's name"),
        (["concepts", "fer8"], "did you mean 'fer7'"),
        (["run", "nothing.toml"], "cannot be read"),
        (["jobs", "--cancel", "3"], "there is no job 3"),
        (["health", "nothing"], "unknown dataset"),
        (["layers", "face-cn"], "did you mean 'face-cnn'"),
        (["layers", "python:no_such_module:network"], "no_such_module"),
        (["layers", "checkpoint:/no/such/place"], "/no/such/place"),
        (["dissect", "nothing"], "unknown dataset 'nothing'"),
        (["dissect", "faces", "--similarity", "soft"], "did you mean 'soft_wpmi'"),
        (["ablate", "nothing", "--layer", "lin1"], "unknown dissection 'nothing'"),
        (["reweight", "nothing", "--layer", "lin1"], "unknown dissection 'nothing'"),
        (["reweight", "nothing", "--layer", "lin1", "--factors", "0"], "each must be above 0"),
        (["predict", "nothing"], "unknown dataset 'nothing'"),
        (["score", "nothing"], "unknown video 'nothing'"),
        (["score", "nothing.mp4"], "nothing.mp4: no such file"),
        (["score", "nothing.mp4", "--every", "0"], "every is 0"),
        (["score", "nothing.mp4", "--parts", "1,2"], "it takes three numbers"),
        (["score", "nothing.mp4", "--faces", "none"], "faces is 'none'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str], words: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--workspace", str(workspace), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = [line for line in captured.err.splitlines() if line.startswith("workbench:")]
    assert words in line


@pytest.mark.parametrize("name", ["a-file", "a-file/below", "/proc/no-such-folder"])
def test_a_workspace_that_cannot_be_one_is_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").write_text("content")
    source = str(write_source(tmp_path / "faces.parquet"))
    assert main(["--workspace", str(tmp_path / name), "import", source, "--name", "x"]) == 2
    assert name in capsys.readouterr().err.splitlines()[-1]
    assert (tmp_path / "a-file").read_text() == "content"


def test_a_wrong_option_is_status_2(workspace: Path) -> None:
    done = run("classify", workspace=workspace)
    assert done.returncode == 2
    assert "DATASET" in done.stderr


def test_an_interrupted_command_exits_130_and_goes_on_from_there(workspace: Path) -> None:
    command = [sys.executable, "-m", "workbench", "--workspace", str(workspace), "demo", "--no-app", "--count", "20000"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 60
    while not (workspace / "sources").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert "interrupted" in errors or "stop" in errors.lower()
    assert "Traceback" not in errors


def test_a_killed_encoding_leaves_finished_parts_and_ends_with_the_same_bytes(
    tmp_path: Path, tiny_clip_folder: Path
) -> None:
    source = write_source(tmp_path / "faces.parquet", 9000)
    clip = f"local-dir:{tiny_clip_folder}"
    homes = [tmp_path / "killed", tmp_path / "whole"]
    for home in homes:
        assert main(["--workspace", str(home), "import", str(source), "--name", "faces"]) == 0
    command = [sys.executable, "-m", "workbench", "--workspace", str(homes[0]), "embed", "faces", "--clip", clip]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < deadline:
        if list(homes[0].glob("artifacts/embeddings/.*.partial/part-*.parquet")):
            child.kill()
        time.sleep(0.005)
    child.wait()
    for home in homes:
        assert main(["--workspace", str(home), "embed", "faces", "--clip", clip]) == 0
    names = [{p.name: p.read_bytes() for p in home.glob("artifacts/embeddings/[!.]*/*")} for home in homes]
    assert names[0] == names[1]
    assert len(names[0]) > 2


def test_a_killed_dissection_ends_with_the_same_bytes(tmp_path: Path, tiny_clip_folder: Path) -> None:
    source = write_source(tmp_path / "faces.parquet", 7000)
    words = ["dissect", "faces", "--clip", f"local-dir:{tiny_clip_folder}", "--layers", "lin*", "--draws", "100"]
    homes = [tmp_path / "killed", tmp_path / "whole"]
    for home in homes:
        assert main(["--workspace", str(home), "import", str(source), "--name", "faces"]) == 0
    for sign in ("activations/.*.partial/part-*.parquet", "dissection/.*.partial/part-*.parquet"):
        child = subprocess.Popen(
            [sys.executable, "-m", "workbench", "--workspace", str(homes[0]), *words], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while child.poll() is None and time.monotonic() < deadline:
            if list(homes[0].glob(f"artifacts/{sign}")):
                child.kill()
            time.sleep(0.005)
        assert child.wait() == -signal.SIGKILL
    for home in homes:
        assert main(["--workspace", str(home), *words]) == 0
    parts = [
        {path.relative_to(home): path.read_bytes() for path in sorted(home.glob("artifacts/*/[!.]*/part-*.parquet"))}
        for home in homes
    ]
    assert parts[0] == parts[1]
    assert len(parts[0]) > 6


def test_a_network_or_weights_that_no_file_could_be_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", "torchvision:resnet18/random", "--weights", "x" * 5000]) == 2
    assert "weights: 'xxx" in capsys.readouterr().err
    assert main(["layers", "checkpoint:\udcff"]) == 2
    assert "is not UTF-8" in capsys.readouterr().err


def test_the_neurons_from_layers_to_a_verdict(
    workspace: Path, tmp_path: Path, tiny_clip_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--workspace", str(workspace)]
    source = write_source(tmp_path / "faces.parquet", 300)
    assert main([*home, "import", str(source), "--name", "faces"]) == 0
    assert main([*home, "layers", "face-cnn"]) == 0
    assert "conv4b" in capsys.readouterr().out
    clip = ["--clip", f"local-dir:{tiny_clip_folder}", "--draws", "100", "--resamples", "10"]
    assert main([*home, "dissect", "faces", "--layers", "lin2", *clip]) == 0
    text = capsys.readouterr().out
    assert "labelled" in text
    name = text.rpartition("stored as dissection/")[2].strip()
    assert main([*home, "ablate", name[:12], "--layer", "lin2", "--sizes", "2", "--controls", "20", "--json"]) == 0
    ablation = json.loads(capsys.readouterr().out)
    assert ablation["spec"]["layer"] == "lin2"
    assert main([*home, "reweight", name, "--layer", "lin2", "--factors", "1.5", "--json"]) == 0
    reweighting = json.loads(capsys.readouterr().out)
    assert reweighting["sentence"]
    assert main([*home, "predict", "faces", "--split", "test"]) == 0
    assert "Classes on split 'test'" in capsys.readouterr().out
    again = [*home, "reweight", name, "--layer", "lin2", "--factors", "1.5,1.50", "--thresholds", "-1e9,0,0"]
    assert main(again) == 2  # all units lie above the first threshold
    assert "-1e+09" in capsys.readouterr().err.replace("-1000000000", "-1e+09")
    if reweighting["network"]:
        assert main([*home, "predict", "faces", "--model", f"network:{reweighting['network']}"]) == 0
    assert main([*home, "artifacts", "--verify"]) == 0
