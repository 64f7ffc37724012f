"""What a push service's answer means for the push."""

from server.errors import PushRefused
from server.posting import Answer


def refusal(answer: Answer) -> PushRefused:
    """Its text is a status: never an address, nor what the service wrote."""
    return PushRefused(f"HTTP {answer.status}", again=answer.passing, after=answer.after)
