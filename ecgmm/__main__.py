"""All commands under one name: ``ecgmm train ...`` is ``python -m ecgmm.train ...``, and ``ecgmm`` lists them."""

import ast
import os
import re
import runpy
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from ecgmm.console.ending import USER_MISTAKE, ended
from ecgmm.console.terminal import say
from ecgmm.version import __version__

_PACKAGE = Path(__file__).parent
_WITH_SETTINGS = (
    "download",
    "prepare",
    "train",
    "plan",
    "evaluate",
    "robustness",
    "written_reports",
    "retrieval",
    "zero_shot",
    "predict",
    "explain",
    "export",
    "serve",
    "verify",
    "audit",
    "statements",
    "agreement",
    "suspicious_labels",
)
_COMPLETION = ("-sc", "--shell-completion")
_SETTING = re.compile(r"[+~]*(hydra/)?[^/=]+=")


def main() -> None:
    """Start the command that the first argument names, or print the list of commands."""
    arguments = sys.argv[1:]
    if set(_COMPLETION) & set(arguments):
        _complete(arguments)
    elif not arguments or arguments[0] in ("-h", "--help"):
        sys.exit(ended(_print_list, lambda error: None))
    elif arguments[0] == "--version":
        say(__version__)
    else:
        _start(*arguments)


def commands() -> dict[str, str]:
    """Module of each command by its name: entry points, then the modules of ``reporting`` that have a ``main``."""
    reporting = sorted((_PACKAGE / "reporting").glob("*.py"))
    collectors = [path.stem for path in reporting if "\ndef main(" in path.read_text(encoding="utf-8")]
    modules = {name: f"ecgmm.{name}" for name in _WITH_SETTINGS}
    modules |= {name: f"ecgmm.reporting.{name}" for name in collectors}
    return modules | {"dashboard": "ecgmm.dashboard.workspace"}


def summary(module: str) -> str:
    """First line of a module's docstring without the usage after its colon; the module is not imported."""
    path = (_PACKAGE.parent / module.replace(".", "/")).with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(path.read_bytes()))
    assert docstring is not None
    return docstring.splitlines()[0].partition(": ")[0].removesuffix(".")


def _print_list() -> None:
    modules = commands()
    say("ecgmm COMMAND ... starts a command; ecgmm COMMAND --help says what it takes.")
    for title, chosen in (
        ("Data, training and runs (key=value ...)", _WITH_SETTINGS),
        ("From finished runs (FOLDER ...)", modules.keys() - set(_WITH_SETTINGS)),
    ):
        say("", title)
        for name in (name for name in modules if name in chosen):
            say(f"  {name:<12} {summary(modules[name])}")


def _start(name: str, *arguments: str) -> None:
    modules = commands()
    if name not in modules:
        close = get_close_matches(name, modules, 1)
        hint = f"did you mean {close[0]}?" if close else "`ecgmm` alone lists them"
        say(f"error: there is no command {name!r}; {hint}", to_stderr=True)
        sys.exit(USER_MISTAKE)
    sys.argv = [f"ecgmm {name}", *arguments]
    if name in _WITH_SETTINGS:  # as a main module, which the processes that it starts look for
        runpy.run_module(modules[name], run_name="__main__", alter_sys=True)
    else:
        sys.exit(import_module(modules[name]).main())


def _complete(arguments: list[str]) -> None:
    """Answer a shell's question for what may come next, or print what installs that: ``ecgmm train -sc install=bash``.

    Hydra answers for one command; the name of the command stands in the line that is completed.
    """
    name = arguments[0] if arguments[0] in _WITH_SETTINGS else "train"
    if any(text.startswith("query=") for text in arguments):
        program, _, line = os.environ["COMP_LINE"].lstrip().partition(" ")
        name, blank, rest = line.lstrip().partition(" ")
        if not blank:
            say(*commands())
            return
        if name not in _WITH_SETTINGS:
            return  # it takes folders, which the shell completes
        *before, last = rest.split(" ")
        settings = [text for text in before if _SETTING.match(text)]  # a folder without a key chooses nothing
        os.environ["COMP_LINE"] = " ".join([program, *settings, last])
    from ecgmm.commands import command_line

    sys.argv = ["ecgmm", *(text for text in arguments if text not in commands())]
    command_line.run(import_module(f"ecgmm.{'train' if name == 'plan' else name}").main)


if __name__ == "__main__":
    main()
