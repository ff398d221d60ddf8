"""How the sandbox says no, in OpenAI's shape."""

from typing import Any

import orjson


class Refusal(Exception):
    """A request the sandbox will not answer. ``param`` is the path of the field at fault, where there is one.

    https://platform.openai.com/docs/guides/error-codes
    """

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status
        self.kind = kind
        self.code = code
        self.headers = headers or {}

    def body(self) -> bytes:
        """The error as JSON."""
        error: dict[str, Any] = {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }
        return orjson.dumps({"error": error})


def unknown_model(name: str) -> Refusal:
    """What OpenAI answers to a model it does not have."""
    return Refusal(
        f"The model '{name[:100]}' does not exist; GET /v1/models lists those that do.",
        param="model",
        status=404,
        code="model_not_found",
    )
