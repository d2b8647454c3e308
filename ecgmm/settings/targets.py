"""Everything that settings may build, by name, with the exact keys of each."""

from ecgmm.settings.kinds import Target
from ecgmm.settings.targets_data import DATA_TARGETS
from ecgmm.settings.targets_encoders import ENCODER_TARGETS
from ecgmm.settings.targets_methods import METHOD_TARGETS
from ecgmm.settings.targets_models import MODEL_TARGETS

TARGETS: dict[str, Target] = {**DATA_TARGETS, **ENCODER_TARGETS, **METHOD_TARGETS, **MODEL_TARGETS}
"""Every name that ``conf/`` uses."""
