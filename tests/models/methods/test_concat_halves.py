"""A loss on each half of ``concat``: on what it answers where the other modality is missing, and nothing by default."""

import pytest
import torch

from tests.models.building import Task, batch_of, build


@pytest.mark.parametrize("task", ["single_label", "multi_label"])
def test_a_half_is_the_answer_where_the_other_modality_is_missing(task: Task) -> None:
    method, batch = build("concat", task, 0, "method.half_weight=0.5").eval(), batch_of(task)
    nothing = torch.zeros_like(batch.has_report)
    with torch.no_grad():
        output = method(batch)
        for name, missing in (("ecg", {"has_report": nothing}), ("text", {"has_waveform": nothing})):
            alone = method(batch._replace(**missing))
            torch.testing.assert_close(output.extra[f"{name}_logits"], alone.logits)
            terms = method.losses(output, batch)
            torch.testing.assert_close(terms[name], method.losses(alone, batch)["cls"])
        total = terms["cls"] + 0.5 * (terms["ecg"] + terms["text"])
        torch.testing.assert_close(method.total_loss(terms), total)


@pytest.mark.parametrize("task", ["single_label", "multi_label"])
def test_without_weight_there_is_one_loss(task: Task) -> None:
    method, batch = build("concat", task), batch_of(task)
    assert set(method.losses(method(batch), batch)) == {"cls"}


def test_an_exchanged_report_does_not_teach_the_reports_half() -> None:
    method, batch = build("concat", "single_label", 0, "method.half_weight=0.5").eval(), batch_of("single_label")
    foreign = batch._replace(report_is_own=torch.zeros_like(batch.report_is_own))
    with torch.no_grad():
        terms = method.losses(method(foreign), foreign)
    assert float(terms["text"]) == 0
    assert float(terms["ecg"]) > 0
