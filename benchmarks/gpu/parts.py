"""The parts of `scripts/gpu`: each gives the rows of its table."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.setting import Row, Setting
from tests.pretend_gpu import methods
from uad_bench.method.explanation import explain_scan
from uad_bench.method.guard import score_scan
from uad_bench.method.loop_state import Policy
from uad_bench.testing.toy import toy_scans

TOLERANCE = 1e-3  # of a map's largest value, between a GPU and a CPU with the same weights in float32


class Killed(BaseException):
    """Ends a training from inside."""


def scans(setting: Setting) -> tuple[list[Any], list[Any], Any]:
    """Training, validation and test scans."""
    shape = (16, 32, 8) if setting.tiny else (64, 80, 32)
    train, val, test = (
        toy_scans(n, prefix=p, shape=shape) for n, p in ((4, "train"), (2, "val"), (1, "test"))
    )
    return train, val, test[0]


def life(setting: Setting) -> Iterator[Row]:
    """fit, score, components, save and load, kill and resume, the same seed twice, and the CPU's map."""
    train, val, scan = scans(setting)
    for name in setting.names():
        yield _row(setting, name, lambda name=name: _life(setting, name, train, val, scan))


def _life(setting: Setting, name: str, train: list[Any], val: list[Any], scan: Any) -> Row:
    with tempfile.TemporaryDirectory(dir=setting.folder) as place:
        folder, ctx = Path(place), setting.context("fp32")
        method = fitted(setting, name, train, val, folder)
        found = score_scan(method, scan, ctx, name)
        components = len(explain_scan(method, scan, ctx, name))
        (folder / "model").mkdir()
        method.save(folder / "model")
        loaded, on_cpu = (_loaded(setting, name, folder, scan, device) for device in (setting.device, "cpu"))
        again = score_scan(fitted(setting, name, train, val, folder), scan, ctx, name)
        resumed = score_scan(_resumed(setting, name, train, val, folder), scan, ctx, name)
    apart = float(np.abs(found - on_cpu).max() / max(1e-12, np.abs(on_cpu).max()))
    return {
        "components": components,
        "loaded: same map": bool(np.array_equal(found, loaded)),
        "resumed: same map": bool(np.array_equal(found, resumed)),
        "same seed: same map": bool(np.array_equal(found, again)),
        "difference from the CPU": f"{apart:.1e}",
        "ok": bool(np.array_equal(found, loaded) and np.array_equal(found, again) and apart <= TOLERANCE),
    }


def fitted(
    setting: Setting, name: str, train: list[Any], val: list[Any], folder: Path, policy: Policy | None = None
) -> Any:
    """A method trained on the device in float32."""
    method = methods.made(name, folder)
    method.fit(train, val, setting.context("fp32", policy))
    return method


def _loaded(setting: Setting, name: str, folder: Path, scan: Any, device: str) -> Any:
    back, ctx = methods.made(name, folder), setting.context("fp32", device=device)
    back.load(folder / "model", ctx)
    return score_scan(back, scan, ctx, name)


def _resumed(setting: Setting, name: str, train: list[Any], val: list[Any], folder: Path) -> Any:
    """A method whose training was killed after two steps and resumed."""
    place = folder / "checkpoints"
    place.mkdir()

    def kill(values: Mapping[str, Any]) -> None:
        if values["step"] >= 1:
            raise Killed

    try:
        return fitted(setting, name, train, val, folder, Policy(place, checkpoint_minutes=0, sink=kill))
    except Killed:
        return fitted(setting, name, train, val, folder, Policy(place, resume=True))


def bf16(setting: Setting) -> Iterator[Row]:
    """Average precision on the phantom of a training in fp32 and one in bf16."""
    for name in setting.only or ("ae", "dae", "ddpm", "patch2loc:conv"):
        yield _row(setting, name, lambda name=name: _precisions(setting, name))


def _precisions(setting: Setting, name: str) -> Row:
    found = {precision: _average_precision(setting, name, precision) for precision in ("fp32", "bf16")}
    return {f"AP {key}": f"{value:.4f}" for key, value in found.items()} | {
        "ok": all(map(np.isfinite, found.values()))
    }


def _average_precision(setting: Setting, name: str, precision: str) -> float:
    from uad_bench.cohort.discovery import Sources
    from uad_bench.pipeline.matrix import Matrix, execute
    from uad_bench.pipeline.run_job import Workplace

    base = name.partition(":")[0]
    steps = 4 if setting.tiny else 300
    settings = [(("phantom", "healthy"), 8), (("phantom", "lesions"), 3), ((base, "steps"), steps)]
    if setting.tiny and base == "ddpm":
        settings += [
            ((base, "widths"), (8, 16)),
            ((base, "groups"), 4),
            ((base, "blocks"), 1),
            ((base, "batch"), 4),
        ]
    matrix = Matrix([name], settings=settings, limits={"precision": precision})
    place = Workplace(setting.folder / precision, Sources(setting.folder / "cache"), device=setting.device)
    outcome = execute(matrix.specs(), place)
    if outcome.error:
        raise outcome.error
    import pandas as pd

    rows = pd.read_csv(outcome.done[0].path / "metrics.csv")
    return float(rows[rows["metric"] == "ap.pooled"]["value"].iloc[0])


def speed(setting: Setting) -> Iterator[Row]:
    """Seconds of a training step and of a scan in the method's own sizes, and the largest allocation."""
    for name in setting.names():
        yield _row(setting, name, lambda name=name: _speed(setting, name))


def _speed(setting: Setting, name: str) -> Row:
    train, val, scan = scans(setting)
    with tempfile.TemporaryDirectory(dir=setting.folder) as place:
        method, times = methods.made(name, Path(place)), list[float]()
        torch.cuda.reset_peak_memory_stats(setting.device)
        policy = Policy(
            sink=lambda values: times.append(time.perf_counter()) if "validation" in values else None
        )
        began = time.perf_counter()
        method.fit(train, val, setting.context(policy=policy))
        fit_s = setting.seconds(began)
        score_scan(method, scan, setting.context(), name)
        began = time.perf_counter()
        method.score(scan, setting.context())
        alone = setting.seconds(began)
        began = time.perf_counter()
        score_scan(method, scan, setting.context(), name)
        guarded = setting.seconds(began)
    peak = torch.cuda.max_memory_allocated(setting.device) / 2**20
    return {
        "fit, s": f"{fit_s:.2f}",
        "scan, s": f"{alone:.3f}",
        "harness, s a scan": f"{guarded - alone:.3f}",
        "peak, MiB": f"{peak:.0f}",
        "ok": True,
    }


def rates(setting: Setting) -> Iterator[Row]:
    """The card's own rates: bf16 matrix product, and copies between host and device."""
    side, mib = (64, 1) if setting.tiny else (8192, 512)
    a = torch.ones((side, side), dtype=torch.bfloat16, device=setting.device)
    host = torch.ones(mib * 2**18).pin_memory()
    there = host.to(setting.device)
    work: dict[str, tuple[Callable[[], Any], float, str]] = {
        "bf16 product": (lambda: a @ a, 2e-12 * side**3, "TFLOP/s"),
        "copy on the device": (there.clone, 2 * mib / 1024, "GiB/s"),
        "copy to the device": (lambda: host.to(setting.device, non_blocking=True), mib / 1024, "GiB/s"),
        "copy to the host": (there.cpu, mib / 1024, "GiB/s"),
    }
    for name, (call, amount, unit) in work.items():
        call()
        best = min(_timed(setting, call) for _ in range(5))
        yield {"name": name, "rate": f"{amount / best:.2f}", "unit": unit, "ok": True}


def _timed(setting: Setting, call: Callable[[], Any]) -> float:
    torch.cuda.synchronize(setting.device)
    began = time.perf_counter()
    call()
    return setting.seconds(began)


def _row(setting: Setting, name: str, work: Callable[[], Row]) -> Row:
    """The row of a method; an error becomes its text, and a method after the end of the part's time is not done."""
    if setting.over:
        return {
            "name": name,
            "ok": False,
            "error": "not done: the part's time was over; name the method to run it",
        }
    try:
        return {"name": name, **work()}
    except Exception as error:  # every method is to be reported
        return {
            "name": name,
            "ok": False,
            "error": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
        }


PARTS: dict[str, Callable[[Setting], Iterator[Row]]] = {
    "rates": rates,
    "life": life,
    "bf16": bf16,
    "speed": speed,
}
