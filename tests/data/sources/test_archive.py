"""Trees in zip archives: the same store as from the unpacked tree, and one sentence for what is damaged or hostile."""

import io
import resource
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ecgmm.data.preparation.opening import store_path
from ecgmm.data.preparation.preparation import prepare_store
from ecgmm.data.sources.archive import Archive, DamagedMemberError
from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.tree_reading import read_short, read_whole, walk_tree
from ecgmm.data.store.store import Store
from ecgmm.errors import DataError
from ecgmm.leads import LEADS
from tests.data.archives import TOP, edit_directory, pack, pack_in_place, write_archive
from tests.data.own_tree import leads_mv, write_collection, write_csv
from tests.data.preparation.test_growth import interrupt_after
from tests.data.sources import test_cinc_2021, test_code_15
from tests.data.trees import SHORT, MimicTree, data_config, prepare, write_ptb_xl
from tests.data.wfdb_formats import pack_212


def content(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(store.path.iterdir())}


def check_alike(source: str, root: Path, *overrides: str, method: int = zipfile.ZIP_DEFLATED) -> Store:
    """Prepare a folder, then the archive that takes its place, and compare all bytes of the stores."""
    stores = root.parent
    whole = prepare(source, root, f"data.store={stores / 'unpacked'}", *overrides)
    pack_in_place(root, method)
    packed = prepare(source, root, f"data.store={stores / 'packed'}", *overrides)
    assert content(packed) == content(whole)
    assert packed.fingerprint == whole.fingerprint
    return packed


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("readers", [1, 5])
def test_mimic_iv_ecg_is_the_same_store(tmp_path: Path, method: int, readers: int) -> None:
    tree = MimicTree(tmp_path / "set.zip")
    tree.file(3, ".dat").unlink()
    tree.file(4, ".hea").write_bytes(bytes(1 << 17))
    tree.file(5, ".dat").write_bytes(bytes(100))
    tree.file(6, ".hea").unlink()
    store = check_alike("mimic_iv_ecg", tree.root, SHORT, f"data.readers={readers}", method=method)
    assert store.manifest["dropped"] == {"file missing": 2, "header broken": 1, "wrong size": 1}


def test_ptb_xl_is_the_same_store(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path / "set.zip", rate_hz=100)
    check_alike("ptb_xl", tmp_path / "set.zip", "data.rate_hz=100")


def test_the_challenge_is_the_same_store(tmp_path: Path) -> None:
    test_cinc_2021.write_tree(tmp_path / "set.zip")
    assert check_alike("cinc_2021", tmp_path / "set.zip", SHORT).records.height == 32


@pytest.mark.skipif(find_spec("h5py") is None, reason="h5py is an extra (formats)")
def test_rows_of_hdf5_files_are_the_same_store(tmp_path: Path) -> None:
    test_code_15.write_tree(tmp_path / "set.zip")
    check_alike("code_15", tmp_path / "set.zip")


def test_recordings_of_every_kind_beside_a_table_are_the_same_store(tmp_path: Path) -> None:
    """WFDB of format 16, what is left to the ``wfdb`` package, NumPy with a file of facts, and CSV."""
    root = tmp_path / "set.zip"
    rows = write_collection(root, n_samples=500)
    for number, row in enumerate(rows[:9]):
        base, signals = root / row["path"], leads_mv(number, 500)
        if number % 3 == 0:
            np.save(base.with_suffix(".npy"), signals)
            base.with_suffix(".json").write_text('{"rate_hz": 500}')
            row["path"] += ".npy"
        elif number % 3 == 1:
            lines = [",".join(LEADS), *(",".join(f"{value:.4f}" for value in sample) for sample in signals.T)]
            base.with_suffix(".csv").write_text("\n".join(lines))
            base.with_suffix(".json").write_text('{"rate_hz": 500}')
            row["path"] += ".csv"
        else:
            steps = np.rint(signals * 200).astype(np.int64)
            sums = steps.sum(axis=1) % 65536
            heads = [
                f"{base.name}.dat 212 200 12 0 {own[0]} {total} 0 {lead}"
                for own, total, lead in zip(steps, sums, LEADS, strict=True)
            ]
            base.with_suffix(".hea").write_text("\n".join([f"{base.name} 12 500 500", *heads]) + "\n")
            base.with_suffix(".dat").write_bytes(pack_212(steps.T.reshape(-1)))
    write_csv(root / "records.csv", rows)
    store = check_alike("table", root, SHORT, "data.table=records.csv")
    assert store.manifest["readers"] == {"csv": 3, "numpy": 3, "wfdb_16": 21, "wfdb_package": 3}


def test_an_interrupted_preparation_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecgmm.data.preparation.waveform_plan.UNIT", 4)
    tree = MimicTree(tmp_path / "set.zip")
    whole = content(prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path / 'unpacked'}"))
    pack_in_place(tree.root)
    config = data_config("mimic_iv_ecg", tree.root, tmp_path / "stores", SHORT, "data.readers=3")
    interrupt_after(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        prepare_store(config)
    rest = interrupt_after(monkeypatch, 1000)
    assert content(Store.open(prepare_store(config))) == whole
    assert len(rest) == 3
    assert prepare_store(config) == store_path(config)  # again: there is nothing to add


@pytest.mark.parametrize("top", [TOP, "", "two/folders/"])
def test_members_are_found_below_the_folder_that_holds_them_all(tmp_path: Path, top: str) -> None:
    (tmp_path / "tree/files").mkdir(parents=True)
    (tmp_path / "tree/files/a.hea").write_bytes(b"head")
    (tmp_path / "tree/a.csv").write_bytes(b"table")
    archive = pack(tmp_path / "tree", tmp_path / "set.zip", top=top)
    below = "folders/" if top.startswith("two") else ""
    assert read_short(f"{archive}/{below}files/a.hea", 5) == b"head"
    assert read_short(f"{archive}/{below}files/a.hea", 4) is None
    assert TreeFiles(f"{archive}/", follow=False).check_file(f"{below}a.csv") == 5
    listed = {f"{folder.relative_to(archive)}/{name}" for folder, names in walk_tree(archive) for name in names}
    assert listed == {f"{below or './'}a.csv", f"{below}files/a.hea"}


@pytest.mark.parametrize("path", ["../set.zip/a", "./a", "/a", "a/", "", "files", f"{TOP}a", "A", "a\0"])
def test_other_spellings_of_a_path_name_no_member(tmp_path: Path, path: str) -> None:
    archive = write_archive(tmp_path / "set.zip", {f"{TOP}a": b"1", f"{TOP}files/b": b"2"})
    with pytest.raises(BadRecordError, match="file missing"):
        TreeFiles(f"{archive}/", follow=True).check_file(path)


def test_an_archive_within_a_tree_is_a_file_and_no_folder(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    pack(tree.root / "files", tree.root / "files.zip", top="")
    for row in tree.rows[2:17:3]:
        row["path"] = row["path"].replace("files/", "files.zip/")
    tree.write_tables()
    assert prepare("mimic_iv_ecg", tree.root, SHORT).manifest["dropped"] == {"file missing": 5}


def test_sizes_and_places_beyond_32_bits_are_read(tmp_path: Path) -> None:
    """Zip64: the fields of a member stand in its extra field, whether they need to or not."""
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as packed, packed.open("top/a", "w", force_zip64=True) as member:
        member.write(b"content")
    whole = archive.read_bytes()
    start = whole.index(b"PK\x01\x02")
    entry = bytearray(whole[start : whole.index(b"PK\x05\x06")])
    struct.pack_into("<3I", entry, 16, zlib.crc32(b"content"), 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<I", entry, 42, 0xFFFFFFFF)
    struct.pack_into("<H", entry, 30, 28)
    directory = bytes(entry[: 46 + 5]) + struct.pack("<2H3Q", 1, 24, 7, 7, 0)
    end_64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(directory), start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + len(directory), 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    archive.write_bytes(whole[:start] + directory + end_64 + locator + end)
    assert read_short(f"{archive}/a", 100) == b"content"


def flip(archive: Path, name: str, place: int = 100) -> None:
    """Change a byte of a member's content."""
    changed = bytearray(archive.read_bytes())
    changed[changed.index(name.encode()) + len(name) + place] ^= 0x55
    archive.write_bytes(changed)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_costs_its_record_and_no_other(tmp_path: Path, method: int) -> None:
    tree = MimicTree(tmp_path / "tree")
    names = [row["path"] for row in tree.rows[2:14:3]]  # of four patients
    archive = pack(tree.root, tmp_path / "set.zip", method)
    flip(archive, f"{names[0]}.dat")
    flip(archive, f"{names[1]}.hea")
    edit_directory(archive, f"{names[2]}.dat", crc=1)
    local = bytearray(archive.read_bytes())
    local[local.index(f"{names[3]}.hea".encode())] ^= 1  # the name in front of the content is another one
    archive.write_bytes(local)
    store = prepare("mimic_iv_ecg", archive, SHORT)
    assert store.manifest["dropped"] == {"file unreadable": 4}
    assert store.manifest["kept"] == 26


def test_a_damaged_table_is_refused_in_a_sentence(tmp_path: Path) -> None:
    archive = pack(MimicTree(tmp_path / "tree").root, tmp_path / "set.zip")
    flip(archive, "record_list.csv")
    with pytest.raises(DataError, match=r"set\.zip/record_list\.csv is damaged in its archive; download the archive"):
        prepare("mimic_iv_ecg", archive, SHORT)


def test_a_missing_table_is_told_as_in_a_folder(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "set.zip", {"top/other.csv": b"a,b\n1,2\n"})
    with pytest.raises(DataError, match=r"set\.zip/record_list\.csv is missing; set data\.root to the folder"):
        prepare("mimic_iv_ecg", archive, SHORT)


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../b", "a/..", "/a", "//a", "a//b", "a\\b", "..\\a", "C:/a", "c:a", "./a", "a/./b", "a\0b", "a\nb", ""],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    archive = write_archive(tmp_path / "set.zip", {"top/a": b"", "-" * len(name): b"1"})
    archive.write_bytes(archive.read_bytes().replace(b"-" * len(name) or b"?", name.encode()))
    with pytest.raises(DataError, match=r"^member 2 of .*set\.zip has a name that leads out of the archive.*; take"):
        Archive(str(archive))


BOMB = bytes(10_000)
HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "encrypted": (lambda path: edit_directory(path, "t/b", flags=1), "member 2 of .* is encrypted; unpack it"),
    "strongly": (lambda path: edit_directory(path, "t/b", flags=0x41), "is encrypted"),
    "patch": (lambda path: edit_directory(path, "t/b", flags=0x20), "packed by another method"),
    "deflate64": (lambda path: edit_directory(path, "t/b", method=9), "packed by another method than deflate"),
    "link": (lambda path: edit_directory(path, "t/b", attributes=(stat.S_IFLNK | 0o777) << 16), "is a link or no"),
    "device": (lambda path: edit_directory(path, "t/b", attributes=stat.S_IFBLK << 16), "is a link or no regular"),
    "disk": (lambda path: edit_directory(path, "t/b", disk=3), "lies in another part of a split archive; join"),
    "too large": (lambda path: edit_directory(path, "t/b", size=1 << 31), "has a size that it cannot have; download"),
    "too packed": (lambda path: edit_directory(path, "t/b", packed=1 << 15), "has a size that it cannot have"),
    "beyond the end": (lambda path: edit_directory(path, "t/b", offset=1 << 30), "has a size that it cannot have"),
    "overlapping": (lambda path: edit_directory(path, "t/b", offset=1), "lie in one another, as in a zip bomb; do not"),
    "twice": (lambda path: path.write_bytes(path.read_bytes().replace(b"t/b", b"t/a")), "two members of one name"),
    "cut short": (lambda path: path.write_bytes(path.read_bytes()[:-30]), "is cut short: .*; download it again"),
    "beginning lost": (lambda path: path.write_bytes(path.read_bytes()[5:]), "is damaged|is no zip archive"),
    "no archive": (lambda path: path.write_bytes(b"record,path\n" * 9), "is no zip archive; set data.root"),
    "empty": (lambda path: path.write_bytes(b""), "is cut short"),
    "fewer members": (lambda path: edit_end(path, 10, 1), "is damaged: its central directory"),
    "more members": (lambda path: edit_end(path, 10, 4), "is damaged: its central directory"),
    "a part": (lambda path: edit_end(path, 4, 1), "is a part of a split archive; join the parts"),
    "directory elsewhere": (lambda path: edit_end(path, 16, 0), "is damaged: its central directory"),
}


def edit_end(archive: Path, place: int, value: int) -> None:
    changed = bytearray(archive.read_bytes())
    for offset in (place, place - 2) if place == 10 else (place,):
        struct.pack_into("<H", changed, changed.rindex(b"PK\x05\x06") + offset, value)
    archive.write_bytes(changed)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_are_refused_in_one_sentence(tmp_path: Path, case: str) -> None:
    archive = write_archive(tmp_path / "set.zip", {"t/a": b"1" * 100, "t/b": BOMB, "t/c": b"2" * 100})
    damage, sentence = HOSTILE[case]
    damage(archive)
    with pytest.raises(DataError, match=sentence) as caught:
        prepare("mimic_iv_ecg", archive, SHORT)
    assert "\n" not in str(caught.value)
    assert "t/b" not in str(caught.value)  # names hold ids
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"] or not list((tmp_path / "stores").glob("*/"))


@pytest.mark.parametrize("size", [9_999, 500, 0, 10_001])
def test_a_size_that_lies_is_noticed_before_more_is_unpacked(tmp_path: Path, size: int) -> None:
    archive = write_archive(tmp_path / "set.zip", {"t/a": b"1", "t/b": BOMB})
    edit_directory(archive, "t/b", size=size)
    opened = Archive(str(archive))
    member = opened.find("b")
    assert member is not None
    with pytest.raises(DamagedMemberError):
        opened.read("b", member)
    target = io.BytesIO()
    with pytest.raises(DamagedMemberError):
        opened.unpack("b", member, target)
    assert len(target.getvalue()) <= size


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    """A quarter of a gigabyte of zeros in the place of a header and of samples."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(1 << 20)
    packed = b"".join(deflate.compress(zeros) for _ in range(256)) + deflate.flush()
    archive = write_archive(tmp_path / "set.zip", {"t/a.hea": packed}, zipfile.ZIP_STORED)
    edit_directory(archive, "t/a.hea", method=8, size=256 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read_short(f"{archive}/a.hea", 1 << 16) is None
    with pytest.raises(BadRecordError) as caught:
        read_whole(f"{archive}/a.hea", memoryview(bytearray(6000)))
    assert caught.value.reason is Drop.SIZE
    local = bytearray(archive.read_bytes())
    local[8] = 8
    archive.write_bytes(local)
    edit_directory(archive, "t/a.hea", size=300 << 10)  # the ratio that deflate can have, and a lie
    with pytest.raises(BadRecordError) as caught:
        read_whole(f"{archive}/a.hea", memoryview(bytearray(300 << 10)))
    assert caught.value.reason is Drop.FILE_UNREADABLE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 << 10


def test_a_file_of_another_name_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "set.tar").write_bytes(b"content")
    with pytest.raises(DataError, match=r"set\.tar is not a folder or an archive that ends in \.zip; set data\.root"):
        prepare("mimic_iv_ecg", tmp_path / "set.tar", SHORT)


def test_nothing_is_downloaded_into_an_archive(
    tmp_path: Path, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_archive(tmp_path / "set.zip", {"t/a": b"1"})
    before = archive.read_bytes()
    assert command("download", "data=mimic_iv_ecg", f"data.root={archive}", "url=http://127.0.0.1:1/") == 2
    assert "is a file; give the folder that the files are brought to" in capsys.readouterr().err.replace("\n", " ")
    assert archive.read_bytes() == before


@pytest.mark.slow
def test_processes_read_an_archive_side_by_side(tmp_path: Path) -> None:
    archive = pack(MimicTree(tmp_path / "tree").root, tmp_path / "set.zip")
    one = prepare("mimic_iv_ecg", archive, SHORT, f"data.store={tmp_path / 'one'}")
    two = prepare("mimic_iv_ecg", archive, SHORT, f"data.store={tmp_path / 'two'}", "data.n_processes=2")
    assert content(two) == content(one)


@pytest.mark.slow
def test_no_damage_gives_other_content(tmp_path: Path) -> None:
    """Bytes changed, cut off or put in anywhere: refused, missing, damaged, or what was packed."""
    rng = np.random.default_rng(0)
    members = {f"{number}.hea": rng.bytes(30 * number) + b"ab" * 200 * number for number in range(6)}
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number, (name, packed_content) in enumerate(members.items()):
            packed.writestr(f"{TOP}{name}", packed_content, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[number % 2])
    sound, outcomes = archive.read_bytes(), {"refused": 0, "left out": 0, "right": 0}
    directory = sound.index(b"PK\x01\x02")
    for case in range(600):
        damaged = bytearray(sound)
        damaged[rng.integers((0, directory)[case % 2], len(sound))] ^= 1 << int(rng.integers(8))
        if case % 10 == 0:
            del damaged[rng.integers(len(damaged)) :]
        elif case % 10 == 1:
            damaged.insert(int(rng.integers(len(damaged))), 0)
        archive.write_bytes(damaged)
        for name, wanted in members.items():
            try:
                assert read_short(f"{archive}/{name}", 1 << 16) == wanted
                outcomes["right"] += 1
            except BadRecordError:
                outcomes["left out"] += 1
            except DataError:
                outcomes["refused"] += 1
                break
    assert min(outcomes.values()) > 50
