"""The kinds of problems: what each means and what to do. Answers, pages and the description read this table."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`meaning` is what happened, `remedy` what whoever reads it can do."""

    status: int
    title: str
    meaning: str
    remedy: str


KINDS: Mapping[str, Kind] = {
    "not-json": Kind(
        400,
        "The body is not JSON",
        "The body could not be read; nothing was stored.",
        "Send one JSON value in UTF-8, as RFC 8259 has it: no NaN, no name twice.",
    ),
    "bad-request": Kind(
        400, "The request cannot be read", "The HTTP request itself is malformed.", "Send it again, as HTTP has it."
    ),
    "not-signed-in": Kind(
        401,
        "Sign in first",
        "The access token is missing, wrong, ended or revoked.",
        "Refresh it with POST /v1/tokens/refresh, or sign in again with POST /v1/tokens.",
    ),
    "sign-in-failed": Kind(
        401,
        "Sign-in failed",
        "The account or the password is wrong.",
        "Check both. A patient who forgot the password asks the clinic for a new invite.",
    ),
    "mfa-required": Kind(
        401,
        "The second step is missing",
        "The password is right, and the code of the second step is missing or wrong.",
        "Send both again, with a code of the authenticator app as mfa_code.",
    ),
    "mfa-enrolment-required": Kind(
        403,
        "Set up a second step first",
        "This account must have a second step, and has none.",
        "Begin with POST /v1/me/mfa; until it is confirmed, little else is allowed.",
    ),
    "password-needed": Kind(
        403,
        "Sign in with the password first",
        "A device that stays signed in is not enough for this.",
        "Sign in again with the password, and use the new token.",
    ),
    "participation-withdrawn": Kind(
        403,
        "Participation is withdrawn",
        "Nothing was stored, for you take no part any more.",
        "POST /v1/consents grants it again, if that is wanted.",
    ),
    "forbidden": Kind(
        403, "Not for this account", "This account's role may not do this.", "Sign in with an account that may."
    ),
    "not-found": Kind(
        404,
        "Not found",
        "It is not there, or not visible to this account.",
        "Check the address. What is another's looks like what is not there.",
    ),
    "method-not-allowed": Kind(
        405,
        "Method not allowed",
        "This address does not take this method.",
        "Use one of those that the header Allow names.",
    ),
    "conflict": Kind(
        409,
        "Not in this state",
        "What you ask contradicts what is stored.",
        "Read what is stored now, and decide anew.",
    ),
    "outdated": Kind(
        412,
        "Edited since",
        "If-Match names another version than the one in force.",
        "Read the version in force, and edit that.",
    ),
    "too-large": Kind(413, "Too large", "A body has at most 256 KiB.", "Send it in several requests."),
    "unsupported-media-type": Kind(
        415,
        "Unsupported media type",
        "The body is of another type, or compressed.",
        "Send application/json, not compressed.",
    ),
    "invalid": Kind(
        422,
        "The content breaks a rule",
        "What was sent can be read, but part of it breaks a rule.",
        "`errors` says which part, by JSON pointer, and why. Correct it, and send it again under the same id.",
    ),
    "app-too-old": Kind(
        426,
        "This app is too old",
        "This version of the app can no longer show what is stored. What you report is still taken.",
        "Update the app; the header Link says where.",
    ),
    "if-match-missing": Kind(
        428,
        "Say what you edit",
        "Something else is stored under this id.",
        "To edit it, send its ETag in If-Match. For a new one, make a new id.",
    ),
    "too-many-requests": Kind(
        429, "Too many requests", "More was asked than is allowed.", "Try again after Retry-After seconds."
    ),
    "server-error": Kind(
        500,
        "Something broke here",
        "The fault is ours.",
        "Try again: a check-in that was stored is not stored twice. If it stays, tell us the request_id.",
    ),
    "unavailable": Kind(
        503,
        "Not available now",
        "The service is away or busy for a moment.",
        "Try again after Retry-After seconds. Nothing that was stored is lost.",
    ),
}
