"""Cleaning: what goes, what must stay, and properties that hold for any text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.text.clean import clean_report, clean_statement, split_report

ecg_like = st.text(alphabet="abdrEKGÄŞİß 0123456789.,;:|/-*'’–()[]?+&\t\n\u200b\u00a0\u00ad²", max_size=60)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("*** CONSIDER ACUTE ST ELEVATION MI ***", "consider acute st elevation mi"),
        ("--- Possible measurement error ---.", "possible measurement error"),
        ("- 2:1 A-V block", "2:1 a-v block"),
        ("Sinus rhythm with 1st degree A-V block.", "sinus rhythm with 1st degree a-v block"),
        ("  Sinus \t rhythm \u200b", "sinus rhythm"),
        ("misstÄnkt fÖrmaksflimmer", "misstänkt förmaksflimmer"),
        ("EKG normal", "ecg normal"),
        ("rate 72 BPM, PR 200ms, 1.5 mV", "rate 72 bpm, pr 200 ms, 1.5 mv"),
        ("LVH w/ strain; PVCs | PACs", "lvh with strain, pvcs, pacs"),
        ("LONG QTc : POSSIBLE HYPOCALCEMIA", "long qtc: possible hypocalcemia"),
        ("patient’s age — unknown", "patient's age - unknown"),
        ("ＳＴ　elevation", "st elevation"),
    ],
)
def test_statement_loses_decoration_only(raw: str, clean: str) -> None:
    assert clean_statement(raw) == clean


@pytest.mark.parametrize(
    "statement",
    ["st depression in v4,5,6", "anteroseptal 4.46", "(9@128) suggests early repolarization", "av-block 1.grades",
     "missing lead(s): i,ii,iii,avr,avl,avf,v1", "qrs axis superior to -30 degrees", "r'>r in v1/v2", "2:1 a-v block",
     "drug effect", "may be a normal variant for a male of this age", "2nd degree (mobitz ii) sa block", "v3-6"],
)  # fmt: skip
def test_ecg_content_stays(statement: str) -> None:
    assert clean_statement(statement) == statement


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("study 40689238 of p10000032", "study [id] of [id]"),
        ("compared with tracing of 10:9:91, unchanged", "compared with tracing of [date], unchanged"),
        ("ECG of 2180-07-23 08:44:00", "ecg of [date]"),
        ("on 12.03.1999 and 3/4/06", "on [date] and [date]"),
        ("since 5 March 2001", "since [date]"),
        ("Confirmed by Dr. Jane Q. Smith", "confirmed by dr. [name]"),
        ("CONFIRMED BY DR. SMITH ATRIAL FIBRILLATION", "confirmed by dr. [name] atrial fibrillation"),
        ("Reviewed by: Jane Doe", "reviewed by [name]"),
        ("call (617) 555-0123", "call [id]"),
        ("tel. 030 1234567", "[id]"),
    ],
)
def test_identifiers_are_masked(raw: str, clean: str) -> None:
    assert clean_statement(raw) == clean


@given(st.one_of(st.text(max_size=80), ecg_like))
def test_cleaning_is_idempotent_and_leaves_no_control_character(text: str) -> None:
    cleaned = clean_statement(text)
    assert clean_statement(cleaned) == cleaned
    assert not any(unicodedata.category(char).startswith("C") for char in cleaned)
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned


@given(st.one_of(st.text(max_size=120), ecg_like))
def test_splitting_loses_no_letter(text: str) -> None:
    text = unicodedata.normalize("NFC", text.replace("Edit", ""))
    statements = split_report(text)
    assert all(statement.strip() for statement in statements)
    assert [c for c in text if c.isalnum()] == [c for statement in statements for c in statement if c.isalnum()]


def test_german_device_text_splits_at_wide_runs() -> None:
    report = (
        "sinusrhythmus qrs(t) abnorm    inferiorer infarkt     alter unbest. 4.46              unbestÄtigter bericht"
    )
    assert split_report(report) == [
        "sinusrhythmus qrs(t) abnorm",
        "inferiorer infarkt",
        "alter unbest. 4.46",
        "unbestÄtigter bericht",
    ]


def test_english_sentences_split_at_stops_and_wrapped_lines_join() -> None:
    report = "sinus rhythm. st segments are depressed in i,    ii, v4,5,6. this may be due to   ischaemia."
    assert split_report(report) == [
        "sinus rhythm",
        "st segments are depressed in i, ii, v4,5,6",
        "this may be due to ischaemia.",
    ]


def test_grades_and_decimals_do_not_end_a_statement() -> None:
    assert split_report("av-block 1.grades pathologisch 4.46") == ["av-block 1.grades pathologisch 4.46"]
    assert split_report("av-block 1. grades") == ["av-block 1. grades"]


def test_label_codes_that_an_editor_appended_are_dropped() -> None:
    assert split_report("sinus rhythm. lvh. Edit: LVH 100, NORM 0") == ["sinus rhythm", "lvh."]


def test_report_drops_statements_without_content() -> None:
    assert clean_report(["Sinus rhythm.", " *** ", "", "..", "LVH"]) == ["sinus rhythm", "lvh"]
