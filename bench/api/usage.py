"""What a tree of programs has used: processor time and memory, as Linux counts them (/proc)."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """This process and all below it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(_fields(stat)[1]), []).append(int(stat.parent.name))
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
    found = [root]
    for one in found:
        found += parents.get(one, [])
    return found


def cpu_seconds(root: int) -> float:
    """Of the tree, with what its ended members had used."""
    total = 0
    for pid in tree(root):
        try:
            total += sum(int(ticks) for ticks in _fields(Path(f"/proc/{pid}/stat"))[11:15])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / TICKS


def resident_mb(root: int) -> float:
    """Memory of the tree; what its members share is counted once (PSS)."""
    total = 0
    for pid in tree(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def _fields(stat: Path) -> list[str]:
    """From the state on (proc(5), field 3): a name may hold spaces."""
    return stat.read_text().rpartition(")")[2].split()
