"""Shapes of Voice Live's JSON: kinds of values, how objects are checked, and what is wrong.

The official SDK's models don't check anything (a missing field reads as None), so the shapes that
a client's objects must have stand here. What the service sends are plain objects, built where
they arise.
"""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails


class ProtocolError(Exception):
    """The client asked for what can't be done; becomes an ``error`` event, changes nothing.

    ``message`` says what to do; ``param`` is the path of what is wrong, such as
    ``session.turn_detection.threshold``.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.type = type

    def describe(self, client_event_id: str | None = None) -> dict[str, Any]:
        """The ``error`` member of an ``error`` event."""
        return {
            "type": self.type,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": client_event_id,
        }


def _whole(value: object) -> object:
    """JSON has one kind of number: 500.0 is a whole one, true and "500" are none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (bool, str, bytes)):
        raise ValueError("a whole number is needed here")  # noqa: TRY004 - pydantic's own signal
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True)]
Object = dict[str, Any]
Milliseconds = Annotated[Whole, Field(ge=0, le=600_000)]
Share = Annotated[Number, Field(ge=0, le=1)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=512)]

ShapeT = TypeVar("ShapeT", bound=BaseModel)


class Shape(BaseModel):
    """A JSON object with fields of these kinds; others are kept as they come."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


def check_shape(shape: type[ShapeT], value: Any, param: str = "") -> ShapeT:
    """``value`` as ``shape``. Raises ProtocolError with the path of the first thing wrong."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _as_protocol_error(first, value, param) from None


_REASONS = {
    "missing": "it is required",
    "union_tag_not_found": "it is required",
    "dict_type": "it must be an object",
    "model_type": "it must be an object",
    "model_attributes_type": "it must be an object",
    "list_type": "it must be a list",
    "string_type": "it must be a string",
    "bool_type": "it must be true or false",
    "too_short": "it must not be empty",
    "string_too_short": "it must not be empty",
}
"""In JSON's words, where pydantic's are Python's."""


def _as_protocol_error(error: ErrorDetails, value: Any, param: str) -> ProtocolError:
    kind, location = error["type"], error["loc"]
    path = param
    for position, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif _has(value, part) or (kind == "missing" and position == len(location) - 1):
            path += f".{part}" if path else part
        else:
            # The name of a member of a union: not a part of what the client wrote.
            continue
        value = _step(value, part)
    if kind.startswith("union_tag"):
        path += ".type" if path else "type"
    if kind in ("missing", "union_tag_not_found"):
        code = "missing_required_parameter"
    elif kind.endswith("_type"):
        code = "invalid_type"
    else:
        code = "invalid_value"
    if kind == "union_tag_invalid":
        reason = f"must be one of {error['ctx']['expected_tags']}"
    else:
        reason = _REASONS.get(kind, error["msg"].removeprefix("Value error, "))
    return ProtocolError(
        f"Invalid '{path or 'event'}': {reason[:1].lower()}{reason[1:]}.",
        code=code,
        param=path or None,
    )


def _has(value: Any, part: str) -> bool:
    return isinstance(value, dict) and part in value


def _step(value: Any, part: int | str) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def name_or_object(value: Any) -> str:
    """The tag of a member that is a name alone or an object."""
    return "name" if isinstance(value, str) else "object"
