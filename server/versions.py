"""Versions of the app on the phones: how they are written, and which are still good."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

Version = tuple[int, ...]

_NUMBERED = re.compile(r"\d{1,5}(\.\d{1,5}){0,3}", re.ASCII)
_PLATFORM = re.compile(r"[a-z]{1,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AppVersions:
    """By platform, such as ios: the oldest version that is good, and where a newer one is."""

    least: Mapping[str, Version]
    update_urls: Mapping[str, str]

    def is_outgrown(self, platform: str, version: Version) -> bool:
        return platform in self.least and version < self.least[platform]


def parse_version(text: str) -> Version:
    """1.4 is 1.4.0.0. Raises ValueError."""
    if not _NUMBERED.fullmatch(text):
        raise ValueError("must be a version such as 1.4.0")
    numbers = [int(number) for number in text.split(".")]
    return (*numbers, *[0] * (4 - len(numbers)))


def parse_app(text: str) -> tuple[str, Version] | None:
    """ios/1.3.9, as the header X-App-Version has it; None for anything else."""
    platform, _, number = text.partition("/")
    if not _PLATFORM.fullmatch(platform) or not _NUMBERED.fullmatch(number):
        return None
    return platform, parse_version(number)


def least_versions(raw: str) -> Mapping[str, Version]:
    """Of a setting such as ios=1.4.0,android=1.3.2. Raises ValueError."""
    return {platform: parse_version(number) for platform, number in _pairs(raw).items()}


def update_urls(raw: str) -> Mapping[str, str]:
    """Of a setting such as ios=https://...,android=https://... Raises ValueError."""
    found = _pairs(raw)
    for url in found.values():
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or set(url) & set('<>" '):
            raise ValueError("must be https:// addresses")
    return found


def _pairs(raw: str) -> dict[str, str]:
    pairs = [pair.strip().partition("=") for pair in raw.split(",")]
    if not all(_PLATFORM.fullmatch(name) and value for name, _, value in pairs):
        raise ValueError(
            "must be platform=value pairs with commas between; a platform is in small letters, such as ios"
        )
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise ValueError("must name each platform once")
    return {name: value for name, _, value in pairs}
