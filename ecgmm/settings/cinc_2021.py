"""Names of the collections of the PhysioNet/CinC challenge of 2021, as their folders are called."""

COLLECTIONS = (
    "cpsc_2018",
    "cpsc_2018_extra",
    "st_petersburg_incart",
    "ptb",
    "ptb-xl",
    "georgia",
    "chapman_shaoxing",
    "ningbo",
)
