"""Hydra's complaints about a command line, as one sentence with a cure that works when it is pasted."""

import re
import shlex

from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import OverrideParseException

from ecgmm.errors import printable
from ecgmm.settings.lookup import known_keys, takes_list
from ecgmm.settings.unknown import unknown_key

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
        options = ", ".join(found["all"].split())
        return f"{found['group']} is {printable(found['choice'])!r}; choose one of {options}"
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
        return _no_such_key(found["key"], group=_NOT_IN_LIST in text)
    cause = f": {error.__cause__}" if error.__cause__ is not None else ""
    return printable(" ".join(_WHERE.sub(r" (\g<key>)", f"{text}{cause}").split()), _LONGEST)


def _no_such_key(key: str, *, group: bool) -> str:
    key = printable(key)
    if group and key in ("experiment", "ablation"):
        return f"{key} is added to the settings; write +{key}=..."
    known = known_keys()
    if key in known:
        return (
            f"{key} is no setting here; it belongs to another command, or to another choice of a group (`--cfg job`"
            " behind the command lists the settings that it has)"
        )
    at, _, name = key.rpartition(".")
    siblings = [one.rpartition(".")[2] for one in known if one.rpartition(".")[0] == at]
    return unknown_key(name, siblings, at, known)


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
