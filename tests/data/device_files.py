"""Files of recorders' formats, written by their definitions; ``steps`` are int16 ``[L, T]``, ``uv`` their unit."""

import base64
import binascii
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SCP_CODES = {"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8}
_SCP_CODES |= {"III": 61, "aVR": 62, "aVL": 63, "aVF": 64}


def write_edf(path: Path, steps: NDArray[np.int16], names: Sequence[str], rate_hz: int, uv: float, unit: str) -> None:
    """EDF with records of one second; ``T`` is a multiple of the rate."""
    per_unit = {"uV": 1.0, "mV": 1e3, "mmHg": 1.0}[unit]
    n, n_records = len(steps), steps.shape[1] // rate_hz
    low, high = -32768, 32767

    def fields(width: int, *values: object) -> bytes:
        return b"".join(str(value).ljust(width)[:width].encode() for value in values)

    head = fields(8, 0) + fields(80, "X X X X", "Startdate 02-MAR-2020 X X X") + fields(8, "02.03.20", "12.00.00")
    head += fields(8, 256 * (n + 1)) + fields(44, "") + fields(8, n_records, 1) + fields(4, n)
    head += fields(16, *names) + fields(80, *[""] * n) + fields(8, *[unit] * n)
    head += fields(8, *[f"{low * uv / per_unit:.8g}"] * n) + fields(8, *[f"{high * uv / per_unit:.8g}"] * n)
    head += fields(8, *[low] * n) + fields(8, *[high] * n) + fields(80, *[""] * n) + fields(8, *[rate_hz] * n)
    head += fields(32, *[""] * n)
    seconds = steps.reshape(n, n_records, rate_hz).swapaxes(0, 1)
    path.write_bytes(head + seconds.astype("<i2").tobytes())


def write_dicom(path: Path, steps: NDArray[np.int16], names: Sequence[str], rate_hz: float, uv: float) -> None:
    """12-lead ECG Waveform of one multiplex group."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence as Items
    from pydicom.uid import ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage, generate_uid

    def code(value: str, scheme: str, meaning: str) -> Items:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        return Items([item])

    channels = []
    for name in names:
        channel = Dataset()
        channel.ChannelSourceSequence = code(f"2:{_SCP_CODES[name]}", "MDC", f"Lead {name}")
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = uv, 1, 0
        channel.ChannelSensitivityUnitsSequence = code("uV", "UCUM", "microvolt")
        channel.WaveformBitsStored = 16
        channels.append(channel)
    group = Dataset()
    group.WaveformOriginality, group.NumberOfWaveformChannels = "ORIGINAL", len(names)
    group.NumberOfWaveformSamples, group.SamplingFrequency = steps.shape[1], rate_hz
    group.ChannelDefinitionSequence = Items(channels)
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = steps.T.astype("<i2").tobytes()
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = TwelveLeadECGWaveformStorage
    data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = TwelveLeadECGWaveformStorage, data.file_meta.MediaStorageSOPInstanceUID
    data.Modality, data.WaveformSequence = "ECG", Items([group])
    data.save_as(path, enforce_file_format=True)


def write_aecg(path: Path, steps: NDArray[np.int16], names: Sequence[str], rate_hz: float, uv: float) -> None:
    """HL7 annotated ECG of one rhythm series."""
    sequences = [
        '<component><sequence><code code="TIME_ABSOLUTE" codeSystem="2.16.840.1.113883.5.4"/>'
        f'<value xsi:type="GLIST_TS"><head value="20200302120000.000"/><increment value="{1 / rate_hz!r}" unit="s"/>'
        "</value></sequence></component>"
    ]
    for name, row in zip(names, steps, strict=True):
        digits = " ".join(map(str, row.tolist()))
        sequences.append(
            f'<component><sequence><code code="MDC_ECG_LEAD_{name.upper()}" codeSystem="2.16.840.1.113883.6.24"/>'
            f'<value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/><scale value="{uv}" unit="uV"/>'
            f"<digits>{digits}</digits></value></sequence></component>"
        )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<AnnotatedECG xmlns="urn:hl7-org:v3"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="1.2.3"/><component><series>'
        '<code code="RHYTHM"/><effectiveTime><low value="20200302120000"/></effectiveTime>'
        f"<component><sequenceSet>{''.join(sequences)}</sequenceSet></component></series></component></AnnotatedECG>\n"
    )


def write_muse(path: Path, steps: NDArray[np.int16], names: Sequence[str], rate_hz: int, uv: float) -> None:
    """GE MUSE resting ECG of one rhythm waveform."""
    leads = "".join(
        f"<LeadData><LeadByteCountTotal>{2 * len(row)}</LeadByteCountTotal><LeadTimeOffset>0</LeadTimeOffset>"
        f"<LeadSampleCountTotal>{len(row)}</LeadSampleCountTotal>"
        f"<LeadAmplitudeUnitsPerBit>{uv}</LeadAmplitudeUnitsPerBit>"
        "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadSampleSize>2</LeadSampleSize>"
        f"<LeadDataCRC32>{binascii.crc32(row.astype('<i2').tobytes())}</LeadDataCRC32>"
        f"<WaveFormData>{base64.b64encode(row.astype('<i2').tobytes()).decode()}</WaveFormData>"
        f"<LeadID>{name}</LeadID></LeadData>"
        for name, row in zip(names, steps, strict=True)
    )
    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<RestingECG><MuseInfo><MuseVersion>9.0</MuseVersion></MuseInfo>'
        "<Waveform><WaveformType>Rhythm</WaveformType><NumberofLeads>8</NumberofLeads>"
        f"<SampleBase>{rate_hz}</SampleBase><SampleExponent>0</SampleExponent>{leads}</Waveform></RestingECG>\n"
    )


def write_scp(path: Path, steps: NDArray[np.int16], names: Sequence[str], rate_hz: int, uv: float) -> None:
    """SCP-ECG of sections 0, 1, 3 and 6, without compression."""
    n = steps.shape[1]
    leads = b"".join(struct.pack("<IIB", 1, n, _SCP_CODES[name]) for name in names)
    rows = [row.astype("<i2").tobytes() for row in steps]
    bodies = {
        1: b"\xff\0\0",
        3: struct.pack("<BB", len(names), 0b100 | len(names) << 3) + leads,
        6: struct.pack("<HHBB", round(uv * 1000), round(1e6 / rate_hz), 0, 0)
        + struct.pack(f"<{len(rows)}H", *map(len, rows))
        + b"".join(rows),
    }
    lengths = {0: 16 + 10 * 12} | {number: 16 + len(body) for number, body in bodies.items()}
    places, at = {}, 7
    for number, length in lengths.items():
        places[number], at = at, at + length
    pointers = b"".join(
        struct.pack("<HII", number, lengths.get(number, 0), places.get(number, 0)) for number in range(12)
    )
    content = b""
    for number, body in ({0: pointers} | bodies).items():
        section = struct.pack("<HIBB6s", number, 16 + len(body), 20, 20, b"SCPECG" if not number else bytes(6)) + body
        content += struct.pack("<H", binascii.crc_hqx(section, 0xFFFF)) + section
    whole = struct.pack("<I", 6 + len(content)) + content
    path.write_bytes(struct.pack("<H", binascii.crc_hqx(whole, 0xFFFF)) + whole)
