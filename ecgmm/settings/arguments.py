"""Command lines before Hydra reads them: paths and texts are taken as they are written (docs/reference/settings.md).

Hydra's grammar gives ``=``, ``,``, ``~``, brackets and digits a meaning that they do not have in the name of a file or
in a report, so such values are quoted for it here, once for all commands.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Quote, QuotedString, Sweep
from hydra.errors import HydraException
from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR, options
from ecgmm.errors import ConfigError, printable
from ecgmm.settings.kinds import home_expanded
from ecgmm.settings.lookup import form_of, may_be_left_out
from ecgmm.settings.messages import unreadable

_SETTING = re.compile(r"(?P<mark>\+{0,2})(?P<key>[^=+~][^=]*)=(?P<value>.*)", re.DOTALL)
_ITEMS = re.compile(r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^,])+""", re.DOTALL)


def readable(arguments: Sequence[str]) -> list[str]:
    """Quote the arguments of a command, so that Hydra reads every path and text as it is written.

    Args:
        arguments: As the shell gave them.

    Returns:
        The same, with values of paths and texts quoted where Hydra would read something else, and ``~`` at the head of
        a path expanded. In a sweep (``-m``, or an experiment) commas outside quotes separate values.

    Raises:
        ConfigError: If several experiments are asked for, a key is empty, or a number has no end.
    """
    for text in arguments:
        if re.match(r"[+~]{0,2}=", text):
            raise ConfigError(unreadable(text))
    settings = [_SETTING.fullmatch(text) for text in arguments]
    chosen = [setting["value"] for setting in settings if setting is not None and setting["key"] == "experiment"]
    if len(chosen) > 1 or any(isinstance(_parsed(value), Sweep | Glob | list) for value in chosen):
        raise ConfigError(
            f"experiment is {printable(' and '.join(chosen))}; give one experiment a command, for each brings a sweep"
            " of its own"
        )
    sweeps = bool(chosen or {"-m", "--multirun", "hydra.mode=MULTIRUN"} & set(arguments))
    params = {key.lstrip("+"): (key, str(value)) for name in chosen for key, value in _params(name).items()}
    given = {setting["key"]: setting["value"] for setting in settings if setting is not None}
    varying = _varying_groups({key: value for key, (_, value) in params.items()} | given) if sweeps else set[str]()
    return [
        text if setting is None else _setting(setting, sweeps, varying, params.get(setting["key"], ("",))[0])
        for text, setting in zip(arguments, settings, strict=True)
    ]


def _params(experiment: str) -> dict[str, Any]:
    """What an experiment sweeps; nothing if there is no such experiment, which is refused later."""
    if experiment not in options("experiment"):
        return {}
    params = OmegaConf.select(OmegaConf.load(CONF_DIR / "experiment" / f"{experiment}.yaml"), "hydra.sweeper.params")
    return {} if params is None else dict(params)


def _varying_groups(values: Mapping[str, str]) -> set[str]:
    """Groups of which the jobs of a sweep have different choices."""
    groups = {key for key, value in values.items() if form_of(key) == "group" and isinstance(_parsed(value), Sweep)}
    return groups | ({"method"} if groups & {"tuned", "ablation"} else set())  # which choose a method each


def _setting(setting: re.Match[str], sweeps: bool, varying: Collection[str], param: str) -> str:
    """One setting; a key that ``conf/`` leaves out needs no ``+``.

    What only some choices of a group have is set in each job, as a sweep over one value: what the jobs share is
    composed with the default choice, which may lack it.

    Args:
        setting: Mark, key and value.
        sweeps: Whether the command is a sweep.
        varying: Groups of which its jobs have different choices.
        param: The key with its mark as the experiment sweeps it, which it must replace; empty if it does not.
    """
    key, value = setting["key"], _value(setting["key"], setting["value"], sweeps)
    group, _, rest = key.partition(".")
    if rest and group in varying and not isinstance(_parsed(value), Sweep | Glob):
        value = f"choice({value})"
    mark = "++" if may_be_left_out(key) else setting["mark"]
    return f"{param or mark + key}={value}"


def _value(key: str, value: str, sweeps: bool) -> str:
    form = form_of(key)
    if form is None:
        if re.fullmatch(r"[+-]?\d{1000,}", value):  # Python takes no number of 4,300 digits
            raise ConfigError(unreadable(f"{key}={value}"))
        return value
    parsed = _parsed(value)
    if isinstance(parsed, Sweep | Glob):
        simple = isinstance(parsed, ChoiceSweep) and parsed.simple_form
        if form == "group" or (sweeps and not simple):
            return value  # a,b and choice(a,b)
    if sweeps and form != "group":
        return ",".join(_one(item, form) for item in _ITEMS.findall(value)) or value
    return _one(value, form)


def _one(value: str, form: Literal["path", "text", "group"]) -> str:
    parsed = _parsed(value)
    if parsed is None and form != "group":
        return value  # null
    text = parsed if isinstance(parsed, str) else value
    text = home_expanded(text) if form == "path" else text
    return value if text == parsed else QuotedString(text=text, quote=Quote.single).with_quotes()


def _parsed(value: str) -> Any:
    """Parse a value as Hydra does: a value, a ``Sweep`` or a ``Glob``; a tuple of the text where it cannot read it."""
    try:
        override = OverridesParser.create().parse_override(f"key={value}")
    except (HydraException, ValueError):  # the latter of a number with thousands of digits
        return (value,)
    return override._value if override.is_sweep_override() else override.value()
