"""Files that are private, whole or absent, and held by one program at a time."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from server.local.errors import LocalError


def write_private(path: Path, content: str | bytes) -> None:
    """Write the whole file or nothing, readable by its owner only, and on disk when this returns."""
    part = path.with_name(f".{path.name}.new")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A rename survives a power cut only when its folder is on disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lock:
    """A lock that the kernel drops with the program that holds it, however that ends."""

    def __init__(self, path: Path, who: str) -> None:
        self.path = path
        self.who = who
        self._descriptor = -1

    def take(self) -> bool:
        """False when another program (or another Lock of this one) holds it."""
        if self._descriptor >= 0:
            return True
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{self.who} (process {os.getpid()})".encode(), 0)
        self._descriptor = descriptor
        return True

    def holder(self) -> str:
        """Who wrote its name into the lock file last."""
        return self.path.read_text(errors="replace").strip() or "another program"

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        if not self.take():
            raise LocalError(f"{self.holder()} already runs in {self.path.parent.parent}. Stop it first.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
