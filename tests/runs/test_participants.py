"""The flow of participants in words and cells, for a reader."""

from ecgmm.runs.participants import Participants, in_words, lines_of


def test_the_flow_is_told_in_full() -> None:
    none = {"left_out": {}, "sex": {"unknown": 7}, "age_years": None, "without_age": 7, "with_report": 5}
    some = {"left_out": {"several classes": 2}, "sex": {"female": 3, "male": 4}, "age_years": [40.0, 61.5, 70.0]}
    counts = {"rows": 9, "used": 7, "records": 7, "patients": 6, "with_waveform": 7}
    flow = Participants.model_validate(
        {
            "listed": 1200,
            "dropped": {"checksum differs": 2},
            "kept": 1198,
            "splits": [
                {"split": "train", **counts, **some, "without_age": 0, "with_report": 6},
                {"split": "val", **counts, "rows": 7, **none},
            ],
        }
    )
    assert in_words(flow) == (
        "participants: 1,200 records listed, 1,198 in the store (left out: checksum differs 2); rows used:"
        " train 7 of 9 (left out: several classes 2), 6 patients; val 7 of 7, 6 patients"
    )
    lines = {name: numbers for name, *numbers in lines_of(flow)}
    assert lines["records that the source lists"] == ["1,200", "", ""]
    assert lines["left out: several classes"] == ["2", "2", "0"]
    assert lines["rows used"] == ["14", "7", "7"]
    assert lines["records, sex unknown"] == ["7", "0", "7"]
    assert lines["age in years, median (quartiles)"] == ["", "62 (40–70)", "unknown"]
    assert lines["records without age"] == ["7", "0", "7"]
