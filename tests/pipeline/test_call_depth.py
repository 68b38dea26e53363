"""How deep the code is: functions of this project between the command line and one preparation step."""

import sys
import traceback
from pathlib import Path

import pytest

from tests.helpers.runs import DATA, HERE
from uad_bench import cli
from uad_bench.prepare.steps.scale import Scale

CORE = Path(cli.__file__).parents[1]


def test_eight_functions_lead_from_the_command_to_a_step(toy_root, tmp_path, monkeypatch):
    stack = []

    def reach(self, case):
        stack.extend(traceback.extract_stack()[:-1])
        raise KeyboardInterrupt

    monkeypatch.setattr(Scale, "apply", reach)
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    options = ["--protocol", f"{HERE}/toy.yaml", "--data", f"{DATA}={toy_root}", "--workers", "1", "--quiet"]
    settings = [f"protocol.train={DATA}", f"protocol.test=[{DATA}]"]
    for setting in settings:
        options += ["--set", setting]
    monkeypatch.setattr(
        sys, "argv", ["uad-bench", "run", "thresh", "--out", str(tmp_path / "runs"), *options]
    )
    with pytest.raises(SystemExit):
        cli.main()
    ours = [frame for frame in stack if Path(frame.filename).is_relative_to(CORE)]
    assert [f"{Path(frame.filename).relative_to(CORE).with_suffix('')}.{frame.name}" for frame in ours] == [
        "cli/__init__.main",
        "cli/run.run",
        "pipeline/matrix.execute",
        "cohort/gather.gather",
        "prepare/prepare_cases.prepare_cases",
        "prepare/cache/prepared_case.prepare_case",
        "prepare/chain.run_chain",
    ]
