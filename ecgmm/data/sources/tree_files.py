"""Files of a raw tree: regular ones, and links only while they stay in its root. Others' trees could lead anywhere.

An archive that has links is refused as a whole, and a path in it leads nowhere else.
"""

import os
import stat

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_reading import in_archive, member_size


class TreeFiles:
    """Check of the files of a tree: regular ones, reached through no link that leaves its root.

    Args:
        root: The root, itself reached through no link, with a slash at its end; empty for any files of this machine.
        follow: Whether links may lead anywhere.
    """

    def __init__(self, root: str, follow: bool) -> None:
        self.root, self._follow = root, follow
        self._is_inside = {"": True}  # the folders looked at; neighbours share most of theirs
        self._archive = in_archive(root)

    def check_folder(self, path: str) -> None:
        """Check the folder of a record, given by the record's path below the root, without ``..``.

        Raises:
            BadRecordError: If a link on the way leads out of the root.
        """
        folder = path.rpartition("/")[0]
        if not (self._archive or self._follow or self._is_inside.get(folder) or self._look_at(folder)):
            raise BadRecordError(Drop.LINK_OUTSIDE)

    def check_file(self, path: str) -> int:
        """Check a file in a folder that was checked, given by its path below the root.

        Returns:
            Its size in bytes.

        Raises:
            BadRecordError: If it is missing, no regular file, or a link out of the root.
        """
        if self._archive:
            return member_size(*self._archive, path)
        whole = f"{self.root}{path}"  # strings cost half as much as Paths
        try:
            status = os.lstat(whole)
            if stat.S_ISLNK(status.st_mode):
                if not self._follow and self._leaves(whole):
                    raise BadRecordError(Drop.LINK_OUTSIDE)
                status = os.stat(whole)  # noqa: PTH116 (a Path for each of a million files costs twice as much)
        except (FileNotFoundError, NotADirectoryError):
            raise BadRecordError(Drop.FILE_MISSING) from None
        except OSError:
            raise BadRecordError(Drop.FILE_UNREADABLE) from None
        if not stat.S_ISREG(status.st_mode):
            raise BadRecordError(Drop.NOT_A_FILE)
        return status.st_size

    def _look_at(self, folder: str) -> bool:
        """Whether a folder lies in the root."""
        new = []
        while folder not in self._is_inside:
            new.append(folder)
            folder = folder.rpartition("/")[0]
        inside = self._is_inside[folder]
        for folder in reversed(new):
            inside = inside and not self._leaves(f"{self.root}{folder}")
            self._is_inside[folder] = inside
        return inside

    def _leaves(self, whole: str) -> bool:
        """Whether the last part of a path, of which the others stay in the root, is a link that leaves it."""
        if not os.path.islink(whole):  # noqa: PTH114 (a Path costs twice as much)
            return False
        return not f"{os.path.realpath(whole)}/".startswith(self.root)
