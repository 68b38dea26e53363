"""What a run scored, and what an export wrote."""


def cases_of(run, role="test"):
    return [row["case_id"] for row in run.table("splits.csv") if row["role"] == role]


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
