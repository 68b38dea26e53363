"""Each dataset from a folder as downloaded to a table of results."""

import json

from tests.helpers.dataset_runs import dataset_run


def is_better_than_chance(one):
    values = one.metrics()
    return values["ap.pooled"] > values["prevalence.pooled"]


def test_mslesseg(tmp_path):
    with dataset_run(tmp_path / "work", "mslesseg", "flair") as one:
        for seed, (folder, visit) in enumerate([("train/P18/T1", "P18_T1"), ("test/P54", "P54")]):
            words = {"T1": "scan", "T2": "scan", "FLAIR": "scan", "MASK": (1,)}
            one.plant(
                {f"MSLesSeg Dataset/{folder}/{visit}_{w}.nii.gz": c for w, c in words.items()}, seed=seed
            )
        one.through()
        assert is_better_than_chance(one)


def test_isles22(tmp_path):
    """The mask has the coarser grid of DWI."""
    with dataset_run(tmp_path / "work", "isles22", "flair") as one:
        for number in (1, 2):
            case = f"sub-strokecase000{number}_ses-0001"
            folder = f"sub-strokecase000{number}/ses-0001"
            words = {w: f"rawdata/{folder}/{case}_{w}.nii.gz" for w in ("adc", "dwi", "flair")}
            mask = f"derivatives/{folder}/{case}_msk.nii.gz"
            one.plant({words["flair"]: "scan"}, seed=number, ill=True)
            coarse = {words["adc"]: "scan", words["dwi"]: "scan", mask: (1,)}
            one.plant(coarse, seed=number, every=2)
            sidecar = one.data / words["flair"].replace(".nii.gz", ".json")
            sidecar.write_text(json.dumps({"PatientAge": "060Y", "PatientSex": "F"}))
        one.through()
        assert is_better_than_chance(one)


def test_fcd_bonn(tmp_path):
    """Controls train and patients are tested; the sixth subject is of another scanner and is left out."""
    with dataset_run(tmp_path / "work", "fcd_bonn", "flair", "fcd_bonn.scanners=matched") as one:
        rows = ["\ufeffparticipant_id\tgroup\tsex\tage_scan"]
        for number in range(1, 11):
            ill, acq = number in (1, 2, 6), "tse3dvfl" if number == 6 else "T2sel"
            start = f"sub-{number:05}/anat/sub-{number:05}_acq-"
            masks = {f"{start}{acq}_FLAIR_roi.nii.gz": (1,)} if ill else {}
            one.plant(
                {f"{start}iso08_T1w.nii.gz": "scan", f"{start}{acq}_FLAIR.nii.gz": "scan", **masks}, number
            )
            rows.append(f"sub-{number:05}\t{'fcd' if ill else 'hc'}\tF\t5")
        (one.data / "participants.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        one.through(trains=True, test="fcd_bonn")
        roles = {row["case_id"]: row["role"] for row in one.table("splits.csv")}
        assert roles["sub-00001"] == roles["sub-00002"] == "test" and "sub-00006" not in roles
        assert is_better_than_chance(one)


def test_fcd_bonn_compares_the_grids_of_sub_00048(tmp_path):
    """The mask has the name of another FLAIR: it is used on an equal grid, and an error on another one."""
    with dataset_run(tmp_path / "work", "fcd_bonn", "flair") as one:
        start = "sub-00048/anat/sub-00048_acq-"
        flair, mask = f"{start}T2sel_FLAIR.nii.gz", f"{start}32ch10_FLAIR_roi.nii.gz"
        one.plant({flair: "scan", mask: (1,)})
        (one.data / "participants.tsv").write_text("participant_id\tgroup\nsub-00048\tfcd\n")
        words = ("data", "check", "fcd_bonn", "--data", f"fcd_bonn={one.data}", "--workers", "1")
        one.passes(*words)
        one.plant({mask: (1,)}, every=2)
        answer = one.call(*words)
        assert answer.code == 3 and "the mask is on another grid: 12x14x10 voxels" in answer.out


def test_qtab(tmp_path):
    """Twins share a role."""
    with dataset_run(tmp_path / "work", "qtab", "t1") as one:
        rows = ["participant_id\tsex\tage\tage_ses02\tfamily_id"]
        for number in range(1, 11):
            start = f"sub-{number:04}/ses-01/anat/sub-{number:04}_ses-01_"
            one.plant(
                dict.fromkeys((f"{start}{w}.nii.gz" for w in ("UNIT1", "T2w", "FLAIR")), "scan"), number
            )
            rows.append(f"sub-{number:04}\tF\t11\tn/a\t{(number + 1) // 2}")
        (one.data / "participants.tsv").write_text("\n".join(rows) + "\n")
        one.through(trains=True)
        roles = {}
        for row in one.table("splits.csv"):
            roles.setdefault(row["subject_id"], set()).add(row["role"])
        families = {family: found for family, found in roles.items() if family.startswith("family-")}
        assert families and all(len(found) == 1 for found in families.values())


def test_lemon(tmp_path):
    with dataset_run(tmp_path / "work", "lemon", "t2") as one:
        rows = ["participant_id\tgender\tage (5-year bins)"]
        for number in range(1, 8):
            start = f"sub-01000{number}/ses-01/anat/sub-01000{number}_ses-01_"
            words = ("acq-mp2rage_T1w", "T2w", "acq-highres_FLAIR")
            one.plant(dict.fromkeys((f"{start}{w}.nii.gz" for w in words), "scan"), number)
            rows.append(f"sub-01000{number}\tF\t20-25")
        (one.data / "participants.tsv").write_text("\n".join(rows) + "\n")
        one.through(trains=True)
        assert is_better_than_chance(one)


def test_openneuro(tmp_path):
    """FLAIR that is named T2w, of the second run where there is one."""
    with dataset_run(tmp_path / "work", "openneuro", "flair", "openneuro.set=ds004856") as one:
        rows = ["participant_id\tAgeMRI_W1\tAgeMRI_W2"]
        for number in range(1, 8):
            start = f"sub-100{number}/ses-wave1/anat/sub-100{number}_ses-wave1_acq-"
            words = ["MPRAGE_run-1_T1w", "FLAIR_run-1_T2w", *(["FLAIR_run-2_T2w"] if number == 3 else [])]
            one.plant(dict.fromkeys((f"{start}{w}.nii.gz" for w in words), "scan"), number)
            rows.append(f"sub-100{number}\t{20 + number}\txx")
        (one.data / "participants.tsv").write_text("\n".join(rows) + "\n")
        one.through(trains=True)
        ages = {
            row["case_id"]: row["age"] for row in one.table("splits.csv") if row["dataset"] == "openneuro"
        }
        assert ages and all(float(age) == 20 + int(case[7]) for case, age in ages.items())
