"""Mistakes that a user can mend. Each message is one sentence that names the file or value and ends with the cure."""


class UserError(ValueError):
    """Something outside the code is wrong (a path, a file, a setting); entry points print it and exit with code 2."""


class DataError(UserError):
    """A source tree or a store cannot be used as it stands."""


class ConfigError(UserError):
    """Settings are unknown, out of range or contradict each other."""
