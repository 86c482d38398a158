"""The command ``normeq``: every step of the workflow, runnable without Snakemake."""

from __future__ import annotations

import sys

import typer

from normeq import __version__
from normeq.denoisers.cli import networks_command
from normeq.denoisers.denoise_cli import denoise_command
from normeq.denoisers.export_cli import export_command
from normeq.denoisers.foreign.cli import import_command
from normeq.errors import NormeqError
from normeq.imaging.cli import protocol_command
from normeq.suite.campaign.cli import campaign_command, measure_command
from normeq.suite.claims.cli import claims_command
from normeq.suite.commands.evaluate import app as evaluate_app
from normeq.suite.commands.evaluate import certify_command, collect_command, metrics_command
from normeq.suite.compare.cli import compare_command
from normeq.suite.data.cli import app as data_app
from normeq.suite.figures.cli import figure_app
from normeq.suite.report.cli import poster_command, report_command, run_card_command
from normeq.suite.tables.cli import table_app
from normeq.suite.training.cli import train_command
from normeq.system.console import run

# Typer brings its own copy of click, or uses the installed one, depending on its version.
USAGE = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    help="Normalization-equivariant denoising: train, evaluate, tables, figures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # rich's own would swallow the [a,b] of our help texts
)
app.add_typer(data_app, name="data")
app.command("train")(train_command)
app.command("campaign")(campaign_command)
app.add_typer(evaluate_app, name="evaluate")
app.command("measure")(measure_command)
app.command("denoise")(denoise_command)
app.command("networks")(networks_command)
app.command("import")(import_command)
app.command("export")(export_command)
app.command("certify")(certify_command)
app.command("protocol")(protocol_command)
app.command("collect")(collect_command)
app.command("metrics")(metrics_command)
app.command("claims")(claims_command)
app.command("compare")(compare_command)
app.add_typer(table_app, name="table")
app.add_typer(figure_app, name="figure")
app.command("run-card")(run_card_command)
app.command("report")(report_command)
app.command("poster")(poster_command)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Entry point: a user's mistake is one line on stderr and exit status 2."""
    sys.exit(run(command))


def command() -> int:
    """Carry out the command line; its exit status.

    Raises:
        NormeqError: an argument is empty. As a path it would be the current folder, and what was meant is
            likely a variable of the shell that is not set.
    """
    if "" in sys.argv[1:]:
        raise NormeqError("an argument is empty: is a variable of the shell not set?")
    try:
        status = app(standalone_mode=False, prog_name="normeq")
    except USAGE as error:  # an option or argument that does not exist, or a bad value
        line = " ".join(error.format_message().split())
        context = getattr(error, "ctx", None)
        where = f"; see `{context.command_path} --help`" if context else ""
        if line:  # empty where a group without a command has shown its help
            typer.echo(f"normeq: error: {line.rstrip('.')}{where}", err=True)
        status = 2
    except typer.Abort:
        status = 130
    if status == 130:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    return status or 0


if __name__ == "__main__":
    main()
