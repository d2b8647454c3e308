"""Mirror a published tree over HTTP: ``SHA256SUMS.txt`` and every file that it lists, each verified.

The tree itself is the only state. A file has its own name once its bytes are those of the list, and ``<name>.part``
until then; so a download that was ended anyhow goes on by being started again.
"""
