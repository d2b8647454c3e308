"""Methods, one file each; the rows of Table 2."""
