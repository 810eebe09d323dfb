"""Settings as all programs of the project read them: which variable a field is, by one scheme.

A field is the variable ``VOICELIVE_…`` of its class's prefix, or, where the platform or another
program names it, the one that ``named`` gives it.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings


def named(variable: str, default: Any, **constraints: Any) -> Any:
    """A field that is read from this variable, whatever the prefix of its class is."""
    return Field(default, validation_alias=variable, **constraints)


def variable_of(settings: type[BaseSettings], field: str) -> str:
    """The environment variable of a field, by its name or its alias."""
    info = settings.model_fields.get(field)
    if info is None:
        # Errors name a field with an alias by that.
        return field
    return str(
        info.validation_alias or f"{settings.model_config.get('env_prefix', '')}{field}"
    ).upper()


def variables_of(settings: type[BaseSettings]) -> Mapping[str, str]:
    """The variables of all fields, each with its field."""
    return {variable_of(settings, field): field for field in settings.model_fields}
