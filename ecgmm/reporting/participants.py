"""Draw the flow of the participants: ecgmm participants outputs/table2."""

from collections.abc import Sequence

from ecgmm.errors import UserError
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.run_figures.participants import participant_flow
from ecgmm.runs.run import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw the flow that most of the runs share, which the caption says where there are others.

    Raises:
        UserError: If no run has counted its participants.
    """
    counted = [run for run in runs if run.facts.data.participants is not None]
    if not counted:
        raise UserError("the runs were made before participants were counted; train them again with overwrite=true")
    flows = [run.facts.data.participants for run in counted]
    run = max(counted, key=lambda run: flows.count(run.facts.data.participants))
    shared = [one for one in counted if one.facts.data.participants == run.facts.data.participants]
    others = len(runs) - len(shared)
    note = f" {others} of the {len(runs)} runs used others; the table has each flow." if others else ""
    assert run.facts.data.participants is not None
    caption = (
        "Flow of the participants, from the records that the source lists to those that each split uses; a row is a"
        f" window of a record; age is the median (quartiles).{note} {provenance(shared)}"
    )
    figure = participant_flow(run.facts.data.participants)
    return Drawing("participants", figure, caption, findings.of_participants(run))
