"""Headers against the index."""

import pytest

from ecgmm.data.preparation.header_pass import parse_start
from ecgmm.data.sources.drops import BadRecordError


def test_times_are_compared_to_the_second() -> None:
    assert parse_start("12:4:00.500 2/9/2182") == parse_start("12:04:00 02/09/2182")
    with pytest.raises(BadRecordError):
        parse_start("noon 02/09/2182")
