"""Values that mutations put into fields of headers and tables: other spellings of a value, extremes, and nonsense."""

from collections.abc import Callable

# fmt: off
GAINS = (
    "200", "200.0", "200/mV", "2e2/mV", "200.0(0)", "200(7)/mV", "200.(-12)/mV", "-200(0)/mV", "+200(0)/mV",
    "200()/mV", "200(+5)/mV", "200(0", "200 (0)/mV", "200/mV(0)", "0(0)/mV", "1e-300(0)/mV", "1e300(0)/mV", "2E2/mV",
    "200-5/mV", "2_00(0)/mV", "２００(0)/mV", "nan/mV", "inf/mV", "1e400/mV", "0.2(0)/mV", "20000(0)/mV",
    "200(99999999999)/mV", "200(1000000)/mV", "200(-32768)/mV", "1e-310/mV", ".5/mV", "5./mV", "./mV", "e5/mV",
    "1e/mV", "200.0.0/mV", "/mV",
)
UNITS = (
    "uV", "mv", "V", "mmHg", "mV/x", "", "m V", "μV", "mV)", "mV#", "NU",
)
FORMATS = (
    "16x1", "16x2", "16:0", "16:3", "16+0", "16+100", "16x2:3+24", "016", "16.0", "+16", "8", "80", "212", "24", "32",
)
NAMES = (
    "V7", "v6", "V6 V6", "V5", "", "aVR ", "avl", "V6\t#", "V６", "V6\xa0", "#V6", "V6#", "Ⅰ", "V6,", "ECG", "12",
)
BREAKS = (
    "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\n\n", " \n", "\n ", "\n\t", "", " ",
)
COMMENTS = (
    "#", "# age: 60", " # indented", "#\u2028rest", "#\x85rest", "# \x0b5", "# é", "##\r# x", "# 12 leads", "\t#",
)
HEADER_NUMBERS = (
    "", "0", "00", "-0", "-1", "+1", "1.5", "1,5", ".5", "5.", "1e3", "1E3", "1e400", "1e-400", "nan", "inf", "-inf",
    "0x10", "1_000", "1 000", "٣", "５００", "²", "--1", "1-", "12a", "1\x00", "999999999999", "9" * 5_000,
    "-" + "9" * 400, "32768", "-32769", "65536", "2147483648", "-2147483649", "9223372036854775808",
    "18446744073709551616",
)
HEADER_TIMES = (
    "", "12:04:00", "12:04", "4", "12:04:00.5 22/09/2182", "12:4:0 22/9/2182", "24:00:00 22/09/2182",
    "12:60:00 22/09/2182", "12:04:60 22/09/2182", "12:04:00 31/02/2182", "12:04:00 0/0/0", "12:04:00 22-09-2182",
    "12:04:00 22/09/82", "noon", "12:04:00 22/09/2182 more", "12:04:00. 22/09/2182", "12:04:00 22/09/2183",
    "١٢:04:00 22/09/2182", "[12:04:00]",
)
CELL_NUMBERS = (
    "", " ", "-5", "1e3", "1E3", "inf", "-inf", "nan", "29999", "32767", "1_000", "٣", "0x10", "1,5", "1.5", "1e400",
    "--1", "9" * 400, "+7", "5.", ".5", "12a", "1e-400", "-0", "1 2", "\x00", "1\x00", "True", "-32768", "65535.0",
    "3.4e38", "1e39",
)
CELL_TIMES = (
    "", "2182-09-22", "2182-09-22 12:04", "2182-09-22T12:04:00", "2182-9-22 12:4:0", "2182-09-22 12:04:60",
    "22/09/2182", "2182-02-30 12:04:00", "2182-09-22 24:00:00", "0000-01-01 00:00:00", "-2182-09-22 12:04:00",
    "99999-01-01 00:00:00", "82-09-22 12:04:00", "2182-09-22 12:04:00.5", " 2182-09-22 12:04:00 ",
    "2182-09-22 12:04:01", "1758542640", "nan", "２182-09-22 12:04:00", "2182-09-22 12:04:00+01:00",
    "+2182-09-22 12:04:00", "2182-09-22  12:04:00", "9999-12-31 23:59:59",
)
CELL_TEXTS = (
    "", " ", '"', '""', 'the "P" wave', "a, b", "first\nsecond", "first\r\nsecond", "a\rb", "\x00", "tab\tbed",
    "ä μ ² ½", "\ufeffSinus rhythm", "�", "\u202erhythm", "=1+1", "'; drop", "x" * 100_000, "é", "\ud7ff", "NULL",
    "nan", "-1", "Sinus\u2028rhythm", "\x85", "\x1c", "#", "🫀", "\\", "\\n", '\\"', "Dr. Who", "10000000", "1,2,3",
    '","', "\n", '"\n',
)
IDS: tuple[Callable[[str], str], ...] = (
    lambda key: f"{key}.0", lambda key: f" {key} ", lambda key: f"+{key}", lambda key: f"-{key}", lambda key: f"0{key}",
    lambda key: f"{key}0", lambda key: key[:-1], lambda key: f"{key}.5", lambda key: f"{int(key):.1e}",
    lambda key: f"{int(key):_}", lambda key: f"{int(key):,}", lambda key: "", lambda key: f"{key}.00",
    lambda key: hex(int(key)), lambda key: f"{key}\0", lambda key: "nan", lambda key: f"{key}.0.0",
    lambda key: "9223372036854775808", lambda key: "-9223372036854775808", lambda key: str(int(key) + 1),
    lambda key: f"{key} {key}", lambda key: "²", lambda key: "".join(chr(ord(digit) + 0xFEE0) for digit in key),
)
PATHS: tuple[Callable[[str], str], ...] = (
    lambda path: "", lambda path: f"/{path}", lambda path: f"../{path}", lambda path: f"{path}/../../../../../etc",
    lambda path: f"{path}\0", lambda path: f"{path}.hea", lambda path: f"./{path}", lambda path: f"C:\\{path}",
    lambda path: path.replace("/", "\\"), lambda path: path.replace("/", "//"), lambda path: f" {path}",
    lambda path: f"{path} ", lambda path: path.replace("files", "f" * 5000), lambda path: "a/" * 5000 + path,
    lambda path: path[:-1], lambda path: path.rpartition("/")[0], lambda path: path.upper(), lambda path: f"~/{path}",
    lambda path: f"file://{path}", lambda path: path.rpartition("/")[2], lambda path: f"{path}\n",
    lambda path: "/dev/zero", lambda path: f"{path}/", lambda path: path[:-1] + str((int(path[-1]) + 1) % 10),
    lambda path: f"{path[:-8]}../{path[-8:]}", lambda path: "*",
)
# fmt: on
