"""Options that only `run` has."""

from pathlib import Path
from typing import Annotated

import typer

from uad_bench.cli import options

Methods = Annotated[
    list[str],
    typer.Argument(
        metavar="METHOD...",
        help="NAME (uad-bench list), NAME:VARIANT, NAME:published, module:Class or a .py file; "
        "paper/NAME ignores the protocol's presets; NAME@t2 or NAME@t1+flair sees only these modalities.",
        autocompletion=options.names_of("method"),
    ),
]
Seeds = Annotated[str, typer.Option("--seeds", help="A number of seeds (5: seeds 0 to 4) or a list (0,1,2).")]
Precision = Annotated[
    str,
    typer.Option(
        "--precision",
        help="auto, fp32 or bf16, for training, and for maps where the method's page says so.",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue unfinished runs.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start again, even where a run is complete.")]
Threads = Annotated[
    int,
    typer.Option("--threads", help="CPU threads; 0: all. The last digits of results depend on it.", min=0),
]
On = Annotated[
    str,
    typer.Option(
        "--on",
        help="local:N, N runs at once on this machine; gpus:0,1, one run at a time on each of these GPUs; slurm or "
        "slurm:FILE.yaml, jobs of a cluster. Default: one by one.",
    ),
]
Only = Annotated[
    int,
    typer.Option(
        help="Carry out one run of the matrix, without tables: its number, from 0, by method, then by seed; -1: all.",
        min=-1,
    ),
]
Record = Annotated[
    Path | None,
    typer.Option(
        "--record",
        help="With --only: write the directory of the run to this JSON file, for engines. Default: none.",
    ),
]
TimeBudget = Annotated[float, typer.Option(help="Minutes of training per run; 0: no limit.", min=0)]
CheckpointMinutes = Annotated[float, typer.Option(help="Minutes between checkpoints.", min=0)]
KeepMaps = Annotated[str, typer.Option("--keep-maps", help="all or none.")]
MapBits = Annotated[
    int, typer.Option("--map-bits", help="Bits of a stored score: 32, or 16 for half the disk space.")
]
FailFast = Annotated[
    bool, typer.Option("--fail-fast", help="End a run at the first case that its method cannot score.")
]
CaseTimeout = Annotated[
    float,
    typer.Option(
        "--case-timeout",
        help="Seconds to score a case, in a process that is replaced when it hangs or crashes; 0: no limit.",
        min=0,
    ),
]
Log = Annotated[
    list[str],
    typer.Option(
        "--log",
        help="csv (train.csv of each run, always written), tensorboard, wandb or mlflow: where losses go. Repeatable.",
    ),
]
