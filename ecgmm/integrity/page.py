"""The report as one HTML page, which asks for nothing from a network."""

from pathlib import Path
from typing import Any

from ecgmm.data.store.store import Store
from ecgmm.integrity.columns import COLUMNS
from ecgmm.integrity.figures import LONGEST_SHEET_S, amplitude_bands, histogram, sheet
from ecgmm.integrity.leads import QUANTILES
from ecgmm.integrity.reading import row
from ecgmm.plots.images import png_url, svg_url
from ecgmm.plots.page import templates

_TEMPLATE = "integrity.html.jinja"
_REM_PER_IN = 6.0
"""A sheet on a wide screen has about the size of the paper."""
_SIZES = {
    "amplitude_mv": "largest amplitude",
    "drift_mv": "drift",
    "noise_mv": "noise",
    "lead_law_error_mv": "error of the limb-lead laws",
}
_ELECTRODES = {"ra": "right arm", "la": "left arm", "ll": "left leg", "rl": "right leg"}


def render(store: Store, measured: dict[str, Any]) -> str:
    """Make the page.

    Args:
        store: The store, for the waveforms of the pictures.
        measured: What ``contents.measure`` found in it.
    """
    columns = measured["columns"]
    return (
        templates(Path(__file__).parent, {"count": _count, "number": _number, "percent": _percent, "swap": swap_words})
        .get_template(_TEMPLATE)
        .render(
            measured=measured,
            quantiles=QUANTILES,
            columns=COLUMNS,
            histograms={one.name: svg_url(histogram(one, columns[one.name]["histogram"]["counts"])) for one in COLUMNS},
            bands=svg_url(amplitude_bands(measured["amplitudes"]["mv"])),
            pictures=[_picture(store, one) for one in measured["pictures"]],
            cut=store.manifest["n_times"] / store.manifest["rate_hz"] > LONGEST_SHEET_S,
            longest_s=LONGEST_SHEET_S,
            limit_mv=store.manifest["parameters"]["limit_mv"],
        )
    )


def _picture(store: Store, picture: dict[str, Any]) -> dict[str, Any]:
    figure = sheet(row(store, picture["row"]), store.manifest)
    return {
        "title": _title(picture),
        "caption": caption(picture),
        "ordinary": picture["ordinary"],
        "image": png_url(figure),
        "width_rem": round(figure.get_figwidth() * _REM_PER_IN, 2),
    }


def _title(picture: dict[str, Any]) -> str:
    window = f", window {picture['window']}" if picture["window"] else ""
    return f"Record {picture['record']}{window} ({picture['split']})"


def caption(picture: dict[str, Any]) -> str:
    """Measurements of a drawn row in words; what it does not suffer from is left out."""
    faults = [f"quality {_number(picture['quality'])}"]
    if picture["missing_share"]:
        faults.append(f"{_percent(picture['missing_share'])} of the samples missing")
    if picture["flat_leads"]:
        faults.append(f"flat leads: {picture['flat_leads']:g}")
    if picture["clipped_share"]:
        faults.append(f"{_percent(picture['clipped_share'])} of the worst lead clipped")
    if picture["limb_swap"] != "none":
        faults.append(f"suspected swap of {swap_words(picture['limb_swap'])}")
    sizes = [f"{name} {_number(picture[key])} mV" for key, name in _SIZES.items()]
    return "; ".join([*faults, *sizes])


def swap_words(kind: str) -> str:
    """Electrodes of a suspected swap, such as "right arm and left arm" for ``ra_la``."""
    return " and ".join(_ELECTRODES.get(part, part) for part in kind.split("_"))


def _count(value: int) -> str:
    return f"{value:,}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
