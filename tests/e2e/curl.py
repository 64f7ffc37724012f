"""As much of curl as the documentation uses, for machines without one; it notes each status in the file $STATUSES."""

import argparse
import os
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

Lines = list[tuple[str, str]]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="body")
    parser.add_argument("-o", dest="output", default="/dev/stdout")
    parser.add_argument("-D", dest="dumped", default=os.devnull)
    asked = parser.parse_args(arguments)
    status, lines, body = answer(asked)
    Path(asked.output).write_bytes(body)
    Path(asked.dumped).write_bytes("".join(f"{name}: {value}\r\n" for name, value in lines).encode())
    with Path(os.environ["STATUSES"]).open("a", encoding="ascii") as noted:
        noted.write(f"{status}\n")


def answer(asked: argparse.Namespace) -> tuple[int, Lines, bytes]:
    parts = urlsplit(asked.url)
    headers = dict(header.split(": ", 1) for header in asked.headers)
    wire = HTTPConnection(parts.netloc, timeout=30)
    try:
        method = asked.method or ("POST" if asked.body else "GET")
        body = asked.body.encode() if asked.body else None
        wire.request(method, f"{parts.path}?{parts.query}".rstrip("?"), body, headers)
        given = wire.getresponse()
        return given.status, given.getheaders(), given.read()
    finally:
        wire.close()


if __name__ == "__main__":
    main(sys.argv[1:])
