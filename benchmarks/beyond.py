"""Extensions of Patch2Loc, each compared with the plain method over several training seeds.

    python -m benchmarks.beyond --seeds 0,2,4 --out beyond/ [--data mslub=DIR --data brats21=DIR]
    python -m benchmarks.beyond --table --out beyond/

Trains for a few minutes per seed on a development cohort (`phantom` with another seed than the protocol's, so that
none of its subjects is in a leaderboard). Scores every 4th slice of its subjects with lesions, and of real datasets
whose folders are given. Options that change scoring only use the plain network; options with several networks combine
networks that were trained separately. `--table` prints Markdown: AP per case as mean ± sample standard deviation over
seeds, and the paired test over cases of the difference to the plain method, with Holm's correction.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from sklearn.metrics import average_precision_score

from uad_bench import Context, Scan
from uad_bench.cohort.cohort import Cohort, Member
from uad_bench.cohort.discovery import Sources
from uad_bench.cohort.gather import gather
from uad_bench.config import RunSpec, load_protocol
from uad_bench.evaluate import postprocess
from uad_bench.leaderboard.statistics.pairwise.all_pairs import all_pairs
from uad_bench.leaderboard.statistics.pairwise.paired_differences import paired_differences
from uad_methods.patch2loc import Patch2Loc

COHORT = 1001
EVERY = 4
MODALITIES = ["t1", "t2", "flair"]
PLAIN: dict[str, Any] = {
    "network": "conv", "patch": 24, "slices": 12,
    "lr": 5e-3, "schedule": "cosine", "clip": 5, "usual": 0, "flips": False,
}  # fmt: skip
#: Trained networks: modalities, and parameters that differ from the plain method.
TRAINED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "plain": (["t2"], {}),
    "side 16": (["t2"], {"patch": 16}),
    "full covariance": (["t2"], {"belief": "full"}),
    "mixture": (["t2"], {"belief": "mixture"}),
    "2.5D": (["t2"], {"neighbours": 1}),
    "t1": (["t1"], {}),
    "flair": (["flair"], {}),
    "fused channels": (MODALITIES, {}),
}
#: Options that use trained networks: their names, modalities and parameters.
COMBINED: dict[str, tuple[list[str], list[str], dict[str, Any]]] = {
    "flips": (["plain"], ["t2"], {"flips": True}),
    "usual": (["plain"], ["t2"], {"usual": 16}),
    "flips, usual": (["plain"], ["t2"], {"flips": True, "usual": 16}),
    "2.5D, usual": (["2.5D"], ["t2"], {"neighbours": 1, "usual": 16}),
    "sides 16 and 24": (["plain", "side 16"], ["t2"], {"scales": (16,)}),
    "experts": (["t1", "plain", "flair"], MODALITIES, {"experts": True}),
}


class Selection(Sequence[Scan]):
    """The scans of cases, with a choice of modalities and a brain mask of every n-th slice only."""

    def __init__(self, members: Sequence[Member], modalities: Sequence[str], every: int = 1) -> None:
        self._members, self._modalities, self._every = members, modalities, every

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Selection(self._members[index], self._modalities, self._every)
        scan = self._members[index].prepared.scan()
        image = scan.image[[scan.modalities.index(m) for m in self._modalities]]
        brain = scan.brain_mask.copy()
        brain[..., np.arange(brain.shape[2]) % self._every != self._every // 2] = False
        return replace(scan, image=image, brain_mask=brain, modalities=tuple(self._modalities))


def main() -> None:
    """Train and score the given seeds, or print the table of existing results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--only", nargs="*", default=[], help="options; all by default")
    parser.add_argument("--data", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.table:
        print("\n".join(table(given.out)))
        return
    torch.set_num_threads(1)
    roots = {name: Path(folder) for name, folder in (one.split("=", 1) for one in given.data)}
    subjects = load_subjects(roots)
    for seed in map(int, given.seeds.split(",")):
        one_seed(seed, given.steps, given.only, subjects, given.out)


@dataclass(frozen=True)
class Subjects:
    """train, val: healthy; tests: per dataset, cases with lesions that have T2, and those with all modalities."""

    train: Sequence[Member]
    val: Sequence[Member]
    tests: Mapping[str, tuple[Sequence[Member], Sequence[Member]]]


def load_subjects(roots: Mapping[str, Path], spacing: int = 2) -> Subjects:
    """The development cohort and the real cases, prepared with protocol `phantom`, 1 mm on the same field of view."""
    cache = Path(platformdirs.user_cache_dir("uad-bench"))
    sources = Sources(cache, roots, skip_missing=True)
    names, options = ["phantom", *roots], {"phantom": {"seed": COHORT, "spacing": spacing}}
    grid = {
        "spacing": [spacing] * 3,
        "shape": [edge * 2 // spacing for edge in (80, 96, 80)],
        "centre": "brain",
    }
    some, all_of = (
        gather(
            RunSpec(
                method="none",
                target="none",
                parameters={},
                protocol=load_protocol("phantom", {"modalities": modalities, "grid": grid}),
                test=tuple(names),
                datasets=options,
                seed=0,
            ),
            sources,
        )
        for modalities in (["t2"], MODALITIES)
    )
    tests = {name: (_lesions(some, name), _lesions(all_of, name)) for name in names}
    tests["phantom"] = (tests["phantom"][1], tests["phantom"][1])
    return Subjects(all_of.of("train"), all_of.of("val"), tests)


def _lesions(cohort: Cohort, dataset: str) -> list[Member]:
    return [m for m in cohort.members if m.case.dataset == dataset and not m.case.healthy]


def one_seed(seed: int, steps: int, only: Sequence[str], subjects: Subjects, out: Path) -> None:
    """Every option with one training seed, one JSON file each; existing files are not changed."""
    trained: dict[str, Patch2Loc] = {}
    for name, (modalities, options) in TRAINED.items():
        needed = {name, *(t for t, (parts, *_) in COMBINED.items() if name in parts)}
        missing = {one for one in needed if not (out / f"{one}.{seed}.json").exists()}
        if not missing or (only and not missing & set(only)):
            continue
        trained[name] = method = Patch2Loc(**{**PLAIN, "steps": steps, **options})
        began = time.process_time()
        method.fit(
            Selection(subjects.train, modalities), Selection(subjects.val, modalities), Context(seed=seed)
        )
        path = out / f"{name}.{seed}.json"
        if (not only or name in only) and not path.exists():
            write(path, method, modalities, subjects, train_s=time.process_time() - began)
    for name, (names, modalities, options) in COMBINED.items():
        path = out / f"{name}.{seed}.json"
        if (not only or name in only) and not path.exists():
            method = Patch2Loc(**{**PLAIN, **options})
            method.channels_, method.shape_ = len(modalities), trained[names[0]].shape_
            nets = [trained[one].net_ for one in names]
            method.net_ = nets[0] if len(nets) == 1 else torch.nn.ModuleList(nets)
            every = 1 if method.neighbours else EVERY  # neighbouring slices are part of the input
            method.learn_usual(Selection(subjects.train, modalities, every), Context(seed=seed))
            write(path, method, modalities, subjects)


def write(
    path: Path, method: Patch2Loc, modalities: Sequence[str], subjects: Subjects, train_s: float = 0.0
) -> None:
    """Score every case with lesions that has the modalities, and write its AP."""
    began, cases = time.process_time(), dict[str, dict[str, float | str]]()
    for dataset, members in subjects.tests.items():
        for member in members[len(modalities) > 1 or modalities != ["t2"]]:
            case = ap(method, member, modalities)
            if case:
                cases[f"{dataset}/{member.case.case_id}"] = case
    spent = {"train_s": train_s, "score_s": time.process_time() - began}
    path.write_text(json.dumps({"cases": cases, **spent}, indent=1))
    print(f"{path.stem}: AP per case {mean_phantom_ap(cases):.3f}, training {train_s:.0f} CPU s", flush=True)


def ap(method: Patch2Loc, member: Member, modalities: Sequence[str]) -> dict[str, float | str]:
    """AP, lesion type and prevalence of a case; empty if no scored slice has a lesion."""
    scan = Selection([member], modalities, EVERY)[0]
    labels = member.prepared.truth().lesion_mask[scan.brain_mask]
    if not labels.any():
        return {}
    shown = (
        Selection([member], modalities)[0] if method.neighbours else scan
    )  # neighbours must be there to be seen
    scores = postprocessed(method.score(shown, Context()), scan)[scan.brain_mask]
    kind = member.case.lesion_kind if member.case.dataset == "phantom" else member.case.dataset
    return {
        "ap": float(average_precision_score(labels, scores)),
        "kind": kind,
        "prevalence": float(labels.mean()),
    }


def postprocessed(scores: Any, scan: Scan, steps: Any = None) -> Any:
    """The map after some post-processing; by default that of the protocol."""
    brain = scan.brain_mask
    for step in steps or postprocess.parse(load_protocol("phantom").postprocess):
        scores, brain = step.run(np.asarray(scores, np.float32), brain)
    return scores


def mean_phantom_ap(cases: Mapping[str, Any]) -> float:
    """Mean AP over the synthetic cases."""
    return float(np.mean([one["ap"] for name, one in cases.items() if name.startswith("phantom/")]))


def table(out: Path) -> Iterator[str]:
    """Lines of Markdown: one row per option, columns AP per case by lesion type."""
    names = [name for name in ("plain", *TRAINED, *COMBINED) if list(out.glob(f"{name}.*.json"))]
    runs = {
        n: [json.loads(p.read_text()) for p in sorted(out.glob(f"{n}.*.json"))] for n in dict.fromkeys(names)
    }
    shared = set.intersection(*(set(run["cases"]) for given in runs.values() for run in given))
    for run in (
        run for given in runs.values() for run in given
    ):  # means are over the same cases in every row
        run["cases"] = {name: one for name, one in run["cases"].items() if name in shared}
    cases = runs["plain"][0]["cases"]
    kinds = list(dict.fromkeys(one["kind"] for one in cases.values()))
    own = [name for name in cases if name.startswith("phantom/")]
    yield "| option | seeds | all | " + " | ".join(kinds) + " | Δ to plain (95 % interval) | Holm p |"
    yield "|---|---|---|" + "---|" * len(kinds) + "---|---|"
    prevalence = {
        k: np.mean([one["prevalence"] for one in cases.values() if one["kind"] == k]) for k in kinds
    }
    overall = np.mean([cases[name]["prevalence"] for name in own])
    yield f"| prevalence | | {overall:.3f} | " + " | ".join(f"{prevalence[k]:.3f}" for k in kinds) + " | | |"
    values = {n: np.array([[run["cases"][c]["ap"] for c in own] for run in runs[n]]) for n in runs}
    others = [name for name in runs if name != "plain"]
    family = [values["plain"], *(values[name] for name in others)]
    averaged, rows = np.array([one.mean(0) for one in family]), range(1, len(family))
    contrasts = paired_differences(all_pairs(family), averaged, rows, (0, "plain"), "ap")
    found = dict(zip(others, contrasts, strict=True))
    for name, given in runs.items():
        cells = [
            str(len(given)),
            plus_minus(values[name].mean(1)),
            *(plus_minus(of(kind, given)) for kind in kinds),
        ]
        one = found.get(name)
        cells += (
            [f"{one.difference:+.3f} [{one.low:+.3f}, {one.high:+.3f}]", f"{one.p_holm:.3f}"]
            if one
            else ["", ""]
        )
        yield f"| {name} | " + " | ".join(cells) + " |"


def of(kind: str, runs: Sequence[Any]) -> list[float]:
    """The mean AP of each run over the cases of one lesion type; runs without such cases are left out."""
    found = [[c["ap"] for c in run["cases"].values() if c["kind"] == kind] for run in runs]
    return [float(np.mean(one)) for one in found if one]


def plus_minus(values: Any) -> str:
    """Mean ± sample standard deviation."""
    if not len(values):
        return "–"
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
