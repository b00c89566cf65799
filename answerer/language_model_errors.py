"""What can go wrong with a language model, one class for each thing a caller may tell apart.

No message holds the key or any text of the upstream.
"""

from typing import ClassVar


class LanguageModelError(Exception):
    """The language model gave no usable answer; ``code`` says in one word why, the message what to do."""

    code: ClassVar[str] = "language_model"


class LanguageModelUnreachableError(LanguageModelError):
    """No connection, or it broke before a response began."""

    code = "unreachable"


class LanguageModelTimeoutError(LanguageModelError):
    """The deadline passed."""

    code = "timeout"


class LanguageModelRateLimitedError(LanguageModelError):
    """429, and waiting as told would pass the deadline or was in vain."""

    code = "rate_limited"


class LanguageModelUnauthorizedError(LanguageModelError):
    """401 or 403."""

    code = "unauthorized"


class LanguageModelRejectedError(LanguageModelError):
    """Any other 4xx: the request does not suit the endpoint, most often the model's name."""

    code = "rejected"


class LanguageModelUnavailableError(LanguageModelError):
    """5xx, after the retries."""

    code = "unavailable"


class LanguageModelBadResponseError(LanguageModelError):
    """Not what a chat-completions endpoint sends: HTML, bad JSON; cut short, compressed, endless or empty."""

    code = "bad_response"
