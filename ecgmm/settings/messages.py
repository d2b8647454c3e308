"""Hydra's complaints about a command line, as one sentence with a cure that works when it is pasted."""

import re
import shlex

from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.utils import JobRuntime
from hydra.errors import OverrideParseException

from ecgmm.errors import printable
from ecgmm.settings.entries import ENTRIES
from ecgmm.settings.lookup import takes_list
from ecgmm.settings.unknown import no_such_choice, no_such_key

_NO_SUCH_KEY = re.compile(r"Could not (?:override|delete from config\.) '(?P<key>[^']+)'")
_THERE_ALREADY = re.compile(r"Could not append to config\. An item is already at '(?P<key>[^']+)'")
_CHOSEN_ALREADY = re.compile(
    r"Multiple values for (?P<key>\S+)\. To override|force-add of config groups is not supported: '\+\+(?P<more>[^=]+)="
)
_WHERE = re.compile(r"\s*full_key: (?P<key>\S*)\s+object_type=\w+")
_NOT_IN_LIST = "No match in the defaults list"
_AMBIGUOUS = re.compile(r"Ambiguous value for argument '(?P<key>[^=']+)=(?P<value>.*?)'\s+1\.", re.DOTALL)
_NEEDS_SWEEP = re.compile(r"Sweep parameters '(?P<text>.*)' requires --multirun", re.DOTALL)
_NO_CHOICE = re.compile(
    r"Could not find '(?P<group>[^']+)/(?P<choice>[^'/]+)'(?:.*Available options in '[^']+':(?P<all>.*)Config)?",
    re.DOTALL,
)
_LONGEST = 500


def hydra_sentence(error: Exception) -> str:
    """Turn what Hydra or OmegaConf raised about settings into a sentence with a cure."""
    text = str(error)
    if isinstance(error, OverrideParseException):
        return unreadable(error.override)
    if (match := _NO_CHOICE.search(text)) and (match["all"] or match["group"] == "tuned"):
        options = [name for name in (match["all"] or "").split() if not name.startswith("_")]
        return no_such_choice(match["group"], match["choice"], options)
    if match := _AMBIGUOUS.search(text):
        key, value = printable(match["key"]), match["value"]
        as_list = f", or write {key}=[{printable(value)}] for a list" if takes_list(key) else ""
        return f"{key}={printable(value)} are several values; put -m before it for a job of each{as_list}"
    if match := _NEEDS_SWEEP.search(text):
        return f"{printable(match['text'])} asks for several jobs; put -m before it"
    if match := _THERE_ALREADY.search(text):
        return f"{match['key']} is a setting already; leave out the + before it"
    if match := _CHOSEN_ALREADY.search(text):
        return f"{printable(match['key'] or match['more'])} has a choice already; leave out the + before it"
    if match := _NO_SUCH_KEY.search(text):
        return no_such_key(_entry(), match["key"], is_group=_NOT_IN_LIST in text)
    cause = f": {error.__cause__}" if error.__cause__ is not None else ""
    return printable(" ".join(_WHERE.sub(r" (\g<key>)", f"{text}{cause}").split()), _LONGEST)


def _entry() -> str:
    """The command that runs, by the name that Hydra gives its job; training where it is none of ours (``plan``)."""
    name = JobRuntime.instance().conf.name
    return name if name in ENTRIES else "train"


def unreadable(override: str) -> str:
    """Sentence for a setting that Hydra cannot read."""
    key, equals, value = override.partition("=")
    if not equals or not re.fullmatch(r"[+~]{0,2}[\w/@:-]+(\.[\w/@:-]+)*", key):
        return (
            f"cannot read {printable(override)!r}; settings are written key=value without blanks around =, such as"
            " seed=1, and a value with blanks in quotes"
        )
    quoted = f"{key}={QuotedString(text=value, quote=Quote.double).with_quotes()}"
    example = printable(shlex.quote(quoted), _LONGEST)
    return f"cannot read {printable(override)!r}; put the value in quotes, and all of it for the shell: {example}"
