"""A Slurm of one node on this machine, by scripts/slurm-node."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "slurm-node"
TOOLS = ("slurmctld", "slurmd", "munged", "sbatch", "srun")


def why_not() -> str:
    """Why no Slurm can be started here, "" where one can."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"no Slurm can be started here: {', '.join(missing)} not installed"
    return "" if os.geteuid() == 0 else "no Slurm can be started here: not root"


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """A node whose files are in `folder`, known to processes of this one by $SLURM_CONF."""
    before = os.environ.get("SLURM_CONF")
    port = {"UAD_SLURM_PORT": str(random.randrange(20_000, 30_000, 2))}
    try:
        subprocess.run([SCRIPT, "up", folder], check=True, stdout=subprocess.DEVNULL, env=os.environ | port)
        os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
        yield folder
    finally:
        subprocess.run([SCRIPT, "down", folder], check=True)
        os.environ.pop("SLURM_CONF", None)
        os.environ |= {"SLURM_CONF": before} if before else {}


def has_preempted() -> bool:
    """Whether this Slurm has queued a job again for one of a higher partition."""
    log = Path(os.environ["SLURM_CONF"]).parent / "log" / "slurmctld.log"
    return "has been requeued to reclaim resources" in log.read_text()


def ask(*words: str) -> str:
    """What a command of Slurm answers. Raises CalledProcessError where it fails."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
