"""Formats of recorders and of hospitals, by the ``ecgdatakit`` package: DICOM, HL7 aECG, GE MUSE XML, SCP-ECG, EDF.

Needs ``pip install 'ecgmm[formats]'``. The package tells a format by the content of a file; only the five are let
through, since others would open files beside it. It refuses entities in XML.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.whole_files import Parse, Recording
from ecgmm.errors import ConfigError
from ecgmm.leads import lead_of

_FORMATS = {
    "DICOMWaveformParser": "DICOM",
    "HL7aECGParser": "HL7 aECG",
    "GEMuseXMLParser": "GE MUSE XML",
    "SCPECGParser": "SCP-ECG",
    "EDFParser": "EDF",
}
"""Formats that are read, by the package's names of their parsers."""
_DEFLATED = b"1.2.840.10008.1.2.1.99"
"""DICOM's name for a file that is packed as a whole: a small one may hold any amount."""
_HEAD_BYTES = 4096


def read_device_format(path: Path) -> Recording:
    """Read a file of one of the formats.

    Raises:
        ConfigError: If the package is not installed.
        BadRecordError: If it is of none of them, damaged, or holds no leads in a unit of voltage at one rate.
    """
    try:
        from ecgdatakit.exceptions import ECGDataKitError
        from ecgdatakit.parsing import FileParser
    except ModuleNotFoundError:
        raise ConfigError("the package ecgdatakit is not installed; run pip install 'ecgmm[formats]'") from None
    found = FileParser.detect_format(path)
    if found is None or found["parser"] not in _FORMATS:
        known = ", ".join(_FORMATS.values())
        raise BadRecordError(Drop.FORMAT, f"it is of none of the formats {known}")
    name = _FORMATS[found["parser"]]
    with path.open("rb") as file:
        if _DEFLATED in file.read(_HEAD_BYTES):
            raise BadRecordError(Drop.FORMAT, "it is a deflated DICOM file; store it without compression")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is looked at below
            record = FileParser.parse(path, units="mV")
    except ImportError:
        raise ConfigError("the package pydicom is not installed; run pip install 'ecgmm[formats]'") from None
    except ECGDataKitError:
        raise BadRecordError(Drop.FILE_UNREADABLE, f"it is no {name} file that can be read, or damaged") from None
    return _recording(record)


def _recording(record: Any) -> Recording:
    """The leads of a record as the package has it; channels of other names are passed over."""
    leads = [lead for lead in record.leads if lead_of(lead.label) is not None]
    if not leads:
        raise BadRecordError(Drop.LEADS)
    if any(lead.is_raw or lead.units != "mV" for lead in leads):
        raise BadRecordError(Drop.UNIT)
    if len({(lead.sampling_rate, len(lead.samples)) for lead in leads}) > 1:
        raise BadRecordError(Drop.FORMAT, "its leads have several rates or lengths")
    damaged = record.raw_metadata.get("checksum_valid") is False
    return Recording(
        np.stack([lead.samples for lead in leads]), _rate_hz(record, leads[0]), [lead.label for lead in leads], damaged
    )


def _rate_hz(record: Any, lead: Any) -> float:
    """The rate, which the package rounds, from the length in seconds, which it does not."""
    rounded = float(lead.sampling_rate)
    seconds = record.recording.duration.total_seconds() if record.recording.duration else 0.0
    exact = len(lead.samples) / seconds if seconds else rounded
    return exact if 1e-4 * rounded < abs(exact - rounded) <= 0.5 else rounded


PARSERS: dict[str, tuple[str, Parse]] = {
    **dict.fromkeys((".dcm", ".dicom"), ("dicom", read_device_format)),
    ".xml": ("xml", read_device_format),
    ".scp": ("scp", read_device_format),
    ".edf": ("edf", read_device_format),
}
"""Name and reader of each ending."""
