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
    r"Could not find '(?P<group>[^']+)/(?P<choice>[^'/]+)'.*Available options in '[^']+':(?P<all>.*)Config", re.DOTALL
)
_LONGEST = 500


def hydra_sentence(error: Exception) -> str:
    """The sentence for what Hydra or OmegaConf raised about settings."""
    text = str(error)
    if isinstance(error, OverrideParseException):
        return unreadable(error.override)
    if found := _NO_CHOICE.search(text):
        options = [name for name in found["all"].split() if not name.startswith("_")]
        return no_such_choice(found["group"], found["choice"], options)
    if found := _AMBIGUOUS.search(text):
        key, value = printable(found["key"]), found["value"]
        as_list = f", or write {key}=[{printable(value)}] for a list" if takes_list(key) else ""
        return f"{key}={printable(value)} are several values; put -m before it for a job of each{as_list}"
    if found := _NEEDS_SWEEP.search(text):
        return f"{printable(found['text'])} asks for several jobs; put -m before it"
    if found := _THERE_ALREADY.search(text):
        return f"{found['key']} is a setting already; leave out the + before it"
    if found := _CHOSEN_ALREADY.search(text):
        return f"{printable(found['key'] or found['more'])} has a choice already; leave out the + before it"
    if found := _NO_SUCH_KEY.search(text):
        return no_such_key(_entry(), found["key"], is_group=_NOT_IN_LIST in text)
    cause = f": {error.__cause__}" if error.__cause__ is not None else ""
    return printable(" ".join(_WHERE.sub(r" (\g<key>)", f"{text}{cause}").split()), _LONGEST)


def _entry() -> str:
    """The command that runs, by the name that Hydra gives its job; training where it is none of ours (``plan``)."""
    name = JobRuntime.instance().conf.name
    return name if name in ENTRIES else "train"


def unreadable(override: str) -> str:
    """The sentence for a setting that Hydra cannot read."""
    key, equals, value = override.partition("=")
    if not equals or not re.fullmatch(r"[+~]{0,2}[\w/@:-]+(\.[\w/@:-]+)*", key):
        return (
            f"cannot read {printable(override)!r}; settings are written key=value without blanks around =, such as"
            " seed=1, and a value with blanks in quotes"
        )
    quoted = f"{key}={QuotedString(text=value, quote=Quote.double).with_quotes()}"
    example = printable(shlex.quote(quoted), _LONGEST)
    return f"cannot read {printable(override)!r}; put the value in quotes, and all of it for the shell: {example}"
