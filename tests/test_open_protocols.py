"""The protocols on open data: their parts exist, and a run passes their roles, rules and metrics on small volumes."""

import pytest

from tests.helpers.dataset_runs import dataset_run
from tests.helpers.page_protocol import page_protocol
from uad_bench.config import load_protocol
from uad_bench.evaluate import postprocess
from uad_bench.prepare.chain import parse_steps

PROTOCOLS = {
    "fusion-2mm": ("lemon", ("mslesseg", "brats21"), ("t1", "t2", "flair")),
    "epilepsy-2mm": ("fcd_bonn", ("fcd_bonn",), ("flair",)),
    "paediatric-2mm": ("qtab", ("brats_peds",), ("t2",)),
}
#: Of the example in docs/protocols.md.
EXAMPLE = ("ixi", ("atlas_v2", "wmh"), ("t1",))
#: A grid for small volumes, without the steps that take time and change no role.
SMALL = (
    "protocol.grid={spacing: [6, 6, 6], shape: [24, 28, 20], centre: brain}",
    "protocol.prepare=[{step: canonical}, {step: brain_mask}, {step: resample}, {step: histogram}, {step: scale}]",
)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_loads_and_is_that_of_uad_2mm_but_for_its_question(name):
    protocol, ours = load_protocol(name), load_protocol("uad-2mm")
    assert (protocol.train, protocol.test, protocol.modalities) == PROTOCOLS[name]
    assert parse_steps(protocol.steps) and postprocess.parse(protocol.postprocess)
    for part in ("grid", "prepare", "postprocess"):
        assert getattr(protocol, part) == getattr(ours, part)
    assert protocol.splits.salt == ours.splits.salt


def test_a_subject_of_brats21_has_the_role_that_it_has_in_uad_2mm():
    fusion, ours = (load_protocol(name).splits for name in ("fusion-2mm", "uad-2mm"))
    assert (fusion.salt, fusion.tune["brats21"]) == (ours.salt, ours.tune["brats21"])


def lemon(number):
    start = f"lemon/sub-0100{number:02}/ses-01/anat/sub-0100{number:02}_ses-01_"
    return dict.fromkeys(
        (f"{start}{w}.nii.gz" for w in ("acq-mp2rage_T1w", "T2w", "acq-highres_FLAIR")), "scan"
    )


def mslesseg(number):
    start = f"mslesseg/test/P{number}/P{number}_"
    return {f"{start}{w}.nii.gz": "scan" for w in ("T1", "T2", "FLAIR")} | {f"{start}MASK.nii.gz": (1,)}


def brats21(number):
    start = f"brats21/BraTS2021_{number:05}/BraTS2021_{number:05}_"
    return {f"{start}{w}.nii.gz": "scan" for w in ("t1", "t2", "flair")} | {f"{start}seg.nii.gz": (1, 2, 4)}


def bonn(number, ill):
    start = f"fcd_bonn/sub-{number:05}/anat/sub-{number:05}_acq-T2sel_FLAIR"
    return {f"{start}.nii.gz": "scan"} | ({f"{start}_roi.nii.gz": (1,)} if ill else {})


def qtab(number):
    return {f"qtab/sub-{number:04}/ses-01/anat/sub-{number:04}_ses-01_T2w.nii.gz": "scan"}


def peds(number):
    start = f"brats_peds/BraTS-PEDs2024_Training/BraTS-PED-{number:05}-000/BraTS-PED-{number:05}-000-"
    return {f"{start}t2w.nii.gz": "scan", f"{start}seg.nii.gz": (1, 2, 3, 4)}


def ixi(number):
    return {f"ixi/IXI{number:03}-Guys-{number:04}-T1.nii.gz": "scan"}


def atlas_v2(number):
    start = f"sub-r001s{number:03}/ses-1/anat/sub-r001s{number:03}_ses-1_space-MNI152NLin2009aSym_"
    files = {"T1w": "scan", "label-L_desc-T1lesion_mask": (1,)}
    return {f"atlas_v2/ATLAS_2/Training/R001/{start}{w}.nii.gz": content for w, content in files.items()}


def wmh(number):
    return {f"wmh/GE3T/{number}/pre/T1.nii.gz": "scan", f"wmh/GE3T/{number}/wmh.nii.gz": (1, 2)}


def run(one, name, people=""):
    """A run of `thresh` under a protocol on what was planted; its roles by case."""
    train, tests, _ = PROTOCOLS.get(name, EXAMPLE)
    if people:
        (one.data / train / "participants.tsv").write_text(people)
    data = [
        w for dataset in dict.fromkeys([train, *tests]) for w in ("--data", f"{dataset}={one.data / dataset}")
    ]
    sets = [word for text in SMALL for word in ("--set", text)]
    place = ("--out", one.runs, "--threads", "1", "--workers", "1", "--quiet")
    one.passes("run", "thresh", "--protocol", name, *data, *sets, *place)
    return {row["case_id"]: row["role"] for row in one.table("splits.csv")}


def test_fusion_trains_and_tests_on_three_modalities(tmp_path):
    with dataset_run(tmp_path / "work", "lemon", "t2") as one:
        for number in range(1, 11):
            one.plant(lemon(number), seed=number)
        for number in range(1, 4):
            one.plant(mslesseg(number), seed=20 + number)
            one.plant(brats21(number), seed=30 + number)
        rows = "".join(f"sub-0100{number:02}\tF\t20-25\n" for number in range(1, 11))
        roles = run(one, "fusion-2mm", "participant_id\tgender\tage (5-year bins)\n" + rows)
        assert "train" in {role for case, role in roles.items() if case.startswith("sub-")}
        patients = {case: role for case, role in roles.items() if not case.startswith("sub-")}
        assert {case[:5] for case in patients} == {"P1", "P2", "P3", "BraTS"}
        assert "test" in patients.values() and set(patients.values()) <= {"tune", "test"}


def test_epilepsy_ranks_by_lesions_and_compares_patients_with_controls(tmp_path):
    with dataset_run(tmp_path / "work", "fcd_bonn", "flair") as one:
        for number in range(1, 15):
            one.plant(bonn(number, number < 4), seed=number)
        rows = "".join(f"sub-{n:05}\t{'fcd' if n < 4 else 'hc'}\tF\t5\n" for n in range(1, 15))
        roles = run(one, "epilepsy-2mm", "participant_id\tgroup\tsex\tage_scan\n" + rows)
        assert {roles[f"sub-{n:05}"] for n in range(1, 4)} == {"test"}
        values = {row["metric"] for row in one.table("metrics.csv") if row["value"]}
        assert "froc.case" in values
        assert any(metric.startswith("case_auroc_q99") for metric in values)


def test_paediatric_trains_on_families(tmp_path):
    with dataset_run(tmp_path / "work", "qtab", "t2") as one:
        for number in range(1, 13):
            one.plant(qtab(number), seed=number)
        for number in range(1, 4):
            one.plant(peds(number), seed=20 + number)
        rows = "".join(f"sub-{n:04}\tF\t11\tn/a\t{(n + 1) // 2}\n" for n in range(1, 13))
        roles = run(one, "paediatric-2mm", "participant_id\tsex\tage\tage_ses02\tfamily_id\n" + rows)
        twins = [[roles.get(f"sub-{n + k:04}_ses-01") for k in (0, 1)] for n in range(1, 13, 2)]
        assert all(one == other for one, other in twins) and "train" in {one for one, _ in twins}


def test_the_example_of_the_page_thresholds_at_a_quantile_of_healthy_validation_scans(tmp_path):
    with dataset_run(tmp_path / "work", "ixi", "t1") as one:
        for number in range(1, 15):
            one.plant(ixi(number), seed=number)
        for number in range(1, 5):
            one.plant(atlas_v2(number), seed=20 + number)
            one.plant(wmh(100 + number), seed=30 + number)
        roles = run(one, page_protocol(tmp_path))
        assert {"train", "val"} <= {role for case, role in roles.items() if case.startswith("IXI")}
        assert {role for case, role in roles.items() if not case.startswith("IXI")} <= {"tune", "test"}
        assert "dice@healthy_q99" in one.metrics()
