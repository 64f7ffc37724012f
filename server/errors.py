"""What can go wrong in the domain. No HTTP here: server.api.problems says how each is answered."""


class DomainError(Exception):
    """`detail` is for a person to read and never repeats what was sent.

    It is in English; `message` and the `values` in it are what is said in another language.
    """

    def __init__(self, message: str, **values: object) -> None:
        self.message, self.values = message, values
        self.detail = message % values if values else message
        super().__init__(self.detail)


class NotFound(DomainError):
    """It is not there, or not for the one who asks: the two must look the same."""


class Conflict(DomainError):
    """It cannot be done in the state that things are in."""


class Outdated(Conflict):
    """An edit of a version that is not the one in force any more."""


class Unconditional(Conflict):
    """An edit that does not say which version it is of."""


class Refused(DomainError):
    """The content breaks a rule; `field` is the one to blame."""

    def __init__(self, field: str, message: str, **values: object) -> None:
        super().__init__(message, **values)
        self.field = field


class SignInFailed(DomainError):
    """Unknown account, wrong password, disabled: never told apart."""


# Of one minute, and of several.
ATTEMPTS = ("Too many attempts. Try again in a minute.", "Too many attempts. Try again in %(minutes)d minutes.")
REQUESTS = ("Too many requests. Try again in a minute.", "Too many requests. Try again in %(minutes)d minutes.")


class TooMany(DomainError):
    """More than is allowed; `seconds` until the next."""

    def __init__(self, seconds: int, of: tuple[str, str] = ATTEMPTS) -> None:
        minutes = -(-seconds // 60)
        super().__init__(of[minutes > 1], minutes=minutes)
        self.seconds = seconds


class PasswordNeeded(DomainError):
    """The device is signed in, and its owner must show again who it is."""


class Busy(DomainError):
    """More at once than this process takes on; trying again in a moment helps."""

    seconds = 5


class MfaRequired(DomainError):
    """The password is right, and the second step is missing or wrong."""


class MfaEnrolmentRequired(DomainError):
    """Nothing may be done before a second step is set up."""


class ParticipationWithdrawn(DomainError):
    """The patient takes no part any more, and may grant it again."""


class MailRefused(DomainError):
    """The mail server did not take a message; `lasting` when it never will."""

    def __init__(self, detail: str, *, lasting: bool) -> None:
        super().__init__(detail)
        self.lasting = lasting


class Unanswered(DomainError):
    """A request of ours to somebody else's service has no answer. `arrived`: it may have, all the same."""

    def __init__(self, detail: str, *, arrived: bool) -> None:
        super().__init__(detail)
        self.arrived = arrived


class WebhookRefused(DomainError):
    """A clinic's endpoint did not take a message; `lasting` when it never will, `after`: not for so many seconds."""

    def __init__(self, detail: str, *, lasting: bool, after: int = 0) -> None:
        super().__init__(detail)
        self.lasting, self.after = lasting, after


class NotABounce(DomainError):
    """A mail that came back to us and tells of no message of ours that it could not be delivered."""


class PushRefused(DomainError):
    """A push service did not take a message. `again`: it may, later, and surely has not sent this one."""

    def __init__(self, detail: str, *, again: bool, after: int = 0) -> None:
        super().__init__(detail)
        self.again, self.after = again, after


class PushAddressGone(DomainError):
    """The device that the address led to is not there any more."""


class WrongClock(Exception):
    """This machine's clock and the database's are far apart: nothing is decided by either."""
