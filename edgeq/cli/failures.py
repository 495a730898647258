"""What the user sees when something fails: one message, one exit code, no traceback."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from edgeq.cli.output import Output
from edgeq.cli.safe import printable
from edgeq.errors import EdgeqError, ToolMissingError

DEBUG = "EDGEQ_DEBUG"


def show(error: EdgeqError, output: Output) -> None:
    """`error: ...` on stderr, and an object on stdout where JSON is asked for."""
    # A gate is judged on a finished report, which stays the document; the error joins it.
    output.write_json({**getattr(error, "report", {}), "error": error_object(error)})
    click.echo(f"{click.style('error:', fg='red', bold=True)} {printable(str(error))}", err=True)


def error_object(error: EdgeqError) -> dict[str, str | None]:
    """An error as `--json` shows it."""
    return {key: getattr(error, key) for key in ("what", "file", "node", "tensor", "fix")}


@contextmanager
def reported(output: Output) -> Iterator[None]:
    """Shows whatever a command raises, and ends with its exit code; after an interrupt, with the one of shells.

    Raises:
        click.exceptions.Exit: With the exit code.
        click.ClickException: Wrong usage, which click itself shows.
    """
    try:
        yield
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise click.exceptions.Exit(128 + signal.SIGINT) from None
    except click.ClickException as error:
        output.write_json({"error": error_object(EdgeqError(error.format_message()))})
        raise
    except (click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            raise  # the reader of a pipe has gone: click ends quietly
        shown = _as_edgeq_error(error)
        show(shown, output)
        raise click.exceptions.Exit(shown.exit_code) from error


def _as_edgeq_error(error: Exception) -> EdgeqError:
    if isinstance(error, EdgeqError):
        return error
    if os.environ.get(DEBUG):
        sys.excepthook(type(error), error, error.__traceback__)
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("edgeq"):
        return ToolMissingError(f"the Python package {error.name} is not installed", fix="see Install in the README")
    if isinstance(error, OSError) and error.strerror:
        return EdgeqError(error.strerror, file=error.filename)
    return EdgeqError(
        f"edgeq itself failed: {type(error).__name__}: {error}",
        fix=f"report this as a bug, with the traceback that the environment variable {DEBUG}=1 shows",
    )
