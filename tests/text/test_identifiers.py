"""Names and numbers of people behind the usual markers, and words of the field that must stay."""

import pytest

from ecgmm.text.clean import clean_statement

PEOPLE = [
    "Confirmed by John Smith, MD",
    "CONFIRMED BY JOHN SMITH",
    "Confirmed By: SMITH, JOHN (1234) on 5/6/2001 7:08:09 AM",
    "Confirmed by SMITH MD, JOHN (39) on 1/2/2003",
    "Electronically signed by: John Q. Smith MD",
    "reviewed by john smith",
    "Reviewed by Dr. John Smith",
    "Overread by Smith",
    "Mr. Smith has atrial fibrillation",
    "Mrs John Smith",
    "Ms Smith",
    "mr smith",
    "Frau Smith",
    "Herr Smith",
    "Patient: John Smith",
    "Patient Name: SMITH, JOHN",
    "Name: Smith, John",
    "John Smith, MD",
    "J. Smith M.D.",
    "Dr. med. John Smith",
    "prof. dr. smith",
    "Referring physician: John Smith",
    "Technician: smith",
]


@pytest.mark.parametrize("statement", PEOPLE)
def test_names_behind_a_marker_are_masked(statement: str) -> None:
    cleaned = clean_statement(statement)
    assert "[name]" in cleaned
    assert "smith" not in cleaned
    assert "john" not in cleaned


@pytest.mark.parametrize(
    "statement",
    ["MRN 1234567", "MRN: 12-34-56", "mrn 12345", "patient id: A1234", "phone 0123-4567890", "(617) 555-0123",
     "jane@clinic.org", "DOB 3/4/1950", "accession 998877"],
)  # fmt: skip
def test_numbers_of_people_are_masked(statement: str) -> None:
    cleaned = clean_statement(statement)
    assert "[id]" in cleaned or "[date]" in cleaned
    assert not any(char.isdigit() for char in cleaned)


@pytest.mark.parametrize(
    "statement",
    ["wenckebach", "mobitz ii (wenckebach) av block", "brugada pattern", "wolff-parkinson-white syndrome",
     "lown-ganong-levine syndrome", "sokolow index", "lewis index", "qrs 120 ms duration", "pr 160-200 ms",
     "acute infarct, call physician", "interpretation made without knowing patient's age", "atrial fibrillation md",
     "rate 72 bpm, pr 200 ms", "st depression in v4,5,6", "r'>r in v1/v2"],
)  # fmt: skip
@pytest.mark.parametrize("case", [str, str.title, str.upper])
def test_words_of_the_field_stay(statement: str, case: type[str]) -> None:
    assert clean_statement(case(statement)) == statement
