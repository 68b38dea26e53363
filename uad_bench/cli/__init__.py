"""The command line: typer commands that parse, call and print. Each imports the heavy libraries that it needs."""

import io
import signal
import sys
from collections.abc import Sequence

import typer

from uad_bench.cli import (
    doctor,
    draw,
    evaluate,
    export,
    leaderboard,
    predict,
    prepare,
    run,
    sensitivity,
    show,
)
from uad_bench.cli import list as listing
from uad_bench.cli.authors import check, new
from uad_bench.cli.data import audit, cache
from uad_bench.cli.data import verbs as data
from uad_bench.cli.engines import jobs
from uad_bench.cli.weights import verbs as weights
from uad_bench.errors import Terminated, UadError
from uad_bench.support import numpy_cpu

INTERRUPTED = "interrupted: finished work is kept"

app = typer.Typer(
    name="uad-bench",
    help="Benchmark of unsupervised anomaly detection in brain MRI.\n\nStart with: uad-bench list",
    no_args_is_help=True,
    rich_markup_mode=None,  # importing rich takes 0.2 s
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


data_app = typer.Typer(help="Datasets: unpack, check and report.", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print version, commit and the versions of libraries."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks."),
) -> None:
    del debug  # read in main(), before any command runs
    if version:
        _print_versions()
        raise typer.Exit


def _print_versions() -> None:
    """This program with its commit, Python, and the libraries that numbers may depend on."""
    from uad_bench import __version__
    from uad_bench.support import environment

    typer.echo(f"uad-bench {__version__}, commit {environment.commit() or 'not known'}")
    typer.echo(f"{'python':<12} {sys.version.split()[0]}")
    for package in environment.PACKAGES[1:]:
        typer.echo(f"{package:<12} {environment.installed(package) or 'MISSING'}")


app.command("run")(run.run)
app.command("jobs")(jobs.jobs)
app.command("prepare")(prepare.prepare)
app.command("evaluate")(evaluate.evaluate)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("export")(export.export)
app.command("predict")(predict.predict)
app.command("list")(listing.list_)
app.command("show")(show.show)
app.command("schema")(listing.schema)
app.command("audit")(audit.audit)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.command("new")(new.new)
data_app.command("import")(data.import_)
data_app.command("check")(data.check)
data_app.command("report")(data.report)
app.add_typer(data_app, name="data")
app.add_typer(draw.app, name="draw")
app.add_typer(cache.app, name="cache")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Run a command. Every error that a user can act on is printed as one line, with its exit code."""
    numpy_cpu.prefer_avx2()
    _replace_unprintable()
    signal.signal(signal.SIGTERM, _terminate)
    debug = "--debug" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    try:
        answer = app(arguments, standalone_mode=False)
    except UadError as error:
        if debug:
            raise
        _leave(f"error[{error.code}]: {error}", error.exit_code)
    except (Terminated, KeyboardInterrupt, typer.Abort) as stop:
        _leave(_interrupted(arguments), 143 if isinstance(stop, Terminated) else 130)
    except typer.Exit as leave:
        sys.exit(leave.exit_code)
    except typer.exceptions.TyperException as error:  # a wrong argument or option
        if type(error).__name__ == "NoArgsIsHelpError":  # `uad-bench`, `uad-bench data`
            typer.echo(error.format_message())
            sys.exit(0)
        _leave(f"error[UB200]: {' '.join(error.format_message().split())} (try --help)", 2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    _leave(
        _interrupted(arguments) if answer == 130 else "", answer if isinstance(answer, int) else 0
    )  # 130: Ctrl-C, says typer


def _interrupted(arguments: Sequence[str]) -> str:
    """What a command says that was interrupted; those that have the option --resume name it."""
    verbs = {one.name: one.callback for one in app.registered_commands}
    verb = verbs.get(arguments[0]) if arguments else None
    if "resume" not in getattr(verb, "__annotations__", {}):
        return INTERRUPTED
    return INTERRUPTED + ", --resume" + (" without --fresh" if "--fresh" in arguments else "") + " continues"


def _replace_unprintable() -> None:
    """A terminal in Latin-1 or ASCII shows other characters as "?" and backslashes: no name ends a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and (stream.encoding or "").lower() not in {"utf-8", "utf8"}:
            stream.reconfigure(errors="backslashreplace")


def _terminate(_number: int, _frame: object) -> None:
    # A scheduler may send it more than once: the second one must not interrupt what the first one makes save.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


def _leave(message: str, code: int) -> None:
    if message:
        typer.echo(message, err=True)
    sys.exit(code)
