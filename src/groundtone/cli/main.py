"""The command line: its commands, and how each of its errors ends.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from groundtone import __version__, telemetry
from groundtone.cli import (
    advise,
    ask,
    backup,
    catalog,
    chat,
    collections,
    compare,
    demo,
    doctor,
    evaluate,
    exported,
    forget,
    index,
    init,
    inspect,
    keys,
    log,
    mcp,
    search,
    serve,
    sync,
    tune,
)
from groundtone.cli.output import dump, visible
from groundtone.errors import GroundtoneError

EPILOG = (
    "Exit codes: 0 done; 1 done, with failures listed; 2 wrong use; 3 not possible now; "
    "4 refused by the gate; 130 interrupted."
)
UsageError: Any = typer.BadParameter.__base__

ORDER = (
    "init",
    "sync",
    "forget",
    "collections",
    "inspect",
    "search",
    "ask",
    "chat",
    "log",
    "tune",
    "models",
    "index",
    "catalog",
    "compare",
    "advise",
    "eval",
    "serve",
    "keys",
    "mcp",
    "backup",
    "restore",
    "doctor",
    "demo",
)


class _Ordered(typer.core.TyperGroup):
    """Commands in the order in which one meets them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=ORDER.index)


# No rich markup in help texts: importing it would take as long as everything else together.
app = typer.Typer(
    cls=_Ordered,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Answers from your own documents, in your own voice, both measured.",
    epilog=EPILOG,
)
app.command("init", short_help="Make a workspace in a folder.")(init.init)
app.command("sync", short_help="Bring it in step with folders, files and web pages.")(sync.sync)
app.command("forget", short_help="Take sources out of it.")(forget.forget)
app.add_typer(collections.app, name="collections", short_help="Named sets of sources, asked alone.")
app.command("inspect", short_help="Show what is understood of a file.")(inspect.inspect)
app.command("search", short_help="Find passages.")(search.search)
app.command("ask", short_help="Answer a question, with citations that open.")(ask.ask)
app.command("chat", short_help="Ask on, follow-ups understood.")(chat.chat)
app.add_typer(log.app, name="log", short_help="See, rate and export the answers given.")
app.add_typer(tune.app, name="tune", short_help="Teach the model your style.")
app.add_typer(exported.app, name="models", short_help="Fetch, list, choose and export models.")
app.add_typer(index.app, name="index", short_help="See, move or fill the index of vectors.")
app.add_typer(catalog.app, name="catalog", short_help="Move what is known into PostgreSQL.")
app.add_typer(compare.app, name="compare", short_help="Measure base, RAG, tuned and both.")
app.command("advise", short_help="RAG, fine-tuning, both or neither: why, and what it costs.")(
    advise.advise
)
app.add_typer(evaluate.app, name="eval", short_help="Measure one part, such as the search.")
app.command("serve", short_help="Answer over HTTP, as OpenAI's API does.")(serve.serve)
app.add_typer(keys.app, name="keys", short_help="Who may use the server.")
app.command("mcp", short_help="Give assistants the documents as tools (MCP).")(mcp.mcp)
app.command("backup", short_help="Write the workspace into one file.")(backup.backup)
app.command("restore", short_help="Put such a file into a new folder.")(backup.restore)
app.command("doctor", short_help="Check everything, with remedies.")(doctor.doctor)
app.command("demo", short_help="See it all on an example manual.")(demo.demo)


def _version(value: bool) -> None:
    if value:
        print(f"groundtone {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error becomes lines for people.

    Args:
        arguments: without the program's name; None takes the process's own.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # A terminal or pipe that cannot show a character gets a substitute, never a crash.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        telemetry.configure()
        code = typer.main.get_command(app).main(
            given or ["--help"], prog_name="groundtone", standalone_mode=False
        )
        if code == 130:  # typer's word for Ctrl-C that no command put into a sentence
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except GroundtoneError as error:
        return _report(given, error.message, error.remedy, error.exit_code)
    except UsageError as error:
        return _report(given, *_usage(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        return _report(given, "Interrupted.", "Nothing is half-done; run the same again.", 130)
    except BrokenPipeError:
        return _unheard()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return _report(given, f"The disk is full: {error.filename or error}.", "Free some.", 3)
        return _bug(given, error)
    except MemoryError:
        return _report(given, "There is not enough memory.", "Close something and try again.", 3)
    except Exception as error:
        return _bug(given, error)


def _report(given: Sequence[str], message: str, remedy: str, code: int) -> int:
    """Say what happened on stderr, and with ``--json`` on stdout too."""
    message = message.rstrip()
    print(visible(message if code == 130 else f"error: {message}"), file=sys.stderr)
    if remedy:
        print(visible(remedy), file=sys.stderr)
    if "--json" in given:
        value = {"error": {"message": message, "remedy": remedy, "code": code}}
        try:
            print(dump(value), flush=True)
        except BrokenPipeError:
            _unheard()
    return code


def _usage(error: Any) -> tuple[str, str]:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "groundtone"
    return error.format_message(), f"Run `{command} --help` to see how it is used."


def _bug(given: Sequence[str], error: Exception) -> int:
    """An error nobody foresaw: one line, and the traceback in a file."""
    what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return _report(
        given,
        f"{what} (this is a bug)",
        f"The traceback was written to {_crash_log(given, error)}; please report it.",
        3,
    )


def _crash_log(given: Sequence[str], error: Exception) -> Path:
    import time
    import traceback

    text = (
        f"{time.strftime('%Y-%m-%dT%H:%M:%S')} groundtone {__version__}, Python {sys.version}\n"
        f"groundtone {' '.join(given)}\n" + "".join(traceback.format_exception(error)) + "\n"
    )
    for folder in (_state(given), Path(tempfile.gettempdir())):
        if folder is None:
            continue
        path = folder / ("crash.log" if folder.name == ".groundtone" else "groundtone-crash.log")
        try:
            with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(text)
        except OSError:
            continue
        return path
    return Path(os.devnull)


def _state(given: Sequence[str]) -> Path | None:
    """The workspace's own folder, if a workspace can be told from the arguments or the place."""
    named = [b for a, b in itertools.pairwise(given) if a in ("--workspace", "-w")]
    named += [a.partition("=")[2] for a in given if a.startswith("--workspace=")]
    here = Path.cwd()
    for folder in [Path(named[-1])] if named else [here, *here.parents]:
        if (folder / ".groundtone").is_dir():
            return folder / ".groundtone"
    return None


def _unheard() -> int:
    """Whoever read stdout has gone (``| head``): stop quietly."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device, not a path of ours
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(run())
